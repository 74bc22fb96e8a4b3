/* Monitors: who they are, what is remembered and kept of them. */
#include "edge/monitor_device.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "edge/decide.h"
#include "edge/hello.h"
#include "edge/technical.h"

#include <stdio.h>
#include <string.h>

enum {
    DEVICES_MAX = 128,
    MEMORY_KEY_SIZE = 28, /* "mon1" | attachment | number */
    MEMORY_BODY_MAX = 8192,
    LOAD_PAGE = 512,
    FENCED_US = 60000000, /* the alarm ends so long after the last message of the other one */
};
static const int64_t elsewhere_us = 10000000; /* one id at two places within so long is refused */

XW_COUNTER(observations_n, "xw_monitor_observations_total", NULL, "observations kept");
XW_COUNTER(absent_n, "xw_monitor_absent_total", NULL, "of these: without a value");
XW_COUNTER(repeated_n, "xw_monitor_repeated_total", NULL, "values that were kept already");
XW_COUNTER(thinned_n, "xw_monitor_thinned_total", NULL, "equal values within keep_every");
XW_COUNTER(unknown_n, "xw_monitor_unknown_codes_total", NULL, "values of unknown quantities");
XW_COUNTER(held_back_n, "xw_monitor_held_back_total", NULL, "messages that came late");
XW_GAUGE(attached_gauge, "xw_monitor_attached", NULL, "monitors attached");

struct xw_monitor_devices {
    struct xw_edge *edge;
    xw_monitor_ready_fn ready;
    void *user;
    struct xw_monitor_device *all[DEVICES_MAX];
    size_t all_n;
    struct xw_buf body;
};

int xw_monitor_devices_new(struct xw_edge *edge, xw_monitor_ready_fn ready, void *user,
                           struct xw_monitor_devices **ret_devices)
{
    struct xw_monitor_devices *d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->edge = edge;
    d->ready = ready;
    d->user = user;
    xw_buf_init(&d->body, MEMORY_BODY_MAX);
    *ret_devices = d;
    return 0;
}

static void device_free(struct xw_monitor_device *device)
{
    free(device->memory);
    free(device);
}

void xw_monitor_devices_free(struct xw_monitor_devices *devices)
{
    if (!devices)
        return;
    for (size_t i = 0; i < devices->all_n; i++)
        device_free(devices->all[i]);
    xw_buf_done(&devices->body);
    free(devices);
}

/* ---- who it is ---- */

static struct xw_monitor_device *find(struct xw_monitor_devices *devices, const char *id)
{
    for (size_t i = 0; i < devices->all_n; i++)
        if (!strcmp(devices->all[i]->id, id))
            return devices->all[i];
    return NULL;
}

static bool may_go(const struct xw_monitor_device *device)
{
    return !device->attached && !device->pending_n && device->state != XW_MONITOR_LOADING;
}

/* A place in the table: the one that was silent longest gives way, if it is gone. */
static int room(struct xw_monitor_devices *devices)
{
    size_t at = devices->all_n;
    if (at < DEVICES_MAX)
        return 0;
    for (size_t i = 0; i < devices->all_n; i++)
        if (may_go(devices->all[i]) &&
            (at == devices->all_n || devices->all[i]->heard_us < devices->all[at]->heard_us))
            at = i;
    if (at == devices->all_n)
        return -EMFILE;
    device_free(devices->all[at]);
    devices->all[at] = devices->all[--devices->all_n];
    return 0;
}

static struct xw_monitor_device *device_new(struct xw_monitor_devices *devices, const char *id)
{
    struct xw_monitor_device *device = room(devices) < 0 ? NULL : calloc(1, sizeof(*device));
    if (!device)
        return NULL;
    device->devices = devices;
    snprintf(device->id, sizeof(device->id), "%s", id);
    device->attachment = xw_hello_attachment(devices->edge->config->id, id);
    device->since_wall_us = xw_edge_wall_us();
    devices->all[devices->all_n++] = device;
    return device;
}

/* What the message calls itself; a name that another monitor may have, too, gets its address. With
 * bed_from_pv1 a sender that speaks for several beds is a monitor for each of them. */
static int name_device(const struct xw_edge *edge, const struct xw_hl7_oru *oru, const char *peer,
                       char ret[XW_HL7_DEVICE_MAX + 1])
{
    char address[24] = "", place[12] = "";
    size_t n = 0;
    for (; !oru->device_unique && *peer && n + 1 < sizeof(address); peer++)
        address[n++] = *peer == '%' ? '-' : *peer;
    if (edge->config->monitor_bed_from_pv1 && !oru->device_own && oru->place[0]) {
        const struct xw_part part = {oru->place, strlen(oru->place)};
        struct xw_uuid hash = xw_uuid_v8(&part, 1);
        snprintf(place, sizeof(place), ".%02x%02x%02x%02x", hash.b[0], hash.b[1], hash.b[2],
                 hash.b[3]);
    }
    n = (size_t)snprintf(ret, XW_HL7_DEVICE_MAX + 1, "%s%s%s%s", oru->device_id,
                         !address[0]         ? ""
                         : oru->device_id[0] ? "-"
                                             : "monitor-",
                         address, place);
    return n > XW_HL7_DEVICE_MAX ? -EBADMSG : 0;
}

/* One id that speaks from two addresses, or of two beds, at the same time: two patients would
 * become one. */
static bool is_elsewhere(const struct xw_monitor_device *device, const struct xw_hl7_oru *oru,
                         const char *peer, int64_t now)
{
    if (!device->peer[0] || !device->heard_us || now - device->heard_us > elsewhere_us)
        return false;
    return strcmp(device->peer, peer) != 0 ||
           (device->place[0] && oru->place[0] && strcmp(device->place, oru->place) != 0);
}

static int decide(struct xw_monitor_devices *devices, struct xw_monitor_device *device,
                  struct xw_hl7_error *ret_error)
{
    enum xw_decision decision = xw_decide_monitor(devices->edge->decide, device->id);
    bool was_waiting = device->waiting;
    device->waiting = decision == XW_DECISION_NONE;
    device->refused = decision == XW_DECISION_REFUSED;
    if (decision == XW_DECISION_ACCEPTED)
        return 0;
    if (device->waiting && !was_waiting)
        xw_log_notice("monitor.waits", XW_LOG_STR("device", device->id));
    xw_hl7_error_set(ret_error, "MSH-3", "%s %.60s",
                     device->refused ? "refused at the gateway:" : "not accepted yet:", device->id);
    return -EACCES;
}

int xw_monitor_device_find(struct xw_monitor_devices *devices, const struct xw_hl7_oru *oru,
                           const char *peer, struct xw_monitor_device **ret_device,
                           struct xw_hl7_error *ret_error)
{
    char id[XW_HL7_DEVICE_MAX + 1];
    int64_t now = xw_edge_now_us();
    if (name_device(devices->edge, oru, peer, id) < 0) {
        xw_hl7_error_set(ret_error, "MSH-3", "a name that is too long");
        return -EBADMSG;
    }
    struct xw_monitor_device *device = find(devices, id);
    if (!device)
        device = device_new(devices, id);
    if (!device) {
        xw_hl7_error_set(ret_error, "MSH-3", "too many monitors");
        return -EMFILE;
    }
    if (is_elsewhere(device, oru, peer, now)) {
        device->stats.refused++;
        device->fenced_us = now;
        xw_technical_raise(devices->edge->technical, XW__TECHNICAL_CODE__TECHNICAL_DEVICE_FENCED,
                           device->id, "two monitors call themselves by this id", NULL);
        xw_hl7_error_set(ret_error, "MSH-3", "another monitor has this id: %.60s", device->id);
        return -EADDRINUSE;
    }
    int r = decide(devices, device, ret_error);
    snprintf(device->peer, sizeof(device->peer), "%s", peer);
    snprintf(device->model, sizeof(device->model), "%s", oru->model);
    if (r < 0) {
        device->stats.refused++;
        return r;
    }
    *ret_device = device;
    return 0;
}

/* ---- its memory ---- */

static void memory_key(const struct xw_monitor_device *device, uint64_t no,
                       uint8_t ret_key[MEMORY_KEY_SIZE])
{
    memcpy(ret_key, "mon1", 4);
    memcpy(ret_key + 4, device->attachment.b, 16);
    for (unsigned i = 0; i < 8; i++)
        ret_key[20 + i] = (uint8_t)(no >> (56 - 8 * i));
}

static void forget_memory(struct xw_monitor_device *device, uint64_t no)
{
    uint8_t key[MEMORY_KEY_SIZE];
    memory_key(device, no, key);
    int r = xw_store_forget(device->devices->edge->store, XW_LOCAL_DEVICE, key, sizeof(key));
    if (r < 0) /* it stays until the next start reads it */
        xw_log_debug("monitor.memory", XW_LOG_ERR(r));
}

static void forget_old_memory(struct xw_monitor_device *device)
{
    for (; device->memory_low < device->memory_no; device->memory_low++)
        if (device->memory_low)
            forget_memory(device, device->memory_low);
}

static void loaded(struct xw_monitor_device *device, int status)
{
    struct xw_monitor_devices *devices = device->devices;
    if (status < 0) {
        xw_log_error("monitor.memory", XW_LOG_STR("device", device->id), XW_LOG_ERR(status));
        device->state = XW_MONITOR_IDLE;
        device->load_again = true;
        return;
    }
    device->state = XW_MONITOR_READY;
    device->memory_behind_us = xw_hl7_clock_behind_us(&device->memory->clock);
    devices->ready(devices->user);
}

static void ask_observations(struct xw_monitor_device *device);

/* Newest first; turned at the end, so that the oldest are the first to be forgotten. */
static void on_observations(void *user, const struct xw_store_records *records)
{
    struct xw_monitor_device *device = user;
    bool more = records->status == 0 && records->more && records->records_n > 0;
    size_t n = 0;
    struct xw_uuid id;
    while (n < records->records_n && records->status == 0) {
        const struct xw_store_record *r = &records->records[n];
        if (r->key_size != XW_OBSERVATION_KEY_SIZE ||
            memcmp(r->key, device->attachment.b, 16) != 0 || ((const uint8_t *)r->key)[16] != 'o')
            break;
        n++;
    }
    more &= n == records->records_n;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *key = records->records[i].key;
        if (device->memory->ids_n < XW_VITALS_IDS_MAX && xw_uuid_from_bytes(key + 25, 16, &id) == 0)
            xw_vitals_memory_add(device->memory, &id);
        memcpy(device->load_after, key, sizeof(device->load_after));
    }
    device->loaded_n += n;
    if (more && device->loaded_n < XW_VITALS_IDS_MAX) {
        ask_observations(device);
        return;
    }
    xw_vitals_memory_turn(device->memory);
    loaded(device, records->status);
}

static void ask_observations(struct xw_monitor_device *device)
{
    int r = xw_store_records(device->devices->edge->store, XW__RECORD_KIND__RECORD_OBSERVATION,
                             device->load_after, sizeof(device->load_after), true, LOAD_PAGE,
                             on_observations, device);
    if (r < 0)
        loaded(device, r);
}

/* Of several (a crash before the old one was forgotten) the last by number counts. */
static void on_memory(void *user, const struct xw_store_records *records)
{
    struct xw_monitor_device *device = user;
    if (records->status < 0) {
        loaded(device, records->status);
        return;
    }
    uint64_t last = 0;
    for (size_t i = 0; i < records->records_n; i++) {
        const struct xw_store_record *r = &records->records[i];
        const uint8_t *key = r->key;
        uint64_t no = 0;
        if (r->key_size != MEMORY_KEY_SIZE)
            continue;
        for (unsigned k = 0; k < 8; k++)
            no = no << 8 | key[20 + k];
        if (xw_vitals_memory_read(device->memory, r->body, r->body_size, xw_edge_now_us(),
                                  xw_edge_wall_us()) < 0)
            xw_log_warning("monitor.memory", XW_LOG_STR("device", device->id));
        device->memory_low = last ? device->memory_low : no;
        last = no;
    }
    device->memory_no = last;
    forget_old_memory(device);
    ask_observations(device);
}

static void load(struct xw_monitor_device *device)
{
    uint8_t key[MEMORY_KEY_SIZE];
    device->load_again = false;
    if (!device->memory)
        device->memory = malloc(sizeof(*device->memory));
    if (!device->memory) {
        loaded(device, -ENOMEM);
        return;
    }
    xw_vitals_memory_init(device->memory);
    device->state = XW_MONITOR_LOADING;
    device->loaded_n = 0;
    memcpy(device->load_after, device->attachment.b, 16);
    device->load_after[16] = 'o';
    memset(device->load_after + 17, 0xff, sizeof(device->load_after) - 17);
    memory_key(device, 0, key);
    int r = xw_store_records_prefix(device->devices->edge->store, XW_LOCAL_DEVICE, key, 20, 64,
                                    on_memory, device);
    if (r < 0)
        loaded(device, r);
}

/* ---- what is kept ---- */

static void write_attachment(struct xw_monitor_device *device, bool attached)
{
    struct xw_edge *edge = device->devices->edge;
    Xw__Attachment message = XW__ATTACHMENT__INIT;
    message.attachment_id = (ProtobufCBinaryData){16, device->attachment.b};
    message.device_id = device->id;
    message.model = device->model;
    message.attached = attached;
    message.since_wall_us = xw_edge_wall_us();
    message.demo = edge->config->demo;
    message.bed = device->bed;
    message.kind = (char *)"monitor";
    device->revision = XW_MAX(device->revision + 1, (uint64_t)message.since_wall_us);
    device->since_wall_us = message.since_wall_us;
    device->attached = attached;
    struct xw_store_record record = {.key = device->attachment.b,
                                     .key_size = 16,
                                     .revision = device->revision,
                                     .kind = XW__RECORD_KIND__RECORD_ATTACHMENT};
    xw_commit_message(edge->commit, &record, &message.base, false);
}

static const char *bed_of(const struct xw_monitor_device *device, const struct xw_hl7_oru *oru)
{
    const struct xw_edge_config *config = device->devices->edge->config;
    const char *bed = xw_edge_config_bed(config, device->id);
    return bed[0] || !config->monitor_bed_from_pv1 ? bed : oru->place;
}

static void note_presence(struct xw_monitor_device *device, const struct xw_hl7_oru *oru)
{
    const char *bed = bed_of(device, oru);
    bool moved = strcmp(bed, device->bed) != 0;
    snprintf(device->bed, sizeof(device->bed), "%s", bed);
    if (device->attached && !moved)
        return;
    if (!device->attached) {
        xw_log_info("monitor.attached", XW_LOG_STR("device", device->id));
        xw_technical_clear(device->devices->edge->technical,
                           XW__TECHNICAL_CODE__TECHNICAL_DEVICE_GONE, device->id);
    }
    write_attachment(device, true);
}

static int add_observation(void *user, const Xw__Observation *observation,
                           const uint8_t key[XW_OBSERVATION_KEY_SIZE])
{
    struct xw_monitor_device *device = user;
    struct xw_store_record record = {.key = key,
                                     .key_size = XW_OBSERVATION_KEY_SIZE,
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_OBSERVATION};
    return xw_commit_once(device->devices->edge->commit, &record, &observation->base, false);
}

/* Spot values that changed, or a clock that is another second away. */
static int write_memory(struct xw_monitor_device *device)
{
    struct xw_monitor_devices *devices = device->devices;
    int64_t behind_us = xw_hl7_clock_behind_us(&device->memory->clock);
    int64_t moved_us = behind_us - device->memory_behind_us;
    if (!device->memory->slots_changed && moved_us > -1000000 && moved_us < 1000000)
        return 0;
    uint8_t key[MEMORY_KEY_SIZE];
    memory_key(device, device->memory_no + 1, key);
    xw_buf_clear(&devices->body);
    int r = xw_vitals_memory_write(device->memory, &devices->body);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW_LOCAL_DEVICE,
                                     .body = devices->body.data,
                                     .body_size = devices->body.n};
    if (r >= 0)
        r = xw_commit_once(devices->edge->commit, &record, NULL, true);
    if (r < 0)
        return r;
    device->memory_behind_us = behind_us;
    device->memory_no++;
    return 1;
}

static void count(struct xw_monitor_device *device, const struct xw_observe_counts *n,
                  const struct xw_hl7_oru *oru)
{
    struct xw_monitor_stats *s = &device->stats;
    s->messages++;
    s->observations += n->new_n;
    s->absent += n->absent_n;
    s->repeated += n->known_n;
    s->thinned += n->thin_n;
    s->unknown += oru->unknown_n;
    s->held_back += n->held_back;
    xw_counter_add(&observations_n, n->new_n);
    xw_counter_add(&absent_n, n->absent_n);
    xw_counter_add(&repeated_n, n->known_n);
    xw_counter_add(&thinned_n, n->thin_n);
    xw_counter_add(&unknown_n, oru->unknown_n);
    xw_counter_add(&held_back_n, n->held_back);
}

static int refuse_storage(struct xw_hl7_error *ret_error, int r)
{
    xw_hl7_error_set(ret_error, "OBX", "%s",
                     r == -ENOSPC ? "the gateway's store is full: keep it"
                                  : "the gateway could not keep it");
    return r;
}

int xw_monitor_device_take(struct xw_monitor_device *device, const struct xw_hl7_header *header,
                           const struct xw_hl7_oru *oru, int64_t received_us,
                           struct xw_hl7_error *ret_error)
{
    struct xw_edge *edge = device->devices->edge;
    if (device->state == XW_MONITOR_IDLE && !device->load_again)
        load(device);
    if (device->state != XW_MONITOR_READY)
        return -EAGAIN;
    if (xw_commit_full(edge->commit))
        return refuse_storage(ret_error, -ENOSPC);
    if (!xw_commit_takes(edge->commit))
        return -EAGAIN;
    int r = xw_fault_point("monitor.commit.before");
    if (r < 0)
        return refuse_storage(ret_error, r);
    const struct xw_observe_context context = {
        .gateway_id = edge->config->id,
        .device_id = device->id,
        .attachment = &device->attachment,
        .received_us = received_us,
        .now_us = xw_edge_now_us(),
        .demo = edge->config->demo,
        .county_offset_known = edge->link.county_uncertainty_us > 0,
        .county_offset_us = edge->link.county_offset_us,
        .rule = {edge->config->monitor_keep_every_us, edge->config->monitor_idle_us},
    };
    struct xw_observe_counts counts;
    device->heard_us = context.now_us;
    snprintf(device->place, sizeof(device->place), "%s", oru->place);
    bool was = device->attached;
    note_presence(device, oru);
    r = xw_observe(device->memory, &context, header, oru, add_observation, device, &counts);
    int memory = r < 0 ? r : write_memory(device);
    if (memory < 0) { /* part of it may be on its way: it is recognised when it comes again */
        device->state = XW_MONITOR_FAILED;
        device->pending_n++;
        return 1;
    }
    count(device, &counts, oru);
    if (!counts.new_n && !memory && was && !device->pending_n)
        return 0;
    device->pending_n++;
    return 1;
}

bool xw_monitor_device_done(struct xw_monitor_device *device, int status)
{
    device->pending_n--;
    bool good = status >= 0 && device->state != XW_MONITOR_FAILED;
    if (status < 0)
        device->state = XW_MONITOR_FAILED;
    if (device->state == XW_MONITOR_FAILED && !device->pending_n)
        load(device);
    if (good && !device->pending_n)
        forget_old_memory(device);
    return good;
}

/* ---- time, and the whole ---- */

void xw_monitor_devices_tick(struct xw_monitor_devices *devices)
{
    struct xw_edge *edge = devices->edge;
    int64_t now = xw_edge_now_us();
    size_t attached_n = 0;
    for (size_t i = 0; i < devices->all_n; i++) {
        struct xw_monitor_device *device = devices->all[i];
        if (device->load_again)
            load(device);
        if (device->fenced_us && now - device->fenced_us > FENCED_US) {
            device->fenced_us = 0;
            xw_technical_clear(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_DEVICE_FENCED,
                               device->id);
        }
        if (device->attached && now - device->heard_us > edge->config->monitor_idle_us) {
            xw_log_notice("monitor.gone", XW_LOG_STR("device", device->id));
            write_attachment(device, false);
            xw_technical_raise(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_DEVICE_GONE,
                               device->id, "the monitor sends nothing any more", NULL);
        }
        attached_n += device->attached;
    }
    xw_gauge_set(&attached_gauge, (int64_t)attached_n);
}

void xw_monitor_devices_stop(struct xw_monitor_devices *devices)
{
    for (size_t i = 0; i < devices->all_n; i++)
        if (devices->all[i]->attached)
            write_attachment(devices->all[i], false);
}

/* It was attached when the last process ended: if it stays away, that is said as always. */
void xw_monitor_devices_remember(struct xw_monitor_devices *devices,
                                 const Xw__Attachment *attachment, uint64_t revision)
{
    if (!attachment->attached || !attachment->device_id[0] ||
        strlen(attachment->device_id) > XW_HL7_DEVICE_MAX)
        return;
    struct xw_monitor_device *device = device_new(devices, attachment->device_id);
    if (!device)
        return;
    device->revision = revision;
    device->attached = true;
    device->heard_us = xw_edge_now_us();
    device->since_wall_us = attachment->since_wall_us;
    snprintf(device->model, sizeof(device->model), "%s", attachment->model);
    snprintf(device->bed, sizeof(device->bed), "%s", attachment->bed);
}

void xw_monitor_devices_each(struct xw_monitor_devices *devices,
                             void (*each)(void *user, const struct xw_monitor_info *), void *user)
{
    int64_t now = xw_edge_now_us();
    for (size_t i = 0; i < devices->all_n; i++) {
        const struct xw_monitor_device *d = devices->all[i];
        const struct xw_monitor_info info = {
            .device_id = d->id,
            .model = d->model,
            .bed = d->bed,
            .peer = d->peer,
            .state = d->waiting    ? "waiting"
                     : d->refused  ? "refused"
                     : d->attached ? "attached"
                                   : "detached",
            .attachment = &d->attachment,
            .since_wall_us = d->since_wall_us,
            .heard_age_us = d->heard_us ? now - d->heard_us : -1,
            .clock_known = d->memory && d->memory->clock.known,
            .clock_behind_us = d->memory ? xw_hl7_clock_behind_us(&d->memory->clock) : 0,
            .stats = &d->stats,
        };
        each(user, &info);
    }
}
