import type { Control } from '../../control/control.ts'
import type { MoveTask } from '../../control/move-tasks.ts'
import { formatQueueArn, parseQueueArn } from '../../functions/queue-arn.ts'
import { SqsError } from './error.ts'
import type { SqsInput } from './input.ts'

export async function startMessageMoveTask(input: SqsInput, control: Control): Promise<object> {
  const source = await readArn('SourceArn', input, control)
  const given = input.text('DestinationArn', { max: 2048 })
  const destination = given === undefined ? undefined : await findQueue(given, control)
  const perSecond = input.integer('MaxNumberOfMessagesPerSecond', { min: 1, max: 500 })
  input.end()
  const { engine } = control.queues
  const definitions = await engine.definitions()
  if (!definitions.some(({ deadLetter }) => deadLetter?.queue === source))
    throw new SqsError('UnsupportedOperation', 'Source queue must be configured as a Dead Letter Queue.')
  if (control.moves.of(source).some(isActive))
    throw new SqsError(
      'UnsupportedOperation',
      'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
    )
  const { visible, delayed, inFlight } = await engine.stats(source)
  const task: MoveTask = {
    id: control.uuid(),
    source,
    destination,
    perSecond,
    startedMs: control.now(),
    toMove: visible + delayed + inFlight,
    moved: 0,
    status: 'RUNNING',
    failure: undefined,
  }
  control.moves.start(task)
  return { TaskHandle: task.id }
}

export async function cancelMessageMoveTask(input: SqsInput, control: Control): Promise<object> {
  const handle = input.required('TaskHandle', input.text('TaskHandle'))
  input.end()
  const task = control.moves.find(handle)
  if (task === undefined || !isActive(task))
    throw new SqsError('ResourceNotFoundException', 'The task does not exist or is not running.')
  task.status = 'CANCELLING'
  return Promise.resolve({ ApproximateNumberOfMessagesMoved: task.moved })
}

export async function listMessageMoveTasks(input: SqsInput, control: Control): Promise<object> {
  const source = await readArn('SourceArn', input, control)
  const most = input.integer('MaxResults', { min: 1, max: 10 }) ?? 1
  input.end()
  return {
    Results: control.moves
      .of(source)
      .slice(0, most)
      .map((task) => describe(task, control)),
  }
}

const isActive = ({ status }: MoveTask): boolean => status === 'RUNNING' || status === 'CANCELLING'

const describe = (task: MoveTask, { account }: Control): object => ({
  ...(isActive(task) && { TaskHandle: task.id }),
  Status: task.status,
  SourceArn: formatQueueArn(account, task.source),
  ...(task.destination !== undefined && { DestinationArn: formatQueueArn(account, task.destination) }),
  ...(task.perSecond !== undefined && { MaxNumberOfMessagesPerSecond: task.perSecond }),
  ApproximateNumberOfMessagesMoved: task.moved,
  ApproximateNumberOfMessagesToMove: task.toMove,
  ...(task.failure !== undefined && { FailureReason: task.failure }),
  StartedTimestamp: task.startedMs,
})

const readArn = async (name: string, input: SqsInput, control: Control): Promise<string> =>
  findQueue(input.required(name, input.text(name, { max: 2048 })), control)

async function findQueue(arn: string, { account, queues }: Control): Promise<string> {
  const name = parseQueueArn(arn, account)
  if (name === undefined || (await queues.engine.definition(name)) === undefined)
    throw new SqsError(
      'ResourceNotFoundException',
      `The resource that you specified for the ARN ${arn.slice(0, 200)} doesn't exist.`,
    )
  return name
}
