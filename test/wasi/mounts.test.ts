import { describe, expect, it } from 'vitest'
import type { MountedContents } from '../../src/wasi/contract.ts'
import { createMount } from '../../src/wasi/filesystem/mount.ts'
import { RESULT, TestEnvironment } from './driver.ts'
import { CREATE, DIRECTORY, EXCLUSIVE, FilesystemGuest, READ, TRUNCATE, WRITE } from './filesystem-guest.ts'

const FILES = 'wasi:filesystem/types'
const STREAMS = 'wasi:io/streams'

/** Gives at most three bytes at once, as a reader of chunks may. */
function contents(text: string): MountedContents {
  const bytes = Buffer.from(text)
  return { size: bytes.length, read: (start, length) => bytes.subarray(start, start + Math.min(length, 3)) }
}

const BROKEN: MountedContents = { size: 10, read: () => undefined }

const OPT = createMount(
  '/opt',
  0,
  new Map([
    ['file.txt', contents('hello world')],
    ['lib/deep/other.txt', contents('other')],
    ['lib/empty', contents('')],
    ['broken', BROKEN],
  ]),
)
const TASK = createMount('/var/task', 1, new Map([['index.mjs', contents('code')]]))

class MountedGuest extends FilesystemGuest {
  readonly opt: number

  constructor(environment = new TestEnvironment()) {
    environment.mounts = [OPT, TASK]
    super(environment)
    this.opt = this.directories.get('/opt') ?? 0
  }

  whole(file: number): string {
    let text = ''
    for (;;) {
      const piece = this.read(file, 100n, BigInt(text.length))
      if (typeof piece === 'string') return piece
      text += piece[0]
      if (piece[1]) return text
    }
  }
}

describe('a mount', () => {
  it('shows its files and folders beside /tmp', () => {
    const guest = new MountedGuest()
    expect([...guest.directories.keys()]).toEqual(['/tmp', '/opt', '/var/task'])
    expect(guest.whole(guest.must('file.txt', 0, READ, guest.opt))).toBe('hello world')
    expect(guest.whole(guest.must('lib/./deep/../deep/other.txt', 0, READ, guest.opt))).toBe('other')
    expect(guest.read(guest.must('lib/empty', 0, READ, guest.opt))).toEqual(['', true])
    const lib = guest.must('lib', DIRECTORY, READ, guest.opt)
    expect(guest.whole(guest.must('deep/other.txt', 0, READ, lib))).toBe('other')
    expect(guest.whole(guest.must('index.mjs', 0, READ, guest.directories.get('/var/task')))).toBe('code')
    expect(guest.open('none', 0, READ, guest.opt)).toBe('no-entry')
    expect(guest.open('file.txt/x', 0, READ, guest.opt)).toBe('not-directory')
  })

  it('tells of files what is the same for everybody', () => {
    const [one, two] = [new MountedGuest(), new MountedGuest()]
    for (const guest of [one, two]) guest.environment.wall += BigInt(guest === one ? 5 : 7)
    const look = (guest: MountedGuest) => {
      expect(guest.try('stat-at', 8, guest.opt, 1, ...guest.put('file.txt'))).toBeUndefined()
      const stat = guest.bytesOf(RESULT, 104).slice()
      expect(guest.try('metadata-hash-at', 8, guest.opt, 1, ...guest.put('file.txt'))).toBeUndefined()
      return [...stat, ...guest.bytesOf(RESULT + 8, 16)]
    }
    expect(look(one)).toEqual(look(two))
    const [first, second] = [one.must('file.txt', 0, READ, one.opt), one.must('file.txt', 0, READ, one.opt)]
    expect(one.call(`${FILES}#[method]descriptor.is-same-object`, first, second)).toBe(1)
    expect(one.call(`${FILES}#[method]descriptor.is-same-object`, first, one.must('broken', 0, READ, one.opt))).toBe(0)
    const [opt, task] = [one.directories.get('/opt') ?? 0, one.directories.get('/var/task') ?? 0]
    expect(one.call(`${FILES}#[method]descriptor.is-same-object`, opt, task)).toBe(0)
  })

  it('answers read-only to everything that would change it', () => {
    const guest = new MountedGuest()
    const { opt, tmp } = guest
    guest.must('own', CREATE)
    const file = guest.must('file.txt', 0, READ, opt)
    const put = (text: string) => guest.put(text)
    const answers = {
      create: guest.open('new', CREATE, READ, opt),
      'create what is there': guest.open('file.txt', CREATE, READ, opt),
      'create exclusively': guest.open('new', CREATE | EXCLUSIVE, WRITE, opt),
      'create a folder by opening it': guest.open('new', CREATE | DIRECTORY, READ, opt),
      truncate: guest.open('file.txt', TRUNCATE, READ, opt),
      'open to write': guest.open('file.txt', 0, WRITE, opt),
      'open to read and write': guest.open('file.txt', 0, READ | WRITE, opt),
      'open a folder to write': guest.open('lib', DIRECTORY, WRITE, opt),
      write: guest.write(file, 'x'),
      'set-size': guest.setSize(file, 0n),
      'write-via-stream': guest.try('write-via-stream', 4, file, 0n),
      'append-via-stream': guest.try('append-via-stream', 4, file),
      'set-times': guest.try('set-times', 1, file, 1, 0n, 0, 1, 0n, 0),
      'set-times of a folder': guest.try('set-times', 1, opt, 1, 0n, 0, 1, 0n, 0),
      'set-times-at': guest.try('set-times-at', 1, opt, 1, ...put('file.txt'), 1, 0n, 0, 1, 0n, 0),
      'create-directory-at': guest.mkdir('new', opt),
      'remove-directory-at': guest.try('remove-directory-at', 1, opt, ...put('lib')),
      'unlink-file-at': guest.try('unlink-file-at', 1, opt, ...put('file.txt')),
      'symlink-at': guest.try('symlink-at', 1, opt, ...put('file.txt'), ...put('link')),
      'rename inside': guest.try('rename-at', 1, opt, ...put('file.txt'), opt, ...put('other')),
      'rename out': guest.try('rename-at', 1, opt, ...put('file.txt'), tmp, ...put('stolen')),
      'rename in': guest.try('rename-at', 1, tmp, ...put('own'), opt, ...put('own')),
      'rename over': guest.try('rename-at', 1, tmp, ...put('own'), opt, ...put('file.txt')),
      'link out': guest.try('link-at', 1, opt, 0, ...put('file.txt'), tmp, ...put('linked')),
      'link in': guest.try('link-at', 1, tmp, 0, ...put('own'), opt, ...put('linked')),
    }
    for (const [what, answer] of Object.entries(answers)) expect([what, answer]).toEqual([what, 'read-only'])
    expect(guest.whole(file)).toBe('hello world')
    expect(guest.list()).toEqual(['6:own'])
  })

  it.each([
    '/etc/passwd',
    '../etc/passwd',
    '..',
    'lib/../../tmp/own',
    'lib/deep/../../../var/task/index.mjs',
    '../opt/file.txt',
    './../opt',
  ])('never lets the path %s out', (path) => {
    const guest = new MountedGuest()
    guest.must('own', CREATE)
    for (const flags of [0, DIRECTORY]) expect(guest.open(path, flags, READ, guest.opt)).toBe('not-permitted')
    expect(guest.try('stat-at', 8, guest.opt, 1, ...guest.put(path))).toBe('not-permitted')
    expect(guest.try('readlink-at', 4, guest.opt, ...guest.put(path))).toBe('not-permitted')
  })

  it('cannot be reached by a link in /tmp', () => {
    const guest = new MountedGuest()
    expect(guest.symlink('/opt', 'absolute')).toBe('not-permitted')
    expect(guest.symlink('../opt/file.txt', 'climbing')).toBeUndefined()
    expect(guest.open('climbing', 0, READ)).toBe('not-permitted')
  })

  it('takes nothing of the memory account but for handles and listings', () => {
    const guest = new MountedGuest()
    const before = guest.environment.held
    const file = guest.must('file.txt', 0, READ, guest.opt)
    guest.whole(file)
    guest.closeAll(file)
    expect(guest.environment.held).toBe(before)
  })

  it('counts every read as the same work, however little is read', () => {
    const guest = new MountedGuest()
    const file = guest.must('file.txt', 0, READ, guest.opt)
    const work = (length: bigint) => {
      const before = guest.environment.worked
      guest.read(file, length)
      return guest.environment.worked - before
    }
    expect([work(1n), work(1n), work(100n)]).toEqual(Array(3).fill(1_000_000))
  })

  it('is read through streams, and says what cannot be read', () => {
    const guest = new MountedGuest()
    const file = guest.must('file.txt', 0, READ, guest.opt)
    const stream = guest.owned(`${FILES}#[method]descriptor.read-via-stream`, file, 4n)
    let text = ''
    for (;;) {
      const view = guest.result(`${STREAMS}#[method]input-stream.read`, stream, 100n)
      if (view.getUint8(0) === 1) break
      text += guest.textAt(RESULT + 4)
    }
    expect(text).toBe('o world')
    const broken = guest.must('broken', 0, READ, guest.opt)
    expect(guest.read(broken)).toBe('io')
    const failing = guest.owned(`${FILES}#[method]descriptor.read-via-stream`, broken, 0n)
    const read = () => {
      const view = guest.result(`${STREAMS}#[method]input-stream.read`, failing, 100n)
      return [view.getUint8(0), view.getUint8(4)]
    }
    // The failure once, then the end.
    expect([read(), read()]).toEqual([
      [1, 0],
      [1, 1],
    ])
  })
})

describe('a snapshot', () => {
  it('has descriptors, streams and listings of mounts, in another instance as well', () => {
    const guest = new MountedGuest()
    const file = guest.must('file.txt', 0, READ, guest.opt)
    const lib = guest.must('lib', DIRECTORY, READ, guest.opt)
    const stream = guest.owned(`${FILES}#[method]descriptor.read-via-stream`, file, 6n)
    const listing = guest.owned(`${FILES}#[method]descriptor.read-directory`, guest.opt)
    const state = structuredClone(guest.wasi.save())
    const look = (one: MountedGuest) => {
      one.result(`${STREAMS}#[method]input-stream.read`, stream, 2n)
      const rest = one.textAt(RESULT + 4)
      one.result(`${FILES}#[method]directory-entry-stream.read-directory-entry`, listing)
      const next = one.textAt(RESULT + 12)
      return [one.whole(file), rest, next, one.whole(one.must('deep/other.txt', 0, READ, lib))]
    }
    const seen = ['hello world', 'wo', 'file.txt', 'other']
    const other = new MountedGuest()
    other.wasi.restore(state)
    expect(other.wasi.equals(state)).toBe(true)
    for (const one of [guest, other, guest, other]) {
      one.wasi.restore(state)
      expect(look(one)).toEqual(seen)
      expect(one.wasi.equals(state)).toBe(false)
      one.wasi.restore(state)
      expect(one.wasi.equals(state)).toBe(true)
    }
  })

  it('forgets what the invocation has opened, and a stream that had failed', () => {
    const guest = new MountedGuest()
    const failing = guest.owned(`${FILES}#[method]descriptor.read-via-stream`, guest.must('broken', 0, READ, guest.opt), 0n)
    const state = guest.wasi.save()
    const { held } = guest.environment
    for (let round = 0; round < 3; round++) {
      const opened = guest.must('file.txt', 0, READ, guest.opt)
      const view = guest.result(`${STREAMS}#[method]input-stream.read`, failing, 1n)
      expect([view.getUint8(0), view.getUint8(4)]).toEqual([1, 0])
      guest.wasi.restore(state)
      expect(guest.environment.held).toBe(held)
      expect(() => guest.read(opened)).toThrow(/no live handle/)
      guest.wasi.restore(state)
    }
  })

  it('cannot be taken up where the mount is another', () => {
    const guest = new MountedGuest()
    guest.must('lib/deep', DIRECTORY, READ, guest.opt)
    const state = guest.wasi.save()
    const environment = new TestEnvironment()
    environment.mounts = [createMount('/opt', 0, new Map([['lib/other', contents('')]]))]
    const other = new FilesystemGuest(environment)
    expect(() => other.wasi.restore(state)).toThrow(/lost its file/)
  })
})

it('files that are folders of others are no mount', () => {
  const files = new Map([
    ['a', contents('')],
    ['a/b', contents('')],
  ])
  expect(() => createMount('/opt', 0, files)).toThrow('both as a file and as a folder')
})
