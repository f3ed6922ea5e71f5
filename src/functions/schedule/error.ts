/** An expression that is none; the message says where and what it can be. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}
