/* What lies between SQLite and its files: every page of a database, of its write-ahead log and of
 * its rollback journal is encrypted on its way down and authenticated on its way up (vault/page.h).
 *
 * Database  page n at its usual place. Of page 1 the first 24 bytes are clear: "XWDB", 12 random
 *           bytes that name the file, and bytes 16..23 of SQLite's header (page size, reserve).
 * Log       header and frame headers are clear, as SQLite wrote them; the checksums in them are of
 *           the plain page with zeros for its reserve, which is what it reads again.
 * Journal   the pages in it; headers, numbers and checksums are clear.
 * Memory    -shm has page numbers and checksums only. Any other file (temporary ones) is refused:
 *           temp_store and statement journals are in memory.
 *
 * A database's page that is damaged, or another's, is SQLITE_CORRUPT; of a key that is missing,
 * SQLITE_AUTH; a file that is none of ours, SQLITE_NOTADB. In a frame that is read with its header
 * (recovery) damage is a page of zeros: SQLite's own checksum ends the log there. A page of zeros
 * is one that SQLite never wrote.
 *
 * Threads: one VFS a vault, a file belongs to its connection's thread. */
#ifndef XW_STORE_SQ_VFS_H
#define XW_STORE_SQ_VFS_H

#include <sqlite3.h>

#include "vault/vault.h"

struct sq_vfs;

/* Keeps a reference to the vault. */
XW_MUST_CHECK int sq_vfs_new(const struct xw_vault *vault, struct sq_vfs **ret_vfs);
/* No connection uses it any more. */
void sq_vfs_free(struct sq_vfs *vfs);
/* For sqlite3_open_v2. */
const char *sq_vfs_name(const struct sq_vfs *vfs);
/* Settings that a new connection needs before anything else: the reserve, no temporary files. */
XW_MUST_CHECK int sq_vfs_prepare(sqlite3 *db);

/* 1: a SQLite database that is not encrypted; 0: anything else, or not there. */
XW_MUST_CHECK int sq_vfs_is_plain(const char *path);

#endif
