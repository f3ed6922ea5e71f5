import { AmpouleError } from '../errors.ts'
import { DEFAULT_ACCOUNT } from '../functions/arn.ts'
import { formatLayerVersionArn } from '../functions/layer.ts'
import { FUNCTION_FIELDS } from '../functions/settings.ts'
import type { Input, Option } from './command.ts'
import { integerOption, listOption, textOption } from './parse.ts'

/** AWS Lambda, CreateFunction: `MemorySize` is at least this. */
export const MIN_MEMORY_MB = 128
const MEMORY = { min: MIN_MEMORY_MB, max: FUNCTION_FIELDS.memoryMb.max }
const TIMEOUT_S = { min: 1, max: FUNCTION_FIELDS.timeoutMs.max / 1000 }

/** Settings of a managed function, for commands that make or change one. */
export const SETTING_OPTIONS = {
  'memory-mb': { type: 'string', value: 'N', about: `Memory of one invocation, ${MEMORY.min} to ${MEMORY.max} MiB.` },
  'timeout-s': {
    type: 'string',
    value: 'N',
    about: `Seconds after which an invocation is ended, ${TIMEOUT_S.min} to ${TIMEOUT_S.max}.`,
  },
  env: { type: 'string', value: 'NAME=VALUE', about: 'An environment variable.', repeats: true },
  layer: {
    type: 'string',
    value: 'LAYER:VERSION',
    about: 'A layer, by name and version or by ARN, the later over the earlier; "none" for none.',
    repeats: true,
  },
  description: { type: 'string', value: 'TEXT', about: 'What is said of the function.' },
  role: { type: 'string', value: 'ARN', about: 'The role of the function.' },
} as const satisfies Record<string, Option>

/** What was given of {@link SETTING_OPTIONS}, in the API's terms; environment variables as they were given. */
export interface GivenSettings {
  readonly MemorySize?: number
  readonly Timeout?: number
  readonly Layers?: string[]
  readonly Description?: string
  readonly Role?: string
  readonly variables?: Readonly<Record<string, string>>
}

/** Throws `InvalidRequest`. */
export function settingOptions(input: Input): GivenSettings {
  const MemorySize = integerOption(input, 'memory-mb', MEMORY)
  const Timeout = integerOption(input, 'timeout-s', TIMEOUT_S)
  const layers = listOption(input, 'layer')
  const variables = listOption(input, 'env').map(readVariable)
  const Description = textOption(input, 'description')
  const Role = textOption(input, 'role')
  return {
    ...(MemorySize !== undefined && { MemorySize }),
    ...(Timeout !== undefined && { Timeout }),
    ...(layers.length > 0 && { Layers: layers.filter((layer) => layer !== 'none').map(layerArn) }),
    ...(variables.length > 0 && { variables: Object.fromEntries(variables) }),
    ...(Description !== undefined && { Description }),
    ...(Role !== undefined && { Role }),
  }
}

function readVariable(text: string): readonly [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new AmpouleError('InvalidRequest', `--env is ${JSON.stringify(text)}: it must be NAME=VALUE`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** `LAYER:VERSION` in full; an ARN stays. */
function layerArn(text: string): string {
  if (text.startsWith('arn:')) return text
  const [, layer, version] = /^([a-zA-Z0-9-_]+):(\d+)$/.exec(text) ?? []
  if (layer !== undefined && version !== undefined) return formatLayerVersionArn(DEFAULT_ACCOUNT, layer, Number(version))
  throw new AmpouleError(
    'InvalidRequest',
    `--layer is ${JSON.stringify(text)}: it must be LAYER:VERSION, such as tools:3, an ARN, or none`,
  )
}
