import { readFile, stat } from 'node:fs/promises'
import type { Runtime } from '@aws-sdk/client-lambda'
import { AmpouleError } from '../errors.ts'
import { QUOTAS } from '../functions/quotas.ts'
import type { Command } from './command.ts'
import { listOption, textOption } from './parse.ts'
import { clearProgress, uploadProgress } from './progress.ts'
import { remote } from './remote.ts'
import { formatBytes, formatTable, formatTime } from './table.ts'

const LAYER = { name: 'LAYER', about: 'The layer.', required: true } as const

export const layerCommands: readonly Command[] = [
  remote({
    name: 'layer list',
    summary: 'List the layers of a host, or the versions of one.',
    positionals: [{ ...LAYER, about: 'The layer; all when left out.', required: false }],
    async run({ client, argument }) {
      const LayerName = argument(0)
      if (LayerName !== '') {
        const json = await client.list('ListLayerVersions', { LayerName }, 'LayerVersions')
        const rows = json.LayerVersions.map((one) => [
          `${LayerName}:${one.Version}`,
          formatTime(one.CreatedDate),
          one.Description ?? '',
        ])
        if (rows.length === 0)
          return { json, text: `There is no layer ${LayerName}.`, next: `ampoule layer publish ${LayerName} PATH` }
        return { json, text: formatTable(['layer', 'published', 'description'], rows) }
      }
      const json = await client.list('ListLayers', {}, 'Layers')
      const rows = json.Layers.map(({ LayerName: name, LatestMatchingVersion: latest }) => [
        `${name}:${latest?.Version}`,
        formatTime(latest?.CreatedDate),
        latest?.Description ?? '',
      ])
      if (rows.length === 0) return { json, text: 'There are no layers.', next: 'ampoule layer publish LAYER PATH' }
      return { json, text: formatTable(['latest', 'published', 'description'], rows) }
    },
  }),
  remote({
    name: 'layer publish',
    summary: 'Publish a folder or a zip as the next version of a layer; packages are found below nodejs/node_modules in it.',
    positionals: [LAYER, { name: 'PATH', about: 'The folder, or a zip.', required: true }],
    options: {
      description: { type: 'string', value: 'TEXT', about: 'What is said of the version.' },
      runtime: { type: 'string', value: 'NAME', about: 'A runtime that it is for, such as nodejs24.x.', repeats: true },
    },
    async run({ client, input, io, argument }) {
      const [LayerName, path] = [argument(0), argument(1)]
      const ZipFile = await zipAt(path)
      const Description = textOption(input, 'description')
      const CompatibleRuntimes = listOption(input, 'runtime') as Runtime[]
      const json = await client
        .call(
          'PublishLayerVersion',
          {
            LayerName,
            Content: { ZipFile },
            ...(Description !== undefined && { Description }),
            ...(CompatibleRuntimes.length > 0 && { CompatibleRuntimes }),
          },
          { onUpload: uploadProgress(io, LayerName) },
        )
        .finally(() => clearProgress(io))
      return {
        json,
        text: `${LayerName}:${json.Version} (${formatBytes(ZipFile.length)})`,
        next: `ampoule function update NAME --layer ${LayerName}:${json.Version}`,
      }
    },
  }),
  remote({
    name: 'layer delete',
    summary: 'Delete a version of a layer; functions that use it keep it.',
    positionals: [LAYER, { name: 'VERSION', about: 'The number of the version.', required: true }],
    async run({ client, argument }) {
      const VersionNumber = Number(argument(1))
      if (!/^\d+$/.test(argument(1)))
        throw new AmpouleError(
          'InvalidRequest',
          `VERSION is ${JSON.stringify(argument(1))}: it must be a number, as "ampoule layer list ${argument(0)}" shows it`,
        )
      const json = await client.call('DeleteLayerVersion', { LayerName: argument(0), VersionNumber })
      return { json, text: `version ${VersionNumber} of layer ${argument(0)} is deleted` }
    },
  }),
]

async function zipAt(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch((error: unknown) => {
    throw new AmpouleError('InvalidRequest', `cannot read ${path}: ${(error as Error).message}`, { cause: error })
  })
  const { zipFolder } = await import('./zip.ts')
  const zip = found.isDirectory() ? await zipFolder(path) : await readFile(path)
  requireZipSize(path, zip)
  return zip
}

/** A host would say the same, but only after all of it was sent. */
export function requireZipSize(what: string, { length }: Uint8Array): void {
  if (length > QUOTAS.zippedBytes)
    throw new AmpouleError('PayloadTooLarge', `${what} has ${length} bytes as a zip, the limit is ${QUOTAS.zippedBytes}`)
}
