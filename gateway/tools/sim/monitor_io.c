/* The monitor's connection: sends in order, reads ACKs. */
#include "monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static const int64_t retry_us = 250000, again_us = 1000000, answer_us = 5000000;

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void xw_sim_monitor_close(struct xw_sim_monitor *m)
{
    if (m->tcp) {
        m->tcp->data = NULL;
        uv_close((uv_handle_t *)m->tcp, on_closed);
        m->tcp = NULL;
    }
    m->connected = false;
    m->sent_n = 0;
    xw_buf_clear(&m->in);
    for (struct xw_sim_hl7 *one = m->first; one; one = one->next)
        one->sent_at.us = 0;
    m->retry_at = xw_mono_add_us(xw_clock_mono(NULL), retry_us);
}

struct write_job {
    uv_write_t request;
    char bytes[];
};

static void on_written(uv_write_t *request, int status)
{
    struct xw_sim_monitor *m = request->handle->data;
    if (m && status < 0)
        xw_sim_monitor_close(m);
    free(XW_CONTAINER_OF(request, struct write_job, request));
}

static int send_one(struct xw_sim_monitor *m, struct xw_sim_hl7 *one)
{
    struct write_job *job = malloc(sizeof(*job) + one->n);
    if (!job)
        return -ENOMEM;
    memcpy(job->bytes, one->bytes, one->n);
    uv_buf_t buf = uv_buf_init(job->bytes, (unsigned)one->n);
    int r = uv_write(&job->request, (uv_stream_t *)m->tcp, &buf, 1, on_written);
    if (r < 0)
        free(job);
    return r;
}

static void send_more(struct xw_sim_monitor *m, struct xw_mono_us now)
{
    for (struct xw_sim_hl7 *one = m->first; one && m->sent_n < m->spec->window; one = one->next) {
        if (one->sent_at.us)
            continue;
        if (send_one(m, one) < 0) {
            xw_sim_monitor_close(m);
            return;
        }
        one->sent_at = now;
        m->sent_n++;
    }
}

/* AA: it is theirs now. AE: the same again, a second later, on a new connection. AR: of no use. */
static void take_answer(struct xw_sim_monitor *m, const char *code, const char *control)
{
    struct xw_sim_hl7 *one = m->first;
    xw_sim_journal_line(m->journal,
                        "{\"t\":\"hl7_ack\",\"device\":\"%s\",\"control\":\"%s\",\"code\":\"%s\"}",
                        m->spec->id, control, code);
    if (!one || strcmp(one->control, control) != 0 || !one->sent_at.us) {
        xw_sim_monitor_close(m); /* out of order: begin anew */
        return;
    }
    if (code[1] == 'E') {
        m->resent_n++;
        xw_sim_monitor_close(m);
        m->retry_at = xw_mono_add_us(xw_clock_mono(NULL), again_us);
        return;
    }
    m->acked_n += code[1] == 'A';
    m->refused_n += code[1] != 'A';
    m->first = one->next;
    if (!m->first)
        m->last = &m->first;
    m->kept_n--;
    m->sent_n--;
    free(one);
}

/* MSA|AA|control… of one answer. */
static void read_answer(struct xw_sim_monitor *m, const char *text, size_t n)
{
    char code[3] = "", control[32] = "";
    const char *msa = memmem(text, n, "\rMSA|", 5);
    if (!msa || (size_t)(text + n - msa) < 8) {
        xw_sim_monitor_close(m);
        return;
    }
    memcpy(code, msa + 5, 2);
    const char *from = msa + 8;
    size_t k = 0;
    while (from + k < text + n && from[k] != '|' && from[k] != '\r' && k < sizeof(control) - 1)
        k++;
    memcpy(control, from, k);
    take_answer(m, code, control);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct xw_sim_monitor *m = handle->data;
    uint8_t *room = NULL;
    (void)suggested;
    *ret_buf = uv_buf_init(NULL, 0);
    if (m && xw_buf_reserve(&m->in, 4096, &room) >= 0)
        *ret_buf = uv_buf_init((char *)room, 4096);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct xw_sim_monitor *m = stream->data;
    (void)buf;
    if (!m)
        return;
    if (n < 0) {
        xw_sim_monitor_close(m);
        return;
    }
    xw_buf_added(&m->in, (size_t)n);
    for (const uint8_t *end; m->tcp && m->in.n && (end = memchr(m->in.data, 0x1c, m->in.n));) {
        size_t size = (size_t)(end - m->in.data);
        if (size + 1 >= m->in.n)
            return;
        read_answer(m, (const char *)m->in.data, size);
        if (m->tcp)
            xw_buf_drop(&m->in, size + 2);
    }
    if (m->tcp)
        send_more(m, xw_clock_mono(NULL));
}

static void on_connected(uv_connect_t *request, int status)
{
    struct xw_sim_monitor *m = request->handle->data;
    free(request);
    if (!m)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)m->tcp, on_alloc, on_read) < 0) {
        xw_sim_monitor_close(m);
        return;
    }
    m->connected = true;
    m->connects_n++;
    send_more(m, xw_clock_mono(NULL));
}

static void connect_now(struct xw_sim_monitor *m)
{
    struct sockaddr_in address;
    uv_connect_t *request = malloc(sizeof(*request));
    m->tcp = malloc(sizeof(*m->tcp));
    if (!request || !m->tcp || uv_ip4_addr(m->spec->host, m->spec->port, &address) < 0) {
        free(request);
        free(XW_STEAL(m->tcp));
        return;
    }
    uv_tcp_init(xw_loop_uv(m->loop), m->tcp);
    m->tcp->data = m;
    if (uv_tcp_connect(request, m->tcp, (const struct sockaddr *)&address, on_connected) < 0) {
        free(request);
        xw_sim_monitor_close(m);
    }
}

void xw_sim_monitor_io(struct xw_sim_monitor *m, struct xw_mono_us now)
{
    if (!m->tcp && m->first && now.us >= m->retry_at.us)
        connect_now(m);
    if (!m->connected)
        return;
    if (m->first && m->first->sent_at.us && xw_mono_diff_us(now, m->first->sent_at) > answer_us) {
        m->resent_n++;
        xw_sim_monitor_close(m);
        return;
    }
    send_more(m, now);
}
