/* What the spool and the uplink say. */
#include "edge/life_in.h"

#include "edge/commit.h"
#include "edge/decide.h"
#include "edge/probe.h"
#include "edge/renew.h"
#include "edge/technical.h"
#include "edge/video.h"

#include <stdio.h>
#include <string.h>

static void on_space(void *user, enum xw_store_space space, uint64_t free_bytes)
{
    struct life *life = user;
    struct xw_edge *edge = &life->edge;
    char text[128];
    snprintf(text, sizeof(text), "%llu MiB left", (unsigned long long)(free_bytes >> 20));
    if (!edge->commit || !edge->technical)
        return;
    xw_commit_space(edge->commit, space);
    if (edge->video)
        xw_video_space(edge->video, space);
    if (space == XW_SPACE_OK)
        xw_technical_clear(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_SPOOL_LOW,
                           edge->config->id);
    else
        xw_technical_raise(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_SPOOL_LOW,
                           edge->config->id, text, NULL);
    if (space == XW_SPACE_FULL)
        xw_technical_raise(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_SPOOL_FULL,
                           edge->config->id, "nothing more is taken", NULL);
    else
        xw_technical_clear(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_SPOOL_FULL,
                           edge->config->id);
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
