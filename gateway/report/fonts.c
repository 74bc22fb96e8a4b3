/* Texts reach Pango only with characters that the report's own families have, and these come first:
 * the same page everywhere, whatever else a machine has. Folders are read
 * through fontconfig's cache where there is one (a font of 50 MB is not opened to learn what it
 * holds). */
#include "report/internal.h"

#include "base/buf.h"

#include <fontconfig/fontconfig.h>
#include <pango/pangofc-fontmap.h>
#include <stdio.h>
#include <string.h>

/* In order of preference: a hand-sized sans of GBK, or Noto where that is installed; then the rare
 * characters of names (GB 18030), other scripts, and signs. */
static const char *const FAMILIES[] = {
    "WenQuanYi Micro Hei", "Noto Sans CJK SC", "BabelStone Han", "HanaMinA", "HanaMinB",
    "DejaVu Sans"};
static const char *const FOLDERS[] = {"/usr/share/fonts", "/usr/local/share/fonts"};

struct xw_report_fonts {
    FcConfig *config;
    FcCharSet *covered;
    PangoFontMap *map;
    PangoContext *context;
    char families[256];
};

/* Only characters of paths that need no escape in XML. */
static bool is_plain(const char *path)
{
    return *path && !strpbrk(path, "<>&\"'");
}

static int write_config(const char *const *folders, size_t folders_n, struct xw_buf *b)
{
    int result = xw_buf_append_text(b, "<fontconfig><cachedir>/var/cache/fontconfig</cachedir>"
                                       "<cachedir prefix=\"xdg\">fontconfig</cachedir>");
    for (size_t i = 0; i < folders_n && result >= 0; i++)
        result = is_plain(folders[i]) ? xw_buf_printf(b, "<dir>%s</dir>", folders[i]) : -EINVAL;
    if (result >= 0)
        result = xw_buf_append_text(b, "</fontconfig>");
    return result < 0 ? result : xw_buf_append(b, "", 1);
}

static int load_config(struct xw_report_fonts *f, const char *const *folders, size_t folders_n)
{
    XW_CLEANUP(xw_buf_done) struct xw_buf xml;
    xw_buf_init(&xml, 65536);
    int result = write_config(folders, folders_n, &xml);
    if (result < 0)
        return result;
    f->config = FcConfigCreate();
    if (!f->config)
        return -ENOMEM;
    if (!FcConfigParseAndLoadFromMemory(f->config, xml.data, FcTrue) ||
        !FcConfigBuildFonts(f->config))
        return -EIO;
    return 0;
}

/* Upright and of book weight: what Pango takes for a plain text. */
static bool is_plain_face(FcPattern *face)
{
    int weight = FC_WEIGHT_REGULAR;
    int slant = FC_SLANT_ROMAN;
    (void)FcPatternGetInteger(face, FC_WEIGHT, 0, &weight);
    (void)FcPatternGetInteger(face, FC_SLANT, 0, &slant);
    return weight >= FC_WEIGHT_BOOK && weight <= FC_WEIGHT_MEDIUM && slant == FC_SLANT_ROMAN;
}

/* The families that are there, in our order, and what they cover together. */
static int look(struct xw_report_fonts *f)
{
    FcFontSet *set = FcConfigGetFonts(f->config, FcSetSystem); /* the configuration's */
    f->covered = FcCharSetCreate();
    if (!f->covered)
        return -ENOMEM;
    for (size_t k = 0; k < XW_ARRAY_N(FAMILIES); k++) {
        bool there = false;
        for (int i = 0; set && i < set->nfont; i++) {
            FcChar8 *family = NULL;
            FcCharSet *chars = NULL;
            for (int n = 0;
                 FcPatternGetString(set->fonts[i], FC_FAMILY, n, &family) == FcResultMatch; n++)
                if (is_plain_face(set->fonts[i]) &&
                    strcmp((const char *)family, FAMILIES[k]) == 0 &&
                    FcPatternGetCharSet(set->fonts[i], FC_CHARSET, 0, &chars) == FcResultMatch) {
                    there = true;
                    (void)FcCharSetMerge(f->covered, chars, NULL);
                    break;
                }
        }
        size_t n = strlen(f->families);
        if (there)
            snprintf(f->families + n, sizeof(f->families) - n, "%s%s", n ? "," : "", FAMILIES[k]);
    }
    return FcCharSetHasChar(f->covered, 0x5FC3) && FcCharSetHasChar(f->covered, 'A') ? 0 : -ENOENT;
}

static int make_context(struct xw_report_fonts *f)
{
    cairo_font_options_t *options = cairo_font_options_create();
    f->map = pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT);
    if (!f->map || !PANGO_IS_FC_FONT_MAP(f->map)) {
        cairo_font_options_destroy(options);
        return -ENOTSUP;
    }
    pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(f->map), f->config);
    pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(f->map), 72);
    f->context = pango_font_map_create_context(f->map);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(f->context, options);
    cairo_font_options_destroy(options);
    pango_context_set_round_glyph_positions(f->context, FALSE);
    pango_context_set_language(f->context, pango_language_from_string("zh-cn"));
    pango_context_set_base_dir(f->context, PANGO_DIRECTION_LTR);
    return 0;
}

int xw_report_fonts_new(const char *const *folders, size_t folders_n,
                        struct xw_report_fonts **ret_fonts, char ret_text[XW_REPORT_ERROR_BYTES])
{
    struct xw_report_fonts *f = calloc(1, sizeof(*f));
    ret_text[0] = 0;
    if (!f)
        return -ENOMEM;
    int result =
        load_config(f, folders ? folders : FOLDERS, folders ? folders_n : XW_ARRAY_N(FOLDERS));
    if (result >= 0)
        result = look(f);
    if (result >= 0)
        result = make_context(f);
    if (result < 0) {
        snprintf(ret_text, XW_REPORT_ERROR_BYTES, "%s",
                 result == -ENOENT ? "no font with Chinese characters is installed; install "
                                     "fonts-wqy-microhei (and fonts-babelstone-han for rare ones)"
                                   : "the fonts cannot be read");
        xw_report_fonts_free(f);
        return result;
    }
    *ret_fonts = f;
    return 0;
}

void xw_report_fonts_free(struct xw_report_fonts *f)
{
    if (!f)
        return;
    if (f->context)
        g_object_unref(f->context);
    if (f->map)
        g_object_unref(f->map);
    if (f->covered)
        FcCharSetDestroy(f->covered);
    if (f->config)
        FcConfigDestroy(f->config);
    free(f);
}

PangoContext *xw_report_fonts_context(struct xw_report_fonts *f)
{
    return f->context;
}

const char *xw_report_fonts_families(const struct xw_report_fonts *f)
{
    return f->families;
}

/* Private-use characters mean something else in every font: none is taken for known. */
bool xw_report_fonts_have(const struct xw_report_fonts *f, uint32_t c)
{
    bool is_private = (c >= 0xE000 && c <= 0xF8FF) || c >= 0xF0000;
    return !is_private && FcCharSetHasChar(f->covered, c);
}
