#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { REQUIRED_MAJOR, runNode } from './node.mjs'

// The package has no sources, and the repository has dist/ only while it is being packed.
const source = new URL('../src/cli/main.ts', import.meta.url)
const main = existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url)
const flagged = process.execArgv.includes('--wasm-lazy-validation')
if (flagged && Number(process.versions.node.split('.')[0]) >= REQUIRED_MAJOR) await import(main.href)
else process.exit(await runNode([fileURLToPath(main), ...process.argv.slice(2)]))
