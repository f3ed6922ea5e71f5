import type { Plugin } from 'rolldown'

/** The way to %AsyncIteratorPrototype% (ECMA-262 27.1.4) that libraries take: from the prototype of an async generator function. */
const IDIOM = /Object\.getPrototypeOf\(\s*Object\.getPrototypeOf\(\s*async function\s*\*\s*\(\)\s*\{\s*\}\s*\)\.prototype\s*\)/g

/** The same, of a function that the engine makes itself: a lowered one is an ordinary function, which has no such prototype. */
const NATIVE = 'Object.getPrototypeOf(Object.getPrototypeOf((0, eval)("(async function* () {})")).prototype)'

/** For QuickJS, whose async functions are lowered. */
export const keepAsyncIteratorPrototype: Plugin = {
  name: 'ampoule:async-iterator-prototype',
  transform: {
    filter: { code: /getPrototypeOf\(\s*async function/ },
    handler: (code) => (IDIOM.test(code) ? { code: code.replace(IDIOM, NATIVE), map: null } : null),
  },
}
