/* target_reset.h: what target_tool.c, target_life.c, target_reset.c and target_keep.c share. [worker] */
#ifndef LBOPS_HOST_TARGET_RESET_H
#define LBOPS_HOST_TARGET_RESET_H

#include <lbops/lbops.h>

#include <json-c/json.h>

#define TARGET_KEEPER "persist_pg_stat_statements"

/* target_tool.c: a document of the control plane, as long as the run lives; NULL after a failure. */
struct json_object *target_read(lb_ctx *ctx, const char *path, const char *query, lb_error *err);
const char *target_text(struct json_object *object, const char *outer, const char *name);

/* One call through the door, and its operation to its end. ret_done: it was executed. */
LB_MUST_CHECK int target_change(lb_ctx *ctx, const char *title, const char *reason, const lb_request *request,
                                bool *ret_done, lb_error *err);

/* A little longer each time, as the run goes on waiting. */
#define TARGET_FIRST_PAUSE_US 20000
void target_pause(lb_ctx *ctx, int64_t *pause_us);

/* The operation that a call answered with, to its end. */
LB_MUST_CHECK int target_wait(lb_ctx *ctx, const char *reply, lb_error *err);

#define TARGET_MADE    "created"
#define TARGET_DELETED "deleted"

/* target_life.c: the same for a branch that comes or goes, which is then history and an event. */
typedef struct target_life {
    const char *type, *title;
    const lb_target *target;
} target_life;
LB_MUST_CHECK int target_live(lb_ctx *ctx, const target_life *life, const lb_request *request, lb_error *err);

typedef struct target_wish {
    const char *kind, *creator_type, *reason; /* for history, if a person has to approve it */
    bool asks;                                /* a person decides, whatever the branch's class */
    bool keeps;                               /* its statements, before it goes */
} target_wish;

/* target_keep.c: before a branch goes; patient for ten seconds. What cannot be kept is no failure, and is among what
 * the result says was skipped, and its "not_kept". */
LB_MUST_CHECK int target_keep_statements(lb_ctx *ctx, const lb_target *t, lb_error *err);

/* target_reset.c */
LB_MUST_CHECK int target_reset(lb_ctx *ctx, const lb_target *t, const target_wish *wish, lb_error *err);
/* Resets that died after deleting, as items of the result's "unfinished". */
LB_MUST_CHECK int target_list_resets(lb_ctx *ctx, lb_error *err);

#endif
