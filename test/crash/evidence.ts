export type Kind = 'queue' | 'group' | 'stream' | 'event' | 'tick' | 'entry'

interface Host {
  readonly stdout: string
}

/** What hosts have acknowledged, and what functions have said that they did. */
export class Evidence {
  readonly #acknowledged = new Map<Kind, Set<string>>()
  /** Messages that ran again before their visibility timeout was over. */
  readonly early: string[] = []
  /** When it was done the first time: milliseconds since the epoch, by the log. Hosts are read one after the other. */
  readonly #done = new Map<Kind, Map<string, number>>()
  readonly #runs = new Map<string, number>()
  /** By host: how much of its output was read. */
  readonly #read = new WeakMap<Host, number>()

  acknowledged(kind: Kind, id: string): void {
    const found = this.#acknowledged.get(kind) ?? new Set()
    this.#acknowledged.set(kind, found.add(id))
  }

  /** What a host has put out since it was read last. */
  read(host: Host): void {
    const before = this.#read.get(host) ?? 0
    const fresh = host.stdout.slice(before)
    const end = fresh.lastIndexOf('\n') + 1
    this.#read.set(host, before + end)
    for (const [, id = ''] of fresh.slice(0, end).matchAll(/early ([\w:-]+)/g)) this.early.push(id)
    for (const [, time = '', kind, id = ''] of fresh.slice(0, end).matchAll(DONE)) {
      const done = this.#doneOf(kind as Kind)
      done.set(id, Math.min(done.get(id) ?? Infinity, Date.parse(time)))
      this.#runs.set(id, (this.#runs.get(id) ?? 0) + 1)
    }
  }

  /** How many different ones were done. */
  done(kind: Kind): number {
    return this.#doneOf(kind).size
  }

  /** Acknowledged, and not done. */
  missing(kind: Kind): readonly string[] {
    const done = this.#doneOf(kind)
    return [...(this.#acknowledged.get(kind) ?? [])].filter((id) => !done.has(id))
  }

  /** Ids `KEY:NUMBER` that were done the first time when one of the same key with a greater number had been. */
  outOfOrder(kind: Kind): readonly string[] {
    const last = new Map<string, number>()
    const inTime = [...this.#doneOf(kind)].toSorted(([, a], [, b]) => a - b)
    return inTime
      .map(([id]) => id)
      .filter((id) => {
        const colon = id.lastIndexOf(':')
        const [key, number] = [id.slice(0, colon), Number(id.slice(colon + 1))]
        const before = last.get(key) ?? -1
        last.set(key, Math.max(before, number))
        return number < before
      })
  }

  summary(): string {
    const all = [...this.#acknowledged].map(([kind, ids]) => `${ids.size} ${kind}`)
    const twice = this.#runs.values().reduce((sum, runs) => sum + runs - 1, 0)
    return `acknowledged ${all.join(', ')}; done ${this.#runs.size}, and ${twice} times once more`
  }

  #doneOf(kind: Kind): Map<string, number> {
    const found = this.#done.get(kind) ?? new Map<string, number>()
    this.#done.set(kind, found)
    return found
  }
}

/** A line of a log in JSON. */
const DONE = /^\{"time":"([^"]+)".*"done (queue|group|stream|event|tick|entry) ([\w:-]+)/gm

/** Numbers that a seed repeats (Park and Miller). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = (seed % 2_147_483_646) + 1
  }

  below(limit: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647
    return this.#state % limit
  }
}
