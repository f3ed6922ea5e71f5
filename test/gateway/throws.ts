export const handler = (): never => {
  throw new TypeError('thrown on purpose')
}
