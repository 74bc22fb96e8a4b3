/* The parts of the fault file layer among themselves. All of it is called with disk_lock held, but
 * for disk_alloc, the raw calls and the questions about rules.
 *
 * The layer must not use what it stands in for: files by raw system calls, memory from libc's own
 * allocator, so that a rule of `alloc` never hits it. Running out of memory here ends the process.
 */
#ifndef XW_TESTS_DISK_IN_H
#define XW_TESTS_DISK_IN_H

#include "disk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum { SECTOR = 512 };

/* ---- memory, raw calls, failures of the layer itself (raw.c) ---- */

void *disk_alloc(size_t size); /* zeroed */
void disk_free(void *memory);
char *disk_copy_text(const char *text);
__attribute__((noreturn, format(printf, 1, 2))) void disk_die(const char *format, ...);
void disk_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether calls are followed at all; the lock, around every call that is. errno is kept. */
bool layer_on(void);
void layer_enter(void);
void layer_leave(void);

int raw_open(int folder, const char *path, int flags, mode_t mode);
int raw_close(int fd);
ssize_t raw_pread(int fd, void *data, size_t n, uint64_t offset);
ssize_t raw_pwrite(int fd, const void *data, size_t n, uint64_t offset);
int raw_unlink(const char *path, bool folder);

/* ---- drawing (rules.c) ---- */

struct draw {
    uint64_t state;
};
uint64_t draw_next(struct draw *draw);
uint32_t draw_below(struct draw *draw, uint32_t n);
bool draw_chance(struct draw *draw, double p);

/* ---- rules (rules.c) ---- */

enum disk_call {
    CALL_OPEN,
    CALL_READ,
    CALL_WRITE,
    CALL_TRUNCATE,
    CALL_SYNC,
    CALL_RENAME,
    CALL_LINK,
    CALL_UNLINK,
    CALL_MKDIR,
    CALL_ALLOC,
    CALLS_N
};

struct disk_power {
    bool on, lie_data, lie_names;
    uint64_t seed, after, ms; /* after, ms: 0 = never */
    char under[256];
};
struct disk_rules {
    struct disk_power power;
    bool calls; /* any rule of disk.CALL */
    bool alloc;
    char full_while[256]; /* disk.full; "" = no such rule */
};
extern struct disk_rules disk_rules;
extern atomic_bool disk_on; /* anything at all */

int rules_parse(const char *text, char *ret_error, size_t n_bytes);
enum { RULE_PASS = 0, RULE_SHORT = 1 };
/* RULE_PASS, RULE_SHORT, or -errno that the call is to return. path may be NULL. */
int rules_ask(enum disk_call call, const char *path, uint64_t offset, size_t n);
/* Whether a rule of disk.full acts now (full.c). */
bool disk_is_full(void);
uint64_t rules_acted_n(void);
uint64_t rules_allocs_n(void);

/* ---- files and what was not synced of them (files.c) ---- */

struct sectors { /* open addressing; contents of SECTOR bytes */
    struct sector {
        uint64_t no;
        uint8_t *data; /* NULL: free */
    } * v;
    size_t n, room;
};
uint8_t *sectors_find(const struct sectors *map, uint64_t no);
uint8_t *sectors_put(struct sectors *map, uint64_t no); /* zeroed when new */
void sectors_done(struct sectors *map);

struct file_op {
    struct file_op *next;
    uint64_t order;  /* over all files */
    uint64_t offset; /* of a write; the new length otherwise */
    size_t n;        /* bytes written */
    bool truncate;
    bool durable; /* written through O_SYNC */
    uint8_t data[];
};

struct file {
    struct file *next;
    dev_t dev;
    ino_t ino;
    int shadow;         /* our own descriptor, for reading what was there and for the cut */
    uint64_t durable_n; /* length on the disk */
    struct sectors before;
    struct file_op *ops, **ops_tail;
    size_t ops_n, bytes;
    unsigned opens, holds; /* descriptors of the process; changes of names that may need it */
    bool forgotten;        /* exempt from following: -shm */
    char *path;            /* as it was found; for rules and messages */
};

bool files_wanted(const char *path);
/* NULL: not followed. The path is found by /proc when it is not given. */
struct file *files_of_fd(int fd, const char *path);
struct file *files_of_path(const char *path);
void files_opened(int fd, struct file *file);
void files_closing(int fd);
void files_release(struct file *file); /* one hold less */
void files_created(struct file *file);
void files_before_write(struct file *file, uint64_t offset, uint64_t n);
void files_before_truncate(struct file *file, uint64_t length);
void files_note_write(struct file *file, const void *data, size_t n, uint64_t offset, bool durable);
void files_note_truncate(struct file *file, uint64_t length);
void files_synced(struct file *file);
void files_synced_all(void);
uint64_t files_unsynced_n(void);
uint64_t files_size(const struct file *file);
extern struct file *files_table[1024];
extern uint64_t files_order, files_pending_max;

/* ---- names (names.c) ---- */

enum name_kind {
    NAME_CREATED,
    NAME_LINKED,
    NAME_REMOVED,
    NAME_RENAMED,
    FOLDER_MADE,
    FOLDER_REMOVED
};

struct place { /* a name in a folder */
    dev_t dev;
    ino_t ino;
    char *path; /* with the folder's real path */
};
struct name_op {
    struct name_op *next;
    enum name_kind kind;
    struct place at, from; /* from: of a rename */
    struct file *file;     /* what the name means; NULL for folders */
    struct file *replaced;
};
/* False: not a name that is followed. */
bool place_of(int folder, const char *path, struct place *ret_place);
void place_done(struct place *place);
/* Takes the places; holds the files. */
void names_note(enum name_kind kind, struct place *at, struct place *from, struct file *file,
                struct file *replaced);
void names_synced(dev_t dev, ino_t ino);
void names_synced_all(void);
uint64_t names_unsynced_n(void);
void names_cut(struct draw *draw, char *ret_how, size_t n_bytes);

/* ---- the cut (cut.c) ---- */

extern pthread_mutex_t disk_lock;
/* One more call that changes something; the cut comes here when it is due. */
void cut_count(void);
__attribute__((noreturn)) void cut_now(const char *why);
void cut_count_sync(void); /* the same before a sync; counted by itself */
struct xw_disk_counts cut_counts(void);
int cut_begin(void); /* counters, SIGPWR, the timer; once a process */

/* Within the layer no rule of `alloc` acts. */
extern __thread unsigned disk_inside;

#endif
