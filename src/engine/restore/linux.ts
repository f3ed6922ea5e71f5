import { openSync } from 'node:fs'
import koffi from 'koffi'

/** The system calls of the dirty-pages strategy, by way of libc. Constants: Linux UAPI headers `linux/fs.h`, `linux/memfd.h`, `bits/mman.h`. */
export interface Linux {
  readonly pageSize: number
  addressOf(buffer: ArrayBufferLike): number
  view(address: number, length: number): Uint8Array
  /** A sealed memfd with these bytes (ISOLATION.md 4). */
  sealedFile(name: string, bytes: Uint8Array): number
  mapPrivate(address: number, length: number, fd: number): void
  mapReadOnly(length: number, fd: number): number
  unmap(address: number, length: number): void
  close(fd: number): void
  protect(address: number, length: number, access: 'none' | 'read-write'): void
  /** Drops private pages: the mapped file, or zeros, show again. */
  drop(address: number, length: number): void
  scanner(capacity: number): DirtyPageScanner
  /**
   * Page faults that the calling thread has taken since it began. A page of a private mapping becomes the process's own by a fault of the
   * thread that writes it and in no other way, so while the count stands still no page has.
   */
  faults(): bigint
}

/** Finds the pages of a private file mapping that are no longer the file's. */
export interface DirtyPageScanner {
  /** Byte ranges [start, end) in the flat array, complete (ISOLATION.md 1); the array is reused by the next call. */
  scan(address: number, length: number): { readonly count: number; readonly ranges: Float64Array }
}

const MFD_CLOEXEC = 1
const MFD_ALLOW_SEALING = 2
const F_ADD_SEALS = 1033
const SEALS = 0x1 | 0x2 | 0x4 | 0x8 // SEAL, SHRINK, GROW, WRITE
const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_PRIVATE = 2
const MAP_FIXED = 16
const MADV_DONTNEED = 4
const SC_PAGESIZE = 30

const PAGEMAP_SCAN = 0xc0606610 // _IOWR('f', 16, struct pm_scan_arg of 96 bytes)
const PAGE_IS_FILE = 1n << 2n
const PAGE_IS_PRESENT = 1n << 3n
const PAGE_IS_SWAPPED = 1n << 4n
const PAGE_IS_PFNZERO = 1n << 5n
const REGION_WORDS = 3 // struct page_region: start, end, categories
const ARGUMENT_BYTES = 96

const RUSAGE_THREAD = 1
const RUSAGE_WORDS = 18 // struct rusage
const RU_MINFLT = 8
const RU_MAJFLT = 9

/** Throws where libc or one of the calls is missing. */
export function openLinux(): Linux {
  const libc = koffi.load('libc.so.6')
  const memfdCreate = libc.func('int memfd_create(const char *, unsigned int)')
  const fcntl = libc.func('int fcntl(int, int, int)')
  const write = libc.func('intptr_t write(int, const void *, size_t)')
  const close = libc.func('int close(int)')
  const mmap = libc.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)')
  const munmap = libc.func('int munmap(uintptr_t, size_t)')
  const mprotect = libc.func('int mprotect(uintptr_t, size_t, int)')
  const madvise = libc.func('int madvise(uintptr_t, size_t, int)')
  const ioctl = libc.func('int ioctl(int, unsigned long, void *)')
  const sysconf = libc.func('long sysconf(int)')
  const getrusage = libc.func('int getrusage(int, void *)')

  const checked = (call: string, result: number): number => {
    if (result < 0) throw new Error(`${call} failed (errno ${koffi.errno()})`)
    return result
  }

  const usage = new BigInt64Array(RUSAGE_WORDS)
  // By Node, which closes it when the lane's thread ends.
  const pagemap = openSync('/proc/self/pagemap', 'r')

  return {
    pageSize: Number(sysconf(SC_PAGESIZE)),
    addressOf: (buffer) => Number(koffi.address(buffer)),
    view: (address, length) => new Uint8Array(koffi.view(BigInt(address), length)),

    sealedFile(name, bytes) {
      const fd = checked('memfd_create', Number(memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)))
      try {
        for (let done = 0; done < bytes.length;) {
          const part = bytes.subarray(done, done + (1 << 30))
          done += checked('write', Number(write(fd, part, part.length)))
        }
        checked('fcntl F_ADD_SEALS', Number(fcntl(fd, F_ADD_SEALS, SEALS)))
        return fd
      } catch (error) {
        close(fd)
        throw error
      }
    },

    mapPrivate(address, length, fd) {
      const at = Number(mmap(address, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0))
      if (at !== address) throw new Error(`mmap failed (errno ${koffi.errno()})`)
    },

    mapReadOnly(length, fd) {
      return checked('mmap', Number(mmap(0, length, PROT_READ, MAP_SHARED, fd, 0)))
    },

    unmap: (address, length) => void checked('munmap', Number(munmap(address, length))),
    close: (fd) => void checked('close', Number(close(fd))),
    protect: (address, length, access) =>
      void checked('mprotect', Number(mprotect(address, length, access === 'none' ? 0 : PROT_READ | PROT_WRITE))),
    drop: (address, length) => void checked('madvise', Number(madvise(address, length, MADV_DONTNEED))),

    faults() {
      checked('getrusage', Number(getrusage(RUSAGE_THREAD, usage)))
      return usage[RU_MINFLT]! + usage[RU_MAJFLT]!
    },

    scanner(capacity) {
      const argument = new BigUint64Array(ARGUMENT_BYTES / 8)
      const regions = new BigUint64Array(capacity * REGION_WORDS)
      // As two halves, because a bigint is an allocation: with some sixty ranges they cost a third of a scan.
      const halves = new Uint32Array(regions.buffer)
      const word = (index: number): number => halves[2 * index]! + halves[2 * index + 1]! * 2 ** 32
      // Addresses of JavaScript buffers stay put: both live outside the collector's moving space from their creation on.
      const [size, , start, end, walkEnd, vec, vecLength, , inverted, mask, anyOf, returned] = argument.keys()
      argument[size!] = BigInt(ARGUMENT_BYTES)
      argument[vec!] = koffi.address(regions.buffer)
      argument[vecLength!] = BigInt(capacity)
      argument[inverted!] = PAGE_IS_FILE
      argument[mask!] = PAGE_IS_FILE
      argument[anyOf!] = PAGE_IS_PRESENT | PAGE_IS_SWAPPED
      argument[returned!] = PAGE_IS_FILE | PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_PFNZERO
      const argumentBuffer = new Uint8Array(argument.buffer)
      let ranges = new Float64Array(capacity * 2)

      return {
        scan(address, length) {
          const stop = BigInt(address + length)
          let from = BigInt(address)
          let count = 0
          for (;;) {
            argument[start!] = from
            argument[end!] = stop
            argument[walkEnd!] = 0n
            const found = checked('ioctl PAGEMAP_SCAN', Number(ioctl(pagemap, PAGEMAP_SCAN, argumentBuffer)))
            if ((count + found) * 2 > ranges.length) {
              const larger = new Float64Array((count + found) * 4)
              larger.set(ranges)
              ranges = larger
            }
            for (let i = 0; i < found; i++, count++) {
              ranges[count * 2] = word(i * REGION_WORDS)
              ranges[count * 2 + 1] = word(i * REGION_WORDS + 1)
            }
            // A full vector ends a walk early without saying so; only a vector with room left proves the end.
            if (found < capacity) return { count, ranges }
            const next = argument[walkEnd!]!
            if (next <= from) throw new Error('PAGEMAP_SCAN does not advance')
            from = next
          }
        },
      }
    },
  }
}
