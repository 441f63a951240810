{
  "variables": {
    "blst": "<!(node native/blst-path.mjs)",
    "kernel_sources": [
      "native/group/affine.c",
      "native/group/digits.c",
      "native/group/fixed-base.c",
      "native/group/fp.c",
      "native/group/fp-constants.c",
      "native/group/fp-integer.c",
      "native/group/fp-inverse.c",
      "native/group/jacobian.c",
      "native/group/point-codec.c",
      "native/group/segment-sums.c",
      "native/field/constants.c",
      "native/field/kernel.c"
    ],
    "addon_sources": [
      "native/addon/addon.c",
      "native/addon/context.c",
      "native/addon/group-sum.c",
      "native/addon/job.c",
      "native/addon/operations-commit.c",
      "native/addon/operations-field.c",
      "native/addon/operations-group.c",
      "native/addon/operations-setup.c",
      "native/addon/payload.c",
      "native/addon/point-cache.c",
      "native/addon/scalar.c",
      "native/addon/values.c",
      "native/common/blob.c",
      "native/common/memory.c",
      "native/field/fr.c",
      "native/field/opening.c"
    ],
    "avx2": ["-mavx2", "-mfma", "-ffp-contract=off"],
    # The same vectors with 32 registers instead of 16: 13 % less time for a commitment.
    "avx512": ["-mavx2", "-mfma", "-mavx512f", "-mavx512vl", "-mavx512dq", "-mprefer-vector-width=256", "-ffp-contract=off"]
  },
  "target_defaults": {
    "cflags": ["-O3", "-fvisibility=hidden", "-Wall", "-Wextra"],
    "cflags_c": ["-std=gnu11"],
    "xcode_settings": { "GCC_C_LANGUAGE_STANDARD": "gnu11", "GCC_SYMBOLS_PRIVATE_EXTERN": "YES" },
    "include_dirs": ["<(blst)/bindings"],
    "defines": ["NAPI_VERSION=8", "__BLST_PORTABLE__"]
  },
  "targets": [
    {
      "target_name": "holdfast_blst",
      "type": "static_library",
      "sources": ["<(blst)/src/server.c", "<(blst)/build/assembly.S"]
    },
    {
      "target_name": "holdfast_kernels",
      "type": "static_library",
      "sources": ["<@(kernel_sources)"],
      "cflags": ["<@(avx2)"],
      "xcode_settings": { "OTHER_CFLAGS": ["<@(avx2)"] }
    },
    {
      "target_name": "holdfast_kernels_avx512",
      "type": "static_library",
      "sources": ["<@(kernel_sources)"],
      "cflags": ["<@(avx512)"],
      "xcode_settings": { "OTHER_CFLAGS": ["<@(avx512)"] }
    },
    {
      "target_name": "holdfast_kzg",
      "sources": ["<@(addon_sources)"],
      "dependencies": ["holdfast_kernels", "holdfast_blst"]
    },
    {
      "target_name": "holdfast_kzg_avx512",
      "sources": ["<@(addon_sources)"],
      "defines": ["HOLDFAST_AVX512"],
      "dependencies": ["holdfast_kernels_avx512", "holdfast_blst"]
    },
    {
      "target_name": "holdfast_ckzg",
      "sources": ["native/ckzg/addon.c", "native/addon/scalar.c", "native/addon/values.c"],
      "include_dirs": ["<(blst)/../c-kzg"],
      # Of what c-kzg has, one part is used.
      "cflags": ["-Wno-unused-function", "-Wno-missing-braces"],
      "dependencies": ["holdfast_blst"]
    }
  ]
}
