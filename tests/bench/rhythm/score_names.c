/* xw-score-names DATA [RECORD…]: what is named on MIT-BIH, on DS1 and DS2 or on single records. */
#include "bench/rhythm/names.h"

#include <stdio.h>
#include <string.h>

static void print(const char *what, const struct xw_rhythm_names *n)
{
    printf("%s: %.1f h, %u names taken back\n", what, n->hours, n->withdrawn);
    printf("  %-9s %10s %6s %6s %6s %10s\n", "name", "reference", "found", "right", "wrong",
           "wrong/24 h");
    for (int i = 0; i < XW_RHYTHM_NAMES_N; i++)
        printf("  %-9s %10u %6u %6u %6u %10.1f\n", xw_rhythm_names_name((enum xw_rhythm_name)i),
               n->name[i].reference, n->name[i].found, n->name[i].right, n->name[i].wrong,
               n->hours > 0 ? 24 * n->name[i].wrong / n->hours : 0);
}

static int run(const char *data, const char *record, struct xw_rhythm_names *names)
{
    int result = xw_rhythm_names_run(data, record, names);
    if (result < 0)
        fprintf(stderr, "%s/mitdb/%s: %s\n", data, record, strerror(-result));
    return result;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: xw-score-names DATA [RECORD...]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        struct xw_rhythm_names one = {.hours = 0};
        if (run(argv[1], argv[i], &one) < 0)
            return 1;
        print(argv[i], &one);
    }
    for (unsigned half = 0; half < 2 && argc == 2; half++) {
        struct xw_rhythm_names all = {.hours = 0};
        const char *record;
        for (unsigned i = 0; (record = xw_rhythm_names_record(half, i)); i++)
            if (run(argv[1], record, &all) < 0)
                return 1;
        print(half ? "DS2" : "DS1", &all);
    }
    return 0;
}
