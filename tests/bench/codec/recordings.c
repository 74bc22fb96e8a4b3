/* Recordings of a folder of XW_DATA. */
#include "bench/codec/recordings.h"

#include "wfdb/wfdb.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int has_header(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 4 && n < 64 && strcmp(e->d_name + n - 4, ".hea") == 0;
}

static int read_whole(const char *path, struct xw_recording *recording)
{
    struct xw_wfdb_error error = {0};
    struct xw_wfdb_reader *reader;
    int r = xw_wfdb_reader_open(path, NULL, 0, &reader, &error);
    if (r < 0)
        return r;
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(reader);
    recording->channels_n = xw_wfdb_reader_channels(reader);
    recording->rate_hz = (size_t)(rate.num / rate.den);
    recording->rows_n = (size_t)xw_wfdb_reader_length(reader);
    recording->x = malloc(recording->rows_n * recording->channels_n * sizeof(int32_t) + 1);
    int64_t got = recording->x
                      ? xw_wfdb_reader_read(reader, recording->x, recording->rows_n, &error)
                      : -ENOMEM;
    xw_wfdb_reader_close(reader);
    return got < 0 ? (int)got : (size_t)got == recording->rows_n ? 0 : -ENODATA;
}

int xw_recordings_read(const char *folder, int (*take)(struct xw_recording *recording, void *user),
                       void *user)
{
    const char *data = getenv("XW_DATA");
    char path[4096];
    struct dirent **list = NULL;
    snprintf(path, sizeof(path), "%s/%s", data ? data : "", folder);
    int n = data ? scandir(path, &list, has_header, alphasort) : 0, r = 0;
    if (n <= 0) {
        fprintf(stderr, "no recordings in XW_DATA/%s\n", folder);
        return 0;
    }
    for (int i = 0; i < n; i++) {
        struct xw_recording recording = {.nth = (size_t)i};
        list[i]->d_name[strlen(list[i]->d_name) - 4] = 0;
        snprintf(path, sizeof(path), "%s/%s/%s", data, folder, list[i]->d_name);
        free(list[i]);
        if (r < 0)
            continue;
        if ((r = read_whole(path, &recording)) >= 0)
            r = take(&recording, user);
        free(recording.x);
    }
    free(list);
    return r < 0 ? r : n;
}
