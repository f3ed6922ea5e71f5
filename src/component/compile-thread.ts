import { Worker } from 'node:worker_threads'
import { AmpouleError, fromMessage } from '../errors.ts'
import type { CompileReply, CompileRequest } from './compile-messages.ts'
import type { Artifact, LinkPlan } from './contract.ts'

export interface CompileLimits {
  readonly maxComponentBytes: number
  /** Milliseconds that one step (derive, compile) may take. */
  readonly compileTimeoutMs: number
}

export interface Compiled {
  readonly artifact: Artifact
  /** The parts of its file (artifact-file.ts). */
  readonly file: readonly Uint8Array<ArrayBuffer>[]
}

/**
 * `createArtifact` on a thread of its own, which takes `component` over. `accept` sees the plan before the expensive part begins and may
 * throw. Rejects like `createArtifact`, and with `InvalidComponent` when a step takes too long.
 */
export async function compileOffThread(
  component: Uint8Array<ArrayBuffer>,
  id: string,
  limits: CompileLimits,
  accept: (plan: LinkPlan) => void,
): Promise<Compiled> {
  const { maxComponentBytes, compileTimeoutMs } = limits
  const worker = new Worker(new URL('./compile-worker.ts', import.meta.url), { name: 'ampoule-compile' })
  try {
    const derived = await ask(worker, { kind: 'derive', component, maxComponentBytes }, [component.buffer], compileTimeoutMs)
    if (derived.kind !== 'derived') throw unexpected(derived)
    accept(derived.plan)
    const compiled = await ask(worker, { kind: 'compile', id }, [], compileTimeoutMs)
    if (compiled.kind !== 'compiled') throw unexpected(compiled)
    return compiled
  } finally {
    await worker.terminate()
  }
}

function unexpected(reply: CompileReply): AmpouleError {
  return reply.kind === 'failed'
    ? fromMessage(reply.error)
    : new AmpouleError('Internal', `unexpected answer ${reply.kind} of the compile thread`)
}

function ask(worker: Worker, request: CompileRequest, transfer: ArrayBuffer[], timeoutMs: number): Promise<CompileReply> {
  const { promise, resolve, reject } = Promise.withResolvers<CompileReply>()
  const timer = setTimeout(() => {
    reject(
      new AmpouleError(
        'InvalidComponent',
        `the component took longer than ${timeoutMs} ms to ${request.kind} (compileTimeoutMs)`,
      ),
    )
  }, timeoutMs)
  const onError = (error: unknown): void => {
    reject(new AmpouleError('Internal', 'the compile thread failed', { cause: error }))
  }
  const onExit = (code: number): void => {
    reject(new AmpouleError('Internal', `the compile thread ended with code ${code} before it answered`))
  }
  worker.once('message', resolve)
  worker.once('error', onError)
  worker.once('exit', onExit)
  worker.postMessage(request, transfer)
  return promise.finally(() => {
    clearTimeout(timer)
    worker.off('message', resolve)
    worker.off('error', onError)
    worker.off('exit', onExit)
  })
}
