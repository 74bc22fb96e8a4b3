/* usage: xw-score-cinc [--without-pulse | --cross]   (XW_DATA: folder with cinc2015/)
 * What the chain says of the ICU alarms: records judged wrongly, counts and points of each kind.
 * --cross: with limits chosen on other records than those that are scored (cinc.h). */
#include "bench/rhythm/cinc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print(const char *name, const struct xw_rhythm_cinc_score *s)
{
    printf("%-24s tp %2u fp %2u fn %2u tn %2u  %.2f\n", name, s->tp, s->fp, s->fn, s->tn,
           xw_rhythm_cinc_points(s));
}

int main(int argc, char **argv)
{
    struct xw_rhythm_cinc c;
    const char *data = getenv("XW_DATA");
    bool without = argc == 2 && strcmp(argv[1], "--without-pulse") == 0;
    bool cross = argc == 2 && strcmp(argv[1], "--cross") == 0;
    unsigned settings_n = 0;
    if (!data || (argc > 1 && !without && !cross)) {
        fprintf(stderr, "usage: xw-score-cinc [--without-pulse | --cross], with XW_DATA\n");
        return 2;
    }
    if ((cross ? xw_rhythm_cinc_cross(data, true, &c, &settings_n)
               : xw_rhythm_cinc_run(data, !without, true, &c)) < 0)
        return 1;
    if (cross)
        printf("%u settings tried\n", settings_n);
    for (int k = 0; k < XW_RHYTHM_CINC_KINDS; k++)
        print(xw_rhythm_cinc_name((enum xw_rhythm_cinc_kind)k), &c.kind[k]);
    print("all", &c.all);
    return 0;
}
