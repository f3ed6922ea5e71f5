import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Account } from '../functions/arn.ts'
import { LambdaError } from '../functions/lambda-error.ts'
import type { AccessKey } from './access-key.ts'
import { keyCaller, type Caller } from './caller.ts'
import { AUTHORITY, canonicalRequest } from './canonical.ts'
import { ALGORITHM, formatTimestamp, readClaim, timestampMs, type Claim } from './claim.ts'

export interface VerifierOptions {
  readonly account: Account
  readonly keys: readonly AccessKey[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What is left to be verified when the body has been read. Throws a `LambdaError`. */
export type Signed = (body: Uint8Array) => Caller

/** How far a request's clock may be from this one's, either way; AWS's window. */
const WINDOW_MS = 5 * 60_000
const UNSIGNED = 'UNSIGNED-PAYLOAD'
/** Signing keys are of a day: more than these are of days that are over. */
const MAX_SIGNING_KEYS = 1_000

const invalid = (message: string): LambdaError => new LambdaError('InvalidSignatureException', message)

/** Never says what this host has computed: AWS does, and it is no help to whoever has the secret. */
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'

/**
 * Verifies Signature Version 4. What can be said without the body is said before it is read. Errors are AWS's: `MissingAuthenticationTokenException`,
 * `IncompleteSignatureException`, `UnrecognizedClientException`, `InvalidSignatureException`, all 403.
 */
export function createVerifier({ account, keys, now }: VerifierOptions): (incoming: IncomingMessage) => Signed {
  const secrets = new Map(keys.map(({ id, secret }) => [id, secret]))
  const signingKeys = new Map<string, Buffer>()

  const signingKey = ({ accessKeyId, day, region, service }: Claim, secret: string): Buffer => {
    const name = `${accessKeyId}/${day}/${region}/${service}`
    let key = signingKeys.get(name)
    if (key === undefined) {
      if (signingKeys.size >= MAX_SIGNING_KEYS) signingKeys.clear()
      key = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day))
      signingKeys.set(name, key)
    }
    return key
  }

  return (incoming) => {
    const claim = readClaim(incoming)
    const { accessKeyId } = claim
    const secret = secrets.get(accessKeyId)
    // Keys of this host have no session.
    if (secret === undefined || claim.sessionToken !== undefined)
      throw new LambdaError('UnrecognizedClientException', 'The security token included in the request is invalid.')
    checkScope(claim, serviceOf(incoming), account)
    checkTime(claim, now())
    checkSignedHeaders(claim, incoming)
    return (body) => {
      const declared = declaredHash(incoming, claim)
      const actual = declared === UNSIGNED ? UNSIGNED : createHash('sha256').update(body).digest('hex')
      if (declared !== undefined && declared !== actual) throw invalid(MISMATCH)
      const scope = `${claim.day}/${claim.region}/${claim.service}/aws4_request`
      const hashed = createHash('sha256')
        .update(canonical(incoming, claim, actual))
        .digest('hex')
      const text = [ALGORITHM, claim.timestamp, scope, hashed].join('\n')
      const expected = Buffer.from(hmac(signingKey(claim, secret), text).toString('hex'))
      const given = Buffer.from(claim.signature)
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw invalid(MISMATCH)
      return keyCaller(account, accessKeyId)
    }
  }
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

function canonical(incoming: IncomingMessage, { signedHeaders }: Claim, payloadHash: string): string {
  try {
    return canonicalRequest(incoming, signedHeaders, payloadHash)
  } catch (error) {
    throw new LambdaError('InvalidSignatureException', 'The query of the request is not valid percent-encoding.', {
      cause: error,
    })
  }
}

/** What a request is for: operations of the other services have a path of their own, or are named in a header. */
function serviceOf({ headers, url = '' }: IncomingMessage): string {
  if (/^\/schedules(?:[/?]|$)/.test(url)) return 'scheduler'
  const target = headers['x-amz-target']?.toString() ?? ''
  return SERVICES.find(([prefix]) => target.startsWith(prefix))?.[1] ?? 'lambda'
}

const SERVICES = [
  ['Logs_', 'logs'],
  ['AmazonSQS.', 'sqs'],
  ['Kinesis_', 'kinesis'],
] as const

function checkScope({ region, service, day, timestamp }: Claim, wanted: string, account: Account): void {
  if (region !== account.region)
    throw invalid(`Credential should be scoped to a valid region, not '${region}': this host is ${account.region}.`)
  if (service !== wanted) throw invalid(`Credential should be scoped to correct service: '${wanted}'.`)
  if (!timestamp.startsWith(day))
    throw invalid(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${day}' != '${timestamp.slice(0, 8)}'.`,
    )
}

function checkTime({ timestamp, expiresSeconds }: Claim, nowMs: number): void {
  const signedMs = timestampMs(timestamp)
  const current = formatTimestamp(nowMs)
  if (signedMs > nowMs + WINDOW_MS)
    throw invalid(
      `Signature not yet current: ${timestamp} is still later than ${formatTimestamp(nowMs + WINDOW_MS)} (${current} + 5 min.)`,
    )
  if (expiresSeconds !== undefined) {
    if (nowMs > signedMs + expiresSeconds * 1000)
      throw invalid(`Signature expired: ${timestamp} and ${expiresSeconds} seconds are over, it is ${current}.`)
  } else if (signedMs < nowMs - WINDOW_MS)
    throw invalid(
      `Signature expired: ${timestamp} is now earlier than ${formatTimestamp(nowMs - WINDOW_MS)} (${current} - 5 min.)`,
    )
}

/** What this host acts on cannot be added by somebody on the way. */
function checkSignedHeaders({ signedHeaders, expiresSeconds }: Claim, { headers }: IncomingMessage): void {
  const signed = new Set(signedHeaders)
  if (!signed.has('host') && !signed.has(AUTHORITY))
    throw invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
  const missing = Object.keys(headers).filter(
    // The hash is part of what is signed, listed or not.
    (name) => name.startsWith('x-amz-') && name !== 'x-amz-content-sha256' && !signed.has(name),
  )
  if (expiresSeconds === undefined && headers['x-amz-date'] === undefined && !signed.has('date')) missing.push('date')
  if (missing.length > 0) throw invalid(`There were headers present in the request which were not signed: ${missing.join(', ')}.`)
}

/** The hash that the request says its body has; undefined: it does not say. */
function declaredHash({ headers, url = '' }: IncomingMessage, { expiresSeconds }: Claim): string | undefined {
  const inHeader = headers['x-amz-content-sha256']?.toString()
  if (inHeader !== undefined || expiresSeconds === undefined) return inHeader
  return new URLSearchParams(url.split('?').slice(1).join('?')).get('X-Amz-Content-Sha256') ?? undefined
}
