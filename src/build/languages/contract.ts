import type { Runtime } from '../../component/runtime-section.ts'
import type { Tools } from './tools.ts'

/** Languages that are compiled by a toolchain of the author's machine; JavaScript and TypeScript are not among them. */
export const LANGUAGES = ['c', 'rust', 'go', 'python', 'assemblyscript'] as const
export type Language = (typeof LANGUAGES)[number]

export type LanguageStage = 'compile' | 'componentize' | 'done'

export interface LanguageProgress {
  readonly stage: LanguageStage
  /** Milliseconds since the build started. */
  readonly ms: number
  readonly cached: boolean
}

export interface LanguageBuildOptions {
  /** Path of the function's source file. Its project (Cargo.toml, go.mod) is found from there. */
  readonly source: string
  readonly language: Language
  /** Folder of the built components, named by the hash of everything that went into them. Created when missing. */
  readonly cacheDir: string
  readonly onProgress?: (progress: LanguageProgress) => void
  /** Ends the build and its processes; the build rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Milliseconds for the whole build, default 300,000: a first build may compile a standard library. */
  readonly timeoutMs?: number
  /** Where programs are looked for, as PATH; the process's own PATH when left out. */
  readonly searchPath?: string
}

export interface LanguageBuildResult {
  readonly component: Uint8Array<ArrayBuffer>
  /** Where the component lies in the cache. */
  readonly path: string
  /** Size of the component. */
  readonly bytes: number
  /** Milliseconds that the build took. */
  readonly ms: number
  readonly cached: boolean
  /** Absolute paths of the files that went into it: what a watcher has to watch. */
  readonly inputs: readonly string[]
  /** Absolute paths of the folders whose lists of files did: a file that is added may be compiled too. */
  readonly folders: readonly string[]
}

export interface CompileJob {
  readonly source: string
  /** An empty folder for what the compiler writes; it is gone after the build. */
  readonly scratch: string
  /** A folder that the compiler may keep between builds. */
  readonly keep: string
  readonly tools: Tools
}

export interface Compiled {
  /** Path of the WebAssembly file. */
  readonly wasm: string
  /**
   * `core`: a core module of the world `native`; `preview1`: one that imports WASI preview1; `given`: one that somebody else compiled;
   * `component`: finished but for our section.
   */
  readonly form: 'core' | 'preview1' | 'given' | 'component'
  readonly inputs: readonly string[]
  /** False: what it drew at its start must not be there in every invocation, so each gets an instance of its own. Default true. */
  readonly reusable?: boolean
}

/** How a function's source becomes a WebAssembly file. */
export interface Maker {
  /** What the built component says of its binding, where it has one of ours. */
  readonly runtime: Runtime | undefined
  /** Looks for the toolchain. Rejects with a `BuildError` that says what is missing and how it is installed. */
  open(source: string, tools: Tools): Promise<Toolchain>
}

/** One language: how its toolchain is found and used. */
export interface Compiler extends Maker {
  readonly language: Language
  /** The name of the language, for messages. */
  readonly title: string
  readonly runtime: Runtime
}

export interface Toolchain {
  /** Everything that decides what the same source becomes: versions of programs, options. */
  readonly version: string
  compile(job: CompileJob): Promise<Compiled>
}
