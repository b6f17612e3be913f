/* SPDX-License-Identifier: Apache-2.0 */
#include "file/hdf5_load.h"

#include "base/error.h"
#include "base/module.h"

#include <pthread.h>

#define FILE_NAME ARK_MODULE_FILE("hdf5")
#define PURPOSE "HDF5 (Debian: libhdf5-103-1 or later; libhdf5-dev where libarrakis is built)"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const ark_hdf5_module *loaded;

static arrakis_status load_module(arrakis_error *err)
{
    void (*symbol)(void);
    ARK_TRY(ark_module_load(&symbol, FILE_NAME, ARK_HDF5_MODULE_SYMBOL, PURPOSE, err));
    const ark_hdf5_module *(*table)(void) = (const ark_hdf5_module *(*)(void))symbol;
    const ark_hdf5_module *module = table ? table() : NULL;
    if (!module || module->version != ARK_HDF5_MODULE_VERSION)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        FILE_NAME " has interface %u, expected %u: it belongs to another build",
                        module ? module->version : 0, ARK_HDF5_MODULE_VERSION);
    loaded = module;
    return ARRAKIS_OK;
}

arrakis_status ark_hdf5_load(const ark_hdf5_module **out, arrakis_error *err)
{
    pthread_mutex_lock(&lock);
    arrakis_status rc = loaded ? ARRAKIS_OK : load_module(err);
    *out = loaded;
    pthread_mutex_unlock(&lock);
    return rc;
}
