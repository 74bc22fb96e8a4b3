/* MSH-18, and what monitors really send when it is empty. */
#include "hl7/message.h"

#include <iconv.h>
#include <string.h>
#include <strings.h>

static const char replacement[] = "\xef\xbf\xbd";

size_t xw_hl7_utf8_at(const char *p, size_t n)
{
    const uint8_t *b = (const uint8_t *)p;
    size_t k = n == 0        ? 0
               : b[0] < 0x80 ? 1
               : b[0] < 0xc2 ? 0
               : b[0] < 0xe0 ? 2
               : b[0] < 0xf0 ? 3
               : b[0] < 0xf5 ? 4
                             : 0;
    if (k == 0 || k > n)
        return 0;
    for (size_t i = 1; i < k; i++)
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
               (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f);
    return bad ? 0 : k;
}

static bool all_utf8(const char *data, size_t size)
{
    for (size_t i = 0, k; i < size; i += k) {
        k = xw_hl7_utf8_at(data + i, size - i);
        if (k == 0)
            return false;
    }
    return true;
}

/* MSH-18 as bytes. pairs: a byte above 0x80 takes the next one with it (GB 18030). */
static size_t charset_field(const char *data, size_t size, bool pairs, char ret[32])
{
    size_t i = 3, field = 1, n = 0;
    char separator = size > 3 ? data[3] : '|';
    for (; i < size && data[i] != '\r' && data[i] != '\n' && field <= 18; i++) {
        if (pairs && (uint8_t)data[i] > 0x80 && i + 1 < size)
            i++;
        else if (data[i] == separator)
            field++;
        else if (field == 18 && n < 31)
            ret[n++] = data[i];
    }
    ret[n] = 0;
    n = strcspn(ret, "~\\^"); /* the first of several */
    ret[n] = 0;
    return n;
}

static bool names_gb(const char *name)
{
    return !strncasecmp(name, "GB", 2);
}

static bool names_latin(const char *name)
{
    return !strncmp(name, "8859/1", 7) || !strcasecmp(name, "ISO-8859-1");
}

static char *put(char *out, const char *bytes, size_t n)
{
    memcpy(out, bytes, n);
    return out + n;
}

/* from: what iconv calls it. Room: every byte gives at most three. */
static int convert(const char *from, const char *data, size_t size, char **ret_text, size_t *ret_n)
{
    iconv_t cd = iconv_open("UTF-8", from);
    if (cd == (iconv_t)-1)
        return -ENOTSUP;
    char *text = malloc(size * 3 + 4), *out = text, *in = (char *)(uintptr_t)data;
    size_t in_n = size, room = size * 3 + 4;
    while (text && in_n > 0) {
        if (iconv(cd, &in, &in_n, &out, &room) != (size_t)-1)
            break;
        if (room < 3) /* cannot be */
            break;
        out = put(out, replacement, 3);
        room -= 3;
        in++;
        in_n--;
    }
    iconv_close(cd);
    if (!text)
        return -ENOMEM;
    *ret_text = text;
    *ret_n = (size_t)(out - text);
    return 0;
}

static int latin(const char *data, size_t size, char **ret_text, size_t *ret_n)
{
    char *text = malloc(size * 2 + 1), *out = text;
    if (!text)
        return -ENOMEM;
    for (size_t i = 0; i < size; i++) {
        uint8_t b = (uint8_t)data[i];
        if (b >= 0x80)
            *out++ = (char)(0xc0 | b >> 6);
        *out++ = (char)(b < 0x80 ? b : 0x80 | (b & 0x3f));
    }
    *ret_text = text;
    *ret_n = (size_t)(out - text);
    return 0;
}

static int plain(const char *data, size_t size, char **ret_text, size_t *ret_n)
{
    char *text = malloc(size + 1);
    if (!text)
        return -ENOMEM;
    memcpy(text, data, size);
    *ret_text = text;
    *ret_n = size;
    return 0;
}

int xw_hl7_to_utf8(const char *data, size_t size, char **ret_text, size_t *ret_n,
                   const char **ret_name)
{
    char name[32], paired[32];
    charset_field(data, size, false, name);
    charset_field(data, size, true, paired);
    if (strcasestr(name, "UTF-16") || strcasestr(name, "UTF-32") || memchr(data, 0, size))
        return -ENOTSUP;
    bool utf8 = all_utf8(data, size);
    /* Labelled so, or not valid UTF-8 and not labelled Latin: then it is a Chinese monitor. */
    if (names_gb(name) || names_gb(paired) || (!utf8 && !names_latin(name))) {
        *ret_name = "GB 18030";
        int r = convert("GB18030", data, size, ret_text, ret_n);
        if (r != -ENOTSUP)
            return r;
    }
    if (utf8 && !names_latin(name)) {
        *ret_name = "UTF-8";
        return plain(data, size, ret_text, ret_n);
    }
    *ret_name = "ISO-8859-1";
    return latin(data, size, ret_text, ret_n);
}
