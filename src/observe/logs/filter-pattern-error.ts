/** A filter pattern that is not one, or of a kind that is not provided; `message` is the caller's to read. */
export class FilterPatternError extends Error {
  override readonly name = 'FilterPatternError'
}
