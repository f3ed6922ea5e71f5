import { formatRoute } from '../functions/route.ts'
import { printable } from '../observe/printable.ts'
import { formatCode, formatGuestError, paint, type Style } from '../observe/terminal.ts'
import type { DeploymentFailure } from './failure.ts'
import type { DevEvent, DevServer } from './server.ts'

/** What `ampoule dev` shows beside the records of invocations. */
export function formatEvent(event: DevEvent, style: Style): string {
  const time = paint(style, 'dim', new Date().toTimeString().slice(0, 8))
  switch (event.kind) {
    case 'ready':
      return `${time}  ${paint(style, 'cyan', event.function.padEnd(10))} ${paint(style, 'green', event.first ? 'ready' : 'updated')} in ${duration(event.ms)}`
    case 'failed': {
      const state = event.served ? 'its last good version goes on serving' : 'nothing of it can be served until this is mended'
      const head = `${time}  ${paint(style, 'cyan', event.function.padEnd(10))} ${paint(style, ['red', 'bold'], 'not built')}  ${paint(style, 'dim', state)}`
      return [head, ...formatDeployment(event.failure, style)].join('\n')
    }
    case 'removed':
      return `${time}  ${paint(style, 'cyan', event.function.padEnd(10))} removed`
    case 'configuration failed':
      return [
        `${time}  ${paint(style, ['red', 'bold'], 'configuration not taken')}  ${paint(style, 'dim', 'what was there before goes on')}`,
        ...indent(event.failure.error.message.split('\n').map((line) => paint(style, 'red', printable(line)))),
      ].join('\n')
    case 'restart needed':
      return `${time}  ${paint(style, 'yellow', `restart ampoule dev for the new ${event.settings.join(', ')}`)}`
    case 'lane failed':
      return `${time}  ${paint(style, 'red', `the thread that serves ended and is being replaced: ${printable(event.message)}`)}`
    default:
      return event satisfies never
  }
}

function formatDeployment({ error }: DeploymentFailure, style: Style): readonly string[] {
  const [place] = error.frames ?? []
  if (place === undefined) return indent(formatGuestError(error, style))
  const where = `${place.file}:${place.line}:${place.column}`
  const message = error.message.split('\n').map((line) => paint(style, ['red', 'bold'], printable(line)))
  return indent([
    ...message,
    `at ${printable(where)}`,
    ...(error.excerpt === undefined ? [] : ['', ...formatCode(error.excerpt, style), '']),
  ])
}

const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => (line === '' ? '' : `          ${line}`))

const duration = (ms: number): string => (ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`)

/** Where everything is, once the server is there. */
export function formatOverview({ url, functions }: DevServer, style: Style, keys: boolean): string {
  const width = Math.max(8, ...[...functions.keys()].map((name) => name.length))
  const rows = [...functions].map(([name, { settings, served }]) => {
    const where = [`${url}/${name}/`, ...settings.routes.map(formatRoute)].join('  ')
    const state = served === undefined ? paint(style, 'red', '  not built') : ''
    return `    ${paint(style, 'cyan', name.padEnd(width))}  ${where}${state}`
  })
  return [
    '',
    `  ${paint(style, 'bold', 'ampoule dev')}  ${url}`,
    '',
    ...rows,
    '',
    ...(keys ? [`  ${formatKeys(style)}`, ''] : []),
  ].join('\n')
}

export const formatKeys = (style: Style): string =>
  (
    [
      ['r', 'invoke again'],
      ['o', 'open'],
      ['c', 'clear'],
      ['q', 'quit'],
      ['h', 'help'],
    ] as const
  )
    .map(([key, about]) => `${paint(style, 'bold', key)} ${paint(style, 'dim', about)}`)
    .join('   ')
