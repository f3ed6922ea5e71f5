import { ENVIRONMENT_MAX_BYTES } from './settings.ts'
import { invalidParameter } from './lambda-error.ts'

export type Variables = Readonly<Record<string, string>>

/** AWS Lambda, "Defined runtime environment variables": those that functions cannot set. */
const RESERVED: ReadonlySet<string> = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
])

const WHY = 'Lambda was unable to configure your environment variables because the environment variables you have provided'

/** Throws `InvalidParameterValueException` for reserved names and for more than 4 KB; never says what a value is. */
export function checkVariables(variables: Variables): void {
  const reserved = Object.keys(variables).filter((name) => RESERVED.has(name))
  if (reserved.length > 0)
    throw invalidParameter(
      `${WHY} contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
    )
  const nul = Object.entries(variables).find(([, value]) => value.includes('\0'))
  if (nul !== undefined) throw invalidParameter(`${WHY} holds a NUL character, which no environment variable can: ${nul[0]}`)
  const bytes = Object.entries(variables).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0)
  if (bytes > ENVIRONMENT_MAX_BYTES)
    throw invalidParameter(`${WHY} exceeded the 4KB limit: they take ${bytes} bytes, names and values together`)
}
