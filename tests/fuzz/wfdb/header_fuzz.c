/* Any bytes as a header: parsed or refused with a sentence, and what is accepted keeps its word. */
#include <stdlib.h>
#include <string.h>

#include "wfdb/wfdb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct xw_wfdb_header h;
    struct xw_wfdb_error e = {0};
    if (xw_wfdb_header_parse((const char *)data, size, &h, &e) < 0) {
        if (!e.text[0])
            abort();
        return 0;
    }
    if (h.signals_n > XW_WFDB_MAX_SIGNALS || h.frame_rate_hz.num <= 0 || h.frame_rate_hz.den <= 0)
        abort();
    for (unsigned i = 0; i < h.signals_n; i++) {
        const struct xw_wfdb_signal *s = &h.signals[i];
        if (s->gain.num <= 0 || s->gain.den <= 0 || strchr(s->file, '/') || s->file[0] == '.' ||
            s->samples_per_frame < 1 || s->samples_per_frame > XW_WFDB_MAX_SPF ||
            s->skew_frames < 0 || s->skew_frames > XW_WFDB_MAX_SKEW_FRAMES)
            abort();
    }
    xw_wfdb_header_done(&h);
    return 0;
}
