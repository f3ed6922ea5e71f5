import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../src/store/sqlite/database.ts'
import { MIGRATIONS } from '../../../src/store/sqlite/migrations.ts'
import { openSqlite } from '../../../src/store/sqlite/open.ts'
import { createStore } from '../../../src/store/store.ts'
import { TABLES } from '../../../src/store/records.ts'
import { describeStoreEngine, functionRecord } from '../conformance.ts'

const folders: string[] = []
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ampoule-store-'))
  folders.push(path)
  return path
}
afterAll(async () => {
  await Promise.all(folders.map((path) => rm(path, { recursive: true })))
})

describeStoreEngine('sqlite', async () => openSqlite(await folder()))

describe('the sqlite folder', () => {
  it('keeps a second host out until the first has closed', async () => {
    const path = await folder()
    const first = await openSqlite(path)
    await expect(openSqlite(path)).rejects.toMatchObject({
      code: 'AddressInUse',
      message: expect.stringContaining('--data') as string,
    })
    await first.close()
    await (await openSqlite(path)).close()
  })

  it('has everything again after it was closed', async () => {
    const path = await folder()
    const first = createStore(await openSqlite(path))
    await first.transact(async (tx) => tx.put('functions', functionRecord('kept')))
    await first.close()
    const second = createStore(await openSqlite(path))
    expect((await second.get('functions', ['kept']))?.name).toBe('kept')
    await second.close()
  })

  it('rejects what is asked of it after it was closed', async () => {
    const engine = await openSqlite(await folder())
    await engine.close()
    await expect(engine.get('functions', ['a'])).rejects.toMatchObject({ code: 'ShuttingDown' })
  })
})

describe('migrations', () => {
  it('refuse a database of a newer release and name both schemas', async () => {
    const path = join(await folder(), 'ampoule.sqlite')
    openDatabase(path, [...MIGRATIONS, 'CREATE TABLE later (a)']).close()
    expect(() => openDatabase(path)).toThrow(
      `schema ${MIGRATIONS.length + 1}, and this release of Ampoule knows ${MIGRATIONS.length}`,
    )
  })

  it('run once each, in order, and not at all when one of them fails', async () => {
    const path = join(await folder(), 'ampoule.sqlite')
    openDatabase(path, ['CREATE TABLE one (a)']).close()
    expect(() => openDatabase(path, ['CREATE TABLE one (a)', 'CREATE TABLE two (a); CREATE TABLE one (a)'])).toThrow(
      'already exists',
    )
    const database = openDatabase(path, ['CREATE TABLE one (a)', 'CREATE TABLE two (a)'])
    expect(
      database
        .prepare('SELECT name FROM sqlite_master ORDER BY name')
        .all()
        .map(({ name }) => name),
    ).toEqual(['one', 'two'])
    database.close()
  })

  it('make every declared table with its key and columns', async () => {
    const database = openDatabase(join(await folder(), 'ampoule.sqlite'))
    for (const [table, { key, columns = [] }] of Object.entries(TABLES) as [string, { key: string[]; columns?: string[] }][]) {
      const found = database.prepare(`SELECT name, pk FROM pragma_table_info('${table}')`).all()
      const names = found.map(({ name }) => name)
      const keys = found.filter(({ pk }) => Number(pk) > 0).map(({ name }) => name)
      expect({ table, keys }).toEqual({ table, keys: key })
      expect({ table, names }).toEqual({ table, names: expect.arrayContaining([...columns, 'revision', 'record']) as string[] })
    }
    database.close()
  })
})
