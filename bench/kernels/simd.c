/* The one kernel that is compiled with SIMD. */
#include <wasm_simd128.h>
#include "kernels.h"

#define N 4096
static float a[N], b[N];

KERNEL(simd) {
  for (u32 i = 0; i < N; i++) {
    a[i] = (float)(i % 97) * 0.25f;
    b[i] = (float)(i % 89) * 0.5f;
  }
  float total = 0;
  for (u32 t = 0; t < times; t++) {
    v128_t sum = wasm_f32x4_const(0, 0, 0, 0);
    for (u32 i = 0; i < N; i += 4) sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_v128_load(a + i), wasm_v128_load(b + i)));
    a[t & (N - 1)] += 0.125f;
    total += wasm_f32x4_extract_lane(sum, 0) + wasm_f32x4_extract_lane(sum, 1) + wasm_f32x4_extract_lane(sum, 2) + wasm_f32x4_extract_lane(sum, 3);
  }
  return (u32)(long long)total;
}
