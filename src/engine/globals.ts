import { AmpouleError } from '../errors.ts'
import type { InstrumentReport } from '../wasm/contract.ts'

/** Values of the mutable globals of one core instance, by export name. */
export type GlobalValues = Readonly<Record<string, number | bigint>>

/** Global types whose values JavaScript can carry from one instance to another. */
const TRANSFERABLE: ReadonlySet<string> = new Set(['i32', 'i64', 'f32', 'f64'])

/** Whether a module has mutable globals that only the instance itself can put back: v128, exnref, references. */
export const hasLocalGlobals = ({ globals }: InstrumentReport): boolean => globals.some(({ type }) => !TRANSFERABLE.has(type))

/** What has to be written into another instance of the module so that it goes on from here; virtual sizes and drop flags included. */
export function readGlobals(report: InstrumentReport | undefined, exports: WebAssembly.Exports | undefined): GlobalValues {
  const values: Record<string, number | bigint> = {}
  if (report === undefined || exports === undefined) return values
  const transferable = report.globals.filter(({ type }) => TRANSFERABLE.has(type)).map((global) => global.export)
  const pages = report.memories.map(({ index }) => `ampoule:pages${index}`)
  const dropped = Object.keys(exports).filter((name) => name.startsWith('ampoule:dropped-'))
  for (const name of [...transferable, ...pages, ...dropped]) if (name in exports) values[name] = asGlobal(exports[name]).value
  return values
}

export function writeGlobals(exports: WebAssembly.Exports | undefined, values: GlobalValues): void {
  for (const [name, value] of Object.entries(values)) asGlobal(exports?.[name]).value = value as number
}

function asGlobal(value: WebAssembly.ExportValue | undefined): WebAssembly.Global<'i32'> {
  if (value instanceof WebAssembly.Global) return value as WebAssembly.Global<'i32'>
  throw new AmpouleError('Internal', 'an instrumented module lacks one of its globals')
}
