/* Observations of an attachment: the newest of each code, or a time window.
 *
 * Keys sort by the gateway's clock, windows are asked for in the county's: a window is read with
 * MARGIN_US more at both ends and every row judged by its own county time. The store is read newest
 * first in small pages, so that no callback takes long. The newest of each code are in memory;
 * after a start they are looked for once, at most LATEST_ROWS rows or a day back. */
#include "center/api.h"

#include "center/attachments.h"
#include "center/audit.h"

#include <string.h>

enum {
    PAGE = 250,
    LIMIT_MAX = 2000,
    GROUP_MAX = 2048,         /* of one moment: a page of the answer never ends in the middle */
    SCAN_ROWS = 200000,       /* read for one answer; it says where to go on */
    LATEST_ROWS = 50000,      /* looked back for the newest of each code … */
    LATEST_QUIET_ROWS = 8000, /* … and so many without a code not seen before are enough */
    MARGIN_S = 600,
    CODES_N = 512,
    ANSWER_MAX_BYTES = 8 << 20,
};

struct reading {
    struct xw_http_request *req;
    struct xw_uuid id;
    char gateway_id[128];
    char codes[CODES_N];
    int64_t from_us, to_us;         /* county */
    int64_t key_from_us, key_to_us; /* gateway */
    uint8_t after[XW_OBSERVATION_KEY_N];
    size_t after_n;
    size_t limit, n, rows_n, quiet_n, codes_n;
    int64_t last_us, newest_key_us;
    bool latest;
    struct xw_buf buf;
};

static void reading_free(struct reading *g)
{
    xw_buf_done(&g->buf);
    xw_http_unref(g->req);
    free(g);
}

static bool code_wanted(const char *codes, const char *code)
{
    size_t n = strlen(code);
    if (!codes[0])
        return true;
    for (const char *at = codes; *at;) {
        size_t word = strcspn(at, ",");
        if (word == n && memcmp(at, code, n) == 0)
            return true;
        at += word;
        at += *at == ',';
    }
    return false;
}

static int64_t county_us(const struct reading *g, const Xw__Observation *o, int64_t us)
{
    return xw_attachments_county_us(g->req->center->attachments, g->gateway_id, us,
                                    o->county_offset_known, o->county_offset_us);
}

static int append(struct reading *g, const Xw__Observation *o, const void *key, size_t key_size)
{
    json_t *j = xw_json_observation(o, key, key_size, county_us(g, o, o->wall_us),
                                    county_us(g, o, o->received_wall_us));
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    int r = text ? xw_buf_printf(&g->buf, "%s%s", g->n ? "," : "", text) : -ENOMEM;
    free(text);
    if (r >= 0)
        g->n++;
    return r;
}

/* next_us: where to go on, as to_wall_us; 0: this was all. */
static void finish(struct reading *g, int r, int64_t next_us)
{
    if (r >= 0 && next_us)
        r = xw_buf_printf(&g->buf, "],\"more\":true,\"next_wall_us\":%lld}", (long long)next_us);
    else if (r >= 0)
        r = xw_buf_append_text(&g->buf, "],\"more\":false,\"next_wall_us\":null}");
    xw_api_reply_buf(g->req, &g->buf, r);
    reading_free(g);
}

/* ---- the newest of each code ---- */

static void reply_latest(struct reading *g)
{
    const struct xw_attachment *a = xw_attachments_find(g->req->center->attachments, &g->id);
    int r = 0;
    for (uint32_t i = 0; a && r >= 0 && i < a->newest_n && g->n < g->limit; i++) {
        const Xw__Observation *o = a->newest[i].wire;
        uint8_t key[XW_OBSERVATION_KEY_N];
        xw_observation_key(&g->id, o->wall_us, o->observation_id.data, key);
        if (code_wanted(g->codes, o->code))
            r = append(g, o, key, sizeof(key));
    }
    finish(g, r, 0);
}

/* True: enough has been seen. */
static bool fold_row(struct reading *g, const struct xw_store_record *record, int64_t key_us)
{
    struct xw_attachments *table = g->req->center->attachments;
    const struct xw_attachment *a = xw_attachments_find(table, &g->id);
    uint32_t before = a ? a->newest_n : 0;
    struct xw_uuid id;
    if (xw_attachments_observation(table, record, &id) >= 0) {
        a = xw_attachments_find(table, &g->id);
        g->quiet_n = a && a->newest_n != before ? 0 : g->quiet_n + 1;
    }
    if (!g->newest_key_us)
        g->newest_key_us = key_us;
    return ++g->rows_n >= LATEST_ROWS || g->quiet_n >= LATEST_QUIET_ROWS ||
           g->newest_key_us - key_us > INT64_C(86400000000);
}

/* ---- a window ---- */

/* 0 go on, 1 the answer is full (a moment is never cut in two), or an errno. */
static int window_row(struct reading *g, const struct xw_store_record *record)
{
    Xw__Observation *o = xw_observation_read(record->body, record->body_size);
    int r = 0;
    g->rows_n++;
    if (!o)
        return 0;
    int64_t wall_us = county_us(g, o, o->wall_us);
    if (wall_us >= g->from_us && wall_us < g->to_us && code_wanted(g->codes, o->code)) {
        if ((g->n >= g->limit && wall_us != g->last_us) || g->n >= g->limit + GROUP_MAX)
            r = 1;
        else
            r = append(g, o, record->key, record->key_size);
        g->last_us = r == 0 ? wall_us : g->last_us;
    }
    xw__observation__free_unpacked(o, NULL);
    return r;
}

/* ---- reading ---- */

static void read_page(struct reading *g);

/* Wall time in the key of this attachment's observations; -1: another's. */
static int64_t key_time(const struct reading *g, const struct xw_store_record *record)
{
    const uint8_t *key = record->key;
    uint64_t us = 0;
    if (record->key_size != XW_OBSERVATION_KEY_N || memcmp(key, g->id.b, 16) != 0 || key[16] != 'o')
        return -1;
    for (unsigned i = 0; i < 8; i++)
        us = us << 8 | key[17 + i];
    return us < UINT64_C(1) << 62 ? (int64_t)us : -1;
}

static void end_of_rows(struct reading *g, int r, bool cut)
{
    if (r < 0) {
        finish(g, r, 0);
    } else if (g->latest) {
        xw_attachments_complete(g->req->center->attachments, &g->id);
        reply_latest(g);
    } else {
        finish(g, 0, cut ? g->last_us : 0);
    }
}

static void on_page(void *user, const struct xw_store_records *records)
{
    struct reading *g = user;
    int r = records->status;
    if (!g->req->wsi && r >= 0)
        r = -EPIPE; /* nobody waits for it any more */
    for (size_t i = 0; r >= 0 && i < records->records_n; i++) {
        const struct xw_store_record *record = &records->records[i];
        int64_t key_us = key_time(g, record);
        if (key_us < 0 || key_us < g->key_from_us) {
            end_of_rows(g, 0, false);
            return;
        }
        if (!g->latest)
            r = window_row(g, record);
        else if (fold_row(g, record, key_us))
            r = 1;
        if (r == 1 || (!g->latest && g->rows_n >= SCAN_ROWS)) {
            if (r == 0) /* nothing wanted for long: go on before this row */
                g->last_us = key_us - (g->key_to_us - g->to_us);
            end_of_rows(g, 0, true);
            return;
        }
    }
    if (r < 0 || !records->more || !records->records_n) {
        end_of_rows(g, r, false);
        return;
    }
    const struct xw_store_record *last = &records->records[records->records_n - 1];
    g->after_n = XW_MIN(last->key_size, sizeof(g->after));
    memcpy(g->after, last->key, g->after_n);
    read_page(g);
}

static void read_page(struct reading *g)
{
    int r = -ECANCELED;
    if (g->req->center->store)
        r = xw_store_records(g->req->center->store, XW__RECORD_KIND__RECORD_OBSERVATION, g->after,
                             g->after_n, true, PAGE, on_page, g);
    if (r >= 0)
        return;
    xw_http_reply_errno(g->req, r);
    reading_free(g);
}

/* false: answered with what is wrong. */
static bool read_arguments(struct xw_http_request *req, struct reading *g)
{
    uint64_t from = 0, to = UINT64_C(1) << 53, limit = LIMIT_MAX;
    int f = xw_http_arg_index(req, "from_wall_us", &from);
    int t = xw_http_arg_index(req, "to_wall_us", &to);
    int l = xw_http_arg_index(req, "limit", &limit);
    const char *codes = xw_http_arg(req, "codes", g->codes, sizeof(g->codes));
    if (!codes)
        g->codes[0] = 0;
    if ((f < 0 && f != -ENOENT) || (t < 0 && t != -ENOENT) || (l < 0 && l != -ENOENT) ||
        limit < 1 || limit > LIMIT_MAX || from > to) {
        xw_http_reply_error(req, "bad_request", "from_wall_us, to_wall_us, limit: 1 to 2,000");
        return false;
    }
    g->from_us = (int64_t)from;
    g->to_us = (int64_t)to;
    g->limit = (size_t)limit;
    g->latest = f == -ENOENT && t == -ENOENT;
    return true;
}

static void begin(struct reading *g)
{
    const int64_t margin_us = MARGIN_S * INT64_C(1000000);
    int64_t offset_us =
        xw_attachments_county_us(g->req->center->attachments, g->gateway_id, 0, false, 0);
    g->key_to_us = g->to_us - offset_us + margin_us;
    g->key_from_us = g->from_us - offset_us - margin_us;
    if (g->latest) {
        g->key_to_us = INT64_C(1) << 53;
        g->key_from_us = 0;
    }
    /* Before every observation of that moment. */
    static const uint8_t none[16];
    xw_observation_key(&g->id, XW_MAX(g->key_to_us, 0), none, g->after);
    g->after_n = sizeof(g->after);
    read_page(g);
}

void xw_api_observations(struct xw_http_request *req)
{
    const struct xw_attachment *a = xw_api_own_attachment(req);
    if (!a)
        return;
    struct reading *g = calloc(1, sizeof(*g));
    if (!g) {
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    if (!read_arguments(req, g)) {
        free(g);
        return;
    }
    struct xw_session *session = xw_http_session(req);
    if (!g->latest && session && xw_session_note_read(session, &a->id, xw_clock_wall(NULL).us))
        xw_audit_stream(req->center, req->who.user, "view", &a->id);
    g->req = xw_http_ref(req);
    g->id = a->id;
    memcpy(g->gateway_id, a->gateway_id, sizeof(g->gateway_id));
    xw_buf_init(&g->buf, ANSWER_MAX_BYTES);
    if (xw_buf_append_text(&g->buf, "{\"observations\":[") < 0)
        finish(g, -ENOMEM, 0);
    else if (g->latest && a->complete)
        reply_latest(g);
    else
        begin(g);
}
