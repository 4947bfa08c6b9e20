;; The loop of CRC-64 (crc64.ts). Memory, in bytes:
;;
;;   0x0000  tables, of which entry `slice * 256 + byte` is the CRC of the byte with `slice` zero bytes behind it: 4096 i64
;;   0x8000  the CRC, an i64
;;   0x8008  input: 8 KiB
(module
  (memory (export "memory") 1)
  (start $makeTables)

  (func $makeTables
    (local $at i32) (local $crc i64) (local $bit i32)
    (loop $byte
      (local.set $crc (i64.extend_i32_u (i32.shr_u (local.get $at) (i32.const 3))))
      (local.set $bit (i32.const 8))
      (loop $next
        ;; The polynomial, ad93d23594c935a9 with its bits in reverse.
        (local.set $crc
          (i64.xor
            (i64.shr_u (local.get $crc) (i64.const 1))
            (i64.and
              (i64.sub (i64.const 0) (i64.and (local.get $crc) (i64.const 1)))
              (i64.const 0x95ac9329ac4bc9b5))))
        (local.set $bit (i32.sub (local.get $bit) (i32.const 1)))
        (br_if $next (local.get $bit)))
      (i64.store (local.get $at) (local.get $crc))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $byte (i32.lt_u (local.get $at) (i32.const 0x800))))
    (loop $entry
      (local.set $crc (i64.load (i32.sub (local.get $at) (i32.const 0x800))))
      (i64.store (local.get $at) (call $withByte (local.get $crc) (i32.const 0)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $entry (i32.lt_u (local.get $at) (i32.const 0x8000)))))

  (func $withByte (param $crc i64) (param $byte i32) (result i64)
    (i64.xor
      (i64.shr_u (local.get $crc) (i64.const 8))
      (i64.load
        (i32.shl
          (i32.and (i32.xor (i32.wrap_i64 (local.get $crc)) (local.get $byte)) (i32.const 255))
          (i32.const 3)))))

  ;; Takes the input up to `end` into the CRC.
  (func (export "update") (param $end i32)
    (local $at i32) (local $crc i64) (local $next i64) (local $a i32) (local $b i32) (local $c i32) (local $d i32)
    (local.set $at (i32.const 0x8008))
    (local.set $crc (i64.load (i32.const 0x8000)))
    ;; Sixteen bytes contribute independently of each other.
    (block $done
      (loop $sixteen
        (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
        (local.set $crc (i64.xor (local.get $crc) (i64.load (local.get $at))))
        (local.set $next (i64.load offset=8 (local.get $at)))
        (local.set $a (i32.wrap_i64 (local.get $crc)))
        (local.set $b (i32.wrap_i64 (i64.shr_u (local.get $crc) (i64.const 32))))
        (local.set $c (i32.wrap_i64 (local.get $next)))
        (local.set $d (i32.wrap_i64 (i64.shr_u (local.get $next) (i64.const 32))))
        (local.set $crc
          (i64.xor
            (i64.xor
              (i64.xor
                (i64.xor
                  (i64.load offset=0x7800 (i32.shl (i32.and (local.get $a) (i32.const 255)) (i32.const 3)))
                  (i64.load offset=0x7000 (i32.and (i32.shr_u (local.get $a) (i32.const 5)) (i32.const 0x7f8))))
                (i64.xor
                  (i64.load offset=0x6800 (i32.and (i32.shr_u (local.get $a) (i32.const 13)) (i32.const 0x7f8)))
                  (i64.load offset=0x6000 (i32.and (i32.shr_u (local.get $a) (i32.const 21)) (i32.const 0x7f8)))))
              (i64.xor
                (i64.xor
                  (i64.load offset=0x5800 (i32.shl (i32.and (local.get $b) (i32.const 255)) (i32.const 3)))
                  (i64.load offset=0x5000 (i32.and (i32.shr_u (local.get $b) (i32.const 5)) (i32.const 0x7f8))))
                (i64.xor
                  (i64.load offset=0x4800 (i32.and (i32.shr_u (local.get $b) (i32.const 13)) (i32.const 0x7f8)))
                  (i64.load offset=0x4000 (i32.and (i32.shr_u (local.get $b) (i32.const 21)) (i32.const 0x7f8))))))
            (i64.xor
              (i64.xor
                (i64.xor
                  (i64.load offset=0x3800 (i32.shl (i32.and (local.get $c) (i32.const 255)) (i32.const 3)))
                  (i64.load offset=0x3000 (i32.and (i32.shr_u (local.get $c) (i32.const 5)) (i32.const 0x7f8))))
                (i64.xor
                  (i64.load offset=0x2800 (i32.and (i32.shr_u (local.get $c) (i32.const 13)) (i32.const 0x7f8)))
                  (i64.load offset=0x2000 (i32.and (i32.shr_u (local.get $c) (i32.const 21)) (i32.const 0x7f8)))))
              (i64.xor
                (i64.xor
                  (i64.load offset=0x1800 (i32.shl (i32.and (local.get $d) (i32.const 255)) (i32.const 3)))
                  (i64.load offset=0x1000 (i32.and (i32.shr_u (local.get $d) (i32.const 5)) (i32.const 0x7f8))))
                (i64.xor
                  (i64.load offset=0x0800 (i32.and (i32.shr_u (local.get $d) (i32.const 13)) (i32.const 0x7f8)))
                  (i64.load (i32.and (i32.shr_u (local.get $d) (i32.const 21)) (i32.const 0x7f8))))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $sixteen)))
    (block $end
      (loop $one
        (br_if $end (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $crc (call $withByte (local.get $crc) (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $one)))
    (i64.store (i32.const 0x8000) (local.get $crc))))
