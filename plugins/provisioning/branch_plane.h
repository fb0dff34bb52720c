/* branch_plane.h: the control plane as typed reads and changes: projects, branches, computes, operations.
 *
 * What is returned lives as long as the run. Reads take `status`, and `spec` where there is no status, as the platform
 * has answered in both ways. A listing is read to its end. */
#ifndef LBOPS_BRANCH_PLANE_H
#define LBOPS_BRANCH_PLANE_H

#include <lbops/lbops.h>

#define BRANCH_FACTS_TOOL "branch_sessions"

typedef struct plane_project {
    const char *id, *uid, *default_branch; /* the latter without its path */
    int64_t pg_version;                    /* 0: not said */
    const char *retention;                 /* how far back it can be restored, "604800s"; NULL: not said */
    bool is_deleted;                       /* softly: it holds its name until it is purged */
} plane_project;

typedef struct plane_branch {
    const char *id, *uid;
    const char *source; /* the branch it was made from; NULL: a root */
    const char *state, *pending;
    bool is_default, is_protected, is_deleted;
    int64_t created_at, expires_at; /* LB_TIME_NONE where there is none */
    int64_t source_at;              /* as its source was then; LB_TIME_NONE: not said */
    int64_t bytes;                  /* -1: not said */
} plane_branch;

typedef struct plane_branches {
    const plane_branch *items;
    size_t count;
} plane_branches;

typedef struct plane_endpoint {
    const char *name, *uid; /* the name with its path; NULL: only replicas are there */
    const char *state;      /* ACTIVE, IDLE ...; empty: only replicas are there */
    const char *host;       /* NULL: none yet */
    int64_t last_active_at;
    bool is_pending, is_disabled;
    double min_cu;             /* 0: not said */
    double suspend_s;          /* how long it is left alone until it sleeps; INFINITY: it never does; 0: not said */
    const char *awake_replica; /* a read-only compute of the branch that is awake, or NULL */
} plane_endpoint;

/* ---- reading ---- */

/* *ret_found NULL: there is no such thing, which is no error. */
LB_MUST_CHECK int plane_read_project(lb_ctx *ctx, const char *project, const plane_project **ret_found, lb_error *err);
LB_MUST_CHECK int plane_read_branch(lb_ctx *ctx, const char *project, const char *branch,
                                    const plane_branch **ret_found, lb_error *err);
/* The read-write one, whatever it is called: there is at most one. */
LB_MUST_CHECK int plane_read_endpoint(lb_ctx *ctx, const char *project, const char *branch,
                                      const plane_endpoint **ret_found, lb_error *err);
/* Those that were deleted softly too: they count, and they hold their names. */
LB_MUST_CHECK int plane_list_branches(lb_ctx *ctx, const char *project, plane_branches *ret_branches, lb_error *err);
LB_MUST_CHECK int plane_list_projects(lb_ctx *ctx, lb_texts *ret_ids, lb_error *err);

/* The project that is named, or the only one; several are an error that names them. */
LB_MUST_CHECK int plane_choose_project(lb_ctx *ctx, const char *wanted, const char **ret_project, lb_error *err);
/* The project that is named, or all of them. */
LB_MUST_CHECK int plane_choose_projects(lb_ctx *ctx, const char *wanted, lb_texts *ret_projects, lb_error *err);

/* ---- what follows from it ---- */

const plane_branch *plane_find(const plane_branches *branches, const char *branch);
size_t plane_children(const plane_branches *branches, const char *branch); /* live ones */
bool plane_counts(const plane_branch *b); /* among the unarchived ones, as the platform counts: deleted softly, too */
size_t plane_unarchived(const plane_branches *branches);
const char *plane_time_text(lb_ctx *ctx, int64_t microseconds); /* RFC 3339, whole seconds, UTC */
/* LB_TIME_NONE where it is none. */
int64_t plane_time_parse(const char *text);

/* ---- changing ---- */

typedef struct plane_change {
    const char *title, *reason, *undo;
    const lb_value *evidence;
    bool asks; /* a person decides, whatever the branch's class */
    lb_request request;
    const struct branch_event *event; /* for history, if a person has to approve it; NULL: nothing (branch_life.h) */
} plane_change;

/* One call through the door, and its operation to its end within the run's time. */
LB_MUST_CHECK int plane_apply(lb_ctx *ctx, const plane_change *change, lb_outcome *ret_outcome, lb_error *err);
/* Its making, or its compute's, came to nothing for good: nobody tries it any more. e: NULL where it was not read. */
bool plane_has_failed(const plane_branch *b, const plane_endpoint *e);
LB_MUST_CHECK int plane_check_failed(const char *project, const plane_branch *b, const plane_endpoint *e,
                                     lb_error *err);
/* Until the branch is ready and its compute has come to rest; one that has failed is LB_ERR_CONFLICT at once. */
LB_MUST_CHECK int plane_wait_ready(lb_ctx *ctx, const char *project, const char *branch,
                                   const plane_branch **ret_branch, const plane_endpoint **ret_endpoint, lb_error *err);

#endif
