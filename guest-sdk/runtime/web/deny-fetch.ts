/** What `fetch` rejects with. A capability may put another `fetch` in its place, and a test a stub. */
export const NOT_GRANTED = 'fetch failed: outbound HTTP is not granted to this function'

/** Checks its arguments as `fetch` does, and rejects with a `TypeError`, which is what a network error is (Fetch Standard 5.6). */
export function deniedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    const request = new Request(input, init)
    return Promise.reject(new TypeError(`${NOT_GRANTED} (${request.method} ${new URL(request.url).origin})`))
  } catch (error) {
    return Promise.reject(error as Error)
  }
}
