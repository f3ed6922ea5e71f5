import { Worker } from 'node:worker_threads'
import { AmpouleError } from '../../errors.ts'
import type { Observer } from '../records.ts'
import { FilterPatternError } from './filter-pattern-error.ts'
import type { FromLogThread, LogAnswers, LogThreadData, ToLogThread } from './messages.ts'

/**
 * Logs and usage on disk, each answer from the thread that owns them, in the order of the questions. They are in a database of their own, so
 * that what functions log never delays a change of the control plane, and in chunks of many lines, since that is how they are written and
 * read: a row for each line would cost several times as much.
 */
export type LogStore = {
  readonly [Kind in keyof LogAnswers]: (...args: Parameters<LogAnswers[Kind]>) => Promise<ReturnType<LogAnswers[Kind]>>
} & { close(): Promise<void> }

interface Waiting {
  resolve(answer: unknown): void
  reject(error: Error): void
}

/** Opens the folder's logs, of which this process has the folder already. Rejects with `InvalidConfiguration` when a newer release wrote them. */
export async function openLogStore(data: LogThreadData, observe: Observer): Promise<LogStore> {
  const worker = new Worker(new URL('./log-worker.ts', import.meta.url), { workerData: data })
  const waiting = new Map<number, Waiting>()
  let nextId = 1
  let ended: Error | undefined

  const ask = (kind: ToLogThread['kind'], args: readonly unknown[], transfer: readonly ArrayBuffer[] = []): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended)
      const id = nextId++
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, kind, args } satisfies ToLogThread, [...transfer])
    })

  const settle = (message: Extract<FromLogThread, { readonly id: number }>): void => {
    const one = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.kind === 'answer') one?.resolve(message.answer)
    else if (message.refused) one?.reject(new FilterPatternError(message.message))
    else one?.reject(new AmpouleError('Internal', 'the logs failed', { cause: new Error(message.message) }))
  }

  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromLogThread) => {
      if (message.kind === 'open') resolve()
      else if (message.kind === 'failed') reject(new AmpouleError(message.code, message.message))
      else if (message.kind === 'trouble') observe({ type: 'host', time: Date.now(), level: 'error', message: message.message })
      else settle(message)
    })
    worker.on('error', (error) => (ended = new AmpouleError('Internal', 'the thread of the logs ended', { cause: error })))
    worker.on('exit', () => {
      ended ??= new AmpouleError('ShuttingDown', 'the logs are closed')
      reject(ended)
      for (const one of waiting.values()) one.reject(ended)
      waiting.clear()
    })
  })

  const asking =
    <Kind extends keyof LogAnswers>(kind: Kind) =>
    async (...args: Parameters<LogAnswers[Kind]>) =>
      (await ask(kind, args)) as ReturnType<LogAnswers[Kind]>
  return {
    append: async (batch) => void (await ask('append', [batch], [batch.buffer])),
    count: asking('count'),
    groups: asking('groups'),
    streams: asking('streams'),
    events: asking('events'),
    filter: asking('filter'),
    retain: asking('retain'),
    deleteGroup: asking('deleteGroup'),
    usage: asking('usage'),
    sweep: asking('sweep'),
    async close() {
      if (ended === undefined) await ask('close', [])
      await worker.terminate()
    },
  }
}
