#!/usr/bin/env bash
# Rebuilds node/kzg/field-kernel.wasm and node/kzg/wasm/commitment-kernel.wasm from native/. Needs clang with the wasm32
# target and wasm-ld (LLVM 16 or newer). The compiler is ${CC:-clang}. Results may differ in bytes between compiler
# versions, never in what they compute.
set -euo pipefail
cd "$(dirname "$0")/.."
cc=${CC:-clang}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

generate() { # <script> <file>
  node "scripts/$1" > "$work/constants.c"
  cmp -s "$work/constants.c" "$2" || cp "$work/constants.c" "$2"
}
generate field-constants.ts native/field/constants.c
generate base-field-constants.ts native/group/fp-constants.c

flags=(--target=wasm32 -std=c11 -O3 -ffreestanding -ffp-contract=off -msimd128 -mbulk-memory -Wall -Wextra -Werror)
relaxed=(-mrelaxed-simd)
compile() { "$cc" "${flags[@]}" "${@:3}" -c "$1" -o "$work/$2.o"; }
link() { # <target> <exports, besides those the source names> <object>…
  local target=$1 exports=(__heap_base $2)
  shift 2
  "$cc" --target=wasm32 -nostdlib -Wl,--no-entry,--strip-all,-z,stack-size=65536 "${exports[@]/#/-Wl,--export=}" \
    "${@/#/$work/}" -o "$work/linked.wasm"
  node scripts/stamp-wasm.ts "$work/linked.wasm" "$target"
}

compile native/common/blob.c blob
compile native/common/memory.c memory
compile native/field/constants.c field-constants
compile native/field/kernel.c fma-kernel "${relaxed[@]}"
compile native/wasm/field.c fma-exports "${relaxed[@]}"
compile native/field/kernel.c integer-kernel -DHOLDFAST_INTEGER
compile native/wasm/field.c integer-exports -DHOLDFAST_INTEGER
link node/kzg/field-kernel.wasm "$(echo first_non_canonical {fma,integer}_{accumulator_bytes,clear,accumulate,finish})" \
  {fma-kernel,fma-exports,integer-kernel,integer-exports,blob,field-constants}.o

group=()
for source in native/group/*.c native/field/fr.c native/field/opening.c native/wasm/commitment.c; do
  name=commitment-$(basename "$source" .c)
  compile "$source" "$name" "${relaxed[@]}"
  group+=("$name.o")
done
link node/kzg/wasm/commitment-kernel.wasm first_non_canonical "${group[@]}" blob.o memory.o
