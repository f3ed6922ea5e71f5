import type { Host } from '../host.ts'
import { plain, suspending, type HostInterface } from '../interface.ts'
import type { GuestMemory } from '../memory.ts'
import { trap } from '../trap.ts'
import { IO_ERROR } from './error.ts'
import { inputStreamFunctions } from './input.ts'
import { outputStreamFunctions } from './output.ts'
import { POLLABLE, type Pollable } from './poll.ts'
import { INPUT_STREAM, OUTPUT_STREAM } from './streams.ts'

/** Stores list<u32> of the ready ones; false when there are none. */
function putReady(memory: GuestMemory, pollables: readonly Pollable[], result: number): boolean {
  const ready: number[] = []
  for (let index = 0; index < pollables.length; index++) if (pollables[index]?.target.ready() === true) ready.push(index)
  if (ready.length === 0) return false
  const pointer = memory.allocate(ready.length * 4, 4)
  const area = memory.area(pointer, ready.length * 4, 4)
  for (let index = 0; index < ready.length; index++) area.u32(index * 4, ready[index] ?? 0)
  memory.putPair(result, pointer, ready.length)
  return true
}

async function waitForAny(host: Host, memory: GuestMemory, pollables: readonly Pollable[], result: number): Promise<void> {
  const targets = pollables.map((pollable) => pollable.target)
  do await host.wait(targets)
  while (!putReady(memory, pollables, result))
}

async function waitFor(host: Host, pollable: Pollable): Promise<void> {
  do await host.wait([pollable.target])
  while (!pollable.target.ready())
}

/** Entries of one list: the same pollable may stand in it many times, and each is waited for with host memory of its own. */
const MAX_POLLED = 4096

const error: HostInterface = {
  resources: { error: IO_ERROR },
  functions: {
    '[method]error.to-debug-string': plain((host, memory) => (self: number, result: number) => {
      memory.putString(result, host.table.get(self, IO_ERROR).failure.message)
    }),
  },
}

const poll: HostInterface = {
  resources: { pollable: POLLABLE },
  functions: {
    '[method]pollable.ready': plain((host) => (self: number) => (host.table.get(self, POLLABLE).target.ready() ? 1 : 0)),
    '[method]pollable.block': suspending((host) => (self: number) => {
      const pollable = host.table.get(self, POLLABLE)
      return pollable.target.ready() ? undefined : waitFor(host, pollable)
    }),
    poll: suspending((host, memory) => (pointer: number, length: number, result: number) => {
      if (length === 0) trap('poll of an empty list')
      if (length >>> 0 > MAX_POLLED) trap(`poll of ${length >>> 0} pollables, the limit is ${MAX_POLLED}`)
      const handles = memory.list(pointer, length, 4, 4)
      const pollables: Pollable[] = []
      for (let at = 0; at < handles.byteLength; at += 4) pollables.push(host.table.get(handles.getUint32(at, true), POLLABLE))
      return putReady(memory, pollables, result) ? undefined : waitForAny(host, memory, pollables, result)
    }),
  },
}

const streams: HostInterface = {
  resources: { 'input-stream': INPUT_STREAM, 'output-stream': OUTPUT_STREAM },
  functions: { ...inputStreamFunctions, ...outputStreamFunctions },
}

/** wasi:io 0.2. */
export const ioInterfaces: Readonly<Record<string, HostInterface>> = {
  'wasi:io/error': error,
  'wasi:io/poll': poll,
  'wasi:io/streams': streams,
}
