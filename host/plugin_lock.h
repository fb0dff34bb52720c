/* plugin_lock.h: which plugin files are meant. A lock file has one line per plugin:
 *
 *   # comment
 *   bloat_report = "sha256:9f86d081..."
 *
 * With a lock, a plugin that is not in it or whose file differs is not loaded; none of its code runs. */
#ifndef LBOPS_HOST_PLUGIN_LOCK_H
#define LBOPS_HOST_PLUGIN_LOCK_H

#include "base.h"

typedef struct plugin_lock plugin_lock;

/* Fails when the file is missing, writable for others or not as above; the message names the line. */
LB_MUST_CHECK int plugin_lock_read(const char *path, plugin_lock **ret_lock, lb_error *err);
plugin_lock *plugin_lock_free(plugin_lock *lock);

/* Is this file the one that the lock means? */
LB_MUST_CHECK int plugin_lock_check(const plugin_lock *lock, const char *name, const char *path, lb_error *err);

#endif
