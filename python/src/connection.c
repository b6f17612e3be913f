/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <string.h>

static const char *const names[] = {
    "kafka_token_fn",
    "url",
    "kafka_url",
    "properties",
    "allowed_brokers",
    "token",
    "insecure_token",
    "token_hosts",
    "ca_file",
    "cert_file",
    "key_file",
    "request_timeout",
    NULL,
};
/* What else is looked up, of those who have options of their own. */
static const char *const own_names[] = {
    "metadata",     "stall_timeout", "max_message_bytes", "replay_id", "close_timeout",
    "max_failures", "publisher_id",  "channels",          NULL,
};

#define NAMES (sizeof names / sizeof *names - 1)
#define OWN_NAMES (sizeof own_names / sizeof *own_names - 1)

/* All of these as str, which are made once: a look-up needs no memory and runs no code, and so it cannot fail. */
static PyObject *keys[NAMES + OWN_NAMES];

static const char *name_at(size_t i)
{
    return i < NAMES ? names[i] : own_names[i - NAMES];
}

int pyark_connection_start(void)
{
    for (size_t i = 0; i < NAMES + OWN_NAMES; i++)
        if (!(keys[i] = PyUnicode_InternFromString(name_at(i))))
            return -1;
    return 0;
}

/* Borrowed, or NULL. */
static PyObject *find_option(PyObject *options, const char *name)
{
    for (size_t i = 0; i < NAMES + OWN_NAMES; i++)
        if (strcmp(name, name_at(i)) == 0)
            return PyDict_GetItemWithError(options, keys[i]);
    return NULL;
}

static bool listed(PyObject *key, const char *const *list)
{
    for (size_t i = 0; list[i]; i++)
        if (PyUnicode_CompareWithASCIIString(key, list[i]) == 0)
            return true;
    return false;
}

/* What names a file is a text or a path, such as of pathlib, whose text is put in its place. */
static int replace_path(PyObject *options, const char *name)
{
    PyObject *value = pyark_connection_option(options, name);
    if (!value || PyUnicode_Check(value))
        return 0;
    PyObject *text = PyOS_FSPath(value);
    if (!text && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear(); /* it is told when the option is used, with its name */
        return 0;
    }
    int rc = text ? PyDict_SetItemString(options, name, text) : -1;
    Py_XDECREF(text);
    return rc;
}

static int replace_paths(PyObject *options)
{
    static const char *const files[] = {"metadata", "ca_file", "cert_file", "key_file"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (replace_path(options, files[i]) != 0)
            return -1;
    return 0;
}

PyObject *pyark_connection_options(PyObject *keywords)
{
    PyObject *options = PyDict_New(), *key, *value;
    Py_ssize_t position = 0;
    while (options && keywords && PyDict_Next(keywords, &position, &key, &value)) {
        PyObject *name = PyUnicode_FromObject(key);
        if (!name || PyDict_SetItem(options, name, value) != 0)
            Py_CLEAR(options);
        Py_XDECREF(name);
    }
    return options;
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
    return replace_paths(options);
}

int pyark_connection_add(PyObject *options, const char *name, PyObject *value, const char *what)
{
    if (!value)
        return 0;
    if (!find_option(options, name))
        return PyDict_SetItemString(options, name, value);
    PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'", what, name);
    return -1;
}

PyObject *pyark_connection_option(PyObject *options, const char *name)
{
    PyObject *value = find_option(options, name);
    return value == Py_None ? NULL : value;
}

void pyark_connection_forget(PyObject *options, const char *name)
{
    for (size_t i = 0; i < NAMES; i++)
        if (strcmp(name, names[i]) == 0 && PyDict_DelItem(options, keys[i]) != 0)
            PyErr_Clear(); /* it was not given */
}

/* librdkafka takes texts alone: numbers and bools as it spells them. What has another text than it stands for is refused. */
static PyObject *property_text(PyObject *name, PyObject *value)
{
    if (PyBytes_Check(value) || PyByteArray_Check(value) || PyList_Check(value) ||
        PyTuple_Check(value) || PyDict_Check(value))
        return PyErr_Format(PyExc_TypeError,
                            "properties: %R: expected a str, a number or a bool, found %R", name,
                            (PyObject *)Py_TYPE(value)); /* which may be a password */
    if (PyBool_Check(value))
        return PyUnicode_FromString(value == Py_True ? "true" : "false");
    return PyObject_Str(value);
}

static int take_properties(PyObject *dict, pyark_connection *out)
{
    if (!dict)
        return 0;
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "properties: expected a dict, found %R",
                     (PyObject *)Py_TYPE(dict)); /* passwords may be in it */
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
        PyObject *text = property_text(key, value);
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

static int take_options(PyObject *options, pyark_connection *out)
{
    arrakis_connection *c = &out->connection;
    const struct {
        const char *name, **value;
    } texts[] = {
        {"url", &c->url},           {"kafka_url", &c->kafka_url},
        {"ca_file", &c->ca_file},   {"cert_file", &c->cert_file},
        {"key_file", &c->key_file},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (pyark_argument_text(pyark_connection_option(options, texts[i].name), texts[i].name,
                                texts[i].value) != 0)
            return -1;
    if (pyark_argument_secret(pyark_connection_option(options, "token"), "token", &c->token) != 0)
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
    if (pyark_token_from(pyark_connection_option(options, "kafka_token_fn"), &out->tokens) != 0)
        return -1;
    c->kafka_token_fn = out->tokens ? pyark_token_get : NULL;
    c->kafka_token_opaque = out->tokens;
    c->allowed_brokers = out->allowed_brokers.items;
    c->allowed_broker_count = out->allowed_brokers.count;
    c->token_hosts = out->token_hosts.items;
    c->token_host_count = out->token_hosts.count;
    return take_properties(pyark_connection_option(options, "properties"), out);
}

int pyark_connection_from(PyObject *options, pyark_connection *out)
{
    *out = (pyark_connection){.connection = ARRAKIS_CONNECTION_INIT};
    /* Of our own, as the texts are borrowed from it: the program's may change while its other values are read. */
    out->options = pyark_connection_options(options);
    if (out->options && take_options(out->options, out) == 0)
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
    Py_CLEAR(connection->options);
    pyark_token_unref(connection->tokens);
    connection->tokens = NULL;
}
