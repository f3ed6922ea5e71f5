const PREFIX = '/aws/lambda/'

/** The log group of a function, as Lambda names it. */
export const logGroupOf = (functionName: string): string => `${PREFIX}${functionName}`

/** Of the day on which the stream begins (UTC); `id` is of this stream alone. */
export const logStreamName = (timeMs: number, version: string, id: string): string =>
  `${dayOf(timeMs).replaceAll('-', '/')}/[${version}]${id}`

/** The version in a stream's name; undefined for a name of another form. */
export const versionOf = (stream: string): string | undefined => /^\d{4}\/\d\d\/\d\d\/\[([^\]]+)\]/.exec(stream)?.[1]

/** `YYYY-MM-DD`, UTC. */
export const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10)
