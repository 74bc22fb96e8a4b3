/* Pages of a database. */
#include "store/sq_vfs_in.h"

#include "base/log.h"

#include <string.h>

static const char plain_magic[16] = "SQLite format 3";
static const char magic[4] = {'X', 'W', 'D', 'B'};
enum { AT_SIZE = 16, AT_RESERVE = 20 };

bool sq_is_page_size(uint32_t size)
{
    return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

static uint32_t page_size_of(const uint8_t *head)
{
    uint32_t size = (uint32_t)head[AT_SIZE] << 8 | head[AT_SIZE + 1];
    return size == 1 ? 65536 : size;
}

int sq_file_scratch(struct sq_file *f, uint32_t page_size)
{
    size_t n = (size_t)page_size + SQ_FRAME_HEAD;
    if (f->scratch_n >= n)
        return SQLITE_OK;
    uint8_t *more = realloc(f->scratch, n);
    if (more == NULL)
        return SQLITE_NOMEM;
    f->scratch = more;
    f->scratch_n = n;
    return SQLITE_OK;
}

/* Page 1's clear bytes are part of what it is. */
void sq_about_page(const struct sq_file *f, uint32_t number, const uint8_t *page,
                   struct xw_page_about *ret_about)
{
    uint8_t *p = ret_about->bytes;
    p[0] = 'P';
    memcpy(p + 1, f->id, sizeof f->id);
    for (unsigned i = 0; i < 4; i++)
        p[13 + i] = (uint8_t)(number >> (24 - 8 * i));
    ret_about->n = 17;
    if (number == 1) {
        memcpy(ret_about->bytes + ret_about->n, page, SQ_HEAD_CLEAR);
        ret_about->n += SQ_HEAD_CLEAR;
    }
}

int sq_db_learn(struct sq_file *f, bool *ret_empty)
{
    uint8_t head[SQ_HEAD_CLEAR];
    *ret_empty = false;
    if (f->has_id)
        return SQLITE_OK;
    int rc = sq_real_read(f, head, sizeof head, 0);
    if (rc == SQLITE_IOERR_SHORT_READ) {
        sqlite3_int64 size = 0;
        rc = f->real->pMethods->xFileSize(f->real, &size);
        *ret_empty = rc == SQLITE_OK && size == 0;
        return rc != SQLITE_OK || *ret_empty ? rc : SQLITE_NOTADB;
    }
    if (rc != SQLITE_OK)
        return rc;
    if (memcmp(head, plain_magic, sizeof plain_magic) == 0)
        xw_log_error("store.file_not_encrypted");
    if (memcmp(head, magic, sizeof magic) != 0 || !sq_is_page_size(page_size_of(head)) ||
        head[AT_RESERVE] != XW_PAGE_RESERVE)
        return SQLITE_NOTADB;
    memcpy(f->id, head + sizeof magic, sizeof f->id);
    f->page_size = page_size_of(head);
    f->has_id = true;
    return SQLITE_OK;
}

/* ---- reading ---- */

static int open_page(struct sq_file *f, uint32_t number, uint8_t *page)
{
    struct xw_page_about about;
    size_t clear_n = number == 1 ? SQ_HEAD_CLEAR : 0;
    sq_about_page(f, number, page, &about);
    int r = xw_page_open(f->vault, &about, page, f->page_size, clear_n);
    if (r == -ENOKEY)
        xw_log_error("store.data_key_missing");
    if (r < 0)
        return r == -ENOKEY ? SQLITE_AUTH : SQLITE_CORRUPT;
    if (r == 0 && number == 1)
        memcpy(page, plain_magic, sizeof plain_magic);
    return SQLITE_OK;
}

/* One page into f->scratch, or `into` when it is wanted whole. */
static int read_page(struct sq_file *f, uint32_t number, uint8_t *into)
{
    int rc = sq_real_read(f, into, (int)f->page_size, ((sqlite3_int64)number - 1) * f->page_size);
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
        return rc;
    int opened = open_page(f, number, into);
    return opened == SQLITE_OK ? rc : opened;
}

static int read_slices(struct sq_file *f, uint8_t *out, int amount, sqlite3_int64 offset)
{
    int rc = sq_file_scratch(f, f->page_size);
    bool ended = false;
    while (rc == SQLITE_OK && amount > 0) {
        uint32_t number = (uint32_t)(offset / f->page_size) + 1;
        int within = (int)(offset % f->page_size);
        int some = XW_MIN(amount, (int)f->page_size - within);
        bool all = some == (int)f->page_size;
        rc = read_page(f, number, all ? out : f->scratch);
        if (rc == SQLITE_IOERR_SHORT_READ) {
            ended = true; /* what is not there reads as zeros, to the end of what was asked */
            rc = SQLITE_OK;
        }
        if (rc == SQLITE_OK && !all)
            memcpy(out, f->scratch + within, (size_t)some);
        out += some;
        amount -= some;
        offset += some;
    }
    return rc == SQLITE_OK && ended ? SQLITE_IOERR_SHORT_READ : rc;
}

/* The first look at a file, before locks and logs: what is on the disk may be torn, and the log has
 * the page whole. Of page 1 this much is then told; a file that is none tells nothing. */
static int read_head(struct sq_file *f, bool known, uint8_t *out, int amount)
{
    uint8_t head[SQ_HEAD_CLEAR];
    memset(out, 0, (size_t)amount);
    if (!known)
        return SQLITE_IOERR_SHORT_READ;
    int rc = sq_real_read(f, head, sizeof head, 0);
    memcpy(head, plain_magic, sizeof plain_magic);
    if (rc == SQLITE_OK)
        memcpy(out, head, (size_t)XW_MIN(amount, (int)sizeof head));
    return rc;
}

int sq_db_read(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset)
{
    struct sq_file *f = sq_file_of(file);
    bool empty, first_look = offset == 0 && amount <= SQ_HEAD_READ;
    int rc = sq_db_learn(f, &empty);
    if (rc == SQLITE_OK && empty) {
        memset(out, 0, (size_t)amount);
        return SQLITE_IOERR_SHORT_READ;
    }
    if (rc == SQLITE_NOTADB && first_look)
        return read_head(f, false, out, amount);
    if (rc != SQLITE_OK)
        return rc;
    rc = read_slices(f, out, amount, offset);
    return rc == SQLITE_CORRUPT && first_look ? read_head(f, true, out, amount) : rc;
}

/* ---- writing ---- */

/* Never drawn twice for one file: who makes it holds its lock. */
static void name_file(struct sq_file *f, uint32_t page_size)
{
    struct xw_page_nonces random;
    xw_page_nonces_init(&random);
    memcpy(f->id, random.prefix, sizeof f->id);
    f->has_id = true;
    f->page_size = page_size;
}

/* A file that is made: its name and page size come with its first page. */
static int begin_file(struct sq_file *f, const uint8_t *page, int amount)
{
    bool empty;
    uint32_t size = page_size_of(page);
    if (memcmp(page, plain_magic, sizeof plain_magic) != 0 || size != (uint32_t)amount ||
        !sq_is_page_size(size) || page[AT_RESERVE] != XW_PAGE_RESERVE)
        return SQLITE_IOERR_WRITE;
    int rc = sq_db_learn(f, &empty);
    if (rc != SQLITE_OK && rc != SQLITE_NOTADB)
        return rc;
    if (!f->has_id)
        name_file(f, size);
    return f->page_size == size ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

/* Another page. Of a file that is made by one large transaction (a copy) some are written before
 * the first one: it is named now, and page 1 tells the name to others. */
static int begin_page(struct sq_file *f, int amount)
{
    bool empty = false;
    int rc = sq_db_learn(f, &empty);
    if (rc == SQLITE_OK && empty && sq_is_page_size((uint32_t)amount))
        name_file(f, (uint32_t)amount);
    return rc;
}

int sq_db_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset)
{
    struct sq_file *f = sq_file_of(file);
    struct xw_page_about about;
    int rc = offset == 0 ? begin_file(f, data, amount) : begin_page(f, amount);
    /* SQLite writes whole pages; anything else would come out as damage. */
    if (rc == SQLITE_OK && (!f->has_id || (uint32_t)amount != f->page_size || offset % amount != 0))
        rc = SQLITE_IOERR_WRITE;
    if (rc == SQLITE_OK)
        rc = sq_file_scratch(f, f->page_size);
    if (rc != SQLITE_OK)
        return rc;
    uint32_t number = (uint32_t)(offset / amount) + 1;
    memcpy(f->scratch, data, (size_t)amount);
    if (number == 1) {
        memcpy(f->scratch, magic, sizeof magic);
        memcpy(f->scratch + sizeof magic, f->id, sizeof f->id);
    }
    sq_about_page(f, number, f->scratch, &about);
    xw_page_seal(f->vault, &f->nonces, &about, f->scratch, (size_t)amount,
                 number == 1 ? SQ_HEAD_CLEAR : 0);
    return sq_real_write(f, f->scratch, amount, offset);
}
