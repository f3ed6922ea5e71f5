// What `npm start`, `npm test` and the other scripts of package.json run: set up when needed, then do it under the right Node.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runNode } from './node.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [task, ...args] = process.argv.slice(2)

const bin = (name, file) => join(root, 'node_modules', name, file)
/** Each task is a list of commands, run one after the other until one fails. */
const TASKS = {
  start: [['src/cli/main.ts', 'serve', '--config', 'examples/ampoule.jsonc', '--dev', ...args]],
  test: [[bin('vitest', 'vitest.mjs'), 'run', ...args]],
  soak: [[bin('vitest', 'vitest.mjs'), 'run', '--config', 'test/soak/vitest.config.ts', ...args]],
  crash: [[bin('vitest', 'vitest.mjs'), 'run', '--config', 'test/crash/vitest.config.ts', ...args]],
  bench: [['--expose-gc', 'bench/main.ts', ...args]],
  check: [
    [bin('typescript', 'bin/tsc')],
    [bin('oxlint', 'bin/oxlint'), '--type-aware', '--deny-warnings', 'src', 'test', 'bench', 'bin', 'guest-sdk', 'examples'],
    [bin('prettier', 'bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
    [bin('knip', 'bin/knip.js')],
  ],
  format: [[bin('prettier', 'bin/prettier.cjs'), '--write', '--log-level', 'warn', '.']],
}

/** Whether what is installed is what the lock file says; optional packages of other platforms do not count. */
function isInstalled() {
  try {
    const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages
    const have = read('node_modules/.package-lock.json')
    return Object.entries(read('package-lock.json')).every(
      ([path, want]) => path === '' || want.optional || have[path]?.version === want.version,
    )
  } catch {
    return false
  }
}

const commands = TASKS[task]
if (commands === undefined) {
  console.error(`unknown task "${task}"; known: ${Object.keys(TASKS).join(', ')}`)
  process.exit(2)
}
if (!isInstalled()) {
  console.error('installing dependencies (npm ci --ignore-scripts) …')
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (npm.status !== 0) process.exit(npm.status ?? 1)
}
// npm passes SIGTERM to the shell that it runs a script in, and the shell to no one: when it is gone, this ends as it was meant to.
const shell = process.ppid
setInterval(() => {
  if (process.ppid !== shell) process.kill(process.pid, 'SIGTERM')
}, 250).unref()

for (const command of commands) {
  const code = await runNode(command, { cwd: root })
  if (code !== 0) process.exit(code)
}
