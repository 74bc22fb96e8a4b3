/* Files that the process has open or changed: what was on the disk before, and what was written
 * since. */
#include "disk_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FDS_MAX = 65536 };

struct file *files_table[1024];
static struct file *by_fd[FDS_MAX];
uint64_t files_order, files_pending_max;

/* ---- sectors ---- */

static size_t slot_of(const struct sectors *map, uint64_t no)
{
    size_t slot = (size_t)(no * 0x9E3779B97F4A7C15ULL >> 20) & (map->room - 1);
    while (map->v[slot].data && map->v[slot].no != no)
        slot = (slot + 1) & (map->room - 1);
    return slot;
}

uint8_t *sectors_find(const struct sectors *map, uint64_t no)
{
    return map->room ? map->v[slot_of(map, no)].data : NULL;
}

static void sectors_grow(struct sectors *map)
{
    struct sectors bigger = {.room = map->room ? map->room * 2 : 64, .n = map->n};
    bigger.v = disk_alloc(bigger.room * sizeof(*bigger.v));
    for (size_t i = 0; i < map->room; i++)
        if (map->v[i].data)
            bigger.v[slot_of(&bigger, map->v[i].no)] = map->v[i];
    disk_free(map->v);
    *map = bigger;
}

uint8_t *sectors_put(struct sectors *map, uint64_t no)
{
    uint8_t *found = sectors_find(map, no);
    if (found)
        return found;
    if ((map->n + 1) * 2 > map->room)
        sectors_grow(map);
    struct sector *sector = &map->v[slot_of(map, no)];
    *sector = (struct sector){.no = no, .data = disk_alloc(SECTOR)};
    map->n++;
    return sector->data;
}

void sectors_done(struct sectors *map)
{
    for (size_t i = 0; i < map->room; i++)
        disk_free(map->v[i].data);
    disk_free(map->v);
    *map = (struct sectors){.n = 0};
}

/* ---- which files ---- */

static bool below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

bool files_wanted(const char *path)
{
    const char *registry = getenv("GST_REGISTRY");
    const char *under = disk_rules.power.under;
    if (path[0] != '/' || below(path, "/proc") || below(path, "/sys") ||
        (below(path, "/dev") && !below(path, "/dev/shm")) || strncmp(path, "/memfd:", 7) == 0 ||
        strstr(path, "/.cache/"))
        return false;
    if (registry && strncmp(path, registry, strlen(registry)) == 0)
        return false;
    return !under[0] || below(path, under);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static struct file **bucket_of(dev_t dev, ino_t ino)
{
    return &files_table[(ino ^ dev) % (sizeof(files_table) / sizeof(files_table[0]))];
}

static struct file *find(dev_t dev, ino_t ino)
{
    struct file *file = *bucket_of(dev, ino);
    while (file && (file->ino != ino || file->dev != dev))
        file = file->next;
    return file;
}

uint64_t files_size(const struct file *file)
{
    struct stat st;
    if (fstat(file->shadow, &st) < 0)
        disk_die("a followed file can not be asked for its length: %s", strerror(errno));
    return (uint64_t)st.st_size;
}

static struct file *add(const struct stat *st, const char *open_by, const char *path)
{
    struct file *file = disk_alloc(sizeof(*file));
    int shadow = raw_open(AT_FDCWD, open_by, O_RDWR | O_CLOEXEC, 0);
    if (shadow < 0)
        shadow = raw_open(AT_FDCWD, open_by, O_RDONLY | O_CLOEXEC, 0);
    if (shadow < 0)
        disk_die("%s can not be followed: %s", path, strerror(errno));
    /* Out of the way of the process's own descriptors, whose numbers tests may compare. */
    int high = fcntl(shadow, F_DUPFD_CLOEXEC, 512);
    if (high >= 0) {
        raw_close(shadow);
        shadow = high;
    }
    *file = (struct file){.dev = st->st_dev,
                          .ino = st->st_ino,
                          .shadow = shadow,
                          .durable_n = (uint64_t)st->st_size,
                          .forgotten = ends_with(path, "-shm"),
                          .path = disk_copy_text(path)};
    file->ops_tail = &file->ops;
    struct file **bucket = bucket_of(file->dev, file->ino);
    file->next = *bucket;
    *bucket = file;
    return file;
}

/* A descriptor from before the layer was switched on counts from its first use. */
static struct file *known_by(int fd, struct file *file)
{
    if (fd < FDS_MAX && by_fd[fd] != file)
        files_opened(fd, file);
    return file->forgotten ? NULL : file;
}

struct file *files_of_fd(int fd, const char *path)
{
    struct stat st;
    char by[40], found[4096];
    if (fd <= 2 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return NULL;
    struct file *file = find(st.st_dev, st.st_ino);
    if (file)
        return known_by(fd, file);
    snprintf(by, sizeof(by), "/proc/self/fd/%d", fd);
    if (!path) {
        ssize_t n = readlink(by, found, sizeof(found) - 1);
        if (n < 0)
            return NULL;
        found[n] = '\0';
        path = found;
    }
    if (!files_wanted(path))
        return NULL;
    return known_by(fd, add(&st, by, path));
}

struct file *files_of_path(const char *path)
{
    struct stat st;
    if (!files_wanted(path) || lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return NULL;
    struct file *file = find(st.st_dev, st.st_ino);
    if (!file)
        file = add(&st, path, path);
    return file->forgotten ? NULL : file;
}

/* ---- life ---- */

static void forget_ops(struct file *file)
{
    for (struct file_op *op = file->ops, *next; op; op = next) {
        next = op->next;
        disk_free(op);
    }
    sectors_done(&file->before);
    file->ops = NULL;
    file->ops_tail = &file->ops;
    file->ops_n = file->bytes = 0;
}

/* Our descriptor goes only when the process has none of this file: closing one takes away every
 * lock of fcntl that the process holds on it, and SQLite's are such locks. */
static void drop_if_over(struct file *file)
{
    struct stat st;
    if (file->opens || file->holds)
        return;
    if (file->ops && (fstat(file->shadow, &st) < 0 || st.st_nlink > 0))
        return;
    struct file **at = bucket_of(file->dev, file->ino);
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    forget_ops(file);
    raw_close(file->shadow);
    disk_free(file->path);
    disk_free(file);
}

void files_opened(int fd, struct file *file)
{
    if (fd < 0 || fd >= FDS_MAX)
        disk_die("descriptor %d is beyond what can be followed", fd);
    file->opens++; /* first: it may be the one that the number stood for until now */
    files_closing(fd);
    by_fd[fd] = file;
}

void files_closing(int fd)
{
    struct file *file = fd >= 0 && fd < FDS_MAX ? by_fd[fd] : NULL;
    if (!file)
        return;
    by_fd[fd] = NULL;
    file->opens--;
    drop_if_over(file);
}

void files_release(struct file *file)
{
    if (!file)
        return;
    file->holds--;
    drop_if_over(file);
}

void files_created(struct file *file)
{
    file->durable_n = 0;
}

/* ---- what was there before ---- */

static void keep_before(struct file *file, uint64_t sector)
{
    uint64_t at = sector * SECTOR;
    if (at >= file->durable_n || sectors_find(&file->before, sector))
        return;
    uint8_t *data = sectors_put(&file->before, sector);
    size_t n = file->durable_n - at < SECTOR ? (size_t)(file->durable_n - at) : SECTOR;
    if (raw_pread(file->shadow, data, n, at) != (ssize_t)n)
        disk_die("what a file held can not be read: %s", strerror(errno));
    file->bytes += SECTOR;
}

void files_before_write(struct file *file, uint64_t offset, uint64_t n)
{
    for (uint64_t s = offset / SECTOR; n && s <= (offset + n - 1) / SECTOR; s++) {
        if (s * SECTOR >= file->durable_n)
            break;
        keep_before(file, s);
    }
}

void files_before_truncate(struct file *file, uint64_t length)
{
    for (uint64_t s = length / SECTOR; s * SECTOR < file->durable_n; s++)
        keep_before(file, s);
}

/* ---- what was done ---- */

static struct file_op *add_op(struct file *file, size_t n)
{
    struct file_op *op = disk_alloc(sizeof(*op) + n);
    op->order = ++files_order;
    *file->ops_tail = op;
    file->ops_tail = &op->next;
    file->ops_n++;
    file->bytes += n;
    if (file->bytes > files_pending_max)
        files_pending_max = file->bytes;
    return op;
}

void files_note_write(struct file *file, const void *data, size_t n, uint64_t offset, bool durable)
{
    struct file_op *op = add_op(file, n);
    op->offset = offset;
    op->n = n;
    op->durable = durable;
    memcpy(op->data, data, n);
}

void files_note_truncate(struct file *file, uint64_t length)
{
    struct file_op *op = add_op(file, 0);
    op->truncate = true;
    op->offset = length;
}

void files_synced(struct file *file)
{
    forget_ops(file);
    file->durable_n = files_size(file);
}

void files_synced_all(void)
{
    for (size_t i = 0; i < sizeof(files_table) / sizeof(files_table[0]); i++)
        for (struct file *file = files_table[i]; file; file = file->next)
            files_synced(file);
}

uint64_t files_unsynced_n(void)
{
    uint64_t n = 0;
    for (size_t i = 0; i < sizeof(files_table) / sizeof(files_table[0]); i++)
        for (struct file *file = files_table[i]; file; file = file->next)
            n += file->ops_n;
    return n;
}
