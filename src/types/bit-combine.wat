;; Combines bits (bit-combine.ts). Memory: 16 KiB of the result, then 16 KiB of an operand.
(module
  (memory (export "memory") 1)

  ;; Each combines the first `end` bytes of both, a multiple of 32 above 0, into the result.
  (func (export "and") (param $end i32)
    (local $at i32)
    (loop $next
      (i64.store (local.get $at)
        (i64.and (i64.load (local.get $at)) (i64.load offset=16384 (local.get $at))))
      (i64.store offset=8 (local.get $at)
        (i64.and (i64.load offset=8 (local.get $at)) (i64.load offset=16392 (local.get $at))))
      (i64.store offset=16 (local.get $at)
        (i64.and (i64.load offset=16 (local.get $at)) (i64.load offset=16400 (local.get $at))))
      (i64.store offset=24 (local.get $at)
        (i64.and (i64.load offset=24 (local.get $at)) (i64.load offset=16408 (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))

  (func (export "or") (param $end i32)
    (local $at i32)
    (loop $next
      (i64.store (local.get $at)
        (i64.or (i64.load (local.get $at)) (i64.load offset=16384 (local.get $at))))
      (i64.store offset=8 (local.get $at)
        (i64.or (i64.load offset=8 (local.get $at)) (i64.load offset=16392 (local.get $at))))
      (i64.store offset=16 (local.get $at)
        (i64.or (i64.load offset=16 (local.get $at)) (i64.load offset=16400 (local.get $at))))
      (i64.store offset=24 (local.get $at)
        (i64.or (i64.load offset=24 (local.get $at)) (i64.load offset=16408 (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))

  (func (export "xor") (param $end i32)
    (local $at i32)
    (loop $next
      (i64.store (local.get $at)
        (i64.xor (i64.load (local.get $at)) (i64.load offset=16384 (local.get $at))))
      (i64.store offset=8 (local.get $at)
        (i64.xor (i64.load offset=8 (local.get $at)) (i64.load offset=16392 (local.get $at))))
      (i64.store offset=16 (local.get $at)
        (i64.xor (i64.load offset=16 (local.get $at)) (i64.load offset=16400 (local.get $at))))
      (i64.store offset=24 (local.get $at)
        (i64.xor (i64.load offset=24 (local.get $at)) (i64.load offset=16408 (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))))
