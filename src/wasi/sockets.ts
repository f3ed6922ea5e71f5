import { Kind, Resource } from './handles.ts'
import { plain, unreachableMethods, type HostInterface } from './interface.ts'
import { IO_ERROR } from './io/error.ts'
import type { SavedResource } from './state.ts'
import { trap } from './trap.ts'

/** wasi:sockets/network error-code `access-denied`. */
const ACCESS_DENIED = 1

const NETWORK: Kind<Network> = new Kind('network')
const TCP_SOCKET: Kind<Resource> = new Kind('tcp-socket')
const UDP_SOCKET: Kind<Resource> = new Kind('udp-socket')
const INCOMING_DATAGRAMS: Kind<Resource> = new Kind('incoming-datagram-stream')
const OUTGOING_DATAGRAMS: Kind<Resource> = new Kind('outgoing-datagram-stream')
const RESOLVE_ADDRESSES: Kind<Resource> = new Kind('resolve-address-stream')

/** The network that a guest may name but not use. */
export class Network extends Resource {
  override readonly kind = NETWORK

  override describe(): SavedResource {
    return { type: 'network' }
  }
}

/** result<own<…-socket>, error-code>: access-denied. */
const denySocket = plain((_host, memory) => (family: number, result: number) => {
  if (family >>> 0 > 1) trap(`ip-address-family ${family >>> 0}`)
  const area = memory.area(result, 8, 4)
  area.u8(0, 1)
  area.u8(4, ACCESS_DENIED)
})

const tcpMethods = [
  'start-bind',
  'finish-bind',
  'start-connect',
  'finish-connect',
  'start-listen',
  'finish-listen',
  'accept',
  'shutdown',
  'subscribe',
  'local-address',
  'remote-address',
  'is-listening',
  'address-family',
  'set-listen-backlog-size',
  'keep-alive-enabled',
  'set-keep-alive-enabled',
  'keep-alive-idle-time',
  'set-keep-alive-idle-time',
  'keep-alive-interval',
  'set-keep-alive-interval',
  'keep-alive-count',
  'set-keep-alive-count',
  'hop-limit',
  'set-hop-limit',
  'receive-buffer-size',
  'set-receive-buffer-size',
  'send-buffer-size',
  'set-send-buffer-size',
]

const udpMethods = [
  'start-bind',
  'finish-bind',
  'stream',
  'local-address',
  'remote-address',
  'address-family',
  'unicast-hop-limit',
  'set-unicast-hop-limit',
  'receive-buffer-size',
  'set-receive-buffer-size',
  'send-buffer-size',
  'set-send-buffer-size',
  'subscribe',
]

/** wasi:sockets 0.2: everything links, nothing is granted. A socket cannot come into being, so its methods trap on the handle. */
export const socketsInterfaces: Readonly<Record<string, HostInterface>> = {
  'wasi:sockets/instance-network': {
    resources: {},
    functions: { 'instance-network': plain((host) => () => host.table.add(new Network())) },
  },
  'wasi:sockets/network': {
    resources: { network: NETWORK },
    functions: {
      'network-error-code': plain((host, memory) => (error: number, result: number) => {
        host.table.get(error, IO_ERROR)
        memory.area(result, 2, 1).u8(0, 0)
      }),
    },
  },
  'wasi:sockets/ip-name-lookup': {
    resources: { 'resolve-address-stream': RESOLVE_ADDRESSES },
    functions: {
      ...unreachableMethods(RESOLVE_ADDRESSES, ['resolve-next-address', 'subscribe']),
      'resolve-addresses': plain((host, memory) => (network: number, pointer: number, length: number, result: number) => {
        host.table.get(network, NETWORK)
        memory.string(pointer, length)
        const area = memory.area(result, 8, 4)
        area.u8(0, 1)
        area.u8(4, ACCESS_DENIED)
      }),
    },
  },
  'wasi:sockets/tcp': { resources: { 'tcp-socket': TCP_SOCKET }, functions: unreachableMethods(TCP_SOCKET, tcpMethods) },
  'wasi:sockets/tcp-create-socket': { resources: {}, functions: { 'create-tcp-socket': denySocket } },
  'wasi:sockets/udp': {
    resources: {
      'udp-socket': UDP_SOCKET,
      'incoming-datagram-stream': INCOMING_DATAGRAMS,
      'outgoing-datagram-stream': OUTGOING_DATAGRAMS,
    },
    functions: {
      ...unreachableMethods(UDP_SOCKET, udpMethods),
      ...unreachableMethods(INCOMING_DATAGRAMS, ['receive', 'subscribe']),
      ...unreachableMethods(OUTGOING_DATAGRAMS, ['check-send', 'send', 'subscribe']),
    },
  },
  'wasi:sockets/udp-create-socket': { resources: {}, functions: { 'create-udp-socket': denySocket } },
}
