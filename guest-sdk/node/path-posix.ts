/** `node:path/posix`, which is what `node:path` is here. */
import path from './path.ts'

export * from './path.ts'

// oxlint-disable-next-line import/no-default-export -- what `require` and a default import give
export default path
