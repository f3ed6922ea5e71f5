import { createHash, randomUUID } from 'node:crypto'
import { mkdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { relativeMap } from '../build/bundle.ts'
import { engineArtifact } from '../build/engine-artifact.ts'
import { buildCoreModule } from '../build/languages/index.ts'
import { buildScript } from '../build/script.ts'
import { artifactIdOfDigest, scriptArtifact } from '../component/artifact.ts'
import type { Artifact } from '../component/contract.ts'
import { binaryKind } from '../component/parse.ts'
import type { ArtifactStore } from '../component/store.ts'
import { AmpouleError } from '../errors.ts'
import type { CodeReference, FunctionDefinition, Made } from '../functions/definition.ts'
import { runtimeKind } from '../functions/runtimes.ts'
import type { SourceMapLocation } from '../observe/source-map.ts'
import type { CodeHold, CodeStore } from '../store/code.ts'
import { chooseComponent, handlerEntry, LAYER_ROOT, TASK_ROOT } from './entry.ts'
import { overlay, type Overlay } from './overlay.ts'
import { openPackage, type Package } from './zip.ts'

export interface MakeParts {
  readonly code: CodeStore
  readonly artifacts: ArtifactStore
  /** Folder for what is unpacked while it is worked on. */
  readonly scratch: string
}

/** What can be deployed of a definition. */
export interface Ready {
  readonly made: Made
  readonly artifact: Artifact
  readonly sourceMap: SourceMapLocation | undefined
}

/** All scripts run on one engine: its name, as long as there is no setting. */
const ENGINE = 'starlingmonkey'

/**
 * Makes a function's zip runnable. What is kept of it in the code store is held until `holds` are disposed of. Rejects with `BuildFailed`,
 * `InvalidComponent` or `InvalidModule` when its author made a mistake; paths in messages are below {@link TASK_ROOT}.
 */
export async function make(
  { runtime, handler, code, layers }: FunctionDefinition,
  parts: MakeParts,
): Promise<Ready & { readonly holds: readonly CodeHold[] }> {
  const files = await openCode(code, parts)
  if (runtimeKind(runtime) !== 'javascript') return makeComponent(files, handler, parts)
  const opened: Package[] = []
  for (const layer of layers) opened.push(await openCode(layer.code, parts))
  return makeScript(files, overlay(opened), handler, parts)
}

async function openCode({ sha256 }: CodeReference, { code }: MakeParts): Promise<Package> {
  const zip = await code.read(sha256)
  if (zip === undefined) throw new AmpouleError('Internal', `the code ${sha256} is missing`)
  return openPackage(zip)
}

/** What was made before, unless it does not fit this release or is gone: then undefined, and it has to be made again. */
export async function loadMade(made: Made, { code, artifacts }: MakeParts): Promise<Ready | undefined> {
  if (made.kind === 'component') {
    const artifact = await artifacts.load(artifactIdOfDigest(Buffer.from(made.component, 'hex')))
    return artifact === undefined ? undefined : { made, artifact, sourceMap: undefined }
  }
  const [engine, script] = await Promise.all([engineArtifact(ENGINE), code.read(made.script)])
  if (engine.id !== made.engine || script === undefined) return undefined
  return { made, artifact: scriptArtifact(engine, script), sourceMap: locate(made.sourceMap, code) }
}

async function makeComponent(files: Package, handler: string, parts: MakeParts): Promise<Ready & { holds: [] }> {
  const bytes = await files.read(chooseComponent(files.files, handler))
  const component = binaryKind(bytes) === 'core module' ? await fromCore(bytes, parts) : bytes
  const artifact = await parts.artifacts.put(component)
  if (artifact.plan.exports.event === undefined && artifact.plan.exports.http === undefined)
    throw new AmpouleError(
      'InvalidComponent',
      `the component exports neither handle (the event world) nor wasi:http/incoming-handler; it exports ${artifact.meta.exports.join(', ') || 'nothing'}`,
    )
  const made = { kind: 'component', component: createHash('sha256').update(component).digest('hex') } as const
  return { made, artifact, sourceMap: undefined, holds: [] }
}

async function fromCore(bytes: Buffer, { scratch }: MakeParts): Promise<Uint8Array> {
  const folder = join(scratch, randomUUID())
  await mkdir(folder, { recursive: true })
  try {
    const source = join(folder, 'function.wasm')
    await writeFile(source, bytes)
    return (await buildCoreModule({ source, cacheDir: join(folder, 'components') })).component
  } catch (error) {
    throw asOfAuthor(error, folder, TASK_ROOT)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** With the paths that the author knows. */
const asOfAuthor = (error: unknown, folder: string, shown: string): unknown =>
  error instanceof AmpouleError ? new AmpouleError(error.code, error.message.replaceAll(folder, shown), { cause: error }) : error

async function makeScript(
  files: Package,
  layers: Overlay,
  handler: string,
  { code, scratch }: MakeParts,
): Promise<Ready & { holds: readonly CodeHold[] }> {
  const entry = handlerEntry(files.files, handler)
  const folder = join(scratch, randomUUID())
  await mkdir(folder, { recursive: true })
  // The bundler names files by their real path.
  const root = await realpath(folder)
  try {
    const task = join(root, TASK_ROOT)
    await mkdir(task, { recursive: true })
    for (const path of files.files) await unpack(files, path, task)
    for (const [path, layer] of layers) await unpack(layer, path, join(root, LAYER_ROOT))
    // Looked into after the function's own, as it is further up.
    if ([...layers.keys()].some((path) => path.startsWith(LAYER_MODULES)))
      await symlink(join(root, LAYER_ROOT, LAYER_MODULES), join(root, 'node_modules'), 'junction')
    const entryPath = join(task, entry.path)
    await writeFile(entryPath, entry.code)
    const script = await buildScript({ entry: entryPath, engine: ENGINE, within: root })
    const engine = await engineArtifact(ENGINE)
    const holds = [
      await code.put(Buffer.from(script.code)),
      await code.put(Buffer.from(JSON.stringify(relativeMap(script.map, entryPath)))),
    ] as const
    const [bytes, map] = holds
    return {
      made: { kind: 'script', script: bytes.sha256, sourceMap: map.sha256, engine: engine.id },
      artifact: scriptArtifact(engine, Buffer.from(script.code)),
      sourceMap: locate(map.sha256, code),
      holds,
    }
  } catch (error) {
    throw asOfAuthor(error, root, '')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Where layers have packages for Node.js. */
const LAYER_MODULES = 'nodejs/node_modules/'

async function unpack(files: Package, path: string, folder: string): Promise<void> {
  const target = join(folder, path)
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, await files.read(path))
}

const locate = (sha256: string, code: CodeStore): SourceMapLocation => ({ path: code.path(sha256), root: TASK_ROOT })
