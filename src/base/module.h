/* SPDX-License-Identifier: Apache-2.0 */
/* Modules of the library: shared objects beside it, loaded when first needed, so that a program needs
 * the libraries behind them only when it uses them. */
#ifndef ARK_BASE_MODULE_H
#define ARK_BASE_MODULE_H

#include <arrakis/arrakis.h>

#define ARK_MODULE_TEXT_(x) #x
#define ARK_MODULE_VALUE_(x) ARK_MODULE_TEXT_(x)
/* The file of a module: "libarrakis-grpc.so.0.1" of "grpc". */
#define ARK_MODULE_FILE(name)                                                                     \
    "libarrakis-" name                                                                            \
    ".so." ARK_MODULE_VALUE_(ARRAKIS_VERSION_MAJOR) "." ARK_MODULE_VALUE_(ARRAKIS_VERSION_MINOR)

/* Load a module, which is never unloaded, and find its one symbol, a function: *symbol is NULL where
 * the module does not have it. EUNSUPPORTED: it does not load; the text names `purpose`, which needs
 * it. */
arrakis_status ark_module_load(void (**symbol)(void), const char *file, const char *name,
                               const char *purpose, arrakis_error *err);

#endif
