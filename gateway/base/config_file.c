/* Configuration files: lines of INI, and the fragments of PATH.d. */
#include "base/config_internal.h"

#include "base/file.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>

enum { FILE_MAX_N_BYTES = 1 << 20, FRAGMENTS_MAX = 64, LINE_MAX_N_BYTES = 4096 };

/* The state while one file is read. */
struct reader {
    const struct xw_config_schema *schema;
    const char *path;
    unsigned line;
    char section[64];
    bool *seen; /* one flag per item of the schema */
    void *values;
    struct xw_config_error *error;
};

XW_PRINTF(2, 3) static int fail(struct reader *reader, const char *format, ...)
{
    char *text = reader->error->text;
    size_t n_bytes = sizeof(reader->error->text);
    int n = snprintf(text, n_bytes, "%s:%u: ", reader->path, reader->line);
    size_t at = XW_MIN((size_t)XW_MAX(n, 0), n_bytes - 1);
    va_list args;
    va_start(args, format);
    vsnprintf(text + at, n_bytes - at, format, args);
    va_end(args);
    return -EINVAL;
}

static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\r", text[n - 1]))
        text[--n] = '\0';
    return text;
}

static int take_section(struct reader *reader, char *text)
{
    size_t n = strlen(text);
    if (text[n - 1] != ']')
        return fail(reader, "a section looks like [name]");
    text[n - 1] = '\0';
    const char *name = trim(text + 1);
    if (!xw_config_has_section(reader->schema, name))
        return fail(reader, "there is no section [%s]", name);
    snprintf(reader->section, sizeof(reader->section), "%s", name);
    return 0;
}

static int take_assignment(struct reader *reader, char *text)
{
    char *value = strchr(text, '=');
    if (!value)
        return fail(reader, "wanted name = value, [section] or a comment");
    *value++ = '\0';
    const char *name = trim(text);
    value = trim(value);
    size_t n = strlen(value);
    if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
        value[n - 1] = '\0';
        value++;
    }
    if (!reader->section[0])
        return fail(reader, "'%s' stands before any [section]", name);
    const struct xw_config_item *item = xw_config_find(reader->schema, reader->section, name);
    if (!item)
        return fail(reader, "there is no setting '%s' in [%s]", name, reader->section);
    bool *seen = &reader->seen[item - reader->schema->items];
    if (*seen)
        return fail(reader, "'%s' is set twice in this file", name);
    *seen = true;
    char why[256];
    int r = xw_config_apply(item, value, reader->values, why, sizeof(why));
    if (r < 0)
        fail(reader, "%s: %s", name, why);
    return r;
}

static int take_line(struct reader *reader, char *line)
{
    char *text = trim(line);
    if (*text == '\0' || *text == '#' || *text == ';')
        return 0;
    return *text == '[' ? take_section(reader, text) : take_assignment(reader, text);
}

static int take_text(struct reader *reader, char *text, size_t n_bytes)
{
    if (memchr(text, '\0', n_bytes)) {
        reader->line = 1;
        return fail(reader, "this is not a text file");
    }
    int r = 0;
    for (char *line; r == 0 && (line = strsep(&text, "\n"));) {
        reader->line++;
        if (strlen(line) > LINE_MAX_N_BYTES)
            return fail(reader, "the line is longer than %d bytes", LINE_MAX_N_BYTES);
        r = take_line(reader, line);
    }
    return r;
}

static int read_one(const struct xw_config_schema *schema, const char *path, void *values,
                    struct xw_config_error *ret_error)
{
    xw_autofree uint8_t *data = NULL;
    size_t n_bytes;
    int r = xw_file_read(path, FILE_MAX_N_BYTES, &data, &n_bytes);
    if (r < 0) {
        snprintf(ret_error->text, sizeof(ret_error->text), "%s: %s", path,
                 r == -EOVERFLOW ? "larger than 1 MiB" : strerror(-r));
        return r;
    }
    xw_autofree bool *seen = calloc(schema->items_n + 1, sizeof(bool));
    if (!seen)
        return -ENOMEM;
    struct reader reader = {
        .schema = schema, .path = path, .seen = seen, .values = values, .error = ret_error};
    return take_text(&reader, (char *)data, n_bytes);
}

static int is_fragment(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

/* Byte order, not the locale's: the same files mean the same everywhere. */
static int in_byte_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_fragments(const struct xw_config_schema *schema, const char *folder, void *values,
                          struct xw_config_error *ret_error)
{
    struct dirent **names = NULL;
    int n = scandir(folder, &names, is_fragment, in_byte_order);
    if (n < 0) {
        int r = -errno;
        snprintf(ret_error->text, sizeof(ret_error->text), "%.400s: %s", folder, strerror(-r));
        return r == -ENOENT ? 0 : r;
    }
    int r = 0;
    if (n > FRAGMENTS_MAX) {
        snprintf(ret_error->text, sizeof(ret_error->text), "%.400s: more than %d fragments", folder,
                 FRAGMENTS_MAX);
        r = -EINVAL;
    }
    for (int i = 0; i < n; i++) {
        xw_autofree char *path = NULL;
        if (r == 0 && asprintf(&path, "%s/%s", folder, names[i]->d_name) < 0) {
            path = NULL;
            r = -ENOMEM;
        }
        if (r == 0)
            r = read_one(schema, path, values, ret_error);
        free(names[i]);
    }
    free(names);
    return r;
}

int xw_config_load(const struct xw_config_schema *schema, const char *path, void *values,
                   struct xw_config_error *ret_error)
{
    char folder[PATH_MAX];
    int n = snprintf(folder, sizeof(folder), "%s.d", path);
    if (n < 0 || (size_t)n >= sizeof(folder)) {
        snprintf(ret_error->text, sizeof(ret_error->text), "the path is too long");
        return -ENAMETOOLONG;
    }
    int r = read_one(schema, path, values, ret_error);
    return r < 0 ? r : read_fragments(schema, folder, values, ret_error);
}
