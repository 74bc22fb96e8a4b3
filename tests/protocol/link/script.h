/* Scripts of single messages: a connection to one end of the link that says what a test wants. */
#ifndef XW_TESTS_SCRIPT_H
#define XW_TESTS_SCRIPT_H

#include "unit/link/rig.h"

#define MESSAGE(field_, case_, body_)                                                              \
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;                                              \
    message.body_case = XW__LINK_MESSAGE__BODY_##case_;                                            \
    message.field_ = (body_)

extern uint8_t script_session[16], script_boot[16], script_spool[16];

/* A script's connection to the county. */
struct xw_conn *script_dial(struct rig *rig, const char *certificate);
void script_hang_up(struct rig *rig, struct xw_conn *conn);
Xw__LinkHello script_hello_of(const char *gateway_id);
int script_say_hello(struct rig *rig, struct xw_conn *conn, Xw__LinkHello hello);
/* Everything that waits is taken until a message of this kind; NULL if none comes. */
Xw__LinkMessage *script_take_until(struct rig *rig, struct xw_conn *conn, bool county,
                                   Xw__LinkMessage__BodyCase kind);
void script_expect_close(struct rig *rig, struct xw_conn *conn, bool county, Xw__LinkFault code);
/* A welcomed script. */
struct xw_conn *script_welcomed(struct rig *rig, const char *gateway_id);
Xw__StreamHeader *script_header_of(const struct rig_stream *s);
int script_open_stream(struct rig *rig, struct xw_conn *conn, Xw__StreamHeader *header);

#endif
