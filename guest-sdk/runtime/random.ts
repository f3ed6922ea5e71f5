/**
 * `Math.random` of both engines is seeded when the engine starts, which is before the snapshot: every invocation would draw the same
 * numbers. Ours draws its seed from the platform's live entropy at the first call of each invocation.
 */
export interface ReseededRandom {
  /** Forgets the state: the next call of `random` draws a new seed. */
  forget(): void
  random(): number
}

/** xoshiro128** (Blackman, Vigna 2018): 128 bits of state; for simulations and jitter, not for secrets, as ECMA-262 has it. */
export function createRandom(entropy: () => Uint32Array): ReseededRandom {
  let state: Uint32Array | undefined
  return {
    forget() {
      state = undefined
    },
    random() {
      state ??= seed(entropy())
      // 53 bits, as many as a double in [0, 1) can hold evenly spaced.
      return ((next(state) >>> 5) * 0x4000000 + (next(state) >>> 6)) / 0x20000000000000
    },
  }
}

/** All zeros is the one state that the generator cannot leave. */
function seed(words: Uint32Array): Uint32Array {
  const state = Uint32Array.from(words.subarray(0, 4))
  if (state.every((word) => word === 0)) state[0] = 1
  return state
}

function next(s: Uint32Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = s
  const scrambled = Math.imul(b, 5)
  const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0
  const e = d ^ b
  const f = c ^ a
  s[0] = a ^ e
  s[1] = b ^ f
  s[2] = f ^ (b << 9)
  s[3] = (e << 11) | (e >>> 21)
  return result
}
