import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { NODE_FLAGS } from '../../bin/node.mjs'
import { AmpouleError } from '../errors.ts'
import type { Command } from './command.ts'

export const test: Command = {
  name: 'test',
  summary: 'Run the tests of this folder with vitest, on the Node that functions need.',
  positionals: [{ name: 'ARG', about: "Vitest's: names of test files; options after --.", required: false, repeats: true }],
  options: { watch: { type: 'boolean', about: 'Run again whenever a file changes.' } },
  async run({ values, positionals }, io) {
    const mode = values['watch'] === true ? 'watch' : 'run'
    const child = spawn(process.execPath, [...NODE_FLAGS, findVitest(), mode, ...positionals], { stdio: 'inherit' })
    io.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 130))
    return promise
  },
}

function findVitest(): string {
  try {
    const manifest = createRequire(join(process.cwd(), 'package.json')).resolve('vitest/package.json')
    return join(dirname(manifest), 'vitest.mjs')
  } catch (error) {
    throw new AmpouleError('InvalidRequest', 'vitest is not installed here: npm install --save-dev vitest', { cause: error })
  }
}
