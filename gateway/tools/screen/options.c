/* Command line of xinwang-screen. */
#include "tools/screen/screen.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "usage: xinwang-screen -r DIR/RECORD [options]\n"
    "Runs the gateway's ECG analysis over a WFDB recording.\n\n"
    "  -r, --record DIR/RECORD  the recording, without extension\n"
    "  -s, --signals LIST       signals by number or name, e.g. 0,1 or II,V5 (default: all in mV)\n"
    "  -a, --annotator NAME     suffix of the annotation file (default: xw)\n"
    "  -o, --out DIR            writes DIR/RECORD.NAME: beats, rhythms, noise\n"
    "      --json FILE          writes a summary with all events; - is standard output\n"
    "      --stage STAGE        end (default: as known at the end) or final (nothing revised)\n"
    "      --mains HZ           50 or 60 (default: found in the signal)\n"
    "      --timing             prints samples a second and multiples of real time of the "
    "analysis\n"
    "  -h, --help  -V, --version\n";

enum { OPTION_JSON = 256, OPTION_STAGE, OPTION_MAINS, OPTION_TIMING };

static const struct option LONG[] = {
    {"record", required_argument, NULL, 'r'},
    {"signals", required_argument, NULL, 's'},
    {"annotator", required_argument, NULL, 'a'},
    {"out", required_argument, NULL, 'o'},
    {"json", required_argument, NULL, OPTION_JSON},
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"mains", required_argument, NULL, OPTION_MAINS},
    {"timing", no_argument, NULL, OPTION_TIMING},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static int find_signal(const struct xw_wfdb_header *header, const char *name)
{
    char *end = NULL;
    unsigned long number = strtoul(name, &end, 10);
    if (*name >= '0' && *name <= '9' && *end == 0)
        return number < header->signals_n ? (int)number : -1;
    for (unsigned i = 0; i < header->signals_n; i++)
        if (strcasecmp(header->signals[i].description, name) == 0)
            return (int)i;
    return -1;
}

static int parse_signals(const char *list, struct xw_screen_options *options)
{
    struct xw_wfdb_header header;
    struct xw_wfdb_error error = {0};
    int result = xw_wfdb_header_load(options->record, &header, &error);
    if (result < 0) {
        fprintf(stderr, "xinwang-screen: %s\n", error.text);
        return result;
    }
    while (*list && result == 0) {
        char name[64];
        size_t n = strcspn(list, ",");
        int found = -1;
        if (n < sizeof(name) && options->signals_n < XW_WFDB_MAX_SIGNALS) {
            memcpy(name, list, n);
            name[n] = 0;
            found = find_signal(&header, name);
        }
        if (found < 0) {
            fprintf(stderr, "xinwang-screen: no signal '%.*s' in this record\n", (int)n, list);
            result = -EINVAL;
            break;
        }
        options->signals[options->signals_n++] = (unsigned)found;
        list += n + (list[n] == ',');
    }
    xw_wfdb_header_done(&header);
    return result;
}

static int parse_one(int option, const char *value, struct xw_screen_options *o)
{
    switch (option) {
    case 'r':
        o->record = value;
        return 0;
    case 'a':
        o->annotator = value;
        return *value && !strchr(value, '/') ? 0 : -EINVAL;
    case 'o':
        o->out_dir = value;
        return 0;
    case OPTION_JSON:
        o->json = value;
        return 0;
    case OPTION_STAGE:
        o->stage = strcmp(value, "final") == 0 ? XW_SCREEN_STAGE_FINAL : XW_SCREEN_STAGE_END;
        return strcmp(value, "final") == 0 || strcmp(value, "end") == 0 ? 0 : -EINVAL;
    case OPTION_MAINS:
        o->mains_hz = strcmp(value, "60") == 0 ? 60 : 50;
        return strcmp(value, "60") == 0 || strcmp(value, "50") == 0 ? 0 : -EINVAL;
    case OPTION_TIMING:
        o->timing = true;
        return 0;
    default:
        return -EINVAL;
    }
}

int xw_screen_options_parse(int argc, char **argv, struct xw_screen_options *ret_options)
{
    struct xw_screen_options o = {.annotator = "xw"};
    const char *signals = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "r:s:a:o:hV", LONG, NULL)) != -1) {
        if (option == 'h') {
            fputs(HELP, stdout);
            return 1;
        }
        if (option == 'V') {
            printf("xinwang-screen, tables %s\n", xw_ecg_chain_table_hash());
            return 1;
        }
        if (option == 's') {
            signals = optarg;
        } else if (option == '?' || parse_one(option, optarg, &o) < 0) {
            fprintf(stderr, "xinwang-screen: wrong option or value; see --help\n");
            return -EINVAL;
        }
    }
    if (!o.record || optind != argc) {
        fputs(HELP, stderr);
        return -EINVAL;
    }
    if (signals) {
        int result = parse_signals(signals, &o);
        if (result < 0)
            return result;
    }
    *ret_options = o;
    return 0;
}
