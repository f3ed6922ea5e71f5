import { afterEach, describe, expect, it } from 'vitest'
import { createStore } from '../../src/store/store.ts'
import { StaleRead, type StoreEngine } from '../../src/store/contract.ts'
import type { FunctionRecord } from '../../src/store/records.ts'

export const HASH = (digit: string): string => digit.repeat(64)

export const functionRecord = (name: string, code = HASH('a')): FunctionRecord => ({
  name,
  latest: {
    version: '$LATEST',
    definition: {
      runtime: 'nodejs22.x',
      handler: 'index.handler',
      role: 'arn:aws:iam::000000000000:role/any',
      description: '',
      memoryMb: 128,
      timeoutSeconds: 3,
      environment: undefined,
      architecture: 'x86_64',
      snapStart: 'None',
      layers: [],
      code: { sha256: code, bytes: 1 },
    },
    revisionId: 'r1',
    lastModified: '2026-01-01T00:00:00.000+0000',
    state: { status: 'pending' },
    lastUpdate: { status: 'done' },
    served: undefined,
  },
  lastVersion: 0,
  tags: {},
})

/** What every engine of the store must do. */
export function describeStoreEngine(name: string, open: () => Promise<StoreEngine>): void {
  describe(`the store engine ${name}`, () => {
    const engines: StoreEngine[] = []
    const fresh = async () => {
      const engine = await open()
      engines.push(engine)
      return { engine, store: createStore(engine) }
    }
    afterEach(async () => {
      await Promise.all(engines.splice(0).map((engine) => engine.close()))
    })

    it('gives back what was put, without what was undefined', async () => {
      const { store } = await fresh()
      await store.transact(async (tx) => tx.put('functions', functionRecord('a')))
      expect(await store.get('functions', ['a'])).toEqual(JSON.parse(JSON.stringify(functionRecord('a'))))
      expect(await store.get('functions', ['b'])).toBeUndefined()
    })

    it('lists in the order of keys, behind a key, and by columns', async () => {
      const { store } = await fresh()
      await store.transact(async (tx) => {
        for (const alias of ['c', 'a', 'b'])
          for (const fn of ['two', 'one'])
            tx.put('aliases', {
              name: fn,
              alias,
              version: alias === 'a' ? '1' : '2',
              description: '',
              revisionId: 'r',
              additional: undefined,
            })
      })
      const names = async (options: Parameters<typeof store.list>[1]) =>
        (await store.list('aliases', options)).map(({ name: fn, alias }) => `${fn}/${alias}`)
      expect(await names({})).toEqual(['one/a', 'one/b', 'one/c', 'two/a', 'two/b', 'two/c'])
      expect(await names({ where: { name: 'one' }, after: ['one', 'a'], limit: 1 })).toEqual(['one/b'])
      expect(await names({ where: { version: '2', name: 'two' } })).toEqual(['two/b', 'two/c'])
      expect(await names({ after: ['one', 'c'] })).toEqual(['two/a', 'two/b', 'two/c'])
    })

    it('orders numbers as numbers', async () => {
      const { store } = await fresh()
      await store.transact(async (tx) => {
        for (const number of [10, 9, 1])
          tx.put('versions', { ...functionRecord('f').latest, name: 'f', number, version: String(number) })
      })
      expect((await store.list('versions', { where: { name: 'f' } })).map(({ number }) => number)).toEqual([1, 9, 10])
    })

    it('commits all changes of a transaction or none', async () => {
      const { engine, store } = await fresh()
      const doomed = engine.commit(
        [{ table: 'functions', key: ['gone'], revision: 7 }],
        [{ kind: 'put', table: 'functions', key: ['a'], columns: {}, record: functionRecord('a'), references: [] }],
      )
      await expect(doomed).rejects.toThrow(StaleRead)
      expect(await store.list('functions')).toEqual([])
    })

    it('fails one request of a group alone', async () => {
      const { engine, store } = await fresh()
      const put = (key: string, revision: number) =>
        engine.commit(
          [{ table: 'functions', key: [key], revision }],
          [{ kind: 'put', table: 'functions', key: [key], columns: {}, record: functionRecord(key), references: [] }],
        )
      const results = await Promise.allSettled([put('a', 0), put('b', 99), put('c', 0)])
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect((await store.list('functions')).map(({ name: own }) => own)).toEqual(['a', 'c'])
    })

    it('runs a transaction again when what it has read was changed meanwhile', async () => {
      const { store } = await fresh()
      await store.transact(async (tx) => tx.put('functions', functionRecord('f')))
      const publish = () =>
        store.transact(async (tx) => {
          const found = await tx.get('functions', ['f'])
          if (found === undefined) throw new Error('gone')
          tx.put('functions', { ...found, lastVersion: found.lastVersion + 1 })
          return found.lastVersion + 1
        })
      const numbers = await Promise.all(Array.from({ length: 20 }, publish))
      expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    })

    it('lets nothing be created below a function that is deleted at the same time', async () => {
      const { store } = await fresh()
      await store.transact(async (tx) => tx.put('functions', functionRecord('f')))
      let first = true
      const created = store.transact(async (tx) => {
        if ((await tx.get('functions', ['f'])) === undefined) throw new Error('there is no such function')
        if (first) await store.transact(async (other) => other.delete('functions', { name: 'f' }))
        first = false
        tx.put('concurrency', { name: 'f', reserved: 1 })
      })
      await expect(created).rejects.toThrow('there is no such function')
      expect(await store.get('concurrency', ['f'])).toBeUndefined()
    })

    it('knows which code is referenced, and by a record no more once that is gone or has changed', async () => {
      const { store } = await fresh()
      await store.transact(async (tx) => {
        tx.put('functions', functionRecord('f', HASH('1')))
        tx.put('functions', functionRecord('g', HASH('2')))
      })
      const all = [HASH('1'), HASH('2'), HASH('3')]
      expect(await store.unreferenced(all)).toEqual([HASH('3')])
      await store.transact(async (tx) => {
        tx.put('functions', functionRecord('f', HASH('3')))
        tx.delete('functions', { name: 'g' })
      })
      expect(await store.unreferenced(all)).toEqual([HASH('1'), HASH('2')])
    })

    it('refuses two records for one value of a unique column', async () => {
      const { store } = await fresh()
      const url = (fn: string) => ({
        name: fn,
        qualifier: '$LATEST',
        urlId: 'same',
        authType: 'NONE' as const,
        invokeMode: 'BUFFERED' as const,
        cors: undefined,
        createdAt: '',
        lastModified: '',
      })
      await store.transact(async (tx) => tx.put('function_urls', url('a')))
      await expect(store.transact(async (tx) => tx.put('function_urls', url('b')))).rejects.toThrow('the store failed')
      expect((await store.list('function_urls', { where: { urlId: 'same' } })).map(({ name: own }) => own)).toEqual(['a'])
    })
  })
}
