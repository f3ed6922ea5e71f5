import { fails, ok, same, type Check } from './check.ts'

async function* slowly(): AsyncGenerator<number, string> {
  try {
    yield 1
    await null
    yield* [2, 3]
    return 'end'
  } finally {
    closed.push('finally')
  }
}
const closed: string[] = []

class Counter {
  #count = 0
  static readonly made = new WeakSet<Counter>()
  static {
    Counter.made.add(new Counter())
  }
  async add(n: number): Promise<number> {
    await null
    return (this.#count += n)
  }
  get [Symbol.toStringTag](): string {
    return 'Counter'
  }
}

export const LANGUAGE: readonly Check[] = [
  {
    name: 'async functions, `for await`, async generators',
    run: async () => {
      const seen: number[] = []
      for await (const n of slowly()) {
        seen.push(n)
        if (n === 2) break
      }
      same([seen, closed], [[1, 2], ['finally']])
      const iterator = slowly()
      await iterator.next()
      same(await iterator.return('early'), { value: 'early', done: true })
      const values: number[] = []
      for await (const n of [Promise.resolve(1), 2]) values.push(n)
      same(values, [1, 2])
      const arrow = async (...args: number[]) => args.length
      same([await arrow(1, 2), await new Counter().add(4)], [2, 4])
      same(await Array.fromAsync(slowly(), (n) => n * 2), [2, 4, 6])
      const thenable = { then: (resolve: (value: string) => void) => resolve('taken over') }
      // oxlint-disable-next-line typescript/await-thenable -- it is one
      same(await thenable, 'taken over')
    },
  },
  {
    name: 'promises: order, `withResolvers`, `try`, `any`, `allSettled`',
    run: async () => {
      const log: string[] = []
      const { promise, resolve } = Promise.withResolvers<string>()
      const chain = promise
        .then((word) => log.push(word))
        .finally(() => log.push('d'))
        .then(() => log.push('e'))
      queueMicrotask(() => log.push('b'))
      resolve('a')
      void promise.then(() => log.push('c'))
      await chain
      same(log, ['b', 'a', 'c', 'd', 'e'])
      same(await Promise.any([Promise.reject(new Error('no')), Promise.resolve(1)]), 1)
      same(
        (await Promise.allSettled([Promise.reject(new Error('no')), 2])).map(({ status }) => status),
        ['rejected', 'fulfilled'],
      )
      same(await Promise.try(() => 3), 3)
      await fails('AggregateError', () => Promise.any([Promise.reject(new Error('no'))]))
      ok((async () => 1)() instanceof Promise, 'an async function gives a Promise')
      class Own<T> extends Promise<T> {}
      ok(Own.resolve(1).then(() => 1) instanceof Own, 'a subclass stays one')
    },
  },
  {
    name: 'explicit resource management: `using`, `await using`',
    run: async () => {
      const log: string[] = []
      {
        using _a = { [Symbol.dispose]: () => void log.push('a') }
        await using _b = { [Symbol.asyncDispose]: async () => void log.push('b') }
        log.push('body')
      }
      same(log, ['body', 'b', 'a'])
    },
  },
  {
    name: 'big integers, iterator helpers, `Array.prototype.toSorted`, `Object.groupBy`, `Set` algebra',
    run: () => {
      same(String(2n ** 70n), '1180591620717411303424')
      same(
        [1, 2, 3]
          .values()
          .map((n) => n * 2)
          .toArray(),
        [2, 4, 6],
      )
      same(
        [[2, 1].toSorted(), Object.keys(Object.groupBy([1, 2], (n) => (n > 1 ? 'b' : 'a')))],
        [
          [1, 2],
          ['a', 'b'],
        ],
      )
      same([...new Set([1, 2]).intersection(new Set([2]))], [2])
    },
  },
  {
    name: 'regular expressions: named groups, lookbehind',
    run: () => same(/(?<=€)(?<n>\d+)/u.exec('€42')?.groups?.['n'], '42'),
  },
  // No literals below: where they are unknown, the whole script would be a syntax error.
  { name: 'regular expressions: Unicode properties (`\\p{…}`)', run: () => same(new RegExp('\\p{Lu}', 'u').test('Ü'), true) },
  { name: 'regular expressions: sets (`v`)', run: () => same(new RegExp('[\\w--a]', 'v').test('b'), true) },
  { name: '`String.prototype.normalize`', run: () => same('e\u0301'.normalize('NFC'), 'é') },
]
