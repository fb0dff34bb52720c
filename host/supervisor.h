/* supervisor.h: manifest, registry, pool and ledger put together: what the command line and the daemon ask for runs. It
 * loads no plugin itself and does not block. [supervisor] */
#ifndef LBOPS_HOST_SUPERVISOR_H
#define LBOPS_HOST_SUPERVISOR_H

#include "ledger.h"
#include "manifest.h"
#include "suspend.h"

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
    const char *record_dir;
    bool wake; /* a suspended compute, whatever the manifest says */
} run_ask;

typedef struct supervisor_hooks {
    void *state;
    /* A run has ended and its row in the book is durable. The document is one line of JSON. */
    void (*ended)(void *state, const run_outcome *outcome, const char *document);
    void (*log)(void *state, const run_request *request, lb_level level, const char *tool, const char *text);
    void (*progress)(void *state, const run_request *request, int64_t done, int64_t total, const char *what);
} supervisor_hooks;

typedef struct supervisor_options {
    const manifest *manifest;
    const registry *registry;
    struct ev_loop *loop;
    const char *program; /* NULL: ourselves */
    int workers;         /* 0: the manifest's */
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

void supervisor_cancel(supervisor *s, const char *run_id);

size_t supervisor_pending(const supervisor *s); /* not yet ended, or their end not yet durable */
pool *supervisor_pool(supervisor *s);

/* report.c: the JSON document of a run (design: the shape that `lbops run --json` prints), without a newline. */
void report_document(buf *into, const run_outcome *outcome);

#endif
