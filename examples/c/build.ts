// Makes hello.wasm from hello.c. Needs clang and lld (Debian: apt-get install clang lld). Run: node examples/c/build.ts
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { componentizeCore } from '../../src/build/core.ts'
import { C_RUNTIME } from '../../src/build/runtime-section.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'ampoule-c-'))
const core = join(scratch, 'hello.core.wasm')
const linker = ['--no-entry', '--strip-all', '-z', 'stack-size=16384'].map((option) => `-Wl,${option}`)
try {
  execFileSync('clang', ['--target=wasm32', '-Os', '-nostdlib', '-mbulk-memory', ...linker, '-o', core, 'hello.c'], {
    cwd: here,
    stdio: 'inherit',
  })
  const component = await componentizeCore(readFileSync(core), C_RUNTIME)
  writeFileSync(join(here, 'hello.wasm'), component)
  console.log(`hello.wasm: ${component.length} bytes`)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
