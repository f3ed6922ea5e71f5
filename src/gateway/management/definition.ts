import type { CreateFunctionRequest } from '@aws-sdk/client-lambda'
import { chooseComponent, handlerEntry } from '../../control/entry.ts'
import type { Control } from '../../control/control.ts'
import { openVariables, sealVariables } from '../../control/residence.ts'
import { openPackage } from '../../control/zip.ts'
import type { FunctionDefinition } from '../../functions/definition.ts'
import { checkVariables } from '../../functions/environment.ts'
import { invalidParameter } from '../../functions/lambda-error.ts'
import { changeOwnSettings, mergeOwnSettings, ownSettingsOf, type OwnFields } from '../../functions/own-settings.ts'
import { QUOTAS } from '../../functions/quotas.ts'
import { runtimeKind } from '../../functions/runtimes.ts'
import { FUNCTION_FIELDS } from '../../functions/settings.ts'
import { refuseUnsupported } from '../../functions/unsupported.ts'
import { requireDestination } from './destination.ts'

type Given = Partial<
  Pick<
    CreateFunctionRequest,
    | 'Architectures'
    | 'DeadLetterConfig'
    | 'Description'
    | 'Environment'
    | 'Handler'
    | 'MemorySize'
    | 'Role'
    | 'Runtime'
    | 'SnapStart'
    | 'Timeout'
  >
> &
  OwnFields

/** What a function is before anything is said of it; Lambda's defaults. */
const DEFAULTS = {
  description: '',
  memoryMb: FUNCTION_FIELDS.memoryMb.default,
  timeoutSeconds: FUNCTION_FIELDS.timeoutMs.default / 1000,
  environment: undefined,
  architecture: 'x86_64',
  snapStart: 'None',
  layers: [],
} as const satisfies Partial<FunctionDefinition>

type Base = Omit<FunctionDefinition, 'code'>

/** The first definition of a function. Throws `InvalidParameterValueException`. */
export function defineFunction(name: string, given: Given, control: Control): Base {
  const { Runtime, Handler, Role } = given
  if (Runtime === undefined || Handler === undefined || Role === undefined)
    throw invalidParameter('Runtime and Handler are mandatory parameters for functions created with deployment packages.')
  return changeDefinition(name, { ...DEFAULTS, runtime: Runtime, handler: Handler, role: Role }, given, control)
}

/** A definition with what is given changed. Throws `InvalidParameterValueException`. */
export function changeDefinition<T extends Base>(name: string, base: T, given: Given, control: Control): T {
  refuseUnsupported(given)
  if (given.Runtime !== undefined) runtimeKind(given.Runtime)
  const { memoryMb, timeoutMs } = FUNCTION_FIELDS
  if (given.MemorySize !== undefined && given.MemorySize > memoryMb.max)
    throw invalidParameter(`The MemorySize ${given.MemorySize} is not supported: functions can have up to ${memoryMb.max} MB`)
  if (given.Timeout !== undefined && given.Timeout * 1000 > timeoutMs.max)
    throw invalidParameter(
      `1 validation error detected: Value '${given.Timeout}' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to ${timeoutMs.max / 1000}`,
    )
  const variables = given.Environment?.Variables
  if (variables !== undefined) checkVariables(variables)
  const own = changeOwnSettings(base.own ?? {}, given)
  const said = ownSettingsOf(
    given.Environment === undefined ? openVariables(base.environment, name, control.seal) : (variables ?? {}),
  )
  return {
    ...base,
    own,
    ...mergeOwnSettings(own, said),
    ...(given.Runtime !== undefined && { runtime: given.Runtime }),
    ...(given.Handler !== undefined && { handler: given.Handler }),
    // An empty one takes it away.
    ...(given.DeadLetterConfig !== undefined && { deadLetter: given.DeadLetterConfig.TargetArn || undefined }),
    ...(given.Role !== undefined && { role: given.Role }),
    ...(given.Description !== undefined && { description: given.Description }),
    ...(given.MemorySize !== undefined && { memoryMb: given.MemorySize }),
    ...(given.Timeout !== undefined && { timeoutSeconds: given.Timeout }),
    ...(given.Environment !== undefined && { environment: sealVariables(variables ?? {}, name, control.seal) }),
    ...(given.Architectures?.[0] !== undefined && { architecture: given.Architectures[0] }),
    ...(given.SnapStart?.ApplyOn !== undefined && { snapStart: given.SnapStart.ApplyOn }),
  }
}

/** Throws `InvalidParameterValueException` for a dead-letter target that is no queue of this host. */
export async function checkDeadLetter({ DeadLetterConfig }: Given, control: Control): Promise<void> {
  await requireDestination(DeadLetterConfig?.TargetArn, 'TargetArn of DeadLetterConfig', ['queue'], control)
}

/** Refuses a zip that could never become the function. Throws `InvalidParameterValueException` and `RequestTooLargeException`. */
export async function checkZip(zip: Uint8Array, { runtime, handler, layers }: Base): Promise<void> {
  if (zip.length > QUOTAS.zippedBytes)
    throw invalidParameter(`The zip has ${zip.length} bytes, the limit is ${QUOTAS.zippedBytes}`)
  const { files, unzippedBytes } = await openPackage(zip)
  if (layers.reduce((bytes, { code }) => bytes + code.unzippedBytes, unzippedBytes) > QUOTAS.unzippedBytes)
    throw invalidParameter(
      `Function code combined with layers exceeds the maximum allowed size of ${QUOTAS.unzippedBytes} bytes.`,
    )
  if (runtimeKind(runtime) === 'javascript') handlerEntry(files, handler)
  else chooseComponent(files, handler)
}
