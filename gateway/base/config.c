/* Configuration: defaults, single assignments, printing, release. Files: config_file.c. */
#include "base/config_internal.h"

#include <string.h>

const struct xw_config_item *xw_config_find(const struct xw_config_schema *schema,
                                            const char *section, const char *name)
{
    for (size_t i = 0; i < schema->items_n; i++) {
        const struct xw_config_item *item = &schema->items[i];
        if (strcmp(item->section, section) == 0 && strcmp(item->name, name) == 0)
            return item;
    }
    return NULL;
}

bool xw_config_has_section(const struct xw_config_schema *schema, const char *section)
{
    for (size_t i = 0; i < schema->items_n; i++)
        if (strcmp(schema->items[i].section, section) == 0)
            return true;
    return false;
}

int xw_config_init(const struct xw_config_schema *schema, void *ret_values,
                   struct xw_config_error *ret_error)
{
    memset(ret_values, 0, schema->values_n_bytes);
    for (size_t i = 0; i < schema->items_n; i++) {
        const struct xw_config_item *item = &schema->items[i];
        char why[256];
        int r = xw_config_apply(item, item->default_text, ret_values, why, sizeof(why));
        if (r < 0) {
            snprintf(ret_error->text, sizeof(ret_error->text), "default of %s.%s: %s",
                     item->section, item->name, why);
            xw_config_done(schema, ret_values);
            return r;
        }
    }
    return 0;
}

int xw_config_set(const struct xw_config_schema *schema, const char *assignment, void *values,
                  struct xw_config_error *ret_error)
{
    char key[128];
    const char *equals = strchr(assignment, '=');
    size_t n = equals ? (size_t)(equals - assignment) : sizeof(key);
    if (n >= sizeof(key)) {
        snprintf(ret_error->text, sizeof(ret_error->text), "--set %s: wanted section.name=value",
                 assignment);
        return -EINVAL;
    }
    memcpy(key, assignment, n);
    key[n] = '\0';
    char *dot = strrchr(key, '.');
    if (dot)
        *dot = '\0';
    const struct xw_config_item *item = dot ? xw_config_find(schema, key, dot + 1) : NULL;
    if (!item) {
        snprintf(ret_error->text, sizeof(ret_error->text), "--set %.*s: there is no such setting",
                 (int)n, assignment);
        return -EINVAL;
    }
    char why[256];
    int r = xw_config_apply(item, equals + 1, values, why, sizeof(why));
    if (r < 0)
        snprintf(ret_error->text, sizeof(ret_error->text), "--set %s.%s: %s", item->section,
                 item->name, why);
    return r;
}

/* Help as comment lines of at most 96 columns, broken at blanks. */
static void print_help(const char *help, FILE *out)
{
    enum { WIDTH = 94 };
    while (*help) {
        size_t n = strlen(help);
        if (n > WIDTH) {
            n = WIDTH;
            while (n > 0 && help[n] != ' ')
                n--;
            if (n == 0)
                n = WIDTH;
        }
        fprintf(out, "# %.*s\n", (int)n, help);
        help += n;
        while (*help == ' ')
            help++;
    }
}

void xw_config_print(const struct xw_config_schema *schema, const void *values, FILE *out)
{
    fprintf(out, "# Configuration of %s. Every setting is shown with its %s.\n", schema->program,
            values ? "present value" : "default");
    const char *section = "";
    for (size_t i = 0; i < schema->items_n; i++) {
        const struct xw_config_item *item = &schema->items[i];
        if (strcmp(item->section, section) != 0) {
            section = item->section;
            fprintf(out, "\n[%s]\n", section);
        }
        fputc('\n', out);
        print_help(item->help, out);
        fputs("# ", out);
        xw_config_print_range(item, out);
        fprintf(out, "; default: %s\n%s =", *item->default_text ? item->default_text : "(empty)",
                item->name);
        /* No blank behind an empty value: the file should survive editors that trim. */
        if (!values) {
            fprintf(out, "%s%s", *item->default_text ? " " : "", item->default_text);
        } else {
            fputc(' ', out);
            xw_config_print_value(item, values, out);
        }
        fputc('\n', out);
    }
}

void xw_config_done(const struct xw_config_schema *schema, void *values)
{
    for (size_t i = 0; i < schema->items_n; i++)
        xw_config_free_value(&schema->items[i], values);
}
