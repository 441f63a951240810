#!/usr/bin/env bash
# Rebuilds node/kzg/field-kernel.wasm from native/wasm. Needs clang with the wasm32 target and wasm-ld (LLVM 16 or newer).
# The compiler is ${CC:-clang}. Results may differ in bytes between compiler versions, never in what they compute.
set -euo pipefail
cd "$(dirname "$0")/.."
cc=${CC:-clang}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

node scripts/field-constants.ts > "$work/constants.c"
cmp -s "$work/constants.c" native/wasm/constants.c || cp "$work/constants.c" native/wasm/constants.c

flags=(--target=wasm32 -std=c11 -O3 -ffreestanding -ffp-contract=off -msimd128 -mbulk-memory -Wall -Wextra -Werror)
"$cc" "${flags[@]}" -mrelaxed-simd -DHOLDFAST_FMA -c native/wasm/kernel.c -o "$work/fma.o"
"$cc" "${flags[@]}" -c native/wasm/kernel.c -o "$work/integer.o"
"$cc" "${flags[@]}" -c native/wasm/canonical.c -o "$work/canonical.o"
"$cc" "${flags[@]}" -c native/wasm/constants.c -o "$work/constants.o"
"$cc" --target=wasm32 -nostdlib -Wl,--no-entry,--strip-all,--export=__heap_base,-z,stack-size=65536 \
  "$work"/{fma,integer,canonical,constants}.o -o "$work/field-kernel.wasm"

node scripts/stamp-wasm.ts "$work/field-kernel.wasm" node/kzg/field-kernel.wasm
