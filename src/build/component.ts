import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BuildOptions, BuildResult, BuildStage, BundleForm, JavaScriptEngine } from './contract.ts'
import { BuildProcess } from './process.ts'

export interface ComponentOptions {
  readonly entry: string
  readonly engine: JavaScriptEngine
  readonly form: Exclude<BundleForm, 'script' | 'package'>
  readonly cacheDir: string
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: BuildOptions['onProgress']
}

/** A component from the cache, where it is named by the hash of all that it is made of, or made by a process of its own. */
export async function buildComponent(options: ComponentOptions): Promise<BuildResult> {
  const started = performance.now()
  const { entry, engine, form, cacheDir, timeoutMs, signal } = options
  const progress = (stage: BuildStage, cached: boolean): void =>
    options.onProgress?.({ entry, stage, ms: performance.now() - started, cached })
  await mkdir(cacheDir, { recursive: true })
  const scratch = await mkdtemp(join(tmpdir(), 'ampoule-build-'))
  const child = new BuildProcess(scratch, timeoutMs, signal)
  // Written beside its place and renamed: whoever finds a file finds all of it.
  const output = join(cacheDir, `${process.pid}.${scratch.slice(-6)}.tmp`)
  const sourceMapOutput = `${output}.map`
  try {
    progress('bundle', false)
    child.send({ type: 'bundle', entry, engine, form, sourceMapOutput })
    const { hash } = await child.next('bundled')
    const path = join(cacheDir, `${hash}.wasm`)
    const sourceMapPath = join(cacheDir, `${hash}.js.map`)
    // Also when the component is there: what the bundler left out may have moved the rest to other lines.
    await rename(sourceMapOutput, sourceMapPath)
    const cached = await isFile(path)
    progress('componentize', cached)
    if (!cached) {
      child.send({ type: 'componentize', output })
      await child.next('componentized')
      await rename(output, path)
    }
    const component = new Uint8Array(await readFile(path))
    progress('done', cached)
    return { component, path, sourceMapPath, bytes: component.length, ms: performance.now() - started, cached }
  } finally {
    await child.end()
    await Promise.all([output, sourceMapOutput].map((file) => rm(file, { force: true })))
    await rm(scratch, { recursive: true, force: true })
  }
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  )
