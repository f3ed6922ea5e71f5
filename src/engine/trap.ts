/** V8's messages for traps (and for the failures of the table instructions), in words for whoever wrote the function. */
const TRAPS: readonly (readonly [found: RegExp, words: string])[] = [
  [
    /^unreachable/,
    'it reached code that must not be reached (`unreachable`): an abort, a panic or a failed assertion; the log may say which',
  ],
  [/^memory access out of bounds/, 'it used an address outside its memory (out of bounds): a pointer or an index is wrong'],
  [/^(divide|remainder) by zero/, 'it divided an integer by zero'],
  [/^divide result unrepresentable/, 'the result of an integer division is too large for its type (overflow)'],
  [/^float unrepresentable in integer range/, 'it converted a number to an integer type that cannot hold it'],
  [
    /signature mismatch|^null function|^dereferencing a null pointer/,
    'it called a function pointer that is null or of another type',
  ],
  [
    /^table index is out of bounds/,
    'it called a function pointer that points to no function, or used an index outside a table (out of bounds)',
  ],
  [/^table access out of bounds|^table index .* out of bounds/, 'it used an index outside its table (out of bounds)'],
  [/^element segment|^data segment|^length out of bounds/, 'it copied from beyond the end of a segment (out of bounds)'],
]

/** What a trap means. `message` is that of the `WebAssembly.RuntimeError`; an unknown one is passed on. */
export const describeTrap = (message: string): string => TRAPS.find(([found]) => found.test(message))?.[1] ?? message

/** There is no setting for it: the stack is the engine's and the same for all. */
export const STACK_EXHAUSTED = 'its call stack is exhausted: it recurses too deeply, or for ever'
