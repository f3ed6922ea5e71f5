const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
const CODES: Readonly<Record<string, number>> = { i: 0x7f, I: 0x7e, f: 0x7d, F: 0x7c }

/** A core module with one function of the given signature (such as `ii->i`, at most 17 parameters), exported as `trap`, that traps. */
export function trapModule(signature: string): Uint8Array<ArrayBuffer> {
  const [params = '', results = ''] = signature.split('->')
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, [1, 0x60, ...types(params), ...types(results)]),
    ...section(3, [1, 0]),
    ...section(7, [1, 4, ...new TextEncoder().encode('trap'), 0x00, 0]),
    ...section(10, [1, 3, 0x00, 0x00, 0x0b]),
  ])
}

function types(letters: string): number[] {
  return [letters.length, ...Array.from(letters, (letter) => CODES[letter] ?? 0x7f)]
}

function section(id: number, content: readonly number[]): number[] {
  return [id, content.length, ...content]
}
