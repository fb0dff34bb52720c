/* target_reset.h: what target_tool.c, target_life.c, target_reset.c, target_approved.c, target_history.c and
 * target_keep.c share. [worker] */
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

/* Where it is written down what a reset is to make again, and that. */
char *target_wish_path(lb_ctx *ctx, const lb_target *t);
/* NULL where there is none, or after a failure that is no absence. */
struct json_object *target_read_wish(const char *path, lb_error *err);
LB_MUST_CHECK int target_write_wish(lb_ctx *ctx, const char *path, struct json_object *wish, lb_error *err);
/* After a failure nobody knows what was done, unless the branch that was to go is still there. */
void target_forget_if_whole(lb_ctx *ctx, const lb_target *t, struct json_object *wish, const char *path);

/* target_history.c. The group: once a person has approved it. */
LB_MUST_CHECK int target_note_reset(lb_ctx *ctx, lb_group *group, const lb_target *t, struct json_object *wish,
                                    const target_wish *w, lb_error *err);
/* It was made anew and its compute could not be set; and has been since. */
LB_MUST_CHECK int target_note_unset(lb_ctx *ctx, const lb_target *t, struct json_object *wish, const target_wish *w,
                                    const lb_error *why, lb_error *err);
LB_MUST_CHECK int target_note_given(lb_ctx *ctx, lb_group *group, const lb_target *t, struct json_object *wish,
                                    const target_wish *w, lb_error *err);
const char *target_unset_detail(lb_ctx *ctx, const lb_error *why); /* NULL: no memory */
/* The same for whoever sees the error. Gives its code. */
int target_unset_fail(lb_error *err);

/* target_approved.c: carries out a group that a person has approved; a reset that breaks off meanwhile is known to the
 * next one, and to history as far as it came. */
struct lb_group;
LB_MUST_CHECK int target_carry_out(struct lb_group *group, lb_error *err);

#endif
