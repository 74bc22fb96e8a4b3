/* Command line of xinwang-screen. */
#include "tools/screen/screen.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "usage: xinwang-screen -r RECORD [options]\n"
    "Runs the gateway's ECG analysis over a recording.\n\n"
    "  -r, --record RECORD      DIR/RECORD of WFDB, without extension, or an ECG file: HL7 aECG,\n"
    "                           SCP-ECG, DICOM, EDF, MUSE XML, Philips Sierra XML, MFER\n"
    "      --beats FILE         instead: beats of an annotation file, e.g. DIR/RECORD.qrs (with\n"
    "                           DIR/RECORD.hea); finds atrial fibrillation from them alone\n"
    "      --12lead FILE        instead: measures ten seconds of it (any of these) as a 12-lead "
    "ECG,\n"
    "                           writes JSON (--json, default -): median beat, intervals, axes,\n"
    "                           a table of each lead, every beat, exchanged electrodes,\n"
    "                           statements with their evidence\n"
    "      --pdf FILE           with --12lead: also a printed page (unsigned); - is standard "
    "output;\n"
    "                           JSON then only if --json is given\n"
    "      --page LIST          of that page, apart by commas: layout=3x4|6x2|12x1, "
    "speed=12.5|25|50,\n"
    "                           gain=2.5|5|10|20, lang=zh|en|both, band=LOW-HIGH (Hz) or "
    "band=off,\n"
    "                           mains=50|60|off, rhythm=LEAD, table=yes|no, institution=NAME\n"
    "      --previous FILE      with --12lead: against this earlier recording, both alike in "
    "rate,\n"
    "                           band and leads: differences with their uncertainty\n"
    "      --at SECONDS         with --12lead: these ten seconds (default: the best of up to 1440 "
    "places)\n"
    "      --statements DIR     with --12lead: statements.tsv, limits.tsv, rules.txt, "
    "relations.tsv\n"
    "                           of its statements (default: built in)\n"
    "      --age YEARS, --sex M|F  with --12lead: of the patient\n"
    "  -s, --signals LIST       signals by number or name, e.g. 0,1 or II,V5 (default: all in mV)\n"
    "  -a, --annotator NAME     suffix of the annotation file (default: xw)\n"
    "  -o, --out DIR            writes DIR/RECORD.NAME: beats, rhythms, noise\n"
    "      --json FILE          writes a summary with all events; - is standard output\n"
    "      --stage STAGE        revised (default: the last word on everything) or final (the "
    "first\n"
    "                           final word: nothing revised)\n"
    "      --delays             writes DIR/RECORD.delays: for each beat its sample, the sample "
    "after\n"
    "                           which it was said provisionally, finally, for the last time (-1:\n"
    "                           not), and 1 if it was found late\n"
    "      --mains HZ           50 or 60 (default: found in the signal)\n"
    "      --no-pulses          does not ask PLETH and pressure waves of the recording, which may "
    "deny\n"
    "                           false alarms\n"
    "      --timing             prints samples a second and multiples of real time of the "
    "analysis\n"
    "      --rules FILE         limits, priorities and confirmations (default: built in)\n"
    "      --check-rules        only reads the list: its version and hash, or what is wrong in it\n"
    "      --print-rules        prints a list with the defaults and the meaning of everything\n"
    "  -h, --help  -V, --version\n";

enum {
    OPTION_JSON = 256,
    OPTION_STAGE,
    OPTION_DELAYS,
    OPTION_MAINS,
    OPTION_TIMING,
    OPTION_BEATS,
    OPTION_NO_PULSES,
    OPTION_RULES,
    OPTION_CHECK_RULES,
    OPTION_PRINT_RULES,
    OPTION_TWELVE,
    OPTION_AT,
    OPTION_STATEMENTS,
    OPTION_AGE,
    OPTION_SEX,
    OPTION_PDF,
    OPTION_PAGE,
    OPTION_PREVIOUS
};

static const struct option LONG[] = {
    {"record", required_argument, NULL, 'r'},
    {"signals", required_argument, NULL, 's'},
    {"annotator", required_argument, NULL, 'a'},
    {"out", required_argument, NULL, 'o'},
    {"json", required_argument, NULL, OPTION_JSON},
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"delays", no_argument, NULL, OPTION_DELAYS},
    {"mains", required_argument, NULL, OPTION_MAINS},
    {"12lead", required_argument, NULL, OPTION_TWELVE},
    {"at", required_argument, NULL, OPTION_AT},
    {"statements", required_argument, NULL, OPTION_STATEMENTS},
    {"age", required_argument, NULL, OPTION_AGE},
    {"sex", required_argument, NULL, OPTION_SEX},
    {"pdf", required_argument, NULL, OPTION_PDF},
    {"page", required_argument, NULL, OPTION_PAGE},
    {"previous", required_argument, NULL, OPTION_PREVIOUS},
    {"beats", required_argument, NULL, OPTION_BEATS},
    {"timing", no_argument, NULL, OPTION_TIMING},
    {"no-pulses", no_argument, NULL, OPTION_NO_PULSES},
    {"rules", required_argument, NULL, OPTION_RULES},
    {"check-rules", no_argument, NULL, OPTION_CHECK_RULES},
    {"print-rules", no_argument, NULL, OPTION_PRINT_RULES},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* DIR/RECORD or DIR/RECORD.hea. */
static int name_header(const char *path, char ret_record[], size_t max)
{
    size_t n = strlen(path);
    n -= n > 4 && strcmp(path + n - 4, ".hea") == 0 ? 4 : 0;
    if (!n || n >= max)
        return -EINVAL;
    memcpy(ret_record, path, n);
    ret_record[n] = 0;
    return 0;
}

static int parse_number(const char *text, double min, double max, double *ret_value)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= min && value <= max))
        return -EINVAL;
    *ret_value = value;
    return 0;
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
        o->stage = strcmp(value, "final") == 0 ? XW_SCREEN_STAGE_FINAL : XW_SCREEN_STAGE_REVISED;
        return strcmp(value, "final") == 0 || strcmp(value, "revised") == 0 ||
                       strcmp(value, "end") == 0 /* its former name */
                   ? 0
                   : -EINVAL;
    case OPTION_DELAYS:
        o->delays = true;
        return 0;
    case OPTION_MAINS:
        o->mains_hz = strcmp(value, "60") == 0 ? 60 : 50;
        return strcmp(value, "60") == 0 || strcmp(value, "50") == 0 ? 0 : -EINVAL;
    case OPTION_BEATS:
        o->beats = value;
        return 0;
    case OPTION_TWELVE:
        o->twelve = true;
        o->record = o->record_of_beats;
        return name_header(value, o->record_of_beats, sizeof(o->record_of_beats));
    case OPTION_PREVIOUS:
        o->previous = o->record_before;
        return name_header(value, o->record_before, sizeof(o->record_before));
    case OPTION_AT:
        return parse_number(value, 0, 1e9, &o->at_s);
    case OPTION_STATEMENTS:
        o->statements = value;
        return 0;
    case OPTION_AGE: {
        double years;
        int result = parse_number(value, 0, 130, &years);
        o->age_years = result < 0 ? o->age_years : (float)years;
        return result;
    }
    case OPTION_SEX:
        o->sex = strcasecmp(value, "F") == 0 ? XW_ECG12_FEMALE : XW_ECG12_MALE;
        return strcasecmp(value, "F") == 0 || strcasecmp(value, "M") == 0 ? 0 : -EINVAL;
    case OPTION_PDF:
        o->pdf = value;
        return 0;
    case OPTION_PAGE:
        o->page = value;
        return 0;
    case OPTION_TIMING:
        o->timing = true;
        return 0;
    case OPTION_NO_PULSES:
        o->no_pulses = true;
        return 0;
    case OPTION_RULES:
        o->rules_file = value;
        return 0;
    case OPTION_CHECK_RULES:
        o->check_rules = true;
        return 0;
    default:
        return -EINVAL;
    }
}

/* DIR/RECORD of DIR/RECORD.SUFFIX. */
static int name_record(struct xw_screen_options *o)
{
    const char *dot = strrchr(o->beats, '.'), *slash = strrchr(o->beats, '/');
    size_t n = dot ? (size_t)(dot - o->beats) : 0;
    if (!n || (slash && dot < slash) || n >= sizeof(o->record_of_beats)) {
        fprintf(stderr, "xinwang-screen: --beats wants DIR/RECORD.SUFFIX\n");
        return -EINVAL;
    }
    memcpy(o->record_of_beats, o->beats, n);
    o->record_of_beats[n] = 0;
    o->record = o->record_of_beats;
    return 0;
}

static void print_rules(const struct xw_ecg_rules *rules)
{
    char text[XW_ECG_RULES_TEXT_MAX_BYTES];
    xw_ecg_rules_write(rules, true, text, sizeof(text));
    fputs(text, stdout);
}

static int read_rules(struct xw_screen_options *o)
{
    char text[XW_ECG_RULES_TEXT_MAX_BYTES + 1];
    struct xw_ecg_rules_error error = {0};
    FILE *file = fopen(o->rules_file, "re");
    if (!file) {
        fprintf(stderr, "xinwang-screen: %s: %s\n", o->rules_file, strerror(errno));
        return -EINVAL;
    }
    size_t n = fread(text, 1, sizeof(text), file);
    bool failed = ferror(file);
    (void)fclose(file);
    if (failed) {
        fprintf(stderr, "xinwang-screen: %s: cannot be read\n", o->rules_file);
        return -EINVAL;
    }
    int result = xw_ecg_rules_parse(text, n, &o->rules, &error);
    if (result < 0)
        fprintf(stderr, "%s:%u: %s\n", o->rules_file, error.line, error.text);
    return result;
}

static int tell_rules(const struct xw_screen_options *o)
{
    char hash[XW_ECG_RULES_HASH_BYTES];
    xw_ecg_rules_hash(&o->rules, hash);
    printf("rules version %u, sha256 %s\n", o->rules.version, hash);
    return 1;
}

int xw_screen_options_parse(int argc, char **argv, struct xw_screen_options *ret_options)
{
    struct xw_screen_options o = {.annotator = "xw", .at_s = -1, .age_years = NAN};
    xw_ecg_rules_default(&o.rules);
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
        if (option == OPTION_PRINT_RULES) {
            print_rules(&o.rules);
            return 1;
        }
        if (option == 's') {
            o.signals = optarg;
        } else if (option == '?' || parse_one(option, optarg, &o) < 0) {
            fprintf(stderr, "xinwang-screen: wrong option or value; see --help\n");
            return -EINVAL;
        }
    }
    if (o.rules_file && read_rules(&o) < 0)
        return -EINVAL;
    if (o.check_rules)
        return tell_rules(&o);
    if (!o.record == !o.beats || (o.beats && o.signals) || optind != argc ||
        (o.delays && !o.out_dir) || (o.pdf && !o.twelve) || (o.page && !o.pdf) ||
        (o.previous && !o.twelve) || (o.twelve && (o.out_dir || o.beats || o.timing))) {
        fputs(HELP, stderr);
        return -EINVAL;
    }
    *ret_options = o;
    if (o.twelve)
        ret_options->record = ret_options->record_of_beats;
    if (o.previous)
        ret_options->previous = ret_options->record_before;
    return o.beats ? name_record(ret_options) : 0;
}
