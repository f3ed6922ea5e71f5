import { join } from 'node:path'
import { openArtifactStore } from '../component/store.ts'
import type { Artifact } from '../component/contract.ts'
import { isSupported } from '../wasi/index.ts'
import type { BuildOptions, JavaScriptEngine } from './contract.ts'
import { markUsed } from './engine-cache.ts'
import { engineComponent } from './engine-component.ts'

/** Neither our runtime nor the engines change while a process runs, and an engine takes a hundred milliseconds to be read. */
const artifacts = new Map<JavaScriptEngine, Promise<Artifact>>()

/** The artifact that scripts for `engine` are loaded into; built and compiled once for a release, read once for a process. Rejects like `engineComponent`. */
export function engineArtifact(
  engine: JavaScriptEngine,
  options: Pick<BuildOptions, 'onProgress' | 'signal'> = {},
): Promise<Artifact> {
  const artifact = artifacts.get(engine) ?? openArtifact(engine, options)
  artifacts.set(engine, artifact)
  // Whoever asks next tries again.
  artifact.catch(() => artifacts.delete(engine))
  return artifact
}

async function openArtifact(engine: JavaScriptEngine, options: Pick<BuildOptions, 'onProgress' | 'signal'>): Promise<Artifact> {
  const { component, folder } = await engineComponent(engine, options)
  const artifacts = join(folder, 'artifacts')
  const artifact = await (await openArtifactStore(artifacts, { isSupported })).put(component)
  const modules = artifact.modules.map(({ hash }) => join(artifacts, `${hash}.module`))
  await markUsed([join(artifacts, `${artifact.id}.artifact`), ...modules])
  return artifact
}
