import type { Account } from './arn.ts'
import type { CodeReference } from './definition.ts'
import { notFound } from './lambda-error.ts'

/** A layer's zip. */
export interface LayerCode extends CodeReference {
  readonly unzippedBytes: number
}

/** A layer version as a function uses it: it stays when the layer version is deleted. */
export interface UsedLayer {
  readonly arn: string
  readonly code: LayerCode
}

export const formatLayerArn = ({ region, id }: Account, layer: string): string => `arn:aws:lambda:${region}:${id}:layer:${layer}`

export const formatLayerVersionArn = (account: Account, layer: string, number: number): string =>
  `${formatLayerArn(account, layer)}:${number}`

export interface LayerVersionReference {
  readonly layer: string
  readonly number: number
}

/** Undefined for what is not a layer of this account, such as AWS's own. */
export function parseLayerVersionArn(arn: string, account: Account): LayerVersionReference | undefined {
  const prefix = formatLayerArn(account, '')
  const [, layer, number] = arn.startsWith(prefix)
    ? (/^([a-zA-Z0-9-_]{1,140}):(\d{1,15})$/.exec(arn.slice(prefix.length)) ?? [])
    : []
  return layer === undefined ? undefined : { layer, number: Number(number) }
}

/** A layer's name of a name or an ARN. Throws `ResourceNotFoundException` for another account's. */
export function parseLayerName(text: string, account: Account): string {
  if (!text.startsWith('arn:')) return text
  const prefix = formatLayerArn(account, '')
  if (!text.startsWith(prefix)) throw notFound('The resource you requested does not exist.')
  return text.slice(prefix.length)
}
