/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <stdarg.h>
#include <string.h>

/* The class of each negative status, and the built-in class that it also is, if there is one that fits. */
typedef struct exception {
    arrakis_status status;
    const char *name;
    const char *builtin;
    PyObject *class;
} exception;

static PyObject *base;
static exception exceptions[] = {
    {ARRAKIS_EINVAL, "InvalidArgumentError", "ValueError", NULL},
    {ARRAKIS_ENOMEM, "OutOfMemoryError", "MemoryError", NULL},
    {ARRAKIS_ENOTFOUND, "NotFoundError", "LookupError", NULL},
    {ARRAKIS_EFORMAT, "FormatError", "ValueError", NULL},
    {ARRAKIS_EUNSUPPORTED, "UnsupportedError", "NotImplementedError", NULL},
    {ARRAKIS_EMISMATCH, "MismatchError", "ValueError", NULL},
    {ARRAKIS_ECONNECT, "ConnectError", "ConnectionError", NULL},
    {ARRAKIS_EBROKER, "BrokerError", NULL, NULL},
    {ARRAKIS_EGAP, "GapError", NULL, NULL},
    {ARRAKIS_EDEADLINE, "DeadlineError", "TimeoutError", NULL},
    {ARRAKIS_ECANCELED, "CanceledError", NULL, NULL},
    {ARRAKIS_EIO, "InputOutputError", "OSError", NULL},
    {ARRAKIS_EAUTH, "AuthError", "PermissionError", NULL},
    {ARRAKIS_ESERVER, "ServerError", NULL, NULL},
    {ARRAKIS_ECHANGED, "ChangedError", NULL, NULL},
};
#define EXCEPTIONS (sizeof exceptions / sizeof *exceptions)

static PyObject *attributes(arrakis_status status)
{
    return Py_BuildValue("{s:i,s:s,s:O}", "status", (int)status, "status_name",
                         arrakis_status_name(status), "retriable",
                         arrakis_status_retriable(status) ? Py_True : Py_False);
}

static int add_class(PyObject *module, exception *e, PyObject *builtins)
{
    char name[64], doc[256];
    int rc = -1;
    snprintf(name, sizeof name, "libarrakis.%s", e->name);
    snprintf(doc, sizeof doc, "%s (%s).", arrakis_status_text(e->status),
             arrakis_status_name(e->status));
    PyObject *builtin = e->builtin ? PyObject_GetAttrString(builtins, e->builtin) : NULL;
    PyObject *bases = builtin ? PyTuple_Pack(2, base, builtin) : PyTuple_Pack(1, base);
    PyObject *dict = attributes(e->status);
    if (bases && dict && (builtin || !e->builtin)) {
        e->class = PyErr_NewExceptionWithDoc(name, doc, bases, dict);
        rc = e->class ? PyModule_AddObjectRef(module, e->name, e->class) : -1;
    }
    Py_XDECREF(builtin);
    Py_XDECREF(bases);
    Py_XDECREF(dict);
    return rc;
}

int pyark_error_add(PyObject *module)
{
    base = PyErr_NewExceptionWithDoc(
        "libarrakis.Error",
        "Base of the errors of the library.\n\n"
        "status: the library's number, status_name: its symbol, such as 'ARRAKIS_EGAP';\n"
        "retriable: whether the same call may succeed later without any change.",
        NULL, NULL);
    PyObject *builtins = PyImport_ImportModule("builtins");
    int rc = base && builtins ? PyModule_AddObjectRef(module, "Error", base) : -1;
    for (size_t i = 0; i < EXCEPTIONS && rc == 0; i++)
        rc = add_class(module, &exceptions[i], builtins);
    Py_XDECREF(builtins);
    return rc;
}

static PyObject *class_of(arrakis_status status)
{
    for (size_t i = 0; i < EXCEPTIONS; i++)
        if (exceptions[i].status == status)
            return exceptions[i].class;
    return base;
}

PyObject *pyark_error_raise(const arrakis_error *err)
{
    /* a text that was cut may end within a character */
    PyObject *text =
        PyUnicode_DecodeUTF8(err->message, (Py_ssize_t)strlen(err->message), "replace");
    if (text)
        PyErr_SetObject(class_of(err->status), text);
    Py_XDECREF(text);
    return NULL;
}

int pyark_error_invalid(const char *format, ...)
{
    va_list values;
    PyErr_Clear(); /* the text may be made by code of the program, which must not find an exception */
    va_start(values, format);
    PyObject *text = PyUnicode_FromFormatV(format, values);
    va_end(values);
    if (text)
        PyErr_SetObject(class_of(ARRAKIS_EINVAL), text);
    Py_XDECREF(text);
    return -1;
}
