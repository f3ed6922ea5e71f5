import type { KV } from '@nats-io/kv'

interface Known<T> {
  readonly value: T
  readonly revision: number
}

/** What all hosts know of something, by name, in a key-value bucket; other hosts' changes come a moment later. Names have no character but `\w-=`. */
export class Definitions<T> {
  readonly #bucket: KV
  readonly #known = new Map<string, Known<T>>()

  private constructor(bucket: KV) {
    this.#bucket = bucket
  }

  /** Resolves when all are known that there are. */
  static async open<T>(bucket: KV): Promise<Definitions<T>> {
    const definitions = new Definitions<T>(bucket)
    const changes = await bucket.watch()
    for await (const key of await bucket.keys()) await definitions.look(key)
    // Ends with the connection.
    void (async () => {
      for await (const { key, operation, revision, value } of changes)
        definitions.#learn(key, revision, operation === 'PUT' ? value : undefined)
    })()
    return definitions
  }

  get names(): readonly string[] {
    return [...this.#known.keys()]
  }

  known(name: string): T | undefined {
    return this.#known.get(name)?.value
  }

  async find(name: string): Promise<T | undefined> {
    return this.known(name) ?? (await this.look(name))
  }

  /** Asks the server, whatever is known. */
  async look(name: string): Promise<T | undefined> {
    const entry = await this.#bucket.get(name)
    if (entry === null || entry.operation !== 'PUT') this.#known.delete(name)
    else this.#learn(name, entry.revision, entry.value)
    return this.known(name)
  }

  async put(name: string, value: T): Promise<void> {
    const revision = await this.#bucket.put(name, JSON.stringify(value))
    this.#known.set(name, { value, revision })
  }

  async remove(name: string): Promise<void> {
    await this.#bucket.delete(name)
    this.#known.delete(name)
  }

  /** `content`: undefined when it was removed. */
  #learn(name: string, revision: number, content: Uint8Array | undefined): void {
    if ((this.#known.get(name)?.revision ?? 0) >= revision) return
    if (content === undefined) this.#known.delete(name)
    else this.#known.set(name, { value: JSON.parse(Buffer.from(content).toString()) as T, revision })
  }
}
