/* fs.h: files, in the few ways the host uses them. Every failure names the path and says what to do. */
#ifndef LBOPS_HOST_FS_H
#define LBOPS_HOST_FS_H

#include "buf.h"

/* Directories down to path, mode 0700 for those that are made; durable when it returns 0. */
LB_MUST_CHECK int fs_make_dirs(const char *path, lb_error *err);

/* A file whole, as NUL-terminated text of at most `limit` bytes. The caller frees. */
LB_MUST_CHECK int fs_read(const char *path, size_t limit, char **ret_text, size_t *ret_length, lb_error *err);

/* Temporary file beside it, fsync, rename, fsync of the directory: after success the content is durable under that
 * name; after a failure the old content still stands. */
LB_MUST_CHECK int fs_write_durable(const char *path, const void *data, size_t length, unsigned mode, lb_error *err);

/* Whether a file could be written under that name, before the work that is to fill it. */
LB_MUST_CHECK int fs_check_place(const char *path, lb_error *err);

LB_MUST_CHECK int fs_sync_dir(const char *path, lb_error *err);

/* Fails with LB_ERR_DENIED unless path and its directory cannot be written by others than root and ourselves. */
LB_MUST_CHECK int fs_check_trusted(const char *path, lb_error *err);

/* The error for errno after doing `what` to path, with a hint that fits (disk full, read-only, permission, missing). */
int fs_fail(lb_error *err, int error_number, const char *what, const char *path);

#endif
