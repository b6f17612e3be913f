/* SPDX-License-Identifier: Apache-2.0 */
#include "read/row_schema.h"

#include "arrow/ipc.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static arrakis_status find_column(const ark_schema *schema, const char *name, size_t *column,
                                  arrakis_error *err)
{
    size_t found = 0;
    for (size_t i = 0; i < schema->count; i++)
        if (!strcmp(schema->fields[i].name, name)) {
            *column = i;
            found++;
        }
    if (found == 1)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EFORMAT, "%s column \"%s\": expected time, id and data",
                    found ? "more than one" : "no", name);
}

static arrakis_status find_columns(ark_row_schema *row_schema, arrakis_error *err)
{
    const ark_schema *schema = row_schema->schema;
    ARK_TRY(find_column(schema, "time", &row_schema->time_column, err));
    ARK_TRY(find_column(schema, "id", &row_schema->id_column, err));
    ARK_TRY(find_column(schema, "data", &row_schema->data_column, err));
    const ark_schema_field *time = &schema->fields[row_schema->time_column],
                           *id = &schema->fields[row_schema->id_column];
    if (time->kind != ARK_TYPE_PRIMITIVE || time->dtype != ARRAKIS_INT64)
        return ark_fail(err, ARRAKIS_EFORMAT, "column time is %s, expected int64",
                        time->type_name);
    if (id->kind != ARK_TYPE_PRIMITIVE ||
        (id->dtype != ARRAKIS_UINT32 && id->dtype != ARRAKIS_INT32))
        return ark_fail(err, ARRAKIS_EFORMAT, "column id is %s, expected uint32 or int32",
                        id->type_name);
    return ARRAKIS_OK;
}

static arrakis_status read_schema(ark_row_schema **out, const uint8_t *data, size_t size,
                                  arrakis_error *err)
{
    ark_ipc_message message;
    ARK_TRY(ark_ipc_parse(&message, data, size, err));
    if (message.kind != ARK_IPC_SCHEMA)
        return ark_fail(err, ARRAKIS_EFORMAT, "the message does not begin with a schema");
    ark_row_schema *row_schema = malloc(sizeof *row_schema + message.size);
    if (!row_schema)
        return ark_no_memory(err, "a schema of %zu bytes", message.size);
    *row_schema = (ark_row_schema){.refs = 1, .size = message.size};
    memcpy(row_schema->bytes, data, message.size);
    arrakis_status rc = ark_schema_read(&row_schema->schema, &message, err);
    if (rc < 0 || (rc = find_columns(row_schema, err)) < 0) {
        ark_row_schema_unref(row_schema);
        return rc;
    }
    *out = row_schema;
    return ARRAKIS_OK;
}

arrakis_status ark_row_schema_get(ark_row_schema **out, ark_row_schema **latest,
                                  const uint8_t *data, size_t size, arrakis_error *err)
{
    if (!latest)
        return read_schema(out, data, size, err);
    if (!ark_row_schema_begins(*latest, data, size)) {
        ark_row_schema *row_schema;
        ARK_TRY(read_schema(&row_schema, data, size, err));
        ark_row_schema_unref(*latest);
        *latest = row_schema;
    }
    (*latest)->refs++;
    *out = *latest;
    return ARRAKIS_OK;
}

void ark_row_schema_unref(ark_row_schema *row_schema)
{
    if (!row_schema || --row_schema->refs)
        return;
    ark_schema_free(row_schema->schema);
    free(row_schema);
}
