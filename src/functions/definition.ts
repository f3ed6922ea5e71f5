import type { UsedLayer } from './layer.ts'
import type { OwnSettings } from './own-settings.ts'

/** What a function is, as its owner has declared it: all that makes one version differ from another. Plain data, kept as it is. */
export interface FunctionDefinition {
  readonly runtime: string
  /** `file.export` of `nodejs*`; the file of `provided*` and `wasm`, where it names one that is there. */
  readonly handler: string
  /** Kept and given back: roles come to count when there are policies. */
  readonly role: string
  readonly description: string
  readonly memoryMb: number
  readonly timeoutSeconds: number
  /** Environment variables, sealed (src/store/seal.ts): they may be secrets. Undefined: none. */
  readonly environment: string | undefined
  readonly architecture: 'x86_64' | 'arm64'
  readonly snapStart: 'None' | 'PublishedVersions'
  /** In order: later ones lie over earlier ones. */
  readonly layers: readonly UsedLayer[]
  readonly code: CodeReference
  /** ARN of the queue for events that could not be processed. */
  readonly deadLetter?: string | undefined
  /** By the fields of the request; not those of variables. */
  readonly own?: OwnSettings | undefined
  /** Of fields or variables. Undefined: the default. */
  readonly fuel?: number | undefined
  /** The same. Queues of the host that it may send to. */
  readonly sends?: readonly string[] | undefined
  /** The same; they lead to `$LATEST`. */
  readonly routes?: readonly string[] | undefined
}

/** A function's zip. */
export interface CodeReference {
  /** SHA-256, hex: the name in the code store. The API shows it in base64. */
  readonly sha256: string
  readonly bytes: number
}

/** Lambda's `State` and `LastUpdateStatus`: what became of making a version. */
export type Progress =
  | { readonly status: 'pending' }
  | { readonly status: 'done' }
  /** `code`: one of Lambda's reason codes. */
  | { readonly status: 'failed'; readonly code: string; readonly reason: string }

/** What invocations run: a definition and what was made of its code. */
export interface Served {
  readonly definition: FunctionDefinition
  readonly made: Made
}

/** What a function's code became. Both forms can be made again of the zip, which is what happens when they do not fit this release any more. */
export type Made =
  | {
      readonly kind: 'script'
      /** SHA-256 of the script in the code store, hex. */
      readonly script: string
      /** Of its source map, in the code store as well. */
      readonly sourceMap: string
      /** Id of the engine's artifact that the script was made for. */
      readonly engine: string
      readonly files?: MadeFiles | undefined
    }
  | {
      readonly kind: 'component'
      /** SHA-256 of the component, hex, of which the artifact's id is made. */
      readonly component: string
      /** The id that the artifact had: that of another release is another. */
      readonly artifact?: string
      readonly files?: MadeFiles | undefined
    }

/** The files that a function can read while it runs; absent for code that reads none. */
export interface MadeFiles {
  /** Its own. */
  readonly task: ImageReference
  /** Of its layers, in their order. */
  readonly layers: readonly ImageReference[]
}

/** An unpacked zip: hashes, in the code store, of its index and of its content. */
export interface ImageReference {
  readonly index: string
  readonly data: string
}

/** `$LATEST` or a published version. */
export interface FunctionVersion {
  /** `$LATEST`, or a number. */
  readonly version: string
  readonly definition: FunctionDefinition
  readonly revisionId: string
  /** ISO 8601 with milliseconds and `+0000`, as Lambda writes it. */
  readonly lastModified: string
  /** Whether it came to be. While it is not `done`, it cannot be invoked. */
  readonly state: Progress
  /** Whether the last change came to be. While it is not `done`, invocations run what was there before. */
  readonly lastUpdate: Progress
  readonly served: Served | undefined
}

export const formatLastModified = (now: number): string => new Date(now).toISOString().replace('Z', '+0000')

/** The SHA-256 as Lambda shows it. */
export const codeSha256 = ({ sha256 }: CodeReference): string => Buffer.from(sha256, 'hex').toString('base64')

/** Hashes of its zip and of its layers'. */
export const codeHashes = ({ code, layers }: FunctionDefinition): string[] => [
  code.sha256,
  ...layers.map((layer) => layer.code.sha256),
]

/** Hashes of the code store and ids of artifacts that a version stands on. */
export function referencesOf({ definition, served }: FunctionVersion): readonly string[] {
  return [...new Set([...codeHashes(definition), ...(served === undefined ? [] : servedHashes(served))])]
}

/** What is served: hashes of its zips and of what was made of them in the code store, and ids of artifacts. */
export function servedHashes({ definition, made }: Served): readonly string[] {
  const images = made.files === undefined ? [] : [made.files.task, ...made.files.layers]
  return [
    ...codeHashes(definition),
    ...(made.kind === 'script' ? [made.script, made.sourceMap] : made.artifact === undefined ? [] : [made.artifact]),
    ...images.flatMap(({ index, data }) => [index, data]),
  ]
}
