/* --page KEY=VALUE,…: how the printed page looks. */
#include "tools/screen/twelve_page.h"

#include <errno.h>
#include <string.h>

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

static int number(const char *text, double max, double *ret_value)
{
    char *end = NULL;
    double v = strtod(text, &end);
    if (end == text || *end || !(v >= 0 && v <= max))
        return -EINVAL;
    *ret_value = v;
    return 0;
}

/* LOW-HIGH or "off". */
static int band(struct xw_report *r, char *value)
{
    char *dash = strchr(value, '-');
    double low = 0;
    double high = 0;
    if (!is(value, "off")) {
        if (!dash)
            return -EINVAL;
        *dash = 0;
        if (number(value, 10, &low) < 0 || number(dash + 1, 500, &high) < 0)
            return -EINVAL;
    }
    r->high_pass_hz = low;
    r->low_pass_hz = high;
    return 0;
}

static int choose(const char *value, const char *const *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (is(value, words[i]))
            return (int)i;
    return -EINVAL;
}

static int set(struct xw_screen_page *page, const char *key, char *value)
{
    static const char *const LAYOUTS[] = {"3x4", "6x2", "12x1"};
    static const char *const LANGUAGES[] = {"zh", "en", "both"};
    static const char *const MAINS[] = {"off", "50", "60"};
    static const char *const SWITCH[] = {"no", "yes"};
    struct xw_report *r = page->report;
    int k = 0;
    if (is(key, "speed"))
        return number(value, 50, &r->speed_mm_s);
    if (is(key, "gain"))
        return number(value, 20, &r->gain_mm_mv);
    if (is(key, "band"))
        return band(r, value);
    if (is(key, "institution")) {
        r->institution = value;
    } else if (is(key, "rhythm")) {
        r->rhythm = xw_ecg_lead_from_name(value);
        k = r->rhythm == XW_ECG_LEAD_OTHER ? -EINVAL : 0;
    } else if (is(key, "layout")) {
        k = choose(value, LAYOUTS, 3);
        r->layout = (enum xw_report_layout)(k < 0 ? 0 : k);
    } else if (is(key, "lang")) {
        k = choose(value, LANGUAGES, 3);
        r->language = (enum xw_report_language)(k < 0 ? 0 : k);
    } else if (is(key, "mains")) {
        k = choose(value, MAINS, 3);
        r->mains_hz = k == 1 ? 50 : k == 2 ? 60 : 0;
    } else if (is(key, "table")) {
        k = choose(value, SWITCH, 2);
        r->table = k == 1;
    } else {
        return -EINVAL;
    }
    return k < 0 ? k : 0;
}

int xw_screen_page_parse(struct xw_screen_page *page, const char *list,
                         struct xw_wfdb_error *ret_error)
{
    size_t n = list ? strlen(list) : 0;
    if (n >= sizeof(page->text)) {
        snprintf(ret_error->text, sizeof(ret_error->text), "--page is too long");
        return -EOVERFLOW;
    }
    memcpy(page->text, list ? list : "", n + 1);
    for (char *at = page->text; *at;) {
        char *end = at + strcspn(at, ",");
        char *next = *end ? end + 1 : end;
        *end = 0;
        char *equals = strchr(at, '=');
        if (equals)
            *equals = 0;
        if (!equals || set(page, at, equals + 1) < 0) {
            snprintf(ret_error->text, sizeof(ret_error->text), "--page: '%.40s' is not understood",
                     at);
            return -EINVAL;
        }
        at = next;
    }
    return 0;
}
