/**
 * The process that builds one component (started by build.ts): the caller's event loop stays free, memory is given back, and a
 * module whose top level never ends can be killed.
 */
import { writeFile } from 'node:fs/promises'
import { addRuntimeSection } from '../component/runtime-section.ts'
import { bundle, relativeMap, type Bundle } from './bundle.ts'
import { AuthorError, fromEngineOutput } from './diagnostics.ts'
import { componentHash, componentize, EngineError } from './engines.ts'
import type { BuildRequest, ComponentizeRequest, FromChild, ToChild } from './messages.ts'
import { JAVASCRIPT_RUNTIME } from './runtime-section.ts'
import { worldFor, type World } from './wit.ts'

interface Bundled {
  readonly request: BuildRequest
  readonly bundle: Bundle
  readonly world: World
}

let bundled: Bundled | undefined

function send(message: FromChild, then?: () => void): void {
  process.send?.(message, undefined, undefined, () => then?.())
}

async function receive(message: ToChild): Promise<void> {
  if (message.type === 'bundle') await makeBundle(message)
  else if (bundled !== undefined) await makeComponent(message, bundled)
}

async function makeBundle(request: BuildRequest): Promise<void> {
  const { entry, engine, form, sourceMapOutput } = request
  const [made, world] = await Promise.all([bundle(entry, engine, form), worldFor(engine, form)])
  bundled = { request, bundle: made, world }
  await writeFile(sourceMapOutput, JSON.stringify(relativeMap(made.map, entry)))
  send({ type: 'bundled', hash: await componentHash(made, engine, form) })
}

async function makeComponent(message: ComponentizeRequest, { request, bundle, world }: Bundled): Promise<void> {
  let component: Uint8Array
  try {
    component = await componentize(bundle.code, request.engine, world, request.form === 'engine' ? 'runtime.js' : 'function.js')
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    // QuickJS panics with the stack on stderr only, which the parent holds as well.
    throw fromEngineOutput(error.message, bundle.map, isOfAuthor)
  }
  const finished = request.form !== 'wasi-http' ? addRuntimeSection(component, JAVASCRIPT_RUNTIME) : component
  await writeFile(message.output, finished)
  send({ type: 'componentized' }, () => process.disconnect?.())
}

const isOfAuthor = (file: string): boolean => !file.includes('/guest-sdk/runtime/') && !file.includes('\0')

function fail(error: unknown): void {
  const message: FromChild =
    error instanceof AuthorError
      ? { type: 'failed', message: error.message, position: error.position, inputs: error.inputs, internal: undefined }
      : {
          type: 'failed',
          message: 'the build failed',
          position: undefined,
          inputs: [],
          internal: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }
  send(message, () => process.disconnect?.())
}

process.on('message', (message: ToChild) => {
  receive(message).catch(fail)
})
