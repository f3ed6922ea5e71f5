import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { DEFAULT_ACCOUNT } from '../../functions/arn.ts'
import type { BoundRequest } from './binding.ts'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
}

/** Headers of the request with its signature (Signature Version 4, in the one region that hosts have). */
export async function sign(
  { method, path, query, headers, body }: BoundRequest,
  url: URL,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  service = 'lambda',
): Promise<Readonly<Record<string, string>>> {
  const signer = new SignatureV4({
    service,
    region: DEFAULT_ACCOUNT.region,
    sha256: Sha256,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
  })
  const byName = Map.groupBy(query, ([name]) => name)
  const signed = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path,
    query: Object.fromEntries([...byName].map(([name, pairs]) => [name, pairs.map(([, value]) => value)])),
    headers: { ...headers, host: url.host },
    body,
  })
  return signed.headers
}

/** In the form that the signer wants, with an HMAC where it gives a key. */
class Sha256 {
  #hash: Hash | Hmac
  readonly #key: string | Uint8Array | undefined

  constructor(key?: unknown) {
    this.#key = key as string | Uint8Array | undefined
    this.#hash = this.#begin()
  }

  update(data: Uint8Array): void {
    this.#hash.update(data)
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }

  reset(): void {
    this.#hash = this.#begin()
  }

  #begin(): Hash | Hmac {
    return this.#key === undefined ? createHash('sha256') : createHmac('sha256', this.#key)
  }
}
