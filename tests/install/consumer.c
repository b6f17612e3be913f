/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/arrakis.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    printf("%s %s\n", arrakis_version(), arrakis_status_name(ARRAKIS_EGAP));
    return strcmp(arrakis_version(), ARRAKIS_VERSION) != 0;
}
