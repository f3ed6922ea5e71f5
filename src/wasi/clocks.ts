import { plain, type HostInterface } from './interface.ts'
import { Pollable, Timer } from './io/poll.ts'

const NANOSECONDS = 1_000_000_000n
/** What both clocks claim: a microsecond; finer steps would only help timing attacks. */
const RESOLUTION = 1_000n
const LAST_INSTANT = 0xffff_ffff_ffff_ffffn

const monotonicClock: HostInterface = {
  resources: {},
  functions: {
    now: plain((host) => () => {
      host.clockDraws++
      return host.environment.monotonicClock()
    }),
    resolution: plain(() => () => RESOLUTION),
    'subscribe-instant': plain(
      (host) => (when: bigint) => host.table.add(new Pollable(new Timer(BigInt.asUintN(64, when), host.environment))),
    ),
    'subscribe-duration': plain((host) => (duration: bigint) => {
      const when = host.environment.monotonicClock() + BigInt.asUintN(64, duration)
      return host.table.add(new Pollable(new Timer(when > LAST_INSTANT ? LAST_INSTANT : when, host.environment)))
    }),
  },
}

const wallClock: HostInterface = {
  resources: {},
  functions: {
    now: plain((host, memory) => (result: number) => {
      const now = host.wallClock()
      const area = memory.area(result, 16, 8)
      area.u64(0, now / NANOSECONDS)
      area.u32(8, Number(now % NANOSECONDS))
    }),
    resolution: plain((_host, memory) => (result: number) => {
      const area = memory.area(result, 16, 8)
      area.u64(0, 0n)
      area.u32(8, Number(RESOLUTION))
    }),
  },
}

/** The time zone is always UTC. */
const timezone: HostInterface = {
  resources: {},
  functions: {
    display: plain((_host, memory) => (_seconds: bigint, _nanoseconds: number, result: number) => {
      memory.putString(result + 4, 'UTC')
      const area = memory.area(result, 16, 4)
      area.u32(0, 0)
      area.u8(12, 0)
    }),
    'utc-offset': plain(() => (_seconds: bigint, _nanoseconds: number) => 0),
  },
}

/** wasi:clocks 0.2. */
export const clocksInterfaces: Readonly<Record<string, HostInterface>> = {
  'wasi:clocks/monotonic-clock': monotonicClock,
  'wasi:clocks/wall-clock': wallClock,
  'wasi:clocks/timezone': timezone,
}
