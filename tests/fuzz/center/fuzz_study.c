/* Studies out of a gateway's records: whatever the changes and their order, the state is the same.
 * Input: changes of one study, each two bytes of length (LE) and a StudyChange. */
#include "center/studies.h"
#include "proto/link.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
    const uint8_t *data;
    size_t size;
};

static char *fold(const struct part *parts, size_t n, bool backwards)
{
    struct xw_studies *studies;
    char *text = NULL;
    if (xw_studies_new(&studies) < 0)
        abort();
    for (size_t i = 0; i < n; i++) {
        const struct part *p = &parts[backwards ? n - 1 - i : i];
        const struct xw_store_record record = {.kind = XW__RECORD_KIND__RECORD_STUDY,
                                               .body = p->data,
                                               .body_size = p->size,
                                               .origin = "town-a"};
        (void)xw_studies_record(studies, &record);
    }
    json_t *all = json_array();
    for (size_t i = 0; i < xw_studies_n(studies); i++)
        json_array_append_new(all, xw_study_json(xw_studies_at(studies, i), NULL));
    if (json_array_size(all) != xw_studies_n(studies))
        abort(); /* a study that cannot be shown */
    text = json_dumps(all, JSON_COMPACT);
    json_decref(all);
    xw_studies_free(studies);
    if (!text)
        abort();
    return text;
}

/* Of two different changes with one id the first one stays: then order does matter. */
static bool one_id_twice(const struct part *parts, size_t n)
{
    struct id {
        uint8_t b[16];
    } ids[RECORDS_MAX];
    size_t ids_n = 0;
    bool twice = false;
    for (size_t i = 0; i < n && !twice; i++) {
        Xw__StudyChange *c = xw__study_change__unpack(NULL, parts[i].size, parts[i].data);
        if (c && c->change_id.len == sizeof(ids[0].b)) {
            for (size_t k = 0; k < ids_n; k++)
                twice = twice || memcmp(ids[k].b, c->change_id.data, sizeof(ids[k].b)) == 0;
            memcpy(ids[ids_n++].b, c->change_id.data, sizeof(ids[0].b));
        }
        if (c)
            xw__study_change__free_unpacked(c, NULL);
    }
    return twice;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct part parts[RECORDS_MAX] = {0};
    size_t n = 0;
    for (size_t at = 0; at + 2 <= size && n < RECORDS_MAX;) {
        size_t part = (size_t)data[at] | (size_t)data[at + 1] << 8;
        at += 2;
        part = XW_MIN(part, size - at);
        parts[n++] = (struct part){data + at, part};
        at += part;
    }
    char *forward = fold(parts, n, false), *backward = fold(parts, n, true);
    if (strcmp(forward, backward) != 0 && !one_id_twice(parts, n))
        abort();
    free(forward);
    free(backward);
    return 0;
}
