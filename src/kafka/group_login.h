/* SPDX-License-Identifier: Apache-2.0 */
/* A login that is refused while a member is in its group: a token that could not be renewed once, a broker
 * that has just started, or one of several. It ends the member only when no broker answers for some time. */
#ifndef ARK_KAFKA_GROUP_LOGIN_H
#define ARK_KAFKA_GROUP_LOGIN_H

#include "kafka/group_state.h"

/* To be called at least every second while no message comes. 10 s after a login was refused, asks for a new
 * token and waits up to 4 s for a broker. EAUTH, with the reason: none answers, and it is still refused;
 * ECANCELED. */
arrakis_status ark_group_login_check(ark_group *group, arrakis_error *err);

#endif
