/**
 * `node:crypto`: hashes and MACs by @noble/hashes, because they answer at once, which `crypto.subtle` does not; randomness by the
 * global `crypto`. Ciphers, keys and signatures are in `crypto.subtle`, as far as the engine has them.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { md5, sha1 } from '@noble/hashes/legacy.js'
import { pbkdf2 } from '@noble/hashes/pbkdf2.js'
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { toBytes, type Bytes } from '../runtime/web/bytes-of.ts'

const HASHES = { md5, sha1, sha224, sha256, sha384, sha512 } as const

type Data = string | Bytes
type Encoding = 'hex' | 'base64' | 'base64url' | 'binary' | 'latin1'

interface Running {
  update(bytes: Uint8Array): unknown
  digest(): Uint8Array
  clone?(): Running
}

const { Buffer, crypto: webcrypto } = globalThis
const { subtle } = webcrypto

export { subtle, webcrypto }

export const getHashes = (): string[] => Object.keys(HASHES)

function hashOf(algorithm: string): (typeof HASHES)[keyof typeof HASHES] {
  const name = algorithm.toLowerCase().replace('-', '')
  if (!Object.hasOwn(HASHES, name)) {
    throw new TypeError(`crypto: ${algorithm} is not one of the hashes ${getHashes().join(', ')}`)
  }
  return HASHES[name as keyof typeof HASHES]
}

const bytesOf = (data: Data, encoding: BufferEncoding = 'utf8'): Uint8Array =>
  typeof data === 'string' ? Buffer.from(data, encoding) : toBytes(data)

export class Hash {
  declare protected running: Running | undefined

  constructor(running: Running) {
    Object.defineProperty(this, 'running', { value: running, writable: true })
  }

  update(data: Data, encoding?: BufferEncoding): this {
    this.ready().update(bytesOf(data, encoding))
    return this
  }

  digest(encoding?: Encoding): string | Buffer {
    const digest = Buffer.from(this.ready().digest())
    this.running = undefined
    return encoding === undefined ? digest : digest.toString(encoding)
  }

  copy(): Hash {
    const copy = this.ready().clone?.()
    if (copy === undefined) throw new TypeError('crypto: this hash cannot be copied')
    return new Hash(copy)
  }

  private ready(): Running {
    if (this.running === undefined) throw new Error('Digest already called')
    return this.running
  }
}

export class Hmac extends Hash {}

export const createHash = (algorithm: string): Hash => new Hash(hashOf(algorithm).create())

export const createHmac = (algorithm: string, key: Data): Hmac => new Hmac(hmac.create(hashOf(algorithm), bytesOf(key)))

/** In one go. `encoding` is `hex` unless told; `buffer` gives bytes. */
export const hash = (algorithm: string, data: Data, encoding: Encoding | 'buffer' = 'hex'): string | Buffer =>
  createHash(algorithm)
    .update(data)
    .digest(encoding === 'buffer' ? undefined : encoding)

export const pbkdf2Sync = (password: Data, salt: Data, iterations: number, length: number, digest: string): Buffer =>
  Buffer.from(pbkdf2(hashOf(digest), bytesOf(password), bytesOf(salt), { c: iterations, dkLen: length }))

/** A comparison whose duration does not tell where the difference is, as far as an engine can promise that. */
export function timingSafeEqual(a: Bytes, b: Bytes): boolean {
  const [one, other] = [toBytes(a), toBytes(b)]
  if (one.length !== other.length) throw new RangeError('Input buffers must have the same byte length')
  let difference = 0
  for (let i = 0; i < one.length; i++) difference |= (one[i] ?? 0) ^ (other[i] ?? 0)
  return difference === 0
}

export const randomUUID = (): string => webcrypto.randomUUID()

export function getRandomValues<T extends ArrayBufferView>(view: T): T {
  randomFillSync(view)
  return view
}

/** In pieces that Web Crypto gives at once. */
export function randomFillSync<T extends Bytes>(into: T, offset = 0, size?: number): T {
  const all = toBytes(into)
  const bytes = all.subarray(offset, size === undefined ? all.length : offset + size)
  for (let at = 0; at < bytes.length; at += 65_536)
    webcrypto.getRandomValues(bytes.subarray(at, at + 65_536) as Uint8Array<ArrayBuffer>)
  return into
}

type Callback<T> = (error: Error | null, value: T) => void

export function randomBytes(size: number, callback?: Callback<Buffer>): Buffer | undefined {
  const bytes = randomFillSync(Buffer.alloc(size))
  if (callback === undefined) return bytes
  queueMicrotask(() => callback(null, bytes))
  return undefined
}

/** Evenly in `[min, max)`; with one number in `[0, max)`. */
export function randomInt(min: number, max?: number): number {
  const [from, to] = max === undefined ? [0, min] : [min, max]
  const range = to - from
  if (!Number.isSafeInteger(range) || range <= 0 || range > 2 ** 48)
    throw new RangeError(`randomInt: there is no number in [${from}, ${to})`)
  const limit = 2 ** 48 - (2 ** 48 % range)
  for (;;) {
    const [high = 0, low = 0] = webcrypto.getRandomValues(new Uint32Array(2))
    const drawn = (high % 2 ** 16) * 2 ** 32 + low
    if (drawn < limit) return from + (drawn % range)
  }
}

// oxlint-disable-next-line import/no-default-export -- what `require` and a default import give
export default {
  createHash,
  createHmac,
  getHashes,
  getRandomValues,
  Hash,
  hash,
  Hmac,
  pbkdf2Sync,
  randomBytes,
  randomFillSync,
  randomInt,
  randomUUID,
  subtle,
  timingSafeEqual,
  webcrypto,
}
