/* xw-feed: a patient monitor's observations, clips and live pictures, on demand.
 *
 *   attach monitor|video BED        the attachment of that kind, at this bed
 *   detach monitor|video            the same, no longer attached
 *   obs CODE VALUE AGO_MS           an observation of the monitor; VALUE "none": it has none
 *   many CODE N STEP_MS             N observations, one each STEP_MS back, values 0 to N - 1
 *   clip BYTES                      a clip that has ended; byte i is (i * 31 + i / 251) % 256
 *   film BYTES                      pictures of so many bytes while they are wanted; 0: no more
 *   lose                            a part of the next picture is left out
 *   garbage                         a part that is none, a status of another's attachment
 *   state N TEXT                    a video-status, repeated each second
 *
 * Lines on stdout: {"attachment"}, {"clip","sha256"}, {"want":ON,"key":KEY}. A picture is 25 a
 * second; its bytes are its frame number, modulo 256; each 50th, and what is asked for, is a key
 * frame. */
#include "feed.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "signal.pb-c.h"
#include "study.pb-c.h"
#include "video.pb-c.h"

enum { PART = 12288, FRAME_US = 40000, KEY_EACH = 50, PICTURE_MAX = 3 << 20 };

struct more {
    struct xw_uuid monitor, probe, run;
    uint64_t revision, frame;
    size_t picture_n;
    bool wanted, key_due, lose, has_probe;
    int state;
    char state_text[64];
    int64_t state_us;
    int64_t next_us, wanted_until_us;
    struct xw_uuid clip;
    int64_t clip_us;
};

static struct more *more_of(struct feed *f)
{
    if (!f->more) {
        f->more = calloc(1, sizeof(*f->more));
        if (!f->more)
            abort();
        struct xw_part monitor[] = {{"monitor", 7}, {f->gateway.id, strlen(f->gateway.id)}};
        struct xw_part probe[] = {{"probe", 5}, {f->gateway.id, strlen(f->gateway.id)}};
        f->more->monitor = xw_uuid_v8(monitor, 2);
        f->more->probe = xw_uuid_v8(probe, 2);
        f->more->run = xw_uuid_v7(NULL);
        f->more->state = 3;
        f->more->revision = (uint64_t)xw_clock_wall(NULL).us;
    }
    return f->more;
}

static ProtobufCBinaryData bytes_of(struct xw_uuid *id)
{
    return (ProtobufCBinaryData){sizeof(id->b), id->b};
}

static void send_record(struct feed *f, struct xw_store_record *record)
{
    struct xw_store_batch *batch = madeup_batch(&f->gateway);
    record->origin = f->gateway.id;
    record->wall_us = xw_clock_wall(NULL).us;
    madeup_record(batch, record);
    madeup_append(&f->gateway, batch);
}

static void attach(struct feed *f, const char *kind, const char *bed, bool attached)
{
    struct more *m = more_of(f);
    bool video = strcmp(kind, "video") == 0;
    struct xw_uuid *id = video ? &m->probe : &m->monitor;
    Xw__Attachment a = XW__ATTACHMENT__INIT;
    uint8_t body[512];
    char text[XW_UUID_TEXT_N_BYTES];
    m->has_probe |= video;
    a.attachment_id = bytes_of(id);
    a.device_id = video ? "probe-1" : "mon-1";
    a.model = video ? "probe" : "monitor";
    a.attached = attached;
    a.since_wall_us = xw_clock_wall(NULL).us;
    a.demo = true;
    a.bed = (char *)(uintptr_t)bed;
    a.kind = (char *)(uintptr_t)kind;
    struct xw_store_record record = {.key = id->b,
                                     .key_size = sizeof(id->b),
                                     .revision = ++m->revision,
                                     .kind = XW__RECORD_KIND__RECORD_ATTACHMENT,
                                     .body = body,
                                     .body_size = xw__attachment__pack(&a, body)};
    send_record(f, &record);
    say("{\"attachment\":\"%s\"}", xw_uuid_format(id, text));
}

static void observe(struct feed *f, char *code, const char *value, int64_t wall_us,
                    struct xw_store_batch *batch)
{
    struct more *m = more_of(f);
    struct xw_uuid id = xw_uuid_v7(NULL);
    Xw__Observation o = XW__OBSERVATION__INIT;
    uint8_t body[512], key[41];
    o.observation_id = bytes_of(&id);
    o.attachment_id = bytes_of(&m->monitor);
    o.code = code;
    o.code_system = "http://loinc.org";
    o.unit = "/min";
    o.source = "test";
    o.device_id = "mon-1";
    o.received_wall_us = xw_clock_wall(NULL).us;
    o.wall_us = wall_us;
    o.demo = true;
    if (strcmp(value, "none") == 0) {
        o.absent = XW__ABSENT_REASON__ABSENT_SENTINEL;
        o.reported_value = "---";
    } else {
        o.value_case = XW__OBSERVATION__VALUE_NUMBER;
        o.number = strtod(value, NULL);
        o.reported_value = (char *)(uintptr_t)value;
    }
    memcpy(key, m->monitor.b, 16);
    key[16] = 'o';
    for (unsigned i = 0; i < 8; i++)
        key[17 + i] = (uint8_t)((uint64_t)o.wall_us >> (56 - 8 * i));
    memcpy(key + 25, id.b, 16);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_OBSERVATION,
                                     .body = body,
                                     .body_size = xw__observation__pack(&o, body),
                                     .origin = f->gateway.id,
                                     .wall_us = o.received_wall_us};
    madeup_record(batch, &record);
}

static void observe_many(struct feed *f, char *code, size_t n, int64_t step_us)
{
    int64_t now_us = xw_clock_wall(NULL).us;
    for (size_t i = 0; i < n;) {
        struct xw_store_batch *batch = madeup_batch(&f->gateway);
        for (size_t end = XW_MIN(i + 500, n); i < end; i++) {
            char value[24];
            snprintf(value, sizeof(value), "%zu", i);
            observe(f, code, value, now_us - (int64_t)i * step_us, batch);
        }
        madeup_append(&f->gateway, batch);
    }
}

/* ---- clips ---- */

static void clip_record(struct feed *f, bool ended)
{
    struct more *m = more_of(f);
    Xw__Clip c = XW__CLIP__INIT;
    uint8_t body[512];
    c.clip_id = bytes_of(&m->clip);
    c.attachment_id = bytes_of(&m->probe);
    c.label = "探头";
    c.codec = "avc1.42C01F";
    c.media_type = "video/mp4";
    c.width = 640;
    c.height = 480;
    c.start_wall_us = m->clip_us;
    c.demo = true;
    if (ended) {
        c.end_wall_us = m->clip_us + 5000000;
        c.end = XW__CLIP_END__CLIP_STOPPED;
        c.frames_n = 125;
        c.sha256 = (ProtobufCBinaryData){32, f->gateway.object.sha256};
        c.size = f->gateway.object.n;
    }
    struct xw_store_record record = {.key = m->clip.b,
                                     .key_size = 16,
                                     .revision = ended ? 2 : 1,
                                     .kind = XW__RECORD_KIND__RECORD_CLIP,
                                     .body = body,
                                     .body_size = xw__clip__pack(&c, body)};
    send_record(f, &record);
}

void more_object(void *user, int status)
{
    struct feed *f = user;
    struct more *m = f->more;
    char clip[XW_UUID_TEXT_N_BYTES], hex[65];
    clip_record(f, true);
    if (status < 0)
        say("{\"error\":\"offer\"}");
    sodium_bin2hex(hex, sizeof(hex), f->gateway.object.sha256, 32);
    say("{\"clip\":\"%s\",\"sha256\":\"%s\"}", xw_uuid_format(&m->clip, clip), hex);
}

static void make_clip(struct feed *f, size_t n)
{
    struct more *m = more_of(f);
    uint8_t *data = malloc(n + 1);
    if (!data)
        abort();
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(i * 31 + i / 251);
    m->clip = xw_uuid_v7(NULL);
    m->clip_us = xw_clock_wall(NULL).us;
    clip_record(f, false);
    madeup_object(&f->gateway, data, n);
}

/* ---- pictures ---- */

static void send_picture(struct feed *f)
{
    struct more *m = f->more;
    static uint8_t data[PART], packed[PART + 256];
    bool key = m->key_due || m->frame % KEY_EACH == 0;
    uint32_t parts = (uint32_t)((m->picture_n + PART - 1) / PART);
    m->key_due = false;
    memset(data, (int)(m->frame & 255), sizeof(data));
    for (uint32_t i = 0; i < parts; i++) {
        Xw__VideoPart p = XW__VIDEO_PART__INIT;
        p.attachment_id = bytes_of(&m->probe);
        p.run_id = bytes_of(&m->run);
        p.frame = m->frame;
        p.part = i;
        p.parts = parts;
        p.key = key;
        p.capture_wall_us = xw_clock_wall(NULL).us;
        if (i == 0) {
            p.codec = "avc1.42C01F";
            p.width = 640;
            p.height = 480;
        }
        size_t left = m->picture_n - (size_t)i * PART;
        p.data.len = left < PART ? left : PART;
        p.data.data = data;
        size_t n = xw__video_part__pack(&p, packed);
        if (!(m->lose && i == parts - 1))
            xw_uplink_ephemeral(f->gateway.uplink, "video", packed, n);
    }
    m->lose = false;
    m->frame++;
}

static void send_state(struct feed *f, int state, char *text, struct xw_uuid *id);

void more_timer(struct feed *f)
{
    struct more *m = f->more;
    int64_t now_us = xw_clock_mono(NULL).us;
    if (m && m->has_probe && now_us - m->state_us >= 1000000) {
        m->state_us = now_us;
        send_state(f, m->state, m->state_text, &m->probe);
    }
    if (!m || !m->picture_n || !m->wanted || now_us > m->wanted_until_us)
        return;
    if (now_us < m->next_us)
        return;
    m->next_us = now_us - m->next_us > 1000000 ? now_us + FRAME_US : m->next_us + FRAME_US;
    send_picture(f);
}

void more_ephemeral(void *user, const char *topic, const void *payload, size_t size)
{
    struct feed *f = user;
    struct more *m = more_of(f);
    if (strcmp(topic, "video-want") != 0)
        return;
    Xw__VideoWant *want = xw__video_want__unpack(NULL, size, payload);
    if (!want)
        return;
    m->wanted = want->on;
    m->key_due |= want->on && want->key;
    m->wanted_until_us = xw_clock_mono(NULL).us + 5000000;
    say("{\"want\":%s,\"key\":%s}", want->on ? "true" : "false", want->key ? "true" : "false");
    xw__video_want__free_unpacked(want, NULL);
}

static void send_state(struct feed *f, int state, char *text, struct xw_uuid *id)
{
    Xw__VideoStatus s = XW__VIDEO_STATUS__INIT;
    uint8_t packed[512];
    s.attachment_id = bytes_of(id);
    s.state = (Xw__VideoState)state;
    s.text = text;
    s.since_wall_us = xw_clock_wall(NULL).us;
    s.width = 640;
    s.height = 480;
    s.captured_fps = 25;
    s.label = "探头";
    xw_uplink_ephemeral(f->gateway.uplink, "video-status", packed,
                        xw__video_status__pack(&s, packed));
}

bool more_line(struct feed *f, char **words, size_t words_n)
{
    struct more *m = more_of(f);
    const char *what = words[0];
    if (strcmp(what, "attach") == 0 || strcmp(what, "detach") == 0) {
        attach(f, words[1], words_n > 2 ? words[2] : "", what[0] == 'a');
    } else if (strcmp(what, "obs") == 0) {
        struct xw_store_batch *batch = madeup_batch(&f->gateway);
        int64_t ago_us = strtoll(words[3], NULL, 10) * 1000;
        observe(f, words[1], words[2], xw_clock_wall(NULL).us - ago_us, batch);
        madeup_append(&f->gateway, batch);
    } else if (strcmp(what, "many") == 0) {
        observe_many(f, words[1], (size_t)strtoul(words[2], NULL, 10),
                     strtoll(words[3], NULL, 10) * 1000);
    } else if (strcmp(what, "clip") == 0) {
        make_clip(f, (size_t)strtoul(words[1], NULL, 10));
    } else if (strcmp(what, "film") == 0) {
        m->picture_n = XW_MIN((size_t)strtoul(words[1], NULL, 10), (size_t)PICTURE_MAX);
        m->next_us = xw_clock_mono(NULL).us;
    } else if (strcmp(what, "lose") == 0) {
        m->lose = true;
    } else if (strcmp(what, "garbage") == 0) {
        struct xw_uuid other = {{0x77}};
        xw_uplink_ephemeral(f->gateway.uplink, "video", "certainly no part", 17);
        send_state(f, 3, "", &other);
        send_state(f, 3, "", &m->monitor);
    } else if (strcmp(what, "state") == 0) {
        m->state = (int)strtol(words[1], NULL, 10);
        snprintf(m->state_text, sizeof(m->state_text), "%s", words[2]);
        send_state(f, m->state, m->state_text, &m->probe);
    } else {
        return false;
    }
    return true;
}

void more_free(struct feed *f)
{
    free(f->more);
}
