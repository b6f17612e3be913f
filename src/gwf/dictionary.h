/* SPDX-License-Identifier: Apache-2.0 */
/* The structures that a frame file describes itself: its FrSH and FrSE structures. */
#ifndef ARK_GWF_DICTIONARY_H
#define ARK_GWF_DICTIONARY_H

#include "gwf/out.h"

#include <arrakis/arrakis.h>

/* The classes that files are written with. */
enum { ARK_GWF_DICTIONARY_COUNT = 7 };
extern const ark_gwf_class ark_gwf_dictionary_classes[ARK_GWF_DICTIONARY_COUNT];
/* The name of one of them. */
const char *ark_gwf_dictionary_name(ark_gwf_class kind);

/* Write what describes them. */
arrakis_status ark_gwf_dictionary_write(ark_gwf_out *out, arrakis_error *err);

/* The class of the structure with that name, where readers use it; else NO_CLASS. */
ark_gwf_class ark_gwf_dictionary_find(const char *name);

#endif
