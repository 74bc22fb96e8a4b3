/* The part of a device session that takes data; private to session.c and session_data.c. */
#ifndef XW_EDGE_SESSION_DATA_H
#define XW_EDGE_SESSION_DATA_H

#include "edge/session.h"

void xw_session_fence(struct xw_session *session, Xw__DeviceFault code, const char *field,
                      const char *text);
void xw_session_take_block(struct xw_session *session, const Xw__DeviceBlock *block);
void xw_session_take_gap(struct xw_session *session, const Xw__DeviceGap *gap);
void xw_session_take_fact(struct xw_session *session, const Xw__DeviceMessage *message);

#endif
