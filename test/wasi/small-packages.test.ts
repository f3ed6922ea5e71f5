import { describe, expect, it } from 'vitest'
import { ExitError } from '../../src/wasi/index.ts'
import { Guest, RESULT, TestEnvironment } from './driver.ts'

describe('wasi:clocks', () => {
  it('reads the clocks of the environment', () => {
    const guest = new Guest()
    expect(guest.call('wasi:clocks/monotonic-clock#now')).toBe(5_000_000_000n)
    expect(guest.call('wasi:clocks/monotonic-clock#resolution')).toBe(1000n)
    const now = guest.result('wasi:clocks/wall-clock#now')
    expect([now.getBigUint64(0, true), now.getUint32(8, true)]).toEqual([1_700_000_000n, 123_456_789])
    const resolution = guest.result('wasi:clocks/wall-clock#resolution')
    expect([resolution.getBigUint64(0, true), resolution.getUint32(8, true)]).toEqual([0n, 1000])
  })

  it('is in UTC', () => {
    const guest = new Guest()
    const view = guest.result('wasi:clocks/timezone#display', 0n, 0)
    expect([view.getInt32(0, true), guest.textAt(RESULT + 4), view.getUint8(12)]).toEqual([0, 'UTC', 0])
    expect(guest.call('wasi:clocks/timezone#utc-offset', 0n, 0)).toBe(0)
  })
})

describe('wasi:random', () => {
  it.each(['random#get-random-bytes', 'insecure#get-insecure-random-bytes'])(
    'gives bytes of the environment through %s',
    (name) => {
      const guest = new Guest()
      guest.result(`wasi:random/${name}`, 5n)
      expect([...guest.bytesAt(RESULT)]).toEqual([1, 2, 3, 4, 5])
      guest.result(`wasi:random/${name}`, 70_000n)
      expect(guest.bytesAt(RESULT).length).toBe(70_000)
      guest.result(`wasi:random/${name}`, 0n)
      expect(guest.bytesAt(RESULT).length).toBe(0)
    },
  )

  it('gives numbers and a seed, all counted as draws', () => {
    const guest = new Guest()
    expect(guest.call('wasi:random/random#get-random-u64')).toBe(0x0807_0605_0403_0201n)
    expect(guest.call('wasi:random/insecure#get-insecure-random-u64')).toBe(0x100f_0e0d_0c0b_0a09n)
    const seed = guest.result('wasi:random/insecure-seed#insecure-seed')
    expect(seed.getBigUint64(0, true)).toBe(0x1817_1615_1413_1211n)
    expect(guest.wasi.draws().random).toBe(4)
  })

  it.each([2n ** 32n, -1n, 100_000_000n])('traps when %d bytes do not fit into memory', (length) => {
    const guest = new Guest()
    expect(() => guest.call('wasi:random/random#get-random-bytes', length, RESULT)).toThrow(WebAssembly.RuntimeError)
  })
})

describe('wasi:cli', () => {
  it('gives environment, arguments and the initial directory', () => {
    const environment = new TestEnvironment()
    environment.variables = [
      ['A', '1'],
      ['LÄNGE', 'x'.repeat(100)],
    ]
    const guest = new Guest(environment)
    guest.result('wasi:cli/environment#get-environment')
    expect(guest.textsAt(RESULT, 2)).toEqual(['A', '1', 'LÄNGE', 'x'.repeat(100)])
    guest.result('wasi:cli/environment#get-arguments')
    expect(guest.textsAt(RESULT)).toEqual(['program', 'ärgument'])
    expect(guest.result('wasi:cli/environment#initial-cwd').getUint8(0)).toBe(1)
    expect(guest.textAt(RESULT + 4)).toBe('/tmp')
  })

  it.each([
    ['exit', 0, 0],
    ['exit', 1, 1],
    ['exit-with-code', 42, 42],
    ['exit-with-code', 256 + 3, 3],
  ])('ends through %s(%i) with code %i', (name, argument, code) => {
    let caught: unknown
    try {
      new Guest().call(`wasi:cli/exit#${name}`, argument)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(ExitError)
    expect(caught).toMatchObject({ code })
  })

  it('traps on an exit status that is no result', () => {
    expect(() => new Guest().call('wasi:cli/exit#exit', 2)).toThrow(WebAssembly.RuntimeError)
  })

  it.each(['stdin', 'stdout', 'stderr'])('has no terminal at %s', (name) => {
    const guest = new Guest()
    guest.bytesOf(RESULT, 8).fill(255)
    expect(guest.result(`wasi:cli/terminal-${name}#get-terminal-${name}`).getUint8(0)).toBe(0)
  })
})

describe('wasi:sockets', () => {
  it.each(['tcp', 'udp'])('denies %s sockets', (kind) => {
    const guest = new Guest()
    for (const family of [0, 1]) {
      const view = guest.result(`wasi:sockets/${kind}-create-socket#create-${kind}-socket`, family)
      expect([view.getUint8(0), view.getUint8(4)]).toEqual([1, 1])
    }
    expect(() => guest.call(`wasi:sockets/${kind}-create-socket#create-${kind}-socket`, 2, RESULT)).toThrow(
      WebAssembly.RuntimeError,
    )
  })

  it('denies name lookups on the network that it hands out', () => {
    const guest = new Guest()
    const network = guest.number('wasi:sockets/instance-network#instance-network')
    const view = guest.result('wasi:sockets/ip-name-lookup#resolve-addresses', network, ...guest.put('example.test'))
    expect([view.getUint8(0), view.getUint8(4)]).toEqual([1, 1])
    guest.call('wasi:sockets/network#[drop]network', network)
  })

  it('knows no network error in errors of other packages', () => {
    const guest = new Guest()
    expect(() => guest.call('wasi:sockets/network#network-error-code', 1, RESULT)).toThrow(/no live handle/)
  })

  it('traps on the handle for methods of sockets that cannot exist', () => {
    const guest = new Guest()
    expect(() => guest.call('wasi:sockets/tcp#[method]tcp-socket.start-listen', 1, RESULT)).toThrow(/not a tcp-socket/)
  })
})
