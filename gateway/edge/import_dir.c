/* Looking at the folder, and moving what was in it. */
#include "edge/import_dir.h"

#include "base/fault.h"
#include "base/file.h"
#include "edge/import_left.h"
#include "edge/import_move.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_N = XW_IMPORT_PATH_N,
    TRIES_MAX = 3,
    ENTRIES_MAX = 8192,
    PURGE_EVERY_US = 60 * 1000000,
    AGAIN_US = 5 * 1000000
};
#define REASON XW_IMPORT_REASON

struct candidate {
    char name[XW_IMPORT_NAME_N], text[XW_IMPORT_TEXT_N];
    uint64_t size, inode;
    int64_t mtime_ns, since_us, not_before_us;
    bool seen, judged, content; /* judged: the parser has spoken of what is there now */
    bool hopeless; /* the fault is the file's own: when it does not change it goes aside */
};

struct xw_import_dir {
    struct xw_import_rules rules;
    struct candidate *files;
    size_t files_n;
    struct xw_import_left left;
    uint64_t broken_n;
    int64_t purged_us;
    bool counted;
    struct xw_import_line shown[XW_IMPORT_SHOWN_MAX]; /* of the quarantine, newest first */
    uint32_t shown_n, quarantine_n;
};

static int path_of(const struct xw_import_dir *dir, const char *sub, const char *name,
                   char ret_path[PATH_N])
{
    return xw_import_path(dir->rules.dir, sub, name, ret_path);
}

int xw_import_dir_new(const struct xw_import_rules *rules, struct xw_import_dir **ret_dir)
{
    static const char *const subs[] = {"", "done", "quarantine"};
    struct xw_import_dir *dir = calloc(1, sizeof(*dir));
    char path[PATH_N];
    int r = dir ? 0 : -ENOMEM;
    if (dir) {
        dir->rules = *rules;
        dir->files = calloc(XW_IMPORT_WAITING_MAX, sizeof(*dir->files));
        r = dir->files ? xw_import_left_init(&dir->left, ENTRIES_MAX) : -ENOMEM;
    }
    for (size_t i = 0; r == 0 && i < XW_ARRAY_N(subs); i++) {
        r = path_of(dir, subs[i], "", path);
        if (r == 0)
            r = xw_file_make_dirs(path, 0770);
    }
    if (r == 0 && rules->outbox && rules->outbox[0])
        r = xw_file_make_dirs(rules->outbox, 0770);
    if (r < 0) {
        xw_import_dir_free(dir);
        return r;
    }
    *ret_dir = dir;
    return 0;
}

void xw_import_dir_free(struct xw_import_dir *dir)
{
    if (dir) {
        free(dir->files);
        xw_import_left_done(&dir->left);
    }
    free(dir);
}

/* ---- moving ---- */

static int64_t ns_of(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool is_same(const struct candidate *c, const struct stat *st)
{
    return S_ISREG(st->st_mode) && c->size == (uint64_t)st->st_size && c->inode == st->st_ino &&
           c->mtime_ns == ns_of(st->st_mtim);
}

static struct candidate *find(struct xw_import_dir *dir, const char *name)
{
    for (size_t i = 0; i < dir->files_n; i++)
        if (!strcmp(dir->files[i].name, name))
            return &dir->files[i];
    return NULL;
}

static void drop(struct xw_import_dir *dir, struct candidate *c)
{
    *c = dir->files[--dir->files_n];
}

/* What was put there under the same name meanwhile is another file. */
static bool unchanged(const struct xw_import_dir *dir, const struct candidate *c)
{
    char path[PATH_N];
    struct stat st;
    return path_of(dir, "", c->name, path) == 0 && lstat(path, &st) == 0 && is_same(c, &st);
}

int xw_import_dir_taken(struct xw_import_dir *dir, const struct xw_import_ready *ready)
{
    struct candidate *c = find(dir, ready->name);
    char path[PATH_N];
    if (!c || !unchanged(dir, c))
        return 0;
    int r = xw_fault_point("import.move");
    if (r == 0 && dir->rules.outbox && dir->rules.outbox[0])
        r = xw_import_hand_on(dir->rules.dir, ready->name, dir->rules.outbox, ready->hash,
                              dir->rules.file_max_bytes);
    if (r == 0 && dir->rules.keep_us > 0) {
        r = xw_import_move(dir->rules.dir, ready->name, "done", NULL);
    } else if (r == 0) {
        r = path_of(dir, "", ready->name, path);
        if (r == 0 && unlink(path) < 0)
            r = -errno;
        if (r == 0)
            r = xw_file_sync_parent(path);
    }
    if (r == 0)
        drop(dir, c);
    return r;
}

static void show_broken(struct xw_import_dir *dir, const char *name, const char *text,
                        uint64_t bytes, int64_t wall_us)
{
    struct xw_import_line *at = dir->shown;
    size_t n = XW_MIN((size_t)dir->shown_n, (size_t)XW_IMPORT_SHOWN_MAX - 1), i = 0;
    while (i < n && at[i].wall_us > wall_us)
        i++;
    if (i >= XW_IMPORT_SHOWN_MAX)
        return;
    memmove(&at[i + 1], &at[i], (n - i) * sizeof(*at));
    snprintf(at[i].name, sizeof(at[i].name), "%s", name);
    snprintf(at[i].text, sizeof(at[i].text), "%s", text);
    at[i].bytes = bytes;
    at[i].wall_us = wall_us;
    dir->shown_n = (uint32_t)n + 1;
}

static int quarantine(struct xw_import_dir *dir, struct candidate *c, const char *text)
{
    int r = dir->quarantine_n >= XW_IMPORT_QUARANTINE_MAX ? -ENOSPC : 0;
    if (r == 0)
        r = xw_fault_point("import.quarantine");
    if (r == 0)
        r = xw_import_move(dir->rules.dir, c->name, "quarantine", text);
    if (r < 0)
        return r;
    dir->broken_n++;
    dir->counted = false; /* counted anew by the next look */
    drop(dir, c);
    return 0;
}

int xw_import_dir_refuse(struct xw_import_dir *dir, const struct xw_import_ready *ready,
                         const char *text)
{
    struct candidate *c = find(dir, ready->name);
    return c && unchanged(dir, c) ? quarantine(dir, c, text) : 0;
}

void xw_import_dir_put_off(struct xw_import_dir *dir, const struct xw_import_ready *ready,
                           int64_t until_us)
{
    struct candidate *c = find(dir, ready->name);
    if (c)
        c->not_before_us = until_us;
}

/* ---- looking ---- */

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && !strcmp(name + n - m, end);
}

static bool of_interest(const char *name)
{
    return name[0] != '.' && strlen(name) <= 200 && !ends_in(name, ".part") &&
           !ends_in(name, ".tmp");
}

static void note_file(struct xw_import_dir *dir, const char *name, const struct stat *st,
                      int64_t now_us, struct xw_import_view *view)
{
    struct candidate *c = find(dir, name);
    if (!c &&
        xw_import_left_has(&dir->left, (uint64_t)st->st_size, st->st_ino, ns_of(st->st_mtim))) {
        view->left_n++;
        return;
    }
    if (!c && dir->files_n == XW_IMPORT_WAITING_MAX) {
        view->unseen_n++;
        return;
    }
    bool known = c && is_same(c, st);
    if (!c) {
        c = &dir->files[dir->files_n++];
        memset(c, 0, sizeof(*c));
        snprintf(c->name, sizeof(c->name), "%s", name);
    }
    c->seen = true;
    if (known)
        return;
    c->size = (uint64_t)st->st_size;
    c->inode = st->st_ino;
    c->mtime_ns = ns_of(st->st_mtim);
    c->since_us = now_us;
    c->judged = c->content = c->hopeless = false;
    c->not_before_us = 0;
    c->text[0] = 0;
}

static int list(struct xw_import_dir *dir, int64_t now_us, struct xw_import_view *view)
{
    DIR *d = opendir(dir->rules.dir);
    if (!d)
        return -errno;
    for (size_t i = 0; i < dir->files_n; i++)
        dir->files[i].seen = false;
    size_t n = 0;
    for (struct dirent *e; n < ENTRIES_MAX && (e = readdir(d)); n++) {
        struct stat st;
        if (of_interest(e->d_name) && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode))
            note_file(dir, e->d_name, &st, now_us, view);
    }
    closedir(d);
    for (size_t i = 0; i < dir->files_n; i++)
        if (!dir->files[i].seen) {
            drop(dir, &dir->files[i]);
            i--;
        }
    xw_import_left_sweep(&dir->left);
    return 0;
}

/* What lies in the quarantine: its number, and the newest with their reasons. */
static void count_quarantine(struct xw_import_dir *dir)
{
    char path[PATH_N];
    DIR *d = path_of(dir, "quarantine", "", path) == 0 ? opendir(path) : NULL;
    dir->shown_n = dir->quarantine_n = 0;
    dir->counted = true;
    if (!d)
        return;
    size_t n = 0;
    for (struct dirent *e; n < ENTRIES_MAX && (e = readdir(d)); n++) {
        struct stat st;
        xw_autofree uint8_t *text = NULL;
        size_t text_n = 0;
        char beside[PATH_N];
        if (e->d_name[0] == '.' || ends_in(e->d_name, REASON) ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        dir->quarantine_n++;
        snprintf(beside, sizeof(beside), "%.600s/%.255s" REASON, path, e->d_name);
        if (xw_import_read(beside, XW_IMPORT_TEXT_N - 1, &text, &text_n) < 0)
            text = NULL;
        show_broken(dir, e->d_name, text ? (const char *)text : "", (uint64_t)st.st_size,
                    ns_of(st.st_ctim) / 1000);
    }
    closedir(d);
    if (dir->quarantine_n < XW_IMPORT_QUARANTINE_MAX)
        dir->left.n = 0; /* there is room again: they are looked at anew */
}

/* What was taken long ago goes. Never through a link: who may write to the folder must not be able
 * to have files deleted elsewhere. */
static void purge(const struct xw_import_dir *dir, int64_t wall_us)
{
    char path[PATH_N];
    int fd = path_of(dir, "done", "", path) == 0
                 ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                 : -1;
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    size_t n = 0;
    if (fd >= 0 && !d)
        close(fd);
    for (struct dirent *e; d && n < ENTRIES_MAX && (e = readdir(d)); n++) {
        struct stat st;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            ns_of(st.st_ctim) / 1000 < wall_us - dir->rules.keep_us)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
}

/* ---- reading ---- */

/* How often this file was begun and the process ended before it was read. */
static int count_try(const struct xw_import_dir *dir, const char *name)
{
    char path[PATH_N], text[XW_IMPORT_NAME_N + 8];
    xw_autofree uint8_t *was = NULL;
    size_t was_n = 0;
    int tries = 1;
    int r = path_of(dir, "", ".trying", path);
    if (r == 0 && xw_import_read(path, sizeof(text), &was, &was_n) == 0 && was_n > 2 &&
        was[0] >= '1' && was[0] <= '9' && was[1] == ' ' && !strcmp((const char *)was + 2, name))
        tries = was[0] - '0' + 1;
    if (r < 0 || tries > TRIES_MAX)
        return r < 0 ? r : tries;
    int n = snprintf(text, sizeof(text), "%d %s", tries, name);
    r = xw_file_write_atomic(path, text, (size_t)n, 0640);
    return r < 0 ? r : tries;
}

static void forget_tries(const struct xw_import_dir *dir)
{
    char path[PATH_N];
    if (path_of(dir, "", ".trying", path) == 0)
        (void)unlink(path);
}

/* The bytes as they were when the size was looked at; -EAGAIN: they changed meanwhile. */
static int read_bytes(const struct xw_import_dir *dir, const struct candidate *c,
                      uint8_t **ret_data)
{
    char path[PATH_N];
    struct stat st;
    int r = path_of(dir, "", c->name, path);
    if (r < 0)
        return r;
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    xw_autofree uint8_t *data = malloc(c->size + 1);
    if (!data)
        return -ENOMEM;
    for (size_t n = 0; n < c->size;) {
        ssize_t got = read(fd, data + n, c->size - n);
        if (got <= 0)
            return got < 0 ? -errno : -EAGAIN;
        n += (size_t)got;
    }
    if (fstat(fd, &st) < 0 || !is_same(c, &st))
        return -EAGAIN;
    *ret_data = XW_STEAL(data);
    return 0;
}

static void say(struct candidate *c, const struct xw_formats_error *error)
{
    snprintf(c->text, sizeof(c->text), "%.60s%s%.180s", error->where, error->where[0] ? ": " : "",
             error->text);
}

/* What will not pass by itself, of a file that could not be read. A full disk, no memory, too many
 * open files: that says nothing about the file. */
static bool is_files_own(int r)
{
    return r == -EACCES || r == -EPERM || r == -EIO || r == -ELOOP;
}

/* 1: its recording is in ret_ready. 0: it is not ready, and says why. */
static int judge(struct xw_import_dir *dir, struct candidate *c, int64_t now_us,
                 struct xw_import_ready *ret_ready)
{
    struct xw_formats_error error = {{0}, {0}};
    xw_autofree uint8_t *data = NULL;
    int tries = count_try(dir, c->name);
    int r = tries < 0 ? tries : tries > TRIES_MAX ? 1 : read_bytes(dir, c, &data);
    if (r == 1) {
        snprintf(c->text, sizeof(c->text), "the gateway ended %d times while it was read",
                 TRIES_MAX);
        c->since_us = INT64_MIN / 2; /* no need to wait for more of it */
    } else if (r < 0)
        snprintf(c->text, sizeof(c->text), "can not be read: %s", strerror(-r));
    c->judged = r == 1;
    c->hopeless = r == 1 || (tries > 0 && is_files_own(r));
    if (r == 0) {
        r = xw_formats_parse(data, c->size, &ret_ready->recording, &error);
        c->judged = r != -ENOMEM;
        c->hopeless = r < 0 && c->judged;
    }
    if (r < 0 && error.text[0])
        say(c, &error);
    if (!c->judged)
        c->not_before_us = now_us + AGAIN_US;
    c->content = r == 0;
    forget_tries(dir);
    if (r != 0)
        return 0;
    crypto_hash_sha256(ret_ready->hash, data, c->size);
    snprintf(ret_ready->name, sizeof(ret_ready->name), "%s", c->name);
    ret_ready->changed_wall_us = c->mtime_ns / 1000;
    return 1;
}

/* Too large or empty is known without reading; 1: look into it. */
static int at_first_sight(const struct xw_import_dir *dir, struct candidate *c)
{
    if (c->size == 0) {
        snprintf(c->text, sizeof(c->text), "the file is empty");
        c->hopeless = true;
        return 0;
    }
    if (c->size <= dir->rules.file_max_bytes)
        return 1;
    snprintf(c->text, sizeof(c->text), "larger than import.file_max");
    c->judged = c->hopeless = true;
    return 0;
}

static int look_at(struct xw_import_dir *dir, struct candidate *c, int64_t now_us,
                   struct xw_import_ready *ret_ready)
{
    int64_t rested_us = now_us - c->since_us;
    int r = 0;
    if (rested_us < dir->rules.settle_us || now_us < c->not_before_us)
        return 0;
    if (!c->judged || c->content)
        r = at_first_sight(dir, c) ? judge(dir, c, now_us, ret_ready) : 0;
    if (r == 0 && c->hopeless && rested_us >= dir->rules.give_up_us &&
        quarantine(dir, c, c->text) < 0 &&
        xw_import_left_add(&dir->left, c->size, c->inode, c->mtime_ns))
        drop(dir, c); /* it stays where it is; its place goes to another */
    return r;
}

static void fill_view(const struct xw_import_dir *dir, struct xw_import_view *view)
{
    view->waiting_n = (uint32_t)dir->files_n + view->unseen_n + view->left_n;
    view->quarantine_n = dir->quarantine_n;
    view->quarantine_full = dir->quarantine_n >= XW_IMPORT_QUARANTINE_MAX;
    view->broken_n = dir->broken_n;
    for (size_t i = 0; i < dir->files_n && view->waiting_shown < XW_IMPORT_SHOWN_MAX; i++) {
        const struct candidate *c = &dir->files[i];
        struct xw_import_line *line = &view->waiting[view->waiting_shown++];
        snprintf(line->name, sizeof(line->name), "%s", c->name);
        snprintf(line->text, sizeof(line->text), "%s", c->text);
        line->bytes = c->size;
        line->wall_us = c->mtime_ns / 1000;
    }
    view->quarantine_shown = dir->shown_n;
    memcpy(view->quarantine, dir->shown, dir->shown_n * sizeof(dir->shown[0]));
}

/* The one that has rested longest first. */
static int by_rest(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return (x->since_us > y->since_us) - (x->since_us < y->since_us);
}

int xw_import_dir_look(struct xw_import_dir *dir, int64_t now_us, int64_t wall_us,
                       struct xw_import_view *ret_view, struct xw_import_ready *ret_ready)
{
    memset(ret_view, 0, sizeof(*ret_view));
    memset(ret_ready, 0, sizeof(*ret_ready));
    ret_view->error = list(dir, now_us, ret_view);
    if (!dir->purged_us || now_us - dir->purged_us >= PURGE_EVERY_US) {
        purge(dir, wall_us);
        dir->purged_us = now_us;
        dir->counted = false; /* somebody may have cleared it up */
    }
    if (!dir->counted)
        count_quarantine(dir);
    qsort(dir->files, dir->files_n, sizeof(*dir->files), by_rest);
    int r = 0;
    for (size_t i = 0; r == 0 && i < dir->files_n; i++) {
        size_t n = dir->files_n;
        r = look_at(dir, &dir->files[i], now_us, ret_ready);
        if (dir->files_n < n) /* put aside: another is in its place */
            i--;
    }
    if (!dir->counted)
        count_quarantine(dir);
    fill_view(dir, ret_view);
    return r;
}
