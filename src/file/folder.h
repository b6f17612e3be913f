/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one prefix in a directory: those of former runs, those that are removed because there
 * are too many, and how far recording has got. Files of other prefixes are left alone. */
#ifndef ARK_FILE_FOLDER_H
#define ARK_FILE_FOLDER_H

#include "file/file_list.h"
#include "file/noted_time.h"

#include <time.h>

enum { ARK_FOLDER_TOKEN_SIZE = 9 };

typedef struct ark_folder {
    char *path;
    char prefix[ARK_SPAN_NAME_PREFIX_SIZE];
    /* of a file that is being written, where several processes share the folder; "": none do */
    char token[ARK_FOLDER_TOKEN_SIZE];
    int64_t max_files, max_bytes; /* ARRAKIS_UNSET: any; sizes are 0 where there is no max_bytes */
    /* seconds in a whole file; those that are within one span count, too; 0: there are only whole
     * files */
    int64_t span;
    int fd, lock_fd; /* of the directory and of the file that is locked; -1: not entered */
    ark_file_list files;
    size_t named; /* files that begin with the prefix, at any time, when those were found */
    bool others; /* files were there before any recorder of the name: they may be another tool's */
    ark_noted_time noted; /* all that comes before is on the disk, as far as it was there */
    char noted_in[ARK_SPAN_NAME_SIZE]; /* the file of the directory that has told that time */
    int64_t kept_gps;    /* no file that begins before is removed because its time is in others */
    int64_t unswept_gps; /* from there on others may have the time of files; INT64_MAX: no */
    struct timespec
        changed; /* the directory, before the file in progress was begun, where it is shared */
    int unsynchronized; /* errno: the name of the last file may not be on the disk; 0: it is */
} ark_folder;

/* A folder that can be cleared. */
#define ARK_FOLDER_INIT                                                                           \
    {                                                                                             \
        .max_files = ARRAKIS_UNSET, .max_bytes = ARRAKIS_UNSET, .fd = -1, .lock_fd = -1,          \
        .noted = {.time_ns = ARRAKIS_UNSET}, .unswept_gps = INT64_MAX                             \
    }

arrakis_status ark_folder_init(ark_folder *folder, const char *path, const char *prefix,
                               arrakis_error *err);
/* A folder of the prefix's own within the directory, which is made when it is missing, and which other
 * processes may write to at the same time: there is no lock of the prefix, nothing is noted, and no
 * file is replaced. */
arrakis_status ark_folder_init_shared(ark_folder *folder, const char *directory,
                                      const char *prefix, arrakis_error *err);
void ark_folder_clear(ark_folder *folder);

/* Be in the directory that has the path now: at first, and again when it is another directory than
 * before. Takes the lock of the prefix, removes what a crash left behind, and finds the files. EIO:
 * it is gone, or cannot be read, or another process has the lock. EINVAL: files would be removed
 * because there are too many, and some were there before any recorder of the prefix was. */
arrakis_status ark_folder_enter(ark_folder *folder, arrakis_error *err);

/* The name of a file while it is written, and the lock by which others see that it is. */
void ark_folder_part_name(const ark_folder *folder, char text[ARK_SPAN_NAME_SIZE],
                          const char *name);
/* False: another process has it, or has removed it, since it seemed to be left over: make it anew. */
bool ark_folder_lock_part(const ark_folder *folder, int fd);
/* A file is begun: what others do in the directory from now on is seen when it is added. */
void ark_folder_part_begun(ark_folder *folder);
/* Remove what is written of a file, unless another recorder may have written it. */
void ark_folder_remove_part(const ark_folder *folder, const char *part);
/* Give a file that is whole its name, with the directory on the disk; where the latter fails, the file
 * has its name all the same, and `unsynchronized` is set. EIO: also where the lock has been removed. In
 * a shared folder a file that has the name stays. */
arrakis_status ark_folder_add(ark_folder *folder, const char *part, const ark_span_name *name,
                              uint64_t size, arrakis_error *err);
/* Note on the disk from when on nothing is recorded. A power failure may lose the last note, until the
 * next file has its name; that file is taken as recorded all the same, as it is later than the
 * note. */
arrakis_status ark_folder_note_next(ark_folder *folder, int64_t next_ns, arrakis_error *err);
/* The same before the first file: no power failure loses it. */
arrakis_status ark_folder_note_first(ark_folder *folder, int64_t next_ns, arrakis_error *err);
/* Have the note later than the files that are there: they are written again, as a power failure may
 * lose them. If there is none, it is next_ns. */
arrakis_status ark_folder_note_again(ark_folder *folder, int64_t next_ns, arrakis_error *err);
/* Note that recording is about to end in a file: it is written again as a whole, and removed if
 * other files have its time then. The time that is noted stays as it is; if there is none, it is
 * next_ns. */
arrakis_status ark_folder_note_end(ark_folder *folder, const ark_span_name *name, uint64_t part,
                                   int64_t next_ns, arrakis_error *err);
/* Whether there is a file of that name. */
bool ark_folder_is_there(const ark_folder *folder, const ark_span_name *name);
/* The part of its samples that is in a file in which recording ended, in billionths; 0: that is not
 * known, or the file is gone. */
uint64_t ark_folder_part(const ark_folder *folder, const ark_span_name *name);
/* Whether there is a file of that name that recording did not end in. */
bool ark_folder_has(const ark_folder *folder, const ark_span_name *name);
/* The end of the files with that extension that follow each other from a GPS second on, within its
 * span: it is before the end of that. Those files ended because channels have changed there. */
int64_t ark_folder_reach(const ark_folder *folder, const char *extension, int64_t gps);
/* Recording goes on at a GPS second. Files that the former one ended in are removed if others have
 * their time. */
void ark_folder_resume(ark_folder *folder, int64_t gps);
/* A file is whole, or stays as it is. Remove those files whose time was written again: those that recording once
 * ended in, if others have all of their time, and those of which this recorder has written all of
 * the time in others. */
void ark_folder_remove_replaced(ark_folder *folder, const ark_span_name *name);
/* Whether a file with that extension, which is removed once its time was written again, is partly
 * in that time and partly not. */
bool ark_folder_is_cut(const ark_folder *folder, const char *extension, int64_t gps, int64_t end);
/* Remove the files of the earliest spans while there are too many, but not that of `kept`, unless
 * the folder is shared: there others may have later ones. One that cannot be removed is not
 * counted any more. Returns how many were removed. */
size_t ark_folder_thin(ark_folder *folder, const ark_span_name *kept);

#endif
