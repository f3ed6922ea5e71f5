import type { Control } from '../../control/control.ts'
import type { QueueDefinition, QueueStats } from '../../store/queue.ts'
import { QUOTAS } from '../../functions/quotas.ts'
import { applyAttributes, attributesOf, COUNTS, READABLE, type QueueAttributes } from './attributes.ts'
import { invalidValue, noSuchQueue, SqsError } from './error.ts'
import type { SqsInput } from './input.ts'
import { kept } from './kept.ts'

/** Pages, where the caller does not say. */
const MOST = 1000

export async function createQueue(input: SqsInput, control: Control, origin: string): Promise<object> {
  const name = input.queueName()
  const attributes = input.strings('Attributes') ?? {}
  const tags = input.strings('tags') ?? {}
  input.end()
  refuseTags(tags)
  const before = await control.queues.engine.definition(name)
  if (before !== undefined) refuseOthers(before, attributes, control)
  else {
    const definition = await applyAttributes(attributes, { name, before }, control)
    await control.queues.engine.define(withTags(definition, tags))
  }
  return { QueueUrl: urlOf(name, control, origin) }
}

export async function getQueueUrl(input: SqsInput, control: Control, origin: string): Promise<object> {
  const name = input.queueName()
  const owner = input.text('QueueOwnerAWSAccountId')
  input.end()
  if (owner !== undefined && owner !== control.account.id) throw noSuchQueue()
  await existing(name, control)
  return { QueueUrl: urlOf(name, control, origin) }
}

export async function listQueues(input: SqsInput, control: Control, origin: string): Promise<object> {
  const prefix = input.text('QueueNamePrefix', { max: 80 }) ?? ''
  const page = readPage(input)
  const definitions = await control.queues.engine.definitions()
  return pageOf(
    'QueueUrls',
    definitions.filter(({ name }) => name.startsWith(prefix)),
    page,
    control,
    origin,
  )
}

export async function listDeadLetterSourceQueues(input: SqsInput, control: Control, origin: string): Promise<object> {
  const { name } = await existing(input.queue(control.account), control)
  const page = readPage(input)
  const definitions = await control.queues.engine.definitions()
  return pageOf(
    'queueUrls',
    definitions.filter(({ deadLetter }) => deadLetter?.queue === name),
    page,
    control,
    origin,
  )
}

export async function deleteQueue(input: SqsInput, control: Control): Promise<void> {
  const name = input.queue(control.account)
  input.end()
  if (!(await control.queues.engine.remove(name))) throw noSuchQueue()
  control.queues.wake(name)
}

export async function purgeQueue(input: SqsInput, control: Control): Promise<void> {
  const name = input.queue(control.account)
  input.end()
  await control.queues.engine.purge(name)
}

export async function setQueueAttributes(input: SqsInput, control: Control): Promise<void> {
  const before = await existing(input.queue(control.account), control)
  const attributes = input.required('Attributes', input.strings('Attributes'))
  input.end()
  await control.queues.engine.define(await applyAttributes(attributes, { name: before.name, before }, control))
}

export async function getQueueAttributes(input: SqsInput, control: Control): Promise<object> {
  const definition = await existing(input.queue(control.account), control)
  const names = input.texts('AttributeNames', { most: READABLE.size })
  input.end()
  for (const name of names)
    if (!READABLE.has(name)) throw new SqsError('InvalidAttributeName', `Unknown Attribute ${name.slice(0, 100)}.`)
  const all = names.includes('All')
  const counted = all || names.some((name) => COUNTS.some((own) => own === name))
  const found = {
    ...attributesOf(definition, control),
    ...(counted && countsOf(await control.queues.engine.stats(definition.name))),
  }
  const wanted = Object.entries(found).filter(([name]) => all || names.includes(name))
  return wanted.length === 0 ? {} : { Attributes: Object.fromEntries(wanted) }
}

export async function tagQueue(input: SqsInput, control: Control): Promise<void> {
  const definition = await existing(input.queue(control.account), control)
  const tags = { ...kept(definition).tags, ...input.required('Tags', input.strings('Tags')) }
  input.end()
  refuseTags(tags)
  await control.queues.engine.define(withTags(definition, tags))
}

export async function untagQueue(input: SqsInput, control: Control): Promise<void> {
  const definition = await existing(input.queue(control.account), control)
  const keys = input.texts('TagKeys', { most: QUOTAS.tags })
  input.end()
  const left = Object.entries(kept(definition).tags).filter(([key]) => !keys.includes(key))
  await control.queues.engine.define(withTags(definition, Object.fromEntries(left)))
}

export async function listQueueTags(input: SqsInput, control: Control): Promise<object> {
  const { tags } = kept(await existing(input.queue(control.account), control))
  input.end()
  return Object.keys(tags).length === 0 ? {} : { Tags: tags }
}

/** Throws `QueueDoesNotExist`. */
export async function existing(name: string, { queues }: Control): Promise<QueueDefinition> {
  const found = await queues.engine.definition(name)
  if (found === undefined) throw noSuchQueue()
  return found
}

const urlOf = (name: string, { account }: Control, origin: string): string => `${origin}/${account.id}/${name}`

const countsOf = ({ visible, inFlight, delayed }: QueueStats): QueueAttributes => ({
  ApproximateNumberOfMessages: String(visible),
  ApproximateNumberOfMessagesNotVisible: String(inFlight),
  ApproximateNumberOfMessagesDelayed: String(delayed),
})

function refuseOthers(before: QueueDefinition, attributes: QueueAttributes, control: Control): void {
  const has = attributesOf(before, control)
  for (const [key, value] of Object.entries(attributes))
    if (normal(key, has[key]) !== normal(key, value))
      throw new SqsError(
        'QueueNameExists',
        `A queue already exists with the same name and a different value for attribute ${key.slice(0, 100)}`,
      )
}

/** Policies are compared as what they say. */
function normal(key: string, value: string | undefined): string | undefined {
  if (value === undefined || !key.startsWith('Redrive')) return value
  try {
    const parts = JSON.parse(value) as Readonly<Record<string, unknown>>
    return JSON.stringify(
      Object.entries(parts)
        .map(([name, part]) => [name, String(part)])
        .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    )
  } catch {
    return value
  }
}

const withTags = (definition: QueueDefinition, tags: QueueAttributes): QueueDefinition => ({
  ...definition,
  attributes: { ...definition.attributes, tags },
})

function refuseTags(tags: QueueAttributes): void {
  if (Object.keys(tags).length > QUOTAS.tags)
    throw invalidValue(`The queue would have ${Object.keys(tags).length} tags: the limit is ${QUOTAS.tags}.`)
  for (const [key, value] of Object.entries(tags))
    if (key.length < 1 || key.length > 128 || value.length > 256)
      throw invalidValue(`The tag ${key.slice(0, 128)} has a key over 128 or a value over 256 characters.`)
}

interface Page {
  readonly most: number | undefined
  readonly after: string
}

function readPage(input: SqsInput): Page {
  const most = input.integer('MaxResults', { min: 1, max: MOST })
  const token = input.text('NextToken')
  input.end()
  return { most, after: token === undefined ? '' : Buffer.from(token, 'base64url').toString() }
}

/** `sorted`: by name. AWS gives a token only to who asked for pages. */
function pageOf(
  key: string,
  sorted: readonly QueueDefinition[],
  { most, after }: Page,
  control: Control,
  origin: string,
): object {
  const left = sorted.filter(({ name }) => name > after)
  const page = left.slice(0, most ?? MOST)
  const last = page.at(-1)
  return {
    [key]: page.map(({ name }) => urlOf(name, control, origin)),
    ...(most !== undefined &&
      last !== undefined &&
      left.length > page.length && { NextToken: Buffer.from(last.name).toString('base64url') }),
  }
}
