/* A recording of a file as streams of this gateway: headers, blocks, and what a study says of it.
 *
 * Each rhythm group becomes a stretch of a stream, with its leads of a voltage unit and its own
 * counts; groups and files with an equal header share a stream. A lead of negative gain (a reversed
 * amplifier) is stored with its counts negated; a baseline that is not whole is rounded to the
 * nearest count.
 *
 * Threads: pure functions. Ownership: a plan borrows the recording. Errors: -ENODATA nothing in it
 * can be a stream, -ENOMEM; both with a sentence, which names no patient. */
#ifndef XW_EDGE_IMPORT_MAKE_H
#define XW_EDGE_IMPORT_MAKE_H

#include "base/base.h"
#include "base/uuid.h"
#include "formats/formats.h"

#define XW_IMPORT_DEVICE "files" /* the device id of what comes from files */

enum { XW_IMPORT_HASH_N = 32, XW_IMPORT_LEADS_MAX = 32, XW_IMPORT_TEXT_N = 256 };

struct xw_import_stream {
    const struct xw_formats_group *group;
    uint8_t *plain; /* the header, serialized without the ids */
    size_t plain_size;
    unsigned lead[XW_IMPORT_LEADS_MAX]; /* of the group, channel by channel */
    unsigned leads_n;
    double rate_hz;
    uint32_t block_n; /* samples of a block */
};

struct xw_import_plan {
    struct xw_uuid attachment;
    struct xw_import_stream streams[XW_FORMATS_MAX_GROUPS];
    size_t streams_n;
    unsigned leads_left, groups_left; /* what is no voltage, too slow or too fast */
};

XW_MUST_CHECK int xw_import_plan_init(struct xw_import_plan *plan,
                                      const struct xw_formats_recording *recording,
                                      const char *gateway_id, bool demo,
                                      char ret_text[XW_IMPORT_TEXT_N]);
void xw_import_plan_done(struct xw_import_plan *plan);
/* The header with its ids, malloc'ed. */
XW_MUST_CHECK int xw_import_header(const struct xw_import_plan *plan,
                                   const struct xw_import_stream *stream, const struct xw_uuid *id,
                                   uint8_t **ret_header, size_t *ret_size);
/* Samples [first, first + n) of a stream, interleaved; n <= block_n. ret_x: n x leads_n. */
void xw_import_samples(const struct xw_import_stream *stream, uint64_t first, size_t n,
                       int32_t *ret_x);
/* When the recording began, µs of wall time: without a zone by the local time of this machine.
 * False: the file does not say. */
bool xw_import_start_us(const struct xw_formats_recording *recording, int64_t *ret_wall_us);
/* A line for the study: kind of file, leads, rate, length, device, the vendor's measurements, what
 * was odd. Nothing of the patient. */
void xw_import_note(const struct xw_formats_recording *recording, const struct xw_import_plan *plan,
                    bool dated, char *ret_text, size_t size);
/* An age of the patient's record: the same words give the same id. Nil: the file names nobody. */
struct xw_uuid xw_import_patient_id(const struct xw_formats_recording *recording,
                                    const char *gateway_id);

#endif
