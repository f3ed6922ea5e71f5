import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { BundleForm, JavaScriptEngine } from './contract.ts'

const WIT = new URL('../../guest-sdk/wit/', import.meta.url)

export interface World {
  readonly name: string
  readonly text: string
  readonly path: string | undefined
}

/** The world that a bundle of that form is componentized to. */
export async function worldFor(engine: JavaScriptEngine, form: BundleForm): Promise<World> {
  if (form === 'wasi-http') return { name: 'fetch-event', text: await fetchEventWorld(), path: undefined }
  const url = new URL(`${engine}.wit`, WIT)
  const name = form === 'engine' ? `${engine}-engine` : engine
  return { name, text: await readFile(url, 'utf8'), path: fileURLToPath(url) }
}

/** The version of the WASI interfaces inside the StarlingMonkey engine. */
const ENGINE_VERSION = '0.2.10'

/** The version that comes with jco as WIT text. */
const TEXT_VERSION = '0.2.12'

/**
 * A world that exports `wasi:http/incoming-handler`. Everything that its types refer to has to be there in full, so it is made of
 * the WIT that comes with jco: 0.2.x versions differ in nothing that the engine knows, only the number has to be the engine's.
 */
async function fetchEventWorld(): Promise<string> {
  const packages = await Promise.all(['io', 'clocks', 'http'].map(nestedPackage))
  return `package ampoule:javascript@0.1.0;\nworld fetch-event { export wasi:http/incoming-handler@${ENGINE_VERSION}; }\n${packages.join('\n')}`
}

/** `package x; …` as a nested `package x { … }`, without its worlds, which refer to packages that are not here. */
async function nestedPackage(name: string): Promise<string> {
  const url = new URL(`../lib/wit/builtin/${TEXT_VERSION}/wasi-${name}/package.wit`, import.meta.resolve('@bytecodealliance/jco'))
  const text = (await readFile(url, 'utf8')).replaceAll(TEXT_VERSION, ENGINE_VERSION).replace(/^world [\s\S]*?^\}/gm, '')
  const head = /^package ([^;]+);/m.exec(text)
  if (head?.[1] === undefined) throw new Error(`${url.pathname} does not start with a package`)
  return `package ${head[1]} {\n${text.slice(head.index + head[0].length)}\n}\n`
}
