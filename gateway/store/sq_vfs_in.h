/* Inside the VFS: a file and its pages.
 *
 * Threads: a file belongs to its connection's thread. */
#ifndef XW_STORE_SQ_VFS_IN_H
#define XW_STORE_SQ_VFS_IN_H

#include "store/sq_vfs.h"
#include "vault/page.h"

enum {
    SQ_HEAD_CLEAR = 24,
    SQ_HEAD_READ = 100, /* what SQLite reads of a file before it knows anything */
    SQ_FRAME_HEAD = 24,
    SQ_WAL_HEAD = 32,
};

struct sq_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
    const struct xw_vault *vault;
    struct xw_page_nonces nonces;
    struct sq_file *main; /* of a log or journal: its database */
    uint32_t page_size;   /* 0: not known yet */
    uint8_t id[12];
    bool has_id;
    uint8_t frame[SQ_FRAME_HEAD]; /* log: the frame header written last, and where */
    sqlite3_int64 frame_at;
    uint8_t *scratch; /* a frame */
    size_t scratch_n;
};

/* sq_vfs_pages.c: the database */
int sq_db_read(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset);
int sq_db_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset);
/* Page size and id out of the file's first bytes, where they are not known. *ret_empty: there is
 * no file yet. */
int sq_db_learn(struct sq_file *f, bool *ret_empty);
/* sq_vfs_logs.c: write-ahead log and rollback journal */
int sq_wal_read(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset);
int sq_wal_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset);
int sq_journal_read(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset);
int sq_journal_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset);

/* Room for a frame of this page size in f->scratch. */
int sq_file_scratch(struct sq_file *f, uint32_t page_size);
bool sq_is_page_size(uint32_t size);
void sq_about_page(const struct sq_file *f, uint32_t number, const uint8_t *page,
                   struct xw_page_about *ret_about);

static inline struct sq_file *sq_file_of(sqlite3_file *file)
{
    return (struct sq_file *)(void *)file;
}
static inline int sq_real_read(struct sq_file *f, void *out, int amount, sqlite3_int64 offset)
{
    return f->real->pMethods->xRead(f->real, out, amount, offset);
}
static inline int sq_real_write(struct sq_file *f, const void *data, int amount,
                                sqlite3_int64 offset)
{
    return f->real->pMethods->xWrite(f->real, data, amount, offset);
}
static inline uint32_t sq_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif
