import type { NatsConnection, Subscription } from '@nats-io/transport-node'

/** Tells all hosts that there may be something; kept nowhere. Names have no character but `\w-=`. */
export class Hints {
  readonly #connection: NatsConnection
  readonly #prefix: string
  #watching: Subscription | undefined

  /** `prefix`: of the subjects, with a dot behind. */
  constructor(connection: NatsConnection, prefix: string) {
    this.#connection = connection
    this.#prefix = prefix
  }

  tell(name: string): void {
    this.#connection.publish(`${this.#prefix}${name}`)
  }

  watch(told: (name: string) => void): void {
    this.#watching = this.#connection.subscribe(`${this.#prefix}*`, {
      callback: (error, { subject }) => {
        if (error === null) told(subject.slice(this.#prefix.length))
      },
    })
  }

  close(): void {
    this.#watching?.unsubscribe()
  }
}
