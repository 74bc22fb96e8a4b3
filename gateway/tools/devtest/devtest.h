/* xinwang-devtest: one connection after the other, one scenario each, one verdict a rule.
 *
 * Threads: one. Ownership: everything lives as long as the program. Times in µs, monotonic. */
#ifndef XW_DEVTEST_H
#define XW_DEVTEST_H

#include "base/range.h"
#include "edge/session.h"

enum { SAMPLES_MAX = 8 * 1024 * 1024 };

/* What the device has sent of one signal, to be compared with what it sends again. */
struct sent {
    bool used;
    uint32_t channels_n;
    double rate_hz;
    uint64_t base; /* index of x[0] */
    bool base_set;
    int32_t *x;
    size_t rows_cap;
    struct xw_ranges known; /* blocks and gaps */
    struct xw_ranges blocks;
    uint64_t rows_n;     /* received in this connection */
    uint64_t first_seen; /* of this connection */
    bool any;
};

enum phase_answer { ANSWER_ACCEPT, ANSWER_CHALLENGE, ANSWER_WAIT, ANSWER_REFUSE };

struct devtest {
    int listener, fd;
    struct xw_session session;
    struct sent sent[XW_HELLO_SIGNALS_MAX];
    /* the scenario's wishes */
    enum phase_answer answer;
    bool acking;
    uint64_t held_back[XW_HELLO_SIGNALS_MAX]; /* told as held in Accepted; UINT64_MAX = all known */
    bool hide_ranges;
    /* what happened */
    bool connected, accepted, over, proved, bye;
    struct xw_device_fault fault;
    bool faulted;
    uint64_t epoch, resent_differs_n, facts_upto, pings_n;
    char device_id[XW_HELLO_ID_MAX + 1];
    bool resumes, hello_changed;
    uint8_t *first_header;
    size_t first_header_size;
    int64_t ack_at_us, last_block_us;
    uint64_t ack_n;
    /* options */
    uint8_t key[64];
    size_t key_size;
    int64_t phase_us, wait_us;
    bool quiet;
    unsigned failed_n, passed_n;
};

/* ---- verdicts ---- */
void verdict(struct devtest *t, bool pass, const char *rule, const char *format, ...)
    XW_PRINTF(4, 5);
/* The fault that ended the connection, if any, with byte offset and field: fails `rule`. */
bool no_fault(struct devtest *t, const char *rule);

/* ---- the connection ---- */
int64_t now_us(void);
/* Waits for the device to connect; false after the time. */
bool wire_wait(struct devtest *t, int64_t wait_us);
/* Reads, answers and acknowledges until the time is over or the connection is. */
void wire_run(struct devtest *t, int64_t us);
void wire_cut(struct devtest *t);
void wire_warn(struct devtest *t, Xw__DeviceFault code, const char *text);
void wire_accept(struct devtest *t);
void wire_ack(struct devtest *t);

/* ---- samples ---- */
void samples_hello(struct devtest *t, const Xw__DeviceHello *hello);
void samples_block(struct devtest *t, const struct xw_session_block *block);
void samples_gap(struct devtest *t, unsigned signal, uint64_t first, uint64_t count);
void samples_free(struct devtest *t);

/* Exit status of the program: 0 all passed, 1 some failed, 3 no device came. */
int scenarios_run(struct devtest *t);

#endif
