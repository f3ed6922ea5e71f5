import type { Maker } from './contract.ts'

/** What somebody else has compiled, to a module that is no component yet. It has no binding of ours that could be warmed. */
export const coreModule: Maker = {
  runtime: undefined,
  open: () =>
    Promise.resolve({
      version: 'given',
      compile: ({ source }) => Promise.resolve({ wasm: source, form: 'given', inputs: [source] }),
    }),
}
