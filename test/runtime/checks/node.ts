import assert from 'node:assert'
import { strict, deepStrictEqual } from 'assert'
import { Buffer } from 'node:buffer'
import { createHash, createHmac, randomBytes, randomInt, randomUUID, timingSafeEqual } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import fs from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { posix } from 'path'
import process from 'node:process'
import querystring from 'node:querystring'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, parse, pathToFileURL } from 'node:url'
import util from 'node:util'
import { types } from 'util'
import { fails, ok, same, type Check } from './check.ts'

export const NODE: readonly Check[] = [
  {
    name: '`node:assert`, `node:assert/strict`',
    run: async () => {
      assert(true)
      assert.equal(1, 1)
      deepStrictEqual({ a: [1] }, { a: [1] })
      await fails('AssertionError', () => strict.equal(1, 2))
      await fails('AssertionError', () => assert.deepStrictEqual({ a: 1 }, { a: 2 }))
      assert.throws(() => {
        throw new TypeError('x')
      }, TypeError)
      await assert.rejects(Promise.reject(new Error('x')), /x/)
    },
  },
  {
    name: '`node:buffer`, global `Buffer`',
    run: () => {
      const buffer = Buffer.from('aü')
      same([buffer.toString('hex'), buffer.toString('base64'), buffer.toString(), buffer.length], ['61c3bc', 'YcO8', 'aü', 3])
      same([Buffer.from('YcO8', 'base64').toString(), Buffer.from('fc', 'hex').toString('latin1')], ['aü', 'ü'])
      same(Buffer.concat([buffer, Buffer.alloc(2)]).toJSON().data, [97, 195, 188, 0, 0])
      same(
        [buffer.subarray(1).equals(Buffer.from('ü')), buffer.indexOf('ü'), Buffer.byteLength('ü'), Buffer.isBuffer(buffer)],
        [true, 1, 2, true],
      )
      const number = Buffer.alloc(8)
      number.writeUInt32BE(0xdeadbeef, 2)
      same([number.readUInt16LE(2), number.readInt32BE(2)], [0xadde, -559038737])
      ok(buffer instanceof Uint8Array && globalThis.Buffer === Buffer, 'it is the global, and bytes')
    },
  },
  {
    name: '`node:crypto`: hashes, HMAC, random values, `timingSafeEqual`',
    run: () => {
      same(createHash('sha256').update('a').update('bc').digest('hex').slice(0, 8), 'ba7816bf')
      same(createHash('md5').update('').digest('hex'), 'd41d8cd98f00b204e9800998ecf8427e')
      same(createHmac('sha256', 'abc').update('abc').digest('hex').slice(0, 16), '2f02e24ae2e1fe88')
      same([randomBytes(5).length, randomUUID().length, timingSafeEqual(Buffer.from('a'), Buffer.from('a'))], [5, 36, true])
      ok(randomInt(3, 5) === 3 || randomInt(3, 4) === 3, 'it is in the range')
    },
  },
  {
    name: '`node:events`',
    run: async () => {
      const emitter = new EventEmitter()
      const log: unknown[] = []
      emitter.on('a', (n) => log.push(n))
      emitter.once('a', () => log.push('once'))
      const waiting = once(emitter, 'b')
      same([emitter.emit('a', 1), emitter.emit('a', 2), emitter.emit('none'), emitter.listenerCount('a')], [true, true, false, 1])
      emitter.emit('b', 3)
      same([log, await waiting], [[1, 'once', 2], [3]])
    },
  },
  {
    name: '`node:fs`, `node:fs/promises`: whole files and folders',
    run: async () => {
      fs.mkdirSync('/tmp/check/deep', { recursive: true })
      fs.writeFileSync('/tmp/check/deep/file', 'grü')
      fs.appendFileSync('/tmp/check/deep/file', new Uint8Array([0xc3, 0x9f]))
      same([fs.readFileSync('/tmp/check/deep/file', 'utf8'), fs.readFileSync('/tmp/check/deep/file').length], ['grüß', 6])
      const stats = fs.statSync('/tmp/check/deep/file')
      same([stats?.isFile(), stats?.size, stats?.mtime instanceof Date], [true, 6, true])
      same(fs.readdirSync('/tmp/check', { recursive: true }), ['deep', 'deep/file'])
      same([fs.existsSync('/tmp/check'), fs.existsSync('/tmp/none'), fs.existsSync('/etc/passwd')], [true, false, false])
      fs.renameSync('/tmp/check/deep/file', '/tmp/check/moved')
      same(String(await readFile(new URL('file:///tmp/check/moved'))), 'grüß')
      same(
        await new Promise((resolve) => fs.readFile('/tmp/none', (error: unknown) => resolve((error as { code: string }).code))),
        'ENOENT',
      )
      await fails('Error', () => fs.readFileSync('/tmp/check'))
      await fails('Error', () => fs.rmdirSync('/tmp/check'))
      fs.rmSync('/tmp/check', { recursive: true })
      fs.rmSync('/tmp/check', { force: true })
      same(fs.readdirSync('/tmp'), [])
    },
  },
  {
    name: '`node:path`, `node:path/posix`',
    run: () => {
      same(
        [path.join('/a', '..', 'b', './c.txt'), path.resolve('x'), path.basename('/a/b.c', '.c'), path.extname('a.b')],
        ['/b/c.txt', '/x', 'b', '.b'],
      )
      same([posix.relative('/a/b', '/a/c/d'), path.dirname('/a/b'), path.sep, path.isAbsolute('/a')], ['../c/d', '/a', '/', true])
    },
  },
  {
    name: '`node:process`: `env`, `nextTick`',
    run: async () => {
      same(process.env.GREETING, 'hello')
      ok(process.env === globalThis.process.env, 'it is the global')
      same(await new Promise((resolve) => process.nextTick(resolve, 'ticked')), 'ticked')
    },
  },
  {
    name: '`node:querystring`',
    run: () => same([querystring.parse('a=1&a=2&b=%20').a, querystring.stringify({ q: 'ü' })], [['1', '2'], 'q=%C3%BC']),
  },
  {
    name: '`node:string_decoder`',
    run: () => {
      const decoder = new StringDecoder('utf8')
      same(decoder.write(Buffer.from([0xe2, 0x82])) + decoder.end(Buffer.from([0xac])), '€')
    },
  },
  { name: '`node:timers`, `node:timers/promises`', run: async () => same(await sleep(1, 'slept'), 'slept') },
  {
    name: '`node:url`',
    run: () => {
      same(
        [fileURLToPath('file:///a%20b'), pathToFileURL('/a b').href, parse('http://h:1/a?b#c').pathname],
        ['/a b', 'file:///a%20b', '/a'],
      )
    },
  },
  {
    name: '`node:util`, `node:util/types`',
    run: async () => {
      same(
        [util.format('%s %d %j', 'a', 1, { b: 2 }), util.inspect({ a: [1, new Map([[1, 2]])] })],
        ['a 1 {"b":2}', '{ a: [ 1, Map(1) { 1 => 2 } ] }'],
      )
      same(
        [
          util.isDeepStrictEqual([1], [1]),
          types.isDate(new Date()),
          await util.promisify((done: (e: null, v: number) => void) => done(null, 1))(),
        ],
        [true, true, 1],
      )
    },
  },
]
