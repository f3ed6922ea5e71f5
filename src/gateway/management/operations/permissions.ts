import type { AddPermissionRequest } from '@aws-sdk/client-lambda'
import type { Control } from '../../../control/control.ts'
import { formatFunctionArn, LATEST, parseQualifier, type FunctionReference } from '../../../functions/arn.ts'
import { conflict, invalidParameter, notFound, requireRevision } from '../../../functions/lambda-error.ts'
import type { Statement } from '../../../functions/policy.ts'
import type { Transaction } from '../../../store/contract.ts'
import type { PolicyRecord } from '../../../store/records.ts'
import type { Operations } from '../contract.ts'
import { findFunction, findVersion, referenceOf, type Named } from '../find.ts'
import { conditionsOf, formatPolicy, principalOf, requireLength } from '../policy.ts'

/** Resource policies of functions, versions and aliases: who besides the account itself may invoke them. */
export const permissions: Operations<'AddPermission' | 'RemovePermission' | 'GetPolicy'> = {
  async AddPermission(input, control) {
    const reference = qualifiedOf(input, control)
    const statement = statementOf(input, formatFunctionArn(control.account, reference.name, reference.qualifier))
    await changePolicy(reference, input.RevisionId, control, (statements) => {
      if (statements.some(({ Sid }) => Sid === statement.Sid))
        throw conflict(
          `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
        )
      return requireLength([...statements, statement])
    })
    return { Statement: JSON.stringify(statement) }
  },

  async RemovePermission(input, control) {
    await changePolicy(qualifiedOf(input, control), input.RevisionId, control, (statements) => {
      const left = statements.filter(({ Sid }) => Sid !== input.StatementId)
      if (left.length === statements.length)
        throw notFound(`Statement ${input.StatementId ?? ''} is not found in resource policy.`)
      return left
    })
    return {}
  },

  async GetPolicy(input, control) {
    const reference = qualifiedOf(input, control)
    await findVersion(reference, control.store, control)
    const policy = await control.store.get('policies', keyOf(reference))
    if (policy === undefined) throw notFound('The resource you requested does not exist.')
    return { Policy: formatPolicy(policy.statements), RevisionId: policy.revisionId }
  },
}

/** `$LATEST` cannot have a policy; the function without a qualifier can. */
function qualifiedOf(input: Named, control: Control): FunctionReference {
  const reference = referenceOf(input, control)
  if (reference.qualifier === LATEST) throw invalidParameter('We currently do not support adding policies for $LATEST.')
  return reference
}

const keyOf = ({ name, qualifier = LATEST }: FunctionReference): [string, string] => [name, qualifier]

async function changePolicy(
  reference: FunctionReference,
  revisionId: string | undefined,
  control: Control,
  change: (statements: readonly Statement[]) => readonly Statement[],
): Promise<void> {
  const [name, qualifier] = keyOf(reference)
  // Lanes keep who may use a function's URL.
  await control.residence.change(name, () =>
    control.store.transact(async (tx) => {
      await findFunction(reference.name, tx, control)
      await findVersion(reference, tx, control)
      const policy = await tx.get('policies', [name, qualifier])
      const revised = policy?.revisionId ?? (await revisionOf(reference, tx, control))
      requireRevision(revisionId, revised)
      const statements = change(policy?.statements ?? [])
      if (statements.length === 0) tx.delete('policies', { name, qualifier })
      else tx.put('policies', { name, qualifier, statements, revisionId: control.uuid() } satisfies PolicyRecord)
    }),
  )
}

/** What a first statement may be for: the revision of what the policy will be of. */
async function revisionOf(reference: FunctionReference, tx: Transaction, control: Control): Promise<string> {
  const wanted = parseQualifier(reference.qualifier)
  const alias = wanted.kind === 'alias' ? await tx.get('aliases', [reference.name, wanted.name]) : undefined
  return alias?.revisionId ?? (await findVersion(reference, tx, control)).revisionId
}

function statementOf(input: AddPermissionRequest, resource: string): Statement {
  const { StatementId = '', Action = '', Principal = '', FunctionUrlAuthType } = input
  if (FunctionUrlAuthType !== undefined && Action !== 'lambda:InvokeFunctionUrl')
    throw invalidParameter('FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action')
  if (input.InvokedViaFunctionUrl !== undefined && Action !== 'lambda:InvokeFunction')
    throw invalidParameter('InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action')
  const Condition = conditionsOf([
    ['ArnLike', 'AWS:SourceArn', input.SourceArn],
    ['StringEquals', 'AWS:SourceAccount', input.SourceAccount],
    ['StringEquals', 'aws:PrincipalOrgID', input.PrincipalOrgID],
    ['StringEquals', 'lambda:EventSourceToken', input.EventSourceToken],
    ['StringEquals', 'lambda:FunctionUrlAuthType', FunctionUrlAuthType],
    ['Bool', 'lambda:InvokedViaFunctionUrl', input.InvokedViaFunctionUrl?.toString()],
  ])
  return {
    Sid: StatementId,
    Effect: 'Allow',
    Principal: principalOf(Principal),
    Action,
    Resource: resource,
    ...(Condition !== undefined && { Condition }),
  }
}
