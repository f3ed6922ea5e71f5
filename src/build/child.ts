/**
 * The process that builds one component (started by build.ts): the caller's event loop stays free, memory is given back, and a
 * module whose top level never ends can be killed.
 */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { relative, dirname } from 'node:path'
import { addRuntimeSection } from '../component/runtime-section.ts'
import { bundle, type Bundle } from './bundle.ts'
import { AuthorError, fromEngineOutput } from './diagnostics.ts'
import { componentize, EngineError, engineVersion } from './engines.ts'
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
  const { entry, engine, kind } = request
  const [made, world, version] = await Promise.all([bundle(entry, engine, kind), worldFor(engine, kind), engineVersion(engine)])
  bundled = { request, bundle: made, world }
  const hash = createHash('sha256')
  for (const part of [engine, kind, version, JSON.stringify(JAVASCRIPT_RUNTIME), world.text, made.code])
    hash.update(part).update('\0')
  send({ type: 'bundled', hash: hash.digest('hex') })
}

async function makeComponent(message: ComponentizeRequest, { request, bundle, world }: Bundled): Promise<void> {
  let component: Uint8Array
  try {
    component = await componentize(bundle.code, request.engine, world)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    // QuickJS panics with the stack on stderr only, which the parent holds as well.
    throw fromEngineOutput(error.message, bundle.map, isOfAuthor)
  }
  const finished = request.kind === 'event' ? addRuntimeSection(component, JAVASCRIPT_RUNTIME) : component
  // Relative to the entry, so that the map says nothing of the machine.
  const sources = bundle.map.sources.map((source) => relative(dirname(request.entry), source))
  await writeFile(message.sourceMapOutput, JSON.stringify({ ...bundle.map, sources }))
  await writeFile(message.output, finished)
  send({ type: 'componentized' }, () => process.disconnect?.())
}

const isOfAuthor = (file: string): boolean => !file.includes('/guest-sdk/runtime/') && !file.includes('\0')

function fail(error: unknown): void {
  const message: FromChild =
    error instanceof AuthorError
      ? { type: 'failed', message: error.message, position: error.position, internal: undefined }
      : {
          type: 'failed',
          message: 'the build failed',
          position: undefined,
          internal: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }
  send(message, () => process.disconnect?.())
}

process.on('message', (message: ToChild) => {
  receive(message).catch(fail)
})
