/* registry.h: which plugins there are. The files of the plugin directories are described by a probe, a child that
 * dlopens them and prints what it finds; answers are cached by file identity. A plugin that crashes, hangs or leaves in
 * its constructor costs that one plugin. [supervisor] */
#ifndef LBOPS_HOST_REGISTRY_H
#define LBOPS_HOST_REGISTRY_H

#include "spec.h"

typedef struct registry registry;

/* A file that was refused, and why. */
typedef struct registry_refusal {
    char *path;
    lb_error error;
} registry_refusal;

typedef struct registry_options {
    const char *program;            /* the lbops executable to run as probe; NULL: /proc/self/exe */
    const char *const *directories; /* in order; *.so of each, by name */
    size_t directory_count;
    const char *cache_path; /* the cache's file, or NULL for none. A broken or unwritable cache is no failure */
    const char *lock_path;  /* plugin lock file (see plugin_lock.h), or NULL. A broken one is a failure */
    int timeout_ms;         /* per plugin, in the probe; 0: 5000 */
} registry_options;

/* Loads the registry. Fails only when a directory or the lock file cannot be read or the probe cannot be started;
 * refused plugins are listed. A name that two files carry belongs to the first, even when that one is refused: what a
 * directory was meant to override never comes back unseen. */
LB_MUST_CHECK int registry_load(const registry_options *options, registry **ret_registry, lb_error *err);
registry *registry_free(registry *r);

const plugin_spec *registry_find(const registry *r, lb_kind kind, const char *name);
size_t registry_count(const registry *r);
const plugin_spec *registry_at(const registry *r, size_t index); /* sorted by name */
size_t registry_refusal_count(const registry *r);
const registry_refusal *registry_refusal_at(const registry *r, size_t index);

/* The nearest name of that kind, for "did you mean"; or NULL. */
const char *registry_nearest(const registry *r, lb_kind kind, const char *name);

/* Describes one file through a probe, past the cache. NULL: err. */
plugin_spec *registry_probe_file(const registry_options *options, const char *path, lb_error *err);

/* The child's side: `lbops --probe`: reads paths from standard input, a line each, and prints for each one
 * "begin\tPATH", then "open\tPATH" once its constructors have run, then "ok\tJSON" or "bad\tCODE\tMESSAGE\tHINT".
 * Standard input and output are taken out of the plugins' reach first. Returns the exit code. [probe] */
int probe_main(void);

#endif
