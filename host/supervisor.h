/* supervisor.h: manifest, registry, state, pool, history and events put together: what the command line and the daemon
 * ask for runs. It loads no plugin itself and does not block.
 *
 * A run's way: it is judged, begun in the state, given to a worker, and when it has ended: its requests for approval
 * are written down, its events are durable, its end is one transaction of the state, its row of history is durable;
 * then its asker hears of it. [supervisor] */
#ifndef LBOPS_HOST_SUPERVISOR_H
#define LBOPS_HOST_SUPERVISOR_H

#include "approvals.h"
#include "chronicle.h"
#include "ledger.h"
#include "suspend.h"
#include "unseen.h"

typedef struct supervisor supervisor;

/* Who wants what run, in the words of the manifest. */
typedef struct run_ask {
    const char *tool;
    const char *agent;            /* NULL: the first that has the tool */
    const char *project, *branch; /* NULL: the manifest's only target */
    lb_branch_class branch_class; /* 0: as the manifest says */
    const param_arg *args;
    size_t arg_count;
    bool plan;
    gate_actor actor_kind;
    const char *actor, *reason;
    uint32_t timeout_s; /* 0: as the manifest or the plugin says */
    uint32_t most_s;    /* no longer than this, whoever says so; 0: no such limit */
    const char *record_dir;
    bool wake;           /* a suspended compute, whatever the manifest says */
    bool looks;          /* at its end, whether others are active on the target */
    int64_t alone_since; /* the target is left alone since then, where the manifest does not say wake; 0: it is not */
    int64_t awake_from;  /* as in run_request, */
    int64_t budget_us;   /* too; with it the manifest's wake does not count */

    run_watch watch;           /* hears of its end, besides the hooks */
    const lb_state_op *claims; /* conditions and changes of the state that belong to its beginning */
    size_t claim_count;
    const char *origin; /* a JSON object for the run's document, or NULL */
    uint64_t cause;     /* of the event that started it, with its depth; 0: none */
    uint32_t depth;
} run_ask;

typedef struct supervisor_hooks {
    void *state;
    /* Runs may begin, or why none ever will. NULL: not interested. */
    void (*ready)(void *state, const lb_error *error);
    /* A run has ended and its end is durable. The document is one line of JSON. */
    void (*ended)(void *state, const run_outcome *outcome, const char *document);
    /* A run that was asked for did not begin: its claims did not hold (LB_ERR_CONFLICT), its tool rests, the state is
     * gone. NULL: as if it had ended. */
    void (*refused)(void *state, const run_request *request, const lb_error *error);
    void (*log)(void *state, const run_request *request, lb_level level, const char *tool, const char *text);
    void (*progress)(void *state, const run_request *request, int64_t done, int64_t total, const char *what);
    void (*durable)(void *state, uint64_t seq);                       /* events, for the router */
    void (*unlogged)(void *state);                                    /* a daemon keeps the log now: chronicle.h */
    void (*publish)(void *state, const char *id, const char *record); /* requests for people */
    void (*settle)(void *state, const char *id, const char *record);
    /* Where hosts share targets: is this one ours, so that we say what is seen of it? NULL: always. */
    bool (*is_ours)(void *state, const lb_target *target);
} supervisor_hooks;

typedef struct supervisor_options {
    const manifest *manifest;
    const registry *registry;
    struct ev_loop *loop;
    const char *program; /* NULL: ourselves */
    int workers;         /* 0: the manifest's; negative: none, only the state is wanted */
    bool daemon;         /* holds the log of events and never gives the state up; else one run or a few */
    lb_level log_level;
    supervisor_hooks hooks;
} supervisor_options;

LB_MUST_CHECK int supervisor_new(const supervisor_options *options, supervisor **ret_supervisor, lb_error *err);
supervisor *supervisor_free(supervisor *s);

/* Judges and starts a run: tool, target and arguments are resolved and checked first. ret_id may be NULL. */
LB_MUST_CHECK int supervisor_run(supervisor *s, const run_ask *ask, char ret_id[ID_TEXT], lb_error *err);
/* Must the control plane be asked (supervisor_list_targets, targets_choose) before this run can start? */
bool supervisor_needs_targets(const supervisor *s, const run_ask *ask);
/* A tool that comes with the host (targets.h, target_tool.h), on a target whose class the caller knows. */
LB_MUST_CHECK int supervisor_run_own(supervisor *s, const run_ask *ask, char ret_id[ID_TEXT], lb_error *err);
LB_MUST_CHECK int supervisor_list_targets(supervisor *s, const run_ask *ask, char ret_id[ID_TEXT], lb_error *err);

/* From now on a manifest and plugins that were read anew hold, for new runs; those under way end as they began, in the
 * workers that they have. The old ones may go at once. */
LB_MUST_CHECK int supervisor_use(supervisor *s, const manifest *m, const registry *r, lb_error *err);

/* What the schedule looks at, and with what (unseen.h): what could not be seen and is looked at no more is forgotten.
 */
void supervisor_looks_only(supervisor *s, unseen_looks *looks, void *state);
/* Where hosts share targets: one is another host's now; one is about to be ours, with the documents of UNSEEN_SPACE.
 * project NULL: the workspace. */
void supervisor_drop_sight(supervisor *s, const char *project, const char *branch);
void supervisor_take_sight(supervisor *s, const char *project, const char *branch, wire_reader *docs);

bool supervisor_has_tool(const supervisor *s, const char *tool);
bool supervisor_is_workspace_tool(const supervisor *s, const char *tool);
const plugin_spec *supervisor_spec(const supervisor *s, const char *tool); /* NULL: it is not here */
const char *supervisor_caller_of(const supervisor *s, const char *tool);   /* a tool that calls it, or NULL */

void supervisor_cancel(supervisor *s, const char *run_id);

/* A fact of the host's own for the log of events. */
void supervisor_event(supervisor *s, const char *kind, const lb_target *target, const char *run_id,
                      const lb_value *payload);

/* The service that answers questions to the history, of a daemon; NULL: it has gone. The supervisor does not own it,
 * and is told when it dies. One that is no daemon's starts its own. */
void supervisor_use_history(supervisor *s, service *history);
void supervisor_history_down(supervisor *s, const lb_error *why, int failures);

/* A row of history. */
void supervisor_row(supervisor *s, const char *table, const lb_value *values, const lb_target *target);

size_t supervisor_pending(const supervisor *s); /* not yet ended, or their end not yet durable */
pool *supervisor_pool(supervisor *s);
book *supervisor_book(supervisor *s); /* NULL: there is no state service */
approvals *supervisor_approvals(supervisor *s);
chronicle *supervisor_chronicle(supervisor *s);
suspend_book *supervisor_suspended(supervisor *s);

/* report.c: the JSON document of a run (design: the shape that `lbops run --json` prints), without a newline.
 * approvals: a JSON array, or NULL. */
void report_document(buf *into, const run_outcome *outcome, const char *approvals);

#endif
