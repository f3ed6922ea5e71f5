import type { Control } from '../../control/control.ts'
import { AmpouleError } from '../../errors.ts'
import { FilterPatternError } from '../../observe/logs/filter-pattern-error.ts'
import type { JsonService } from '../json/api.ts'
import { describeLogGroups, describeLogStreams } from './describe.ts'
import { invalid, LogsError } from './error.ts'
import { filterLogEvents, getLogEvents } from './events.ts'
import { deleteLogGroup, deleteRetentionPolicy, putRetentionPolicy } from './groups.ts'
import { LogsInput } from './input.ts'

const HANDLERS: Readonly<Record<string, (input: LogsInput, control: Control) => Promise<object | void>>> = {
  DeleteLogGroup: deleteLogGroup,
  DeleteRetentionPolicy: deleteRetentionPolicy,
  DescribeLogGroups: describeLogGroups,
  DescribeLogStreams: describeLogStreams,
  FilterLogEvents: filterLogEvents,
  GetLogEvents: getLogEvents,
  PutRetentionPolicy: putRetentionPolicy,
}

/** What reads of logs: CloudWatch Logs' API. */
export const LOGS: JsonService = {
  target: 'Logs_20140328',
  version: '1.1',
  operations: Object.fromEntries(
    Object.entries(HANDLERS).map(([name, run]) => [name, ({ body }, control) => run(new LogsInput(body), control)]),
  ),
  unknown: (name) =>
    new LogsError(
      'UnknownOperationException',
      `The operation ${JSON.stringify(name)} is not offered by this host; of CloudWatch Logs there are ${Object.keys(HANDLERS).join(', ')}`,
    ),
  refusalOf(error) {
    if (error instanceof LogsError) return error
    if (error instanceof FilterPatternError) return invalid(error.message)
    const closing = error instanceof AmpouleError && error.code === 'ShuttingDown'
    return new LogsError('ServiceUnavailableException', closing ? error.message : 'The host failed', { cause: error })
  },
}
