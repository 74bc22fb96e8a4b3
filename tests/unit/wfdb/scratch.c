/* A folder of its own for a test's files. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/wfdb/scratch.h"

int scratch_setup(void **state)
{
    const char *base = getenv("TMPDIR");
    char path[SCRATCH_PATH_BYTES];
    snprintf(path, sizeof(path), "%s/xw-wfdb-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(path))
        return -1;
    *state = strdup(path);
    return *state ? 0 : -1;
}

const char *scratch_path(void **state, const char *name)
{
    static char paths[2][2 * SCRATCH_PATH_BYTES];
    static unsigned turn;
    turn ^= 1;
    snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", (const char *)*state, name);
    return paths[turn];
}

int scratch_teardown(void **state)
{
    DIR *dir = opendir(*state);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] != '.' || (e->d_name[1] && e->d_name[1] != '.'))
            unlink(scratch_path(state, e->d_name));
    }
    if (dir)
        closedir(dir);
    rmdir(*state);
    free(*state);
    return 0;
}

void scratch_write(void **state, const char *name, const void *data, size_t data_n)
{
    FILE *file = fopen(scratch_path(state, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, data_n, file), data_n);
    assert_int_equal(fclose(file), 0);
}
