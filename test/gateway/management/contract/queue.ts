import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'

/** Makes a queue that functions can be given messages of. */
export async function createQueue(QueueName: string, endpoint: string): Promise<void> {
  const client = new SQSClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'any', secretAccessKey: 'any' } })
  await client.send(new CreateQueueCommand({ QueueName }))
  client.destroy()
}
