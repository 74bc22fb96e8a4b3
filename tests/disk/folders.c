/* What stands in for libc's calls on names; and the layer's beginning. */
#include "disk_in.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* 0, or -1 with errno as the rule says. */
static int refused(enum disk_call call, const struct place *place)
{
    int r = place->path ? rules_ask(call, place->path, 0, 0) : RULE_PASS;
    if (r < 0)
        errno = -r;
    return r < 0 ? -1 : 0;
}

static struct file *file_at(const struct place *place)
{
    return place->path && disk_rules.power.on ? files_of_path(place->path) : NULL;
}

/* ---- rename ---- */

static int rename_any(int from_folder, const char *from, int to_folder, const char *to,
                      unsigned flags)
{
    if (!layer_on())
        return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    layer_enter();
    struct place a = {.path = NULL}, b = {.path = NULL};
    (void)place_of(from_folder, from, &a);
    (void)place_of(to_folder, to, &b);
    struct file *file = file_at(&a), *replaced = file_at(&b);
    if (flags && (file || replaced))
        disk_die("renameat2 with flags can not be followed");
    int r = refused(CALL_RENAME, &b);
    if (r == 0)
        r = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    if (r == 0 && file && b.path && file != replaced) {
        names_note(NAME_RENAMED, &b, &a, file, replaced);
        cut_count();
    }
    place_done(&a);
    place_done(&b);
    layer_leave();
    return r;
}

int rename(const char *from, const char *to)
{
    return rename_any(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return rename_any(from_folder, from, to_folder, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    return rename_any(from_folder, from, to_folder, to, flags);
}

/* ---- link ---- */

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    if (!layer_on())
        return (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    layer_enter();
    struct place a = {.path = NULL}, b = {.path = NULL};
    (void)place_of(from_folder, from, &a);
    (void)place_of(to_folder, to, &b);
    struct file *file = file_at(&a);
    int r = refused(CALL_LINK, &b);
    if (r == 0)
        r = (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    if (r == 0 && file && b.path) {
        names_note(NAME_LINKED, &b, NULL, file, NULL);
        cut_count();
    }
    place_done(&a);
    place_done(&b);
    layer_leave();
    return r;
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- removal ---- */

int unlinkat(int folder, const char *path, int flags)
{
    if (!layer_on())
        return (int)syscall(SYS_unlinkat, folder, path, flags);
    layer_enter();
    struct place place = {.path = NULL};
    (void)place_of(folder, path, &place);
    struct file *file = flags & AT_REMOVEDIR ? NULL : file_at(&place);
    int r = refused(CALL_UNLINK, &place);
    if (r == 0)
        r = (int)syscall(SYS_unlinkat, folder, path, flags);
    bool followed = r == 0 && place.path && disk_rules.power.on;
    if (followed && (file || (flags & AT_REMOVEDIR))) {
        names_note(file ? NAME_REMOVED : FOLDER_REMOVED, &place, NULL, file, NULL);
        cut_count();
    }
    place_done(&place);
    layer_leave();
    return r;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    int r = unlink(path);
    return r < 0 && errno == EISDIR ? rmdir(path) : r;
}

/* ---- folders ---- */

int mkdirat(int folder, const char *path, mode_t mode)
{
    if (!layer_on())
        return (int)syscall(SYS_mkdirat, folder, path, mode);
    layer_enter();
    struct place place = {.path = NULL};
    (void)place_of(folder, path, &place);
    struct stat st;
    int r = refused(CALL_MKDIR, &place);
    if (r == 0 && place.path && lstat(place.path, &st) < 0 && disk_is_full()) {
        errno = ENOSPC;
        r = -1;
    }
    if (r == 0)
        r = (int)syscall(SYS_mkdirat, folder, path, mode);
    if (r == 0 && place.path && disk_rules.power.on) {
        names_note(FOLDER_MADE, &place, NULL, NULL, NULL);
        cut_count();
    }
    place_done(&place);
    layer_leave();
    return r;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

/* ---- the end, and the beginning ---- */

/* A fault point that kills its process stands for the power failing there. */
int kill(pid_t pid, int signal)
{
    if (layer_on() && disk_rules.power.on && pid == getpid() && signal == SIGKILL) {
        pthread_mutex_lock(&disk_lock);
        cut_now("fault point");
    }
    return (int)syscall(SYS_kill, pid, signal);
}

/* Linked behind libc, or built without a part, the layer would see less than it believes, and a
 * test would prove nothing. Under sanitizers their interceptors stand before it, and call it. */
static void must_be_first(void)
{
#ifdef XW_DISK_PLAIN
    static const char *const calls[] = {
        "open",   "open64",    "close",       "read",   "pread64", "write",  "pwrite64",
        "writev", "ftruncate", "ftruncate64", "fsync",  "rename",  "unlink", "link",
        "mkdir",  "rmdir",     "fallocate",   "sync",   "syncfs",  "kill",   "fdatasync",
        "mmap64", "malloc",    "calloc",      "statvfs"};
    Dl_info own, found;
    void *self = NULL;
    int (*configure)(const char *) = xw_disk_configure;
    memcpy(&self, &configure, sizeof(self));
    if (!dladdr(self, &own))
        return;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        void *call = dlsym(RTLD_DEFAULT, calls[i]);
        if (!call || !dladdr(call, &found) || found.dli_fbase != own.dli_fbase)
            disk_die("%s does not come here: the layer must be linked or preloaded first",
                     calls[i]);
    }
#endif
}

int xw_disk_configure(const char *text)
{
    char error[256] = "";
    must_be_first();
    layer_enter();
    atomic_store(&disk_on, false);
    int r = rules_parse(text, error, sizeof(error));
    if (!disk_rules.power.on) {
        names_synced_all();
        files_synced_all();
    }
    if (r == 0)
        r = cut_begin();
    bool any = disk_rules.power.on || disk_rules.calls || disk_rules.alloc ||
               disk_rules.full_while[0] != '\0';
    atomic_store_explicit(&disk_on, r == 0 && any, memory_order_release);
    layer_leave();
    if (error[0])
        disk_say("disk: %s", error);
    return r;
}

struct xw_disk_counts xw_disk_counts(void)
{
    layer_enter();
    struct xw_disk_counts counts = cut_counts();
    counts.acted_n = rules_acted_n();
    counts.allocs_n = rules_allocs_n();
    layer_leave();
    return counts;
}

/* What a followed process forks is not followed; the lock must not stay with a thread that it has
 * not. */
static void before_fork(void)
{
    pthread_mutex_lock(&disk_lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&disk_lock);
}

static void in_child(void)
{
    atomic_store(&disk_on, false);
    pthread_mutex_unlock(&disk_lock);
}

__attribute__((constructor)) static void follow_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork, in_child);
}

/* Preloaded: from the first instruction on, for this program and not for what it starts. */
__attribute__((constructor)) static void begin(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    if (!preloaded || !strstr(preloaded, "libxwdisk.so"))
        return;
    unsetenv("LD_PRELOAD");
    if (xw_disk_configure(getenv("XW_FAULT")) < 0)
        _exit(2);
    if (atomic_load(&disk_on))
        disk_say("disk: the fault file layer is on: %s", getenv("XW_FAULT"));
}
