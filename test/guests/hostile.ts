/** What the guest `hostile` can be told to do (test/guests/hostile.wat), with the number that it is told as `n`. */
const HOSTILE_ACTIONS = {
  /** Answers the length of its input. */
  length: 0,
  /** Never returns. */
  loop: 1,
  /** Recurses `n` deep, without end when `n` is 0. */
  recurse: 2,
  /** Tail calls without end. */
  tailCall: 3,
  /** `memory.grow` by `n` pages until that is refused; answers the pages. */
  growMemory: 4,
  /** `table.grow` of two tables by `n` entries until that is refused; answers the entries. */
  growTables: 5,
  /** `memory.fill` of nearly the whole memory, `n` times. */
  fill: 6,
  /** Writes a secret (a constant plus `n`) into every second page, into globals of every type and into a table in every way. */
  hide: 7,
  /** Answers where something is that does not belong there: a sum of {@link HIDING_PLACES}. 0 in a pristine instance. */
  seek: 8,
  trap: 9,
  /** Answers bytes that are no event answer: `n` 0 reserved byte, 1 200 KiB of nesting, 2 msgpackr records, 3 a lying length. */
  garbage: 10,
  /** Answers a body of `n` bytes. */
  giant: 11,
  /** Answers a list outside its memory. */
  outside: 12,
  /** `hide`, then a trap. */
  hideAndTrap: 13,
  /** `hide`, then never returns. */
  hideAndLoop: 14,
  /** `hide`, then `data.drop`, `elem.drop`, `table.grow`. */
  hideAndDrop: 15,
  /** Traps when segments have been dropped, else answers 1. */
  useSegments: 16,
  /** Grows by `n` pages and writes secrets there. */
  hideInGrown: 17,
  /** Grows by `n` pages and answers how many words there are not zero. */
  seekInGrown: 18,
  /** `n` rounds of arithmetic: the same work and answer every time. */
  spin: 19,
  /** The err value of the result is no MessagePack. */
  garbageError: 20,
  /** A response header whose value holds a line break and a second header. */
  injectHeader: 21,
  /** `n` response headers. */
  headers: 22,
  /** A result that is neither ok nor err. */
  badTag: 23,
} as const

export type HostileAction = keyof typeof HOSTILE_ACTIONS

/** Bits of the answer to `seek`. */
export const HIDING_PLACES = {
  memory: 1,
  i32: 2,
  i64: 4,
  f32: 8,
  f64: 16,
  v128: 32,
  funcref: 64,
  tableEntries: 128,
  memorySize: 256,
  tableSize: 512,
} as const

/** Text that makes the guest do it, anywhere in its input: in a URL's path, in a payload, or as the whole input. */
export const hostileText = (action: HostileAction, n: number | bigint = 0): string => `!${HOSTILE_ACTIONS[action]},${n}`

/** The same as the whole input of `handle`: no event, but the guest does not mind. */
export const hostileInput = (action: HostileAction, n: number | bigint = 0): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(hostileText(action, n))

/** The number in an answer of the guest. */
export function hostileAnswer(answer: Uint8Array): bigint {
  const digits = /[0-9]{20}/.exec(new TextDecoder('latin1').decode(answer))?.[0]
  if (digits === undefined) throw new Error('this is not an answer of the guest')
  return BigInt(digits)
}
