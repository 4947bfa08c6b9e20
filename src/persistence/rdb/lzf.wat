;; The two loops of LZF (lzf.ts tells the format). Memory, in bytes:
;;
;;   0x00000  candidates: for each hash of four bytes the place where they were last seen, an i32 (2^14 of them)
;;   0x10000  input: 64 KiB, and 256 bytes that may be read but mean nothing
;;   0x20100  history: what was expanded before, 8 KiB
;;   0x22100  output: 66 KiB, which is what literals alone take, and 256 bytes that may be written but mean nothing
;;   0x32a00  where in the input `expand` stopped, an i32
;;   0x32b00  stage: 128 KiB in which output is put together, and 256 bytes that may be written but mean nothing
;;
;; Candidates are stored as place - input + base. The base grows with every input, so what earlier inputs left is below it and known to be stale; wiping
;; the table for every short text would cost more than the compression.
(module
  (memory (export "memory") 6)
  (global $base (mut i32) (i32.const 1))

  ;; Compresses the input up to `end` to `out`. Returns the end of the output, or 0 if that would be beyond `limit`. (One function, as the engine puts none
  ;; into its caller: with five it took twice as long.)
  (func (export "compress") (param $end i32) (param $out i32) (param $limit i32) (result i32)
    (local $at i32) (local $literals i32) (local $shift i32) (local $count i32)
    (local $bytes i32) (local $entry i32) (local $candidate i32) (local $length i32) (local $longest i32) (local $difference i64)
    (local $usual i32)

    (if (i32.gt_u (global.get $base) (i32.const 0x7ffe0000))
      (then
        (memory.fill (i32.const 0) (i32.const 0) (i32.const 0x10000))
        (global.set $base (i32.const 1))))
    (local.set $at (i32.const 0x10000))
    (local.set $shift (i32.sub (global.get $base) (local.get $at)))
    (global.set $base (i32.add (local.get $shift) (local.get $end)))

    (loop $item
      (local.set $literals (local.get $at))

      ;; To the next place whose four bytes were seen before, or to the end.
      (block $found
        (loop $search
          (if (i32.gt_u (i32.add (local.get $at) (i32.const 4)) (local.get $end))
            (then
              (local.set $at (local.get $end))
              (br $found)))
          (local.set $bytes (i32.load (local.get $at)))
          (local.set $entry
            (i32.shl
              (i32.shr_u (i32.mul (local.get $bytes) (i32.const 0x9e3779b1)) (i32.const 18))
              (i32.const 2)))
          (local.set $candidate (i32.sub (i32.load (local.get $entry)) (local.get $shift)))
          (i32.store (local.get $entry) (i32.add (local.get $at) (local.get $shift)))
          (block $isOther
            (br_if $isOther (i32.lt_s (local.get $candidate) (i32.const 0x10000)))
            (br_if $isOther (i32.gt_u (i32.sub (local.get $at) (local.get $candidate)) (i32.const 8192)))
            (br_if $found
              (i32.eq (i32.load (local.get $candidate)) (local.get $bytes))))
          ;; The longer nothing is found, the fewer places are tried: what is random, or compressed already, is not worth the time.
          (local.set $at
            (i32.add
              (i32.add (local.get $at) (i32.const 1))
              (i32.shr_u (i32.sub (local.get $at) (local.get $literals)) (i32.const 6))))
          (br $search)))

      ;; What lies before it are literals, in runs of 32.
      (block $done
        (loop $run
          (local.set $count (i32.sub (local.get $at) (local.get $literals)))
          (br_if $done (i32.eqz (local.get $count)))
          (if (i32.gt_u (local.get $count) (i32.const 32)) (then (local.set $count (i32.const 32))))
          (if (i32.ge_u (i32.add (local.get $out) (local.get $count)) (local.get $limit)) (then (return (i32.const 0))))
          (i32.store8 (local.get $out) (i32.sub (local.get $count) (i32.const 1)))
          (i64.store offset=1 (local.get $out) (i64.load (local.get $literals)))
          (if (i32.gt_u (local.get $count) (i32.const 8))
            (then
              (i64.store offset=9 (local.get $out) (i64.load offset=8 (local.get $literals)))
              (i64.store offset=17 (local.get $out) (i64.load offset=16 (local.get $literals)))
              (i64.store offset=25 (local.get $out) (i64.load offset=24 (local.get $literals)))))
          (local.set $out (i32.add (i32.add (local.get $out) (local.get $count)) (i32.const 1)))
          (local.set $literals (i32.add (local.get $literals) (local.get $count)))
          (br $run)))
      (if (i32.eq (local.get $at) (local.get $end)) (then (return (local.get $out))))

      ;; The match: 4 to 264 bytes.
      (local.set $longest (i32.sub (local.get $end) (local.get $at)))
      (if (i32.gt_u (local.get $longest) (i32.const 264)) (then (local.set $longest (i32.const 264))))
      (local.set $length (i32.const 4))
      (block $differs
        (loop $eight
          (local.set $difference
            (i64.xor
              (i64.load (i32.add (local.get $candidate) (local.get $length)))
              (i64.load (i32.add (local.get $at) (local.get $length)))))
          (br_if $differs (i64.ne (local.get $difference) (i64.const 0)))
          (local.set $length (i32.add (local.get $length) (i32.const 8)))
          (br_if $eight (i32.lt_u (local.get $length) (local.get $longest)))))
      ;; If none differs, ctz is 64, and the length beyond the longest anyway.
      (local.set $length
        (i32.add (local.get $length) (i32.wrap_i64 (i64.shr_u (i64.ctz (local.get $difference)) (i64.const 3)))))
      (if (i32.gt_u (local.get $length) (local.get $longest)) (then (local.set $length (local.get $longest))))

      (if (i32.gt_u (i32.add (local.get $out) (i32.const 3)) (local.get $limit)) (then (return (i32.const 0))))
      (local.set $candidate (i32.sub (i32.sub (local.get $at) (local.get $candidate)) (i32.const 1)))
      (if (i32.lt_u (local.get $length) (i32.const 9))
        (then
          (i32.store8
            (local.get $out)
            (i32.or
              (i32.shl (i32.sub (local.get $length) (i32.const 2)) (i32.const 5))
              (i32.shr_u (local.get $candidate) (i32.const 8))))
          (local.set $out (i32.add (local.get $out) (i32.const 1))))
        (else
          (i32.store8 (local.get $out) (i32.or (i32.const 0xe0) (i32.shr_u (local.get $candidate) (i32.const 8))))
          (i32.store8 offset=1 (local.get $out) (i32.sub (local.get $length) (i32.const 9)))
          (local.set $out (i32.add (local.get $out) (i32.const 2)))))
      (i32.store8 (local.get $out) (local.get $candidate))
      (local.set $out (i32.add (local.get $out) (i32.const 1)))

      ;; The next search begins where the match ends. If it is as long as the one before, as it often is in a node of like elements, the processor guesses that
      ;; and goes on, where it would wait for the length otherwise: 20 % of the time.
      (if (i32.eq (local.get $length) (local.get $usual))
        (then (local.set $at (i32.add (local.get $at) (local.get $usual))))
        (else
          (local.set $at (i32.add (local.get $at) (local.get $length)))
          (local.set $usual (local.get $length))))
      (br $item))
    (unreachable))

  ;; Expands items of the input, whose end is `inEnd`, as long as they begin before `inLimit` and their output at or before `outLimit`. Nothing may
  ;; be copied from before `floor`, nor written beyond `outEnd`. Returns the end of the output, or 0 if the input is malformed.
  (func (export "expand")
    (param $at i32) (param $inLimit i32) (param $inEnd i32) (param $floor i32) (param $outLimit i32) (param $outEnd i32) (result i32)
    (local $out i32) (local $control i32) (local $length i32) (local $from i32) (local $next i32)
    (local.set $out (i32.const 0x22100))
    (block $done
      (loop $item
        (br_if $done (i32.ge_u (local.get $at) (local.get $inLimit)))
        (br_if $done (i32.gt_u (local.get $out) (local.get $outLimit)))
        (local.set $control (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))

        (if (i32.lt_u (local.get $control) (i32.const 32))
          (then
            (local.set $length (i32.add (local.get $control) (i32.const 1)))
            (local.set $from (local.get $at))
            (local.set $at (i32.add (local.get $at) (local.get $length)))
            (local.set $next (i32.add (local.get $out) (local.get $length)))
            (if (i32.gt_u (local.get $at) (local.get $inEnd)) (then (return (i32.const 0))))
            (if (i32.gt_u (local.get $next) (local.get $outEnd)) (then (return (i32.const 0))))
            (i64.store (local.get $out) (i64.load (local.get $from)))
            (if (i32.gt_u (local.get $length) (i32.const 8))
              (then
                (i64.store offset=8 (local.get $out) (i64.load offset=8 (local.get $from)))
                (i64.store offset=16 (local.get $out) (i64.load offset=16 (local.get $from)))
                (i64.store offset=24 (local.get $out) (i64.load offset=24 (local.get $from)))))
            (local.set $out (local.get $next))
            (br $item)))

        (local.set $length (i32.add (i32.shr_u (local.get $control) (i32.const 5)) (i32.const 2)))
        (if (i32.eq (local.get $length) (i32.const 9))
          (then
            (local.set $length (i32.add (local.get $length) (i32.load8_u (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))))
        (local.set $from
          (i32.sub
            (i32.sub (local.get $out) (i32.const 1))
            (i32.or
              (i32.shl (i32.and (local.get $control) (i32.const 31)) (i32.const 8))
              (i32.load8_u (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $next (i32.add (local.get $out) (local.get $length)))
        (if (i32.gt_u (local.get $at) (local.get $inEnd)) (then (return (i32.const 0))))
        (if (i32.gt_u (local.get $next) (local.get $outEnd)) (then (return (i32.const 0))))
        (if (i32.lt_u (local.get $from) (local.get $floor)) (then (return (i32.const 0))))

        ;; Less than eight bytes back, each copy doubles what is there of the pattern.
        (block $isFar
          (loop $double
            (br_if $isFar (i32.ge_u (i32.sub (local.get $out) (local.get $from)) (i32.const 8)))
            (i64.store (local.get $out) (i64.load (local.get $from)))
            (local.set $out (i32.sub (i32.shl (local.get $out) (i32.const 1)) (local.get $from)))
            (br $double)))
        (loop $copy
          (i64.store (local.get $out) (i64.load (local.get $from)))
          (local.set $out (i32.add (local.get $out) (i32.const 8)))
          (local.set $from (i32.add (local.get $from) (i32.const 8)))
          (br_if $copy (i32.lt_u (local.get $out) (local.get $next))))
        (local.set $out (local.get $next))
        (br $item)))
    (i32.store (i32.const 0x32a00) (local.get $at))
    (local.get $out)))
