import { plain, type HostInterface } from '../interface.ts'
import { IO_ERROR } from '../io/error.ts'
import { DESCRIPTOR, Descriptor, DIRECTORY_ENTRIES, MUTATE_DIRECTORY, READ } from './descriptor.ts'
import { descriptorFunctions } from './descriptor-functions.ts'
import { FILESYSTEM_ERROR_CODES } from './error-code.ts'
import { pathFunctions } from './path-functions.ts'
import { attempt, DESCRIPTOR_TYPES } from './results.ts'

const types: HostInterface = {
  resources: { descriptor: DESCRIPTOR, 'directory-entry-stream': DIRECTORY_ENTRIES },
  functions: {
    ...descriptorFunctions,
    ...pathFunctions,
    '[method]directory-entry-stream.read-directory-entry': plain((host, memory) => (self: number, result: number) => {
      const entries = host.table.get(self, DIRECTORY_ENTRIES)
      attempt(memory, result, 20, 4, () => {
        const entry = entries.next()
        if (entry !== undefined) memory.putString(result + 12, entry[0])
        return (area) => {
          area.u8(4, entry === undefined ? 0 : 1)
          if (entry !== undefined) area.u8(8, DESCRIPTOR_TYPES[entry[1]])
        }
      })
    }),
    'filesystem-error-code': plain((host, memory) => (error: number, result: number) => {
      const code = host.table.get(error, IO_ERROR).failure.filesystem
      const area = memory.area(result, 2, 1)
      area.u8(0, code === undefined ? 0 : 1)
      if (code !== undefined) area.u8(1, FILESYSTEM_ERROR_CODES.indexOf(code))
    }),
  },
}

const preopens: HostInterface = {
  resources: {},
  functions: {
    'get-directories': plain((host, memory) => (result: number) => {
      const folders = [
        ['/tmp', new Descriptor(host.tree.root, READ | MUTATE_DIRECTORY, host)] as const,
        ...(host.environment.mounts ?? []).map(({ path, root }) => [path, new Descriptor(root, READ, host)] as const),
      ]
      const pointer = memory.allocate(folders.length * 12, 4)
      for (const [index, [path, descriptor]] of folders.entries()) {
        const at = pointer + index * 12
        const handle = host.table.add(descriptor)
        memory.putString(at + 4, path)
        memory.area(at, 12, 4).u32(0, handle)
      }
      memory.putPair(result, pointer, folders.length)
    }),
  },
}

/** wasi:filesystem 0.2: an in-memory /tmp, and the mounts that the environment brings, which nobody can write. */
export const filesystemInterfaces: Readonly<Record<string, HostInterface>> = {
  'wasi:filesystem/types': types,
  'wasi:filesystem/preopens': preopens,
}
