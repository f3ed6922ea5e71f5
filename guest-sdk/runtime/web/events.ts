/**
 * DOM Standard 2: Event, CustomEvent and EventTarget, without the tree: there is no parent, so nothing captures or bubbles. Own,
 * because the packages that have them have rested for years.
 */
import { tag } from './define.ts'

const STATE = Symbol('state')
const LISTENERS = Symbol('listeners')

interface State {
  target: WebEventTarget | null
  dispatching: boolean
  prevented: boolean
  stopped: boolean
  /** The listener that runs now must not prevent the default. */
  passive: boolean
}

export class WebEvent {
  static readonly NONE = 0
  static readonly CAPTURING_PHASE = 1
  static readonly AT_TARGET = 2
  static readonly BUBBLING_PHASE = 3

  declare readonly type: string
  declare readonly bubbles: boolean
  declare readonly cancelable: boolean
  declare readonly composed: boolean
  declare readonly timeStamp: number
  declare readonly isTrusted: false;
  declare [STATE]: State

  constructor(type: string, init: EventInit = {}) {
    const fixed = {
      type: String(type),
      bubbles: init.bubbles === true,
      cancelable: init.cancelable === true,
      composed: init.composed === true,
      timeStamp: performance.now(),
      isTrusted: false,
    }
    for (const [key, value] of Object.entries(fixed)) Object.defineProperty(this, key, { value, enumerable: true })
    const state: State = { target: null, dispatching: false, prevented: false, stopped: false, passive: false }
    Object.defineProperty(this, STATE, { value: state })
  }

  get target(): WebEventTarget | null {
    return this[STATE].target
  }

  get srcElement(): WebEventTarget | null {
    return this.target
  }

  get currentTarget(): WebEventTarget | null {
    return this[STATE].dispatching ? this.target : null
  }

  get eventPhase(): number {
    return this[STATE].dispatching ? WebEvent.AT_TARGET : WebEvent.NONE
  }

  get defaultPrevented(): boolean {
    return this[STATE].prevented
  }

  composedPath(): WebEventTarget[] {
    const { currentTarget } = this
    return currentTarget === null ? [] : [currentTarget]
  }

  preventDefault(): void {
    if (this.cancelable && !this[STATE].passive) this[STATE].prevented = true
  }

  stopPropagation(): void {}

  stopImmediatePropagation(): void {
    this[STATE].stopped = true
  }
}
tag(WebEvent.prototype, 'Event')

export class WebCustomEvent<T = unknown> extends WebEvent {
  readonly detail: T | null

  constructor(type: string, init: EventInit & { readonly detail?: T } = {}) {
    super(type, init)
    this.detail = init.detail ?? null
  }
}
tag(WebCustomEvent.prototype, 'CustomEvent')

interface Listener {
  readonly type: string
  readonly callback: unknown
  readonly capture: boolean
  readonly once: boolean
  readonly passive: boolean
  removed: boolean
}

/** What a listener asks of a signal; ours, or the engine's. */
interface Signal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options: { readonly once: boolean }): void
}

interface Options {
  readonly capture?: boolean
  readonly once?: boolean
  readonly passive?: boolean
  readonly signal?: Signal
}

export class WebEventTarget {
  declare [LISTENERS]: Listener[] | undefined

  addEventListener(type: string, callback: unknown, options: Options | boolean = {}): void {
    if (callback === null || callback === undefined) return
    const {
      capture = false,
      once = false,
      passive = false,
      signal,
    } = typeof options === 'object' ? options : { capture: options }
    if (signal?.aborted === true) return
    const listeners = listenersOf(this)
    if (listeners.some((other) => other.type === type && other.callback === callback && other.capture === capture)) return
    listeners.push({ type: String(type), callback, capture, once, passive, removed: false })
    signal?.addEventListener('abort', () => this.removeEventListener(type, callback, capture), { once: true })
  }

  removeEventListener(type: string, callback: unknown, options: Options | boolean = {}): void {
    const capture = (typeof options === 'object' ? options.capture : options) === true
    const listeners = listenersOf(this)
    const at = listeners.findIndex((other) => other.type === type && other.callback === callback && other.capture === capture)
    for (const listener of at < 0 ? [] : listeners.splice(at, 1)) listener.removed = true
  }

  /** A listener that throws is reported on the console, and the others run. */
  dispatchEvent(event: WebEvent): boolean {
    if (!(event instanceof WebEvent)) throw new TypeError('dispatchEvent: the argument is no Event')
    const state = event[STATE]
    if (state.dispatching) throw new DOMException('The event is being dispatched already', 'InvalidStateError')
    state.target = this
    state.dispatching = true
    for (const listener of [...listenersOf(this)]) {
      if (state.stopped) break
      if (listener.removed || listener.type !== event.type) continue
      if (listener.once) this.removeEventListener(listener.type, listener.callback, listener.capture)
      state.passive = listener.passive
      try {
        call(listener.callback, this, event)
      } catch (error) {
        console.error('Uncaught in an event listener:', error)
      }
    }
    state.dispatching = false
    state.stopped = false
    state.passive = false
    return !state.prevented
  }
}
tag(WebEventTarget.prototype, 'EventTarget')

/** Made at the first use: no constructor needs to have run. */
function listenersOf(target: WebEventTarget): Listener[] {
  const listeners = target[LISTENERS]
  if (listeners !== undefined) return listeners
  const made: Listener[] = []
  Object.defineProperty(target, LISTENERS, { value: made })
  return made
}

function call(callback: unknown, target: WebEventTarget, event: WebEvent): void {
  if (typeof callback === 'function') Reflect.apply(callback, target, [event])
  else if (typeof callback === 'object' && callback !== null && 'handleEvent' in callback) {
    const { handleEvent } = callback
    if (typeof handleEvent === 'function') Reflect.apply(handleEvent, callback, [event])
  }
}
