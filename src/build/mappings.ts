const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUES = new Map(Array.from(DIGITS, (digit, value) => [digit.charCodeAt(0), value] as const))

const CONTINUES = 0b100000
const VALUE_BITS = 5
/** Seven digits have 35 bits, the first of which is the sign: what a map has fits into 31. */
const MAX_DIGITS = 7
const MAX = 2 ** 31 - 1

const SEMICOLON = 0x3b
const COMMA = 0x2c

/**
 * Whether mappings (ECMA-426, "mappings") can be followed: each segment has one, four or five numbers, and none of them leads out of the
 * `sources` and `names` of the map. A bundler refuses a module for less.
 */
export function areMappings(mappings: string, { sources, names }: { readonly sources: number; readonly names: number }): boolean {
  // Column in the module, then source, line, column and name; all but the first go on over lines.
  const position = [0, 0, 0, 0, 0]
  const bounds = [MAX, sources - 1, MAX, MAX, names - 1]
  let field = 0
  let value = 0
  let digits = 0
  for (let at = 0; at <= mappings.length; at++) {
    const code = at === mappings.length ? SEMICOLON : mappings.charCodeAt(at)
    if (code === COMMA || code === SEMICOLON) {
      // An empty segment says nothing.
      if (digits > 0 || field === 2 || field === 3) return false
      field = 0
      if (code === SEMICOLON) position[0] = 0
      continue
    }
    const digit = VALUES.get(code)
    if (digit === undefined || field >= position.length || digits >= MAX_DIGITS) return false
    value += (digit % CONTINUES) * 2 ** (VALUE_BITS * digits)
    digits++
    if (digit >= CONTINUES) continue
    // A negative zero, which some read as the least of all numbers.
    if (value === 1) return false
    const next = (position[field] ?? 0) + (value % 2 === 0 ? value / 2 : -(value - 1) / 2)
    if (next < 0 || next > (bounds[field] ?? 0)) return false
    position[field] = next
    field++
    value = 0
    digits = 0
  }
  return true
}
