/* When to connect; see dial.h. */
#include "link/dial.h"

enum {
    SILENT_US = 750000,   /* nothing answered for so long: another attempt */
    PATIENT_US = 1900000, /* the same every so often; TCP has asked twice by then */
    PATIENT_EVERY_N = 4,
    CONNECT_US = 2500000, /* TCP, TLS, upgrade and welcome; */
    CONNECT_ROUNDS_N = 8, /* and so many round trips more */
    RETRY_SILENT_US = 60000,
    RETRY_FIRST_US = 150000,
    RETRY_NO_WAY_MAX_US = 800000,
    RETRY_MAX_US = 1200000,
    REFUSED_US = 4000000,
};

bool xw_dial_due(const struct xw_dial *dial, int64_t now_us)
{
    return now_us >= dial->retry_us;
}

void xw_dial_begin(struct xw_dial *dial, int64_t now_us)
{
    dial->begun_us = now_us;
}

bool xw_dial_over(const struct xw_dial *dial, int64_t now_us, bool answered, uint32_t rtt_us)
{
    bool patient = dial->silent_n % PATIENT_EVERY_N == PATIENT_EVERY_N - 1;
    int64_t may_us = patient ? PATIENT_US : SILENT_US;
    if (answered)
        may_us = CONNECT_US + (int64_t)CONNECT_ROUNDS_N * rtt_us;
    return now_us - dial->begun_us >= may_us;
}

void xw_dial_ended(struct xw_dial *dial, int64_t now_us, enum xw_dial_end how, unsigned percent)
{
    int64_t delay_us = RETRY_FIRST_US;
    if (how == XW_DIAL_SILENT) {
        delay_us = RETRY_SILENT_US;
        dial->silent_n++;
    } else if (how == XW_DIAL_REFUSED) {
        delay_us = REFUSED_US;
    } else {
        int64_t most_us = how == XW_DIAL_NO_WAY ? RETRY_NO_WAY_MAX_US : RETRY_MAX_US;
        for (unsigned i = 0; i < dial->failed_n && delay_us < most_us; i++)
            delay_us *= 2;
        delay_us = XW_MIN(delay_us, most_us);
        dial->failed_n++;
    }
    dial->retry_us = now_us + delay_us * (75 + (int64_t)(percent % 100) / 2) / 100;
}

void xw_dial_welcomed(struct xw_dial *dial)
{
    dial->silent_n = dial->failed_n = 0;
}
