import { randomInt } from 'node:crypto'
import type { GetFunctionUrlConfigResponse } from '@aws-sdk/client-lambda'
import type { Control } from '../../../control/control.ts'
import { formatFunctionArn, LATEST, type FunctionReference } from '../../../functions/arn.ts'
import { conflict, invalidParameter, notFound } from '../../../functions/lambda-error.ts'
import { formatUrl, type UrlCors } from '../../../functions/url.ts'
import type { FunctionUrlRecord } from '../../../store/records.ts'
import type { Operations } from '../contract.ts'
import { findFunction, findVersion, nameOf, referenceOf, type Named } from '../find.ts'
import { page } from '../page.ts'

/** Function URLs: HTTP endpoints of functions and aliases. Requests to them: src/gateway/urls/. */
export const urls: Operations<
  | 'CreateFunctionUrlConfig'
  | 'GetFunctionUrlConfig'
  | 'ListFunctionUrlConfigs'
  | 'UpdateFunctionUrlConfig'
  | 'DeleteFunctionUrlConfig'
> = {
  async CreateFunctionUrlConfig(input, control) {
    const reference = urlReferenceOf(input, control)
    const cors = corsOf(input.Cors)
    const { AuthType = 'AWS_IAM', InvokeMode = 'BUFFERED' } = input
    const record = await change(reference, control, (present, key) => {
      if (present !== undefined)
        throw conflict(
          `Failed to create function url config for [functionArn = ${arnOf(reference, control)}]. Error message:  FunctionUrlConfig exists for this Lambda function`,
        )
      const now = new Date(control.now()).toISOString()
      return { ...key, urlId: newUrlId(), authType: AuthType, invokeMode: InvokeMode, cors, createdAt: now, lastModified: now }
    })
    const { LastModifiedTime: _, ...created } = view(record, control)
    return created
  },

  async GetFunctionUrlConfig(input, control) {
    const reference = urlReferenceOf(input, control)
    const found = await control.store.get('function_urls', keyOf(reference))
    if (found === undefined) throw missing()
    return view(found, control)
  },

  async ListFunctionUrlConfigs(input, control) {
    const name = nameOf(input, control)
    await findFunction(name, control.store, control)
    const { items, NextMarker } = await page(
      input,
      (range) => control.store.list('function_urls', { where: { name }, ...range }),
      (one) => [one.name, one.qualifier],
    )
    return { FunctionUrlConfigs: items.map((one) => view(one, control)), NextMarker }
  },

  async UpdateFunctionUrlConfig(input, control) {
    const reference = urlReferenceOf(input, control)
    const cors = corsOf(input.Cors)
    const record = await change(reference, control, (present) => {
      if (present === undefined) throw missing()
      return {
        ...present,
        ...(input.AuthType !== undefined && { authType: input.AuthType }),
        ...(input.InvokeMode !== undefined && { invokeMode: input.InvokeMode }),
        ...(input.Cors !== undefined && { cors }),
        lastModified: new Date(control.now()).toISOString(),
      }
    })
    return view(record, control)
  },

  async DeleteFunctionUrlConfig(input, control) {
    const reference = urlReferenceOf(input, control)
    const [name, qualifier] = keyOf(reference)
    await control.residence.change(name, () =>
      control.store.transact(async (tx) => {
        if ((await tx.get('function_urls', [name, qualifier])) === undefined) throw missing()
        tx.delete('function_urls', { name, qualifier })
      }),
    )
    return {}
  },
}

const missing = (): Error => notFound('The resource you requested does not exist.')

const arnOf = ({ name, qualifier }: FunctionReference, { account }: Control): string =>
  formatFunctionArn(account, name, qualifier)

const keyOf = ({ name, qualifier = LATEST }: FunctionReference): [string, string] => [name, qualifier]

/** The function or an alias: `Qualifier` was checked against the model, the name can say a version, too. */
function urlReferenceOf(input: Named, control: Control): FunctionReference {
  const reference = referenceOf(input, control)
  if (reference.qualifier === LATEST || /^\d+$/.test(reference.qualifier ?? ''))
    throw invalidParameter(`The qualifier ${reference.qualifier} cannot have a function URL: use an alias, or no qualifier`)
  return reference
}

type Key = Pick<FunctionUrlRecord, 'name' | 'qualifier'>

async function change(
  reference: FunctionReference,
  control: Control,
  next: (present: FunctionUrlRecord | undefined, key: Key) => FunctionUrlRecord,
): Promise<FunctionUrlRecord> {
  const [name, qualifier] = keyOf(reference)
  // Lanes keep what they know of URLs until they hear of a change.
  return control.residence.change(name, () =>
    control.store.transact(async (tx) => {
      await findFunction(reference.name, tx, control)
      await findVersion(reference, tx, control)
      const record = next(await tx.get('function_urls', [name, qualifier]), { name, qualifier })
      tx.put('function_urls', record)
      return record
    }),
  )
}

function view(record: FunctionUrlRecord, control: Control): GetFunctionUrlConfigResponse {
  const { name, qualifier, urlId, authType, invokeMode, cors, createdAt, lastModified } = record
  return {
    FunctionUrl: formatUrl(urlId, control.account, control.port),
    FunctionArn: formatFunctionArn(control.account, name, qualifier === LATEST ? undefined : qualifier),
    AuthType: authType,
    ...(cors !== undefined && { Cors: { ...cors } as NonNullable<GetFunctionUrlConfigResponse['Cors']> }),
    CreationTime: createdAt,
    LastModifiedTime: lastModified,
    InvokeMode: invokeMode,
  }
}

const METHODS: ReadonlySet<string> = new Set(['*', 'GET', 'PUT', 'HEAD', 'POST', 'PATCH', 'DELETE'])
/** `*`, or what browsers send: a scheme and a host, without a path. */
const ORIGIN = /^(\*|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+|null)$/i
const HEADER = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Undefined: none. Throws `InvalidParameterValueException` for what no answer could carry, or no request would match. */
function corsOf(cors: UrlCors | undefined): UrlCors | undefined {
  if (cors === undefined || Object.keys(cors).length === 0) return undefined
  const check = (name: string, values: readonly string[] | undefined, valid: (value: string) => boolean): void => {
    const wrong = values?.find((value) => !valid(value))
    if (wrong !== undefined) throw invalidParameter(`The value ${JSON.stringify(wrong)} in Cors.${name} is not valid`)
  }
  check('AllowMethods', cors.AllowMethods, (method) => METHODS.has(method))
  check('AllowOrigins', cors.AllowOrigins, (origin) => ORIGIN.test(origin))
  check('AllowHeaders', cors.AllowHeaders, (header) => HEADER.test(header))
  check('ExposeHeaders', cors.ExposeHeaders, (header) => HEADER.test(header))
  return cors
}

const DIGITS = 'abcdefghijklmnopqrstuvwxyz234567'

const newUrlId = (): string => Array.from({ length: 32 }, () => DIGITS.charAt(randomInt(DIGITS.length))).join('')
