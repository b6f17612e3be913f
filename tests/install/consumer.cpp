/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/arrakis.h>

#include <iostream>

int main()
{
    std::cout << arrakis_version() << ' ' << arrakis_status_name(ARRAKIS_EGAP) << '\n';
    return std::string(arrakis_version()) != ARRAKIS_VERSION;
}
