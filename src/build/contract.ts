import type { SourceMapPayload } from 'node:module'

export type JavaScriptEngine = 'starlingmonkey' | 'quickjs'

/** `event`: the event world with our runtime; `wasi-http`: a script with `addEventListener('fetch', …)`, componentized as it is. */
export type FunctionKind = 'event' | 'wasi-http'

/**
 * What a bundle is for: a component of that kind, an engine that loads scripts, such a script, or a `package`: a module that a host makes its
 * script of.
 */
export type BundleForm = FunctionKind | 'engine' | 'script' | 'package'

export type BuildStage = 'bundle' | 'componentize' | 'done'

export interface BuildProgress {
  readonly entry: string
  readonly stage: BuildStage
  /** Milliseconds since the build started. */
  readonly ms: number
  /** Known from stage `componentize` on: whether the result comes from the cache. */
  readonly cached: boolean
}

export interface BuildOptions {
  /** Path of the function's module: TypeScript or JavaScript; its imports, also from node_modules, are bundled. */
  readonly entry: string
  /** Default `starlingmonkey`. */
  readonly engine?: JavaScriptEngine
  /** Default `event`. `wasi-http` exists for StarlingMonkey only. */
  readonly kind?: FunctionKind
  /** Folder of the built components, named by the hash of everything that went into them. Created when missing. */
  readonly cacheDir: string
  readonly onProgress?: (progress: BuildProgress) => void
  /** Ends the build and its process; the build rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Ends a build that hangs, e.g. in an endless loop of the module's top level. Milliseconds, default 180,000. */
  readonly timeoutMs?: number
}

export interface BuildResult {
  readonly component: Uint8Array<ArrayBuffer>
  /** Where the component lies in the cache. */
  readonly path: string
  /** Source map (version 3) from positions in the guest's stacks to the author's files. */
  readonly sourceMapPath: string
  /** Size of the component. */
  readonly bytes: number
  /** Milliseconds that the build took. */
  readonly ms: number
  readonly cached: boolean
}

export interface ScriptOptions extends Pick<BuildOptions, 'entry' | 'engine'> {
  /**
   * Absolute path, without links, of a folder that `entry` is in: nothing outside of it can be imported but what functions have anyway, and
   * absolute paths in imports begin there, as do the paths that its modules are told of themselves (`import.meta.url`, `__dirname`).
   * For code of somebody who may not read this machine's files. Default: no limit.
   */
  readonly within?: string
  /** Largest bundle in bytes. Default 10 MiB. */
  readonly maxBytes?: number
  /** Path of a module whose exports stand for what functions are granted: `fetch(request)`. For tests. */
  readonly stubs?: string
}

/** A function's module as a script for an engine that loads it (src/engine/script.ts). */
export interface ScriptResult {
  readonly engine: JavaScriptEngine
  /** One expression: the function that is the script's top level. */
  readonly code: string
  /** From positions in `code` to the author's files, whose paths are absolute; with their content. */
  readonly map: SourceMapPayload
  /** SHA-256 of `code` (UTF-8), hex. */
  readonly hash: string
  /** Size of `code` in UTF-8. */
  readonly bytes: number
  /** Milliseconds that the build took. */
  readonly ms: number
  /** Absolute paths of all files that the bundle was made of, packages included. */
  readonly inputs: readonly string[]
}

export interface PackageOptions extends Pick<BuildOptions, 'entry'> {
  /** Packages, and files below `/opt`, that are not found here may be in layers: they stay imports. Default false. */
  readonly layers?: boolean
}

/** A function's module with all that it imports, as one ES module for a host that makes a script of it. */
export interface PackageResult extends Pick<ScriptResult, 'code' | 'map'> {
  /** What the module exports; with `*` there may be more. */
  readonly exports: readonly string[]
}

/** Where in the author's files a build failed. */
export interface BuildPosition {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
}
