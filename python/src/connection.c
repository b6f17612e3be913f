/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <string.h>

static const char *const names[] = {
    "url",       "kafka_url",      "properties",      "allowed_brokers",
    "token",     "insecure_token", "token_hosts",     "ca_file",
    "cert_file", "key_file",       "request_timeout", NULL,
};

static bool listed(PyObject *key, const char *const *list)
{
    for (size_t i = 0; list[i]; i++)
        if (PyUnicode_CompareWithASCIIString(key, list[i]) == 0)
            return true;
    return false;
}

int pyark_connection_check(PyObject *options, const char *const *more, const char *what)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(options, &position, &key, &value)) {
        if (!listed(key, names) && !listed(key, more)) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument %R", what, key);
            return -1;
        }
    }
    return 0;
}

PyObject *pyark_connection_option(PyObject *options, const char *name)
{
    PyObject *value = PyDict_GetItemString(options, name);
    return value == Py_None ? NULL : value;
}

/* librdkafka takes texts alone: numbers and bools as it spells them. */
static PyObject *property_text(PyObject *value)
{
    if (PyBool_Check(value))
        return PyUnicode_FromString(value == Py_True ? "true" : "false");
    return PyObject_Str(value);
}

static int take_properties(PyObject *dict, pyark_connection *out)
{
    if (!dict)
        return 0;
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "properties: expected a dict, found %R", dict);
        return -1;
    }
    /* A list of our own holds the names: the user's dict may change, in str() too. */
    out->texts = PyDict_Items(dict);
    Py_ssize_t count = out->texts ? PyList_Size(out->texts) : 0;
    out->properties = PyMem_Calloc((size_t)count + 1, sizeof *out->properties);
    if (!out->texts || !out->properties) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *pair = PyList_GetItem(out->texts, i);
        PyObject *key = PyTuple_GetItem(pair, 0), *value = PyTuple_GetItem(pair, 1);
        if (value == Py_None)
            continue;
        arrakis_property *p = &out->properties[out->connection.property_count];
        PyObject *text = property_text(value);
        int rc = text ? PyList_Append(out->texts, text) : -1;
        if (rc == 0)
            rc = pyark_argument_text(text, "properties", &p->value);
        Py_XDECREF(text); /* the list has it */
        if (rc != 0 || pyark_argument_text(key, "properties", &p->name) != 0)
            return -1;
        out->connection.property_count++;
    }
    out->connection.properties = out->properties;
    return 0;
}

static int take(PyObject *options, pyark_connection *out)
{
    arrakis_connection *c = &out->connection;
    const struct {
        const char *name, **value;
    } texts[] = {
        {"url", &c->url},         {"kafka_url", &c->kafka_url}, {"token", &c->token},
        {"ca_file", &c->ca_file}, {"cert_file", &c->cert_file}, {"key_file", &c->key_file},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (pyark_argument_text(pyark_connection_option(options, texts[i].name), texts[i].name,
                                texts[i].value) != 0)
            return -1;
    PyObject *insecure = pyark_connection_option(options, "insecure_token");
    int truth = insecure ? PyObject_IsTrue(insecure) : 0;
    c->insecure_token = truth > 0;
    if (truth < 0 ||
        pyark_argument_texts(pyark_connection_option(options, "allowed_brokers"),
                             "allowed_brokers", &out->allowed_brokers) != 0 ||
        pyark_argument_texts(pyark_connection_option(options, "token_hosts"), "token_hosts",
                             &out->token_hosts) != 0 ||
        pyark_argument_duration(pyark_connection_option(options, "request_timeout"),
                                "request_timeout", &c->request_timeout_ns) != 0)
        return -1;
    c->allowed_brokers = out->allowed_brokers.items;
    c->allowed_broker_count = out->allowed_brokers.count;
    c->token_hosts = out->token_hosts.items;
    c->token_host_count = out->token_hosts.count;
    return take_properties(pyark_connection_option(options, "properties"), out);
}

int pyark_connection_from(PyObject *options, pyark_connection *out)
{
    *out = (pyark_connection){.connection = ARRAKIS_CONNECTION_INIT};
    if (take(options, out) == 0)
        return 0;
    pyark_connection_free(out);
    return -1;
}

void pyark_connection_free(pyark_connection *connection)
{
    pyark_argument_texts_free(&connection->allowed_brokers);
    pyark_argument_texts_free(&connection->token_hosts);
    PyMem_Free(connection->properties);
    connection->properties = NULL;
    Py_CLEAR(connection->texts);
}
