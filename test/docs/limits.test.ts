import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { MAX_SCRIPT_BYTES } from '../../src/build/script.ts'
import { MAX_HEADER_BYTES } from '../../src/engine/instance.ts'
import { INIT_BUDGET_MS, INIT_FUEL } from '../../src/engine/meter.ts'
import { ERROR_KINDS } from '../../src/errors.ts'
import type { Fields } from '../../src/functions/fields.ts'
import { FUEL_PER_MS, FUNCTION_FIELDS, HOST_FIELDS } from '../../src/functions/settings.ts'
import { MAX_STATE_BYTES } from '../../src/control/triggers/stream-window.ts'
import { MOST_EVENTS } from '../../src/gateway/events/cloud-events.ts'
import { MAX_DELAY_SECONDS } from '../../src/invoke/batch-answer.ts'
import { MOST_MESSAGES } from '../../src/invoke/sent.ts'
import { MAX_DEPTH, MAX_VALUES } from '../../src/invoke/message.ts'
import { MAX_BYTES, MAX_LINE_LENGTH, MAX_LINES } from '../../src/observe/invocation-log.ts'
import { FLUSH_MS } from '../../src/observe/logs/lane-logs.ts'
import { MAX_LANE_BYTES, MAX_VERSION_BYTES } from '../../src/observe/logs/version-log.ts'
import { USAGE_DAYS } from '../../src/observe/usage/usage-tables.ts'
import { DEFAULT_MAX_FUNCTION_BYTES } from '../../src/wasm/instrument.ts'

const page = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8')

type Unit = 'ms' | 'bytes' | 'MiB' | undefined

/** As the page writes it: in the largest unit of which it is a whole number. */
function written(value: number | bigint, unit?: Unit): string {
  const number = Number(value)
  const scale: readonly (readonly [string, number])[] =
    unit === 'ms'
      ? [
          ['h', 3_600_000],
          ['min', 60_000],
          ['s', 1000],
          ['ms', 1],
        ]
      : unit === 'bytes' || unit === 'MiB'
        ? [
            ['TiB', 2 ** 40],
            ['GiB', 2 ** 30],
            ['MiB', 2 ** 20],
            ['KiB', 1024],
            ['bytes', 1],
          ]
        : [['', 1]]
  const size = unit === 'MiB' ? number * 2 ** 20 : number
  const [name, one] = scale.find(([, one]) => size >= one && size % one === 0) ?? ['', 1]
  return `${(size / one).toLocaleString('en-US')} ${name}`.trim()
}

/** What every limit that has a knob must show. */
const knobs = (fields: Fields): readonly (readonly [string, string])[] =>
  Object.entries(fields).flatMap(([name, field]) => {
    if (field.type !== 'integer' || NO_LIMITS.has(name)) return []
    const unit = field.unit === 'units of fuel' ? undefined : (field.unit as Unit)
    const otherwise = field.default === undefined ? '' : written(field.default, unit)
    return [[name, `| \`${name}\` | ${otherwise} | ${written(field.min, unit)} to ${written(field.max, unit)} |`]]
  })
const NO_LIMITS = new Set(['port', 'managementPort', 'natsReplicas', 'lanes'])

const FIXED: readonly (readonly [string, string])[] = [
  ['environment', written(FUNCTION_FIELDS.environment.maxBytes, 'bytes')],
  ['bundle of a function in JavaScript', written(MAX_SCRIPT_BYTES, 'bytes')],
  ['one function body in WebAssembly', written(DEFAULT_MAX_FUNCTION_BYTES, 'bytes')],
  ['time of the top level', written(INIT_BUDGET_MS, 'ms')],
  ['fuel of the top level', written(INIT_FUEL)],
  ['fuel that a timeout allows, per millisecond', written(FUEL_PER_MS)],
  ['log lines of one invocation', written(MAX_LINES)],
  ['log of one invocation', written(MAX_BYTES, 'bytes')],
  ['one log line', written(MAX_LINE_LENGTH, 'bytes')],
  ['log of one version that waits in a lane to be written', written(MAX_VERSION_BYTES, 'bytes')],
  ['the same, of all versions', written(MAX_LANE_BYTES, 'bytes')],
  ['what waits to be written', written(FLUSH_MS, 'ms')],
  ['days that usage is kept', written(USAGE_DAYS)],
  ['headers of a `wasi-http` response', written(MAX_HEADER_BYTES, 'bytes')],
  ['values in an answer', written(MAX_VALUES)],
  ['depth of an answer', written(MAX_DEPTH)],
  ['delay of a message that is retried', written(MAX_DELAY_SECONDS * 1000, 'ms')],
  ['messages that one invocation sends', written(MOST_MESSAGES)],
  ['CloudEvents of one request', written(MOST_EVENTS)],
  ['state of a tumbling window', written(MAX_STATE_BYTES, 'bytes')],
]

describe('docs/limits.md', () => {
  test.each([...knobs(FUNCTION_FIELDS), ...knobs(HOST_FIELDS)])(
    'has default and bounds of %s as the reader has them',
    (_, row) => {
      expect(page).toContain(row)
    },
  )

  test.each(FIXED)('has the fixed limit: %s', (name, value) => {
    expect(page).toContain(`| ${name} | ${value} |`)
  })

  test('names no error code that does not exist, and the status of each', () => {
    const named = [...page.matchAll(/`([A-Z][A-Za-z]+)` (\d{3})/g)].map(([, code = '', status]) => ({
      code,
      status: Number(status),
    }))
    expect(named.length).toBeGreaterThan(0)
    const statuses: Readonly<Record<string, { readonly status: number }>> = ERROR_KINDS
    expect(named).toEqual(named.map(({ code }) => ({ code, status: statuses[code]?.status })))
  })
})
