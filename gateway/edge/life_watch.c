/* What the spool and the uplink say. */
#include "edge/life_in.h"

#include "edge/commit.h"
#include "edge/decide.h"
#include "edge/probe.h"
#include "edge/renew.h"
#include "edge/rules.h"
#include "edge/technical.h"
#include "edge/video.h"

#include <stdio.h>
#include <string.h>

enum { FULL_FOR_US = 10000000 };

static void show(struct life *life, Xw__TechnicalCode code, bool on, const char *text)
{
    struct xw_edge *edge = &life->edge;
    if (on)
        xw_technical_raise(edge->technical, code, edge->config->id, text, NULL);
    else
        xw_technical_clear(edge->technical, code, edge->config->id);
}

/* A disk at its limit takes one commit and refuses the next: one alarm, not hundreds. */
void xw_life_show_space(struct life *life)
{
    char text[128];
    struct xw_store_stats stats;
    enum xw_store_space space = life->space;
    if (!life->edge.technical || !life->edge.store)
        return;
    if (life->full_us && xw_edge_now_us() - life->full_us < FULL_FOR_US)
        space = XW_SPACE_FULL;
    else
        life->full_us = 0;
    xw_store_stats(life->edge.store, &stats);
    snprintf(text, sizeof(text), "%llu MiB left", (unsigned long long)(stats.free_bytes >> 20));
    show(life, XW__TECHNICAL_CODE__TECHNICAL_SPOOL_LOW, space != XW_SPACE_OK, text);
    show(life, XW__TECHNICAL_CODE__TECHNICAL_SPOOL_FULL, space == XW_SPACE_FULL,
         "nothing more is taken");
}

static void on_space(void *user, enum xw_store_space space, uint64_t free_bytes)
{
    struct life *life = user;
    struct xw_edge *edge = &life->edge;
    (void)free_bytes;
    life->space = space;
    if (space == XW_SPACE_FULL)
        life->full_us = xw_edge_now_us();
    if (!edge->commit || !edge->technical)
        return;
    xw_commit_space(edge->commit, space);
    if (edge->video)
        xw_video_space(edge->video, space);
    xw_life_show_space(life);
}

static void on_conflict(void *user, const struct xw_uuid *stream, struct xw_range range)
{
    struct life *life = user;
    char subject[XW_UUID_TEXT_N_BYTES], text[128];
    snprintf(text, sizeof(text), "samples %llu to %llu came twice and differ: both are kept",
             (unsigned long long)range.first, (unsigned long long)range.end);
    if (life->edge.technical)
        xw_technical_raise(life->edge.technical, XW__TECHNICAL_CODE__TECHNICAL_CONFLICT,
                           xw_uuid_format(stream, subject), text, stream);
}

static void on_unreadable(void *user, const struct xw_uuid *stream, struct xw_range range,
                          const char *text)
{
    struct life *life = user;
    char subject[XW_UUID_TEXT_N_BYTES];
    (void)range;
    if (life->edge.technical)
        xw_technical_raise(life->edge.technical, XW__TECHNICAL_CODE__TECHNICAL_UNREADABLE,
                           xw_uuid_format(stream, subject), text, stream);
}

static void on_link_state(void *user, const struct xw_uplink_state *state)
{
    struct life *life = user;
    bool was = life->edge.link.linked;
    life->edge.link = *state;
    life->edge.link.text = NULL; /* borrowed: asked for again where it is shown */
    if (was && !state->linked)
        life->unlinked_us = xw_edge_now_us();
    if (was != state->linked) {
        xw_video_linked(life->edge.video, state->linked);
        xw_probe_linked(life->edge.probe, state->linked);
    }
    if (state->linked)
        xw_technical_clear(life->edge.technical, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST,
                           life->edge.config->id);
}

static void on_county_record(void *user, const struct xw_store_record *record)
{
    struct life *life = user;
    if (record->kind == XW__RECORD_KIND__RECORD_DEVICE)
        xw_decide_remember(life->edge.decide, record);
    else if (record->kind == XW__RECORD_KIND__RECORD_RULESET)
        xw_edge_rules_county(life->edge.rules, record);
}

static void on_ephemeral(void *user, const char *topic, const void *payload, size_t size)
{
    struct life *life = user;
    if (xw_renew_ephemeral(life->edge.renew, topic, payload, size))
        return;
    if (!strcmp(topic, "video-want"))
        xw_video_wanted(life->edge.video, payload, size);
    else if (!strcmp(topic, "alarm-proof"))
        xw_probe_proof(life->edge.probe, payload, size);
}

static void on_object(void *user, const uint8_t sha256[32], int status)
{
    struct life *life = user;
    xw_video_object(life->edge.video, sha256, status);
}

struct xw_store_watch xw_life_store_watch(struct life *life)
{
    return (struct xw_store_watch){life, on_space, on_conflict, on_unreadable};
}

struct xw_uplink_watch xw_life_uplink_watch(struct life *life)
{
    return (struct xw_uplink_watch){life, on_link_state, on_county_record, on_ephemeral, on_object};
}
