;; An event-world guest that does what it is told, and nothing good. The input, whatever it is (an event with a URL, an invoke
;; payload, plain bytes), holds `!<action>,<n>`: see actions in hostile.ts. The answer is valid for http and invoke events:
;; {status: 200, headers: [], body: <20 digits>, payload: <20 digits>}.
(module
  (type $void (func))
  (memory (export "memory") 17)
  ;; One of every type. They start as zero and null.
  (global $i32 (mut i32) (i32.const 0))
  (global $i64 (mut i64) (i64.const 0))
  (global $f32 (mut f32) (f32.const 0))
  (global $f64 (mut f64) (f64.const 0))
  (global $v128 (mut v128) (v128.const i64x2 0 0))
  (global $funcref (mut funcref) (ref.null func))
  (table $functions 64 funcref)
  (table $externs 8 funcref)
  (elem $passive func $nothing $nothing)
  (elem declare func $nothing)
  (data $droppable "0123456789abcdef")
  ;; {status: 200, headers: [], body: "…", payload: "…"}
  (data (i32.const 16) "\84\a6status\cc\c8\a7headers\90\a4body\b400000000000000000000\a7payload\b400000000000000000000")
  ;; {status: 200, headers: [["x-a", "b\r\nx-injected: yes"]], body: ""}
  (data (i32.const 256) "\83\a6status\cc\c8\a7headers\91\92\a3x-a\b2b\0d\0ax-injected: yes\a4body\a0")
  ;; The head of {status: 200, headers: [], body: <bin32>}; the length follows.
  (data (i32.const 384) "\83\a6status\cc\c8\a7headers\90\a4body\c6")
  ;; The head of {status: 200, body: "", headers: <array32>}; the count and ["x-0", "…"] pairs follow.
  (data (i32.const 448) "\83\a6status\cc\c8\a4body\a0\a7headers\dd")
  ;; Records as msgpackr has them: an extension that defines one, and its use.
  (data (i32.const 512) "\d4\72\40\91\a1a\01")

  (global $heap (mut i32) (i32.const 4096))
  ;; Static data, then what cabi_realloc gives out, then the pages for secrets, up to the first size of the memory.
  (global $secrets i32 (i32.const 131072))
  (global $initial i32 (i32.const 1114112))

  (func $nothing)

  (func $allocate (param $size i32) (param $align i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1))) (i32.sub (i32.const 0) (local.get $align))))
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (if (i32.lt_u (local.get $end) (local.get $at)) (then (unreachable)))
    (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
      (then
        (if (i32.eq (memory.grow (i32.shr_u (i32.add (i32.sub (local.get $end) (i32.shl (memory.size) (i32.const 16))) (i32.const 65535)) (i32.const 16))) (i32.const -1))
          (then (unreachable)))))
    (global.set $heap (local.get $end))
    (local.get $at))

  (func (export "cabi_realloc") (param $old i32) (param $oldSize i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (call $allocate (local.get $size) (local.get $align)))
    (memory.copy (local.get $at) (local.get $old) (local.get $oldSize))
    (local.get $at))

  (func (export "cabi_post_handle") (param i32) (global.set $heap (i32.const 4096)))

  ;; The number at the pointer; reads up to the first byte that is no digit.
  (func $number (param $at i32) (param $end i32) (result i64 i32)
    (local $value i64) (local $digit i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
        (br_if $done (i32.gt_u (local.get $digit) (i32.const 9)))
        (local.set $value (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (local.get $digit))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $value) (local.get $at))

  (func $digits (param $at i32) (param $value i64)
    (local $end i32)
    (local.set $end (i32.add (local.get $at) (i32.const 19)))
    (loop $next
      (i32.store8 (local.get $end) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $value) (i64.const 10)))))
      (local.set $value (i64.div_u (local.get $value) (i64.const 10)))
      (local.set $end (i32.sub (local.get $end) (i32.const 1)))
      (br_if $next (i32.ge_u (local.get $end) (local.get $at)))))

  ;; result<list<u8>, list<u8>> at address 0.
  (func $result (param $tag i32) (param $at i32) (param $length i32) (result i32)
    (i32.store (i32.const 0) (local.get $tag))
    (i32.store (i32.const 4) (local.get $at))
    (i32.store (i32.const 8) (local.get $length))
    (i32.const 0))

  (func $answer (param $value i64) (result i32)
    (call $digits (i32.const 41) (local.get $value))
    (call $digits (i32.const 70) (local.get $value))
    (call $result (i32.const 0) (i32.const 16) (i32.const 74)))

  (func $forever (loop $again (br $again)))

  (func $recurse (param $n i64) (result i64)
    (if (result i64) (i64.eqz (local.get $n))
      (then (i64.const 0))
      (else (i64.add (i64.const 1) (call $recurse (i64.sub (local.get $n) (i64.const 1)))))))

  (func $tailcall (param i64) (return_call $tailcall (i64.add (local.get 0) (i64.const 1))))

  (func $spin (param $n i64) (result i64)
    (local $x i64)
    (local.set $x (i64.const 88172645463325252))
    (loop $again
      (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
      (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $again (i64.gt_s (local.get $n) (i64.const 0))))
    (local.get $x))

  ;; Grows by n pages until the host says no.
  (func $growMemory (param $n i32) (result i64)
    (loop $again (br_if $again (i32.ne (memory.grow (local.get $n)) (i32.const -1))))
    (i64.extend_i32_u (memory.size)))

  (func $growTables (param $n i32) (result i64)
    (loop $again (br_if $again (i32.ne (table.grow $externs (ref.null func) (local.get $n)) (i32.const -1))))
    (loop $again (br_if $again (i32.ne (table.grow $functions (ref.func $nothing) (local.get $n)) (i32.const -1))))
    (i64.extend_i32_u (i32.add (table.size $externs) (table.size $functions))))

  (func $fill (param $n i64)
    (loop $again
      (memory.fill (global.get $secrets) (i32.const 255) (i32.sub (i32.shl (memory.size) (i32.const 16)) (global.get $secrets)))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $again (i64.gt_s (local.get $n) (i64.const 0)))))

  ;; The secret goes into every second page of 4 KiB.
  (func $writePages (param $from i32) (param $to i32) (param $secret i64)
    (loop $again
      (i64.store (local.get $from) (local.get $secret))
      (local.set $from (i32.add (local.get $from) (i32.const 8192)))
      (br_if $again (i32.lt_u (local.get $from) (local.get $to)))))

  ;; How many words of the range are not zero.
  (func $countWords (param $from i32) (param $to i32) (result i64)
    (local $count i64)
    (block $done
      (loop $again
        (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
        (local.set $count (i64.add (local.get $count) (i64.extend_i32_u (i64.ne (i64.load (local.get $from)) (i64.const 0)))))
        (local.set $from (i32.add (local.get $from) (i32.const 8)))
        (br $again)))
    (local.get $count))

  (func $hide (param $secret i64)
    (call $writePages (global.get $secrets) (global.get $initial) (local.get $secret))
    (global.set $i32 (i32.wrap_i64 (local.get $secret)))
    (global.set $i64 (local.get $secret))
    (global.set $f32 (f32.convert_i64_u (local.get $secret)))
    (global.set $f64 (f64.convert_i64_u (local.get $secret)))
    (global.set $v128 (i64x2.splat (local.get $secret)))
    (global.set $funcref (ref.func $nothing))
    (table.set $functions (i32.const 3) (ref.func $nothing))
    (table.fill $functions (i32.const 10) (ref.func $nothing) (i32.const 4))
    (table.copy $functions $functions (i32.const 20) (i32.const 10) (i32.const 4))
    (table.init $functions $passive (i32.const 30) (i32.const 0) (i32.const 2)))

  (func $tableEntries (result i32)
    (local $at i32) (local $count i32)
    (loop $again
      (local.set $count (i32.add (local.get $count) (i32.eqz (ref.is_null (table.get $functions (local.get $at))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $at) (table.size $functions))))
    (local.get $count))

  (func $bit (param $found i32) (param $bit i32) (result i64)
    (i64.shl (i64.extend_i32_u (i32.ne (local.get $found) (i32.const 0))) (i64.extend_i32_u (local.get $bit))))

  (func $seek (result i64)
    (local $found i64)
    (local.set $found (call $bit (i64.ne (call $countWords (global.get $secrets) (global.get $initial)) (i64.const 0)) (i32.const 0)))
    (local.set $found (i64.or (local.get $found) (call $bit (global.get $i32) (i32.const 1))))
    (local.set $found (i64.or (local.get $found) (call $bit (i64.ne (global.get $i64) (i64.const 0)) (i32.const 2))))
    (local.set $found (i64.or (local.get $found) (call $bit (f32.ne (global.get $f32) (f32.const 0)) (i32.const 3))))
    (local.set $found (i64.or (local.get $found) (call $bit (f64.ne (global.get $f64) (f64.const 0)) (i32.const 4))))
    (local.set $found (i64.or (local.get $found) (call $bit (v128.any_true (global.get $v128)) (i32.const 5))))
    (local.set $found (i64.or (local.get $found) (call $bit (i32.eqz (ref.is_null (global.get $funcref))) (i32.const 6))))
    (local.set $found (i64.or (local.get $found) (call $bit (call $tableEntries) (i32.const 7))))
    (local.set $found (i64.or (local.get $found) (call $bit (i32.ne (memory.size) (i32.const 17)) (i32.const 8))))
    (i64.or (local.get $found) (call $bit (i32.ne (i32.add (table.size $functions) (table.size $externs)) (i32.const 72)) (i32.const 9))))

  ;; Grows by n pages; -1 when the host says no.
  (func $grow (param $n i32) (result i32)
    (local $old i32)
    (local.set $old (memory.grow (local.get $n)))
    (if (i32.eq (local.get $old) (i32.const -1)) (then (unreachable)))
    (i32.shl (local.get $old) (i32.const 16)))

  (func $hideInGrown (param $n i32) (param $secret i64)
    (local $from i32)
    (local.set $from (call $grow (local.get $n)))
    (call $writePages (local.get $from) (i32.add (local.get $from) (i32.shl (local.get $n) (i32.const 16))) (local.get $secret)))

  (func $seekInGrown (param $n i32) (result i64)
    (local $from i32)
    (local.set $from (call $grow (local.get $n)))
    (call $countWords (local.get $from) (i32.add (local.get $from) (i32.shl (local.get $n) (i32.const 16)))))

  (func $storeBig (param $at i32) (param $n i32)
    (i32.store8 (local.get $at) (i32.shr_u (local.get $n) (i32.const 24)))
    (i32.store8 offset=1 (local.get $at) (i32.shr_u (local.get $n) (i32.const 16)))
    (i32.store8 offset=2 (local.get $at) (i32.shr_u (local.get $n) (i32.const 8)))
    (i32.store8 offset=3 (local.get $at) (local.get $n)))

  ;; A body of n zeros.
  (func $giant (param $n i32) (result i32)
    (local $at i32)
    (local.set $at (call $allocate (i32.add (local.get $n) (i32.const 29)) (i32.const 8)))
    (memory.copy (local.get $at) (i32.const 384) (i32.const 25))
    (call $storeBig (i32.add (local.get $at) (i32.const 25)) (local.get $n))
    (call $result (i32.const 0) (local.get $at) (i32.add (local.get $n) (i32.const 29))))

  ;; n headers of `x-0: v`.
  (func $headers (param $n i32) (result i32)
    (local $at i32) (local $start i32)
    (local.set $start (call $allocate (i32.add (i32.mul (local.get $n) (i32.const 7)) (i32.const 29)) (i32.const 8)))
    (memory.copy (local.get $start) (i32.const 448) (i32.const 25))
    (call $storeBig (i32.add (local.get $start) (i32.const 25)) (local.get $n))
    (local.set $at (i32.add (local.get $start) (i32.const 29)))
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        ;; 92 a3 'x' '-' '0' a1 'v'
        (i32.store (local.get $at) (i32.const 0x2d78a392))
        (i32.store16 offset=4 (local.get $at) (i32.const 0xa130))
        (i32.store8 offset=6 (local.get $at) (i32.const 0x76))
        (local.set $at (i32.add (local.get $at) (i32.const 7)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (call $result (i32.const 0) (local.get $start) (i32.sub (local.get $at) (local.get $start))))

  (func $garbage (param $kind i32) (result i32)
    (local $at i32)
    (block $lie (block $record (block $nesting (block $reserved
      (br_table $reserved $nesting $record $lie (local.get $kind)))
      ;; a byte that MessagePack never uses
      (i32.store8 (i32.const 12) (i32.const 0xc1))
      (return (call $result (i32.const 0) (i32.const 12) (i32.const 1))))
      ;; arrays in arrays, 200 KiB deep
      (local.set $at (call $allocate (i32.const 204800) (i32.const 8)))
      (memory.fill (local.get $at) (i32.const 0x91) (i32.const 204800))
      (return (call $result (i32.const 0) (local.get $at) (i32.const 204800))))
      (return (call $result (i32.const 0) (i32.const 512) (i32.const 7))))
    ;; a map of 4,294,967,295 entries in 5 bytes
    (local.set $at (call $allocate (i32.const 8) (i32.const 8)))
    (i64.store (local.get $at) (i64.const 0xffffffffdf))
    (call $result (i32.const 0) (local.get $at) (i32.const 5)))

  (func (export "handle") (param $at i32) (param $length i32) (result i32)
    (local $end i32) (local $digits i32) (local $action i64) (local $n i64) (local $secret i64)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    ;; to the first `!<action>,`: a lone '!' may be a byte of a number, of the deadline say
    (loop $next
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (call $answer (i64.extend_i32_u (local.get $length))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.ne (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (i32.const 33)))
      (call $number (local.get $at) (local.get $end))
      (local.set $digits)
      (local.set $action)
      (br_if $next (i32.eq (local.get $digits) (local.get $at)))
      (br_if $next (i32.ge_u (local.get $digits) (local.get $end)))
      (br_if $next (i32.ne (i32.load8_u (local.get $digits)) (i32.const 44))))
    (call $number (i32.add (local.get $digits) (i32.const 1)) (local.get $end))
    (local.set $at)
    (local.set $n)
    (local.set $secret (i64.add (i64.const 0x5ec2e7a5beefcafe) (local.get $n)))
    (block $default
    (block $23 (block $22 (block $21 (block $20
    (block $19 (block $18 (block $17 (block $16 (block $15 (block $14 (block $13 (block $12 (block $11 (block $10
    (block $9 (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13 $14 $15 $16 $17 $18 $19 $20 $21 $22 $23 $default
        (i32.wrap_i64 (local.get $action))))
      ;; 0 length of the input
      (return (call $answer (i64.extend_i32_u (local.get $length)))))
      ;; 1 loop for ever
      (call $forever) (unreachable))
      ;; 2 recurse n deep, for ever when n is 0
      (return (call $answer (call $recurse (select (i64.const -1) (local.get $n) (i64.eqz (local.get $n)))))))
      ;; 3 tail calls for ever
      (call $tailcall (i64.const 0)) (unreachable))
      ;; 4 memory.grow by n pages until refused
      (return (call $answer (call $growMemory (i32.wrap_i64 (local.get $n))))))
      ;; 5 table.grow by n entries until refused
      (return (call $answer (call $growTables (i32.wrap_i64 (local.get $n))))))
      ;; 6 memory.fill of the whole memory, n times
      (call $fill (local.get $n))
      (return (call $answer (i64.const 0))))
      ;; 7 hide secrets
      (call $hide (local.get $secret))
      (return (call $answer (i64.const 0))))
      ;; 8 seek secrets
      (return (call $answer (call $seek))))
      ;; 9 trap
      (unreachable))
      ;; 10 garbage of kind n as the answer
      (return (call $garbage (i32.wrap_i64 (local.get $n)))))
      ;; 11 a body of n bytes
      (return (call $giant (i32.wrap_i64 (local.get $n)))))
      ;; 12 an answer outside the memory
      (return (call $result (i32.const 0) (i32.const -16) (i32.const 4096))))
      ;; 13 hide secrets, then trap
      (call $hide (local.get $secret)) (unreachable))
      ;; 14 hide secrets, then loop for ever
      (call $hide (local.get $secret)) (call $forever) (unreachable))
      ;; 15 hide secrets, drop segments, grow a table
      (call $hide (local.get $secret))
      (data.drop $droppable)
      (elem.drop $passive)
      (drop (table.grow $functions (ref.func $nothing) (i32.const 8)))
      (return (call $answer (i64.const 0))))
      ;; 16 use the segments: traps when they are dropped
      (memory.init $droppable (i32.const 1024) (i32.const 0) (i32.const 16))
      (table.init $functions $passive (i32.const 40) (i32.const 0) (i32.const 2))
      (return (call $answer (i64.const 1))))
      ;; 17 grow by n pages and hide secrets there
      (call $hideInGrown (i32.wrap_i64 (local.get $n)) (local.get $secret))
      (return (call $answer (i64.const 0))))
      ;; 18 grow by n pages and count words there that are not zero
      (return (call $answer (call $seekInGrown (i32.wrap_i64 (local.get $n))))))
      ;; 19 n rounds of arithmetic
      (return (call $answer (call $spin (local.get $n)))))
      ;; 20 an err value that is no MessagePack
      (i32.store8 (i32.const 12) (i32.const 0xc1))
      (return (call $result (i32.const 1) (i32.const 12) (i32.const 1))))
      ;; 21 a response header with a line break
      (return (call $result (i32.const 0) (i32.const 256) (i32.const 49))))
      ;; 22 n response headers
      (return (call $headers (i32.wrap_i64 (local.get $n)))))
      ;; 23 a result tag that does not exist
      (return (call $result (i32.const 2) (i32.const 16) (i32.const 74))))
    ;; an unknown action
    (unreachable))
)
