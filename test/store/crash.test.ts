import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openCodeStore } from '../../src/store/code.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { createStore } from '../../src/store/store.ts'

const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url))
/** Hundreds take minutes: `AMPOULE_CRASH_ROUNDS=300 npm test -- test/store/crash.test.ts`. */
const ROUNDS = Number(process.env['AMPOULE_CRASH_ROUNDS'] ?? 12)
const SEED = Number(process.env['AMPOULE_CRASH_SEED'] ?? Date.now() % 2 ** 31)
/** From the child's first acknowledgement to its end, at most; milliseconds. */
const MAX_LIFE_MS = 150

/** mulberry32. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What the child had acknowledged when it was killed: per function the last hash, or that it was deleted. */
async function runUntilKilled(folder: string, round: number, lifeMs: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, folder, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'close')
  let text = ''
  let killed = false
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (killed) return
    killed = true
    void wait(lifeMs).then(() => child.kill('SIGKILL'))
  })
  const [, signal] = (await exited) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
  return text.split('\n').slice(0, -1)
}

it(
  'loses nothing acknowledged and leaves no half function when it is killed at any moment',
  async () => {
    process.stdout.write(`crash test: ${ROUNDS} rounds, AMPOULE_CRASH_SEED=${SEED}\n`)
    const next = random(SEED)
    const folder = await mkdtemp(join(tmpdir(), 'ampoule-crash-'))
    let acknowledged = 0
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const lines = await runUntilKilled(folder, round, next() * MAX_LIFE_MS)
        acknowledged += lines.length - 1
        const store = createStore(await openSqlite(folder))
        const code = await openCodeStore(join(folder, 'code'), store)
        const functions = await store.list('functions')
        const versions = await store.list('versions')
        // A function's last acknowledged state, or one that came right after it and was not acknowledged any more.
        for (const name of ['a', 'b', 'c', 'd']) {
          const last = lines.findLast((line) => line.split(' ')[1] === name)
          const found = functions.find((fn) => fn.name === name)
          const own = versions.filter((version) => version.name === name)
          const hashes = own.map(({ definition }) => definition.code.sha256)
          if (last?.startsWith('put ') && found !== undefined) expect(hashes, `round ${round}`).toContain(last.split(' ')[2])
          // Deleted without an acknowledgement: only when the next step of the worker would have done it.
          if (last?.startsWith('put ') && found === undefined)
            expect(lines.filter((line) => line.startsWith(`put ${name} `)).length % 5).toBe(0)
          // No half function: each published version is there, the newest is what $LATEST is, and nothing is left of a deleted one.
          expect(
            own.map(({ number }) => number),
            `round ${round}`,
          ).toEqual(Array.from({ length: found?.lastVersion ?? 0 }, (_, index) => index + 1))
          expect(hashes.at(-1)).toBe(found?.latest.definition.code.sha256)
          for (const hash of hashes) expect(await code.read(hash), `round ${round}`).toBeDefined()
        }
        await code.collectAll()
        const files = (await readdir(join(folder, 'code'), { recursive: true, withFileTypes: true })).filter((file) =>
          file.isFile(),
        )
        const referenced = new Set(versions.map(({ definition }) => definition.code.sha256))
        expect(new Set(files.map(({ name }) => name))).toEqual(referenced)
        await store.close()
      }
      expect(acknowledged).toBeGreaterThan(ROUNDS)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  60_000 + ROUNDS * 5_000,
)
