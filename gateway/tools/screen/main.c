/* xinwang-screen: analysis of recordings; see --help. Exit 0 done, 1 the record cannot be read or
 * analysed, 2 wrong usage. */
#include "tools/screen/twelve.h"

#include <string.h>

int main(int argc, char **argv)
{
    struct xw_screen_options options;
    int result = xw_screen_options_parse(argc, argv, &options);
    if (result != 0)
        return result > 0 ? 0 : 2;
    struct xw_screen screen;
    struct xw_wfdb_error error = {0};
    if (options.twelve) {
        result = xw_screen_run_twelve(&options, &error);
        if (result < 0)
            fprintf(stderr, "xinwang-screen: %s\n", error.text[0] ? error.text : strerror(-result));
        return result < 0 ? 1 : 0;
    }
    result = options.beats ? xw_screen_run_beats(&screen, &options, &error)
                           : xw_screen_run(&screen, &options, &error);
    if (result >= 0 && options.out_dir)
        result = xw_screen_write_annotations(&screen, &options, &error);
    if (result >= 0 && options.delays)
        result = xw_screen_write_delays(&screen, &options, &error);
    if (result >= 0 && options.json)
        result = xw_screen_write_json(&screen, &options, &error);
    if (result >= 0 && options.timing)
        xw_screen_print_timing(&screen, stderr);
    if (result < 0)
        fprintf(stderr, "xinwang-screen: %s\n", error.text[0] ? error.text : strerror(-result));
    xw_screen_done(&screen);
    return result < 0 ? 1 : 0;
}
