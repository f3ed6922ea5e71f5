import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHUNK_BYTES } from '../../src/engine/files/index-format.ts'
import type { Runner } from '../../src/engine/runner.ts'
import { Register, registers, RESULT, Script, scriptedGuest } from '../guests/scripted.ts'
import { ImageFolder } from './files/images.ts'
import { context, strategies, TestLane } from './lane.ts'

const FILES = 'wasi:filesystem/types#[method]descriptor'
const READ_ONLY = 33n
const NOT_PERMITTED = 31n
const CONTENT = 'the layer’s own'.padEnd(64, '.')

/** Descriptors of /tmp, /opt and /var/task. */
function preopens(script: Script): [tmp: Register, opt: Register, task: Register] {
  script.call('wasi:filesystem/preopens#get-directories', RESULT)
  const list = script.do('load32', RESULT)
  const at = (index: number): Register => script.do('load32', script.do('add', list, index * 12))
  return [at(0), at(1), at(2)]
}

/** 0, or 256 and the error-code: what a method answers that gives nothing. */
function tried(script: Script, method: string, args: readonly (number | bigint | Register)[], payload = 1): Register {
  script.do('store32', RESULT, 0)
  script.call(`${FILES}.${method}`, ...args, RESULT)
  return script.do('load32', RESULT + (payload === 1 ? 0 : payload))
}

describe.each(strategies)('a hostile guest with mounts, restored by "%s"', (restore) => {
  const lane = new TestLane(restore)
  let images: ImageFolder
  let victim: Runner
  let neighbour: Runner

  beforeAll(async () => {
    images = await ImageFolder.open()
    const layer = await images.make({ file: CONTENT, 'lib/large': new Uint8Array(64 * CHUNK_BYTES).fill(1) })
    const task = await images.make({ 'index.mjs': 'code' })
    const mounts = [
      { path: '/opt', images: [layer] },
      { path: '/var/task', images: [task] },
    ]
    const component = await scriptedGuest()
    victim = await lane.deploy('victim', component, { mounts, limits: { fuel: 100_000_000n } })
    neighbour = await lane.deploy('neighbour', component, { mounts, limits: { fuel: 100_000_000n } })
  })
  afterAll(async () => {
    await lane.close()
    await images[Symbol.asyncDispose]()
  })

  /** What /opt/file begins with, and the first handle that is free. */
  const probe = async (runner: Runner): Promise<readonly [bigint, bigint]> => {
    const script = new Script()
    const [, opt] = preopens(script)
    const [name, length] = script.place('file')
    const file = script.ask(`${FILES}.open-at`, [opt, 0, name, length, 0, 1])
    script.call(`${FILES}.read`, file, 100n, 0n, RESULT)
    const first = script.do('load64', script.do('load32', RESULT + 4))
    const { payload } = await runner.invokeEvent(script.event(), context())
    return [registers(payload)(first), registers(payload)(file)]
  }
  const expectIntact = async (): Promise<void> => {
    const first = Buffer.from(CONTENT).readBigInt64LE(0)
    for (const runner of [victim, neighbour]) expect(await probe(runner)).toEqual([first, 4n])
  }

  it('is told that it cannot write, by every way there is', async () => {
    const script = new Script()
    const [tmp, opt] = preopens(script)
    const [file, fileLength] = script.place('file')
    const [own, ownLength] = script.place('own')
    script.ask(`${FILES}.open-at`, [tmp, 0, own, ownLength, 1, 3])
    const opened = script.ask(`${FILES}.open-at`, [opt, 0, file, fileLength, 0, 1])
    const open = (flags: number, access: number): Register =>
      tried(script, 'open-at', [opt, 0, file, fileLength, flags, access], 4)
    const codes = [open(1, 1), open(8, 1), open(0, 2), open(0, 3), open(5, 3)]
    const written = tried(script, 'write', [opened, file, fileLength, 0n], 8)
    const others = [
      tried(script, 'create-directory-at', [opt, own, ownLength]),
      tried(script, 'unlink-file-at', [opt, file, fileLength]),
      tried(script, 'symlink-at', [opt, file, fileLength, own, ownLength]),
      tried(script, 'rename-at', [opt, file, fileLength, tmp, file, fileLength]),
      tried(script, 'rename-at', [tmp, own, ownLength, opt, file, fileLength]),
      tried(script, 'link-at', [opt, 0, file, fileLength, tmp, file, fileLength]),
      tried(script, 'link-at', [tmp, 0, own, ownLength, opt, own, ownLength]),
    ]
    for (let round = 0; round < 20; round++) {
      const { payload } = await victim.invokeEvent(script.event(), context())
      const value = registers(payload)
      for (const code of codes) expect(value(code) & 0xffn).toBe(READ_ONLY)
      expect(value(written) & 0xffn).toBe(READ_ONLY)
      for (const other of others) expect([value(other) & 0xffn, (value(other) >> 8n) & 0xffn]).toEqual([1n, READ_ONLY])
      await expectIntact()
    }
  })

  it.each(['/etc/passwd', '../../../../etc/passwd', './../../../etc/passwd', '../var/task/index.mjs', '..'])(
    'opens nothing of the host by %s',
    async (path) => {
      const script = new Script()
      const [, opt, task] = preopens(script)
      const [name, length] = script.place(path)
      const codes = [opt, task].map((base) => tried(script, 'open-at', [base, 1, name, length, 0, 1], 4))
      const { payload } = await victim.invokeEvent(script.event(), context())
      for (const code of codes) expect(registers(payload)(code) & 0xffn).toBe(NOT_PERMITTED)
      await expectIntact()
    },
  )

  it('cannot use a descriptor of the invocation before', async () => {
    const opening = new Script()
    const [, opt] = preopens(opening)
    const [name, length] = opening.place('file')
    opening.ask(`${FILES}.open-at`, [opt, 0, name, length, 0, 1])
    for (let guess = 0; guess < 8; guess++) {
      await victim.invokeEvent(opening.event(), context())
      const using = new Script()
      using.call(`${FILES}.read`, guess, 100n, 0n, RESULT)
      await expect(victim.invokeEvent(using.event(), context())).rejects.toMatchObject({ code: 'FunctionTrapped' })
    }
    await expectIntact()
  })

  it('is ended by its fuel when it reads here and there without end', async () => {
    const script = new Script()
    const [, opt] = preopens(script)
    const [name, length] = script.place('lib/large')
    const file = script.ask(`${FILES}.open-at`, [opt, 0, name, length, 0, 1])
    const offset = script.do('add', 0, 0)
    script.repeat(0, () => {
      script.call(`${FILES}.read`, file, 1n, offset, RESULT)
      script.advance(offset, 13 * CHUNK_BYTES)
      // Back to the beginning; beyond the end there is nothing to be read.
      script.call(`${FILES}.read`, file, 1n, 0n, RESULT)
    })
    for (let round = 0; round < 5; round++) {
      await expect(victim.invokeEvent(script.event(), context())).rejects.toMatchObject({ code: 'FuelExhausted' })
      await expectIntact()
    }
  })

  it('uses the same fuel whether others have read the file or not', async () => {
    const script = new Script()
    const [, opt] = preopens(script)
    const [name, length] = script.place('lib/large')
    const file = script.ask(`${FILES}.open-at`, [opt, 0, name, length, 0, 1])
    script.call(`${FILES}.read`, file, 1n, BigInt(50 * CHUNK_BYTES), RESULT)
    const used: bigint[] = []
    for (let round = 0; round < 3; round++) used.push((await neighbour.invokeEvent(script.event(), context())).report.fuelUsed)
    expect(new Set(used).size).toBe(1)
  })

  it('has nothing of a large file in its memory account but what it reads', async () => {
    const script = new Script()
    const [, opt] = preopens(script)
    const [name, length] = script.place('lib/large')
    const file = script.ask(`${FILES}.open-at`, [opt, 0, name, length, 0, 1])
    const stream = script.ask(`${FILES}.read-via-stream`, [file, 0n])
    script.call('wasi:io/streams#[method]input-stream.read', stream, 16n, RESULT)
    const plain = (await victim.invokeEvent(new Script().event(), context())).report.memoryBytes
    const { memoryBytes } = (await victim.invokeEvent(script.event(), context())).report
    expect(memoryBytes - plain).toBeLessThan(8 * 1024)
  })
})
