;; Combines bits (bit-combine.ts). Memory: 32 KiB of the result, then 32 KiB of an operand.
(module
  (memory (export "memory") 1)

  ;; Each combines the first `end` bytes of both, a multiple of 32 above 0, into the result.
  (func (export "and") (param $end i32)
    (local $at i32)
    (loop $next
      (v128.store (local.get $at)
        (v128.and (v128.load (local.get $at)) (v128.load offset=32768 (local.get $at))))
      (v128.store offset=16 (local.get $at)
        (v128.and (v128.load offset=16 (local.get $at)) (v128.load offset=32784 (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))

  (func (export "or") (param $end i32)
    (local $at i32)
    (loop $next
      (v128.store (local.get $at)
        (v128.or (v128.load (local.get $at)) (v128.load offset=32768 (local.get $at))))
      (v128.store offset=16 (local.get $at)
        (v128.or (v128.load offset=16 (local.get $at)) (v128.load offset=32784 (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))

  (func (export "xor") (param $end i32)
    (local $at i32)
    (loop $next
      (v128.store (local.get $at)
        (v128.xor (v128.load (local.get $at)) (v128.load offset=32768 (local.get $at))))
      (v128.store offset=16 (local.get $at)
        (v128.xor (v128.load offset=16 (local.get $at)) (v128.load offset=32784 (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))))
