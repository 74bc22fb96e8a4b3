/* Reading connections: as many as readers, opened at need, at rest between reads. */
#include "store/sq.h"

int sq_conn_take(struct sq_store *store, struct sq_conn **ret_conn)
{
    struct sq_conn *conn = NULL;
    (void)pthread_mutex_lock(&store->conns_lock);
    if (store->conns_n > 0)
        conn = store->conns[--store->conns_n];
    (void)pthread_mutex_unlock(&store->conns_lock);
    if (conn == NULL) {
        conn = calloc(1, sizeof *conn);
        if (conn == NULL)
            return -ENOMEM;
        int r = sq_conn_open(conn, store->vfs, store->meta_path, false);
        if (r < 0) {
            free(conn);
            return r;
        }
    }
    *ret_conn = conn;
    return 0;
}

void sq_conn_give(struct sq_store *store, struct sq_conn *conn)
{
    (void)pthread_mutex_lock(&store->conns_lock);
    bool kept = store->conns_n < XW_ARRAY_N(store->conns);
    if (kept)
        store->conns[store->conns_n++] = conn;
    (void)pthread_mutex_unlock(&store->conns_lock);
    if (!kept) {
        sq_conn_close(conn);
        free(conn);
    }
}
