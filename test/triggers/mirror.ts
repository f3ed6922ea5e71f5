import { componentFromWat } from '../guests/index.ts'

/**
 * An event-world guest that answers with whatever a test wants. The request's body holds the answer's MessagePack and, in its last
 * four bytes, the length of that (little endian). A length of 0, or no body at all: it answers 200 with the event itself as its body.
 */
export const mirrorGuest = (): Promise<Uint8Array<ArrayBuffer>> =>
  componentFromWat(`(module
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const 1024))
  ;; {status: 200, body: <bin32>}; the length and the event follow.
  (data (i32.const 64) "\\82\\a6status\\cc\\c8\\a4body\\c6")
  (func $allocate (export "cabi_realloc") (param $old i32) (param $oldSize i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $heap) (i32.shl (memory.size) (i32.const 16)))
      (then (if (i32.eq (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16)))) (i32.const -1)) (then (unreachable)))))
    (local.get $at))
  (func (export "cabi_post_handle") (param i32))
  (func $answer (param $at i32) (param $size i32) (result i32)
    (i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (local.get $at))
    (i32.store (i32.const 24) (local.get $size))
    (i32.const 16))
  (func (export "handle") (param $at i32) (param $size i32) (result i32)
    (local $length i32) (local $out i32) (local $end i32)
    (local.set $end (i32.sub (i32.add (local.get $at) (local.get $size)) (i32.const 4)))
    (local.set $length (i32.load align=1 (local.get $end)))
    (if (i32.and (i32.ne (local.get $length) (i32.const 0)) (i32.ne (i32.load8_u offset=3 (local.get $end)) (i32.const 0xc0)))
      (then (return (call $answer (i32.sub (local.get $end) (local.get $length)) (local.get $length)))))
    (local.set $out (call $allocate (i32.const 0) (i32.const 0) (i32.const 1) (i32.add (local.get $size) (i32.const 32))))
    (memory.copy (local.get $out) (i32.const 64) (i32.const 16))
    (i32.store8 offset=16 (local.get $out) (i32.shr_u (local.get $size) (i32.const 24)))
    (i32.store8 offset=17 (local.get $out) (i32.shr_u (local.get $size) (i32.const 16)))
    (i32.store8 offset=18 (local.get $out) (i32.shr_u (local.get $size) (i32.const 8)))
    (i32.store8 offset=19 (local.get $out) (local.get $size))
    (memory.copy (i32.add (local.get $out) (i32.const 20)) (local.get $at) (local.get $size))
    (call $answer (local.get $out) (i32.add (local.get $size) (i32.const 20)))))`)

/** The request body that makes the guest answer with these bytes. */
export function wish(answer: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(answer.length)
  return Buffer.concat([answer, length])
}

/** A body that makes the guest answer with the event, whatever else is in it. */
export const witness = (content: Uint8Array): Buffer => Buffer.concat([content, Buffer.alloc(4)])
