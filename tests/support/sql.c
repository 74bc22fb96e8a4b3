/* xw-sql [-k KEYFILE] DIR/NAME.db SQL: rows of a store's database, read from outside while or after
 * a daemon runs: what sqlite3 -readonly is for plain ones. Columns are parted by "|". KEYFILE is
 * DIR.key when it is not named. */
#include "store/sq_vfs.h"

#include <stdio.h>
#include <string.h>

enum { BUSY_MS = 10000 };

static int print_rows(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            printf("%s%s", i > 0 ? "|" : "", text != NULL ? text : "");
        }
        putchar('\n');
        rc = SQLITE_OK;
    }
    (void)sqlite3_finalize(statement);
    return rc;
}

static int run(const char *dir, const char *key_file, const char *path, const char *sql)
{
    struct xw_vault *vault = NULL;
    struct sq_vfs *vfs = NULL;
    sqlite3 *db = NULL;
    int r = xw_vault_open(dir, key_file, XW_VAULT_READER, &vault);
    if (r == 0)
        r = sq_vfs_new(vault, &vfs);
    if (r < 0) {
        fprintf(stderr, "xw-sql: %s\n", xw_vault_explain(r) ? xw_vault_explain(r) : strerror(-r));
    } else {
        int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, sq_vfs_name(vfs));
        (void)sqlite3_busy_timeout(db, BUSY_MS);
        if (rc == SQLITE_OK)
            rc = sq_vfs_prepare(db) == 0 ? print_rows(db, sql) : SQLITE_ERROR;
        if (rc != SQLITE_DONE) {
            fprintf(stderr, "xw-sql: %s\n", sqlite3_errmsg(db));
            r = -EIO;
        }
        (void)sqlite3_close(db);
    }
    sq_vfs_free(vfs);
    xw_vault_free(vault);
    return r < 0;
}

int main(int argc, char **argv)
{
    bool named = argc == 5 && strcmp(argv[1], "-k") == 0;
    char dir[4096], key_file[4112];
    if (!named && argc != 3) {
        fprintf(stderr, "usage: xw-sql [-k KEYFILE] DIR/NAME.db SQL\n");
        return 2;
    }
    const char *path = argv[argc - 2], *slash = strrchr(path, '/');
    int n = slash == NULL ? -1 : snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
    if (n < 0 || (size_t)n >= sizeof dir) {
        fprintf(stderr, "xw-sql: a path with a folder is needed\n");
        return 2;
    }
    (void)snprintf(key_file, sizeof key_file, "%s.key", dir);
    return run(dir, named ? argv[2] : key_file, path, argv[argc - 1]);
}
