import { fails, hex, ok, same, type Check } from './check.ts'

const bytes = new TextEncoder().encode('abc')

export const CRYPTO: readonly Check[] = [
  {
    name: '`crypto.getRandomValues`, `crypto.randomUUID`',
    run: async () => {
      const [a, b] = [crypto.getRandomValues(new Uint8Array(16)), crypto.getRandomValues(new Uint8Array(16))]
      ok(hex(a.buffer) !== hex(b.buffer), 'two draws differ')
      ok(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(crypto.randomUUID()), 'it is a version 4 UUID')
      same(crypto.getRandomValues(new Uint8Array(65_536)).length, 65_536)
      await fails('QuotaExceededError', () => crypto.getRandomValues(new Uint8Array(65_537)))
    },
  },
  {
    name: '`crypto.subtle.digest` (SHA-1, 256, 384, 512)',
    run: async () => {
      const digests = ['SHA-1', 'SHA-256', 'SHA-384', 'sha-512'].map(async (name) =>
        hex(await crypto.subtle.digest(name, bytes)).slice(0, 8),
      )
      same(await Promise.all(digests), ['a9993e36', 'ba7816bf', 'cb00753f', 'ddaf35a1'])
      await fails('NotSupportedError', () => crypto.subtle.digest('SHA-3', bytes))
    },
  },
  {
    name: '`crypto.subtle` HMAC keys: `importKey`, `sign`, `verify`',
    run: async () => {
      const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
      const signature = await crypto.subtle.sign('HMAC', key, bytes)
      same(hex(signature).slice(0, 16), '2f02e24ae2e1fe88')
      same(await crypto.subtle.verify('HMAC', key, signature, bytes), true)
      same(await crypto.subtle.verify('HMAC', key, signature, new Uint8Array(3)), false)
    },
  },
  {
    name: '`crypto.subtle` RSA and elliptic curves',
    run: async () => {
      const n =
        'sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw'
      const key = await crypto.subtle.importKey(
        'jwk',
        { kty: 'RSA', n, e: 'AQAB' },
        { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
        false,
        ['verify'],
      )
      same(key.type, 'public')
    },
  },
  {
    name: '`crypto.subtle` encryption, derived keys',
    run: async () => same((await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt'])).type, 'secret'),
  },
]
