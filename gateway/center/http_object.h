/* An answer whose bytes come out of the store's objects while they are sent.
 *
 * At most XW_HTTP_OBJECT_READ bytes of an object are in memory for a request, whatever its size;
 * the next piece is read when the last one is sent, so a slow browser costs nothing. Threads: loop
 * thread only. A store that is busy is asked again 50 ms later; one that fails ends the connection.
 */
#ifndef XW_CENTER_HTTP_OBJECT_H
#define XW_CENTER_HTTP_OBJECT_H

#include "center/http.h"

enum { XW_HTTP_OBJECT_READ = 262144 };

/* What a Range header asks of so many bytes: 1 one range, 0 everything (none, several, or not
 * understood: RFC 9110 lets it be ignored), -ERANGE nothing of it is there (416). */
XW_MUST_CHECK int xw_http_range(const char *text, uint64_t size, uint64_t *ret_first,
                                uint64_t *ret_count);
/* Answers with the object, or the part that the request asks for. content_type: static text. */
void xw_http_reply_object(struct xw_http_request *req, const uint8_t sha256[32], uint64_t size,
                          const char *content_type);

/* For http.c: are there bytes to send now? If not, they are being read. */
bool xw_http_object_ready(struct xw_http_request *req);
/* The bytes to send next, at most max; NULL: it has failed. */
const uint8_t *xw_http_object_take(struct xw_http_request *req, size_t max, size_t *ret_n);
void xw_http_object_free(struct xw_http_object *object);

#endif
