import { same, streamOf, type Check } from './check.ts'

const collect = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = []
  for await (const item of source) list.push(item)
  return list
}

const numbers = (): ReadableStream<number> =>
  new ReadableStream({
    start(controller) {
      for (const n of [1, 2, 3]) controller.enqueue(n)
      controller.close()
    },
  })

export const STREAMS: readonly Check[] = [
  {
    name: '`ReadableStream`',
    run: async () => {
      same(await collect(numbers()), [1, 2, 3])
      const [one, other] = numbers().tee()
      same(
        [await collect(one), await collect(other)],
        [
          [1, 2, 3],
          [1, 2, 3],
        ],
      )
      let pulled = 0
      const pulling = new ReadableStream<number>({
        pull: (controller) => (pulled === 2 ? controller.close() : controller.enqueue(pulled++)),
      })
      same(await collect(pulling), [0, 1])
      const reader = new ReadableStream({ start: (controller) => controller.error(new RangeError('broken')) }).getReader()
      same(await reader.read().catch((error: Error) => error.message), 'broken')
    },
  },
  { name: '`ReadableStream.from`', run: async () => same(await collect(streamOf([1, 2])), [1, 2]) },
  {
    name: '`ReadableStream` of bytes (BYOB)',
    run: async () => {
      const stream = new ReadableStream({
        type: 'bytes',
        start(controller) {
          controller.enqueue(new Uint8Array([1, 2, 3]))
          controller.close()
        },
      })
      const { value } = await stream.getReader({ mode: 'byob' }).read(new Uint8Array(2))
      same([...(value ?? [])], [1, 2])
    },
  },
  {
    name: '`WritableStream`',
    run: async () => {
      const written: unknown[] = []
      const stream = new WritableStream({ write: (chunk) => void written.push(chunk), close: () => void written.push('end') })
      await numbers().pipeTo(stream)
      same(written, [1, 2, 3, 'end'])
      const writer = new WritableStream({ write: () => Promise.reject(new Error('full')) }).getWriter()
      writer.closed.catch(() => {})
      same(await writer.write(1).catch((error: Error) => error.message), 'full')
    },
  },
  {
    name: '`TransformStream`',
    run: async () => {
      const double = new TransformStream<number, number>({ transform: (n, controller) => controller.enqueue(n * 2) })
      same(await collect(numbers().pipeThrough(double)), [2, 4, 6])
    },
  },
  {
    name: '`TextEncoderStream`, `TextDecoderStream`',
    run: async () => {
      const source = streamOf(['a\uD83D', '\uDE00ü'])
      const decoded = source.pipeThrough(new TextEncoderStream()).pipeThrough(new TextDecoderStream())
      same((await collect(decoded)).join(''), 'a😀ü')
    },
  },
]
