;; A guest that does what its input tells it to: instructions of 11 words of 64 bits (test/guests/scripted.ts).
;;   word 0: operation, with the register of its result in the upper half; word 1: which arguments name registers; then nine arguments.
;; 0x0000 event result, 0x0800 results of imports, 0x1000 registers, 0x4000 instructions, 0x14000 literals, 0x20000 heap.
;; The marks IMPORTS, DISPATCH, PAGES and EXTRA are replaced.
(module
  (;IMPORTS;)
  (memory (export "memory") (;PAGES;) 17)
  (global $heap (mut i32) (i32.const 0x20000))
  (global $mode (mut i32) (i32.const 0))
  (global $catching (mut i32) (i32.const 0))

  (func $forever (loop $again (br $again)))

  (func $deeper (param $n i32) (result i32)
    (i32.add (i32.const 1) (call $deeper (i32.add (local.get $n) (i32.const 1)))))

  (func $blockCaught
    (block $caught
      (try_table (catch_all $caught)
        (call $pollable.block (call $subscribe-duration (i64.const 0x7fffffffffffffff))))))

  ;; A bump allocator that misbehaves when it was told to, or when exactly 60,000 and a few bytes are asked for.
  (func $realloc (export "cabi_realloc") (param $old i32) (param $oldSize i32) (param $align i32) (param $size i32) (result i32)
    (local $mode i32) (local $at i32) (local $pages i32)
    (local.set $mode (global.get $mode))
    (if (i32.lt_u (i32.sub (local.get $size) (i32.const 60000)) (i32.const 16))
      (then (local.set $mode (i32.sub (local.get $size) (i32.const 60000)))))
    (block $good
    (block $10 (block $9 (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1
      (br_table $good $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $good (local.get $mode)))
      ;; 1 traps
      (unreachable))
      ;; 2 loops for ever
      (call $forever) (unreachable))
      ;; 3 a pointer behind the memory
      (return (i32.shl (memory.size) (i32.const 16))))
      ;; 4 calls an import
      (drop (call $now)) (br $good))
      ;; 5 a pointer without alignment
      (return (i32.add (global.get $heap) (i32.const 1))))
      ;; 6 waits, and catches the refusal
      (call $blockCaught) (br $good))
      ;; 7 recurses without end
      (return (call $deeper (i32.const 0))))
      ;; 8 a pointer from which the bytes do not fit
      (return (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 16))))
      ;; 9 waits
      (call $pollable.block (call $subscribe-duration (i64.const 0x7fffffffffffffff))) (br $good))
      ;; 10 waits, catches the refusal, and loops for ever
      (call $blockCaught) (call $forever) (unreachable))
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (if (i32.lt_u (global.get $heap) (local.get $at)) (then (unreachable)))
    (local.set $pages (i32.shr_u (i32.add (global.get $heap) (i32.const 65535)) (i32.const 16)))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1)) (then (unreachable)))))
    (local.get $at))

  ;; Argument `i` of the instruction.
  (func $a (param $pc i32) (param $i i32) (result i64)
    (local $raw i64)
    (local.set $raw (i64.load offset=16 (i32.add (local.get $pc) (i32.shl (local.get $i) (i32.const 3)))))
    (if (result i64) (i32.and (i32.const 1) (i32.shr_u (i32.load offset=8 (local.get $pc)) (local.get $i)))
      (then (i64.load offset=0x1000 (i32.shl (i32.wrap_i64 (local.get $raw)) (i32.const 3))))
      (else (local.get $raw))))

  (func $i (param $pc i32) (param $i i32) (result i32) (i32.wrap_i64 (call $a (local.get $pc) (local.get $i))))

  (func $import (param $k i32) (param $pc i32) (result i64)
    (;DISPATCH;)
    (unreachable))

  ;; -1 when the import threw.
  (func $tried (param $k i32) (param $pc i32) (result i64)
    (block $caught
      (try_table (catch_all $caught) (return (call $import (local.get $k) (local.get $pc)))))
    (i64.const -1))

  ;; Calls the host at every level, `n` deep; without end when `n` is 0.
  (func $recurse (param $n i64) (result i64)
    (drop (call $now))
    (if (i64.eq (local.get $n) (i64.const 1)) (then (return (i64.const 1))))
    (i64.add (i64.const 1) (call $recurse (i64.sub (local.get $n) (i64.const 1)))))

  ;; Words of [from, to) that equal `word`.
  (func $count (param $from i32) (param $to i32) (param $word i64) (result i64)
    (local $count i64)
    (loop $again
      (local.set $count (i64.add (local.get $count) (i64.extend_i32_u (i64.eq (i64.load (local.get $from)) (local.get $word)))))
      (local.set $from (i32.add (local.get $from) (i32.const 8)))
      (br_if $again (i32.lt_u (local.get $from) (local.get $to))))
    (local.get $count))

  ;; The word into every second page of [from, to).
  (func $pages (param $from i32) (param $to i32) (param $word i64)
    (loop $again
      (i64.store (local.get $from) (local.get $word))
      (local.set $from (i32.add (local.get $from) (i32.const 8192)))
      (br_if $again (i32.lt_u (local.get $from) (local.get $to)))))

  (func $step (param $op i32) (param $pc i32) (result i64)
    (if (i32.ge_u (local.get $op) (i32.const 64))
      (then (return (if (result i64) (global.get $catching)
        (then (call $tried (i32.sub (local.get $op) (i32.const 64)) (local.get $pc)))
        (else (call $import (i32.sub (local.get $op) (i32.const 64)) (local.get $pc)))))))
    (block $18 (block $17 (block $16 (block $15 (block $14 (block $13 (block $12 (block $11 (block $10
    (block $9 (block $8 (block $7 (block $6 (block $5 (block $4 (block $3
      (br_table $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13 $14 $15 $16 $17 $18 (i32.sub (local.get $op) (i32.const 3))))
      (return (i64.add (call $a (local.get $pc) (i32.const 0)) (call $a (local.get $pc) (i32.const 1)))))
      (return (i64.load32_u (call $i (local.get $pc) (i32.const 0)))))
      (return (i64.load (call $i (local.get $pc) (i32.const 0)))))
      (i64.store32 (call $i (local.get $pc) (i32.const 0)) (call $a (local.get $pc) (i32.const 1))) (return (i64.const 0)))
      (i64.store (call $i (local.get $pc) (i32.const 0)) (call $a (local.get $pc) (i32.const 1))) (return (i64.const 0)))
      (unreachable))
      (return (i64.extend_i32_s (memory.grow (call $i (local.get $pc) (i32.const 0))))))
      (memory.copy (call $i (local.get $pc) (i32.const 0)) (i32.add (local.get $pc) (i32.const 32)) (call $i (local.get $pc) (i32.const 1)))
      (return (i64.const 0)))
      (memory.fill (call $i (local.get $pc) (i32.const 0)) (call $i (local.get $pc) (i32.const 1)) (call $i (local.get $pc) (i32.const 2)))
      (return (i64.const 0)))
      (global.set $catching (call $i (local.get $pc) (i32.const 0))) (return (i64.const 0)))
      (global.set $mode (call $i (local.get $pc) (i32.const 0))) (return (i64.const 0)))
      (return (call $recurse (call $a (local.get $pc) (i32.const 0)))))
      (call $forever) (unreachable))
      (return (call $count (call $i (local.get $pc) (i32.const 0)) (call $i (local.get $pc) (i32.const 1)) (call $a (local.get $pc) (i32.const 2)))))
      (call $pages (call $i (local.get $pc) (i32.const 0)) (call $i (local.get $pc) (i32.const 1)) (call $a (local.get $pc) (i32.const 2)))
      (return (i64.const 0)))
      (return (i64.extend_i32_u (memory.size)))
    (unreachable))

  (func $run
    (local $pc i32) (local $op i32) (local $value i64)
    (local.set $pc (i32.const 0x4000))
    (loop $next
      (local.set $op (i32.load (local.get $pc)))
      (if (i32.eqz (local.get $op)) (then (return)))
      ;; 1 to the instruction `a0` when `a1` is 0, 2 when it is not
      (if (i32.le_u (local.get $op) (i32.const 2))
        (then
          (if (i32.ne (i64.eqz (call $a (local.get $pc) (i32.const 1))) (i32.eq (local.get $op) (i32.const 2)))
            (then (local.set $pc (i32.add (i32.const 0x4000) (i32.mul (call $i (local.get $pc) (i32.const 0)) (i32.const 88)))))
            (else (local.set $pc (i32.add (local.get $pc) (i32.const 88)))))
          (br $next)))
      (local.set $value (call $step (local.get $op) (local.get $pc)))
      (i64.store offset=0x1000 (i32.shl (i32.load offset=4 (local.get $pc)) (i32.const 3)) (local.get $value))
      (local.set $pc (i32.add (local.get $pc) (i32.const 88)))
      (br $next)))

  ;; Event world: the instructions are the input, the registers the answer.
  (func (export "handle") (param $at i32) (param $length i32) (result i32)
    (memory.copy (i32.const 0x4000) (local.get $at) (local.get $length))
    (call $run)
    (i32.store (i32.const 0) (i32.const 0))
    (i32.store (i32.const 4) (i32.const 0x1000))
    (i32.store (i32.const 8) (i32.const 2048))
    (i32.const 0))

  ;; wasi:http: the instructions are the path, a letter from a to p for four bits; request and outparam are in registers 1 and 2.
  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param $request i32) (param $out i32)
    (local $from i32) (local $end i32) (local $to i32)
    (i64.store (i32.const 0x1008) (i64.extend_i32_u (local.get $request)))
    (i64.store (i32.const 0x1010) (i64.extend_i32_u (local.get $out)))
    (call $path-with-query (local.get $request) (i32.const 0x800))
    (local.set $from (i32.add (i32.load (i32.const 0x804)) (i32.const 1)))
    (local.set $end (i32.add (i32.load (i32.const 0x804)) (i32.load (i32.const 0x808))))
    (local.set $to (i32.const 0x4000))
    (block $done
      (loop $again
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (i32.store8 (local.get $to)
          (i32.or
            (i32.sub (i32.load8_u (local.get $from)) (i32.const 97))
            (i32.shl (i32.sub (i32.load8_u offset=1 (local.get $from)) (i32.const 97)) (i32.const 4))))
        (local.set $from (i32.add (local.get $from) (i32.const 2)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br $again)))
    (call $run))
  (;EXTRA;)
)
