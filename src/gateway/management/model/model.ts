import lambda from './lambda.json' with { type: 'json' }

/** A type of the API: what values it has, and where in a request its members are. As in AWS's service model (bin/lambda-model.mjs). */
export interface Shape {
  readonly type: 'structure' | 'string' | 'integer' | 'long' | 'double' | 'boolean' | 'blob' | 'timestamp' | 'list' | 'map'
  readonly required?: readonly string[]
  readonly members?: Readonly<Record<string, Member>>
  /** The member that is the whole body. */
  readonly payload?: string
  /** Of a number, or of the length of a string, list or map. */
  readonly min?: number
  readonly max?: number
  readonly pattern?: string
  readonly enum?: readonly string[]
  /** Names of shapes. */
  readonly key?: string
  readonly value?: string
  readonly member?: string
  /** The value must not be repeated in messages. */
  readonly sensitive?: boolean
  /** Of errors. */
  readonly status?: number
}

export interface Member {
  readonly shape: string
  /** Absent: in the JSON of the body. */
  readonly location?: 'uri' | 'querystring' | 'header' | 'headers' | 'statusCode'
  readonly locationName?: string
}

export interface OperationModel {
  readonly method: string
  /** With `{Name}` for the members that are in it. */
  readonly path: string
  readonly status: number
  readonly input?: string
  readonly output?: string
}

/** Ampoule's own settings (src/functions/own-settings.ts), beside Lambda's on the same resources. */
const OWN = { Fuel: { shape: 'AmpouleFuel' }, Routes: { shape: 'AmpouleRoutes' }, Sends: { shape: 'AmpouleSends' } } as const

/** Made by bin/lambda-model.mjs in this form. */
const shapeOfLambda = (name: string): Shape | undefined =>
  (lambda.shapes as Readonly<Record<string, unknown>>)[name] as Shape | undefined

function withOwn(name: keyof typeof lambda.shapes): Shape {
  const shape = shapeOfLambda(name)
  return { ...shape, type: 'structure', members: { ...shape?.members, ...OWN } }
}

/** Where this API differs from AWS's. */
const AMENDMENTS: Readonly<Record<string, Shape>> = {
  CreateFunctionRequest: withOwn('CreateFunctionRequest'),
  UpdateFunctionConfigurationRequest: withOwn('UpdateFunctionConfigurationRequest'),
  FunctionConfiguration: withOwn('FunctionConfiguration'),
  AmpouleFuel: { type: 'long' },
  AmpouleRoutes: { type: 'list', member: 'AmpouleRoute' },
  AmpouleSends: { type: 'list', member: 'AmpouleQueueName' },
  AmpouleQueueName: { type: 'string', min: 1, max: 85 },
  AmpouleRoute: { type: 'string', min: 1, max: 1024 },
  // `wasm` says what it is.
  Runtime: { type: 'string', enum: [...lambda.shapes.Runtime.enum, 'wasm'] },
}

/** As Lambda's API has it. */
export type OperationName = keyof typeof lambda.operations

export const OPERATIONS: Readonly<Record<OperationName, OperationModel>> = lambda.operations

export function shapeOf(name: string): Shape {
  const shape = AMENDMENTS[name] ?? shapeOfLambda(name)
  if (shape === undefined) throw new Error(`the model has no shape ${name}`)
  return shape
}
