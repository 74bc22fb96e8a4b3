/* The folder that ECG files are put into: what is complete, what waits, what is broken.
 *
 * A file is looked at when size and times have not changed for `settle_us`, as seen here, and is
 * ready when its parser is content. One that the parser refuses waits, for it may be half of a
 * file; when nothing has changed for `give_up_us` it goes to the folder `quarantine`, with the
 * reason beside it (NAME.reason); one that could not be read for a reason of ours (a full disk, no
 * memory) stays and is tried again. What was taken goes to `done`, and is deleted after `keep_us`
 * (0: at once). Names that begin with a dot or end in .part or .tmp are those of a writer that is
 * not finished; links, folders and devices are left alone. A file during whose reading the process
 * ended three times is quarantined unread (`.trying` remembers).
 *
 * Threads: one at a time; every function blocks on the disk, so not on a loop. Ownership: what is
 * ready is the caller's. Limits: XW_IMPORT_WAITING_MAX files are followed at a time, the others
 * wait unseen and are counted; XW_IMPORT_QUARANTINE_MAX broken ones, then the next stay where they
 * are, unread and out of the way of others until there is room. File names may say who the patient
 * is: they are for the gateway's own page, never logged. Errors: negative errno. */
#ifndef XW_EDGE_IMPORT_DIR_H
#define XW_EDGE_IMPORT_DIR_H

#include "edge/import_make.h"

enum {
    XW_IMPORT_WAITING_MAX = 256,
    XW_IMPORT_QUARANTINE_MAX = 500,
    XW_IMPORT_SHOWN_MAX = 32,
    XW_IMPORT_NAME_N = 256,
};

struct xw_import_rules {
    const char *dir;
    const char *outbox; /* NULL or "": none */
    uint64_t file_max_bytes;
    int64_t settle_us, give_up_us, keep_us;
};

/* One line of a page. */
struct xw_import_line {
    char name[XW_IMPORT_NAME_N];
    char text[XW_IMPORT_TEXT_N]; /* why it waits, or why it is broken; "" = still being written */
    uint64_t bytes;
    int64_t wall_us; /* of its last change; of a broken one: when it was put aside */
};

struct xw_import_view {
    /* unseen_n: more than are followed; left_n: broken, and the quarantine has no room; waiting_n
     * has both. */
    uint32_t waiting_n, unseen_n, left_n, quarantine_n;
    uint64_t broken_n; /* put aside since the start */
    bool quarantine_full;
    int error; /* the folder can not be used: negative errno */
    uint32_t waiting_shown, quarantine_shown;
    struct xw_import_line waiting[XW_IMPORT_SHOWN_MAX], quarantine[XW_IMPORT_SHOWN_MAX];
};

struct xw_import_ready {
    char name[XW_IMPORT_NAME_N];
    uint8_t hash[XW_IMPORT_HASH_N]; /* SHA-256 of its bytes */
    int64_t changed_wall_us;
    struct xw_formats_recording *recording;
};

struct xw_import_dir;

/* Makes the folders. rules is copied but for its texts, which are borrowed. */
XW_MUST_CHECK int xw_import_dir_new(const struct xw_import_rules *rules,
                                    struct xw_import_dir **ret_dir);
void xw_import_dir_free(struct xw_import_dir *dir);
/* One look, at a monotonic and a wall time. 1: ret_ready is the oldest file that is ready (free its
 * recording); 0: none is. ret_view is filled in any case. A ready file is told again by the next
 * look, until it was taken or put off. */
XW_MUST_CHECK int xw_import_dir_look(struct xw_import_dir *dir, int64_t now_us, int64_t wall_us,
                                     struct xw_import_view *ret_view,
                                     struct xw_import_ready *ret_ready);
/* It is kept: away with it, durably; first, where there is an outbox, into that, under a name made
 * of its hash. A file of this name that changed since stays. */
XW_MUST_CHECK int xw_import_dir_taken(struct xw_import_dir *dir,
                                      const struct xw_import_ready *ready);
/* It is broken after all (nothing in it can be stored). */
XW_MUST_CHECK int xw_import_dir_refuse(struct xw_import_dir *dir,
                                       const struct xw_import_ready *ready, const char *text);
/* Not before then. */
void xw_import_dir_put_off(struct xw_import_dir *dir, const struct xw_import_ready *ready,
                           int64_t until_us);

#endif
