/* oxlint-disable typescript/no-unsafe-type-assertion -- what came back is compared, so a wrong type fails the test */
import { TEXT } from '../../guest-sdk/runtime/bytes.ts'
import { createDispatcher, type Dispatcher } from '../../guest-sdk/runtime/dispatch.ts'
import type { Environment, FunctionModule, Platform } from '../../guest-sdk/runtime/function.ts'
import { createRuntime } from '../../guest-sdk/runtime/runtime.ts'
import { decodeEnvelope } from '../../src/invoke/envelope.ts'

export interface Driven extends Dispatcher {
  readonly globals: { readonly Math: { random(): number }; readonly process?: { readonly env: Environment } }
  /** How often the environment was read. */
  readonly reads: () => number
}

/** The runtime around a module, with globals of its own, in plain Node. */
export function drive(module: FunctionModule, options: { env?: Environment; seeds?: number[] } = {}): Driven {
  let reads = 0
  const seeds = options.seeds ?? [1]
  const platform: Platform = {
    engine: 'starlingmonkey',
    text: TEXT,
    entropy: () => new Uint32Array([seeds.shift() ?? 7, 2, 3, 4]),
    readEnvironment: () => {
      reads++
      return options.env ?? {}
    },
  }
  const globals = { Math: { random: () => 0 } }
  return { ...createDispatcher(module, createRuntime(platform, globals)), globals, reads: () => reads }
}

export interface TestError {
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly failures?: unknown
}

/** What `handle` fails with. */
export async function failure({ handle }: Dispatcher, event: Uint8Array): Promise<TestError> {
  try {
    await handle(event)
  } catch (error) {
    if (error instanceof Uint8Array) return decodeEnvelope(error).head as TestError
    throw error
  }
  throw new Error('the event was answered')
}
