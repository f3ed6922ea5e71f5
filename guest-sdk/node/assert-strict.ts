/** `node:assert/strict`. */
import assert from '@bytecodealliance/jco-std/wasi/0.2.x/node/24.x.x/assert'

const { strict } = assert

export const { AssertionError, deepEqual, deepStrictEqual, doesNotMatch, doesNotReject, doesNotThrow, equal, fail, ifError } =
  strict
export const { match, notDeepEqual, notDeepStrictEqual, notEqual, notStrictEqual, ok, rejects, strictEqual, throws } = strict

// oxlint-disable-next-line import/no-default-export -- what `require` and a default import give
export default strict
