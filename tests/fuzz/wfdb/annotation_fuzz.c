/* Any bytes as an annotation file; what is accepted must survive being written and read again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wfdb/wfdb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *write_again(const struct xw_wfdb_annotations *a, size_t *ret_n)
{
    struct xw_wfdb_annotation_writer *w;
    uint8_t *bytes = NULL;
    if (xw_wfdb_annotation_writer_new(&w) < 0)
        abort();
    for (size_t i = 0; i < a->n; i++) {
        if (xw_wfdb_annotation_writer_add(w, &a->at[i]) < 0)
            abort();
    }
    if (xw_wfdb_annotation_writer_encode(w, &bytes, ret_n) < 0)
        bytes = NULL;
    xw_wfdb_annotation_writer_free(w);
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_wfdb_annotations first;
    struct xw_wfdb_annotations second;
    struct xw_wfdb_error e = {0};
    size_t n = 0;
    size_t m = 0;
    if (xw_wfdb_annotations_parse(data, size, &first, &e) < 0) {
        if (!e.text[0])
            abort();
        return 0;
    }
    /* Once sorted, the bytes are a fixed point (unless a note looks like one of the file's own). */
    uint8_t *once = write_again(&first, &n);
    if (once && xw_wfdb_annotations_parse(once, n, &second, &e) == 0) {
        if (second.n == first.n) {
            uint8_t *twice = write_again(&second, &m);
            if (!twice || m != n || memcmp(once, twice, n) != 0)
                abort();
            free(twice);
        }
        xw_wfdb_annotations_done(&second);
    } else if (once) {
        abort();
    }
    free(once);
    xw_wfdb_annotations_done(&first);
    return 0;
}
