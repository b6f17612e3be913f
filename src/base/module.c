/* SPDX-License-Identifier: Apache-2.0 */
#include "base/module.h"

#include "base/error.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* In the directory of the library, or of the program that it is linked into. */
static void *open_beside(const char *file)
{
    static const char here;
    Dl_info info;
    char path[4096];
    if (!dladdr(&here, &info) || !info.dli_fname)
        return NULL;
    const char *slash = strrchr(info.dli_fname, '/');
    int n = slash ? snprintf(path, sizeof path, "%.*s/%s", (int)(slash - info.dli_fname),
                             info.dli_fname, file)
                  : -1;
    return n > 0 && (size_t)n < sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)
                                            : NULL;
}

arrakis_status ark_module_load(void (**symbol)(void), const char *file, const char *name,
                               const char *purpose, arrakis_error *err)
{
    void *module = open_beside(file);
    if (!module)
        module = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!module)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED, "%s needs %s, which does not load: %s", purpose,
                        file, dlerror());
    /* the way of POSIX to convert what dlsym() returns */
    *(void **)symbol = dlsym(module, name);
    return ARRAKIS_OK;
}
