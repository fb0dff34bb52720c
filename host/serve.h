/* serve.h: the daemon: the scheduler, the router and the control socket around a supervisor. [supervisor] */
#ifndef LBOPS_HOST_SERVE_H
#define LBOPS_HOST_SERVE_H

#include "manifest.h"

typedef struct serve_options {
    const char *manifest_path; /* read again at a reload */
    lb_level log_level;
    const char *version;
    /* Reads manifest and plugins; prints what is wrong with them. Called in a thread of its own at a reload. */
    int (*load)(void *state, manifest **ret_manifest, registry **ret_registry, int *ret_problems);
    void *state;
} serve_options;

/* Runs until it is told to end. Takes manifest and registry over. Returns the exit code, or a negative error. */
int serve_run(const serve_options *options, manifest *m, registry *r, lb_error *err);

#endif
