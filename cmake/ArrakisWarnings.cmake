# SPDX-License-Identifier: Apache-2.0
# Warnings for our own C code. -Werror stands in the presets only, so that a new compiler's new
# warning never breaks a packager's build.
add_library(arrakis_warnings INTERFACE)
target_compile_options(arrakis_warnings INTERFACE
    $<$<COMPILE_LANG_AND_ID:C,GNU,Clang>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wcast-qual;-Wstrict-prototypes;-Wmissing-prototypes;-Wvla>)
# Messages are cut to their buffers on purpose, by snprintf.
target_compile_options(arrakis_warnings INTERFACE
    $<$<COMPILE_LANG_AND_ID:C,GNU>:-Wno-format-truncation>)
# The macros that librdkafka's calls of variable length need have them; in ours gcc finds them.
target_compile_options(arrakis_warnings INTERFACE
    $<$<COMPILE_LANG_AND_ID:C,Clang>:-Wno-gnu-statement-expression>)
