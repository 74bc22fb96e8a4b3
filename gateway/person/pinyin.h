/* How a name is found by letters: 张三 by "zs", "zhs", "zhangsan", "zhangs", and by every reading
 * of a character that names have (单 Shan or Dan, 曾 Zeng or Ceng).
 *
 * Readings are those of ICU (Han-Latin, without tones), with a table of surnames and other
 * characters of several readings before them (readings.c). A character without a known reading may
 * be left out when searching. ü is found by u and by v.
 *
 * Threads: a speller is used by one thread at a time; one opens in some 50 ms (ICU compiles its
 * rules then) and takes some MB: one for a process is enough. What was spelled may be read by any.
 */
#ifndef XW_PERSON_PINYIN_H
#define XW_PERSON_PINYIN_H

#include "base/base.h"

enum { XW_SPELLING_N_BYTES = 640 };

struct xw_speller;

/* -ENOTSUP: this ICU has no data for it; -ENOMEM. */
XW_MUST_CHECK int xw_speller_new(struct xw_speller **ret_speller);
void xw_speller_free(struct xw_speller *speller);

/* name: as xw_name_read made it. Characters apart by blanks, readings of one by '/', in lower case:
 * "shan/dan xiong xin"; words of letters as they are: "john smith". What has no room is left out
 * whole. Returns the length. */
size_t xw_speller_spell(struct xw_speller *speller, const char *name,
                        char ret_spelling[XW_SPELLING_N_BYTES]);
/* Letters typed (any case; anything but letters does not count): whether they begin what was
 * spelled: each character by its first letter, by zh ch sh, or whole; the last one cut anywhere. */
bool xw_spelling_begins(const char *spelling, const char *letters);
/* Two names may be one name heard: as many characters, and a common reading of each. */
bool xw_spelling_alike(const char *a, const char *b);

#endif
