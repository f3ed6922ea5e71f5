import { CreateStreamCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'

/** Makes a queue that functions can be given messages of. */
export async function createQueue(QueueName: string, endpoint: string): Promise<void> {
  const client = new SQSClient(configuration(endpoint))
  await client.send(new CreateQueueCommand({ QueueName }))
  client.destroy()
}

/** Makes a stream that functions can be given records of. */
export async function createStream(StreamName: string, endpoint: string): Promise<void> {
  const client = new KinesisClient(configuration(endpoint))
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }))
  client.destroy()
}

const configuration = (endpoint: string) => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
})
