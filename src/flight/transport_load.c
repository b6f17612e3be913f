/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/transport_load.h"

#include "base/error.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define TEXT(x) #x
#define VALUE(x) TEXT(x)
#define MODULE_NAME                                                                               \
    "libarrakis-grpc.so." VALUE(ARRAKIS_VERSION_MAJOR) "." VALUE(ARRAKIS_VERSION_MINOR)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const ark_transport *loaded;

/* The directory of the library, or of the program that it is linked into. */
static void *open_beside(void)
{
    Dl_info info;
    char path[4096];
    if (!dladdr(&loaded, &info) || !info.dli_fname)
        return NULL;
    const char *slash = strrchr(info.dli_fname, '/');
    int n = slash ? snprintf(path, sizeof path, "%.*s/%s", (int)(slash - info.dli_fname),
                             info.dli_fname, MODULE_NAME)
                  : -1;
    return n > 0 && (size_t)n < sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)
                                            : NULL;
}

/* The module is never unloaded: threads of gRPC may run longer than its shutdown. */
static arrakis_status load_module(arrakis_error *err)
{
    void *module = open_beside();
    if (!module)
        module = dlopen(MODULE_NAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!module)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "talking to a server needs " MODULE_NAME ", which does not load: %s",
                        dlerror());
    const ark_transport *(*table)(void) = NULL;
    /* the way of POSIX to convert what dlsym() returns */
    *(void **)(&table) = dlsym(module, ARK_TRANSPORT_SYMBOL);
    const ark_transport *transport = table ? table() : NULL;
    if (!transport || transport->version != ARK_TRANSPORT_VERSION)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        MODULE_NAME " has interface %u, expected %u: it belongs to another build",
                        transport ? transport->version : 0, ARK_TRANSPORT_VERSION);
    loaded = transport;
    return ARRAKIS_OK;
}

arrakis_status ark_transport_load(const ark_transport **out, arrakis_error *err)
{
    pthread_mutex_lock(&lock);
    arrakis_status rc = loaded ? ARRAKIS_OK : load_module(err);
    *out = loaded;
    pthread_mutex_unlock(&lock);
    return rc;
}
