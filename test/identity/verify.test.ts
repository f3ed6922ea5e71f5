import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { createServer, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_ACCOUNT } from '../../src/functions/arn.ts'
import { LambdaError } from '../../src/functions/lambda-error.ts'
import { createVerifier } from '../../src/identity/verify.ts'

const KEY = { id: 'AMPKAAAAAAAAAAAAAAAA', secret: 'c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0' }
const NOW = Date.UTC(2026, 10, 25, 12)
const MINUTE = 60_000

class Sha256 {
  #hash: Hash | Hmac
  readonly #secret: string | Uint8Array | undefined
  constructor(secret?: unknown) {
    this.#secret = secret as string | Uint8Array | undefined
    this.#hash = this.#fresh()
  }
  #fresh = (): Hash | Hmac => (this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret))
  update(data: Uint8Array): void {
    this.#hash.update(data)
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
  reset(): void {
    this.#hash = this.#fresh()
  }
}

interface Request {
  method: string
  protocol: string
  hostname: string
  path: string
  query: Record<string, string | string[]>
  headers: Record<string, string>
  body: string
}

const base = (more: Partial<Request> = {}): Request => ({
  method: 'POST',
  protocol: 'http:',
  hostname: 'host.example',
  path: '/2015-03-31/functions/fn/invocations',
  query: {},
  headers: { host: 'host.example', 'x-amz-invocation-type': 'RequestResponse' },
  body: '{"a":1}',
  ...more,
})

const signer = ({ id = KEY.id, secret = KEY.secret, region = 'us-east-1', service = 'lambda', session = '' } = {}) =>
  new SignatureV4({
    service,
    region,
    sha256: Sha256,
    credentials: { accessKeyId: id, secretAccessKey: secret, ...(session !== '' && { sessionToken: session }) },
  })

let listening: ReturnType<typeof createServer>
let seen: { incoming: IncomingMessage; body: Uint8Array }
beforeAll(async () => {
  listening = createServer((incoming, outgoing) => {
    void buffer(incoming).then((body) => {
      seen = { incoming, body }
      outgoing.end()
    })
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
})
afterAll(() => listening.close())

/** What verifying says to the request as it comes over a real connection. */
async function verify(signed: Pick<Request, 'method' | 'path' | 'query' | 'headers' | 'body'>, { now = NOW } = {}) {
  const query = Object.entries(signed.query)
    .flatMap(([name, value]) => [value].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`))
    .join('&')
  const sent = request({
    port: (listening.address() as AddressInfo).port,
    host: '127.0.0.1',
    method: signed.method,
    path: query === '' ? signed.path : `${signed.path}?${query}`,
    headers: signed.headers,
  })
  sent.end(signed.body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  try {
    return createVerifier({ account: DEFAULT_ACCOUNT, keys: [KEY], now: () => now })(seen.incoming)(seen.body)
  } catch (error) {
    if (error instanceof LambdaError) return { type: error.type, status: error.status, message: error.message }
    throw error
  }
}

type Signed = Parameters<typeof verify>[0]
const sign = async (input: Request, options: Parameters<typeof signer>[0] = {}, at = NOW): Promise<Signed> =>
  (await signer(options).sign(input, { signingDate: new Date(at) })) as Request
const presign = async (input: Request, expiresIn: number, at = NOW): Promise<Signed> =>
  (await signer().presign(input, { signingDate: new Date(at), expiresIn })) as Request

const CALLER = { accountId: '000000000000', arn: `arn:aws:iam::000000000000:user/${KEY.id}`, accessKeyId: KEY.id }

describe('a signature in the header', () => {
  it.each([
    ['a plain request', base()],
    ['a body that is not there', base({ method: 'GET', body: '' })],
    ['an ARN in the path', base({ path: '/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Afn' })],
    ['$ and spaces', base({ path: '/2015-03-31/functions/fn%3A%24LATEST/a%20b' })],
    ['a slash at the end', base({ path: '/2014-11-13/functions/fn/invoke-async/' })],
    ['a query with characters that are encoded', base({ query: { Qualifier: '$LATEST', b: "it's (a*b)!~", a: 'é ü' } })],
    ['a name twice in the query', base({ query: { tagKeys: ['b', 'a', 'B'] } })],
    ['a header with spaces', base({ headers: { host: 'host.example', 'x-amz-client-context': '  a    b ' } })],
    ['an unsigned payload', base({ headers: { host: 'host.example', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } })],
  ])('is taken for %s', async (_, input) => {
    expect(await verify(await sign(input))).toEqual(CALLER)
  })

  it('is taken where the client sends no hash of the payload, and where it has a Date only', async () => {
    const signed = await signer().sign(base(), { signingDate: new Date(NOW) })
    const { 'x-amz-content-sha256': hash, ...headers } = signed.headers
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    // The hash was among the signed headers, so a request without it is another one.
    expect(await verify({ ...(signed as Request), headers })).toMatchObject({ type: 'InvalidSignatureException' })
    const plain = new SignatureV4({
      service: 'lambda',
      region: 'us-east-1',
      sha256: Sha256,
      applyChecksum: false,
      credentials: { accessKeyId: KEY.id, secretAccessKey: KEY.secret },
    })
    expect(await verify((await plain.sign(base(), { signingDate: new Date(NOW) })) as Request)).toEqual(CALLER)
  })

  it.each<[string, (signed: Signed) => Signed]>([
    ['another body', (signed) => ({ ...signed, body: '{"a":2}' })],
    ['another method', (signed) => ({ ...signed, method: 'PUT' })],
    ['another path', (signed) => ({ ...signed, path: '/2015-03-31/functions/fm/invocations' })],
    ['a query that was added', (signed) => ({ ...signed, query: { Qualifier: 'live' } })],
    [
      'another value of a signed header',
      (signed) => ({ ...signed, headers: { ...signed.headers, 'x-amz-invocation-type': 'Event' } }),
    ],
    ['an X-Amz header that was added', (signed) => ({ ...signed, headers: { ...signed.headers, 'x-amz-log-type': 'Tail' } })],
    [
      'a payload that is called unsigned afterwards',
      (signed) => ({ ...signed, headers: { ...signed.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
    ],
    [
      'a signature of another length',
      (signed) => ({ ...signed, headers: { ...signed.headers, authorization: `${signed.headers['authorization']}0` } }),
    ],
  ])('is refused for %s', async (_, change) => {
    expect(await verify(change(await sign(base())))).toMatchObject({ type: 'InvalidSignatureException', status: 403 })
  })

  it.each([
    ['another secret', { secret: 'x'.repeat(40) }, 'InvalidSignatureException'],
    ['a key that there is not', { id: 'AMPKBBBBBBBBBBBBBBBB' }, 'UnrecognizedClientException'],
    ['a session token', { session: 'token' }, 'UnrecognizedClientException'],
    ['another region', { region: 'eu-west-1' }, 'InvalidSignatureException'],
    ['another service', { service: 's3' }, 'InvalidSignatureException'],
  ])('is refused with %s', async (_, options, type) => {
    const refused = await verify(await sign(base(), options))
    expect(refused).toMatchObject({ type, status: 403 })
    expect(JSON.stringify(refused)).not.toContain(KEY.secret)
  })

  it('is good for five minutes of difference between the clocks, either way', async () => {
    const signed = await sign(base())
    for (const now of [NOW - 5 * MINUTE, NOW + 5 * MINUTE]) expect(await verify(signed, { now })).toEqual(CALLER)
    expect(await verify(signed, { now: NOW + 5 * MINUTE + 1000 })).toMatchObject({
      type: 'InvalidSignatureException',
      message: 'Signature expired: 20261125T120000Z is now earlier than 20261125T120001Z (20261125T120501Z - 5 min.)',
    })
    expect(await verify(signed, { now: NOW - 5 * MINUTE - 1000 })).toMatchObject({
      type: 'InvalidSignatureException',
      message: expect.stringContaining('Signature not yet current') as string,
    })
  })

  it.each([
    ['Bearer token', 'must begin with AWS4-HMAC-SHA256'],
    ['AWS4-HMAC-SHA256 Credential=a/20261125/us-east-1/lambda/aws4_request, SignedHeaders=host', "requires 'Signature'"],
    ['AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0', 'must have the form'],
    ['AWS4-HMAC-SHA256 Credential=a/20261125/r/lambda/aws4_request, SignedHeaders=Host, Signature=0', 'lower case'],
    ['AWS4-HMAC-SHA256 Credential=a/20261125/r/lambda/aws4_request, SignedHeaders=host, Signature=0', "'X-Amz-Date'"],
  ])('is refused when it is incomplete: %s', async (authorization, message) => {
    expect(await verify({ ...base(), headers: { host: 'host.example', authorization } })).toMatchObject({
      type: 'IncompleteSignatureException',
      status: 403,
      message: expect.stringContaining(message) as string,
    })
  })

  it('is missed', async () => {
    expect(await verify(base())).toMatchObject({ type: 'MissingAuthenticationTokenException', status: 403 })
  })
})

describe('a presigned request', () => {
  const input = base({ method: 'GET', path: '/2015-03-31/functions', headers: { host: 'host.example' }, body: '' })

  it('is taken until it expires, up to seven days', async () => {
    const week = 7 * 24 * 3600
    for (const seconds of [60, week]) {
      const signed = await presign(input, seconds)
      expect(await verify(signed, { now: NOW + seconds * 1000 })).toEqual(CALLER)
      expect(await verify(signed, { now: NOW + seconds * 1000 + 1 })).toMatchObject({
        type: 'InvalidSignatureException',
        message: expect.stringContaining('Signature expired') as string,
      })
    }
  })

  it('is refused before its time, and when anything of it was changed', async () => {
    const signed = await presign(input, 60)
    expect(await verify(signed, { now: NOW - 5 * MINUTE - 1000 })).toMatchObject({ type: 'InvalidSignatureException' })
    expect(await verify({ ...signed, query: { ...signed.query, 'X-Amz-Expires': '600' } })).toMatchObject({
      type: 'InvalidSignatureException',
    })
    expect(await verify({ ...signed, query: { ...signed.query, Marker: 'a' } })).toMatchObject({
      type: 'InvalidSignatureException',
    })
  })

  it.each(['604801', '0', '-1', '1e3', ''])('is refused with X-Amz-Expires=%s', async (expires) => {
    const signed = await presign(input, 60)
    expect(await verify({ ...signed, query: { ...signed.query, 'X-Amz-Expires': expires } })).toMatchObject({
      type: 'IncompleteSignatureException',
    })
  })

  it('is refused when it is signed twice', async () => {
    const signed = await presign(input, 60)
    expect(await verify({ ...signed, headers: { ...signed.headers, authorization: 'AWS4-HMAC-SHA256 a' } })).toMatchObject({
      type: 'IncompleteSignatureException',
    })
  })
})
