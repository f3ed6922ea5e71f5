import { AmpouleError } from '../errors.ts'
import type { InputOf, OutputOf } from '../gateway/management/contract.ts'
import { OPERATIONS, type OperationName } from '../gateway/management/model/model.ts'
import { bindInput, readOutput } from './client/binding.ts'
import { explainConnection, readFailure } from './client/failure.ts'
import { send } from './client/send.ts'
import type { Credentials } from './client/signature.ts'

export interface ClientOptions {
  /** Of the management API. */
  readonly endpoint: URL
  /** Undefined: requests are not signed. */
  readonly credentials: Credentials | undefined
  /** Ends what is under way. */
  readonly signal: AbortSignal
}

export interface CallOptions {
  /** Called while the request is sent, with bytes. */
  readonly onUpload?: (sent: number, total: number) => void
}

/** Operations that give their answer in pages. */
type ListName = { [Name in OperationName]: 'NextMarker' extends keyof OutputOf<Name> ? Name : never }[OperationName]

/**
 * AWS Lambda's API as a host has it: one method for all operations, which the service model describes. Rejects with `ApiError` for what the
 * host refuses, and with `HostUnreachable` when there is none.
 */
export class ManagementClient {
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
  }

  get signal(): AbortSignal {
    return this.#options.signal
  }

  async call<Name extends OperationName>(
    name: Name,
    input: InputOf<Name>,
    { onUpload }: CallOptions = {},
  ): Promise<OutputOf<Name>> {
    const { endpoint, credentials, signal } = this.#options
    const operation = OPERATIONS[name]
    const request = bindInput(operation, input)
    const headers = credentials === undefined ? request.headers : await this.#sign(request, credentials)
    const answer = await send(request, headers, endpoint, { signal, onUpload }).catch((error: unknown) => {
      throw signal.aborted ? error : explainConnection(error, endpoint)
    })
    if (answer.status >= 300) throw readFailure(answer, endpoint)
    try {
      // The model is what the types were made of, too.
      return readOutput(operation, answer) as OutputOf<Name>
    } catch {
      throw readFailure(answer, endpoint)
    }
  }

  /** All pages of a list, as one answer. `key` is the member that holds the items. */
  async list<Name extends ListName, Key extends keyof OutputOf<Name>>(
    name: Name,
    input: InputOf<Name>,
    key: Key,
  ): Promise<{ readonly [K in Key]-?: NonNullable<OutputOf<Name>[K]> }> {
    const items: unknown[] = []
    let marker: string | undefined
    do {
      const page: OutputOf<Name> & { readonly NextMarker?: string | undefined } = await this.call(name, {
        ...input,
        ...(marker !== undefined && { Marker: marker }),
      })
      const found: unknown = page[key]
      if (Array.isArray(found)) items.push(...(found as unknown[]))
      marker = page.NextMarker
    } while (marker !== undefined && marker !== '')
    return { [key]: items } as { readonly [K in Key]-?: NonNullable<OutputOf<Name>[K]> }
  }

  async #sign(request: Parameters<typeof send>[0], credentials: Credentials): Promise<Readonly<Record<string, string>>> {
    const { sign } = await import('./client/signature.ts')
    return sign(request, this.#options.endpoint, credentials)
  }
}

const DEFAULT_ENDPOINT = 'http://127.0.0.1:9000'

/** As the AWS tools have them, and one of our own before theirs. */
const ENDPOINT_VARIABLES = ['AMPOULE_ENDPOINT', 'AWS_ENDPOINT_URL_LAMBDA', 'AWS_ENDPOINT_URL'] as const

/** A client by what was given on the command line, or in the environment. Throws `InvalidRequest` for what is no address. */
export function openClient(given: string | undefined, environment: NodeJS.ProcessEnv, signal: AbortSignal): ManagementClient {
  const variable = ENDPOINT_VARIABLES.find((name) => isGiven(environment[name]))
  const text = given ?? (variable === undefined ? DEFAULT_ENDPOINT : (environment[variable] ?? ''))
  const endpoint = URL.parse(text)
  if (endpoint === null || !/^https?:$/.test(endpoint.protocol))
    throw new AmpouleError(
      'InvalidRequest',
      `${given === undefined ? variable : '--endpoint'} is ${JSON.stringify(text)}: it must be an address like ${DEFAULT_ENDPOINT}`,
    )
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = environment
  const credentials =
    isGiven(accessKeyId) && isGiven(secretAccessKey)
      ? { accessKeyId, secretAccessKey, sessionToken: isGiven(sessionToken) ? sessionToken : undefined }
      : undefined
  return new ManagementClient({ endpoint, credentials, signal })
}

const isGiven = (text: string | undefined): text is string => text !== undefined && text !== ''
