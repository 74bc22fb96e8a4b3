/* Day files: segments of one stream of up to 60 s, each in its own row, in the order of arrival.
 *
 * A day file can be read alone: its segments name streams by id, and it holds their headers.
 * Threads: written by the keeper only (and by the copy of a backup); read by anybody, with a
 * connection opened for the purpose and closed soon, so that sealing finds the file unused. */
#ifndef XW_STORE_SQ_DAY_H
#define XW_STORE_SQ_DAY_H

#include "store/sq.h"

/* DIR/day-YYYYMMDD.db, malloc'd; NULL without memory. */
char *sq_day_path(const struct sq_store *store, uint32_t day);
/* For reading: -ENOENT, -EUCLEAN. Where the disk is so full that not even the shared memory of the
 * log can be made, the file is read without locks, which *ret_unlocked tells: what looks damaged
 * then may just be changing. */
XW_MUST_CHECK int sq_day_open(const struct sq_store *store, uint32_t day, sqlite3 **ret_db,
                              bool *ret_unlocked);
/* For writing; made when missing. */
XW_MUST_CHECK int sq_day_open_write(const struct sq_store *store, uint32_t day, sqlite3 **ret_db);
/* Calls each for the days of which there is a file, ascending. */
XW_MUST_CHECK int sq_day_list(const struct sq_store *store, uint32_t **ret_days, size_t *ret_n);

struct sq_segment {
    int64_t row; /* of sq_day_plain alone */
    struct xw_uuid stream;
    uint64_t first, end;
    int64_t wall_us;
    const void *header;
    size_t header_size;
    const void *dir, *data;
    size_t dir_size, data_size;
};
/* Adds the segment, replacing one of the same stream and first (left by a crash). */
XW_MUST_CHECK int sq_day_put(sqlite3 *db, const struct sq_segment *segment);
/* Puts other bytes into the row, in its place. */
XW_MUST_CHECK int sq_day_update(sqlite3 *db, int64_t row, const struct xw_buf *dir,
                                const struct xw_buf *data);
/* Calls each with the first segment in rows after < row <= upto whose blocks all lie there as they
 * came (with data). 1: there was one; 0; or the negative answer of each. */
XW_MUST_CHECK int sq_day_plain(sqlite3 *db, int64_t after, int64_t upto,
                               int (*each)(void *user, const struct sq_segment *), void *user);
/* The last row, 0 of an empty file. */
XW_MUST_CHECK int sq_day_last_row(sqlite3 *db, int64_t *ret_row);
XW_MUST_CHECK int sq_day_delete(sqlite3 *db, const struct xw_uuid *stream, uint64_t first);
/* Its row and directory. -ENOENT: no such segment; -EBADMSG: directory damaged. */
XW_MUST_CHECK int sq_day_dir(sqlite3 *db, const struct xw_uuid *stream, uint64_t first,
                             int64_t *ret_row, struct sq_entry **ret_entries, size_t *ret_n);
/* Calls each with every segment's place (header, dir; no data); stops at a result < 0. */
XW_MUST_CHECK int sq_day_each(sqlite3 *db, int (*each)(void *user, const struct sq_segment *),
                              void *user);
XW_MUST_CHECK int sq_file_sha256(const char *path, uint8_t ret_sha256[32]);

#endif
