/* oxlint-disable typescript/no-unsafe-type-assertion -- what came back is compared, so a wrong type fails the test */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { beforeSnapshot, onInvoke } from '../../guest-sdk/index.ts'
import type { Context, Environment, FunctionModule } from '../../guest-sdk/runtime/function.ts'
import { encodeEnvelope } from '../../src/engine/envelope.ts'
import { decodeEnvelope } from '../../src/invoke/envelope.ts'
import { drive, failure } from './drive.ts'

const REGISTRY = Symbol.for('ampoule.guest')
const base = { id: 'request-1', fn: 'f', deadline: 0 }
const warm = encodeEnvelope({ ...base, type: 'warm' }, null)
const invoke = encodeEnvelope({ ...base, type: 'invoke' }, null)

/** The runtime installs its registry on the globals it was given; the author's side looks at the real ones. */
function start(module: FunctionModule, topLevel: () => void, env: Environment = {}) {
  const driven = drive(module, { env })
  Object.defineProperty(globalThis, REGISTRY, { value: Reflect.get(driven.globals, REGISTRY), configurable: true })
  topLevel()
  const call = async (event: Uint8Array): Promise<unknown> =>
    (decodeEnvelope(await driven.handle(event)).head as { payload?: unknown }).payload
  return { ...driven, call }
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, REGISTRY)
})

describe('beforeSnapshot', () => {
  test('runs once and in order, each after the one before has ended, before the warm event is answered', async () => {
    const done: string[] = []
    const { call } = start({ handler: () => done.length }, () => {
      beforeSnapshot(async () => {
        await Promise.resolve()
        done.push('first')
      })
      beforeSnapshot(() => void done.push('second'))
    })
    expect(done).toEqual([])
    await call(warm)
    expect(done).toEqual(['first', 'second'])
    await call(warm)
    expect(await call(invoke)).toBe(2)
  })

  test('runs at the first event where no warm event comes, and sees the environment', async () => {
    let seen = ''
    const { call, globals } = start(
      { handler: () => seen },
      () => {
        beforeSnapshot(() => void (seen = globals.process?.env.A ?? ''))
      },
      { A: 'b' },
    )
    expect(await call(invoke)).toBe('b')
  })

  test('that throws fails the event', async () => {
    const driven = start({ handler: () => null }, () => {
      beforeSnapshot(() => Promise.reject(new Error('no data')))
    })
    expect((await failure(driven, warm)).message).toBe('no data')
  })
})

describe('onInvoke', () => {
  test('runs before each handler with its env and ctx, and never for a warm event', async () => {
    const seen: unknown[] = []
    const { call } = start(
      { handler: () => seen.length },
      () => {
        onInvoke(async (env: Environment, ctx: Context) => {
          await Promise.resolve()
          seen.push([env.A, ctx.requestId])
        })
      },
      { A: 'b' },
    )
    await call(warm)
    expect(seen).toEqual([])
    expect(await call(invoke)).toBe(1)
    expect(await call(invoke)).toBe(2)
    expect(seen[0]).toEqual(['b', 'request-1'])
  })

  test('that throws fails the invocation', async () => {
    const driven = start({ handler: () => null }, () => {
      onInvoke(() => {
        throw new Error('no id')
      })
    })
    expect((await failure(driven, invoke)).message).toBe('no id')
  })
})

describe('both hooks', () => {
  test('refuse what is no function, and to be called inside an invocation', async () => {
    const driven = start({ handler: () => onInvoke(() => undefined) }, () => {
      expect(() => beforeSnapshot(1 as unknown as () => void)).toThrow(
        'beforeSnapshot(run) needs a function, but was given the number 1',
      )
    })
    expect((await failure(driven, invoke)).message).toContain('onInvoke(run) was called inside an invocation')
  })

  test('elsewhere prepare at once and refresh nothing', () => {
    const prepare = vi.fn<() => void>()
    const refresh = vi.fn<() => void>()
    beforeSnapshot(prepare)
    onInvoke(refresh)
    expect([prepare.mock.calls.length, refresh.mock.calls.length]).toEqual([1, 0])
  })
})
