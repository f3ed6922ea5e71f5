import { createHmac, timingSafeEqual } from 'node:crypto'
import { LambdaError } from '../functions/lambda-error.ts'

/** Where links lead on the management port; no operation of Lambda's API begins like this. */
export const LINK_PATH = '/_ampoule/code/'

/** As long as AWS's are good for. */
const LIFE_SECONDS = 600

/** Links to files of the code store: whoever has one can read that file, and no other, until it expires. */
export class CodeLinks {
  readonly #key: Uint8Array
  readonly #now: () => number

  /** `key`: for links alone. `now`: milliseconds since the epoch. */
  constructor(key: Uint8Array, now: () => number) {
    this.#key = key
    this.#now = now
  }

  /** `origin`: where the host is reached, such as `http://127.0.0.1:9000`. */
  make(sha256: string, origin: string): string {
    const expires = String(Math.floor(this.#now() / 1000) + LIFE_SECONDS)
    const query = new URLSearchParams({ Expires: expires, Signature: this.#sign(sha256, expires) })
    return `${origin}${LINK_PATH}${sha256}?${query.toString()}`
  }

  /** The hash that a link is for, by its path and query. Throws `AccessDeniedException` unless it was made here and has not expired. */
  read(target: string): string {
    const url = URL.parse(target, 'http://host')
    const sha256 = url?.pathname.slice(LINK_PATH.length) ?? ''
    const expires = url?.searchParams.get('Expires') ?? ''
    const given = Buffer.from(url?.searchParams.get('Signature') ?? '', 'base64url')
    const wanted = Buffer.from(this.#sign(sha256, expires), 'base64url')
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
      throw new LambdaError('AccessDeniedException', 'The link is not one that this host has made')
    if (Number(expires) * 1000 <= this.#now())
      throw new LambdaError('AccessDeniedException', 'The link has expired: ask for another')
    return sha256
  }

  #sign(sha256: string, expires: string): string {
    return createHmac('sha256', this.#key).update(`${sha256}\n${expires}`).digest('base64url')
  }
}
