/** What usage costs, in units of one currency. */
export type Prices = {
  /** A million invocations. */
  readonly perMillionRequests: number
  /** A second of an invocation with 1,024 MB. */
  readonly perGbSecond: number
  /** A second of an instance with 1,024 MB that is kept ready. */
  readonly perProvisionedGbSecond: number
}

/** AWS's published prices for Lambda in us-east-1 on x86, in the first tier and without the free one; US dollars. */
export const AWS_PRICES: Prices = {
  perMillionRequests: 0.2,
  perGbSecond: 0.0000166667,
  perProvisionedGbSecond: 0.0000041667,
}

/** No currency has a price beyond it; a typing error may. */
export const MAX_PRICE = 1_000_000
