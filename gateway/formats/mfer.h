/* The two halves of the MFER reader. */
#ifndef XW_FORMATS_MFER_H
#define XW_FORMATS_MFER_H

#include "formats/internal.h"

enum {
    XW_MFER_ZRO = 0x00,
    XW_MFER_BLE = 0x01,
    XW_MFER_VER = 0x02,
    XW_MFER_BLK = 0x04,
    XW_MFER_CHN = 0x05,
    XW_MFER_SEQ = 0x06,
    XW_MFER_WFM = 0x08,
    XW_MFER_LDN = 0x09,
    XW_MFER_DTP = 0x0a,
    XW_MFER_IVL = 0x0b,
    XW_MFER_SEN = 0x0c,
    XW_MFER_OFF = 0x0d,
    XW_MFER_CMP = 0x0e,
    XW_MFER_FLT = 0x11,
    XW_MFER_NUL = 0x12,
    XW_MFER_MAN = 0x17,
    XW_MFER_WAV = 0x1e,
    XW_MFER_ATT = 0x3f,
    XW_MFER_END = 0x80,
    XW_MFER_PNM = 0x81,
    XW_MFER_PID = 0x82,
    XW_MFER_AGE = 0x83,
    XW_MFER_SEX = 0x84,
    XW_MFER_TIM = 0x85,
    XW_MFER_MSS = 0x86,
};

enum { XW_FORMATS_MFER_OWN_MAX = 16, XW_FORMATS_MFER_TYPE_MAX = 6, XW_FORMATS_MFER_BEAT = 9 };

struct xw_formats_mfer_channel {
    int64_t block_n;     /* samples of one channel in a row */
    int64_t sequences_n; /* of blocks; 0: as many as there are data */
    unsigned wave_type;  /* XW_FORMATS_MFER_BEAT: a representative beat */
    int lead;            /* -1: not said */
    char lead_text[32];
    unsigned type; /* of a sample: int16, uint16, int32, uint8, status, int8, uint32 */
    struct xw_wfdb_fraction rate_hz;
    struct xw_wfdb_fraction scale; /* units a count */
    const char *unit;
    int64_t offset; /* value = (count + offset) x scale */
    bool has_null;
    uint64_t null_bits;
};

struct xw_formats_mfer {
    struct xw_formats_recording *recording;
    bool little;
    unsigned channels_n;
    struct xw_formats_mfer_channel all;
    unsigned own_n[XW_FORMATS_MAX_LEADS];
    struct {
        const uint8_t *data;
        size_t n;
        bool little;
    } own[XW_FORMATS_MAX_LEADS][XW_FORMATS_MFER_OWN_MAX];
};

int64_t xw_formats_mfer_int(const struct xw_formats_mfer *m, const uint8_t *p, size_t n,
                            bool is_signed);
/* What holds for a channel now: what is said of all, and of it. */
XW_FORMATS_MUST_CHECK int xw_formats_mfer_channel(const struct xw_formats_mfer *m, unsigned channel,
                                                  struct xw_formats_mfer_channel *ret);
/* The waveform of a frame becomes groups of channels of one rate. */
XW_FORMATS_MUST_CHECK int xw_formats_mfer_frame(const struct xw_formats_mfer *m,
                                                const uint8_t *data, size_t n,
                                                struct xw_formats_error *ret_error);

#endif
