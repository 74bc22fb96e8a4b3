/* Ten seconds of a stream measured as a 12-lead ECG: read from the archive, decoded here, measured
 * on a worker; where it is known whose they are, against his previous ECG, read the same way. No
 * more than READINGS_MAX at once: each holds engines of 3 MB, and a reader's pictures go before
 * them. */
#include "center/api.h"

#include "base/block.h"
#include "center/audit.h"
#include "center/hub.h"
#include "center/previous.h"
#include "reading/reading.h"

#include <math.h>
#include <string.h>

enum { READINGS_MAX = 4, SAMPLES_MAX_BYTES = 4 << 20 };

/* Ten seconds of a stream, from the archive. */
struct window {
    struct xw_uuid id;
    Xw__StreamHeader *header; /* a copy: the hub may let go of its own meanwhile */
    struct xw_range range;
    uint64_t at;     /* seen up to here */
    int32_t *counts; /* n x channels, interleaved */
    uint8_t *have;
};

enum { NOW, BEFORE, WINDOWS };

struct reading {
    struct xw_http_request *req;
    const struct xw_reading_shared *shared;
    struct window window[WINDOWS];
    unsigned loading; /* which of them */
    struct xw_previous previous;
    char *text;
    size_t text_bytes;
    int status;
};

static unsigned running; /* loop thread only */

static void reading_free(struct reading *g)
{
    if (g->req) {
        xw_http_unref(g->req);
        running--;
    }
    for (int k = 0; k < WINDOWS; k++) {
        if (g->window[k].header)
            xw__stream_header__free_unpacked(g->window[k].header, NULL);
        free(g->window[k].counts);
        free(g->window[k].have);
    }
    free(g->text);
    free(g);
}

static size_t rows(const struct window *w)
{
    return (size_t)(w->range.end - w->range.first);
}

static enum xw_ecg12_sex sex_of(char sex)
{
    return sex == 'M' ? XW_ECG12_MALE : sex == 'F' ? XW_ECG12_FEMALE : XW_ECG12_SEX_UNKNOWN;
}

static struct xw_reading_ask ask_of(const struct reading *g, int k, float age_years)
{
    const struct window *w = &g->window[k];
    return (struct xw_reading_ask){.header = w->header,
                                   .first = w->range.first,
                                   .n = rows(w),
                                   .counts = w->counts,
                                   .have = w->have,
                                   .age_years = age_years,
                                   .sex = sex_of(g->previous.sex)};
}

/* On a worker. */
static void measure(void *arg)
{
    struct reading *g = arg;
    char study[XW_UUID_TEXT_N_BYTES], stream[XW_UUID_TEXT_N_BYTES];
    struct xw_reading_previous previous = {.study = study, .stream = stream};
    struct xw_reading_ask ask = ask_of(g, NOW, g->previous.age_years);
    ask.patient_known = g->previous.patient_known;
    if (g->previous.found) {
        previous.ask = ask_of(g, BEFORE, g->previous.age_before_years);
        previous.wall_us = g->previous.wall_us;
        xw_uuid_format(&g->previous.study, study);
        xw_uuid_format(&g->previous.stream, stream);
        ask.previous = &previous;
    }
    g->status = xw_reading_make(g->shared, &ask, &g->text, &g->text_bytes);
}

static void on_measured(void *arg, int status)
{
    struct reading *g = arg;
    if (status < 0) {
        xw_http_reply_error(g->req, "busy", "the server is ending");
    } else if (g->status == -EINVAL) {
        xw_http_reply_error(g->req, "bad_request", "not an ECG that can be measured");
    } else if (g->status < 0) {
        xw_http_reply_error(g->req, "internal", "reading");
    } else {
        xw_http_reply_bytes(g->req, 200, "application/json", (uint8_t *)g->text, g->text_bytes);
        g->text = NULL;
    }
    reading_free(g);
}

static int add_block(struct window *w, const struct xw_store_block *b)
{
    size_t channels_n = w->header->n_channels;
    if (!xw_block_shape_ok(channels_n, b->count))
        return -EBADMSG;
    uint64_t from = XW_MAX(b->first, w->range.first);
    uint64_t to = XW_MIN(b->first + b->count, w->range.end);
    if (from >= to)
        return 0;
    xw_autofree int32_t *x = malloc(channels_n * b->count * sizeof(*x));
    if (!x)
        return -ENOMEM;
    int r = xw_block_decode((enum xw_coding)b->coding, b->data, b->size, channels_n, b->count, x);
    if (r < 0)
        return r;
    size_t at = (size_t)(from - w->range.first), n = (size_t)(to - from);
    memcpy(w->counts + at * channels_n, x + (size_t)(from - b->first) * channels_n,
           n * channels_n * sizeof(*x));
    memset(w->have + at, 1, n);
    return 0;
}

static void on_samples(void *user, const struct xw_store_samples *samples);

static int load(struct reading *g)
{
    struct window *w = &g->window[g->loading];
    return xw_store_read(g->req->center->store, &w->id, (struct xw_range){w->at, w->range.end},
                         SAMPLES_MAX_BYTES, on_samples, g);
}

/* The window is read (r = 0) or cannot be: an earlier ECG that cannot is passed over. */
static int next_step(struct reading *g, int r)
{
    if (r < 0 && g->loading == NOW)
        return r;
    if (r < 0)
        g->previous.found = false;
    if (g->loading == NOW && g->previous.found) {
        g->loading = BEFORE;
        if (load(g) == 0)
            return 0;
        g->previous.found = false;
    }
    return xw_pool_submit(g->req->center->pool, measure, on_measured, g);
}

/* The store may stop before the end: what comes next is asked for until all of it was seen. */
static void on_samples(void *user, const struct xw_store_samples *samples)
{
    struct reading *g = user;
    struct window *w = &g->window[g->loading];
    int r = samples->status;
    for (size_t i = 0; r >= 0 && i < samples->blocks_n; i++)
        r = add_block(w, &samples->blocks[i]);
    if (r >= 0 && samples->next <= w->at)
        r = -EIO;
    if (r >= 0 && samples->next < w->range.end) {
        w->at = samples->next;
        r = load(g);
        if (r >= 0)
            return;
    }
    r = g->req->wsi ? next_step(g, r) : -EAGAIN; /* or nobody waits any more */
    if (r >= 0)
        return;
    xw_http_reply_errno(g->req, r);
    reading_free(g);
}

/* The range asked for, or the last ten seconds that are on the disk. */
static bool choose_range(struct xw_http_request *req, struct window *w, size_t ten)
{
    struct xw_store_stream stream;
    char text[32];
    uint64_t end = 0;
    if (xw_store_stream(req->center->store, &w->id, &stream) == 0)
        end = xw_ranges_end(stream.known);
    w->range.first = end > ten ? end - ten : 0;
    uint64_t count = ten;
    if ((xw_http_arg(req, "from", text, sizeof(text)) &&
         xw_http_arg_index(req, "from", &w->range.first) < 0) ||
        (xw_http_arg(req, "count", text, sizeof(text)) &&
         xw_http_arg_index(req, "count", &count) < 0)) {
        xw_http_reply_error(req, "bad_request", "from, count");
        return false;
    }
    if ((double)count > XW_ECG12_SECONDS_MAX / 10 * (double)ten) {
        xw_http_reply_error(req, "bad_request", "count: 10.25 s at most");
        return false;
    }
    w->range.end = XW_MIN(w->range.first + count, end);
    if (w->range.end < w->range.first ||
        (double)rows(w) < XW_ECG12_SECONDS_MIN / 10 * (double)ten) {
        xw_http_reply_error(req, "not_found", "fewer than nine seconds are stored from there");
        return false;
    }
    return true;
}

/* Memory for the window, and a header of its own. */
static int window_init(struct window *w, const Xw__StreamHeader *header)
{
    size_t size = xw__stream_header__get_packed_size(header);
    xw_autofree uint8_t *packed = malloc(size + 1);
    w->at = w->range.first;
    w->counts = calloc(rows(w) * header->n_channels + 1, sizeof(*w->counts));
    w->have = calloc(rows(w) + 1, 1);
    if (!packed || !w->counts || !w->have)
        return -ENOMEM;
    xw__stream_header__pack(header, packed);
    w->header = xw__stream_header__unpack(NULL, size, packed);
    return w->header ? 0 : -ENOMEM;
}

static int prepare_previous(struct xw_http_request *req, struct reading *g)
{
    struct xw_hub_view view;
    struct window *w = &g->window[BEFORE];
    xw_previous_find(req, &g->window[NOW].id, g->window[NOW].range, &g->previous);
    if (!g->previous.found)
        return 0;
    w->id = g->previous.stream;
    w->range = g->previous.range;
    g->previous.found = xw_hub_find(req->center->hub, &w->id, &view) == 0;
    return g->previous.found ? window_init(w, view.header) : 0;
}

/* Answers and returns false where nothing can be read. */
static bool prepare(struct xw_http_request *req, struct reading *g)
{
    struct xw_hub_view view;
    struct window *w = &g->window[NOW];
    size_t ten = 0;
    if (!xw_api_own_stream(req, &w->id))
        return false;
    if (xw_hub_find(req->center->hub, &w->id, &view) < 0 ||
        xw_reading_samples(view.header, &ten) < 0) {
        xw_http_reply_error(req, "bad_request", "not an ECG of 1 to 18 leads, 100 to 1000 Hz");
        return false;
    }
    if (!choose_range(req, w, ten))
        return false;
    if (running >= READINGS_MAX) {
        xw_http_reply_error(req, "busy", "reading");
        return false;
    }
    if (window_init(w, view.header) < 0 || prepare_previous(req, g) < 0) {
        xw_http_reply_error(req, "internal", "memory");
        return false;
    }
    return true;
}

/* Each recording that is seen is noted once a session. */
static void note(struct xw_http_request *req, const struct xw_uuid *id)
{
    struct xw_session *session = xw_http_session(req);
    if (session && xw_session_note_read(session, id, xw_clock_wall(NULL).us))
        xw_audit_stream(req->center, req->who.user, "view", id);
}

void xw_api_reading(struct xw_http_request *req)
{
    struct reading *g = calloc(1, sizeof(*g));
    if (!g) {
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    if (!prepare(req, g)) {
        reading_free(g);
        return;
    }
    note(req, &g->window[NOW].id);
    if (g->previous.found)
        note(req, &g->window[BEFORE].id);
    g->req = xw_http_ref(req);
    g->shared = req->center->readings;
    running++;
    int r = load(g);
    if (r < 0) {
        xw_http_reply_errno(req, r);
        reading_free(g);
    }
}
