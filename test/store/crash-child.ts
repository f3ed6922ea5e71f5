import { join } from 'node:path'
import { openCodeStore } from '../../src/store/code.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { createStore } from '../../src/store/store.ts'
import { functionRecord } from './conformance.ts'

// Creates, publishes, changes and deletes functions, several at a time, and says of each change that it was acknowledged, until it is killed.
const [folder = '', round = '0'] = process.argv.slice(2)
const store = createStore(await openSqlite(folder))
const code = await openCodeStore(join(folder, 'code'), store)
await code.collectAll()

/** A line is given to the kernel before anything else happens: what is acknowledged here cannot be lost with the process. */
const acknowledge = (line: string): void => void process.stdout.write(`${line}\n`)

async function worker(name: string): Promise<never> {
  for (let step = 0; ; step++) {
    {
      // The same as what others put and remove at the same time.
      using hold = await code.put(Buffer.from(`code ${round} ${step % 6}`.padEnd(2_000, '.')))
      await store.transact(async (tx) => {
        const found = (await tx.get('functions', [name])) ?? functionRecord(name)
        const lastVersion = found.lastVersion + 1
        const latest = functionRecord(name, hold.sha256).latest
        tx.put('functions', { ...found, latest, lastVersion })
        tx.put('versions', { ...latest, name, number: lastVersion, version: String(lastVersion) })
      })
      acknowledge(`put ${name} ${hold.sha256}`)
    }
    if (step % 5 !== 4) continue
    const gone = await store.transact(async (tx) => {
      const hashes = (await tx.list('versions', { where: { name } })).map(({ definition }) => definition.code.sha256)
      tx.delete('functions', { name })
      tx.delete('versions', { name })
      return hashes
    })
    acknowledge(`deleted ${name}`)
    await code.collect(gone)
  }
}

acknowledge('ready')
await Promise.all(['a', 'b', 'c', 'd'].map(worker))
