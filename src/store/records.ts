import type { FunctionVersion } from '../functions/definition.ts'
import { referencesOf } from '../functions/definition.ts'
import type { LayerCode } from '../functions/layer.ts'
import type { Statement, UrlAuthType } from '../functions/policy.ts'
import type { UrlCors } from '../functions/url.ts'

/*
 * The kinds of records. A new kind is a record here, a row in TABLES, and a migration that makes its table (sqlite/migrations.ts).
 * Records are JSON; what they are looked up by are columns.
 */

/** A function and its `$LATEST`. */
export interface FunctionRecord {
  readonly name: string
  readonly latest: FunctionVersion
  /** Number of the last version that was published; they are never given twice. 0: none was. */
  readonly lastVersion: number
  readonly tags: Readonly<Record<string, string>>
  /** Lambda's `RecursiveLoop`; undefined: `Terminate`. */
  readonly recursion?: 'Allow'
}

/** A published version. */
export interface VersionRecord extends FunctionVersion {
  readonly name: string
  readonly number: number
}

export interface AliasRecord {
  readonly name: string
  readonly alias: string
  readonly version: string
  readonly description: string
  readonly revisionId: string
  /** Share of invocations, from 0 to 1, that goes to this version instead. */
  readonly additional: { readonly version: string; readonly weight: number } | undefined
}

/** One of the following for a function, or for one of its qualifiers; `qualifier` is `$LATEST` where none is given. */
export interface QualifiedRecord {
  readonly name: string
  readonly qualifier: string
  readonly revisionId?: string
}

export interface ConcurrencyRecord {
  readonly name: string
  readonly reserved: number
}

export interface PolicyRecord extends QualifiedRecord {
  readonly revisionId: string
  readonly statements: readonly Statement[]
}

export interface ProvisionedConcurrencyRecord extends QualifiedRecord {
  readonly requested: number
  readonly lastModified: string
}

export interface EventInvokeRecord extends QualifiedRecord {
  readonly lastModified: string
  readonly maximumRetryAttempts: number | undefined
  readonly maximumEventAgeSeconds: number | undefined
  readonly onSuccess: string | undefined
  readonly onFailure: string | undefined
}

/** What became of the last attempt. */
export interface Attempt {
  /** HTTP's: 200 also where the function failed. */
  readonly status: number
  /** Of the function; undefined: none was run. */
  readonly version: string | undefined
  readonly functionError: string | undefined
  /** JSON; undefined: nobody asked for it. */
  readonly payload: string | undefined
}

/** Why an event is not run any more: `condition` of Lambda's invocation record. */
export type Condition = 'Success' | 'RetriesExhausted' | 'EventAgeExceeded' | 'RecursiveLoopDetected'

/** An asynchronous invocation that was accepted and has not ended. */
export interface EventInvocationRecord {
  /** In the order of acceptance. */
  readonly id: string
  readonly name: string
  readonly qualifier: string | undefined
  readonly requestId: string
  /** JSON. */
  readonly payload: string
  /** Base64 of JSON. */
  readonly clientContext: string | undefined
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  /** How often it has run and failed. */
  readonly attempts: number
  /** Not before: milliseconds since the epoch. Undefined: at once. */
  readonly dueMs?: number
  /** It is a tick of a schedule, and `payload` tells of it as a Lambda handler would see it. */
  readonly tick?: { readonly schedule: string; readonly cron: string; readonly timeMs: number }
  /** What became of it, where it has ended and somebody is still to be told. */
  readonly ended?: {
    readonly condition: Condition
    readonly last: Attempt | undefined
    /** When it is given up to tell them: milliseconds since the epoch. */
    readonly untilMs: number
  }
  /** How often functions were invoked in the chain of events that led here, this one counted, by name. */
  readonly lineage?: Readonly<Record<string, number>>
}

/** Times are in milliseconds since the epoch. */
export interface ScheduleRecord {
  readonly name: string
  /** `cron(…)`, `rate(…)`, `at(…)`, or cron of five fields. */
  readonly expression: string
  readonly timezone: string
  readonly startMs: number | undefined
  readonly endMs: number | undefined
  /** Ticks are run within so many minutes; 0: at once. */
  readonly windowMinutes: number
  readonly enabled: boolean
  readonly target: {
    /** Of a function or a queue. */
    readonly arn: string
    readonly role: string | undefined
    /** Undefined: an event that tells of the tick. */
    readonly input: string | undefined
    /** Older ticks are not run any more. */
    readonly maxAgeSeconds: number
  }
  /** Which of several ticks are run that were missed: the last one, all, or none. */
  readonly missed: 'once' | 'all' | 'skip'
  /** Whether it goes when there is no further tick. */
  readonly deleteWhenOver: boolean
  readonly description: string | undefined
  readonly createdMs: number
  readonly modifiedMs: number
  /** The next tick; undefined: there is none. */
  readonly nextMs: number | undefined
  /** It is of `ampoule.jsonc`, and goes with it. */
  readonly declared?: true
  /** Ticks that are still to be sent to the queue. */
  readonly sending: readonly Execution[]
}

/** One tick that is run. */
export interface Execution {
  readonly id: string
  /** When the tick was due: milliseconds since the epoch. */
  readonly tickMs: number
}

export interface FunctionUrlRecord extends QualifiedRecord {
  /** The first label of the URL's host name. */
  readonly urlId: string
  readonly authType: UrlAuthType
  readonly invokeMode: 'BUFFERED' | 'RESPONSE_STREAM'
  readonly cors: UrlCors | undefined
  readonly createdAt: string
  readonly lastModified: string
}

export interface EventSourceMappingRecord {
  readonly uuid: string
  /** The function's name. */
  readonly name: string
  readonly source: string
  /** All else that the API takes and gives. */
  readonly settings: Readonly<Record<string, unknown>>
}

/** A route of the port of the functions; each leads to one function. */
export interface RouteRecord {
  /** As `ampoule.jsonc` writes it. */
  readonly route: string
  readonly name: string
}

export interface LayerVersionRecord {
  readonly layer: string
  readonly number: number
  readonly description: string
  readonly createdAt: string
  readonly code: LayerCode
  readonly compatibleRuntimes: readonly string[]
  readonly compatibleArchitectures: readonly string[]
  readonly licenseInfo: string | undefined
  readonly policy: { readonly revisionId: string; readonly statements: readonly Statement[] } | undefined
}

/** The number of the last version that a layer got: deleted ones are not given again. */
export interface LayerRecord {
  readonly layer: string
  readonly lastVersion: number
}

/** Tags of what has no record with room for them, by ARN. */
export interface TagRecord {
  readonly arn: string
  readonly tags: Readonly<Record<string, string>>
}

/** Who may sign requests. */
export interface AccessKeyRecord {
  readonly id: string
  /** Sealed (src/store/seal.ts). */
  readonly secret: string
  readonly createdAt: string
}

export interface Records {
  readonly functions: FunctionRecord
  readonly versions: VersionRecord
  readonly aliases: AliasRecord
  readonly policies: PolicyRecord
  readonly concurrency: ConcurrencyRecord
  readonly provisioned_concurrency: ProvisionedConcurrencyRecord
  readonly event_invoke_configs: EventInvokeRecord
  readonly event_invocations: EventInvocationRecord
  readonly schedules: ScheduleRecord
  readonly function_urls: FunctionUrlRecord
  readonly event_source_mappings: EventSourceMappingRecord
  readonly routes: RouteRecord
  readonly layers: LayerRecord
  readonly layer_versions: LayerVersionRecord
  readonly tags: TagRecord
  readonly access_keys: AccessKeyRecord
}

export type TableName = keyof Records

export interface Table<Name extends TableName> {
  /** Columns that make the primary key, in order; equal to members of the record. */
  readonly key: readonly (keyof Records[Name] & string)[]
  /** Further members with a column of their own, to look records up by. */
  readonly columns?: readonly (keyof Records[Name] & string)[]
  /** Goes when the function goes that its `name` names. */
  readonly ofFunction?: true
  /** Hashes of the code store that have to stay as long as the record does. */
  readonly references?: (record: Records[Name]) => readonly string[]
}

export const TABLES: { readonly [Name in TableName]: Table<Name> } = {
  functions: { key: ['name'], references: ({ latest }) => referencesOf(latest), ofFunction: true },
  versions: { key: ['name', 'number'], references: referencesOf, ofFunction: true },
  aliases: { key: ['name', 'alias'], columns: ['version'], ofFunction: true },
  policies: { key: ['name', 'qualifier'], ofFunction: true },
  concurrency: { key: ['name'], ofFunction: true },
  provisioned_concurrency: { key: ['name', 'qualifier'], ofFunction: true },
  event_invoke_configs: { key: ['name', 'qualifier'], ofFunction: true },
  event_invocations: { key: ['id'], columns: ['name'], ofFunction: true },
  schedules: { key: ['name'] },
  function_urls: { key: ['name', 'qualifier'], columns: ['urlId'], ofFunction: true },
  event_source_mappings: { key: ['uuid'], columns: ['name', 'source'], ofFunction: true },
  routes: { key: ['route'], columns: ['name'], ofFunction: true },
  layers: { key: ['layer'] },
  layer_versions: { key: ['layer', 'number'], references: ({ code }) => [code.sha256] },
  tags: { key: ['arn'] },
  access_keys: { key: ['id'] },
}

/** What is configured for one version or alias, and goes with it. */
export const OF_QUALIFIER = ['policies', 'provisioned_concurrency', 'event_invoke_configs', 'function_urls'] as const
