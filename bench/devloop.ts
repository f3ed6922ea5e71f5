import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from '../bin/node.mjs'
import { absolute, compare, type Row, type Samples } from './harness.ts'
import { freePort } from './load.ts'

const ROUNDS = 15
const SOURCE_BYTES = 100_000
const START_MS = 120_000
/** Between two saves: whatever a tool does after it has answered is not measured with the next. */
const PAUSE_MS = 300

const REPOSITORY = fileURLToPath(new URL('../', import.meta.url))

interface Tool {
  readonly name: string
  readonly command: (folder: string, port: number) => readonly string[]
}

const AMPOULE: readonly Tool[] = (['starlingmonkey', 'quickjs'] as const).map((engine) => ({
  name: `ampoule dev, ${engine}`,
  command: (folder, port) => [
    ...NODE_FLAGS,
    join(REPOSITORY, 'src/cli/main.ts'),
    'dev',
    '--port',
    String(port),
    '--config',
    join(folder, `${engine}.jsonc`),
  ],
}))

const VITE: Tool = {
  name: 'vite',
  command: (folder, port) => [join(REPOSITORY, 'bench/devloop-vite.ts'), folder, String(port)],
}

/** Where it is installed. */
const WRANGLER_FILE = join(REPOSITORY, 'node_modules/wrangler/bin/wrangler.js')
const WRANGLER: Tool = {
  name: 'wrangler dev',
  command: (folder, port) => {
    const address = ['--port', String(port), '--ip', '127.0.0.1']
    const quiet = ['--show-interactive-dev-session', 'false', '--log-level', 'error']
    return [WRANGLER_FILE, 'dev', join(folder, 'src/index.ts'), ...address, '--compatibility-date', '2026-01-01', ...quiet]
  },
}

/** From the moment a file is saved until the new code answers, for a function of 100 KB of TypeScript. */
export async function run(): Promise<readonly Row[]> {
  const references: Samples[] = [await measure(VITE, 'fetch')]
  if (existsSync(WRANGLER_FILE)) references.push(await measure(WRANGLER, 'fetch'))
  else console.error('devloop: wrangler is not installed, so it is not measured')
  const rows: Row[] = []
  for (const tool of AMPOULE) {
    const samples = await measure(tool, tool.name.endsWith('quickjs') ? 'handler' : 'fetch')
    rows.push(absolute(samples, '<= 300 ms'), ...references.map((reference) => compare(samples, reference)))
  }
  return rows
}

async function measure({ name, command }: Tool, shape: 'fetch' | 'handler'): Promise<Samples> {
  const folder = await mkdtemp(join(tmpdir(), 'ampoule-devloop-'))
  const port = await freePort()
  await mkdir(join(folder, 'src'))
  for (const engine of ['starlingmonkey', 'quickjs'])
    await writeFile(
      join(folder, `${engine}.jsonc`),
      JSON.stringify({ functions: { fn: { source: 'src/index.ts', engine, routes: ['/*'] } } }),
    )
  // Vite looks for its own client beside the project.
  await symlink(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
  const save = (version: number) => writeFile(join(folder, 'src/index.ts'), source(version, shape))
  await save(0)
  const child = spawn(process.execPath, command(folder, port), {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' },
    detached: true,
  })
  try {
    await answers(port, 0, START_MS)
    const values: number[] = []
    for (let version = 1; version <= ROUNDS; version++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      const started = performance.now()
      await save(version)
      await answers(port, version, START_MS)
      values.push(performance.now() - started)
    }
    return { name, unit: 'ms', values }
  } finally {
    end(child)
    await rm(folder, { recursive: true, force: true })
  }
}

/** Asks until that version answers, one request after the other. */
async function answers(port: number, version: number, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const text = await fetch(`http://127.0.0.1:${port}/`).then(
      (response) => response.text(),
      () => undefined,
    )
    if (text === `version ${version}`) return
    if (performance.now() > deadline) throw new Error(`version ${version} did not answer; the last answer was ${text ?? 'none'}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** With what it started itself: it is the leader of a group. */
function end({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL')
}

/** Functions and tables as people write them, all of them used, and the version in the midst of it. */
function source(version: number, shape: 'fetch' | 'handler'): string {
  const parts: string[] = []
  let bytes = 0
  for (let i = 0; bytes < SOURCE_BYTES; i++) {
    const part = `interface Item${i} { readonly id: number; readonly tags: readonly string[] }
/** Sums up item ${i}. */
export function summary${i}(item: Item${i}, factor = ${i}): string {
  const tags = item.tags.map((tag: string) => tag.toUpperCase()).filter((tag) => tag.length > factor % 7)
  return \`\${item.id * factor}: \${tags.join(', ')}\`
}
`
    parts.push(part)
    bytes += part.length
  }
  const all = parts.map((_, i) => `summary${i}`).join(', ')
  const answer = `\`version ${version}\${all.length > 0 ? '' : all.map((one) => one({ id: 1, tags: [] })).join('')}\``
  const exported =
    shape === 'fetch'
      ? `export default { fetch: (_request: Request): Response => new Response(${answer}) }`
      : `export const handler = async () => ({ statusCode: 200, body: ${answer} })`
  return `${parts.join('\n')}\nconst all = [${all}]\n${exported}\n`
}
