import { AmpouleError } from '../errors.ts'
import { LogOutput } from './cli.ts'
import type { Mount } from './contract.ts'
import { Descriptor, DirectoryEntries, FileInput, FileOutput } from './filesystem/descriptor.ts'
import { findMounted } from './filesystem/mount.ts'
import {
  DirectoryNode,
  FileNode,
  isMounted,
  LinkNode,
  ownFile,
  type AnyFile,
  type Node,
  type OwnNode,
} from './filesystem/node.ts'
import type { Resource } from './handles.ts'
import type { Host } from './host.ts'
import { FutureTrailers } from './http/bodies.ts'
import { FieldList, Fields } from './http/fields.ts'
import { OutgoingRequest, OutgoingResponse, RequestOptions } from './http/messages.ts'
import { EndedInput } from './io/ended.ts'
import { IoError } from './io/error.ts'
import { Pollable, Timer } from './io/poll.ts'
import { InputStream, OutputStream } from './io/streams.ts'
import { Network } from './sockets.ts'
import type { SavedMounted, SavedNode, SavedOwn, SavedResource, SavedState } from './state.ts'

/** The live state of a host; throws InvalidComponent when a live resource cannot be described. */
export function saveState(host: Host): SavedState {
  if (host.exchange !== undefined) throw new AmpouleError('Internal', 'the state was asked for during an HTTP call')
  const nodes: Node[] = [host.tree.root]
  const nodeIndices = new Map<Node, number>([[host.tree.root, 0]])
  const node = (one: Node): number => {
    const known = nodeIndices.get(one)
    if (known !== undefined) return known
    nodeIndices.set(one, nodes.length)
    return nodes.push(one) - 1
  }
  const { entries } = host.table
  const handle = (resource: Resource): number => entries.indexOf(resource)
  const handles = entries.map((resource) => resource?.describe({ node, handle }) ?? null)
  const saved: SavedNode[] = []
  let unused = 0
  // `nodes` grows while directories are described
  for (const one of nodes) {
    saved.push(describeNode(one, node))
    if (one.type === 'file' && !isMounted(one)) unused += one.capacity - one.size
  }
  return { handles, free: [...host.table.free], nodes: saved, nextNode: host.tree.nextId, held: host.account.held - unused }
}

function describeNode(node: Node, index: (node: Node) => number): SavedNode {
  if (isMounted(node)) return { type: 'mounted', mount: node.mount, path: node.path }
  const common = { id: node.id, times: [node.accessed, node.modified, node.changed] as const }
  switch (node.type) {
    case 'file':
      return { ...common, type: 'file', bytes: node.read(0, node.size).slice() }
    case 'directory':
      return { ...common, type: 'directory', entries: Array.from(node.entries, ([name, entry]) => [name, index(entry)] as const) }
    case 'link':
      return { ...common, type: 'link', target: node.target }
    default:
      return node satisfies never
  }
}

/** Makes everything of `host` anew from `state`. */
export function reviveState(host: Host, state: SavedState): void {
  host.table.reset([undefined], [])
  // what the invocation held must not stand in the way of what the state holds
  host.account.reset(0)
  const nodes = reviveNodes(state, host.environment.mounts ?? [])
  const root = nodes[0]
  if (root?.type !== 'directory' || isMounted(root)) throw new AmpouleError('Internal', 'a saved state without root directory')
  host.tree.root = root
  host.tree.nextId = state.nextNode
  const made: (Resource | undefined)[] = state.handles.map(() => undefined)
  const make = (handle: number): Resource | undefined => {
    const saved = state.handles[handle] ?? null
    if (saved === null) return undefined
    return (made[handle] ??= reviveResource(host, saved, nodes, make))
  }
  for (let handle = 0; handle < made.length; handle++) make(handle)
  host.table.reset(made, state.free)
  host.tree.changes = 0
  host.account.reset(state.held)
}

function reviveNodes(state: SavedState, mounts: readonly Mount[]): Node[] {
  const nodes = state.nodes.map((saved) => (saved.type === 'mounted' ? reviveMounted(saved, mounts) : reviveNode(saved)))
  for (const [index, saved] of state.nodes.entries()) {
    const directory = nodes[index]
    if (saved.type !== 'directory' || !(directory instanceof DirectoryNode)) continue
    for (const [name, entry] of saved.entries) {
      const node = nodes[entry]
      if (node === undefined || isMounted(node)) throw new AmpouleError('Internal', 'a saved directory names no node')
      directory.entries.set(name, node)
      node.links++
    }
  }
  if (nodes[0] instanceof DirectoryNode) nodes[0].links++
  return nodes
}

function reviveMounted({ mount, path }: SavedMounted, mounts: readonly Mount[]): Node {
  const root = mounts.find((one) => one.path === mount)?.root
  return (root === undefined ? undefined : findMounted(root, path)) ?? lost(`file ${mount}/${path}`)
}

function reviveNode(saved: SavedOwn): OwnNode {
  const [accessed, modified, changed] = saved.times
  const node =
    saved.type === 'file'
      ? new FileNode(saved.id, accessed)
      : saved.type === 'link'
        ? new LinkNode(saved.id, accessed, saved.target)
        : new DirectoryNode(saved.id, accessed)
  node.modified = modified
  node.changed = changed
  if (saved.type === 'file' && node.type === 'file') node.adopt(saved.bytes)
  return node
}

function reviveResource(
  host: Host,
  saved: SavedResource,
  nodes: readonly Node[],
  find: (handle: number) => Resource | undefined,
): Resource {
  switch (saved.type) {
    case 'ended-input':
      return new EndedInput()
    case 'network':
      return new Network()
    case 'log-output':
      return new LogOutput(saved.name, host)
    case 'timer':
      return new Pollable(new Timer(saved.when, host.environment))
    case 'pollable': {
      const parent = find(saved.parent)
      if (!(parent instanceof InputStream || parent instanceof OutputStream || parent instanceof FutureTrailers))
        return lost('parent')
      return adopted(new Pollable(parent), parent)
    }
    case 'error':
      return new IoError(saved.failure)
    case 'descriptor': {
      const node = nodes[saved.node]
      return node === undefined || node.type === 'link' ? lost('node') : new Descriptor(node, saved.flags, host)
    }
    case 'directory-entries':
      return new DirectoryEntries(saved.entries, host)
    case 'file-input':
      return new FileInput(file(nodes, saved.node), saved.position, host)
    case 'file-output': {
      const stream = new FileOutput(ownFile(file(nodes, saved.node)), saved.position, host)
      if (saved.closed) stream.shut()
      return stream
    }
    case 'fields': {
      if (saved.parent === null) return new Fields(fieldList(host, saved.entries), saved.immutable, host)
      const parent = find(saved.parent)
      if (!(parent instanceof OutgoingRequest || parent instanceof OutgoingResponse)) return lost('parent')
      return adopted(new Fields(parent.headers, true, host), parent)
    }
    case 'outgoing-request': {
      const request = new OutgoingRequest(fieldList(host, saved.headers), host)
      request.setLine(saved.line)
      request.changes = 0
      return request
    }
    case 'outgoing-response': {
      const response = new OutgoingResponse(fieldList(host, saved.headers), host)
      response.status = saved.status
      return response
    }
    case 'request-options':
      return new RequestOptions(saved.timeouts)
    case 'future-trailers':
      return new FutureTrailers(saved.taken)
    default:
      return saved satisfies never
  }
}

function adopted(resource: Resource, parent: Resource): Resource {
  resource.parent = parent
  parent.children++
  return resource
}

function fieldList(host: Host, entries: readonly (readonly [name: string, value: string])[]): FieldList {
  const list = new FieldList()
  for (const [name, value] of entries) list.append(name, value, host)
  return list
}

function file(nodes: readonly Node[], index: number): AnyFile {
  const node = nodes[index]
  return node?.type === 'file' ? node : lost('file')
}

function lost(what: string): never {
  throw new AmpouleError('Internal', `a saved handle has lost its ${what}`)
}

/** Whether two pieces of plain data are the same. */
export function sameData(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    if (!(left instanceof Uint8Array && right instanceof Uint8Array)) return false
    return left.length === right.length && left.every((byte, index) => byte === right[index])
  }
  const others = new Map(Object.entries(right))
  const entries = Object.entries(left)
  return entries.length === others.size && entries.every(([key, value]) => others.has(key) && sameData(value, others.get(key)))
}
