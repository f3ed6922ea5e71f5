import { describe, expect, it } from 'vitest'
import { RESULT, TestEnvironment } from './driver.ts'
import { CREATE, DIRECTORY, EXCLUSIVE, FilesystemGuest, READ, TRUNCATE, WRITE } from './filesystem-guest.ts'

const FILES = 'wasi:filesystem/types'
const STREAMS = 'wasi:io/streams'

describe('a file in /tmp', () => {
  it('is created, written, read and looked at', () => {
    const guest = new FilesystemGuest()
    const file = guest.must('file.txt', CREATE | EXCLUSIVE)
    expect(guest.write(file, 'hello')).toBeUndefined()
    expect(guest.resultView().getBigUint64(8, true)).toBe(5n)
    expect(guest.write(file, 'world', 8n)).toBeUndefined()
    expect(guest.read(file)).toEqual(['hello\0\0\0world', true])
    expect(guest.read(file, 4n, 1n)).toEqual(['ello', false])
    expect(guest.read(file, 4n, 100n)).toEqual(['', true])
    expect(guest.stat('file.txt')).toEqual({ type: 6, links: 1n, size: 13n, modified: guest.environment.wall })
    expect(guest.list()).toEqual(['6:file.txt'])
    expect(guest.try('get-type', 1, file)).toBeUndefined()
    expect(guest.resultView().getUint8(1)).toBe(6)
    expect(guest.try('get-flags', 1, file)).toBeUndefined()
    expect(guest.resultView().getUint8(1)).toBe(READ | WRITE)
    expect(guest.try('sync', 1, file)).toBeUndefined()
    expect(guest.try('sync-data', 1, file)).toBeUndefined()
    expect(guest.try('advise', 1, file, 0n, 0n, 5)).toBeUndefined()
    expect(() => guest.try('advise', 1, file, 0n, 0n, 6)).toThrow(/advice/)
  })

  it('shrinks and grows by set-size, with zeroes for what was cut', () => {
    const guest = new FilesystemGuest()
    const file = guest.must('file', CREATE)
    guest.write(file, 'secret')
    expect(guest.setSize(file, 2n)).toBeUndefined()
    expect(guest.setSize(file, 5n)).toBeUndefined()
    expect(guest.read(file)).toEqual(['se\0\0\0', true])
    expect(guest.setSize(file, -1n)).toBe('file-too-large')
    expect(guest.setSize(file, 2n ** 40n)).toBe('insufficient-space')
    expect(guest.read(file)).toEqual(['se\0\0\0', true])
  })

  it('is truncated on opening', () => {
    const guest = new FilesystemGuest()
    guest.write(guest.must('file', CREATE), 'old')
    expect(guest.read(guest.must('file', TRUNCATE))).toEqual(['', true])
  })

  it('gives back what it took when it is gone, also when it was open', () => {
    const guest = new FilesystemGuest()
    const before = guest.environment.held
    const file = guest.must('file', CREATE)
    guest.write(file, new Uint8Array(100_000))
    expect(guest.environment.held).toBeGreaterThan(before + 100_000)
    expect(guest.unlink('file')).toBeUndefined()
    expect(guest.stat('file')).toBe('no-entry')
    expect(guest.read(file, 3n)).toEqual(['\0\0\0', false])
    guest.closeAll(file)
    expect(guest.environment.held).toBe(before)
  })

  it('cannot be larger than the memory account', () => {
    const environment = new TestEnvironment()
    environment.limit = 50_000
    const guest = new FilesystemGuest(environment)
    const file = guest.must('file', CREATE)
    const chunk = new Uint8Array(10_000)
    let error: string | undefined
    for (let offset = 0n; error === undefined && offset < 100_000n; offset += 10_000n) error = guest.write(file, chunk, offset)
    expect(error).toBe('insufficient-space')
    for (let count = 0; count < 1000; count++) error = guest.mkdir(`directory ${count}`)
    expect(error).toBe('insufficient-space')
    expect(environment.held).toBeLessThanOrEqual(50_000)
  })

  it('grants only what it was opened for', () => {
    const guest = new FilesystemGuest()
    const writer = guest.must('file', CREATE, WRITE)
    const reader = guest.must('file', 0, READ)
    expect(guest.read(writer)).toBe('bad-descriptor')
    expect(guest.write(reader, 'x')).toBe('bad-descriptor')
    expect(guest.setSize(reader, 0n)).toBe('bad-descriptor')
    expect(guest.try('write-via-stream', 4, reader, 0n)).toBe('bad-descriptor')
    expect(guest.try('append-via-stream', 4, reader)).toBe('bad-descriptor')
    expect(guest.try('read-via-stream', 4, writer, 0n)).toBe('bad-descriptor')
    expect(guest.read(guest.tmp)).toBe('is-directory')
    expect(guest.open('sub', 0, READ, reader)).toBe('not-directory')
  })

  it('is read and written through streams', () => {
    const guest = new FilesystemGuest()
    const file = guest.must('file', CREATE)
    const writer = guest.owned(`${FILES}#[method]descriptor.write-via-stream`, file, 2n)
    const appender = guest.owned(`${FILES}#[method]descriptor.append-via-stream`, file)
    const write = (stream: number, text: string): number =>
      guest.result(`${STREAMS}#[method]output-stream.write`, stream, ...guest.put(text)).getUint8(0)
    expect([write(writer, 'ab'), write(appender, 'end'), write(writer, 'cd')]).toEqual([0, 0, 0])
    expect(guest.read(file)).toEqual(['\0\0abcdd', true])
    const reader = guest.owned(`${FILES}#[method]descriptor.read-via-stream`, file, 3n)
    const view = guest.result(`${STREAMS}#[method]input-stream.read`, reader, 100n)
    expect([view.getUint8(0), guest.textAt(RESULT + 4)]).toEqual([0, 'bcdd'])
    const end = guest.result(`${STREAMS}#[method]input-stream.read`, reader, 100n)
    expect([end.getUint8(0), end.getUint8(4)]).toEqual([1, 1])
    write(appender, '!')
    guest.result(`${STREAMS}#[method]input-stream.read`, reader, 100n)
    expect(guest.textAt(RESULT + 4)).toBe('!')
  })

  it('tells a stream that there is no more space, as a filesystem error', () => {
    const environment = new TestEnvironment()
    const guest = new FilesystemGuest(environment)
    const stream = guest.owned(`${FILES}#[method]descriptor.append-via-stream`, guest.must('file', CREATE))
    environment.limit = environment.held + 1000
    const view = guest.result(`${STREAMS}#[method]output-stream.write`, stream, ...guest.put(new Uint8Array(5000)))
    expect([view.getUint8(0), view.getUint8(4)]).toEqual([1, 0])
    const error = view.getUint32(8, true)
    const code = guest.result(`${FILES}#filesystem-error-code`, error)
    expect([code.getUint8(0), code.getUint8(1)]).toEqual([1, 23])
    expect(guest.result('wasi:http/types#http-error-code', error).getUint8(0)).toBe(0)
    expect(guest.result('wasi:sockets/network#network-error-code', error).getUint8(0)).toBe(0)
    guest.result('wasi:io/error#[method]error.to-debug-string', error)
    expect(guest.textAt(RESULT)).toContain('insufficient-space')
    const closed = guest.result(`${STREAMS}#[method]output-stream.check-write`, stream)
    expect([closed.getUint8(0), closed.getUint8(8)]).toEqual([1, 1])
  })

  it('can be given times', () => {
    const guest = new FilesystemGuest()
    const file = guest.must('file', CREATE)
    expect(guest.try('set-times', 1, file, 0, 0n, 0, 2, 12n, 34)).toBeUndefined()
    expect(guest.stat('file')).toMatchObject({ modified: 12_000_000_034n })
    guest.environment.wall = 77n
    expect(guest.try('set-times-at', 1, guest.tmp, 0, ...guest.put('file'), 1, 0n, 0, 1, 0n, 0)).toBeUndefined()
    expect(guest.stat('file')).toMatchObject({ modified: 77n })
    expect(guest.try('set-times', 1, file, 2, 0n, 1_000_000_000, 0, 0n, 0)).toBe('invalid')
    expect(() => guest.try('set-times', 1, file, 3, 0n, 0, 0, 0n, 0)).toThrow(/new-timestamp/)
  })

  it('has an identity that shows in is-same-object and metadata-hash', () => {
    const guest = new FilesystemGuest()
    const one = guest.must('one', CREATE)
    const two = guest.must('two', CREATE)
    const again = guest.must('one')
    expect(guest.call(`${FILES}#[method]descriptor.is-same-object`, one, again)).toBe(1)
    expect(guest.call(`${FILES}#[method]descriptor.is-same-object`, one, two)).toBe(0)
    const before = guest.hash('one')
    expect(guest.hash('two')).not.toBe(before)
    expect(guest.hash('one')).toBe(before)
    guest.write(one, 'changed')
    expect(guest.hash('one')).not.toBe(before)
    expect(guest.try('metadata-hash', 8, one)).toBeUndefined()
  })

  it('can have several names', () => {
    const guest = new FilesystemGuest()
    guest.write(guest.must('one', CREATE), 'shared')
    expect(guest.link('one', 'two')).toBeUndefined()
    expect(guest.stat('two')).toMatchObject({ links: 2n, size: 6n })
    expect(guest.unlink('one')).toBeUndefined()
    expect(guest.read(guest.must('two'))).toEqual(['shared', true])
    expect(guest.link('two', 'two')).toBe('exist')
    expect(guest.link('none', 'three')).toBe('no-entry')
    guest.mkdir('directory')
    expect(guest.link('directory', 'three')).toBe('not-permitted')
  })
})

describe('a directory in /tmp', () => {
  it('is made, listed, opened and removed', () => {
    const guest = new FilesystemGuest()
    expect(guest.mkdir('a')).toBeUndefined()
    expect(guest.mkdir('a/b')).toBeUndefined()
    expect(guest.mkdir('a')).toBe('exist')
    expect(guest.mkdir('none/b')).toBe('no-entry')
    const inner = guest.must('a/b', DIRECTORY, READ)
    guest.must('file', CREATE, READ | WRITE, inner)
    expect(guest.list('a')).toEqual(['3:b'])
    expect(guest.list('a/b/')).toEqual(['6:file'])
    expect(guest.rmdir('a/b')).toBe('not-empty')
    expect(guest.unlink('a/b')).toBe('is-directory')
    expect(guest.unlink('a/b/file')).toBeUndefined()
    expect(guest.rmdir('a/b')).toBeUndefined()
    expect(guest.open('file', CREATE, WRITE, inner)).toBe('no-entry')
    expect(guest.mkdir('c', inner)).toBe('no-entry')
    expect(guest.rmdir('.')).toBe('invalid')
    expect(guest.rmdir('none')).toBe('no-entry')
  })

  it.each([
    ['file', DIRECTORY, READ, 'not-directory'],
    ['file/', 0, READ, 'not-directory'],
    ['file/x', 0, READ, 'not-directory'],
    ['file', CREATE | EXCLUSIVE, READ, 'exist'],
    ['new/', CREATE, WRITE, 'is-directory'],
    ['directory', 0, WRITE, 'is-directory'],
    ['directory', CREATE, READ, 'is-directory'],
    ['directory', DIRECTORY | CREATE, READ, 'invalid'],
    ['none', 0, READ, 'no-entry'],
    ['', 0, READ, 'no-entry'],
    ['/file', 0, READ, 'not-permitted'],
    ['/etc/passwd', 0, READ, 'not-permitted'],
    ['../tmp/file', 0, READ, 'not-permitted'],
    ['directory/../../file', 0, READ, 'not-permitted'],
    ['a\0b', CREATE, WRITE, 'invalid'],
    ['x'.repeat(256), CREATE, WRITE, 'name-too-long'],
    ['ä'.repeat(128), CREATE, WRITE, 'name-too-long'],
    ['x/'.repeat(3000), 0, READ, 'name-too-long'],
  ])('opens %s with flags %i/%i as %s', (path, openFlags, flags, error) => {
    const guest = new FilesystemGuest()
    guest.must('file', CREATE)
    guest.mkdir('directory')
    expect(guest.open(path, openFlags, flags)).toBe(error)
  })

  it('never lets a path out of an opened directory', () => {
    const guest = new FilesystemGuest()
    guest.mkdir('jail')
    guest.must('outside', CREATE)
    const jail = guest.must('jail', DIRECTORY, READ)
    expect(guest.open('../outside', 0, READ, jail)).toBe('not-permitted')
    expect(guest.symlink('../outside', 'jail/way-out')).toBeUndefined()
    expect(guest.open('way-out', 0, READ, jail)).toBe('not-permitted')
    expect(typeof guest.open('jail/way-out', 0, READ)).toBe('number')
  })

  it('is renamed by the rules of POSIX', () => {
    const guest = new FilesystemGuest()
    guest.mkdir('a')
    guest.mkdir('a/b')
    guest.mkdir('empty')
    guest.write(guest.must('file', CREATE), 'one')
    guest.write(guest.must('other', CREATE), 'two')
    expect(guest.rename('a', 'a/b/c')).toBe('invalid')
    expect(guest.rename('a', 'file')).toBe('not-directory')
    expect(guest.rename('file', 'a')).toBe('is-directory')
    expect(guest.rename('empty', 'a')).toBe('not-empty')
    expect(guest.rename('none', 'x')).toBe('no-entry')
    expect(guest.rename('.', 'x')).toBe('busy')
    expect(guest.rename('file', 'file')).toBeUndefined()
    expect(guest.rename('a', 'empty')).toBeUndefined()
    expect(guest.list('empty')).toEqual(['3:b'])
    expect(guest.rename('file', 'other')).toBeUndefined()
    expect(guest.read(guest.must('other'))).toEqual(['one', true])
    expect(guest.list()).toEqual(['3:empty', '6:other'])
  })

  it('is charged for while its listing is open', () => {
    const guest = new FilesystemGuest()
    for (let count = 0; count < 100; count++) guest.mkdir(`directory ${count}`)
    const { held } = guest.environment
    const entries = guest.owned(`${FILES}#[method]descriptor.read-directory`, guest.tmp)
    expect(guest.environment.held).toBeGreaterThan(held + 6000)
    guest.call(`${FILES}#[drop]directory-entry-stream`, entries)
    expect(guest.environment.held).toBe(held)
  })

  it('keeps the account exact through any of this', () => {
    const guest = new FilesystemGuest()
    const before = guest.environment.held
    guest.mkdir('a')
    const file = guest.must('a/file', CREATE)
    guest.write(file, 'x'.repeat(5000))
    guest.link('a/file', 'second')
    guest.symlink('a/file', 'third')
    guest.rename('a', 'b')
    guest.rename('second', 'b/file')
    guest.write(guest.must('over', CREATE), 'y')
    guest.rename('over', 'third')
    guest.setSize(file, 10n)
    for (const path of ['b/file', 'second', 'third']) guest.unlink(path)
    guest.rmdir('b')
    expect(guest.list()).toEqual([])
    guest.closeAll(file, file + 1)
    expect(guest.environment.held).toBe(before)
  })
})

describe('a symbolic link in /tmp', () => {
  it('is followed, read and removed', () => {
    const guest = new FilesystemGuest()
    guest.mkdir('directory')
    guest.write(guest.must('directory/file', CREATE), 'target')
    expect(guest.symlink('directory', 'link')).toBeUndefined()
    expect(guest.read(guest.must('link/file'))).toEqual(['target', true])
    expect(guest.stat('link', 0)).toMatchObject({ type: 5, size: 9n })
    expect(guest.stat('link', 1)).toMatchObject({ type: 3 })
    expect(guest.readlink('link')).toBe('directory')
    expect(guest.readlink('directory')).toBe('invalid')
    expect(guest.open('link', 0, READ, guest.tmp, 0)).toBe('loop')
    expect(guest.unlink('link')).toBeUndefined()
    expect(guest.stat('directory/file')).toMatchObject({ size: 6n })
  })

  it('may dangle, and a file is created where it points to', () => {
    const guest = new FilesystemGuest()
    guest.symlink('later', 'link')
    expect(guest.open('link')).toBe('no-entry')
    guest.write(guest.must('link', CREATE), 'made')
    expect(guest.read(guest.must('later'))).toEqual(['made', true])
    expect(guest.open('link', CREATE | EXCLUSIVE)).toBe('exist')
  })

  it('cannot be absolute, empty, or lead in circles', () => {
    const guest = new FilesystemGuest()
    expect(guest.symlink('/etc', 'link')).toBe('not-permitted')
    expect(guest.symlink('', 'link')).toBe('invalid')
    guest.symlink('two', 'one')
    guest.symlink('one', 'two')
    expect(guest.open('one')).toBe('loop')
    expect(guest.symlink('x', 'one')).toBe('exist')
  })
})

describe('paths', () => {
  it('that are not UTF-8 trap', () => {
    const guest = new FilesystemGuest()
    expect(() => guest.try('create-directory-at', 1, guest.tmp, ...guest.put(Uint8Array.of(0x66, 0xff)))).toThrow(/not UTF-8/)
  })
})
