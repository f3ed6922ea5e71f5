/** The process that makes a component of a compiled module (started by index.ts): jco's tools keep the thread busy while they work. */
import { readFile, writeFile } from 'node:fs/promises'
import { addRuntimeSection, type Runtime } from '../../component/runtime-section.ts'
import { componentFromCore, componentizeCore } from '../core.ts'
import type { Compiled } from './contract.ts'

const [wasm = '', form = '', output = '', runtimeJson] = process.argv.slice(2)
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own argument
const runtime = runtimeJson === undefined ? undefined : (JSON.parse(runtimeJson) as Runtime)
const bytes = await readFile(wasm)

try {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own argument
  await writeFile(output, await finish(form as Compiled['form']))
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

async function finish(form: Compiled['form']): Promise<Uint8Array> {
  switch (form) {
    case 'component':
      return runtime === undefined ? bytes : addRuntimeSection(bytes, runtime)
    case 'core':
      return componentizeCore(bytes, runtime, { world: 'native' })
    case 'preview1':
      return componentizeCore(bytes, runtime, { preview1: true })
    case 'given':
      return componentFromCore(bytes)
    default:
      return form satisfies never
  }
}
