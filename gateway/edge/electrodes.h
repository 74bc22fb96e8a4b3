/* Exchanged electrodes while the patient is still connected: the newest ten seconds of every stream
 * with limb and chest leads are measured (dsp/ecg12) every five seconds on a worker. Two readings
 * in a row that suspect the same exchange raise the technical alarm ELECTRODES of the device; two
 * that could be read and suspect none end it, and so does the end of the connection.
 *
 * LA/LL is not warned of: without an earlier ECG few are found, and the warning would be wrong as
 * often as right (dsp/ecg12/README.md). A backlog is not looked at: its patient has gone.
 *
 * Threads: loop thread; one worker of its own, one reading at a time (about 15 ms each 5 s and
 * stream: 0.3 % of a core). A stream that finds the worker busy asks again with its next block.
 * Memory: ten seconds of counts a stream, one engine. */
#ifndef XW_EDGE_ELECTRODES_H
#define XW_EDGE_ELECTRODES_H

#include "dsp/ecg12/ecg12.h"
#include "edge/edge.h"

struct xw_electrodes;
struct xw_electrode_watch;
struct xw_stream;

XW_MUST_CHECK int xw_electrodes_new(struct xw_edge *edge, struct xw_electrodes **ret_electrodes);
/* After the last stream. */
void xw_electrodes_free(struct xw_electrodes *electrodes);
/* x: count x channels, interleaved; of a stream of any kind. */
void xw_electrodes_block(struct xw_stream *stream, const int32_t *x, uint64_t first,
                         uint32_t count);
/* Its connection or the stream itself ended. */
void xw_electrodes_forget(struct xw_stream *stream);

/* ---- what is said, without loop and worker ---- */

enum xw_electrode_step { XW_ELECTRODES_KEEP, XW_ELECTRODES_RAISE, XW_ELECTRODES_CLEAR };
enum { XW_ELECTRODES_TEXT_N = 128 };

struct xw_electrode_state {
    const char *kind, *raised; /* of the last reading; of the open alarm; NULL: none */
    unsigned same_n, none_n;   /* readings in a row */
};

/* RAISE: with this text; an alarm of another kind that is open has to end first. */
enum xw_electrode_step xw_electrode_step(struct xw_electrode_state *state,
                                         const struct xw_ecg12_result *result,
                                         char ret_text[XW_ELECTRODES_TEXT_N]);

#endif
