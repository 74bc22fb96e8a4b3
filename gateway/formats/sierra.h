/* The two halves of the Philips Sierra reader. */
#ifndef XW_FORMATS_SIERRA_H
#define XW_FORMATS_SIERRA_H

#include "formats/xml.h"

/* signals: <signalcharacteristics>; waves: <parsedwaveforms>; either may be NULL (an error). */
XW_FORMATS_MUST_CHECK int xw_formats_sierra_waves(const xmlNode *signals, const xmlNode *waves,
                                                  struct xw_formats_recording *r,
                                                  struct xw_formats_error *ret_error);
/* <repbeats>, NULL for none; what is wrong with them is a warning, the rhythm is what counts. */
void xw_formats_sierra_beats(const xmlNode *beats, struct xw_formats_recording *r);

#endif
