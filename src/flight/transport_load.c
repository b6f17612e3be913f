/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/transport_load.h"

#include "base/error.h"
#include "base/module.h"

#include <pthread.h>

#define FILE_NAME ARK_MODULE_FILE("grpc")

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const ark_transport *loaded;

static arrakis_status load_module(arrakis_error *err)
{
    void (*symbol)(void);
    ARK_TRY(ark_module_load(&symbol, FILE_NAME, ARK_TRANSPORT_SYMBOL, "talking to a server", err));
    const ark_transport *(*table)(void) = (const ark_transport *(*)(void))symbol;
    const ark_transport *transport = table ? table() : NULL;
    if (!transport || transport->version != ARK_TRANSPORT_VERSION)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        FILE_NAME " has interface %u, expected %u: it belongs to another build",
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
