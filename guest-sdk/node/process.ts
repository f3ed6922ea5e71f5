/** `node:process`: the global of the runtime, whose `env` is the function's. */
const { process } = globalThis

const { argv, cwd, env, nextTick } = process

export { argv, cwd, env, nextTick }

// oxlint-disable-next-line import/no-default-export -- what `require` and a default import give
export default process
