/** DOM Standard 3: AbortController and AbortSignal. */
import { tag } from './define.ts'
import { WebEvent, WebEventTarget } from './events.ts'

const MAKE = Symbol('make')

type Listener = (this: WebAbortSignal, event: WebEvent) => unknown

export class WebAbortSignal extends WebEventTarget {
  readonly #abort: { aborted: boolean; reason: unknown } = { aborted: false, reason: undefined }
  #onabort: Listener | null = null

  constructor(key: unknown) {
    if (key !== MAKE) throw new TypeError('Illegal constructor')
    super()
  }

  get aborted(): boolean {
    return this.#abort.aborted
  }

  get reason(): unknown {
    return this.#abort.reason
  }

  get onabort(): Listener | null {
    return this.#onabort
  }

  set onabort(listener: Listener | null) {
    if (this.#onabort !== null) this.removeEventListener('abort', this.#onabort)
    this.#onabort = typeof listener === 'function' ? listener : null
    if (this.#onabort !== null) this.addEventListener('abort', this.#onabort)
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  static abort(reason: unknown = aborted()): WebAbortSignal {
    const signal = new WebAbortSignal(MAKE)
    abortSignal(signal, reason)
    return signal
  }

  static timeout(ms: number): WebAbortSignal {
    const signal = new WebAbortSignal(MAKE)
    setTimeout(() => abortSignal(signal, new DOMException('The operation timed out.', 'TimeoutError')), ms)
    return signal
  }

  static any(signals: Iterable<WebAbortSignal>): WebAbortSignal {
    const all = [...signals]
    const signal = new WebAbortSignal(MAKE)
    const first = all.find((source) => source.aborted)
    if (first !== undefined) abortSignal(signal, first.reason)
    else for (const source of all) source.addEventListener('abort', () => abortSignal(signal, source.reason), { once: true })
    return signal
  }

  /** Only the controller and the signals that follow it get here. */
  [MAKE](reason: unknown): void {
    if (this.aborted) return
    Object.assign(this.#abort, { aborted: true, reason })
    this.dispatchEvent(new WebEvent('abort'))
  }
}
tag(WebAbortSignal.prototype, 'AbortSignal')

const aborted = (): DOMException => new DOMException('This operation was aborted', 'AbortError')

const abortSignal = (signal: WebAbortSignal, reason: unknown): void => signal[MAKE](reason)

export class WebAbortController {
  readonly #signal = new WebAbortSignal(MAKE)

  get signal(): WebAbortSignal {
    return this.#signal
  }

  abort(reason: unknown = aborted()): void {
    abortSignal(this.#signal, reason)
  }
}
tag(WebAbortController.prototype, 'AbortController')
