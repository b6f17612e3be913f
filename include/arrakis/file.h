/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Recorders write blocks to files, one file per span of GPS time, and readers of files make blocks
 * of the files again. `arrakis-cli record` consists of a client, a stream and a recorder; your own
 * program needs the same three.
 *
 * Files are named by LIGO-T010150, `SITE-DESCRIPTION-GPS-LENGTH.EXTENSION`:
 * `H-H1_RAW-1400000000-64.h5` holds the 64 s from GPS 1400000000 on. GPS is a multiple of LENGTH,
 * unless channels have changed within the span (`follow` of the options), or the former recorder's
 * files were shorter. Under its name a file is whole and on the disk: it is written as
 * `.NAME.part`, synchronized, renamed, and its directory is synchronized, if its file system can
 * do that. What each format holds is in docs/files.md. A sample that is missing is marked as
 * missing in every format.
 *
 * A recorder goes on where the files on the disk end, however the recorder before it ended: begin
 * the stream at arrakis_recorder_next_ns(). That time is the begin of a span. Where channels have
 * changed, or where this recorder's files are longer, the time may be within a span. A file without
 * a sample takes the place of none, and a file that recording ended in (arrakis_recorder_finish())
 * stays if it has a larger part of its samples than what is to take its place.
 *
 * Several processes, on one machine or on many, share the partitions of a site as members of a
 * group (arrakis_group_join() in arrakis/reader.h), each with a `shared` recorder per partition
 * that it has.
 */
#ifndef ARRAKIS_FILE_H
#define ARRAKIS_FILE_H

#include <arrakis/arrakis.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The default of `length_ns`, and the most that it may be. */
#define ARRAKIS_RECORDER_LENGTH_DEFAULT_NS (64 * ARRAKIS_SECOND_NS)
#define ARRAKIS_RECORDER_LENGTH_MAX_NS (86400 * ARRAKIS_SECOND_NS)

typedef struct arrakis_recorder_options {
    size_t struct_size;
    /** An existing directory. Files of other names in it, and their recorders, are left alone. */
    const char *directory;
    /** "hdf5" (the default, NULL), "arrow" or "gwf". */
    const char *format;
    /**
     * SITE-DESCRIPTION: capital letters, a hyphen, then letters, digits, '_', '+' and '#'; up to
     * 100 characters. NULL: made of the channels' domains and their publisher, as in "H-H1_RAW".
     */
    const char *name;
    /**
     * Duration of a file: whole seconds, up to a day, a multiple of the channels' strides, and
     * such that every channel has a whole number of samples; ARRAKIS_UNSET:
     * ARRAKIS_RECORDER_LENGTH_DEFAULT_NS, 64 s.
     */
    int64_t length_ns;
    /**
     * Where to begin when nothing was recorded before: recording begins with the span that holds
     * this time, or, where a file ends within that span, with the rest of the span. ARRAKIS_UNSET: now. When a former recorder of
     * the same name got further, the new one goes on just where that one ended, or at the next
     * second that is a multiple of the channels' strides. When that is ahead of the clock, by more
     * than a file's length and a minute, a recorder without a start is refused, as nothing would be
     * recorded before; for one with a start it is a line in the log (the level is WARNING).
     */
    int64_t start_ns;
    /**
     * 1 (fast) to 9 (small): samples are deflated, in HDF5 (which shuffles them before) and GWF;
     * 0: they are not. An HDF5 file that is compressed has up to 65,534 blocks; EINVAL beyond.
     */
    int64_t compression;
    /**
     * A span without any sample becomes a file, too; otherwise it is left out (a part of one that
     * is written again, see docs/files.md, is not).
     */
    bool write_empty;
    /**
     * Once there are more files or bytes than this, those of the earliest spans are removed, also
     * when former recorders of the same name wrote them; ARRAKIS_UNSET: all are kept. The file
     * that was written last stays. What counts is a file's name: an entry that is not a regular
     * file, or whose name is neither one that a recorder of this SITE-DESCRIPTION and length gives (see
     * `follow`) nor at a multiple of its own length, is never removed. So after `length_ns`
     * has become shorter, a longer file that begins or ends within one of the longer spans stays,
     * unless it has some time in common with a file that recording ended in
     * (arrakis_recorder_finish()). A recorder
     * with a limit is refused where files of its name were there before any recorder: those are
     * another tool's. So it is where there are such files and no `.NAME.lock`, which every recorder
     * leaves, or a `.NAME.others`, which a recorder without a limit makes before the lock, and the
     * next one removes once there are none. A file that cannot be removed stays, with a warning, and
     * is not counted any more.
     */
    int64_t max_files, max_bytes;
    /**
     * How many files in a row may fail (a full disk, a directory that is gone) before the recorder
     * gives up; ARRAKIS_UNSET: 10. As many in a row may have their names while the directory cannot be
     * synchronized: those are files, with a warning each.
     */
    int64_t max_failures;
    /**
     * For members of a group: the channels are those of one partition, and another process may
     * write files of the same name, in a directory that both reach or in one of its own. Then
     *
     * - the files are named SITE-PARTITION, and are in a directory of that name within
     *   `directory`, which is made when it is missing. Of the partition's id a '-' becomes '+', a
     *   '.' becomes '#'; ids of up to 70 characters are taken. `name` must be NULL;
     * - no file is ever replaced: one that exists already stays, and a line in the log says so if
     *   what was to be written has other bytes; where something else has its name, it fails;
     * - a file that is begun has a name that no other process uses, and is locked (flock) until it
     *   is whole; a recorder that is opened removes those that no process has locked any more;
     * - several recorders may be open at one time, and how far recording has got is not noted: the
     *   group keeps that;
     * - the first block tells the first span, and start_ns must be ARRAKIS_UNSET. `write_empty`
     *   must be false: whether spans before the first were empty is not known;
     * - a block has at most 4 MiB of samples, or one stride of the channels;
     * - max_files and max_bytes are those of the partition, in this directory.
     */
    bool shared;
    /**
     * Not 0: blocks may be those of a stream that follows (`follow` in arrakis_request, with
     * `stride_ns` unset): their channels are always of the same names, and may get other types,
     * rates and strides. Then
     *
     * - blocks are of the channels' own stride, which arrakis_recorder_stride_ns() returns, and
     *   are put together to those that a file has;
     * - a file ends at the first whole second after the first block with another type, rate or
     *   stride, and the next one, of the channels as they are then, begins there and ends with the
     *   span. So H-H1_RAW-1400000000-11.h5 has a channel that changes at GPS 1400000010.5 up to
     *   there, and H-H1_RAW-1400000011-53.h5 has it as it is now; what it has between is left out,
     *   and is missing in the first file. The other channels miss nothing. Where a stride is
     *   longer than a second, or does not divide one, it is the first second that is a multiple of
     *   the strides before and after. A channel that has only another partition changes nothing;
     * - once the first of the two has its name, the next recorder goes on where the second begins.
     *   A recorder that is opened before then goes on with the span and has the channels as they
     *   are by then, so that the one that has changed misses what it had before. Where its strides
     *   do not meet that time, less than one stride is left out;
     * - where the length of files is no multiple of the new stride, or files of the channels
     *   cannot be made for another reason, the file in progress ends all the same, and
     *   arrakis_recorder_block() fails. A recorder of another length goes on there.
     *
     * `shared` must be false.
     */
    int64_t follow;
} arrakis_recorder_options;

#define ARRAKIS_RECORDER_OPTIONS_INIT                                                             \
    {                                                                                             \
        sizeof(arrakis_recorder_options), NULL, NULL, NULL, ARRAKIS_UNSET, ARRAKIS_UNSET, 0,      \
            false, ARRAKIS_UNSET, ARRAKIS_UNSET, ARRAKIS_UNSET, false, 0                          \
    }
ARRAKIS_API void arrakis_recorder_options_init(arrakis_recorder_options *out, size_t struct_size);

/** Writes files of one list of channels. Belongs to one thread at a time. */
typedef struct arrakis_recorder arrakis_recorder;
/**
 * Makes a recorder. Removes what a recorder of the same name that crashed left behind, and finds
 * the files that it wrote.
 *
 * Memory, in sum: the size of a block, once while it is written, and twice more where blocks are
 * put together (`follow`); what describes the channels in a file (some 2 KB per channel in HDF5, and with
 * compression 32 bytes per block of a file more; in GWF up to 16 bytes per channel and block of a
 * file); in HDF5 without compression the samples of a file, if they take up to 32 MiB (33,554,432
 * bytes) and the recorder is not shared; one bit per sample of a channel that misses some samples
 * of a span, at most; and up to 64 bytes per file of the same name in the directory. While
 * channels change (`follow`), what describes them is there three times (as they were, as they are,
 * and for the file that ends early), and the room in which a block is written twice.
 *
 * With HDF5 the call uses libhdf5: unless that is one for threads, no other thread may use it
 * meanwhile. So do arrakis_recorder_block() and arrakis_recorder_finish() where channels have
 * changed, and where a file is shorter than `length_ns`. A failed allocation within libhdf5 may end
 * the process.
 *
 * @param channels  with a stride each; up to 1,000,000. The files have them sorted by name
 * @return OK; EINVAL: an option cannot be used, the channels do not fit the length or the format,
 *         a limit would remove files that no recorder wrote, or the time to go on at is far ahead
 *         of the clock; the text names which and why; EIO:
 *         the directory cannot be read or written, or another recorder that runs writes files of
 *         the same name to it; EUNSUPPORTED: HDF5, and the library's HDF5 module or libhdf5 is
 *         missing; EFORMAT: libhdf5 refuses what a file is to have, or ran out of memory; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_recorder_open(arrakis_recorder **out,
                                                 arrakis_channels *channels,
                                                 const arrakis_recorder_options *options,
                                                 arrakis_error *err);
/**
 * Returns where the next block should begin: the start to give to a stream. ARRAKIS_UNSET: a shared
 * recorder has had no block yet.
 */
ARRAKIS_API int64_t arrakis_recorder_next_ns(const arrakis_recorder *recorder);
/**
 * Returns the duration that blocks must have: the stride to give to a stream. It divides the
 * length of a file into at least four parts, if the channels' strides allow that, and its samples
 * take at most 32 MiB (4 MiB: a shared recorder), or it is one stride of the channels. A file has at
 * most 1,000,000 of them. With `follow`, and where the recorder begins within a span, it
 * is the channels' common stride, and blocks are put together to those.
 */
ARRAKIS_API int64_t arrakis_recorder_stride_ns(const arrakis_recorder *recorder);
/**
 * Returns the begin of the span that the recorder is in, or where channels have changed within it:
 * all before it is on the disk, had no sample, or was dropped because it could not be written
 * (never where max_failures is 1, as the recorder has failed then). While the directory cannot be
 * synchronized, it is the begin of the first span whose file a power failure may lose.
 * ARRAKIS_UNSET: no block has come yet.
 */
ARRAKIS_API int64_t arrakis_recorder_kept_ns(const arrakis_recorder *recorder);
/** Returns SITE-DESCRIPTION as it stands in the files' names. Borrowed from the recorder. */
ARRAKIS_API const char *arrakis_recorder_name(const arrakis_recorder *recorder);
/**
 * Takes the next block. A span whose last block has come is a file when the call returns. Blocks
 * that were left out are taken as missing. It may use libhdf5, see arrakis_recorder_open().
 *
 * A file that cannot be written is dropped with a line in the log (the level is ERROR), the rest
 * of its span is passed over, and the call returns OK: the next span is tried again.
 *
 * @param block  with the recorder's channels in any order, of the recorder's stride, at a multiple
 *               of it, and later than the blocks before
 * @return OK; EINVAL, EMISMATCH: the block is not like that, and nothing has changed; EINVAL, and
 *         what arrakis_recorder_open() returns for files: of its channels none can be made
 *         (`follow`), and the file in progress has ended; EIO: as many files in a row as the
 *         options allow could not be written, or have names that may not be on the disk; the text
 *         has the last reason, and the GPS times from which and up to which nothing was kept, or
 *         from which on a power failure may lose files
 */
ARRAKIS_API arrakis_status arrakis_recorder_block(arrakis_recorder *recorder,
                                                  const arrakis_block *block, arrakis_error *err);
/**
 * Completes the file that is being written, with the rest of its span as missing; for the end of a
 * request. Blocks of that rest are passed over. A later recorder writes that file again, as a
 * whole; if its files have other lengths or its channels change, this one is removed once all of
 * its time is in others. It may use libhdf5, see arrakis_recorder_open(). A shared recorder drops
 * the file: another one has, or will have, the whole span.
 *
 * @return OK (also when no file is being written); EIO: it could not be written, or it could not be
 *         noted that recording ended in it, and there is no file
 */
ARRAKIS_API arrakis_status arrakis_recorder_finish(arrakis_recorder *recorder, arrakis_error *err);
/** What a recorder has done since it was opened. */
typedef struct arrakis_recorder_stats {
    size_t struct_size;
    uint64_t files;   /**< files written */
    uint64_t bytes;   /**< size of those files */
    uint64_t failed;  /**< files dropped because they could not be written */
    uint64_t empty;   /**< spans without a sample, left out */
    uint64_t removed; /**< files removed because there were too many or too large ones */
    uint64_t samples; /**< samples of blocks taken, missing ones included */
    uint64_t missing; /**< missing ones among them, those of blocks left out within a span too */
    int64_t last_ns;  /**< GPS start of the file written last; ARRAKIS_UNSET: none */
} arrakis_recorder_stats;

#define ARRAKIS_RECORDER_STATS_INIT                                                               \
    {                                                                                             \
        sizeof(arrakis_recorder_stats), 0, 0, 0, 0, 0, 0, 0, ARRAKIS_UNSET                        \
    }
ARRAKIS_API void arrakis_recorder_stats_init(arrakis_recorder_stats *out, size_t struct_size);

/** Copies the counts so far. `stats->struct_size` must be set. */
ARRAKIS_API void arrakis_recorder_get_stats(const arrakis_recorder *recorder,
                                            arrakis_recorder_stats *stats);
/** Closes a recorder, and removes the file that is being written: its span is for the next one. */
ARRAKIS_API void arrakis_recorder_close(arrakis_recorder *recorder);

/* ------------------------------------------------------------------ the way back */

/** Reads files, one after the other, into blocks. Belongs to one thread at a time. */
typedef struct arrakis_file_reader arrakis_file_reader;
/**
 * Makes a reader of files in HDF5, GWF or Arrow, as recorders write them; what else can be read is
 * in docs/files.md. A file's first bytes tell its format. The first file is opened by this call.
 *
 * The files may be anybody's: no byte of them is trusted. Limits: 1,000,000 files. A block has at
 * most 1 GiB (1,073,741,824 bytes) of samples, with one bit per sample; memory is at most three
 * times that of the largest block, or for HDF5, whose chunks are inflated beside it, five times,
 * or for GWF, whose samples and masks are expanded beside it, seven times, and for what describes
 * channels five times the size of a GWF file, or for HDF5 twice what the file has on the disk, 16
 * MiB and 200 bytes per channel that is given. Holes in a sparse HDF5 file do not count as on the
 * disk, unless its file system does not tell where they are. An HDF5 file's names have up to 256
 * MiB (268,435,456 bytes), and a chunk that is larger than its data set has up to 1 MiB (1,048,576
 * bytes). libhdf5 is not used to read. An HDF5 file lasts up to a day. The limits of Arrow are
 * those of arrakis_arrow_reader_next(). A file cannot have another file read in its place: links
 * to other files, and samples in them, are refused.
 *
 * @param paths     files, or directories, of which all files are read that are named as recorders
 *                  name them. Several files are sorted by the GPS times in their names
 * @param channels  the channels that are wanted, with a stride each. What else is in HDF5 and GWF
 *                  files is passed over; in Arrow files each column must be one of them
 * @return OK; EINVAL: no path is given, the files have some time in common, one of several has no
 *         time in its name, or a channel has no stride; ENOTFOUND: there is no such file, or the
 *         first file has none of the channels; EIO: a file or directory cannot be read; and what
 *         arrakis_file_reader_next() returns
 */
ARRAKIS_API arrakis_status arrakis_file_reader_open(arrakis_file_reader **out,
                                                    const char *const *paths, size_t count,
                                                    arrakis_channels *channels,
                                                    arrakis_error *err);
/**
 * Returns the next block: a frame of GWF, a row of Arrow, some strides of HDF5 (32 MiB, unless a
 * chunk of the file or a stride is more). It has the wanted channels that are there. Samples that the
 * file has as missing are missing. Whether blocks follow each other in time is for the caller to check.
 *
 * @param block  receives a reference, to be dropped with arrakis_block_unref(); NULL unless OK
 * @return OK; DONE: all files are read; after an error the text begins with the file, and the next call
 *         goes on with the file after it. ENOTFOUND: the file has none of the channels, or a column of
 *         another channel; EMISMATCH: a channel has another type or rate; EFORMAT: a file is none of
 *         the formats, is not whole, or contradicts itself; EUNSUPPORTED: it has what is not read;
 *         EIO; ENOMEM
 */
ARRAKIS_API arrakis_status arrakis_file_reader_next(arrakis_file_reader *reader,
                                                    arrakis_block **block, arrakis_error *err);
/**
 * The GPS times at which the first file begins and the last one ends, as their names have them;
 * ARRAKIS_UNSET for a single file whose name has none. Blocks may begin later and end earlier: an
 * Arrow file has no row of a block without any sample.
 */
ARRAKIS_API int64_t arrakis_file_reader_start_ns(const arrakis_file_reader *reader);
ARRAKIS_API int64_t arrakis_file_reader_end_ns(const arrakis_file_reader *reader);
/** Begins with the first file again. */
ARRAKIS_API void arrakis_file_reader_rewind(arrakis_file_reader *reader);
ARRAKIS_API void arrakis_file_reader_close(arrakis_file_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
