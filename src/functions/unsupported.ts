import { invalidParameter } from './lambda-error.ts'

/** What says of a parameter's value why it is refused; undefined: it changes nothing here, or is provided. */
type Reason = (value: unknown) => string | undefined

const always =
  (why: string): Reason =>
  (value) =>
    isEmpty(value) ? undefined : why

const only =
  (key: string, allowed: readonly unknown[], why: string): Reason =>
  (value) => {
    const own: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
    return own === undefined || allowed.includes(own) ? undefined : why
  }

/**
 * Parameters of functions whose effect this host does not have. A value that asks for the effect is refused by name, never kept and
 * ignored; a value that asks for nothing (an empty list, the default) is what clients send along and passes.
 */
const UNSUPPORTED: Readonly<Record<string, Reason>> = {
  AcceleratorConfig: always('there are no accelerators'),
  CapacityProviderConfig: always('there are no capacity providers'),
  CodeSigningConfigArn: always('code signing is not available'),
  DurableConfig: always('durable executions are not available'),
  EphemeralStorage: only('Size', [512], '/tmp counts towards MemorySize; its Size can only be 512'),
  FileSystemConfigs: always('no file systems can be mounted'),
  ImageConfig: always('container images are not available'),
  KMSKeyArn: always("environment variables are encrypted with this host's own key"),
  LoggingConfig: (value) =>
    only('LogFormat', ['Text'], 'LogFormat can only be Text')(value) ??
    only('ApplicationLogLevel', [], 'log levels are not available')(value) ??
    only('SystemLogLevel', [], 'log levels are not available')(value) ??
    only('LogGroup', [], 'a log group of its own is not available')(value),
  PackageType: (value) => (value === 'Zip' ? undefined : 'container images are not available; PackageType can only be Zip'),
  PublishTo: always('LATEST_PUBLISHED is not available'),
  RuntimeConfig: always('it is not available'),
  TenancyConfig: always('tenant isolation is not available; every invocation has a sandbox of its own'),
  TracingConfig: only('Mode', ['PassThrough'], 'tracing with X-Ray is not available; Mode can only be PassThrough'),
  VpcConfig: (value) =>
    only('Ipv6AllowedForDualStack', [false], 'there are no VPCs')(value) ??
    (typeof value === 'object' &&
    value !== null &&
    ['SubnetIds', 'SecurityGroupIds'].some((key) => !isEmpty(Reflect.get(value, key)))
      ? 'there are no VPCs'
      : undefined),
}

const CODE: Readonly<Record<string, Reason>> = {
  ImageUri: always('container images are not available'),
  S3Bucket: always('there is no object store: send the code as ZipFile'),
  S3Key: always('there is no object store: send the code as ZipFile'),
  S3ObjectVersion: always('there is no object store: send the code as ZipFile'),
  S3ObjectStorageMode: always('there is no object store: send the code as ZipFile'),
  SourceKMSKeyArn: always('code cannot be encrypted with a key of AWS'),
}

/** Throws `InvalidParameterValueException` that names the first parameter whose effect is not provided. */
export function refuseUnsupported(input: object): void {
  refuse(input, UNSUPPORTED, '')
}

/** The same for the parameters of code (`Code` of CreateFunction, all of UpdateFunctionCode). */
export function refuseUnsupportedCode(code: object, prefix = ''): void {
  refuse(code, CODE, prefix)
}

function refuse(input: object, table: Readonly<Record<string, Reason>>, prefix: string): void {
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || !Object.hasOwn(table, name)) continue
    const reason = table[name]?.(value)
    if (reason !== undefined) throw invalidParameter(`The parameter ${prefix}${name} is not supported: ${reason}`)
  }
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && Object.keys(value).length === 0)
