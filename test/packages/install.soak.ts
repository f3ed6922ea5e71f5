import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mustRun, pack, removePacked, type Packed } from './packages.ts'

/** All that the packages need comes over the network. */
const TIMEOUT_MS = 600_000

let packed: Packed
beforeAll(async () => {
  packed = await pack()
}, TIMEOUT_MS)
afterAll(() => removePacked(packed))

test(
  'a stranger installs the tarballs with npm, and what init made is built, checked and tested',
  async () => {
    const env = { XDG_CACHE_HOME: join(packed.folder, 'cache') }
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
    const first = join(packed.folder, 'first')
    await mkdir(first)
    await writeFile(join(first, 'package.json'), '{ "private": true }')
    await mustRun('npm', ['install', ...quiet, packed.host], { cwd: first })
    await mustRun('npx', ['ampoule', 'init', '../shop', '--template', 'hono'], { cwd: first, env })
    const shop = join(packed.folder, 'shop')
    // Until they are published.
    const manifest = join(shop, 'package.json')
    const text = await readFile(manifest, 'utf8')
    const local = text
      .replace('"ampoule": "^0.1.0"', `"ampoule": ${JSON.stringify(packed.host)}`)
      .replace('"@ampoule/guest": "^0.1.0"', `"@ampoule/guest": ${JSON.stringify(packed.guest)}`)
    expect(local).not.toMatch(/ampoule.*\^/)
    await writeFile(manifest, local)
    await mustRun('npm', ['install', ...quiet], { cwd: shop })
    await mustRun('npm', ['run', 'check'], { cwd: shop, env })
    await mustRun('npm', ['run', 'build'], { cwd: shop, env })
    expect(await mustRun('npm', ['test'], { cwd: shop, env })).toMatch(/Tests .*2 passed/)
  },
  TIMEOUT_MS,
)
