/** Web Cryptography 14, by @noble/hashes: `digest`, and HMAC keys with `sign` and `verify`, which check webhooks and cookies. */
import { hmac } from '@noble/hashes/hmac.js'
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { toBytes } from './bytes-of.ts'
import { tag } from './define.ts'

const HASHES = { 'SHA-1': sha1, 'SHA-256': sha256, 'SHA-384': sha384, 'SHA-512': sha512 } as const

type HashName = keyof typeof HASHES
type Algorithm = string | { readonly name: string; readonly hash?: Algorithm; readonly length?: number }
type Usage = 'sign' | 'verify'

const nameOf = (algorithm: Algorithm): string =>
  (typeof algorithm === 'string' ? algorithm : String(algorithm?.name)).toUpperCase()

const notSupported = (what: string): DOMException =>
  new DOMException(
    `${what} is not supported: the QuickJS runtime has digest of ${Object.keys(HASHES).join(', ')}, and HMAC`,
    'NotSupportedError',
  )

function hashOf(algorithm: Algorithm | undefined): HashName {
  const name = algorithm === undefined ? 'HMAC without a hash' : nameOf(algorithm)
  if (!Object.hasOwn(HASHES, name)) throw notSupported(name)
  return name as HashName
}

const SECRET = Symbol('secret')

export class WebCryptoKey {
  declare readonly type: 'secret'
  declare readonly extractable: boolean
  declare readonly algorithm: { readonly name: 'HMAC'; readonly hash: { readonly name: HashName }; readonly length: number }
  declare readonly usages: readonly Usage[];
  declare [SECRET]: Uint8Array<ArrayBuffer>

  constructor(key: unknown, secret: Uint8Array<ArrayBuffer>, hash: HashName, extractable: boolean, usages: readonly Usage[]) {
    if (key !== SECRET) throw new TypeError('Illegal constructor')
    const algorithm = { name: 'HMAC', hash: { name: hash }, length: secret.length * 8 }
    for (const [name, value] of Object.entries({ type: 'secret', extractable, algorithm, usages: [...usages] })) {
      Object.defineProperty(this, name, { value, enumerable: true })
    }
    Object.defineProperty(this, SECRET, { value: secret })
  }
}
tag(WebCryptoKey.prototype, 'CryptoKey')

interface Jwk {
  readonly kty?: string
  readonly k?: string
}

/** Its methods are asynchronous as everywhere, and throw nothing themselves. */
export class WebSubtleCrypto {
  async digest(algorithm: Algorithm, data: unknown): Promise<ArrayBuffer> {
    return HASHES[hashOf(algorithm)](toBytes(data)).slice().buffer
  }

  async importKey(
    format: string,
    data: unknown,
    algorithm: Algorithm,
    extractable: boolean,
    usages: readonly Usage[],
  ): Promise<WebCryptoKey> {
    const hash = hmacHash(algorithm)
    checkUsages(usages)
    return new WebCryptoKey(SECRET, secretOf(format, data), hash, extractable, usages)
  }

  async generateKey(algorithm: Algorithm, extractable: boolean, usages: readonly Usage[]): Promise<WebCryptoKey> {
    const hash = hmacHash(algorithm)
    checkUsages(usages)
    const bits = (typeof algorithm === 'object' ? algorithm.length : undefined) ?? HASHES[hash].blockLen * 8
    return new WebCryptoKey(SECRET, crypto.getRandomValues(new Uint8Array(Math.ceil(bits / 8))), hash, extractable, usages)
  }

  async exportKey(format: string, key: WebCryptoKey): Promise<ArrayBuffer | object> {
    if (!key.extractable) throw new DOMException('the key is not extractable', 'InvalidAccessError')
    if (format === 'raw') return key[SECRET].slice().buffer
    if (format !== 'jwk') throw notSupported(`key format ${format}`)
    const k = key[SECRET].toBase64({ alphabet: 'base64url', omitPadding: true })
    return { kty: 'oct', k, alg: key.algorithm.hash.name.replace('SHA-', 'HS'), ext: true, key_ops: [...key.usages] }
  }

  async sign(algorithm: Algorithm, key: WebCryptoKey, data: unknown): Promise<ArrayBuffer> {
    return mac(algorithm, key, 'sign', data).slice().buffer
  }

  async verify(algorithm: Algorithm, key: WebCryptoKey, signature: unknown, data: unknown): Promise<boolean> {
    const expected = mac(algorithm, key, 'verify', data)
    const given = toBytes(signature)
    if (given.length !== expected.length) return false
    let difference = 0
    for (let i = 0; i < expected.length; i++) difference |= (expected[i] ?? 0) ^ (given[i] ?? 0)
    return difference === 0
  }
}
tag(WebSubtleCrypto.prototype, 'SubtleCrypto')

for (const name of ['encrypt', 'decrypt', 'deriveBits', 'deriveKey', 'wrapKey', 'unwrapKey']) {
  Object.defineProperty(WebSubtleCrypto.prototype, name, {
    value: () => Promise.reject(notSupported(`crypto.subtle.${name}`)),
    writable: true,
    configurable: true,
  })
}

function hmacHash(algorithm: Algorithm): HashName {
  const name = nameOf(algorithm)
  if (name !== 'HMAC' || typeof algorithm === 'string') throw notSupported(name)
  return hashOf(algorithm.hash)
}

function checkUsages(usages: readonly Usage[]): void {
  const wrong = usages.find((usage) => usage !== 'sign' && usage !== 'verify')
  if (wrong !== undefined) throw new DOMException(`an HMAC key cannot ${String(wrong)}`, 'SyntaxError')
  if (usages.length === 0) throw new DOMException('a key needs at least one usage', 'SyntaxError')
}

function secretOf(format: string, data: unknown): Uint8Array<ArrayBuffer> {
  if (format === 'raw') return toBytes(data).slice()
  const jwk = data as Jwk
  if (format !== 'jwk') throw notSupported(`key format ${format}`)
  if (jwk.kty !== 'oct' || typeof jwk.k !== 'string') throw new DOMException('the JWK is no symmetric key', 'DataError')
  return Uint8Array.fromBase64(jwk.k, { alphabet: 'base64url' })
}

function mac(algorithm: Algorithm, key: WebCryptoKey, usage: Usage, data: unknown): Uint8Array {
  if (nameOf(algorithm) !== 'HMAC') throw notSupported(nameOf(algorithm))
  if (!(key instanceof WebCryptoKey)) throw new TypeError('the key is no CryptoKey')
  if (!key.usages.includes(usage)) throw new DOMException(`the key was not made to ${usage}`, 'InvalidAccessError')
  return hmac(HASHES[key.algorithm.hash.name], key[SECRET], toBytes(data))
}
