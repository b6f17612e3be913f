/* SPDX-License-Identifier: Apache-2.0 */
#include "file/input_files.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void ark_input_files_clear(ark_input_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->files[i].path);
    free(files->files);
    *files = (ark_input_files){NULL, 0, 0};
}

static arrakis_status add_file(ark_input_files *f, const char *directory, const char *name,
                               const ark_span_name *span, arrakis_error *err)
{
    if (f->count == ARK_INPUT_FILES_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "more than %d files", ARK_INPUT_FILES_MAX);
    if (f->count == f->capacity) {
        size_t capacity = 2 * f->capacity + 16;
        ark_input_file *grown = reallocarray(f->files, capacity, sizeof *grown);
        if (!grown)
            return ark_no_memory(err, "%zu files", capacity);
        f->files = grown;
        f->capacity = capacity;
    }
    char *path = NULL;
    if (asprintf(&path, "%s%s%s", directory, *directory ? "/" : "", name) < 0)
        return ark_no_memory(err, "%zu files", f->count + 1);
    f->files[f->count++] = (ark_input_file){path, *span};
    return ARRAKIS_OK;
}

static arrakis_status add_directory(ark_input_files *f, const char *path, arrakis_error *err)
{
    DIR *directory = opendir(path);
    if (!directory)
        return ark_fail(err, ARRAKIS_EIO, "%s: %s", path, strerror(errno));
    arrakis_status rc = ARRAKIS_OK;
    const struct dirent *entry;
    errno = 0;
    while (rc >= 0 && (entry = readdir(directory))) {
        ark_span_name span;
        if (ark_span_name_read(&span, entry->d_name))
            rc = add_file(f, path, entry->d_name, &span, err);
        errno = 0;
    }
    if (rc >= 0 && errno)
        rc = ark_fail(err, ARRAKIS_EIO, "%s: %s", path, strerror(errno));
    closedir(directory);
    return rc;
}

static arrakis_status add_path(ark_input_files *f, const char *path, arrakis_error *err)
{
    struct stat about;
    ark_span_name span = {0, 0, ""};
    if (stat(path, &about) < 0)
        return ark_fail(err, ARRAKIS_EIO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(about.st_mode))
        return add_directory(f, path, err);
    const char *slash = strrchr(path, '/');
    if (!ark_span_name_read(&span, slash ? slash + 1 : path))
        span.length = 0;
    return add_file(f, "", path, &span, err);
}

static int by_time(const void *a, const void *b)
{
    const ark_input_file *x = a, *y = b;
    return (x->name.gps > y->name.gps) - (x->name.gps < y->name.gps);
}

static arrakis_status check_order(const ark_input_files *f, arrakis_error *err)
{
    for (size_t i = 0; i < f->count && f->count > 1; i++)
        if (f->files[i].name.length == 0)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "%s: one of several files, which are sorted by names such as "
                            "H-H1_RAW-1400000000-64.h5",
                            f->files[i].path);
    for (size_t i = 1; i < f->count; i++)
        if (f->files[i].name.gps < f->files[i - 1].name.gps + f->files[i - 1].name.length)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "%.230s and %.230s have some time in common, expected files that "
                            "follow each other",
                            f->files[i - 1].path, f->files[i].path);
    return ARRAKIS_OK;
}

arrakis_status ark_input_files_find(ark_input_files *f, const char *const *paths, size_t count,
                                    arrakis_error *err)
{
    for (size_t i = 0; i < count; i++)
        ARK_TRY(add_path(f, paths[i], err));
    if (!f->count)
        return ark_fail(
            err, ARRAKIS_ENOTFOUND,
            "no file with a name such as H-H1_RAW-1400000000-64.h5, .arrow or .gwf%s%s",
            count ? " in " : "", count ? paths[0] : "");
    qsort(f->files, f->count, sizeof *f->files, by_time);
    return check_order(f, err);
}
