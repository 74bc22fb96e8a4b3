/* Browser sessions: who is signed in, and until when.
 *
 * A session is known by 32 random bytes in a cookie; kept is only their SHA-256, in memory and as a
 * local record, so that a restart signs nobody out. Times are wall time (they outlive the process).
 * A session ends idle_us after its last request or the end of its last watched stream, max_us after
 * it began, or when its user changes. Threads: loop thread only. Ownership: the table owns
 * sessions; pointers are good until control goes back to the loop. Limits: max_n (the one idle
 * longest ends). */
#ifndef XW_CENTER_SESSIONS_H
#define XW_CENTER_SESSIONS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "center/secret.h"
#include "center/users.h"
#include "store/store.h"

enum { XW_SESSION_SAVE_US = 300000000, XW_SESSION_SEEN_STREAMS = 8 };

struct xw_session {
    uint8_t hash[32];
    char user[XW_USER_NAME_N];
    char csrf[XW_TOKEN_TEXT_N];
    int64_t began_us, seen_us, saved_us;
    uint64_t revision;
    uint32_t sockets_n;
    /* Streams whose reading was noted in the audit lately. */
    struct {
        struct xw_uuid id;
        int64_t at_us;
    } read[XW_SESSION_SEEN_STREAMS];
};

struct xw_sessions_config {
    const struct xw_clock *clock;
    int64_t idle_us, max_us;
    uint32_t max_n;
    void *user;
    /* Its record is to be forgotten. */
    void (*on_end)(void *user, const struct xw_session *session);
};

struct xw_sessions;

XW_MUST_CHECK int xw_sessions_new(const struct xw_sessions_config *config,
                                  struct xw_sessions **ret_sessions);
void xw_sessions_free(struct xw_sessions *sessions);

/* A new session; ret_token is for the cookie. */
XW_MUST_CHECK int xw_sessions_begin(struct xw_sessions *sessions, const char *user,
                                    char ret_token[XW_TOKEN_TEXT_N],
                                    struct xw_session **ret_session);
/* From a record; one that has ended is ended again (on_end). */
void xw_sessions_restore(struct xw_sessions *sessions, const struct xw_session *session);
/* The live session of a cookie, and it was seen now; NULL: none, or it has ended. */
struct xw_session *xw_sessions_find(struct xw_sessions *sessions, const char *token);
/* The same without prolonging it: for sockets. */
struct xw_session *xw_sessions_peek(struct xw_sessions *sessions, const uint8_t hash[32]);
void xw_sessions_end(struct xw_sessions *sessions, struct xw_session *session);
void xw_sessions_end_user(struct xw_sessions *sessions, const char *user);
void xw_sessions_expire(struct xw_sessions *sessions);
/* Calls save for each session seen more than XW_SESSION_SAVE_US after it was last kept; its
 * revision is raised already. Losing the last minutes of it in a crash costs an earlier end,
 * nothing else. */
void xw_sessions_save(struct xw_sessions *sessions,
                      void (*save)(void *user, const struct xw_session *session), void *user);
/* Somebody looks at live signals on it: that is no idleness. */
void xw_session_touch(const struct xw_sessions *sessions, struct xw_session *session);
size_t xw_sessions_n(const struct xw_sessions *sessions);
/* True once in ten minutes for a session and stream: reading is to be noted. */
bool xw_session_note_read(struct xw_session *session, const struct xw_uuid *stream, int64_t now_us);

/* ret_key: 34 bytes. */
XW_MUST_CHECK int xw_session_pack(const struct xw_session *session, uint8_t ret_key[34],
                                  struct xw_buf *ret_body, struct xw_store_record *ret_record);
XW_MUST_CHECK int xw_session_unpack(const struct xw_store_record *record,
                                    struct xw_session *ret_session);

#endif
