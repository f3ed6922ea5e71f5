import { AmpouleError } from '../../errors.ts'

/** Of one request, its answer's head included. */
const TIMEOUT_MS = 15_000
/** RFC 9110 and RFC 6585: the same request may be taken later. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

interface Destination {
  readonly url: string
  readonly authorization: string | undefined
}

/** Where records of invocations may be posted: only there, so that functions' owners cannot make the host ask whatever it can reach. */
export class HttpDestinations {
  readonly #byName: ReadonlyMap<string, Destination>
  readonly #closing = new AbortController()

  /** Throws `InvalidConfiguration` for what is no URL. */
  constructor(settings: readonly (readonly [name: string, url: string])[]) {
    this.#byName = new Map(settings.map(([name, url]) => [name, readDestination(name, url)]))
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()]
  }

  /** Posts a CloudEvent, structured. Resolves with why it will never be taken; undefined: it was. Rejects when it may be taken later. */
  async post(name: string, event: string): Promise<string | undefined> {
    const destination = this.#byName.get(name)
    if (destination === undefined) return 'there is no such destination any more'
    const { url, authorization } = destination
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        ...(authorization !== undefined && { authorization }),
      },
      body: event,
      // Another address is not what was allowed.
      redirect: 'manual',
      signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    await response.body?.cancel()
    const { ok, status } = response
    if (ok) return undefined
    if (status < 500 && !PASSING.has(status)) return `it answers with ${status}`
    throw new Error(`it answers with ${status}`)
  }

  /** Ends what is under way; it rejects. */
  close(): void {
    this.#closing.abort(new Error('the host is shutting down'))
  }
}

function readDestination(name: string, text: string): Destination {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new AmpouleError('InvalidConfiguration', `httpDestinations.${name} must be a URL like https://example.com/events`)
  const [user, password] = [url.username, url.password].map(decodeURIComponent) as [string, string]
  url.username = ''
  url.password = ''
  const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return { url: url.href, authorization: user === '' ? undefined : password === '' ? `Bearer ${user}` : basic }
}
