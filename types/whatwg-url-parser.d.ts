/** The parser inside whatwg-url, which has no types. Its classes around it cannot be lowered for QuickJS. */
declare module 'whatwg-url/lib/url-state-machine.js' {
  export interface UrlRecord {
    scheme: string
    username: string
    password: string
    host: unknown
    port: number | null
    path: string[] | string
    query: string | null
    fragment: string | null
  }

  interface Machine {
    basicURLParse(
      input: string,
      options?: { baseURL?: UrlRecord | undefined; url?: UrlRecord; stateOverride?: string },
    ): UrlRecord | null
    serializeURL(url: UrlRecord): string
    serializeURLOrigin(url: UrlRecord): string
    serializeHost(host: unknown): string
    serializePath(url: UrlRecord): string
    setTheUsername(url: UrlRecord, username: string): void
    setThePassword(url: UrlRecord, password: string): void
    cannotHaveAUsernamePasswordPort(url: UrlRecord): boolean
    hasAnOpaquePath(url: UrlRecord): boolean
  }

  const machine: Machine
  export default machine
}
