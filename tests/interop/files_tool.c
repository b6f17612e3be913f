/* SPDX-License-Identifier: Apache-2.0 */
/* usage: files_tool CHANNELS PATH...: the blocks of the files, as an Arrow stream on stdout. */
#include <arrakis/arrow.h>
#include <arrakis/file.h>

#include <stdio.h>
#include <stdlib.h>

static arrakis_error err;

static void check(arrakis_status rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: %s\n", arrakis_status_name(rc), err.message);
    exit(1);
}

static void put(const void *data, size_t size)
{
    if (fwrite(data, 1, size, stdout) != size)
        exit(2);
}

static void put_block(arrakis_arrow_writer **writer, const arrakis_block *block)
{
    const void *data;
    size_t size;
    if (!*writer) {
        check(arrakis_arrow_writer_new(writer, arrakis_block_channels(block), &err));
        check(arrakis_arrow_writer_schema(*writer, &data, &size, &err));
        put(data, size);
    }
    check(arrakis_arrow_writer_block(*writer, block, &data, &size, &err));
    put(data, size);
}

int main(int argc, char **argv)
{
    arrakis_channels *channels;
    arrakis_file_reader *reader;
    arrakis_arrow_writer *writer = NULL;
    arrakis_block *block;
    arrakis_status rc;
    if (argc < 3)
        return 2;
    check(arrakis_channels_load(&channels, argv[1], &err));
    check(arrakis_file_reader_open(&reader, (const char *const *)argv + 2, (size_t)argc - 2,
                                   channels, &err));
    while ((rc = arrakis_file_reader_next(reader, &block, &err)) == ARRAKIS_OK) {
        put_block(&writer, block);
        arrakis_block_unref(block);
    }
    check(rc);
    arrakis_file_reader_close(reader);
    arrakis_arrow_writer_free(writer);
    arrakis_channels_unref(channels);
    return fflush(stdout) == 0 ? 0 : 2;
}
