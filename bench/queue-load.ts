import { request, type Agent } from 'node:http'
import { buffer } from 'node:stream/consumers'
import {
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  waitUntilFunctionActiveV2,
  type LambdaClient,
} from '@aws-sdk/client-lambda'
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs'
import yazl from 'yazl'

export const BODY = 'x'.repeat(1024)
export const PRODUCERS = 64
export const AWS = { region: 'us-east-1', credentials: { accessKeyId: 'any', secretAccessKey: 'any' }, maxAttempts: 1 }
const WAIT_MS = 120_000

export async function createFunction(
  client: LambdaClient,
  FunctionName: string,
  Runtime: 'provided.al2023' | 'nodejs22.x',
  Handler: string,
  files: Readonly<Record<string, Buffer>>,
): Promise<void> {
  const zip = new yazl.ZipFile()
  for (const [path, content] of Object.entries(files)) zip.addBuffer(content, path)
  zip.end()
  const Code = { ZipFile: new Uint8Array(await buffer(zip.outputStream)) }
  const Role = 'arn:aws:iam::000000000000:role/any'
  await client.send(new CreateFunctionCommand({ FunctionName, Runtime, Handler, Role, Code }))
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 60, minDelay: 0.05, maxDelay: 0.2 }, { FunctionName })
}

export interface Attached {
  readonly name: string
  /** Messages that are waiting or with a function. */
  readonly left: () => Promise<number>
}

export async function attach(
  lambda: LambdaClient,
  sqs: SQSClient,
  name: string,
  FunctionName: string,
  more: object,
): Promise<Attached> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }))
  const EventSourceArn = `arn:aws:sqs:us-east-1:000000000000:${name}`
  await lambda.send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn, ...more }))
  return {
    name,
    async left() {
      const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))
      const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: inFlight } = Attributes
      return Number(visible) + Number(inFlight)
    },
  }
}

export interface Load {
  readonly url: string
  readonly agent: Agent
  readonly body: string
  readonly requests: number
}

/** Seconds from the first request until nothing is left. */
export async function process({ name, left }: Attached, { url, agent, body, requests }: Load): Promise<number> {
  const started = performance.now()
  let begun = 0
  const produce = async (): Promise<void> => {
    while (begun < requests) {
      begun++
      await post(`${url}/queues/${name}/messages`, body, agent)
    }
  }
  await Promise.all(Array.from({ length: PRODUCERS }, produce))
  while ((await left()) > 0) {
    if (performance.now() - started > WAIT_MS) throw new Error(`${name}: ${await left()} messages are left after ${WAIT_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return (performance.now() - started) / 1000
}

export async function post(url: string, body: string, agent: Agent): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const outgoing = request(
    url,
    { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } },
    (response) => {
      if (response.statusCode === 200) response.on('end', resolve).resume()
      else buffer(response).then((text) => reject(new Error(`${response.statusCode}: ${text.toString()}`)), reject)
    },
  )
  outgoing.on('error', reject).end(body)
  return promise
}
