/** What a JavaScript engine does all day, in small: each repeats its work `times` times and returns a checksum. */
const WORKLOADS: Record<string, (times: number) => number> = { tasks, shapes, strings, json, expressions, sorting, numbers, maps }

/** Lambda's shape, which both engines have. */
export const handler = (event: {
  readonly body?: string
}): { statusCode: number; headers: Record<string, string>; body: string } => {
  const { workload, times } = JSON.parse(event.body ?? '{}') as { workload: string; times: number }
  const run = WORKLOADS[workload]
  if (run === undefined) throw new Error(`no workload ${workload}`)
  return { statusCode: 200, headers: { 'content-type': 'text/plain' }, body: String(run(times)) }
}

function generator(seed: number): () => number {
  let x = seed
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}

const mix = (hash: number, value: number): number => Math.imul(hash ^ value, 16777619) >>> 0

interface Packet {
  kind: number
  value: number
  next: Packet | undefined
}

class Task {
  readonly priority: number
  #queue: Packet | undefined
  state = 1

  constructor(priority: number) {
    this.priority = priority
  }

  get ready(): boolean {
    return this.#queue !== undefined
  }

  accept(packet: Packet): void {
    packet.next = undefined
    if (this.#queue === undefined) {
      this.#queue = packet
      return
    }
    let last = this.#queue
    while (last.next !== undefined) last = last.next
    last.next = packet
  }

  step(all: readonly Task[]): void {
    const packet = this.#queue
    if (packet === undefined) return
    this.#queue = packet.next
    this.state = (Math.imul(this.state, 31) + packet.value) & 0xffffff
    packet.value = (packet.value + this.priority) & 0xffff
    packet.kind = this.state % all.length
    all[packet.kind]!.accept(packet)
  }
}

/** Objects that send packets round, by priority: property access and method calls. */
function tasks(times: number): number {
  let hash = 1
  for (let t = 0; t < times; t++) {
    const all = Array.from({ length: 6 }, (_, i) => new Task(i + 1))
    for (let i = 0; i < 12; i++) all[i % 6]!.accept({ kind: 0, value: i * 7, next: undefined })
    for (let i = 0; i < 200; i++) {
      let chosen: Task | undefined
      for (const task of all) if (task.ready && (chosen === undefined || task.priority + (i & 7) > chosen.priority)) chosen = task
      chosen?.step(all)
    }
    for (const { state } of all) hash = mix(hash, state)
  }
  return hash
}

abstract class Shape {
  abstract area(): number
  scaled(by: number): number {
    return this.area() * by
  }
}
class Rectangle extends Shape {
  readonly width: number
  readonly height: number
  constructor(width: number, height: number) {
    super()
    this.width = width
    this.height = height
  }
  area(): number {
    return this.width * this.height
  }
}
class Circle extends Shape {
  readonly radius: number
  constructor(radius: number) {
    super()
    this.radius = radius
  }
  area(): number {
    return this.radius * this.radius * 3
  }
}
class Group extends Shape {
  readonly parts: readonly Shape[]
  constructor(parts: readonly Shape[]) {
    super()
    this.parts = parts
  }
  area(): number {
    return this.parts.reduce((sum, part) => sum + part.scaled(1), 0)
  }
}

/** Short-lived objects of several classes, virtual calls, closures. */
function shapes(times: number): number {
  let hash = 1
  for (let t = 0; t < times; t++) {
    const made: Shape[] = []
    for (let i = 0; i < 60; i++)
      made.push(i % 3 === 0 ? new Rectangle(i, t & 15) : i % 3 === 1 ? new Circle(i) : new Group(made.slice(-4)))
    hash = mix(hash, made.map((shape) => shape.area()).filter((area) => area > 10).length)
  }
  return hash
}

/** Building, slicing and comparing strings. */
function strings(times: number): number {
  let hash = 1
  for (let t = 0; t < times; t++) {
    let text = ''
    for (let i = 0; i < 60; i++) text += `${i}:${(i * 7919) % 97},`
    const parts = text.split(',').map((part) => part.toUpperCase().padStart(8, '.'))
    const joined = parts.toReversed().join('-')
    for (let i = 0; i < joined.length; i += 5) hash = mix(hash, joined.charCodeAt(i))
    hash = mix(hash, joined.indexOf('59:') + joined.replaceAll('.', '').length)
  }
  return hash
}

function json(times: number): number {
  const random = generator(11)
  const records = Array.from({ length: 20 }, (_, i) => ({
    id: i,
    name: `name ${random() % 1000}`,
    tags: ['one', 'two', 'three "quoted"'].slice(i % 3),
    nested: { ratio: (random() % 1000) / 8, flag: i % 2 === 0, none: null },
  }))
  let hash = 1
  let text = JSON.stringify(records)
  for (let t = 0; t < times; t++) {
    const read = JSON.parse(text) as typeof records
    read[t % 20]!.nested.ratio += 0.5
    text = JSON.stringify(read)
    hash = mix(hash, text.length)
  }
  return hash
}

function expressions(times: number): number {
  const lines = Array.from(
    { length: 12 },
    (_, i) =>
      `2024-03-${10 + i}T08:15:${10 + i}Z level=${i % 3 === 0 ? 'error' : 'info'} user=u${i * 37}@example.org took=${i * 13}ms`,
  ).join('\n')
  let hash = 1
  for (let t = 0; t < times; t++) {
    for (const match of lines.matchAll(
      /^(\d{4})-(\d\d)-(\d\d)T\S+ level=(error|info) user=([a-z0-9.]+)@(\w+\.)+\w+ took=(\d+)ms$/gm,
    ))
      hash = mix(hash, Number(match[7]) + match[5]!.length)
    hash = mix(hash, lines.replace(/[aeiou]+/g, (vowels) => `<${vowels.length}>`).length)
  }
  return hash
}

/** By a comparison function of the guest's and by the engine's own. */
function sorting(times: number): number {
  const random = generator(5)
  let hash = 1
  for (let t = 0; t < times; t++) {
    const values = Array.from({ length: 150 }, () => random() % 10_000)
    const sorted = values.toSorted((a, b) => a - b)
    hash = mix(hash, sorted[t % 150]! + sorted[75]!)
    const words = values
      .slice(0, 40)
      .map((value) => value.toString(36))
      .sort()
    hash = mix(hash, words[0]!.charCodeAt(0))
  }
  return hash
}

/** Floating point and typed arrays: the interpreter's arithmetic. */
function numbers(times: number): number {
  const grid = new Float64Array(256)
  const bits = new Uint32Array(64)
  for (let t = 0; t < times; t++) {
    for (let i = 1; i < 255; i++) grid[i] = (grid[i - 1]! + grid[i + 1]! + i * 0.5) * 0.49
    for (let i = 0; i < 64; i++) bits[i] = (Math.imul(bits[i]! + t, 2654435761) ^ (i << 3)) >>> 0
  }
  return bits.reduce(mix, Math.floor(grid[128]! * 1000))
}

function maps(times: number): number {
  const random = generator(23)
  let hash = 1
  for (let t = 0; t < times; t++) {
    const counts = new Map<string, number>()
    const record: Record<string, number> = {}
    for (let i = 0; i < 120; i++) {
      const key = `k${random() % 50}`
      counts.set(key, (counts.get(key) ?? 0) + i)
      record[key] = (record[key] ?? 0) + 1
    }
    for (const [key, value] of counts) hash = mix(hash, value + record[key]!)
    hash = mix(hash, new Set(Object.keys(record)).size)
  }
  return hash
}
