#!/bin/sh
# Makes kernels.wasm from the C files beside it. Needs clang and lld (Debian: apt-get install clang lld). Run: sh bench/kernels/build.sh
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for file in numbers data text; do
  clang --target=wasm32 -O2 -nostdlib -ffreestanding -mbulk-memory -c -o "$scratch/$file.o" "$file.c"
done
clang --target=wasm32 -O2 -nostdlib -ffreestanding -msimd128 -c -o "$scratch/simd.o" simd.c
wasm-ld --no-entry --strip-all -z stack-size=65536 -o kernels.wasm "$scratch"/*.o
chmod 644 kernels.wasm
ls -l kernels.wasm
