/* What the rhythm scorers share: the annotations of a record as rhythm segments and beats, the list
 * of a database's records, durations of overlap.
 * Ownership: load/done. Errors: negative errno. One thread. */
#ifndef XW_RHYTHM_RECORDS_H
#define XW_RHYTHM_RECORDS_H

#include "wfdb/wfdb.h"

enum { XW_RHYTHM_RECORDS_MAX = 256, XW_RHYTHM_NAME_BYTES = 64, XW_RHYTHM_PATH_BYTES = 4096 };

struct xw_rhythm_list {
    char name[XW_RHYTHM_RECORDS_MAX][XW_RHYTHM_NAME_BYTES];
    unsigned n;
};

/* Records of DATA/DATABASE that have a file with this suffix, in order of name; -ENOENT: none. */
int xw_rhythm_list(const char *data, const char *database, const char *suffix,
                   struct xw_rhythm_list *ret_list);

/* From first up to end; name as annotated, without the parenthesis: "AFIB", "VFL". */
struct xw_rhythm_segment {
    int64_t first, end;
    char name[16];
};

struct xw_rhythm_segments {
    struct xw_rhythm_segment *at;
    size_t n;
};

/* Rhythm changes ("+" with a name) of an annotation file. end: of the last one; 0: the last
 * annotation of the file. VF marked by [ ] alone becomes a segment "VF". */
int xw_rhythm_segments_load(const char *path, int64_t end, struct xw_rhythm_segments *ret_segments);
void xw_rhythm_segments_done(struct xw_rhythm_segments *segments);
/* The name at a sample; "" where none is. *hint: where to look first; goes on. */
const char *xw_rhythm_name_at(const struct xw_rhythm_segments *segments, int64_t sample,
                              size_t *hint);

struct xw_rhythm_durations {
    double both, missed, extra, neither; /* seconds or samples */
};
double xw_rhythm_se(const struct xw_rhythm_durations *d); /* percent */
double xw_rhythm_sp(const struct xw_rhythm_durations *d);
double xw_rhythm_ppv(const struct xw_rhythm_durations *d);

#endif
