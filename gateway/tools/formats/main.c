/* xinwang-formats: what is in an ECG file, and the same as another kind of file; see --help. Exit
 * 0 done, 1 the file cannot be read or written, 2 wrong usage. */
#include "tools/formats/print.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "usage: xinwang-formats FILE…                  one line on each: kind, leads, rate, length\n"
    "       xinwang-formats --json FILE            all that is in it, without the samples\n"
    "       xinwang-formats --csv FILE             the samples of the rhythm in mV\n"
    "       xinwang-formats --to KIND FILE OUT     writes it as aecg, scp, dicom, edf or wfdb\n\n"
    "Reads HL7 aECG, SCP-ECG, DICOM waveforms, EDF and EDF+, GE MUSE XML, Philips Sierra XML,\n"
    "MFER and WFDB; what a file is, is told by its content.\n\n"
    "      --patient          with --json: with the fields of the patient\n"
    "      --max-bytes N      files larger than this are refused (default: 256 MiB)\n"
    "  -h, --help\n";

enum { OPTION_JSON = 256, OPTION_CSV, OPTION_TO, OPTION_PATIENT, OPTION_MAX };

static const struct option LONG[] = {
    {"json", no_argument, NULL, OPTION_JSON},
    {"csv", no_argument, NULL, OPTION_CSV},
    {"to", required_argument, NULL, OPTION_TO},
    {"patient", no_argument, NULL, OPTION_PATIENT},
    {"max-bytes", required_argument, NULL, OPTION_MAX},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct options {
    bool json, csv, patient;
    enum xw_formats_kind to;
    size_t max_bytes;
};

static void complain(const char *path, const struct xw_formats_error *error, int result)
{
    fprintf(stderr, "xinwang-formats: %s: %s%s%s\n", path, error->where,
            error->where[0] ? ": " : "", error->text[0] ? error->text : strerror(-result));
}

static int one_file(const struct options *o, const char *path, const char *out)
{
    struct xw_formats_recording *r = NULL;
    struct xw_formats_error error = {{0}, {0}};
    int result = xw_formats_open(path, o->max_bytes, &r, &error);
    if (result < 0) {
        complain(path, &error, result);
        return 1;
    }
    if (o->to) {
        result = xw_formats_write(r, o->to, out, &error);
        if (result < 0)
            complain(out, &error, result);
    } else if (o->json) {
        result = xw_formats_print_json(r, o->patient, stdout);
    } else if (o->csv) {
        result = xw_formats_print_csv(r, stdout);
        if (result < 0)
            fprintf(stderr, "xinwang-formats: %s: it holds no ECG\n", path);
    } else {
        xw_formats_print_line(r, path, stdout);
    }
    xw_formats_free(r);
    return result < 0;
}

static int parse(int argc, char **argv, struct options *o)
{
    int option;
    while ((option = getopt_long(argc, argv, "h", LONG, NULL)) != -1) {
        char *end = NULL;
        switch (option) {
        case 'h':
            fputs(HELP, stdout);
            return 1;
        case OPTION_JSON:
            o->json = true;
            break;
        case OPTION_CSV:
            o->csv = true;
            break;
        case OPTION_PATIENT:
            o->patient = true;
            break;
        case OPTION_TO:
            o->to = xw_formats_kind_of(optarg);
            if (o->to == XW_FORMATS_UNKNOWN)
                return -EINVAL;
            break;
        case OPTION_MAX:
            o->max_bytes = strtoull(optarg, &end, 10);
            if (!*optarg || *end || o->max_bytes == 0)
                return -EINVAL;
            break;
        default:
            return -EINVAL;
        }
    }
    int files = argc - optind;
    bool fits = o->to ? files == 2 : o->json || o->csv ? files == 1 : files >= 1;
    return fits && (o->to != 0) + o->json + o->csv <= 1 ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    int result = parse(argc, argv, &o);
    if (result > 0)
        return 0;
    if (result < 0) {
        fputs(HELP, stderr);
        return 2;
    }
    if (o.to)
        return one_file(&o, argv[optind], argv[optind + 1]);
    for (int i = optind; i < argc; i++)
        result |= one_file(&o, argv[i], NULL);
    return result;
}
