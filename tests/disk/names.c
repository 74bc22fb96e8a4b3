/* Names in folders: what became of them since the folder was synced. */
#include "disk_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct name_op *ops, **ops_tail = &ops;
static uint64_t ops_n;

/* ---- places ---- */

bool place_of(int folder, const char *path, struct place *ret_place)
{
    char parent[4096], by[40], real[4096];
    struct stat st;
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t slash = n;
    while (slash > 0 && path[slash - 1] != '/')
        slash--;
    if (n == 0 || slash >= sizeof(parent))
        return false;
    memcpy(parent, path, slash);
    parent[slash] = '\0';
    int fd = raw_open(folder, slash ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    snprintf(by, sizeof(by), "/proc/self/fd/%d", fd);
    ssize_t real_n = readlink(by, real, sizeof(real) - 1);
    bool found = real_n > 0 && fstat(fd, &st) == 0;
    raw_close(fd);
    if (!found)
        return false;
    real[real_n] = '\0';
    size_t room = (size_t)real_n + 1 + (n - slash) + 1;
    char *full = disk_alloc(room);
    snprintf(full, room, "%s/%.*s", real_n == 1 ? "" : real, (int)(n - slash), path + slash);
    if (!files_wanted(full)) {
        disk_free(full);
        return false;
    }
    *ret_place = (struct place){st.st_dev, st.st_ino, full};
    return true;
}

void place_done(struct place *place)
{
    disk_free(place->path);
    *place = (struct place){.path = NULL};
}

/* ---- notes ---- */

void names_note(enum name_kind kind, struct place *at, struct place *from, struct file *file,
                struct file *replaced)
{
    struct name_op *op = disk_alloc(sizeof(*op));
    *op = (struct name_op){.kind = kind, .at = *at, .file = file, .replaced = replaced};
    *at = (struct place){.path = NULL};
    if (from) {
        op->from = *from;
        *from = (struct place){.path = NULL};
    }
    if (file)
        file->holds++;
    if (replaced)
        replaced->holds++;
    *ops_tail = op;
    ops_tail = &op->next;
    ops_n++;
}

static void drop(struct name_op **at)
{
    struct name_op *op = *at;
    *at = op->next;
    if (ops_tail == &op->next)
        ops_tail = at;
    ops_n--;
    place_done(&op->at);
    place_done(&op->from);
    files_release(op->file);
    files_release(op->replaced);
    disk_free(op);
}

/* A rename between two folders is one change of a journal: the sync of either makes it durable. */
void names_synced(dev_t dev, ino_t ino)
{
    for (struct name_op **at = &ops; *at;) {
        const struct name_op *op = *at;
        if ((op->at.dev == dev && op->at.ino == ino) ||
            (op->from.path && op->from.dev == dev && op->from.ino == ino))
            drop(at);
        else
            at = &(*at)->next;
    }
}

void names_synced_all(void)
{
    while (ops)
        drop(&ops);
}

uint64_t names_unsynced_n(void)
{
    return ops_n;
}

/* ---- the cut ---- */

struct bound { /* what a name means after the cut */
    struct bound *next;
    const char *path;
    struct file *file;
    bool folder;
};

static struct bound *bind(struct bound **list, const char *path, struct file *file, bool folder)
{
    struct bound *bound = *list;
    while (bound && strcmp(bound->path, path) != 0)
        bound = bound->next;
    if (bound)
        return bound; /* what it meant at first is known */
    bound = disk_alloc(sizeof(*bound));
    *bound = (struct bound){.next = *list, .path = path, .file = file, .folder = folder};
    return *list = bound;
}

static void rebind(struct bound *bound, struct file *file, bool folder)
{
    bound->file = file;
    bound->folder = folder;
}

/* What each name meant on the disk, from the first change that touches it; then the changes that
 * were taken. */
static void replay(struct bound **list, const struct name_op *op, bool taken)
{
    bool was_file = op->kind == NAME_REMOVED;
    struct bound *from =
        op->kind == NAME_RENAMED ? bind(list, op->from.path, op->file, false) : NULL;
    struct bound *at = bind(list, op->at.path,
                            was_file                   ? op->file
                            : op->kind == NAME_RENAMED ? op->replaced
                                                       : NULL,
                            op->kind == FOLDER_REMOVED);
    if (!taken)
        return;
    bool appears = op->kind == NAME_CREATED || op->kind == NAME_LINKED || op->kind == NAME_RENAMED;
    rebind(at, appears ? op->file : NULL, op->kind == FOLDER_MADE);
    if (from)
        rebind(from, NULL, false);
}

static void remove_all(const char *path)
{
    char inner[4096];
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name) >= (int)sizeof(inner))
            continue;
        if (raw_unlink(inner, false) < 0)
            remove_all(inner);
    }
    if (folder)
        closedir(folder);
    raw_unlink(path, true);
}

static void copy_to(const struct file *file, const char *path)
{
    char temporary[4096];
    static uint8_t bytes[65536];
    struct stat st;
    if (snprintf(temporary, sizeof(temporary), "%s.disk-cut", path) >= (int)sizeof(temporary) ||
        fstat(file->shadow, &st) < 0)
        disk_die("a name can not be put back");
    int out =
        raw_open(AT_FDCWD, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st.st_mode & 07777);
    if (out < 0)
        disk_die("a name can not be put back: %s", strerror(errno));
    for (uint64_t at = 0;;) {
        ssize_t n = raw_pread(file->shadow, bytes, sizeof(bytes), at);
        if (n <= 0)
            break;
        if (raw_pwrite(out, bytes, (size_t)n, at) != n)
            disk_die("a name can not be put back: %s", strerror(errno));
        at += (uint64_t)n;
    }
    raw_close(out);
    if (syscall(SYS_renameat, AT_FDCWD, temporary, AT_FDCWD, path) < 0)
        disk_die("a name can not be put back: %s", strerror(errno));
}

static void make_true(const struct bound *bound)
{
    struct stat st;
    bool there = lstat(bound->path, &st) == 0;
    if (bound->folder) {
        if (!there)
            (void)syscall(SYS_mkdirat, AT_FDCWD, bound->path, 0750);
    } else if (!bound->file) {
        if (there && S_ISDIR(st.st_mode))
            remove_all(bound->path);
        else if (there)
            raw_unlink(bound->path, false);
    } else if (!there || st.st_ino != bound->file->ino || st.st_dev != bound->file->dev) {
        copy_to(bound->file, bound->path);
    }
}

enum how { HOW_NONE, HOW_ALL, HOW_FIRST, HOW_ANY, HOWS_N };

static bool taken(enum how how, struct draw *draw, uint64_t i, uint64_t first_n)
{
    switch (how) {
    case HOW_NONE:
        return false;
    case HOW_ALL:
        return true;
    case HOW_FIRST:
        return i < first_n;
    default:
        return draw_chance(draw, 0.5);
    }
}

/* Folders that are there come first, so that files can lie in them; lost ones go last, with all
 * that is in them. */
void names_cut(struct draw *draw, char *ret_how, size_t n_bytes)
{
    static const char *const hows[HOWS_N] = {"none", "all", "first", "any"};
    enum how how = (enum how)draw_below(draw, HOWS_N);
    uint64_t first_n = draw_below(draw, (uint32_t)ops_n + 1), i = 0, taken_n = 0;
    struct bound *list = NULL;
    for (const struct name_op *op = ops; op; op = op->next, i++) {
        bool take = taken(how, draw, i, first_n);
        taken_n += take;
        replay(&list, op, take);
    }
    for (const struct bound *bound = list; bound; bound = bound->next)
        if (bound->folder)
            make_true(bound);
    for (const struct bound *bound = list; bound; bound = bound->next)
        if (!bound->folder && bound->file)
            make_true(bound);
    for (const struct bound *bound = list; bound; bound = bound->next)
        if (!bound->folder && !bound->file)
            make_true(bound);
    snprintf(ret_how, n_bytes, "names %s: %llu of %llu", hows[how], (unsigned long long)taken_n,
             (unsigned long long)ops_n);
}
