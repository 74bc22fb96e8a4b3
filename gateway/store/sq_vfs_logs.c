/* Pages in a write-ahead log and in a rollback journal. */
#include "store/sq_vfs_in.h"

#include "base/log.h"

#include <sodium.h>
#include <string.h>

enum { WAL_AT_SIZE = 8, FRAME_ABOUT = 8 };

/* ---- the write-ahead log ---- */

/* What a frame is: file, and of its header page number and size after a commit. Not the salts: a
 * transaction that outgrows the cache writes frames without them, and puts them in at its end. */
static void about_frame(const struct sq_file *f, const uint8_t *head,
                        struct xw_page_about *ret_about)
{
    ret_about->bytes[0] = 'W';
    memcpy(ret_about->bytes + 1, f->main->id, sizeof f->main->id);
    memcpy(ret_about->bytes + 13, head, FRAME_ABOUT);
    ret_about->n = 13 + FRAME_ABOUT;
}

static int learn_wal(struct sq_file *f)
{
    uint8_t head[SQ_WAL_HEAD];
    bool empty;
    int rc = sq_db_learn(f->main, &empty);
    if (rc == SQLITE_OK && f->page_size == 0) {
        rc = sq_real_read(f, head, sizeof head, 0);
        if (rc == SQLITE_OK && sq_is_page_size(sq_be32(head + WAL_AT_SIZE)))
            f->page_size = sq_be32(head + WAL_AT_SIZE);
        if (rc == SQLITE_IOERR_SHORT_READ)
            rc = SQLITE_OK;
    }
    return rc == SQLITE_OK && f->page_size != 0 ? sq_file_scratch(f, f->page_size) : rc;
}

/* A whole frame into f->scratch. Read together with its header it is recovery that reads: what is
 * damaged or was never whole must look like the end of the log, which zeros do. */
static int read_frame(struct sq_file *f, sqlite3_int64 at, bool recovering)
{
    struct xw_page_about about;
    uint8_t *page = f->scratch + SQ_FRAME_HEAD;
    int rc = sq_real_read(f, f->scratch, (int)f->page_size + SQ_FRAME_HEAD, at);
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
        return rc;
    about_frame(f, f->scratch, &about);
    int r = rc == SQLITE_OK ? xw_page_open(f->vault, &about, page, f->page_size, 0) : -EBADMSG;
    if (r == -ENOKEY) { /* not damage: nothing may be given up for it */
        xw_log_error("store.data_key_missing");
        return SQLITE_AUTH;
    }
    if (r != 0 && !recovering)
        return rc == SQLITE_OK ? SQLITE_CORRUPT : rc;
    if (r != 0)
        memset(page, 0, f->page_size);
    return rc;
}

int sq_wal_read(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset)
{
    struct sq_file *f = sq_file_of(file);
    uint8_t *to = out;
    bool ended = false;
    if (offset < SQ_WAL_HEAD)
        return offset + amount <= SQ_WAL_HEAD ? sq_real_read(f, out, amount, offset)
                                              : SQLITE_IOERR_READ;
    int rc = learn_wal(f);
    if (rc == SQLITE_OK && f->page_size == 0)
        return sq_real_read(f, out, amount, offset); /* a log without a header has no frames */
    while (rc == SQLITE_OK && amount > 0) {
        int frame_n = (int)f->page_size + SQ_FRAME_HEAD;
        int within = (int)((offset - SQ_WAL_HEAD) % frame_n);
        int some = XW_MIN(amount, frame_n - within);
        if (within + some <= SQ_FRAME_HEAD)
            rc = sq_real_read(f, to, some, offset);
        else
            rc = read_frame(f, offset - within, within < SQ_FRAME_HEAD);
        if (rc == SQLITE_IOERR_SHORT_READ) {
            ended = true;
            rc = SQLITE_OK;
        }
        if (rc == SQLITE_OK && within + some > SQ_FRAME_HEAD)
            memcpy(to, f->scratch + within, (size_t)some);
        to += some;
        amount -= some;
        offset += some;
    }
    return rc == SQLITE_OK && ended ? SQLITE_IOERR_SHORT_READ : rc;
}

static int write_frame(struct sq_file *f, const void *data, sqlite3_int64 at)
{
    struct xw_page_about about;
    uint8_t *page = f->scratch;
    int rc = SQLITE_OK;
    if (f->frame_at != at) /* the page of a frame that is there already is written once more */
        rc = sq_real_read(f, f->frame, SQ_FRAME_HEAD, at);
    if (rc != SQLITE_OK)
        return SQLITE_IOERR_WRITE;
    f->frame_at = at;
    memcpy(page, data, f->page_size);
    /* SQLite's checksum is of what it gave us: it must be what we give back. */
    if (!sodium_is_zero(page + f->page_size - XW_PAGE_RESERVE, XW_PAGE_RESERVE))
        return SQLITE_IOERR_WRITE;
    about_frame(f, f->frame, &about);
    xw_page_seal(f->vault, &f->nonces, &about, page, f->page_size, 0);
    return sq_real_write(f, page, (int)f->page_size, at + SQ_FRAME_HEAD);
}

int sq_wal_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset)
{
    struct sq_file *f = sq_file_of(file);
    const uint8_t *bytes = data;
    if (offset == 0 && amount == SQ_WAL_HEAD) {
        uint32_t size = sq_be32(bytes + WAL_AT_SIZE);
        if (!sq_is_page_size(size) || (f->page_size != 0 && f->page_size != size))
            return SQLITE_IOERR_WRITE;
        f->page_size = size;
        f->frame_at = -1;
        return sq_real_write(f, data, amount, offset);
    }
    int rc = learn_wal(f);
    if (rc != SQLITE_OK || f->page_size == 0 || offset < SQ_WAL_HEAD)
        return rc != SQLITE_OK ? rc : SQLITE_IOERR_WRITE;
    int within = (int)((offset - SQ_WAL_HEAD) % ((int)f->page_size + SQ_FRAME_HEAD));
    if (within == 0 && amount == SQ_FRAME_HEAD) {
        memcpy(f->frame, bytes, SQ_FRAME_HEAD);
        f->frame_at = offset;
        return sq_real_write(f, data, amount, offset);
    }
    if (within == SQ_FRAME_HEAD && amount == (int)f->page_size)
        return write_frame(f, data, offset - SQ_FRAME_HEAD);
    return SQLITE_IOERR_WRITE; /* never in clear */
}

/* ---- the rollback journal ---- */

static void about_entry(const struct sq_file *f, sqlite3_int64 offset,
                        struct xw_page_about *ret_about)
{
    ret_about->bytes[0] = 'J';
    memcpy(ret_about->bytes + 1, f->main->id, sizeof f->main->id);
    for (unsigned i = 0; i < 8; i++)
        ret_about->bytes[13 + i] = (uint8_t)((uint64_t)offset >> (8 * i));
    ret_about->n = 21;
}

/* Pages are what has the size of a page; headers have that of a sector, which is smaller. */
static bool is_page(const struct sq_file *f, int amount)
{
    return f->main->page_size != 0 && amount == (int)f->main->page_size;
}

int sq_journal_read(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset)
{
    struct sq_file *f = sq_file_of(file);
    struct xw_page_about about;
    bool empty;
    int learned = sq_db_learn(f->main, &empty);
    int rc = sq_real_read(f, out, amount, offset);
    if (rc != SQLITE_OK || learned != SQLITE_OK || !is_page(f, amount))
        return rc;
    about_entry(f, offset, &about);
    int r = xw_page_open(f->vault, &about, out, (size_t)amount, 0);
    if (r == -ENOKEY)
        return SQLITE_AUTH;
    if (r != 0) /* SQLite's checksum ends the journal there */
        memset(out, 0, (size_t)amount);
    return SQLITE_OK;
}

int sq_journal_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset)
{
    struct sq_file *f = sq_file_of(file);
    struct xw_page_about about;
    bool empty;
    int rc = sq_db_learn(f->main, &empty);
    if (rc != SQLITE_OK || !is_page(f, amount))
        return rc != SQLITE_OK ? rc
               : amount > 4096 ? SQLITE_IOERR_WRITE
                               : sq_real_write(f, data, amount, offset);
    rc = sq_file_scratch(f, (uint32_t)amount);
    if (rc != SQLITE_OK)
        return rc;
    memcpy(f->scratch, data, (size_t)amount);
    about_entry(f, offset, &about);
    xw_page_seal(f->vault, &f->nonces, &about, f->scratch, (size_t)amount, 0);
    return sq_real_write(f, f->scratch, amount, offset);
}
