/** `place` is where in the pattern the mistake is, such as `body.price[0].numeric`. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
  readonly place: string

  constructor(place: string, message: string) {
    super(`${place === '' ? 'the pattern' : place} ${message}`)
    this.place = place
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
