import type { Control } from '../../control/control.ts'
import { AmpouleError } from '../../errors.ts'
import type { JsonService } from '../json/api.ts'
import { noSuchQueue, SqsError } from './error.ts'
import { SqsInput } from './input.ts'
import { cancelMessageMoveTask, listMessageMoveTasks, startMessageMoveTask } from './move.ts'
import {
  createQueue,
  deleteQueue,
  getQueueAttributes,
  getQueueUrl,
  listDeadLetterSourceQueues,
  listQueues,
  listQueueTags,
  purgeQueue,
  setQueueAttributes,
  tagQueue,
  untagQueue,
} from './queues.ts'
import {
  changeMessageVisibility,
  changeMessageVisibilityBatch,
  deleteMessage,
  deleteMessageBatch,
  receiveMessage,
} from './receive.ts'
import { sendMessage, sendMessageBatch } from './send.ts'

const HANDLERS: Readonly<Record<string, (input: SqsInput, control: Control, origin: string) => Promise<object | void>>> = {
  CancelMessageMoveTask: cancelMessageMoveTask,
  ChangeMessageVisibility: changeMessageVisibility,
  ChangeMessageVisibilityBatch: changeMessageVisibilityBatch,
  CreateQueue: createQueue,
  DeleteMessage: deleteMessage,
  DeleteMessageBatch: deleteMessageBatch,
  DeleteQueue: deleteQueue,
  GetQueueAttributes: getQueueAttributes,
  GetQueueUrl: getQueueUrl,
  ListDeadLetterSourceQueues: listDeadLetterSourceQueues,
  ListMessageMoveTasks: listMessageMoveTasks,
  ListQueueTags: listQueueTags,
  ListQueues: listQueues,
  PurgeQueue: purgeQueue,
  ReceiveMessage: receiveMessage,
  SendMessage: sendMessage,
  SendMessageBatch: sendMessageBatch,
  SetQueueAttributes: setQueueAttributes,
  StartMessageMoveTask: startMessageMoveTask,
  TagQueue: tagQueue,
  UntagQueue: untagQueue,
}

/** Queues as Amazon SQS's API has them (2012-11-05), in its JSON protocol. */
export const SQS: JsonService = {
  target: 'AmazonSQS',
  version: '1.0',
  operations: Object.fromEntries(
    Object.entries(HANDLERS).map(([name, run]) => [
      name,
      ({ body, origin }, control) => run(new SqsInput(body), control, origin),
    ]),
  ),
  unknown: (name) =>
    new SqsError(
      'UnknownOperation',
      `The operation ${JSON.stringify(name)} is not offered by this host; of SQS there are ${Object.keys(HANDLERS).join(', ')}`,
    ),
  refusalOf(error) {
    if (error instanceof SqsError) return error
    const { code, message } = error instanceof AmpouleError ? error : { code: 'Internal', message: '' }
    // Deleted since it was looked for.
    if (code === 'QueueNotFound') return noSuchQueue()
    // What the engine of the queues has not.
    if (code === 'InvalidRequest') return new SqsError('UnsupportedOperation', message)
    if (code === 'ShuttingDown' || code === 'StoreUnavailable') return new SqsError('ServiceUnavailable', message)
    return new SqsError('InternalError', 'The host failed', { cause: error })
  },
}
