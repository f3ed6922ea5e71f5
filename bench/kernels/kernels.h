/*
 * What all kernels share. Each exported kernel takes how often to repeat its work and returns a checksum, so that
 * two builds of it can be compared for equal answers. No libc, no imports.
 */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define KERNEL(name) __attribute__((export_name(#name))) u32 kernel_##name(u32 times)

/* xorshift32: the same numbers in every run. */
static inline u32 next_random(u32 *state) {
  u32 x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

static inline u32 mix(u32 hash, u32 value) { return (hash ^ value) * 16777619u; }
