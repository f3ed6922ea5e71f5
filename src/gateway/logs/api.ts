import type { Control } from '../../control/control.ts'
import { AmpouleError } from '../../errors.ts'
import { FilterPatternError } from '../../observe/logs/filter-pattern-error.ts'
import type { Observer } from '../../observe/records.ts'
import { describeLogGroups, describeLogStreams } from './describe.ts'
import { invalid, LogsError } from './error.ts'
import { filterLogEvents, getLogEvents } from './events.ts'
import { deleteLogGroup, deleteRetentionPolicy, putRetentionPolicy } from './groups.ts'
import { LogsInput } from './input.ts'

const OPERATIONS: Readonly<Record<string, (input: LogsInput, control: Control) => Promise<object | void>>> = {
  DeleteLogGroup: deleteLogGroup,
  DeleteRetentionPolicy: deleteRetentionPolicy,
  DescribeLogGroups: describeLogGroups,
  DescribeLogStreams: describeLogStreams,
  FilterLogEvents: filterLogEvents,
  GetLogEvents: getLogEvents,
  PutRetentionPolicy: putRetentionPolicy,
}

const TARGET = /^Logs_20140328\.(\w{1,64})$/
const TYPE = 'application/x-amz-json-1.1'

/** What reads of logs: CloudWatch Logs' API (AWS JSON 1.1: every operation is a POST to `/` that names itself in a header). */
export function createLogsApi(control: Control, observe: Observer): (request: Request) => Promise<Response> {
  return async (request) => {
    const target = request.headers.get('x-amz-target') ?? ''
    try {
      const name = TARGET.exec(target)?.[1]
      if (name === undefined || !Object.hasOwn(OPERATIONS, name))
        throw new LogsError(
          'UnknownOperationException',
          `The operation ${JSON.stringify(name ?? target.slice(0, 100))} is not offered by this host; of CloudWatch Logs there are ${Object.keys(OPERATIONS).join(', ')}`,
        )
      const input = new LogsInput(new Uint8Array(await request.arrayBuffer()))
      return answer(200, (await OPERATIONS[name]?.(input, control)) ?? {})
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal.status >= 500) {
        const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
        observe({ type: 'host', time: control.now(), level: 'error', message: `${target} failed: ${why}` })
      }
      return answer(refusal.status, { __type: refusal.type, message: refusal.message })
    }
  }
}

function refusalOf(error: unknown): LogsError {
  if (error instanceof LogsError) return error
  if (error instanceof FilterPatternError) return invalid(error.message)
  const closing = error instanceof AmpouleError && error.code === 'ShuttingDown'
  return new LogsError('ServiceUnavailableException', closing ? error.message : 'The host failed', { cause: error })
}

const answer = (status: number, body: object): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': TYPE } })
