import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateFunctionCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import { afterAll, expect, it } from 'vitest'
import { create, invoke, nodeFunction, removeFolders, temporaryFolder } from './host.ts'
import { serve } from './serve.ts'

afterAll(removeFolders)

/** Read when no host has the folder: closing a file of SQLite's in this process would drop its locks. */
async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  expect(files.length).toBeGreaterThan(4)
  const found: string[] = []
  for (const { parentPath, name } of files) if ((await readFile(join(parentPath, name))).includes(text)) found.push(name)
  return found
}

it('writes values of environment variables neither to disk nor to logs or errors', async () => {
  const SECRET = 'hunter2-value-of-a-variable'
  const Environment = { Variables: { TOKEN: SECRET } }
  const folder = await temporaryFolder()
  const host = await serve(folder)
  const { client } = host
  // The snapshot of this one holds the value.
  const source = `const kept = 'kept ' + process.env.TOKEN
export const handler = (event) => { if (event.fail) throw new Error('failed'); return kept.length }`
  await create(client, await nodeFunction('fn', source, { Environment, Publish: true }))
  expect((await invoke(client, 'fn')).value).toBe('kept '.length + SECRET.length)
  expect((await invoke(client, 'fn', { fail: true })).error).toBe('Unhandled')
  // Its top level fails where the variable is there.
  await client.send(new CreateFunctionCommand(await nodeFunction('broken', 'throw new Error("no")', { Environment })))
  await expect(create(client, await nodeFunction('broken2', 'throw new Error("no")', { Environment }))).rejects.toThrow('FAILURE')
  const refused = await client
    .send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: 'fn',
        Environment: { Variables: { TOKEN: SECRET, MORE: SECRET.repeat(1_000) } },
      }),
    )
    .then(
      () => undefined,
      (error: unknown) => String(error),
    )
  expect(refused).toContain('4KB limit')
  expect(refused).not.toContain(SECRET)
  await host.kill()
  expect(host.ampoule.stdout + host.ampoule.stderr).not.toContain(SECRET)
  expect(await filesWith(folder, SECRET)).toEqual([])
  expect(await filesWith(folder, 'broken2')).not.toEqual([])
})
