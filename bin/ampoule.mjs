#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { REQUIRED_MAJOR, runNode } from './node.mjs'

const main = new URL('../src/cli/main.ts', import.meta.url)
const flagged = process.execArgv.includes('--wasm-lazy-validation')
if (flagged && Number(process.versions.node.split('.')[0]) >= REQUIRED_MAJOR) await import(main.href)
else process.exit(await runNode([fileURLToPath(main), ...process.argv.slice(2)]))
