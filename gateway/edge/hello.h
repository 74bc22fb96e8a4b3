/* What a device says of itself, checked: limits, canonical form, the stream headers that follow.
 *
 * Limits: device id 1 to 64 of A-Z a-z 0-9 . _ : -; model and firmware up to 64 bytes of printable
 * text; 1 to 16 signals with numbers 0 to 15; a signal has 1 to 32 channels (ECG 1 to 18), a rate
 * of 1/60 to 10,000 Hz (ECG 50 to 4,000 Hz) as a fraction of terms up to 2^31; a channel a code and
 * a UCUM unit of up to 16 bytes, a gain above 0 of terms up to 2^53 (ECG: a unit of voltage, and 1
 * to 10^7 counts per mV). All signals together: 131,072 values a second.
 * CTG: the channels of PROTOCOL.md 1.7, in their order and units, each but FLAGS with its count of
 * "no value".
 *
 * Threads: pure functions. Errors: -EBADMSG with the protocol's fault, the field and a sentence. */
#ifndef XW_EDGE_HELLO_H
#define XW_EDGE_HELLO_H

#include "base/base.h"
#include "base/uuid.h"
#include "proto/device.pb-c.h"

enum { XW_HELLO_SIGNALS_MAX = 16, XW_HELLO_ID_MAX = 64, XW_HELLO_CHANNELS_MAX = 32 };

struct xw_device_fault {
    Xw__DeviceFault code;
    char field[80]; /* "signals[0].channels[2].gain" */
    char text[160];
};
void xw_device_fault_set(struct xw_device_fault *fault, Xw__DeviceFault code, const char *field,
                         const char *format, ...) XW_PRINTF(4, 5);

/* Version, identity and every signal. */
XW_MUST_CHECK int xw_hello_check(const Xw__DeviceHello *hello, struct xw_device_fault *ret_fault);

/* Longest block that is taken: 250 ms (below 25 Hz: 1 s), at least one sample. */
uint32_t xw_hello_block_max(const Xw__Fraction *rate);

struct xw_hello_origin {
    const char *gateway_id;
    bool demo;
};
/* The attachment of a device at this gateway: the same after every restart. */
struct xw_uuid xw_hello_attachment(const char *gateway_id, const char *device_id);
/* The canonical header of a signal, malloc'ed, with its stream id: derived when the device gives
 * the index, `fresh` when the gateway does. -ENOMEM. The hello must have passed xw_hello_check. */
XW_MUST_CHECK int xw_hello_header(const Xw__DeviceHello *hello, const Xw__DeviceSignal *signal,
                                  const struct xw_hello_origin *origin, const struct xw_uuid *fresh,
                                  struct xw_uuid *ret_stream, uint8_t **ret_header,
                                  size_t *ret_size);

#endif
