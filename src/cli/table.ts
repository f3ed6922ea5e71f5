/** Columns that stand below each other, two spaces apart, under a line that names them; the last one is as long as it is. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head.map((name) => name.toUpperCase()), ...rows]
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  return lines.map((cells) => formatLine(cells, widths)).join('\n')
}

/** Names before values; what is undefined is left out. */
export function formatFields(fields: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  const widths = [Math.max(0, ...given.map(([name = '']) => name.length))]
  return given.map((cells) => formatLine(cells, widths)).join('\n')
}

const formatLine = (cells: readonly string[], widths: readonly number[]): string =>
  cells
    .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
    .join('  ')
    .trimEnd()

/** Lambda's times, or any of ISO 8601, to the minute and in UTC. */
export const formatTime = (time: string | undefined): string => (time ?? '').slice(0, 16).replace('T', ' ')

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(2)} MiB`
}
