import { AmpouleError } from '../errors.ts'
import {
  StaleRead,
  type Change,
  type Expectation,
  type Key,
  type ListOptions,
  type Store,
  type StoreEngine,
  type Transaction,
} from './contract.ts'
import { TABLES, type Records, type TableName } from './records.ts'

/** More runs of one transaction mean that something writes without end. */
const MAX_RUNS = 50

/** The typed store over an engine; transactions are optimistic. */
export function createStore(engine: StoreEngine): Store {
  const get = async <Name extends TableName>(table: Name, key: Key) =>
    (await engine.get(table, key))?.record as Records[Name] | undefined
  const list = async <Name extends TableName>(table: Name, options: ListOptions = {}) =>
    (await engine.list(table, options)).map(({ record }) => record as Records[Name])
  return {
    get trouble() {
      return engine.trouble
    },
    get,
    list,
    async transact(work) {
      for (let run = 1; run <= MAX_RUNS; run++) {
        const expectations: Expectation[] = []
        const changes: Change[] = []
        const result = await work(transaction(engine, list, expectations, changes))
        try {
          if (changes.length > 0) await engine.commit(expectations, changes)
          return result
        } catch (error) {
          if (!(error instanceof StaleRead)) throw error
        }
      }
      throw new AmpouleError('Internal', `a transaction was overtaken ${MAX_RUNS} times`)
    },
    unreferenced: (hashes) => engine.unreferenced(hashes),
    close: () => engine.close(),
  }
}

function transaction(
  engine: StoreEngine,
  list: Transaction['list'],
  expectations: Expectation[],
  changes: Change[],
): Transaction {
  return {
    async get<Name extends TableName>(table: Name, key: Key) {
      const found = await engine.get(table, key)
      expectations.push({ table, key, revision: found?.revision ?? 0 })
      return found?.record as Records[Name] | undefined
    },
    list,
    put(table, record) {
      changes.push(putChange(table, record))
    },
    delete(table, where) {
      changes.push({ kind: 'delete', table, where })
    },
  }
}

function putChange<Name extends TableName>(table: Name, record: Records[Name]): Change {
  const { key, columns = [], references } = TABLES[table]
  const value = (column: keyof Records[Name] & string): string | number => {
    const own: unknown = record[column]
    if (typeof own === 'string' || typeof own === 'number') return own
    throw new AmpouleError('Internal', `the column ${column} of ${table} holds no string and no number`)
  }
  return {
    kind: 'put',
    table,
    key: key.map(value),
    columns: Object.fromEntries(columns.map((column) => [column, value(column)])),
    record,
    references: references?.(record) ?? [],
  }
}
