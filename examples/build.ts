// Makes the components that are committed beside their sources. Needs clang with lld, Rust with wasm32-unknown-unknown and the package
// assemblyscript (docs/languages.md). Run: node examples/build.ts
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildLanguage } from '../src/build/languages/index.ts'

const EXAMPLES = [
  ['c', 'c/hello.c', 'c/hello.wasm'],
  ['rust', 'rust/lib.rs', 'rust/rust.wasm'],
  ['assemblyscript', 'assemblyscript/function.as.ts', 'assemblyscript/assemblyscript.wasm'],
] as const

const here = fileURLToPath(new URL('.', import.meta.url))
const cacheDir = await mkdtemp(join(tmpdir(), 'ampoule-examples-'))
try {
  for (const [language, source, output] of EXAMPLES) {
    const { component } = await buildLanguage({ source: join(here, source), language, cacheDir })
    await writeFile(join(here, output), component)
    console.log(`${output}: ${component.length} bytes`)
  }
} finally {
  await rm(cacheDir, { recursive: true, force: true })
}
