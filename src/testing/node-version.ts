import { REQUIRED_MAJOR } from '../../bin/node.mjs'

/** Throws where the engine cannot run (it needs WebAssembly that waits), before anything of it is loaded, with what to do. */
export function requireNode(): void {
  if (Number(process.versions.node.split('.')[0]) >= REQUIRED_MAJOR) return
  throw new Error(
    `functions run on Node ${REQUIRED_MAJOR} and newer; this is ${process.version}: run the tests with "npx ampoule test", ` +
      `which starts vitest on the Node that comes with Ampoule, or with a newer Node`,
  )
}
