/** An event that waits. */
export interface Waiting {
  readonly id: string
  /** The function's. */
  readonly name: string
  /** Not before: milliseconds since the epoch. */
  readonly dueMs: number
  /** How often in a row it could not be run. */
  readonly deferred: number
}

/** Events of one function: those whose time has come, in order, and those to come, earliest first. */
class Line {
  #ready: Waiting[] = []
  #taken = 0
  readonly #later: Waiting[] = []

  get size(): number {
    return this.#ready.length - this.#taken + this.#later.length
  }

  add(event: Waiting, now: number): void {
    if (event.dueMs <= now) this.#ready.push(event)
    else this.#later.splice(this.#placeOf(event.dueMs), 0, event)
  }

  take(now: number): Waiting | undefined {
    this.#promote(now)
    const event = this.#ready[this.#taken]
    if (event === undefined) return undefined
    this.#taken++
    // Each is moved once on the average.
    if (this.#taken * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#taken)
      this.#taken = 0
    }
    return event
  }

  /** When there is something to take: `now` when it is there. Infinity: never. */
  dueMs(now: number): number {
    if (this.#taken < this.#ready.length) return now
    return Math.max(now, this.#later[0]?.dueMs ?? Infinity)
  }

  #promote(now: number): void {
    const due = this.#placeOf(now)
    if (due > 0) this.#ready = this.#ready.concat(this.#later.splice(0, due))
  }

  /** Behind all that are due at that time. */
  #placeOf(dueMs: number): number {
    let low = 0
    let high = this.#later.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#later[middle]?.dueMs ?? Infinity) <= dueMs) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Events that wait, by function. Functions take turns. */
export class Backlog {
  /** In the order of turns. */
  readonly #lines = new Map<string, Line>()
  #size = 0

  get size(): number {
    return this.#size
  }

  sizeOf(name: string): number {
    return this.#lines.get(name)?.size ?? 0
  }

  add(event: Waiting, now: number): void {
    const line = this.#lines.get(event.name) ?? new Line()
    this.#lines.set(event.name, line)
    line.add(event, now)
    this.#size++
  }

  /** The next one of a function for which there is `room`. */
  take(now: number, room: (name: string) => boolean): Waiting | undefined {
    for (const [name, line] of this.#lines) {
      const event = room(name) ? line.take(now) : undefined
      if (event === undefined) continue
      this.#size--
      this.#lines.delete(name)
      if (line.size > 0) this.#lines.set(name, line)
      return event
    }
    return undefined
  }

  /** When there is something to take, as for `Line.dueMs`. */
  dueMs(now: number, room: (name: string) => boolean): number {
    let earliest = Infinity
    for (const [name, line] of this.#lines) {
      if (earliest <= now) break
      if (room(name)) earliest = Math.min(earliest, line.dueMs(now))
    }
    return earliest
  }
}
