/* A synthetic patient together with everything it told. */
#include <stdlib.h>
#include <string.h>

#include "unit/synth/support.h"

static void keep(void *user, const struct xw_synth_event *event)
{
    struct patient *p = user;
    assert_true(p->events_n < MAX_EVENTS);
    /* told during the read of its sample, in order */
    if (p->events_n)
        assert_true(event->sample >= p->events[p->events_n - 1].sample);
    assert_true(event->sample < xw_synth_position(p->synth));
    p->events[p->events_n++] = *event;
}

struct patient *patient_new(uint64_t seed, const char *scene)
{
    struct xw_synth_config config;
    struct patient *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    xw_synth_config_init(&config);
    config.seed = seed;
    config.on_event = keep;
    config.user = p;
    assert_int_equal(xw_synth_new(&config, &p->synth), 0);
    assert_int_equal(xw_synth_set_scene(p->synth, scene), 0);
    return p;
}

void patient_free(struct patient *p)
{
    xw_synth_free(p->synth);
    free(p);
}

void patient_quiet(struct patient *p)
{
    static const struct xw_synth_noise none;
    assert_int_equal(xw_synth_set_noise(p->synth, &none), 0);
}

int32_t *patient_read(struct patient *p, double seconds)
{
    size_t n = (size_t)(seconds * RATE);
    int32_t *rows = malloc(n * LEADS * sizeof(*rows));
    assert_non_null(rows);
    xw_synth_read(p->synth, rows, n);
    return rows;
}

size_t patient_beats(const struct patient *p, uint64_t from, const char *labels, uint64_t *ret,
                     size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < p->events_n; i++) {
        const struct xw_synth_event *e = &p->events[i];
        if (e->kind != XW_SYNTH_BEAT || e->sample < from || !strchr(labels, e->label))
            continue;
        if (ret && n < max)
            ret[n] = e->sample;
        n++;
    }
    return n;
}
