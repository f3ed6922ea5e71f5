import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createStore } from '../src/store/store.ts'
import { openSqlite } from '../src/store/sqlite/open.ts'
import { node, pinned } from './load.ts'

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const DEADLINE_MS = 120_000

export interface ManagedHost {
  readonly url: string
  readonly managementUrl: string
  /** From the start of the process until it said that it serves; milliseconds. */
  readonly startMs: number
  /** Memory of its own, with what it shares with nobody; MB. */
  privateMb(): number
  stop(): Promise<void>
}

/** `ampoule serve` with a data folder and one lane, in a process of its own on the measured core. */
export async function startManagedHost(folder: string, config: string): Promise<ManagedHost> {
  const started = performance.now()
  const args = ['serve', '--config', config, '--data', folder, '--port', '0', '--management-port', '0', '--lanes', '1']
  const [program, ...rest] = pinned(0, node(MAIN, ...args))
  const child = spawn(program!, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const find = (pattern: RegExp): string | undefined => pattern.exec(said)?.[1]
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
  for (;;) {
    if (find(/managing functions at (\S+)\n/) !== undefined) break
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the host ended: ${said}`)
    await Promise.race([once(child.stderr, 'data'), exited])
  }
  clearTimeout(timer)
  return {
    url: find(/ at (\S+)\n/) ?? '',
    managementUrl: find(/managing functions at (\S+)\n/) ?? '',
    startMs: performance.now() - started,
    privateMb() {
      const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8')
      const kib = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].reduce((sum, [, size]) => sum + Number(size), 0)
      return kib / 1024
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Gives a folder that no host has `count` copies of the function `name`, called `<name>-<number>`. */
export async function copyFunction(folder: string, name: string, count: number): Promise<void> {
  const store = createStore(await openSqlite(folder))
  try {
    const record = await store.get('functions', [name])
    if (record === undefined) throw new Error(`there is no function ${name} in ${folder}`)
    for (let first = 0; first < count; first += BATCH) {
      await store.transact((tx) => {
        for (let i = first; i < Math.min(first + BATCH, count); i++) tx.put('functions', { ...record, name: `${name}-${i}` })
        return Promise.resolve()
      })
    }
  } finally {
    await store.close()
  }
}

const BATCH = 500
