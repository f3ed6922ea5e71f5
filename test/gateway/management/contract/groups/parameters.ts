import { PREFIX } from '../names.ts'

const FILE_SYSTEM = {
  Arn: 'arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0',
  LocalMountPath: '/mnt/a',
}
const PROVIDER = `${PREFIX}:capacity-provider:any`

/** Parameters of functions whose effect is not provided, with values that ask for it. */
export const OF_CONFIGURATION = {
  CapacityProviderConfig: { LambdaManagedInstancesCapacityProviderConfig: { CapacityProviderArn: PROVIDER } },
  DurableConfig: { ExecutionTimeout: 60 },
  EphemeralStorage: { Size: 1024 },
  FileSystemConfigs: [FILE_SYSTEM],
  ImageConfig: { Command: ['app'] },
  KMSKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/any',
  LoggingConfig: { LogFormat: 'JSON' },
  TracingConfig: { Mode: 'Active' },
  VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] },
}
/** The same of code. */
export const OF_CODE = {
  ImageUri: '000000000000.dkr.ecr.us-east-1.amazonaws.com/any:latest',
  S3Bucket: 'bucket',
  S3Key: 'key',
  S3ObjectStorageMode: 'COPY',
  S3ObjectVersion: '1',
  SourceKMSKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/any',
}
