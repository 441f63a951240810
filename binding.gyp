{
  "variables": { "blst": "<!(node native/blst-path.mjs)" },
  "target_defaults": {
    "cflags": ["-O3", "-fvisibility=hidden", "-Wall", "-Wextra"],
    "cflags_c": ["-std=gnu11"],
    "xcode_settings": { "GCC_C_LANGUAGE_STANDARD": "gnu11", "GCC_SYMBOLS_PRIVATE_EXTERN": "YES" }
  },
  "targets": [
    {
      "target_name": "holdfast_kernels",
      "type": "static_library",
      "sources": [
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
      "cflags": ["-mavx2", "-mfma", "-ffp-contract=off"],
      "xcode_settings": { "OTHER_CFLAGS": ["-mavx2", "-mfma", "-ffp-contract=off"] }
    },
    {
      "target_name": "holdfast_kzg",
      "sources": [
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
        "native/field/opening.c",
        "<(blst)/src/server.c",
        "<(blst)/build/assembly.S"
      ],
      "include_dirs": ["<(blst)/bindings"],
      "defines": ["NAPI_VERSION=8", "__BLST_PORTABLE__"],
      "dependencies": ["holdfast_kernels"]
    }
  ]
}
