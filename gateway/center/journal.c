/* Appends of the county's own records. */
#include "center/journal.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(journal_records, "xw_center_records_total", NULL, "records of the county made durable");
XW_COUNTER(journal_failures, "xw_center_record_failures_total", NULL,
           "records of the county that could not be made durable");

struct xw_journal {
    struct xw_journal_config config;
    uint32_t pending_n;
    bool stopped;
};

struct pending {
    struct xw_journal *journal;
    xw_journal_fn done;
    void *user;
    char gateway_id[128];
    size_t records_n;
    struct xw_store_record records[XW_JOURNAL_RECORDS_MAX];
    uint8_t bytes[];
};

int xw_journal_new(const struct xw_journal_config *config, struct xw_journal **ret_journal)
{
    struct xw_journal *j = calloc(1, sizeof(*j));
    if (!j)
        return -ENOMEM;
    j->config = *config;
    *ret_journal = j;
    return 0;
}

void xw_journal_free(struct xw_journal *journal)
{
    free(journal);
}

void xw_journal_stop(struct xw_journal *journal)
{
    journal->stopped = true;
}

uint32_t xw_journal_pending_n(const struct xw_journal *journal)
{
    return journal->pending_n;
}

static void on_done(void *user, const struct xw_store_done *done)
{
    struct pending *p = user;
    struct xw_journal *j = p->journal;
    j->pending_n--;
    if (done->status < 0) {
        xw_counter_add(&journal_failures, p->records_n);
        xw_log_warning("journal.failed", XW_LOG_ERR(done->status));
    } else {
        xw_counter_add(&journal_records, p->records_n);
        if (p->gateway_id[0] && done->out_seq_last && j->config.on_passed_on)
            j->config.on_passed_on(j->config.user, p->gateway_id, done->out_seq_last);
        for (size_t i = 0; i < p->records_n && j->config.on_committed; i++)
            if (p->records[i].kind < XW_LOCAL_USER)
                j->config.on_committed(j->config.user, &p->records[i]);
    }
    if (p->done)
        p->done(p->user, done->status);
    free(p);
}

/* One allocation: the struct, then keys, bodies and origins of all records. */
static struct pending *copy(const struct xw_store_record *records, size_t records_n)
{
    size_t size = 0;
    for (size_t i = 0; i < records_n; i++)
        size += records[i].key_size + records[i].body_size +
                (records[i].origin ? strlen(records[i].origin) : 0) + 1;
    struct pending *p = calloc(1, sizeof(*p) + size);
    if (!p)
        return NULL;
    uint8_t *at = p->bytes;
    for (size_t i = 0; i < records_n; i++) {
        const struct xw_store_record *in = &records[i];
        size_t origin_n = in->origin ? strlen(in->origin) : 0;
        p->records[i] = *in;
        p->records[i].key = memcpy(at, in->key, in->key_size);
        at += in->key_size;
        p->records[i].body = at;
        if (in->body_size)
            memcpy(at, in->body, in->body_size);
        at += in->body_size;
        p->records[i].origin = memcpy(at, in->origin ? in->origin : "", origin_n + 1);
        at += origin_n + 1;
    }
    p->records_n = records_n;
    return p;
}

static int fill(struct xw_store_batch *batch, const struct pending *p)
{
    char log[160];
    snprintf(log, sizeof(log), "gw/%s", p->gateway_id);
    for (size_t i = 0; i < p->records_n; i++) {
        bool passed_on = p->gateway_id[0] && p->records[i].kind < XW_LOCAL_USER;
        int r = xw_store_batch_record(batch, &p->records[i], passed_on ? log : NULL, NULL, 0);
        if (r < 0)
            return r;
    }
    return 0;
}

int xw_journal_append(struct xw_journal *journal, const struct xw_store_record *records,
                      size_t records_n, const char *gateway_id, xw_journal_fn done, void *user)
{
    struct xw_store_batch *batch;
    if (records_n == 0 || records_n > XW_JOURNAL_RECORDS_MAX)
        return -EINVAL;
    if (journal->stopped)
        return -ECANCELED;
    if (journal->pending_n >= XW_JOURNAL_PENDING_MAX)
        return -EAGAIN;
    int r = xw_fault_point("center.append");
    if (r < 0)
        return r;
    struct pending *p = copy(records, records_n);
    if (!p)
        return -ENOMEM;
    p->journal = journal;
    p->done = done;
    p->user = user;
    snprintf(p->gateway_id, sizeof(p->gateway_id), "%s", gateway_id ? gateway_id : "");
    r = xw_store_batch_new(journal->config.store, &batch);
    if (r == 0) {
        r = fill(batch, p);
        if (r == 0)
            r = xw_store_append(journal->config.store, batch, on_done, p);
        else
            xw_store_batch_free(batch);
    }
    if (r < 0) {
        free(p);
        return r;
    }
    journal->pending_n++;
    return 0;
}
