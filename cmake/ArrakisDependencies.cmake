# SPDX-License-Identifier: Apache-2.0
# ARRAKIS_LIBRARIES: what the library links. ARRAKIS_REQUIRES: the same as pkg-config modules.
# ARRAKIS_PKG_TARGETS: the same as target=module,... for a static library's package file.
find_package(PkgConfig REQUIRED)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka>=2.0)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
set(ARRAKIS_LIBRARIES
    PkgConfig::RDKAFKA PkgConfig::JANSSON PkgConfig::PCRE2 PkgConfig::ZLIB Threads::Threads m)
set(ARRAKIS_REQUIRES "rdkafka >= 2.0, jansson, libpcre2-8, zlib")
set(ARRAKIS_PKG_TARGETS RDKAFKA=rdkafka JANSSON=jansson PCRE2=libpcre2-8 ZLIB=zlib)

# SHA-256 and secure random bytes come from libcrypto where the sources ask for it.
file(GLOB_RECURSE users CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/*.c)
foreach(source ${users})
    file(STRINGS ${source} openssl REGEX "#include <openssl/" LIMIT_COUNT 1)
    if(openssl)
        set(ARRAKIS_OPENSSL ON)
    endif()
endforeach()
if(ARRAKIS_OPENSSL)
    pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
    list(APPEND ARRAKIS_LIBRARIES PkgConfig::CRYPTO)
    string(APPEND ARRAKIS_REQUIRES ", libcrypto")
    list(APPEND ARRAKIS_PKG_TARGETS CRYPTO=libcrypto)
endif()

# Only the module of src/flight/grpc.c links it, and that is loaded when first needed.
pkg_check_modules(GRPC IMPORTED_TARGET grpc gpr)
option(ARRAKIS_FLIGHT "Talk to Arrakis servers by Arrow Flight (needs gRPC)" ${GRPC_FOUND})
if(ARRAKIS_FLIGHT AND NOT GRPC_FOUND)
    message(FATAL_ERROR "ARRAKIS_FLIGHT needs gRPC's C core (Debian: libgrpc-dev)")
endif()

# Only the module of src/file/hdf5.c links it, and that is loaded when first needed.
pkg_check_modules(HDF5 IMPORTED_TARGET hdf5 zlib)
option(ARRAKIS_HDF5 "Record in HDF5 (needs libhdf5)" ${HDF5_FOUND})
if(ARRAKIS_HDF5 AND NOT HDF5_FOUND)
    message(FATAL_ERROR "ARRAKIS_HDF5 needs libhdf5 and zlib (Debian: libhdf5-dev)")
endif()
