import type { FunctionSpec } from '../engine/contract.ts'
import type { Fields, Values } from './fields.ts'
import type { FunctionName } from './name.ts'
import { AWS_PRICES, MAX_PRICE } from './prices.ts'
import { QUOTAS } from './quotas.ts'

const MIB = 1024 * 1024

/** AWS Lambda: the environment of a function, names and values together, is at most 4 KB. */
export const ENVIRONMENT_MAX_BYTES = 4096
/** AWS Lambda: request and response of a synchronous invocation are at most 6 MB each. */
const PAYLOAD_DEFAULT_BYTES = 6 * MIB
/** A payload is held in one buffer of the guest, so it cannot come near what 32-bit memory addresses. */
const PAYLOAD_MAX_BYTES = 1024 * MIB
/**
 * About twice the most that an instrumented guest was seen to burn in a millisecond (35 million, a short loop), so that a function which
 * sets no budget of its own ends by its deadline on machines up to twice as fast, and fuel bounds it everywhere.
 */
export const FUEL_PER_MS = 64_000_000

/** The settings of one function in `ampoule.jsonc`; defaults and bounds are AWS Lambda's where Lambda has the setting. */
export const FUNCTION_FIELDS = {
  source: {
    type: 'file',
    about:
      'Source file, built when the host starts: TypeScript or JavaScript, or .rs, .c, .go, .py or .as.ts (see languages.md).',
  },
  component: {
    type: 'file',
    about: 'WebAssembly component (.wasm) to run as it is, or a core module to make one of. Either this or source.',
  },
  language: {
    type: 'choice',
    values: ['c', 'rust', 'go', 'python', 'assemblyscript'],
    about: "Language of source where its ending does not say it. Left out: by the ending, and JavaScript's for all others.",
  },
  engine: {
    type: 'choice',
    values: ['starlingmonkey', 'quickjs'],
    about:
      'JavaScript engine that source is built with; starlingmonkey when left out. quickjs is smaller and has fewer web APIs.',
  },
  kind: {
    type: 'choice',
    values: ['event', 'wasi-http'],
    about: 'How requests reach the function. Left out: what the component exports, events first; source is built for events.',
  },
  memoryMb: {
    type: 'integer',
    min: 16,
    max: 4096,
    default: 128,
    unit: 'MiB',
    about: 'Memory of one invocation: linear memories, tables, buffers held by the host, handles and /tmp together.',
  },
  timeoutMs: {
    type: 'integer',
    min: 1,
    max: 900_000,
    default: 3000,
    unit: 'ms',
    about: 'Wall-clock time after which an invocation is ended.',
  },
  fuel: {
    type: 'integer',
    min: 1000,
    max: Number.MAX_SAFE_INTEGER,
    unit: 'units of fuel',
    about: 'Work that one invocation may do. Left out: about twice what timeoutMs allows.',
  },
  concurrency: {
    type: 'integer',
    min: 1,
    max: 10_000,
    default: 100,
    about: 'Invocations at once in the whole host; more are answered with 429.',
  },
  minInstances: { type: 'integer', min: 0, max: 10_000, default: 1, about: 'Instances that are kept ready, in the whole host.' },
  idleMs: {
    type: 'integer',
    min: 1000,
    max: 86_400_000,
    default: 300_000,
    unit: 'ms',
    about: 'Time after which an unused instance above minInstances is closed.',
  },
  maxRequestBytes: {
    type: 'integer',
    min: 0,
    max: PAYLOAD_MAX_BYTES,
    unit: 'bytes',
    about: "Largest request body; a larger one is answered with 413. Left out: the host's maxRequestBytes.",
  },
  maxResponseBytes: {
    type: 'integer',
    min: 0,
    max: PAYLOAD_MAX_BYTES,
    unit: 'bytes',
    about: "Largest response; a larger one is answered with 502. Left out: the host's maxResponseBytes.",
  },
  environment: {
    type: 'variables',
    maxBytes: ENVIRONMENT_MAX_BYTES,
    default: [],
    about: 'Environment variables of the function.',
  },
  sends: {
    type: 'text',
    about: 'Queues of the host that the function may send messages to, with commas between. Left out: none.',
  },
  queue: {
    type: 'text',
    about: 'Queue of the host whose messages the function gets; made when it is not there. Needs a data folder.',
  },
  stream: {
    type: 'text',
    about: 'Stream of the host whose records the function gets; made when it is not there. Needs a data folder.',
  },
  redis: {
    type: 'text',
    about: 'Stream of the Redis that the host knows (`redis`) whose entries the function gets. Needs a data folder.',
  },
  events: {
    type: 'text',
    about:
      'Types of CloudEvents posted to the host that the function gets, such as `order.created`, with `*` for any characters and commas between. Needs a data folder.',
  },
  schedule: {
    type: 'text',
    about: 'When the function runs, in UTC: `0 6 * * *`, `rate(5 minutes)`, or another of schedules.md. Needs a data folder.',
  },
  routes: {
    type: 'routes',
    default: [],
    about: 'Requests that go to the function besides /<name>/…; it sees their paths unchanged.',
  },
} as const satisfies Fields

/** The settings of the host in `ampoule.jsonc`. */
export const HOST_FIELDS = {
  port: { type: 'integer', min: 0, max: 65_535, default: 8080, about: 'Port to listen on; 0 takes a free one.' },
  host: { type: 'text', default: '127.0.0.1', about: 'Address to listen on.' },
  dataDir: {
    type: 'text',
    about:
      'Folder for functions that are managed through the API, relative to the configuration file. Left out: there is no management API.',
  },
  managementPort: {
    type: 'integer',
    min: 0,
    max: 65_535,
    default: 9000,
    about: 'Port of the management API; 0 takes a free one.',
  },
  managementHost: {
    type: 'text',
    default: '127.0.0.1',
    about: 'Address of the management API. On any but those of this machine, requests must be signed with an access key.',
  },
  managementAccess: {
    type: 'choice',
    values: ['local', 'signed'],
    about:
      'Who has access to the management API: `signed` requests, or every program of this machine (`local`). Left out: `local` on an address of this machine, else `signed`.',
  },
  httpDestinations: {
    type: 'variables',
    maxBytes: 64 * 1024,
    default: [],
    about:
      'Names to URLs where asynchronous invocations may send what became of them; `user:password@` or `token@` in front of the host is sent as `authorization`.',
  },
  nats: {
    type: 'text',
    about:
      'Servers of NATS (with JetStream) that keep queues and streams, for several hosts: `nats://host:port` or `tls://host:port`, with commas between, `user:password@` or `token@` in front of the host. Left out: they are in the data folder.',
  },
  natsCredentials: {
    type: 'text',
    about: 'File with the credentials of a NATS user (`.creds`), relative to the configuration file.',
  },
  natsReplicas: {
    type: 'integer',
    min: 1,
    max: 5,
    default: 1,
    about: 'How many servers of a NATS cluster keep each queue and stream; 3 survive the loss of one.',
  },
  redis: {
    type: 'text',
    about:
      'Redis (6.2 or newer) whose streams functions may get: `redis://user:password@host:port/0`, or `rediss://…`. Left out: there is none.',
  },
  lanes: { type: 'integer', min: 1, max: 256, about: 'Worker threads that serve requests. Left out: one per core.' },
  memoryCeilingMb: {
    type: 'integer',
    min: 64,
    max: 16 * 1024 * 1024,
    unit: 'MiB',
    about: 'Memory of all instances together. Left out: three quarters of the memory that the process may use.',
  },
  maxRequestBytes: {
    type: 'integer',
    min: 0,
    max: PAYLOAD_MAX_BYTES,
    default: PAYLOAD_DEFAULT_BYTES,
    unit: 'bytes',
    about: 'Largest request body of functions that do not set their own.',
  },
  maxResponseBytes: {
    type: 'integer',
    min: 0,
    max: PAYLOAD_MAX_BYTES,
    default: PAYLOAD_DEFAULT_BYTES,
    unit: 'bytes',
    about: 'Largest response of functions that do not set their own.',
  },
  accountConcurrency: {
    type: 'integer',
    min: 1,
    max: 10_000,
    default: QUOTAS.concurrentExecutions,
    about: 'Invocations at once of all functions that are managed through the API; more are answered with 429.',
  },
  maxAsyncEvents: {
    type: 'integer',
    min: 1,
    max: 1_000_000,
    default: 10_000,
    about: 'Asynchronous invocations of one function that may wait, and ten times as many of all; more are answered with 429.',
  },
  asyncRetryMs: {
    type: 'integer',
    min: 10,
    max: 3_600_000,
    default: 60_000,
    unit: 'ms',
    about: 'How long an asynchronous invocation that has failed waits before it is tried again; the second time twice as long.',
  },
  logRetentionDays: {
    type: 'integer',
    min: 1,
    max: 3653,
    default: 14,
    unit: 'days',
    about: 'How long logs of managed functions are kept, unless their log group has a retention of its own.',
  },
  logStorageMb: {
    type: 'integer',
    min: 16,
    max: 16 * 1024 * 1024,
    default: 1024,
    unit: 'MiB',
    about: 'Logs of all managed functions on disk, compressed; beyond it the oldest of the function that has the most go.',
  },
  prices: {
    type: 'numbers',
    max: MAX_PRICE,
    default: AWS_PRICES,
    about:
      'What `ampoule usage` charges, in any currency. What is left out is as AWS charges it in us-east-1 for x86, in dollars.',
  },
  drainMs: {
    type: 'integer',
    min: 0,
    max: 900_000,
    default: 10_000,
    unit: 'ms',
    about: 'How long running invocations may go on after SIGTERM.',
  },
} as const satisfies Fields

export type HostSettings = Values<typeof HOST_FIELDS>
export interface FunctionSettings extends Values<typeof FUNCTION_FIELDS> {
  readonly name: FunctionName
}

/** Queues that a function may send to: names with commas or blanks between. */
export const queuesOf = (sends: string): readonly string[] => sends.split(/[\s,]+/).filter((name) => name !== '')

/** Tells a function where it may send. */
const SENDS_VARIABLE = 'AMPOULE_SENDS'

/** What the engine needs of the settings. */
export function toSpec(
  settings: FunctionSettings,
  host: Pick<HostSettings, 'maxRequestBytes' | 'maxResponseBytes'>,
): FunctionSpec {
  return {
    name: settings.name,
    limits: {
      memoryMb: settings.memoryMb,
      timeoutMs: settings.timeoutMs,
      fuel: BigInt(settings.fuel ?? settings.timeoutMs * FUEL_PER_MS),
      maxRequestBytes: settings.maxRequestBytes ?? host.maxRequestBytes,
      maxResponseBytes: settings.maxResponseBytes ?? host.maxResponseBytes,
    },
    variables: variablesOf(settings),
    concurrency: settings.concurrency,
    minInstances: settings.minInstances,
    idleMs: settings.idleMs,
  }
}

/** The function's own, and what Lambda tells every function in this way; the names are reserved there, too. */
function variablesOf({ name, memoryMb, environment, sends }: FunctionSettings): FunctionSpec['variables'] {
  return [
    ...environment.filter(([variable]) => !variable.startsWith('AWS_LAMBDA_FUNCTION_') && variable !== SENDS_VARIABLE),
    ...(sends === undefined ? [] : [[SENDS_VARIABLE, sends] as const]),
    ['AWS_LAMBDA_FUNCTION_NAME', name],
    ['AWS_LAMBDA_FUNCTION_VERSION', '$LATEST'],
    ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', String(memoryMb)],
  ]
}
