;; Walks over a listpack that LZF has left in its memory, which is this program's, too. packed-check.ts and stream-check.ts tell what is checked, and walk
;; the listpacks that lie elsewhere.
;;
;; Such a listpack has up to 64 KiB. What is behind it may be read, and means nothing: so an entry's end is compared with that of the listpack when all of
;; the entry has been read. At the end stands the terminator, ff, which is no entry.
(module
  (import "host" "memory" (memory 4))
  ;; What $takeInteger has read.
  (global $value (mut i64) (i64.const 0))

  ;; Returns where the entry at `at` ends, or 0 if it is not well formed or goes beyond `end`.
  (func $next (param $at i32) (param $end i32) (result i32)
    (local $first i32) (local $size i32) (local $backAt i32) (local $isValid i32)
    (local.set $first (i32.load8_u (local.get $at)))
    (block $sized
      (local.set $size (i32.const 1))
      (br_if $sized (i32.lt_u (local.get $first) (i32.const 0x80)))
      (local.set $size (i32.add (i32.and (local.get $first) (i32.const 0x3f)) (i32.const 1)))
      (br_if $sized (i32.lt_u (local.get $first) (i32.const 0xc0)))
      (local.set $size (i32.const 2))
      (br_if $sized (i32.lt_u (local.get $first) (i32.const 0xe0)))
      (local.set $size
        (i32.add
          (i32.or
            (i32.shl (i32.and (local.get $first) (i32.const 0x0f)) (i32.const 8))
            (i32.load8_u offset=1 (local.get $at)))
          (i32.const 2)))
      (br_if $sized (i32.lt_u (local.get $first) (i32.const 0xf0)))
      (if (i32.eq (local.get $first) (i32.const 0xf0))
        (then
          (local.set $size (i32.load offset=1 (local.get $at)))
          (if (i32.gt_u (local.get $size) (i32.const 0x10000)) (then (return (i32.const 0))))
          (local.set $size (i32.add (local.get $size) (i32.const 5)))
          (br $sized)))
      ;; Integers of 2, 3, 4 and 8 bytes.
      (if (i32.gt_u (local.get $first) (i32.const 0xf4)) (then (return (i32.const 0))))
      (local.set $size
        (select
          (i32.const 9)
          (i32.sub (local.get $first) (i32.const 0xee))
          (i32.eq (local.get $first) (i32.const 0xf4)))))

    ;; The back-length: groups of seven bits, of which the first stands alone and the others are marked.
    (local.set $backAt (i32.add (local.get $at) (local.get $size)))
    (if (i32.ge_u (local.get $backAt) (local.get $end)) (then (return (i32.const 0))))
    (if (i32.le_u (local.get $size) (i32.const 127))
      (then
        (local.set $isValid (i32.eq (i32.load8_u (local.get $backAt)) (local.get $size)))
        (local.set $at (i32.add (local.get $backAt) (i32.const 1))))
      (else
        (if (i32.lt_u (local.get $size) (i32.const 16383))
          (then
            (local.set $isValid
              (i32.eq (i32.load8_u (local.get $backAt)) (i32.shr_u (local.get $size) (i32.const 7))))
            (local.set $at (i32.add (local.get $backAt) (i32.const 2))))
          (else
            (local.set $isValid
              (i32.and
                (i32.eq (i32.load8_u (local.get $backAt)) (i32.shr_u (local.get $size) (i32.const 14)))
                (i32.eq
                  (i32.load8_u offset=1 (local.get $backAt))
                  (i32.or (i32.and (i32.shr_u (local.get $size) (i32.const 7)) (i32.const 127)) (i32.const 128)))))
            (local.set $at (i32.add (local.get $backAt) (i32.const 3)))))
        (local.set $isValid
          (i32.and
            (local.get $isValid)
            (i32.eq
              (i32.load8_u (i32.sub (local.get $at) (i32.const 1)))
              (i32.or (i32.and (local.get $size) (i32.const 127)) (i32.const 128)))))))
    (select
      (local.get $at)
      (i32.const 0)
      (i32.and (local.get $isValid) (i32.le_u (local.get $at) (local.get $end)))))

  ;; As $next, of an entry that must be an integer: it is in $value then.
  (func $takeInteger (param $at i32) (param $end i32) (result i32)
    (local $first i32)
    (local.set $first (i32.load8_u (local.get $at)))
    (block $read
      (block $isLong
        (global.set $value (i64.extend_i32_u (local.get $first)))
        (br_if $read (i32.lt_u (local.get $first) (i32.const 0x80)))
        (if (i32.lt_u (local.get $first) (i32.const 0xc0)) (then (return (i32.const 0))))
        (br_if $isLong (i32.ge_u (local.get $first) (i32.const 0xe0)))
        (global.set $value
          (i64.shr_s
            (i64.shl
              (i64.extend_i32_u
                (i32.or (i32.shl (local.get $first) (i32.const 8)) (i32.load8_u offset=1 (local.get $at))))
              (i64.const 51))
            (i64.const 51)))
        (br $read))
      (if (i32.le_u (local.get $first) (i32.const 0xf0)) (then (return (i32.const 0))))
      (global.set $value (i64.load offset=1 (local.get $at)))
      (if (i32.lt_u (local.get $first) (i32.const 0xf4))
        (then
          ;; Two, three or four bytes of the eight.
          (local.set $first (i32.shl (i32.sub (i32.const 0xf7) (local.get $first)) (i32.const 3)))
          (global.set $value
            (i64.shr_s
              (i64.shl (global.get $value) (i64.extend_i32_u (local.get $first)))
              (i64.extend_i32_u (local.get $first)))))))
    (call $next (local.get $at) (local.get $end)))

  ;; Returns the number of entries from `at` to `end`, or -1 if one is not well formed.
  ;;
  ;; Two walks meet, as neither can go on before it has read an entry's length: the other one goes from the end by back-lengths, past short texts. Both
  ;; come to where entries begin, if all are well formed, and to the same place only then. One walk would take 1.7 ns an entry, two take 1.1.
  (func (export "entries") (param $at i32) (param $end i32) (result i32)
    (local $count i32) (local $size i32) (local $from i32)
    (loop $entry
      (if (i32.ge_u (local.get $at) (local.get $end))
        (then (return (select (local.get $count) (i32.const -1) (i32.eq (local.get $at) (local.get $end))))))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (local.set $size (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x7f)))
      (if (i32.le_u (i32.sub (local.get $size) (i32.const 1)) (i32.const 63))
        (then
          (local.set $at (i32.add (local.get $at) (i32.add (local.get $size) (i32.const 1))))
          (if (i32.ne (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (local.get $size))
            (then (return (i32.const -1)))))
        (else
          (local.set $at (call $next (local.get $at) (local.get $end)))
          (if (i32.eqz (local.get $at)) (then (return (i32.const -1))))))

      (local.set $size (i32.load8_u (i32.sub (local.get $end) (i32.const 1))))
      (local.set $from (i32.sub (i32.sub (local.get $end) (i32.const 1)) (local.get $size)))
      (br_if $entry (i32.gt_u (i32.sub (local.get $size) (i32.const 1)) (i32.const 63)))
      (br_if $entry (i32.lt_u (local.get $from) (local.get $at)))
      (br_if $entry (i32.ne (i32.load8_u (local.get $from)) (i32.add (local.get $size) (i32.const 0x7f))))
      (local.set $end (local.get $from))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br $entry))
    (unreachable))

  ;; Returns the number of elements of a stream's node from `at` to `end`, or -1 if it is not valid.
  (func (export "nodeElements") (param $at i32) (param $end i32) (result i32)
    (local $live i64) (local $deleted i64) (local $fieldCount i64) (local $entries i64) (local $deletedSeen i64)
    (local $elements i64) (local $flags i32) (local $rest i64) (local $before i64) (local $size i32)
    (local $head i64) (local $next i32)
    (block $broken
      ;; The master entry.
      (br_if $broken (i32.eqz (local.tee $at (call $takeInteger (local.get $at) (local.get $end)))))
      (local.set $live (global.get $value))
      (br_if $broken (i32.eqz (local.tee $at (call $takeInteger (local.get $at) (local.get $end)))))
      (local.set $deleted (global.get $value))
      (br_if $broken (i32.eqz (local.tee $at (call $takeInteger (local.get $at) (local.get $end)))))
      (local.set $fieldCount (global.get $value))
      (br_if $broken (i64.lt_s (i64.or (local.get $live) (local.get $deleted)) (i64.const 0)))
      ;; There is no room for more, nor is a negative number less.
      (br_if $broken (i64.gt_u (local.get $fieldCount) (i64.const 0x10000)))
      (local.set $rest (local.get $fieldCount))
      (block $named
        (loop $field
          (br_if $named (i64.eqz (local.get $rest)))
          (br_if $broken (i32.eqz (local.tee $at (call $next (local.get $at) (local.get $end)))))
          (local.set $rest (i64.sub (local.get $rest) (i64.const 1)))
          (br $field)))
      (br_if $broken (i32.eqz (local.tee $at (call $takeInteger (local.get $at) (local.get $end)))))
      (br_if $broken (i64.ne (global.get $value) (i64.const 0)))
      (local.set $elements (i64.add (local.get $fieldCount) (i64.const 4)))

      (block $done
        (loop $entry
          (br_if $done (i32.eq (local.get $at) (local.get $end)))

          ;; An entry with the master's only field, small deltas and a short text takes two comparisons: one of all up to the text's length, and one of
          ;; what follows the text.
          (block $other
            (br_if $other (i64.ne (local.get $fieldCount) (i64.const 1)))
            (local.set $head (i64.load (local.get $at)))
            (br_if $other
              (i64.ne
                (i64.and (local.get $head) (i64.const 0x00c0ff80ff80ff82))
                (i64.const 0x0080010001000102)))
            (local.set $size
              (i32.add
                (i32.and (i32.wrap_i64 (i64.shr_u (local.get $head) (i64.const 48))) (i32.const 63))
                (i32.const 1)))
            (local.set $next (i32.add (local.get $at) (local.get $size)))
            (br_if $other
              (i32.ne
                (i32.and (i32.load offset=6 (local.get $next)) (i32.const 0xffffff))
                (i32.or (local.get $size) (i32.const 0x010400))))
            (local.set $next (i32.add (local.get $next) (i32.const 9)))
            (br_if $other (i32.gt_u (local.get $next) (local.get $end)))
            (local.set $at (local.get $next))
            (local.set $deletedSeen
              (i64.add (local.get $deletedSeen) (i64.and (local.get $head) (i64.const 1))))
            (local.set $entries (i64.add (local.get $entries) (i64.const 1)))
            (local.set $elements (i64.add (local.get $elements) (i64.const 5)))
            (br $entry))

          (local.set $entries (i64.add (local.get $entries) (i64.const 1)))

          ;; Flags and two deltas. Mostly each is below 128, with a back-length of 1.
          (if
            (i64.eq
              (i64.and (i64.load (local.get $at)) (i64.const 0xff80ff80ff80))
              (i64.const 0x010001000100))
            (then
              (local.set $flags (i32.load8_u (local.get $at)))
              (local.set $at (i32.add (local.get $at) (i32.const 6))))
            (else
              (br_if $broken (i32.eqz (local.tee $at (call $takeInteger (local.get $at) (local.get $end)))))
              (local.set $flags (i32.wrap_i64 (global.get $value)))
              (br_if $broken (i32.eqz (local.tee $at (call $takeInteger (local.get $at) (local.get $end)))))
              (br_if $broken (i32.eqz (local.tee $at (call $takeInteger (local.get $at) (local.get $end)))))))
          (local.set $deletedSeen
            (i64.add (local.get $deletedSeen) (i64.extend_i32_u (i32.and (local.get $flags) (i32.const 1)))))

          (local.set $rest (local.get $fieldCount))
          (local.set $before (i64.add (local.get $rest) (i64.const 3)))
          (if (i32.eqz (i32.and (local.get $flags) (i32.const 2)))
            (then
              (br_if $broken (i32.eqz (local.tee $at (call $takeInteger (local.get $at) (local.get $end)))))
              (br_if $broken (i64.gt_u (global.get $value) (i64.const 0x10000)))
              (local.set $rest (i64.shl (global.get $value) (i64.const 1)))
              (local.set $before (i64.add (local.get $rest) (i64.const 4)))))
          (block $past
            (loop $element
              (br_if $past (i64.eqz (local.get $rest)))
              (local.set $rest (i64.sub (local.get $rest) (i64.const 1)))
              (local.set $size (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x7f)))
              (if (i32.le_u (i32.sub (local.get $size) (i32.const 1)) (i32.const 63))
                (then
                  (local.set $at (i32.add (local.get $at) (i32.add (local.get $size) (i32.const 1))))
                  (br_if $broken (i32.ne (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (local.get $size)))
                  (br_if $element (i32.le_u (local.get $at) (local.get $end)))
                  (br $broken)))
              (br_if $element (local.tee $at (call $next (local.get $at) (local.get $end))))
              (br $broken)))

          ;; How many they were.
          (if
            (i32.and
              (i64.lt_u (local.get $before) (i64.const 128))
              (i32.eq
                (i32.load16_u (local.get $at))
                (i32.or (i32.wrap_i64 (local.get $before)) (i32.const 0x100))))
            (then (local.set $at (i32.add (local.get $at) (i32.const 2))))
            (else
              (br_if $broken (i32.eqz (local.tee $at (call $takeInteger (local.get $at) (local.get $end)))))
              (br_if $broken (i64.ne (global.get $value) (local.get $before)))))
          (local.set $elements (i64.add (local.get $elements) (i64.add (local.get $before) (i64.const 1))))
          (br $entry)))
      (br_if $broken (i64.ne (local.get $deletedSeen) (local.get $deleted)))
      (br_if $broken (i64.ne (local.get $entries) (i64.add (local.get $live) (local.get $deleted))))
      (return (i32.wrap_i64 (local.get $elements))))
    (i32.const -1)))
