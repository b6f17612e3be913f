/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include "interrupt.h"
#include "output_block.h"

int request_run(const struct options *o, request_fn read)
{
    struct names names = {{NULL, 0}, NULL};
    arrakis_client *client = NULL;
    arrakis_request request;
    int code = source_request(&request, o);
    if (!code)
        code = block_printer_check(o);
    if (!code)
        code = names_load(&names, o);
    if (!code && !interrupt_seen())
        code = source_open(&client, o, true);
    if (!code && client)
        code = read(client, &names, &request, o);
    source_close(client);
    names_free(&names);
    return code;
}
