/* Lives of a store under the fault file layer: what power_test and sweep_test share.
 *
 * A life is one folder and several children that go on where the one before ended: they append,
 * compact, seal, let expire, take objects and files, copy the store, and tell over a pipe what was
 * acknowledged. A judge opens what is left: everything acknowledged is there, exactly once, with
 * its bytes, and nothing is told as damaged. Child and judge are the test's own program, started
 * again, so that a failed check ends them alone.
 *
 * Threads: one. */
#ifndef XW_TESTS_STORE_POWER_H
#define XW_TESTS_STORE_POWER_H

#include "support.h"

enum {
    POWER_COUNT = 50, /* samples of a block */
    POWER_APPENDS_MAX = 1024,
    POWER_OBJECT = 5000,
    POWER_OBJECTS_MAX = 64,
    POWER_STREAMS = 3,
};

/* What was acknowledged, over all children of a life. */
struct life {
    bool has_id;
    struct xw_uuid id;
    bool appended[POWER_APPENDS_MAX];
    uint32_t appends_n; /* all below are acknowledged */
    uint32_t held[POWER_OBJECTS_MAX];
    bool ending[POWER_OBJECTS_MAX]; /* its last part was on its way: it may have begun anew */
    bool imported[POWER_OBJECTS_MAX];
    bool removing[POWER_OBJECTS_MAX], removed[POWER_OBJECTS_MAX]; /* of what was imported */
    uint64_t state, epoch;
    uint32_t copies, anew_n; /* objects that began anew */
};

enum told {
    TOLD_ID,
    TOLD_APPEND,
    TOLD_OBJECT, /* 0: it began anew */
    TOLD_ENDING,
    TOLD_IMPORT,
    TOLD_REMOVE, /* 0: asked for; 1: done */
    TOLD_STATE,
    TOLD_EPOCH,
    TOLD_COPY,
    TOLD_ACTED
};
struct mark {
    uint32_t kind, a;
    uint64_t b;
    struct xw_uuid id;
};

/* k from 1000 on: files that are imported. */
void power_object(uint32_t k, uint8_t data[POWER_OBJECT], uint8_t sha256[32]);
/* Opens the store in dir at the time of this append; 0 or why not. */
int power_open(struct ts *ts, const char *dir, uint32_t append);
void power_later(void); /* the wall clock of the next append */

/* How a child works: how much, how it ends if it comes that far, and whether calls may fail. */
enum work_end { END_CLOSED, END_CUT, END_LEFT /* as by SIGKILL */ };
struct work {
    uint32_t appends_n, parts_n; /* parts of objects beside those that go with the appends */
    enum work_end end;
    bool may_fail;
};

/* A folder, the file that what is printed goes into, and whether failures are printed. */
struct round {
    const char *dir, *log;
    bool quiet;
};
/* Starts a child under the rules and takes what it tells. Its status as waitpid gives it. */
int power_child(const struct round *round, const struct work *work, const char *rules,
                uint64_t seed, struct life *life, uint64_t *ret_acted_n);
bool power_judge(const struct round *round, const struct life *life);
void power_print_log(const char *log);

/* The other parts of the program: child and judge. -1: it is the test itself. */
int power_part(int argc, char **argv);

#endif
