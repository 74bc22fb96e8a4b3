/* Running median by insertion into a small sorted array. */
#include "dsp/core/median.h"

#include <string.h>

void xw_dsp_median_init(struct xw_dsp_median *m, unsigned size_n)
{
    memset(m, 0, sizeof(*m));
    m->size_n = size_n < 1 ? 1 : size_n > XW_DSP_MEDIAN_MAX ? XW_DSP_MEDIAN_MAX : size_n;
}

void xw_dsp_median_reset(struct xw_dsp_median *m)
{
    m->used_n = 0;
    m->next = 0;
}

static void take_out(struct xw_dsp_median *m, float x)
{
    unsigned i = 0;
    while (i + 1 < m->used_n && m->sorted[i] != x)
        i++;
    memmove(m->sorted + i, m->sorted + i + 1, (m->used_n - 1 - i) * sizeof(float));
    m->used_n--;
}

void xw_dsp_median_push(struct xw_dsp_median *m, float x)
{
    if (m->used_n == m->size_n)
        take_out(m, m->value[m->next]);
    unsigned i = m->used_n;
    for (; i > 0 && m->sorted[i - 1] > x; i--)
        m->sorted[i] = m->sorted[i - 1];
    m->sorted[i] = x;
    m->used_n++;
    m->value[m->next] = x;
    m->next = m->next + 1 == m->size_n ? 0 : m->next + 1;
}

void xw_dsp_median_fill(struct xw_dsp_median *m, float x)
{
    for (unsigned i = 0; i < m->size_n; i++)
        m->value[i] = m->sorted[i] = x;
    m->used_n = m->size_n;
    m->next = 0;
}

float xw_dsp_median_value(const struct xw_dsp_median *m)
{
    if (!m->used_n)
        return 0;
    return 0.5f * (m->sorted[(m->used_n - 1) / 2] + m->sorted[m->used_n / 2]);
}

float xw_dsp_median_rank(const struct xw_dsp_median *m, float share)
{
    if (!m->used_n)
        return 0;
    return m->sorted[(unsigned)(share * (float)(m->used_n - 1) + 0.5f)];
}
