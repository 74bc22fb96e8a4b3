/* The fault file layer: it stands between a process and its files, below SQLite and everything else
 * that writes, and decides what a power cut would have left on the disk.
 *
 * Built as libxwdisk.so, which takes the place of libc's file calls: preloaded into a daemon (which
 * does that to itself when XW_FAULT asks for it, see base/fault.h), or linked to a test. No other
 * binary knows of it. It reads these rules of XW_FAULT, and leaves the others to base/fault.h:
 *
 *   power:SEED[:after=N][:ms=T][:lie=data|names|all][:under=FOLDER]
 *       From now on nothing is durable that was not synced. The cut comes at the N-th call that
 *       changes a file, T ms from now, at SIGPWR, and where a fault point kills the process. Then a
 *       subset drawn by the seed of what was not synced stays in the files, and the process gets
 *       SIGKILL. A SIGKILL from outside is no power cut: as in life, all that was written stays.
 *       lie: syncs of files, of folders (names), or both return 0 and cover nothing; for the proof
 *       that a test notices. under: only files below this folder.
 *   disk.CALL:error=NAME|short[:after=N][:times=K][:prob=P][:seed=S][:name=TEXT][:sector=N]
 *       CALL: open read write truncate sync rename link unlink mkdir, or * for any of them. `short`
 *       writes half of what was asked for. name: only files whose path contains it. sector: only
 *       reads that touch this sector of 512 bytes (a place that can not be read any more).
 *   disk.full:while=FILE
 *       As long as FILE exists there is no room: what makes a file longer, and every new file or
 *       folder, fails with ENOSPC, and statvfs says so (but not when FILE has bytes in it: a quota
 *       of which nobody tells). Writes within a file's length pass, as they do on most disks. FILE
 *       may come and go while the process runs.
 *   alloc[:after=N][:times=K][:prob=P][:seed=S]
 *       malloc, calloc, realloc and their like return NULL: all of the process, SQLite too. Not
 *       under sanitizers, which have an allocator of their own.
 *
 * The model. Every write goes through to the file at once, so that this process, shared mappings
 * and other processes read what a running system would show; what is kept in memory is what was on
 * the disk before, and what was written since, in order. A sync of a file makes its bytes and
 * length durable and says nothing about its name. A sync of a folder makes durable what became of
 * the names in it: creation, link, rename, removal. sync_file_range promises nothing and covers
 * nothing; writes through O_SYNC or O_DSYNC cover themselves.
 * At the cut, for each sector of 512 bytes: one of the contents it had since the last sync, chosen
 * by which writes are taken (none, all, the first ones, the last ones, any, any sector by itself),
 * torn at sector borders. Length: the old, the new or one between, what was never written being
 * zero or rubbish. Names: each change that was not synced is taken or not, a rename being one
 * change; a file without its name is gone, a name without its bytes is an empty or stale file, a
 * removed file is there again. A new folder whose parent was not synced is gone with all in it. Not
 * followed: SQLite's -shm files (no durable state), descriptors that came from outside, stdio
 * streams, files under /proc, /sys, /dev (but /dev/shm), caches, GST_REGISTRY. A shared writable
 * mapping of a followed file, or a copy made inside the kernel into one, ends the process: they can
 * not be followed, and a test must not believe that they were.
 *
 * Threads: any; one lock, so calls of several threads come one after another. */
#ifndef XW_TESTS_DISK_H
#define XW_TESTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes the layer's rules out of a text like XW_FAULT; NULL or "" lets go of everything, and what
 * was not synced counts as synced. 0, or -EINVAL with the reason on stderr. Counters begin anew. */
int xw_disk_configure(const char *text);
/* Whether this is one of the layer's rules ("power", "disk.write", "alloc"). */
bool xw_disk_claims(const char *name);
/* The power fails here. */
__attribute__((noreturn)) void xw_disk_cut(void);

struct xw_disk_counts {
    uint64_t changes_n;   /* calls that changed a followed file or name */
    uint64_t syncs_n;     /* of files and folders */
    uint64_t allocs_n;    /* counted while a rule of alloc is there */
    uint64_t acted_n;     /* calls that a rule made fail or cut short */
    uint64_t unsynced_n;  /* writes, lengths and names that a cut could take away now */
    uint64_t pending_max; /* the most bytes that were kept for one file */
};
struct xw_disk_counts xw_disk_counts(void);

#endif
