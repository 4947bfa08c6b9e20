;; Counts bits (bit-counter.ts). Memory: 64 KiB of input.
(module
  (memory (export "memory") 1)

  ;; The bits of the input up to `end`, a multiple of 32 above 0.
  (func (export "count") (param $end i32) (result i32)
    (local $at i32) (local $sum i64)
    (loop $next
      (local.set $sum
        (i64.add
          (i64.add
            (i64.add (local.get $sum) (i64.popcnt (i64.load (local.get $at))))
            (i64.popcnt (i64.load offset=8 (local.get $at))))
          (i64.add
            (i64.popcnt (i64.load offset=16 (local.get $at)))
            (i64.popcnt (i64.load offset=24 (local.get $at))))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (i32.wrap_i64 (local.get $sum))))
