// What npm runs before it packs: JavaScript and declarations in dist/, since Node strips no types under node_modules, and for the host the
// JavaScript engines in prebuilt/, which take their users a minute to build. `node bin/prepack.mjs host|guest [clean]`.
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { REQUIRED_MAJOR, runNode } from './node.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const PACKAGES = {
  host: {
    folder: root,
    sources: join(root, 'src'),
    files: ['src/host.ts', 'src/testing/index.ts', 'src/cli/main.ts', 'src/lane.ts'],
    /** They are started or imported by URL. */
    entries: /(?:-worker|child)\.ts$/,
  },
  guest: {
    folder: join(root, 'guest-sdk'),
    sources: join(root, 'guest-sdk'),
    files: ['guest-sdk/index.ts', 'guest-sdk/testing.ts'],
  },
}

const [name = '', step] = process.argv.slice(2)
const one = PACKAGES[name]
if (one === undefined || (step !== undefined && step !== 'clean')) {
  console.error(`usage: node bin/prepack.mjs ${Object.keys(PACKAGES).join('|')} [clean]`)
  process.exit(2)
}
if (step === 'clean') await clean(one)
else if (Number(process.versions.node.split('.')[0]) < REQUIRED_MAJOR)
  process.exit(await runNode([fileURLToPath(import.meta.url), name], { cwd: root }))
else {
  await clean(one)
  await emit(one)
  if (name === 'host') await addEngines(join(root, 'prebuilt'))
}

async function clean({ folder }) {
  for (const made of ['dist', 'prebuilt']) await rm(join(folder, made), { recursive: true, force: true })
}

/** The compiler rewrites `./x.ts` to `./x.js` in imports and leaves URLs, which are rewritten here where the file was emitted. */
async function emit({ folder, sources, files, entries }) {
  const dist = join(folder, 'dist')
  const all = entries === undefined ? [] : await readdir(sources, { recursive: true })
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      outDir: dist,
      rootDir: sources,
      declaration: true,
      rewriteRelativeImportExtensions: true,
      types: ['node'],
      // `npm run check` has checked them; here the types of the host, which may not be installed beside the guest package, are not looked for.
      noCheck: true,
      paths: {},
    },
    include: [],
    files: [
      ...files.map((file) => join(root, file)),
      ...all.filter((file) => entries?.test(file)).map((file) => join(sources, file)),
      join(root, 'types/webassembly.d.ts'),
      join(root, 'types/whatwg-url-parser.d.ts'),
    ],
  }
  await mkdir(dist, { recursive: true })
  const path = join(dist, 'tsconfig.json')
  await writeFile(path, JSON.stringify(config))
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', path], {
    stdio: 'inherit',
  })
  await rm(path)
  if (status !== 0) process.exit(status ?? 1)
  for (const file of await readdir(dist, { recursive: true })) {
    if (!file.endsWith('.js')) continue
    const text = await readFile(join(dist, file), 'utf8')
    // Not in comments.
    const urls = text.replaceAll(
      /^((?! *[*/]).*new URL\(')(\.[^']*)\.ts'(, import\.meta\.url\))/gm,
      (whole, start, path, end) => {
        const target = resolve(dirname(join(dist, file)), `${path}.js`)
        if (existsSync(target)) return `${start}${path}.js'${end}`
        if (target.startsWith(dist))
          throw new Error(`dist/${file} names ${path}.ts, which was not emitted: add it to bin/prepack.mjs`)
        return whole
      },
    )
    if (urls !== text) await writeFile(join(dist, file), urls)
  }
}

async function addEngines(folder) {
  const { engineComponent } = await import('../src/build/engine-component.ts')
  const names = ['starlingmonkey', 'quickjs']
  const components = []
  for (const engine of names) components.push((await engineComponent(engine)).component)
  // Only when both are there: what lies in the folder counts as built.
  await mkdir(folder, { recursive: true })
  for (const [index, component] of components.entries()) await writeFile(join(folder, `${names[index]}.wasm`), component)
}
