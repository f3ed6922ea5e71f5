import type {
  FunctionConfiguration,
  LastUpdateStatus,
  LastUpdateStatusReasonCode,
  Runtime,
  State,
  StateReasonCode,
} from '@aws-sdk/client-lambda'
import type { Control } from '../../control/control.ts'
import { openVariables } from '../../control/residence.ts'
import { formatFunctionArn, LATEST } from '../../functions/arn.ts'
import type { OwnFields } from '../../functions/own-settings.ts'
import { codeSha256, type FunctionVersion, type Progress } from '../../functions/definition.ts'

/** A version as the API shows it. `qualifier`: what its ARN says, if anything. */
export function viewVersion(
  name: string,
  version: FunctionVersion,
  { account, seal }: Control,
  qualifier?: string,
): FunctionConfiguration & OwnFields {
  const { definition } = version
  const variables = openVariables(definition.environment, name, seal)
  return {
    FunctionName: name,
    FunctionArn: formatFunctionArn(account, name, qualifier),
    Runtime: definition.runtime as Runtime,
    Role: definition.role,
    Handler: definition.handler,
    CodeSize: definition.code.bytes,
    Description: definition.description,
    Timeout: definition.timeoutSeconds,
    MemorySize: definition.memoryMb,
    LastModified: version.lastModified,
    CodeSha256: codeSha256(definition.code),
    Version: version.version,
    ...(definition.environment !== undefined && { Environment: { Variables: variables } }),
    ...(definition.deadLetter !== undefined && { DeadLetterConfig: { TargetArn: definition.deadLetter } }),
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: version.revisionId,
    ...(definition.layers.length > 0 && {
      Layers: definition.layers.map(({ arn, code }) => ({ Arn: arn, CodeSize: code.bytes })),
    }),
    ...viewState(version.state),
    ...viewUpdate(version.lastUpdate),
    ...(definition.fuel !== undefined && { Fuel: definition.fuel }),
    ...(definition.sends !== undefined && { Sends: [...definition.sends] }),
    // They lead to what is not published.
    ...(definition.routes !== undefined && version.version === LATEST && { Routes: [...definition.routes] }),
    PackageType: 'Zip',
    Architectures: [definition.architecture],
    EphemeralStorage: { Size: 512 },
    // Every function starts from a snapshot, asked for or not.
    SnapStart: { ApplyOn: definition.snapStart, OptimizationStatus: 'On' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: `/aws/lambda/${name}` },
  }
}

const STATES: Readonly<Record<Progress['status'], State>> = { pending: 'Pending', done: 'Active', failed: 'Failed' }

function viewState(progress: Progress): Pick<FunctionConfiguration, 'State' | 'StateReason' | 'StateReasonCode'> {
  const State = STATES[progress.status]
  if (progress.status === 'pending') return { State, StateReason: 'The function is being created.', StateReasonCode: 'Creating' }
  if (progress.status === 'done') return { State }
  return { State, StateReason: progress.reason, StateReasonCode: progress.code as StateReasonCode }
}

const UPDATES: Readonly<Record<Progress['status'], LastUpdateStatus>> = {
  pending: 'InProgress',
  done: 'Successful',
  failed: 'Failed',
}

function viewUpdate(
  progress: Progress,
): Pick<FunctionConfiguration, 'LastUpdateStatus' | 'LastUpdateStatusReason' | 'LastUpdateStatusReasonCode'> {
  const LastUpdateStatus = UPDATES[progress.status]
  if (progress.status === 'pending')
    return {
      LastUpdateStatus,
      LastUpdateStatusReason: 'The function is being created.',
      LastUpdateStatusReasonCode: 'Creating' as LastUpdateStatusReasonCode,
    }
  if (progress.status === 'done') return { LastUpdateStatus }
  return {
    LastUpdateStatus,
    LastUpdateStatusReason: progress.reason,
    LastUpdateStatusReasonCode: progress.code as LastUpdateStatusReasonCode,
  }
}
