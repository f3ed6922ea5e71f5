import { KinesisClient, type KinesisClientConfig } from '@aws-sdk/client-kinesis'
import type { ManagedHost } from '../management/host.ts'

export const kinesisClient = ({ host }: ManagedHost, more: KinesisClientConfig = {}): KinesisClient =>
  new KinesisClient({
    endpoint: host.managementUrl ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    maxAttempts: 1,
    ...more,
  })
