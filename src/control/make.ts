import { createHash, randomUUID } from 'node:crypto'
import { mkdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { relativeMap } from '../build/bundle.ts'
import { engineArtifact } from '../build/engine-artifact.ts'
import { buildCoreModule } from '../build/languages/index.ts'
import { isFilesystemModule } from '../build/node-builtins.ts'
import { buildScript } from '../build/script.ts'
import { artifactIdOfDigest, scriptArtifact } from '../component/artifact.ts'
import type { Artifact } from '../component/contract.ts'
import { binaryKind } from '../component/parse.ts'
import type { ArtifactStore } from '../component/store.ts'
import { AmpouleError } from '../errors.ts'
import type { MountSpec } from '../engine/contract.ts'
import type { CodeReference, FunctionDefinition, ImageReference, Made, MadeFiles } from '../functions/definition.ts'
import { LAYER_ROOT, TASK_ROOT } from '../functions/managed.ts'
import { runtimeKind } from '../functions/runtimes.ts'
import type { SourceMapLocation } from '../observe/source-map.ts'
import type { CodeStore } from '../store/code.ts'
import { chooseComponent, handlerEntry } from './entry.ts'
import { makeImage, mountsOf } from './image.ts'
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
  /** What it reads while it runs. */
  readonly mounts: readonly MountSpec[]
}

/** All scripts run on one engine: its name, as long as there is no setting. */
const ENGINE = 'starlingmonkey'

/**
 * Makes a function's zip runnable. What is kept of it in the code store is held until `holds` is disposed of. Rejects with `BuildFailed`,
 * `InvalidComponent` or `InvalidModule` when its author made a mistake; paths in messages are below {@link TASK_ROOT}.
 */
export async function make(
  { runtime, handler, code, layers }: FunctionDefinition,
  parts: MakeParts,
  holds: DisposableStack,
): Promise<Ready> {
  const files = await openCode(code, parts)
  const opened: Package[] = []
  for (const layer of layers) opened.push(await openCode(layer.code, parts))
  const all = { files, opened, layers: overlay(opened), holds }
  return runtimeKind(runtime) === 'javascript' ? makeScript(all, handler, parts) : makeComponent(all, handler, parts)
}

/** A function's files and those of its layers, each and over one another, and what is made of them. */
interface Sources {
  readonly files: Package
  readonly opened: readonly Package[]
  readonly layers: Overlay
  readonly holds: DisposableStack
}

/** Unpacks everything for a function that reads files. */
async function makeFiles({ files, opened, holds }: Sources, code: CodeStore): Promise<MadeFiles> {
  const layers: ImageReference[] = []
  for (const layer of opened) layers.push(await makeImage(layer, code, holds))
  return { task: await makeImage(files, code, holds), layers }
}

async function openCode({ sha256 }: CodeReference, { code }: MakeParts): Promise<Package> {
  const zip = await code.read(sha256)
  if (zip === undefined) throw new AmpouleError('Internal', `the code ${sha256} is missing`)
  return openPackage(zip)
}

/** What was made before, unless it does not fit this release or is gone: then undefined, and it has to be made again. */
export async function loadMade(made: Made, { code, artifacts }: MakeParts): Promise<Ready | undefined> {
  const { files } = made
  if (files !== undefined && !(await hasFiles(files, code))) return undefined
  const mounts = files === undefined ? [] : mountsOf(files, code)
  if (made.kind === 'component') {
    const artifact = await artifacts.load(artifactIdOfDigest(Buffer.from(made.component, 'hex')))
    return artifact === undefined ? undefined : { made, artifact, sourceMap: undefined, mounts }
  }
  const [engine, script] = await Promise.all([engineArtifact(ENGINE), code.read(made.script)])
  if (engine.id !== made.engine || script === undefined) return undefined
  return { made, artifact: scriptArtifact(engine, script), sourceMap: locate(made.sourceMap, code), mounts }
}

async function hasFiles({ task, layers }: MadeFiles, code: CodeStore): Promise<boolean> {
  const images = [task, ...layers]
  const there = await Promise.all(images.flatMap(({ index, data }) => [code.size(index), code.size(data)]))
  return !there.includes(undefined)
}

async function makeComponent(sources: Sources, handler: string, parts: MakeParts): Promise<Ready> {
  const { files } = sources
  const bytes = await files.read(chooseComponent(files.files, handler))
  const component = binaryKind(bytes) === 'core module' ? await fromCore(bytes, parts) : bytes
  const digest = createHash('sha256').update(component).digest()
  sources.holds.use(parts.artifacts.hold(artifactIdOfDigest(digest)))
  const artifact = await parts.artifacts.put(component)
  if (artifact.plan.exports.event === undefined && artifact.plan.exports.http === undefined)
    throw new AmpouleError(
      'InvalidComponent',
      `the component exports neither handle (the event world) nor wasi:http/incoming-handler; it exports ${artifact.meta.exports.join(', ') || 'nothing'}`,
    )
  const made = { kind: 'component', component: digest.toString('hex'), artifact: artifact.id } as const
  const reads = artifact.meta.imports.some((name) => name.startsWith('wasi:filesystem/preopens'))
  return withFiles({ made, artifact, sourceMap: undefined, mounts: [] }, reads, sources, parts)
}

/** With the files that it reads, if it can read any. */
async function withFiles(ready: Ready, reads: boolean, sources: Sources, { code }: MakeParts): Promise<Ready> {
  if (!reads) return ready
  const files = await makeFiles(sources, code)
  return { ...ready, made: { ...ready.made, files }, mounts: mountsOf(files, code) }
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

async function makeScript(sources: Sources, handler: string, parts: MakeParts): Promise<Ready> {
  const { files, layers, holds } = sources
  const { code, scratch } = parts
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
    const bytes = holds.use(await code.put(Buffer.from(script.code)))
    const map = holds.use(await code.put(Buffer.from(JSON.stringify(relativeMap(script.map, entryPath)))))
    const ready = {
      made: { kind: 'script', script: bytes.sha256, sourceMap: map.sha256, engine: engine.id } as const,
      artifact: scriptArtifact(engine, Buffer.from(script.code)),
      sourceMap: locate(map.sha256, code),
      mounts: [],
    }
    return await withFiles(ready, script.inputs.some(isFilesystemModule), sources, parts)
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
