/* Any bytes as a file in the watched folder: what is read and planned must be streams that the link
 * takes, whole blocks that come back from their coding, and a note that ends. */
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "edge/import_make.h"
#include "link/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stream(const struct xw_import_plan *plan, const struct xw_import_stream *s)
{
    const struct xw_uuid id = {{1}};
    const char *why = NULL;
    uint8_t *header = NULL;
    size_t header_n = 0;
    if (xw_import_header(plan, s, &id, &header, &header_n) < 0)
        return;
    Xw__StreamHeader *h = xw__stream_header__unpack(NULL, header_n, header);
    if (!xw_wire_header_ok(h, &why) || !xw_block_shape_ok(s->leads_n, s->block_n))
        abort();
    size_t n =
        (uint64_t)s->group->samples_n < s->block_n ? (size_t)s->group->samples_n : s->block_n;
    size_t values = n * s->leads_n, bound = xw_block_bound(s->leads_n, n);
    int32_t *x = malloc(values * sizeof(*x)), *back = malloc(values * sizeof(*back));
    uint8_t *coded = malloc(bound);
    if (!x || !back || !coded)
        abort();
    xw_import_samples(s, 0, n, x);
    int coded_n = xw_block_encode(XW_CODING_DELTA, x, s->leads_n, n, coded, bound);
    if (coded_n < 0 ||
        xw_block_decode(XW_CODING_DELTA, coded, (size_t)coded_n, s->leads_n, n, back) < 0 ||
        memcmp(x, back, values * sizeof(*x)) != 0)
        abort();
    free(coded);
    free(back);
    free(x);
    xw__stream_header__free_unpacked(h, NULL);
    free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_formats_recording *r = NULL;
    struct xw_formats_error error = {{0}, {0}};
    struct xw_import_plan plan;
    char text[XW_IMPORT_TEXT_N] = "", note[8192];
    int64_t wall_us;
    if (xw_formats_parse(data, size, &r, &error) < 0)
        return 0;
    int result = xw_import_plan_init(&plan, r, "gw-1", size & 1, text);
    if (result < 0 && !text[0])
        abort();
    for (size_t i = 0; result == 0 && i < plan.streams_n; i++)
        check_stream(&plan, &plan.streams[i]);
    if (result == 0)
        xw_import_note(r, &plan, xw_import_start_us(r, &wall_us), note, sizeof(note));
    if (result == 0 && (!note[0] || strlen(note) >= sizeof(note)))
        abort();
    (void)xw_import_patient_id(r, "gw-1");
    if (result == 0)
        xw_import_plan_done(&plan);
    xw_formats_free(r);
    return 0;
}
