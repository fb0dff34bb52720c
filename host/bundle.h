/* bundle.h: a Databricks Asset Bundle made of a manifest and its jobs: what `lbops jobs bundle` writes. */
#ifndef LBOPS_HOST_BUNDLE_H
#define LBOPS_HOST_BUNDLE_H

#include "buf.h"
#include "jobs.h"

#define BUNDLE_TEXT_MAX ((size_t)4 * 1024 * 1024)
/* A cold compute takes minutes to come: what is due more often than this is served by one that stays. */
#define BUNDLE_SERVE_BELOW_S 1800

typedef struct bundle {
    const manifest *m;
    const registry *r;
    const jobs *jobs;
    const char *text;      /* the manifest's own, as it stands in its file */
    int64_t serve_below_s; /* 0: no job that stays */
} bundle;

/* LB_ERR_INVALID for a manifest whose jobs could not run in a workspace, with what to change. */
LB_MUST_CHECK int bundle_check(const bundle *b, lb_error *err);
bool bundle_is_served(const bundle *b, const manifest_job *job); /* by the one that stays */

/* The files, without the line that bundle_keep adds. */
void bundle_root(const bundle *b, buf *out); /* databricks.yml */
LB_MUST_CHECK int bundle_job(const bundle *b, const manifest_job *job, buf *out,
                             lb_error *err);                                  /* resources/NAME.yml */
void bundle_serve(const bundle *b, buf *out);                                 /* resources/serve.yml */
void bundle_job_manifest(const bundle *b, const manifest_job *job, buf *out); /* manifests/NAME.toml */
void bundle_serve_manifest(const bundle *b, buf *out);                        /* manifests/serve.toml */
extern const char *const bundle_launcher;                                     /* launch.py */

/* The services that an archive has to bring, for scripts/build-job --with; calls `each` once for each. */
void bundle_each_service(const bundle *b, void (*each)(void *state, const char *plugin), void *state);
/* The tools of every served job, each once. */
void bundle_each_served_tool(const bundle *b, void (*each)(void *state, const manifest_job *job, const char *tool),
                             void *state);
/* The variable under which a job finds a secret. */
const char *bundle_secret_env(const manifest_secret *secret, char *into, size_t size);

/* The names of its projects where none is a pattern, as a JSON list; how many. */
size_t bundle_projects(const manifest *m, buf *out);

typedef enum bundle_fate { BUNDLE_WRITTEN = 0, BUNDLE_UPDATED, BUNDLE_SAME, BUNDLE_KEPT } bundle_fate;

/* Writes a file whose first line has the sum of the rest. One that is there with another sum was edited, and is kept:
 * the difference goes to `diff`. */
LB_MUST_CHECK int bundle_keep(const char *path, const char *text, bundle_fate *ret_fate, buf *diff, lb_error *err);

#endif
