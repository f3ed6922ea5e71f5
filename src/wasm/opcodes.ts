/**
 * The one opcode table. What follows an opcode (`Immediate`), what it costs in fuel, and which proposal brought it, for every
 * instruction of WebAssembly 3.0 plus legacy exceptions and threads: what V8 14.6 ships. What is not in the table is refused.
 *
 * Source: WebAssembly 3.0 core specification, section "Binary Format / Instructions" and appendix "Index of Instructions";
 * threads and legacy exception handling from their proposals' repositories.
 */
export const NONE = 1
export const BLOCK = 2
export const LABEL = 3
export const BR_TABLE = 4
export const FUNC = 5
export const CALL_INDIRECT = 6
export const TYPE = 7
export const LOCAL = 8
export const GLOBAL = 9
export const TABLE = 10
export const MEMORY = 11
export const MEMARG = 12
export const MEMARG_LANE = 13
export const VAR32 = 14
export const VAR64 = 15
export const BYTES4 = 16
export const BYTES8 = 17
export const BYTES16 = 18
export const LANE = 19
export const HEAP = 20
export const SELECT_TYPES = 21
export const TAG = 22
export const TRY_TABLE = 23
export const CAST_BRANCH = 24
export const TYPE_FIELD = 25
export const TYPE_TYPE = 26
export const TYPE_COUNT = 27
export const TYPE_DATA = 28
export const TYPE_ELEM = 29
export const DATA_MEMORY = 30
export const MEMORY_MEMORY = 31
export const DATA = 32
export const ELEM_TABLE = 33
export const ELEM = 34
export const TABLE_TABLE = 35
export const FENCE = 36

/** Slots of the flat table: one-byte opcodes at 0, then 512 for each prefix. */
export const PREFIX_GC = 256
export const PREFIX_MISC = PREFIX_GC + 512
export const PREFIX_SIMD = PREFIX_MISC + 512
export const PREFIX_THREADS = PREFIX_SIMD + 512
const SLOTS = PREFIX_THREADS + 512

type Row = readonly [slot: number, immediate: number, weight: number, feature: string, names: string]

const compare = (type: string): string =>
  ['eq', 'ne', 'lt_s', 'lt_u', 'gt_s', 'gt_u', 'le_s', 'le_u', 'ge_s', 'ge_u'].map((op) => `${type}.${op}`).join(' ')
const compareFloat = (type: string): string => ['eq', 'ne', 'lt', 'gt', 'le', 'ge'].map((op) => `${type}.${op}`).join(' ')
const integer = (type: string): string =>
  'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'
    .split(' ')
    .map((op) => `${type}.${op}`)
    .join(' ')
const float = (type: string): string =>
  'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign'
    .split(' ')
    .map((op) => `${type}.${op}`)
    .join(' ')
const atomic = (op: string, suffix: string): string =>
  `i32.atomic.${op} i64.atomic.${op} i32.atomic.${op}8${suffix} i32.atomic.${op}16${suffix} i64.atomic.${op}8${suffix} i64.atomic.${op}16${suffix} i64.atomic.${op}32${suffix}`
const rmw = (op: string): string =>
  `i32.atomic.rmw.${op} i64.atomic.rmw.${op} i32.atomic.rmw8.${op}_u i32.atomic.rmw16.${op}_u i64.atomic.rmw8.${op}_u i64.atomic.rmw16.${op}_u i64.atomic.rmw32.${op}_u`
const lanes = (type: string, ops: string): string =>
  ops
    .split(' ')
    .map((op) => (op === '-' ? '-' : `${type}.${op}`))
    .join(' ')

/** `names` are consecutive from `slot`; `-` leaves a hole. Weights were fitted to the times of `npm run bench metering` and of loops
 * over single instructions: 0 structure and constants, 1 what a core does several of in a cycle. A fixed weight cannot know what decides
 * most beside it, whether a branch is foreseen and a load comes from a cache, so that fuel stays a measure of work and not of time.
 */
const ROWS: readonly Row[] = [
  [0x00, NONE, 0, 'mvp', 'unreachable nop'],
  [0x02, BLOCK, 0, 'mvp', 'block loop'],
  [0x04, BLOCK, 2, 'mvp', 'if'],
  [0x05, NONE, 0, 'mvp', 'else'],
  [0x06, BLOCK, 0, 'legacy-exceptions', 'try'],
  [0x07, TAG, 0, 'legacy-exceptions', 'catch'],
  [0x08, TAG, 1000, 'exceptions', 'throw'],
  [0x09, LABEL, 1000, 'legacy-exceptions', 'rethrow'],
  [0x0a, NONE, 1000, 'exceptions', 'throw_ref'],
  [0x0b, NONE, 0, 'mvp', 'end'],
  [0x0c, LABEL, 1, 'mvp', 'br'],
  [0x0d, LABEL, 3, 'mvp', 'br_if'],
  [0x0e, BR_TABLE, 4, 'mvp', 'br_table'],
  [0x0f, NONE, 1, 'mvp', 'return'],
  [0x10, FUNC, 20, 'mvp', 'call'],
  [0x11, CALL_INDIRECT, 60, 'mvp', 'call_indirect'],
  [0x12, FUNC, 20, 'tail-call', 'return_call'],
  [0x13, CALL_INDIRECT, 60, 'tail-call', 'return_call_indirect'],
  [0x14, TYPE, 60, 'function-references', 'call_ref'],
  [0x15, TYPE, 60, 'function-references', 'return_call_ref'],
  [0x18, LABEL, 0, 'legacy-exceptions', 'delegate'],
  [0x19, NONE, 0, 'legacy-exceptions', 'catch_all'],
  [0x1a, NONE, 0, 'mvp', 'drop'],
  [0x1b, NONE, 2, 'mvp', 'select'],
  [0x1c, SELECT_TYPES, 2, 'reference-types', 'select'],
  [0x1f, TRY_TABLE, 0, 'exceptions', 'try_table'],
  [0x20, LOCAL, 0, 'mvp', 'local.get'],
  [0x21, LOCAL, 1, 'mvp', 'local.set local.tee'],
  [0x23, GLOBAL, 1, 'mvp', 'global.get global.set'],
  [0x25, TABLE, 4, 'reference-types', 'table.get'],
  [0x26, TABLE, 100, 'reference-types', 'table.set'],
  [0x28, MEMARG, 2, 'mvp', 'i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u'],
  [0x30, MEMARG, 2, 'mvp', 'i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u'],
  [0x36, MEMARG, 1, 'mvp', 'i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32'],
  [0x3f, MEMORY, 1, 'mvp', 'memory.size'],
  [0x40, MEMORY, 500, 'mvp', 'memory.grow'],
  [0x41, VAR32, 0, 'mvp', 'i32.const'],
  [0x42, VAR64, 0, 'mvp', 'i64.const'],
  [0x43, BYTES4, 0, 'mvp', 'f32.const'],
  [0x44, BYTES8, 0, 'mvp', 'f64.const'],
  [0x45, NONE, 2, 'mvp', `i32.eqz ${compare('i32')} i64.eqz ${compare('i64')} ${compareFloat('f32')} ${compareFloat('f64')}`],
  [0x67, NONE, 1, 'mvp', `${integer('i32')} ${integer('i64')} ${float('f32')} ${float('f64')}`],
  [
    0xa7,
    NONE,
    1,
    'mvp',
    'i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u i64.extend_i32_s i64.extend_i32_u',
  ],
  [
    0xae,
    NONE,
    1,
    'mvp',
    'i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s',
  ],
  [
    0xb5,
    NONE,
    1,
    'mvp',
    'f32.convert_i64_u f32.demote_f64 f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u',
  ],
  [0xbb, NONE, 1, 'mvp', 'f64.promote_f32 i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64'],
  [0xc0, NONE, 1, 'sign-extension', 'i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s'],
  [0xd0, HEAP, 0, 'reference-types', 'ref.null'],
  [0xd1, NONE, 1, 'reference-types', 'ref.is_null'],
  [0xd2, FUNC, 1, 'reference-types', 'ref.func'],
  [0xd3, NONE, 1, 'gc', 'ref.eq'],
  [0xd4, NONE, 1, 'function-references', 'ref.as_non_null'],
  [0xd5, LABEL, 3, 'function-references', 'br_on_null br_on_non_null'],

  [PREFIX_GC, TYPE, 20, 'gc', 'struct.new struct.new_default'],
  [PREFIX_GC + 2, TYPE_FIELD, 2, 'gc', 'struct.get struct.get_s struct.get_u struct.set'],
  [PREFIX_GC + 6, TYPE, 20, 'gc', 'array.new array.new_default'],
  [PREFIX_GC + 8, TYPE_COUNT, 20, 'gc', 'array.new_fixed'],
  [PREFIX_GC + 9, TYPE_DATA, 20, 'gc', 'array.new_data'],
  [PREFIX_GC + 10, TYPE_ELEM, 20, 'gc', 'array.new_elem'],
  [PREFIX_GC + 11, TYPE, 2, 'gc', 'array.get array.get_s array.get_u array.set'],
  [PREFIX_GC + 15, NONE, 1, 'gc', 'array.len'],
  [PREFIX_GC + 16, TYPE, 20, 'gc', 'array.fill'],
  [PREFIX_GC + 17, TYPE_TYPE, 20, 'gc', 'array.copy'],
  [PREFIX_GC + 18, TYPE_DATA, 20, 'gc', 'array.init_data'],
  [PREFIX_GC + 19, TYPE_ELEM, 20, 'gc', 'array.init_elem'],
  [PREFIX_GC + 20, HEAP, 4, 'gc', 'ref.test ref.test_null ref.cast ref.cast_null'],
  [PREFIX_GC + 24, CAST_BRANCH, 4, 'gc', 'br_on_cast br_on_cast_fail'],
  [PREFIX_GC + 26, NONE, 1, 'gc', 'any.convert_extern extern.convert_any ref.i31 i31.get_s i31.get_u'],

  [
    PREFIX_MISC,
    NONE,
    1,
    'saturating-float-to-int',
    'i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u',
  ],
  [
    PREFIX_MISC + 4,
    NONE,
    1,
    'saturating-float-to-int',
    'i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u',
  ],
  [PREFIX_MISC + 8, DATA_MEMORY, 20, 'bulk-memory', 'memory.init'],
  [PREFIX_MISC + 9, DATA, 2, 'bulk-memory', 'data.drop'],
  [PREFIX_MISC + 10, MEMORY_MEMORY, 20, 'bulk-memory', 'memory.copy'],
  [PREFIX_MISC + 11, MEMORY, 20, 'bulk-memory', 'memory.fill'],
  [PREFIX_MISC + 12, ELEM_TABLE, 20, 'bulk-memory', 'table.init'],
  [PREFIX_MISC + 13, ELEM, 2, 'bulk-memory', 'elem.drop'],
  [PREFIX_MISC + 14, TABLE_TABLE, 20, 'bulk-memory', 'table.copy'],
  [PREFIX_MISC + 15, TABLE, 500, 'reference-types', 'table.grow'],
  [PREFIX_MISC + 16, TABLE, 1, 'reference-types', 'table.size'],
  [PREFIX_MISC + 17, TABLE, 20, 'reference-types', 'table.fill'],

  [
    PREFIX_SIMD,
    MEMARG,
    2,
    'simd',
    'v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s v128.load32x2_u',
  ],
  [PREFIX_SIMD + 7, MEMARG, 2, 'simd', 'v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat v128.store'],
  [PREFIX_SIMD + 0x0c, BYTES16, 0, 'simd', 'v128.const'],
  [PREFIX_SIMD + 0x0d, BYTES16, 1, 'simd', 'i8x16.shuffle'],
  [PREFIX_SIMD + 0x0e, NONE, 1, 'simd', 'i8x16.swizzle i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat'],
  [
    PREFIX_SIMD + 0x15,
    LANE,
    1,
    'simd',
    `${lanes('i8x16', 'extract_lane_s extract_lane_u replace_lane')} ${lanes('i16x8', 'extract_lane_s extract_lane_u replace_lane')}`,
  ],
  [
    PREFIX_SIMD + 0x1b,
    LANE,
    1,
    'simd',
    ['i32x4', 'i64x2', 'f32x4', 'f64x2'].map((type) => lanes(type, 'extract_lane replace_lane')).join(' '),
  ],
  [
    PREFIX_SIMD + 0x23,
    NONE,
    1,
    'simd',
    `${compare('i8x16')} ${compare('i16x8')} ${compare('i32x4')} ${compareFloat('f32x4')} ${compareFloat('f64x2')}`,
  ],
  [PREFIX_SIMD + 0x4d, NONE, 1, 'simd', lanes('v128', 'not and andnot or xor bitselect any_true')],
  [
    PREFIX_SIMD + 0x54,
    MEMARG_LANE,
    2,
    'simd',
    lanes('v128', 'load8_lane load16_lane load32_lane load64_lane store8_lane store16_lane store32_lane store64_lane'),
  ],
  [PREFIX_SIMD + 0x5c, MEMARG, 2, 'simd', 'v128.load32_zero v128.load64_zero'],
  [PREFIX_SIMD + 0x5e, NONE, 1, 'simd', 'f32x4.demote_f64x2_zero f64x2.promote_low_f32x4'],
  [PREFIX_SIMD + 0x60, NONE, 1, 'simd', lanes('i8x16', 'abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u')],
  [PREFIX_SIMD + 0x67, NONE, 1, 'simd', lanes('f32x4', 'ceil floor trunc nearest')],
  [PREFIX_SIMD + 0x6b, NONE, 1, 'simd', lanes('i8x16', 'shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u')],
  [
    PREFIX_SIMD + 0x74,
    NONE,
    1,
    'simd',
    'f64x2.ceil f64x2.floor i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u f64x2.trunc i8x16.avgr_u',
  ],
  [
    PREFIX_SIMD + 0x7c,
    NONE,
    1,
    'simd',
    `${lanes('i16x8', 'extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u')} ${lanes('i32x4', 'extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u')}`,
  ],
  [
    PREFIX_SIMD + 0x80,
    NONE,
    1,
    'simd',
    lanes(
      'i16x8',
      'abs neg q15mulr_sat_s all_true bitmask narrow_i32x4_s narrow_i32x4_u extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u',
    ),
  ],
  [PREFIX_SIMD + 0x8b, NONE, 1, 'simd', lanes('i16x8', 'shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u')],
  [
    PREFIX_SIMD + 0x94,
    NONE,
    1,
    'simd',
    `f64x2.nearest ${lanes('i16x8', 'mul min_s min_u max_s max_u - avgr_u extmul_low_i8x16_s extmul_high_i8x16_s extmul_low_i8x16_u extmul_high_i8x16_u')}`,
  ],
  [
    PREFIX_SIMD + 0xa0,
    NONE,
    1,
    'simd',
    lanes(
      'i32x4',
      'abs neg - all_true bitmask - - extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u shl shr_s shr_u add - - sub - - - mul',
    ),
  ],
  [
    PREFIX_SIMD + 0xb6,
    NONE,
    1,
    'simd',
    lanes(
      'i32x4',
      'min_s min_u max_s max_u dot_i16x8_s - extmul_low_i16x8_s extmul_high_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_u',
    ),
  ],
  [
    PREFIX_SIMD + 0xc0,
    NONE,
    1,
    'simd',
    lanes(
      'i64x2',
      'abs neg - all_true bitmask - - extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u shl shr_s shr_u add - - sub - - - mul',
    ),
  ],
  [
    PREFIX_SIMD + 0xd6,
    NONE,
    1,
    'simd',
    lanes('i64x2', 'eq ne lt_s gt_s le_s ge_s extmul_low_i32x4_s extmul_high_i32x4_s extmul_low_i32x4_u extmul_high_i32x4_u'),
  ],
  [PREFIX_SIMD + 0xe0, NONE, 1, 'simd', lanes('f32x4', 'abs neg - sqrt add sub mul div min max pmin pmax')],
  [PREFIX_SIMD + 0xec, NONE, 1, 'simd', lanes('f64x2', 'abs neg - sqrt add sub mul div min max pmin pmax')],
  [
    PREFIX_SIMD + 0xf8,
    NONE,
    1,
    'simd',
    'i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u',
  ],
  [
    PREFIX_SIMD + 0xfc,
    NONE,
    1,
    'simd',
    'i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u',
  ],
  [
    PREFIX_SIMD + 0x100,
    NONE,
    1,
    'relaxed-simd',
    `i8x16.relaxed_swizzle ${lanes('i32x4', 'relaxed_trunc_f32x4_s relaxed_trunc_f32x4_u relaxed_trunc_f64x2_s_zero relaxed_trunc_f64x2_u_zero')}`,
  ],
  [PREFIX_SIMD + 0x105, NONE, 1, 'relaxed-simd', 'f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd'],
  [
    PREFIX_SIMD + 0x109,
    NONE,
    1,
    'relaxed-simd',
    ['i8x16', 'i16x8', 'i32x4', 'i64x2'].map((type) => `${type}.relaxed_laneselect`).join(' '),
  ],
  [PREFIX_SIMD + 0x10d, NONE, 1, 'relaxed-simd', 'f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max'],
  [
    PREFIX_SIMD + 0x111,
    NONE,
    1,
    'relaxed-simd',
    'i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s i32x4.relaxed_dot_i8x16_i7x16_add_s',
  ],

  [PREFIX_THREADS, MEMARG, 100, 'threads', 'memory.atomic.notify memory.atomic.wait32 memory.atomic.wait64'],
  [PREFIX_THREADS + 3, FENCE, 250, 'threads', 'atomic.fence'],
  [PREFIX_THREADS + 0x10, MEMARG, 2, 'threads', atomic('load', '_u')],
  [PREFIX_THREADS + 0x17, MEMARG, 60, 'threads', atomic('store', '')],
  [PREFIX_THREADS + 0x1e, MEMARG, 60, 'threads', ['add', 'sub', 'and', 'or', 'xor', 'xchg', 'cmpxchg'].map(rmw).join(' ')],
]

/** What stands among cheaper instructions of its row. Divisions by a constant, which are cheap, cannot be told apart. */
const DEARER: readonly (readonly [name: RegExp, weight: number])[] = [
  [/^i\d+\.(div|rem)_/, 12],
  [/\.(div|sqrt)$/, 16],
  [/^(f\d+|f64x2|f32x4)\.(min|max)$/, 8],
  [/^f\d+\.(ceil|floor|trunc|nearest|convert_|demote|promote)|\.trunc_/, 2],
  [/^i\d+\.mul$/, 2],
  [/^(i64x2\.mul|i8x16\.(popcnt|shl|shr_[su]))$/, 4],
]

export interface OpcodeTables {
  /** By slot; 0 means that the opcode is not known. */
  readonly immediates: Uint8Array
  readonly weights: Uint16Array
  readonly names: readonly (string | undefined)[]
  readonly features: readonly (string | undefined)[]
}

let tables: OpcodeTables | undefined

/** The table by slot, made on first use. */
export function opcodeTables(): OpcodeTables {
  if (tables !== undefined) return tables
  const immediates = new Uint8Array(SLOTS)
  const weights = new Uint16Array(SLOTS)
  const names: (string | undefined)[] = Array.from({ length: SLOTS })
  const features: (string | undefined)[] = Array.from({ length: SLOTS })
  for (const [first, immediate, weight, feature, list] of ROWS) {
    let slot = first
    for (const name of list.split(' ')) {
      if (name !== '-') {
        if (immediates[slot] !== 0) throw new Error(`opcode table: ${name} collides with ${names[slot]}`)
        immediates[slot] = immediate
        weights[slot] = DEARER.find(([names]) => names.test(name))?.[1] ?? weight
        names[slot] = name
        features[slot] = feature
      }
      slot++
    }
  }
  tables = { immediates, weights, names, features }
  return tables
}

const hex = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`

/** Opcode bytes for messages: `0x0b` or `0xfc 0x08`. */
export function describeOpcode(slot: number): string {
  const name = opcodeTables().names[slot]
  const prefix = Math.floor((slot - PREFIX_GC) / 512)
  const code = slot < PREFIX_GC ? hex(slot) : `${hex(0xfb + prefix)} ${hex((slot - PREFIX_GC) % 512)}`
  return name === undefined ? code : `${code} (${name})`
}
