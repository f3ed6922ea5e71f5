import type { Account } from '../../functions/arn.ts'
import { JsonInput } from '../json/input.ts'
import { invalidValue, SqsError } from './error.ts'

const REFUSALS = { malformed: (message: string) => new SqsError('SerializationException', message), invalid: invalidValue }

/** Characters without the ending `.fifo`, which counts for the length. */
const NAME = /^[A-Za-z0-9_-]+(?:\.fifo)?$/
const MAX_NAME = 80

/** A request to SQS. */
export class SqsInput extends JsonInput {
  constructor(content: Uint8Array | Readonly<Record<string, unknown>>) {
    super(content, REFUSALS)
  }

  required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw new SqsError('MissingParameter', `The request must contain the parameter ${name}.`)
    return value
  }

  queueName(): string {
    const name = this.required('QueueName', this.text('QueueName', { max: 1024 }))
    if (name.length > MAX_NAME || !NAME.test(name))
      throw invalidValue(
        `The queue name ${name.slice(0, 100)} must have 1 to ${MAX_NAME} characters of letters, digits, - and _, and may end with .fifo`,
      )
    return name
  }

  /** The name in `QueueUrl`, or in a bare name; where the URL leads does not matter. */
  queue({ id }: Account): string {
    const url = this.required('QueueUrl', this.text('QueueUrl', { max: 2048 }))
    const parts = /^https?:\/\//.test(url) ? (URL.parse(url)?.pathname.split('/').slice(1) ?? []) : [id, url]
    const [account, name = '', ...more] = parts
    if (account !== id || !NAME.test(name) || more.length > 0)
      throw new SqsError('InvalidAddress', `The address ${url.slice(0, 200)} is not valid for this endpoint.`)
    return name
  }

  /** Entries of a batch request: between one and ten, each with an id of its own. */
  entries(): readonly { readonly id: string; readonly entry: SqsInput }[] {
    const values = this.objects('Entries')
    if (values.length === 0)
      throw new SqsError('EmptyBatchRequest', 'There should be at least one SendMessageBatchRequestEntry in the request.')
    if (values.length > MAX_ENTRIES)
      throw new SqsError(
        'TooManyEntriesInBatchRequest',
        `Maximum number of entries per request are ${MAX_ENTRIES}. You have sent ${values.length}.`,
      )
    const seen = new Set<string>()
    return values.map((value) => {
      const { Id: id } = value
      if (typeof id !== 'string' || !/^[\w-]{1,80}$/.test(id))
        throw new SqsError(
          'InvalidBatchEntryId',
          'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
        )
      if (seen.has(id)) throw new SqsError('BatchEntryIdsNotDistinct', `Id ${id} repeated.`)
      seen.add(id)
      const { Id: _, ...members } = value
      return { id, entry: new SqsInput(members) }
    })
  }
}

const MAX_ENTRIES = 10
