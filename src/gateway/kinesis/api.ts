import type { Control } from '../../control/control.ts'
import { AmpouleError } from '../../errors.ts'
import type { JsonService } from '../json/api.ts'
import { KinesisError } from './error.ts'
import { KinesisInput } from './input.ts'
import { getRecords, getShardIterator, putRecord, putRecords } from './records.ts'
import {
  addTags,
  changeRetention,
  createStream,
  deleteStream,
  describeStream,
  describeStreamSummary,
  listShards,
  listStreams,
  listTags,
  mergeShards,
  removeTags,
  splitShard,
} from './streams.ts'

const HANDLERS: Readonly<Record<string, (input: KinesisInput, control: Control) => Promise<object | void>>> = {
  AddTagsToStream: addTags,
  CreateStream: createStream,
  DecreaseStreamRetentionPeriod: changeRetention('shorter'),
  DeleteStream: deleteStream,
  DescribeStream: describeStream,
  DescribeStreamSummary: describeStreamSummary,
  GetRecords: getRecords,
  GetShardIterator: getShardIterator,
  IncreaseStreamRetentionPeriod: changeRetention('longer'),
  ListShards: listShards,
  ListStreams: listStreams,
  ListTagsForStream: listTags,
  MergeShards: mergeShards,
  PutRecord: putRecord,
  PutRecords: putRecords,
  RemoveTagsFromStream: removeTags,
  SplitShard: splitShard,
}

/** Streams as Amazon Kinesis Data Streams' API has them (2013-12-02). */
export const KINESIS: JsonService = {
  target: 'Kinesis_20131202',
  version: '1.1',
  operations: Object.fromEntries(
    Object.entries(HANDLERS).map(([name, run]) => [name, ({ body }, control) => run(new KinesisInput(body), control)]),
  ),
  unknown: (name) =>
    new KinesisError(
      'UnknownOperationException',
      `The operation ${JSON.stringify(name)} is not offered by this host; of Kinesis there are ${Object.keys(HANDLERS).join(', ')}`,
    ),
  refusalOf(error) {
    if (error instanceof KinesisError) return error
    const { code, message } = error instanceof AmpouleError ? error : { code: 'Internal', message: '' }
    if (code === 'StreamNotFound') return new KinesisError('ResourceNotFoundException', sentence(message))
    if (code === 'InvalidRequest') return new KinesisError('InvalidArgumentException', sentence(message))
    if (code === 'ShuttingDown' || code === 'StoreUnavailable') return new KinesisError('ServiceUnavailable', message)
    return new KinesisError('InternalFailureException', 'The host failed')
  },
}

const sentence = (message: string): string => `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`
