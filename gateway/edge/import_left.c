/* A bounded set of files, by what stays the same of them. */
#include "edge/import_left.h"

int xw_import_left_init(struct xw_import_left *left, size_t max)
{
    *left = (struct xw_import_left){.files = calloc(max, sizeof(*left->files)), .max = max};
    return left->files ? 0 : -ENOMEM;
}

void xw_import_left_done(struct xw_import_left *left)
{
    free(left->files);
    *left = (struct xw_import_left){0};
}

bool xw_import_left_add(struct xw_import_left *left, uint64_t size, uint64_t inode,
                        int64_t mtime_ns)
{
    if (left->n == left->max)
        return false;
    left->files[left->n++] = (struct xw_import_left_file){size, inode, mtime_ns, true};
    return true;
}

bool xw_import_left_has(struct xw_import_left *left, uint64_t size, uint64_t inode,
                        int64_t mtime_ns)
{
    for (size_t i = 0; i < left->n; i++) {
        struct xw_import_left_file *f = &left->files[i];
        if (f->inode == inode && f->size == size && f->mtime_ns == mtime_ns)
            return f->seen = true;
    }
    return false;
}

void xw_import_left_sweep(struct xw_import_left *left)
{
    size_t kept_n = 0;
    for (size_t i = 0; i < left->n; i++)
        if (left->files[i].seen) {
            left->files[kept_n] = left->files[i];
            left->files[kept_n++].seen = false;
        }
    left->n = kept_n;
}
