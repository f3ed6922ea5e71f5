import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AmpouleError } from '../errors.ts'
import { BuildError } from './error.ts'
import type { FromChild, ToChild } from './messages.ts'

const CHILD = new URL('./child.ts', import.meta.url)

/** Where the child works; it must not be a folder above the temporary one, or componentize-js takes that for the project. */
const WORKING_DIRECTORY = fileURLToPath(new URL('.', import.meta.url))

const isWindows = process.platform === 'win32'

/** What of the environment a build gets: enough to find programs and a temporary folder, nothing that a function could read. */
const PASSED_ON = ['PATH', 'HOME', 'SystemRoot', 'LANG']

type Answer<T extends FromChild['type']> = Extract<FromChild, { type: T }>

/** The child and its end, whichever way it comes: an answer, its death, the deadline or the caller's signal. */
export class BuildProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #timer: NodeJS.Timeout
  readonly #signal: AbortSignal | undefined
  #stderr = ''
  #failure: Error | undefined
  #waiting: { resolve: (message: FromChild) => void; reject: (error: Error) => void } | undefined

  constructor(scratch: string, timeoutMs: number, signal: AbortSignal | undefined) {
    const env = Object.fromEntries(
      PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
    )
    this.#child = fork(CHILD, [], {
      cwd: WORKING_DIRECTORY,
      env: { ...env, TMPDIR: scratch, TMP: scratch, TEMP: scratch },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A process group of its own: StarlingMonkey's initialisation is a grandchild, which has to end with the child.
      detached: !isWindows,
    })
    process.once('exit', this.#kill)
    this.#signal = signal
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#exited = promise
    // Only the end is of interest: a message is short, the stack at the end of it.
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr = (this.#stderr + text).slice(-64 * 1024)))
    this.#child.on('message', (message: FromChild) => this.#waiting?.resolve(message))
    this.#child.on('error', (error) =>
      this.#fail(new AmpouleError('Internal', 'the build process could not be started', { cause: error })),
    )
    this.#child.on('close', () => {
      resolve()
      this.#fail(new BuildError('the build process ended early', undefined, { cause: this.#stderr }))
    })
    this.#timer = setTimeout(
      () => this.#stop(new BuildError(`the build took longer than ${timeoutMs} ms (timeoutMs)`, undefined)),
      timeoutMs,
    )
    signal?.addEventListener('abort', this.#onAbort)
  }

  send(message: ToChild): void {
    this.#child.send(message, (error) => {
      if (error !== null) this.#fail(new BuildError('the build process ended early', undefined, { cause: this.#stderr }))
    })
  }

  async next<T extends FromChild['type']>(type: T): Promise<Answer<T>> {
    if (this.#failure !== undefined) throw this.#failure
    const { promise, resolve, reject } = Promise.withResolvers<FromChild>()
    this.#waiting = { resolve, reject }
    const message = await promise.finally(() => (this.#waiting = undefined))
    if (message.type === 'failed')
      throw new BuildError(message.message, message.position, { cause: message.internal, inputs: message.inputs })
    if (message.type !== type) throw new AmpouleError('Internal', `the build process answered ${message.type} instead of ${type}`)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- compared in the line above, which TypeScript does not follow
    return message as Answer<T>
  }

  async end(): Promise<void> {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    process.removeListener('exit', this.#kill)
    this.#kill()
    await this.#exited
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal?.reason
    this.#stop(reason instanceof Error ? reason : new AmpouleError('Cancelled', 'the build was cancelled', { cause: reason }))
  }

  #stop(error: Error): void {
    this.#fail(error)
    this.#kill()
  }

  readonly #kill = (): void => {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      if (isWindows) this.#child.kill('SIGKILL')
      else process.kill(-pid, 'SIGKILL')
    } catch (error) {
      // ESRCH: the whole group has ended already.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#waiting?.reject(this.#failure)
  }
}
