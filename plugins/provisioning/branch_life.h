/* branch_life.h: branches made and taken away by the policy, with everything that has to be looked at before.
 *
 * A tool that removes names BRANCH_FACTS_TOOL in its .calls, since only a run on the branch itself sees who is
 * connected, and BRANCH_PLANE_TOOL where it keeps statistics; all of them write branch_lifecycle and emit
 * branch.created and branch.deleted. */
#ifndef LBOPS_BRANCH_LIFE_H
#define LBOPS_BRANCH_LIFE_H

#include "branch_plane.h"
#include "branch_policy.h"

#define BRANCH_PLANE_TOOL "lbops_target" /* of the host */

struct json_object;

/* ---- making ---- */

typedef struct branch_order {
    const char *project;
    branch_wish wish;
    const char *at; /* as the parent was then, or NULL */
    const char *reason, *creator_type;
    const char *detail; /* a JSON object for branch_lifecycle, or NULL */
    bool fresh;         /* the project is only planned: there is nothing to look at */
    bool replaces;      /* what was deleted softly, or is over its time, makes way */
} branch_order;

typedef struct branch_made {
    branch_verdict verdict;
    lb_outcome outcome; /* LB_APPLIED, too, where it was there already */
    bool created;
    const plane_branch *branch;     /* NULL in a plan */
    const plane_endpoint *endpoint; /* as above */
    const char *differs;            /* in what the one that was there is not as ordered; NULL: in nothing */
} branch_made;

/* branch_cap.c. A workspace may let branches live shorter than the policy does, and does not say how long: as far as is
 * known, as long as the project's history reaches back. That, where `refused` may be for it and it is shorter than
 * `ttl_s`; 0: it is not that. */
int64_t branch_cap(lb_ctx *ctx, const char *project, int refused, int64_t ttl_s);
/* The workspace's refusal in `err`, which may be for the life: says both figures and what can be done. Its code stays.
 */
LB_MUST_CHECK int branch_refuse_cap(lb_ctx *ctx, const char *project, const char *branch, int64_t asked_s,
                                    lb_error *err);
/* Among what the result says was shortened. */
LB_MUST_CHECK int branch_tell_cap(lb_ctx *ctx, const char *project, const char *branch, int64_t asked_s,
                                  int64_t given_s, lb_error *err);

/* Everything is checked before anything is done. A branch that is there already is taken as it is, but for a life that
 * was asked for by name; what was begun by a run that died is waited for. A life that the
 * workspace refuses is asked for once more, as long as it may be: verdict.ttl_s is what was given. */
LB_MUST_CHECK int branch_make(lb_ctx *ctx, const branch_policy *policy, const branch_order *order,
                              branch_made *ret_made, lb_error *err);
/* The first that branches of this kind may be made from and that is there; where none is, the first. NULL: out of
 * memory. */
const char *branch_parent_there(lb_ctx *ctx, const branch_kind *kind, const plane_branches *branches);
/* Something can be made from the verdict's parent. */
LB_MUST_CHECK int branch_check_parent(const branch_order *order, const plane_branches *branches,
                                      const branch_verdict *v, lb_error *err);
/* A life is counted from a moment after the branch was made, and a request takes its time. */
#define BRANCH_SAME_EXPIRY_US INT64_C(60000000)
/* It expires, and later than its kind may. */
bool branch_outlasts(const plane_branch *branch, const branch_kind *kind);
/* The body of the request that makes it; NULL: out of memory. */
const char *branch_make_body(lb_ctx *ctx, const branch_order *order, const branch_verdict *v);

/* ---- taking away ---- */

typedef struct branch_removal {
    const char *project;
    const plane_branches *branches; /* of the project */
    const plane_branch *branch;
    const branch_kind *kind; /* NULL: unknown to the policy */
    const char *title, *reason, *event_type, *creator_type, *detail;
    bool keeps; /* what its server has counted of statements: a last snapshot, where it is awake */
} branch_removal;

/* Says no for what is protected, by whomever, and for what has children. */
LB_MUST_CHECK int branch_judge_removal(const branch_removal *removal, const char *verb, lb_error *err);
/* Judges, looks who is connected (then a person decides), deletes with purge, and writes it down. */
LB_MUST_CHECK int branch_remove(lb_ctx *ctx, const branch_removal *removal, lb_outcome *ret_outcome, lb_error *err);

/* What BRANCH_PLANE_TOOL says that it could not keep is among what was skipped here too. */
LB_MUST_CHECK int branch_tell_not_kept(lb_ctx *ctx, const char *project, const char *branch, struct json_object *result,
                                       lb_error *err);

/* ---- who is connected ---- */

typedef struct branch_people {
    int64_t people, programs;
    const char *who; /* "anna (psql), ...", or why nobody could look */
    bool unknown;    /* counts as somebody */
} branch_people;

/* A compute that sleeps has nobody and is left asleep. */
LB_MUST_CHECK int branch_look_for_people(lb_ctx *ctx, const char *project, const plane_branch *branch,
                                         branch_people *ret_people, lb_error *err);

/* ---- what a new one has brought along ---- */

/* Findings: subscriptions, foreign servers and jobs that act outside of it as its source's do. Where nobody could look,
 * that is said. */
LB_MUST_CHECK int branch_tell_outside(lb_ctx *ctx, const char *project, const char *branch, lb_error *err);

/* ---- writing down ---- */

typedef struct branch_event {
    const char *project, *branch, *type;
    const char *source, *uid, *kind, *creator_type, *reason, *detail;
    int64_t ttl_s, expires_at; /* 0 and LB_TIME_NONE: none */
    int64_t at;                /* when it happened; 0: now */
    bool is_protected;
} branch_event;

LB_MUST_CHECK int branch_write_down(lb_ctx *ctx, const branch_event *event, lb_error *err);
/* The same of a change that may wait for a person: whoever carries it out then writes it down. */
LB_MUST_CHECK int branch_note(lb_ctx *ctx, lb_group *group, const branch_event *event, lb_error *err);
/* What others did and did not write down, seen afterwards: it is no news for who waits for events. The row is the same
 * one, whoever sees it. */
LB_MUST_CHECK int branch_record_seen(lb_ctx *ctx, const branch_event *event, lb_error *err);

#endif
