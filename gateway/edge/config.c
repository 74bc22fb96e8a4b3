/* Every setting of the gateway with its default, range and meaning. */
#include "edge/config.h"

#include "vault/vault.h"

#include <stdio.h>
#include <string.h>

#define S struct xw_edge_config
#define SECOND INT64_C(1000000)
#define MIB (INT64_C(1) << 20)
#define TIB (INT64_C(1) << 40)

#define VIDEO_SOURCE(n, section)                                                                   \
    XW_CONFIG_STRING(                                                                              \
        S, video[n].source, section, "source", "",                                                 \
        "GStreamer line of a picture source, as: v4l2src device=/dev/video0; "                     \
        "rtspsrc location=rtsp://… latency=0 protocols=tcp ! rtpjpegdepay ! jpegdec; "           \
        "filesrc location=… ! decodebin; empty = none"),                                           \
        XW_CONFIG_STRING(S, video[n].id, section, "id", section,                                   \
                         "its name, 1 to 32 of A-Z a-z 0-9 . _ -"),                                \
        XW_CONFIG_STRING(S, video[n].label, section, "label", "",                                  \
                         "what pages call it: 探头, 全景; empty = its name"),                      \
        XW_CONFIG_STRING(S, video[n].bed, section, "bed", "", "where it stands"),                  \
        XW_CONFIG_BOOL(S, video[n].autostart, section, "autostart", "no",                          \
                       "runs from the start, without somebody who presses the button"),            \
        XW_CONFIG_BOOL(S, video[n].study, section, "study", "yes",                                 \
                       "each run is an ultrasound study for the county's reader")

static const struct xw_config_item items[] = {
    XW_CONFIG_STRING(S, id, "gateway", "id", "",
                     "name of this gateway, 1 to 64 of A-Z a-z 0-9 . _ : -; must equal the common "
                     "name of its certificate; empty = what the county gave it when it was "
                     "enrolled (with a code, on the status page or in enrol.code)"),
    XW_CONFIG_STRING(S, site, "gateway", "site", "",
                     "name of the place, as pages show it; empty = as enrolled"),
    XW_CONFIG_BOOL(S, demo, "gateway", "demo", "no",
                   "synthetic or replayed data: every stream is marked, every device accepted"),

    XW_CONFIG_STRING(S, device_address, "device", "address", "127.0.0.1",
                     "where devices connect; 0.0.0.0 opens the port to the network"),
    XW_CONFIG_INT(S, device_port, "device", "port", 0, 65535, NULL, "7701",
                  "TCP port for devices; 0 = any free one, told in the log"),
    XW_CONFIG_CHOICE(S, accept, "device", "accept", "all|listed", "listed",
                     "all: every device is accepted; listed: those below and those accepted on the "
                     "status page, the others wait there"),
    XW_CONFIG_LIST(S, listed, "device", "listed", 256, "", "ids of devices that are accepted"),
    XW_CONFIG_LIST(S, beds, "device", "beds", 256, "", "where devices stand: DEVICE=BED, …"),
    XW_CONFIG_PATH(S, keys_path, "device", "keys", "",
                   "file with one line 'DEVICE HEXKEY' for each device that must prove itself "
                   "(HMAC-SHA-256, key of 16 to 64 bytes); mode 0600"),
    XW_CONFIG_INT(S, devices_max, "device", "max", 1, 64, "devices", "64",
                  "devices attached at the same time"),
    XW_CONFIG_DURATION(S, hello_timeout_us, "device", "hello_timeout", SECOND / 10, 60 * SECOND,
                       "5s", "a connection without a hello (or answer to the challenge) is closed"),
    XW_CONFIG_DURATION(S, idle_timeout_us, "device", "idle_timeout", SECOND, 600 * SECOND, "30s",
                       "a device from which nothing came (not even a ping) is taken as gone"),
    XW_CONFIG_DURATION(S, keep_us, "device", "keep", SECOND, 86400 * SECOND, "10min",
                       "how long the analysis of a device that is gone waits for its return"),

    XW_CONFIG_STRING(S, monitor_address, "monitor", "address", "127.0.0.1",
                     "where patient monitors connect (HL7 v2 over MLLP); 0.0.0.0 opens the port to "
                     "the network"),
    XW_CONFIG_INT(S, monitor_port, "monitor", "port", 0, 65535, NULL, "0",
                  "0 = none; 2575 is the port registered for HL7"),
    XW_CONFIG_CHOICE(S, monitor_accept, "monitor", "accept", "all|listed", "listed",
                     "all: every monitor is accepted; listed: those below and those accepted on "
                     "the status page, the others are answered AE and wait there"),
    XW_CONFIG_LIST(S, monitor_listed, "monitor", "listed", 256, "",
                   "ids of monitors that are accepted, as the status page shows them"),
    XW_CONFIG_BOOL(S, monitor_bed_from_pv1, "monitor", "bed_from_pv1", "no",
                   "a monitor that device.beds does not name stands where PV1-3 of its messages "
                   "says; a sender that speaks for several beds is a monitor for each"),
    XW_CONFIG_DURATION(S, monitor_idle_us, "monitor", "idle", SECOND, 3600 * SECOND, "1min",
                       "a monitor that sent no message for so long is taken as gone"),
    XW_CONFIG_DURATION(S, monitor_keep_every_us, "monitor", "keep_every", 0, 60 * SECOND, "0s",
                       "a continuous value equal to the last one is kept once in so long; 0s = "
                       "always"),

    XW_CONFIG_PATH(S, spool_dir, "spool", "dir", "/var/lib/xinwang-gateway",
                   "where samples and records wait for the county"),
    XW_CONFIG_PATH(S, spool_key_file, "spool", "key_file", "/var/lib/xinwang-keys/gateway.key",
                   "key that opens the encrypted spool, outside of spool.dir; made at the first "
                   "start; without it the spool is lost"),
    XW_CONFIG_BYTES(S, spool_limit_bytes, "spool", "limit", 0, 64 * TIB, "20GiB",
                    "most that the spool may take; 0 = what the disk has"),
    XW_CONFIG_BYTES(S, spool_reserve_bytes, "spool", "reserve", 0, TIB, "256MiB",
                    "free disk space that is never used"),
    XW_CONFIG_BYTES(S, spool_low_bytes, "spool", "low", 0, TIB, "1GiB",
                    "below this room the technical alarm is raised"),
    XW_CONFIG_DURATION(S, spool_retain_us, "spool", "retain", 0, 366 * 86400 * SECOND, "24h",
                       "what the county has is kept this long if there is room"),

    XW_CONFIG_STRING(S, uplink_host, "uplink", "host", "",
                     "county, as its certificate names it; empty = no uplink"),
    XW_CONFIG_STRING(S, uplink_address, "uplink", "address", "",
                     "address to connect to; empty = host"),
    XW_CONFIG_INT(S, uplink_port, "uplink", "port", 1, 65535, NULL, "7711", "port of the county"),
    XW_CONFIG_PATH(S, cert_path, "uplink", "certificate", "", "our certificate (PEM)"),
    XW_CONFIG_PATH(S, key_path, "uplink", "key", "", "its key (PEM), mode 0600"),
    XW_CONFIG_PATH(S, ca_path, "uplink", "ca", "", "who signed the county's certificate (PEM)"),
    XW_CONFIG_DURATION(S, live_late_us, "uplink", "live_late", SECOND / 10, 60 * SECOND, "2s",
                       "a block older than this is no longer live: it heals"),

    XW_CONFIG_PATH(S, enrol_dir, "enrol", "dir", "/var/lib/xinwang-gateway/identity",
                   "where key, certificate and name from enrolment are kept (only while gateway.id "
                   "is empty)"),
    XW_CONFIG_STRING(S, enrol_county, "enrol", "county", "",
                     "the county's port for enrolment, HOST or HOST:PORT (8702)"),
    XW_CONFIG_SECRET(S, enrol_code, "enrol", "code", "",
                     "one-time code to enrol with at start; of no meaning afterwards"),

    XW_CONFIG_DURATION(S, probe_every_us, "alarm", "probe_every", SECOND, 60 * SECOND, "60s",
                       "how often the way of an alarm to the county's screen is probed"),
    XW_CONFIG_DURATION(S, probe_wait_us, "alarm", "probe_wait", SECOND, 25 * SECOND, "20s",
                       "a probe that is not back by then names the leg that is broken; above the "
                       "county's alarm.probe_wait"),

    XW_CONFIG_STRING(S, status_address, "status", "address", "127.0.0.1",
                     "loopback address of the status page, /healthz and /metrics"),
    XW_CONFIG_INT(S, status_port, "status", "port", 0, 65535, NULL, "7702", "0 = any free one"),
    XW_CONFIG_SECRET(S, status_token, "status", "token", "",
                     "for scripts that accept devices (header X-Xinwang-Token); empty = a new "
                     "random one at each start, known to the page alone"),

    XW_CONFIG_INT(S, mains_hz, "analysis", "mains", 0, 60, "Hz", "0",
                  "50 or 60; 0 = found by listening"),
    XW_CONFIG_PATH(S, rules_path, "analysis", "rules", "",
                   "rule list of the ECG screening (limits, priorities, confirmations), as "
                   "/etc/xinwang/rules.conf; read at start and on SIGHUP; one with a mistake is "
                   "refused as a whole and the last good one stays; empty = the defaults"),
    XW_CONFIG_BOOL(S, rules_county, "analysis", "county_rules", "yes",
                   "the county's newest rule list is in force as soon as one came, whatever "
                   "analysis.rules says; no: only the file"),
    XW_CONFIG_BOOL(S, electrodes, "analysis", "electrodes", "yes",
                   "a technical alarm while exchanged electrodes of a 12-lead ECG are suspected; "
                   "looked at every 5 s, 0.3 % of a core a stream"),
    XW_CONFIG_DURATION(
        S, warmup_us, "analysis", "warmup", 0, 600 * SECOND, "7min",
        "samples from the spool that a new analysis run learns from; less than 7min: the first "
        "five-minute values after a restart lack what is not learned; a CTG: at least 35min"),

    XW_CONFIG_PATH(S, import_dir, "import", "dir", "",
                   "folder into which ECG files are put (aECG, SCP-ECG, DICOM, EDF, MUSE, Sierra, "
                   "MFER): each becomes a study; broken ones go to its folder quarantine, taken "
                   "ones to done; empty = none"),
    XW_CONFIG_PATH(S, import_outbox, "import", "outbox", "",
                   "every file that became a study is put here, too, for xinwang-dicom to bring it "
                   "to an archive (its send.dir); empty = none"),
    XW_CONFIG_BYTES(S, import_file_max_bytes, "import", "file_max", 1024, 256 * MIB, "64MiB",
                    "a larger file is not read: it is quarantined"),
    XW_CONFIG_DURATION(S, import_settle_us, "import", "settle", SECOND / 10, 600 * SECOND, "3s",
                       "a file whose size and times rested so long is looked at"),
    XW_CONFIG_DURATION(S, import_give_up_us, "import", "give_up", SECOND, 86400 * SECOND, "10min",
                       "a file that can not be read waits so long for more of it, then it is "
                       "broken"),
    XW_CONFIG_DURATION(S, import_keep_us, "import", "keep", 0, 366 * 86400 * SECOND, "24h",
                       "what was taken stays in done for so long, as it came (not encrypted); 0s = "
                       "it is deleted at once"),

    XW_CONFIG_INT(S, video_kbit, "video", "bitrate", 250, 20000, "kbit/s", "4000",
                  "of recordings, and the most for live pictures"),
    XW_CONFIG_INT(S, video_floor_kbit, "video", "floor", 100, 4000, "kbit/s", "250",
                  "the least for live pictures; when that does not fit, they yield to ECG"),
    XW_CONFIG_DURATION(S, video_key_us, "video", "key_interval", SECOND / 2, 10 * SECOND, "2s",
                       "longest time between key frames of live pictures"),
    XW_CONFIG_DURATION(S, video_clip_max_us, "video", "clip_max", 2 * SECOND, 3600 * SECOND,
                       "10min", "a recording goes on in another file after this"),
    VIDEO_SOURCE(0, "video1"),
    VIDEO_SOURCE(1, "video2"),
    VIDEO_SOURCE(2, "video3"),
    VIDEO_SOURCE(3, "video4"),
};

const struct xw_config_schema xw_edge_schema = {
    .program = "xinwang-gateway",
    .items = items,
    .items_n = XW_ARRAY_N(items),
    .values_n_bytes = sizeof(struct xw_edge_config),
};

static bool id_ok(const char *id)
{
    size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");
    return n >= 1 && n <= 64 && !id[n];
}

static bool loopback(const char *address)
{
    return !strncmp(address, "127.", 4) || !strcmp(address, "::1") || !strcmp(address, "localhost");
}

bool xw_edge_config_enrols(const struct xw_edge_config *config)
{
    return !config->id[0];
}

bool xw_edge_config_has_video(const struct xw_edge_config *config)
{
    for (size_t i = 0; i < XW_EDGE_VIDEO_MAX; i++)
        if (config->video[i].source[0])
            return true;
    return false;
}

/* A line that GStreamer cannot build is not wrong here: its source says so, the rest goes on. */
static const char *video_wrong(const struct xw_edge_config *c)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (c->video_floor_kbit > c->video_kbit)
        return "video.floor: not above video.bitrate";
    for (size_t i = 0; i < XW_EDGE_VIDEO_MAX; i++) {
        const struct xw_edge_video *v = &c->video[i];
        size_t n = strspn(v->id, allowed);
        if (!v->source[0])
            continue;
        if (n < 1 || n > 32 || v->id[n])
            return "video1 … video4, id: 1 to 32 of A-Z a-z 0-9 . _ -";
        if (strlen(v->label) > 64 || strlen(v->bed) > 64)
            return "video1 … video4, label and bed: at most 64 bytes";
        for (size_t j = 0; j < i; j++)
            if (c->video[j].source[0] && !strcmp(c->video[j].id, v->id))
                return "video1 … video4, id: two sources have the same";
    }
    return NULL;
}

int xw_edge_config_check(const void *values, struct xw_config_error *ret_error)
{
    const struct xw_edge_config *c = values;
    const char *wrong = NULL;
    if (c->id[0] && !id_ok(c->id))
        wrong = "gateway.id: 1 to 64 of A-Z a-z 0-9 . _ : -";
    else if (!loopback(c->status_address))
        wrong = "status.address: a loopback address (the page has no login)";
    else if (c->mains_hz != 0 && c->mains_hz != 50 && c->mains_hz != 60)
        wrong = "analysis.mains: 0, 50 or 60";
    else if (!c->id[0] && c->uplink_host[0])
        wrong = "gateway.id: needed with uplink.host (an enrolled gateway has neither)";
    else if (!c->id[0] && !c->enrol_dir[0])
        wrong = "enrol.dir: needed without gateway.id";
    else if (c->enrol_code[0] && !c->enrol_county[0])
        wrong = "enrol.county: needed with enrol.code";
    else if (!!c->cert_path[0] != !!c->key_path[0])
        wrong = "uplink.certificate and uplink.key: both or none";
    else if (!xw_vault_is_outside(c->spool_key_file, c->spool_dir))
        wrong = "spool.key_file: needed, and not within spool.dir";
    else if (c->import_outbox[0] && !c->import_dir[0])
        wrong = "import.dir: needed with import.outbox";
    else if (c->import_dir[0] && !strcmp(c->import_dir, c->import_outbox))
        wrong = "import.outbox: another folder than import.dir";
    if (!wrong)
        wrong = video_wrong(c);
    for (size_t i = 0; !wrong && i < c->beds.n; i++)
        if (!strchr(c->beds.items[i], '='))
            wrong = "device.beds: items are DEVICE=BED";
    if (!wrong)
        return 0;
    snprintf(ret_error->text, sizeof(ret_error->text), "%s", wrong);
    return -EINVAL;
}

const char *xw_edge_config_bed(const struct xw_edge_config *config, const char *device_id)
{
    size_t n = strlen(device_id);
    for (size_t i = 0; i < config->beds.n; i++)
        if (!strncmp(config->beds.items[i], device_id, n) && config->beds.items[i][n] == '=')
            return config->beds.items[i] + n + 1;
    return "";
}
