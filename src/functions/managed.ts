import type { FunctionSpec } from '../engine/contract.ts'
import type { Account } from './arn.ts'
import type { FunctionDefinition } from './definition.ts'
import type { Variables } from './environment.ts'
import type { FunctionName } from './name.ts'
import { QUOTAS } from './quotas.ts'
import { FUNCTION_FIELDS, toSpec, type FunctionSettings } from './settings.ts'

/** Where a function's files are, as Lambda's functions know it. */
export const TASK_ROOT = '/var/task'
/** Where the files of layers are. */
export const LAYER_ROOT = '/opt'

/** The name under which lanes know a version of a managed function; no function of `ampoule.jsonc` can have one with a colon. */
export const laneKey = (name: string, version: string): string => `${name}:${version}`

/** A definition in the terms of `ampoule.jsonc`, with that file's defaults for what Lambda does not have. */
export function managedSettings(
  name: FunctionName,
  { memoryMb, timeoutSeconds, fuel, sends }: FunctionDefinition,
): FunctionSettings {
  return {
    name,
    source: undefined,
    component: undefined,
    language: undefined,
    engine: undefined,
    kind: undefined,
    memoryMb,
    timeoutMs: timeoutSeconds * 1000,
    fuel,
    // What counts are the quotas of the function and of the account.
    concurrency: MAX_CONCURRENCY,
    // Nothing is made before it is used.
    minInstances: 0,
    idleMs: FUNCTION_FIELDS.idleMs.default,
    maxRequestBytes: undefined,
    maxResponseBytes: undefined,
    environment: [],
    sends: sends === undefined ? undefined : sends.join(', '),
    queue: undefined,
    stream: undefined,
    schedule: undefined,
    redis: undefined,
    events: undefined,
    routes: [],
  }
}

/** What the engine needs of a version, with the environment that Lambda gives every function. */
export function managedSpec(
  settings: FunctionSettings,
  { version, definition, variables, account, provisioned = 0 }: ManagedVersion,
): FunctionSpec {
  const { name } = settings
  const spec = toSpec(
    { ...settings, environment: Object.entries(variables) },
    { maxRequestBytes: QUOTAS.payloadBytes + EVENT_BYTES, maxResponseBytes: QUOTAS.payloadBytes + EVENT_BYTES },
  )
  return {
    ...spec,
    name: laneKey(name, version),
    // Of all its versions together.
    quota: name,
    ...(provisioned > 0 && { minInstances: provisioned, provisioned }),
    variables: [
      // A function may set its own.
      ...(variables['TZ'] === undefined ? [['TZ', ':UTC'] as const] : []),
      ...spec.variables.filter(([variable]) => variable !== 'AWS_LAMBDA_FUNCTION_VERSION'),
      ['AWS_LAMBDA_FUNCTION_VERSION', version],
      ['AWS_LAMBDA_LOG_GROUP_NAME', `/aws/lambda/${name}`],
      // Whatever else is asked for, there is a snapshot.
      ['AWS_LAMBDA_INITIALIZATION_TYPE', 'snap-start'],
      ['AWS_EXECUTION_ENV', `AWS_Lambda_${definition.runtime}`],
      ['AWS_REGION', account.region],
      ['AWS_DEFAULT_REGION', account.region],
      ['LAMBDA_TASK_ROOT', TASK_ROOT],
      ['_HANDLER', definition.handler],
    ],
  }
}

export interface ManagedVersion {
  /** `$LATEST` or a number. */
  readonly version: string
  readonly definition: FunctionDefinition
  /** Opened. */
  readonly variables: Variables
  readonly account: Account
  /** Instances that are kept ready for it. Default 0. */
  readonly provisioned?: number
}

const MAX_CONCURRENCY = FUNCTION_FIELDS.concurrency.max

/** What an event adds to the payload that it carries. */
const EVENT_BYTES = 64 * 1024
