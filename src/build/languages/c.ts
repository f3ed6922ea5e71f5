import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { C_RUNTIME } from '../runtime-section.ts'
import type { Compiled, Compiler, CompileJob } from './contract.ts'
import { compilerError, GNU_ERRORS } from './diagnostics.ts'

const HELP =
  'C needs clang and lld (Debian, Ubuntu: apt install clang lld; macOS: brew install llvm lld; Windows: winget install LLVM.LLVM).'

/** Where `#include "ampoule.h"` is found when the project has no copy of its own. */
const HEADER_FOLDER = fileURLToPath(new URL('../../../guest-sdk/c/', import.meta.url))

/** Freestanding: the header brings what the canonical ABI needs. The stack lies below the data, so that overflowing it traps. */
const OPTIONS = [
  '--target=wasm32',
  '-std=gnu17',
  '-Os',
  '-nostdlib',
  '-ffreestanding',
  '-mbulk-memory',
  '-fno-color-diagnostics',
  '-Wall',
  '-Werror=implicit-function-declaration',
  ...['--no-entry', '--strip-all', '--stack-first', '-z', 'stack-size=65536'].map((option) => `-Wl,${option}`),
]

export const c: Compiler = {
  language: 'c',
  title: 'C',
  runtime: C_RUNTIME,
  async open(_source, tools) {
    const clang = await tools.need('clang', HELP)
    const linker = await tools.need('wasm-ld', HELP)
    const versions = await Promise.all([clang, linker].map((program) => tools.ask(program, ['--version'])))
    return { version: [...versions, ...OPTIONS].join('\n'), compile: (job) => compile(clang, job) }
  },
}

async function compile(clang: string, { source, scratch, tools }: CompileJob): Promise<Compiled> {
  const [wasm, list] = [join(scratch, 'function.wasm'), join(scratch, 'function.d')]
  const folder = dirname(source)
  const options = [...OPTIONS, `-I${HEADER_FOLDER}`, '-MD', '-MF', list]
  const result = await tools.run(clang, [...options, '-o', wasm, source], { cwd: folder })
  if (result.code !== 0) throw compilerError('clang', result, folder, GNU_ERRORS)
  return { wasm, form: 'core', inputs: parseMakeRule(await readFile(list, 'utf8')).map((path) => resolve(folder, path)) }
}

/** The prerequisites of a rule as compilers write it for make: `target: a b \<newline> c`, spaces in names with a backslash. */
export function parseMakeRule(text: string): readonly string[] {
  const [rule = ''] = text.replaceAll(/\\\r?\n/g, ' ').split(/\r?\n/)
  const prerequisites = rule.slice(rule.indexOf(': ') + 1)
  return (prerequisites.match(/(?:\\.|[^\s\\])+/g) ?? []).map((path) => path.replaceAll(/\\([ #])/g, '$1'))
}
