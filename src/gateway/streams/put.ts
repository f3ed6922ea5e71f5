import type { Control } from '../../control/control.ts'
import { invalidParameter, LambdaError, notFound } from '../../functions/lambda-error.ts'
import { formatShardId } from '../../functions/stream-arn.ts'
import type { NewStreamRecord } from '../../store/stream.ts'
import { JsonInput } from '../json/input.ts'
import { MAX_RECORD_BYTES } from '../kinesis/records.ts'

/** Of one request. */
const MOST_RECORDS = 1_000

const REFUSALS = {
  malformed: (message: string) => new LambdaError('InvalidRequestContentException', message),
  invalid: invalidParameter,
}

/**
 * `POST /streams/NAME/records`: one record, `{ "key": …, "data": … }` (`base64` in the place of `data` for bytes), or `{ "records": [ … ] }` with
 * up to 1,000, which are all kept or none. Data that are no text are kept as their JSON. Answers with `{ "records": [{ "shard",
 * "sequence" }] }` when they are on disk.
 */
export async function putStreamRecords(name: string, body: Uint8Array, control: Control): Promise<object> {
  if ((await control.streams.engine.definition(name)) === undefined) throw notFound(`There is no stream ${name}.`)
  const input = new JsonInput(body, REFUSALS)
  const list = input.objects('records')
  if (list.length > MOST_RECORDS)
    throw invalidParameter(`The request has ${list.length} records, the limit is ${MOST_RECORDS}: send them in several requests.`)
  if (list.length > 0) input.end()
  const records =
    list.length > 0
      ? list.map((one, index) => readRecord(new JsonInput(one, REFUSALS), `records[${index}]`))
      : [readRecord(input, 'The record')]
  const appended = await control.streams.append(name, records)
  return { records: appended.map(({ shard, sequence }) => ({ shard: formatShardId(shard), sequence: String(sequence) })) }
}

function readRecord(input: JsonInput, place: string): NewStreamRecord {
  const key = input.text('key', { max: 256 })
  const [content, base64] = [input.any('data'), input.text('base64', { max: Math.ceil(MAX_RECORD_BYTES / 3) * 4 })]
  input.end()
  if (key === undefined) throw invalidParameter(`${place}: key is missing.`)
  if (base64 !== undefined && !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw invalidParameter(`${place}: base64 is not valid.`)
  if (content === undefined && base64 === undefined) throw invalidParameter(`${place}: data or base64 is missing.`)
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  const data = base64 === undefined ? Buffer.from(text) : Buffer.from(base64, 'base64')
  if (data.length > MAX_RECORD_BYTES) throw invalidParameter(`${place}: data has over ${MAX_RECORD_BYTES} bytes.`)
  return { key, data }
}
