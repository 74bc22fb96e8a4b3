/* Texts: cleaned, then set by Pango in points inside the page's mm. */
#include "report/internal.h"

#include <stdio.h>
#include <string.h>

#define MM_PER_PT (25.4 / 72)

static void note_missing(struct xw_report_output *out, uint32_t c)
{
    for (unsigned i = 0; i < out->missing_n && i < XW_REPORT_MISSING_MAX; i++)
        if (out->missing[i] == c)
            return;
    if (out->missing_n < XW_REPORT_MISSING_MAX)
        out->missing[out->missing_n] = c;
    out->missing_n++;
}

/* Marks that are not seen but turn or join what is: a name must read as it is stored. Variation
 * selectors ask for a form that the font need not have. */
static bool is_dropped(uint32_t c)
{
    return (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || c == 0xAD || c == 0x34F ||
           (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0000 && c <= 0xE0FFF);
}

static void put(GString *s, struct xr_draw *d, uint32_t c)
{
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
        g_string_append_c(s, ' ');
    } else if (is_dropped(c)) {
        return;
    } else if (c != 0xFFFD && xw_report_fonts_have(d->fonts, c)) {
        g_string_append_unichar(s, c);
    } else {
        note_missing(d->out, c);
        if (c == 0xFFFD)
            g_string_append(s, "[?]");
        else
            g_string_append_printf(s, "[U+%04X]", c);
    }
}

/* To be freed with g_string_free. */
static GString *clean(struct xr_draw *d, const char *text)
{
    GString *s = g_string_sized_new(128);
    const char *p = text ? text : "";
    for (unsigned n = 0; *p; n++) {
        if (n == XW_REPORT_TEXT_MAX) {
            g_string_append(s, "…");
            d->out->shortened_n++;
            break;
        }
        gunichar c = g_utf8_get_char_validated(p, 6);
        bool bad = c == (gunichar)-1 || c == (gunichar)-2 || c == 0;
        put(s, d, bad ? 0xFFFD : c);
        p = bad ? p + 1 : g_utf8_next_char(p);
    }
    return s;
}

static void set(struct xr_draw *d, double size_mm, double width_mm, bool one_line, const char *text)
{
    GString *s = clean(d, text);
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family(font, xw_report_fonts_families(d->fonts));
    pango_font_description_set_absolute_size(font, size_mm / MM_PER_PT * PANGO_SCALE);
    pango_layout_set_font_description(d->layout, font);
    pango_font_description_free(font);
    pango_layout_set_single_paragraph_mode(d->layout, TRUE);
    pango_layout_set_auto_dir(d->layout, FALSE);
    pango_layout_set_width(d->layout,
                           width_mm > 0 ? (int)(width_mm / MM_PER_PT * PANGO_SCALE) : -1);
    pango_layout_set_wrap(d->layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_ellipsize(d->layout, one_line && width_mm > 0 ? PANGO_ELLIPSIZE_END
                                                                   : PANGO_ELLIPSIZE_NONE);
    pango_layout_set_height(d->layout, -1);
    pango_layout_set_text(d->layout, s->str, (int)s->len);
    g_string_free(s, TRUE);
}

static double width_of(struct xr_draw *d)
{
    PangoRectangle box;
    pango_layout_get_extents(d->layout, NULL, &box);
    return (double)box.width / PANGO_SCALE * MM_PER_PT;
}

static void show(struct xr_draw *d, double x, double y)
{
    cairo_save(d->cr);
    cairo_translate(d->cr, x, y);
    cairo_scale(d->cr, MM_PER_PT, MM_PER_PT);
    cairo_move_to(d->cr, 0, 0);
    pango_cairo_show_layout(d->cr, d->layout);
    cairo_restore(d->cr);
}

double xw_report_text(struct xr_draw *d, double x, double y, double size_mm, double width_mm,
                      enum xr_align align, const char *text)
{
    set(d, size_mm, width_mm, true, text);
    double width = width_of(d);
    double base = (double)pango_layout_get_baseline(d->layout) / PANGO_SCALE * MM_PER_PT;
    if (width_mm > 0 && pango_layout_is_ellipsized(d->layout))
        d->out->shortened_n++;
    double left = align == XR_CENTRE ? x - width / 2 : align == XR_RIGHTWARDS ? x - width : x;
    show(d, left, y - base);
    return width;
}

double xw_report_text_width(struct xr_draw *d, double size_mm, const char *text)
{
    set(d, size_mm, 0, true, text);
    return width_of(d);
}

double xw_report_paragraph(struct xr_draw *d, double x, double y, double size_mm, double width_mm,
                           const char *text, bool draw)
{
    PangoRectangle box;
    set(d, size_mm, width_mm, false, text);
    pango_layout_get_extents(d->layout, NULL, &box);
    if (draw)
        show(d, x, y);
    return (double)box.height / PANGO_SCALE * MM_PER_PT;
}
