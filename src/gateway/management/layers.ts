import type { Control } from '../../control/control.ts'
import { invalidParameter } from '../../functions/lambda-error.ts'
import { parseLayerVersionArn, type UsedLayer } from '../../functions/layer.ts'
import { QUOTAS } from '../../functions/quotas.ts'
import type { Transaction } from '../../store/contract.ts'

/**
 * The layers that a function is to use. Those that it `has` need not be there any more; others are read in the transaction, so that they are
 * there when it is committed. Throws `InvalidParameterValueException`.
 */
export async function resolveLayers(
  arns: readonly string[],
  has: readonly UsedLayer[],
  tx: Transaction,
  control: Control,
): Promise<readonly UsedLayer[]> {
  if (arns.length > QUOTAS.layers) throw invalidParameter(`You cannot reference more than ${QUOTAS.layers} layers.`)
  const names = new Set(arns.map((arn) => arn.replace(/:\d+$/, '')))
  if (names.size < arns.length)
    throw invalidParameter('Two different versions of the same layer are not allowed to be referenced in the same function.')
  const used: UsedLayer[] = []
  for (const arn of arns) {
    const reference = parseLayerVersionArn(arn, control.account)
    const known = has.find((layer) => layer.arn === arn)
    const code = known?.code ?? (reference && (await tx.get('layer_versions', [reference.layer, reference.number])))?.code
    if (code === undefined) throw invalidParameter(`Layer version ${arn} does not exist.`)
    used.push({ arn, code })
  }
  return used
}
