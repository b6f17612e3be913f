# SPDX-License-Identifier: Apache-2.0
# What makes a memory error that is left harder to use, in optimized builds, as far as the compiler and
# the linker know it. The sanitizer builds have their own means. tools/hardening.sh checks the result.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)
option(ARRAKIS_HARDENING "Hardening flags in optimized builds" ON)
check_pie_supported(LANGUAGES C)

add_library(arrakis_hardening INTERFACE)
set(optimized $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
function(arrakis_harden_compiler name)
    check_c_compiler_flag("${ARGV1}" ARRAKIS_HAVE_${name})
    if(ARRAKIS_HAVE_${name})
        target_compile_options(arrakis_hardening INTERFACE "$<${optimized}:${ARGN}>")
    endif()
endfunction()
function(arrakis_harden_linker name)
    check_linker_flag(C "LINKER:${ARGN}" ARRAKIS_HAVE_${name})
    if(ARRAKIS_HAVE_${name})
        target_link_options(arrakis_hardening INTERFACE "$<${optimized}:LINKER:${ARGN}>")
    endif()
endfunction()

if(ARRAKIS_HARDENING)
    arrakis_harden_compiler(STACK_PROTECTOR -fstack-protector-strong)
    arrakis_harden_compiler(STACK_CLASH -fstack-clash-protection)
    # Shadow stacks cost no instruction. Branch tracking costs one a function, and Linux has it not for
    # programs.
    arrakis_harden_compiler(CF_PROTECTION -fcf-protection=return)
    # The distribution's compiler may have it at another level already.
    target_compile_options(arrakis_hardening INTERFACE
        "$<${optimized}:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
    arrakis_harden_linker(RELRO -z,relro)
    arrakis_harden_linker(NOW -z,now)
    arrakis_harden_linker(NOEXECSTACK -z,noexecstack)
endif()
