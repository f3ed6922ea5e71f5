import { SQSClient } from '@aws-sdk/client-sqs'
import type { ManagedHost } from '../management/host.ts'

export const sqsClient = ({ host }: ManagedHost): SQSClient =>
  new SQSClient({
    endpoint: host.managementUrl ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    maxAttempts: 1,
  })
