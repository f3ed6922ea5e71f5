#!/bin/sh
# Makes echo.core.wasm from echo.c. Needs clang and lld (Debian: apt-get install clang lld).
cd "$(dirname "$0")" && clang --target=wasm32 -Os -nostdlib -mbulk-memory -Wall -Wextra \
  -Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=16384 -o echo.core.wasm echo.c
