/* job.h: what a run is asked for and what became of it; and how both travel between supervisor and worker. */
#ifndef LBOPS_HOST_JOB_H
#define LBOPS_HOST_JOB_H

#include "clock.h"
#include "gate.h"
#include "params.h"
#include "wire.h"

typedef enum run_status {
    RUN_OK = 0,
    RUN_FAILED,
    RUN_TIMEOUT,
    RUN_CRASHED,
    RUN_SKIPPED,
    RUN_PENDING_APPROVAL
} run_status;

const char *run_status_name(run_status status);

/* How a change stands, as WIRE_CHANGE tells it. */
typedef enum change_outcome {
    CHANGE_OPEN = 0,
    CHANGE_PLANNED,
    CHANGE_REFUSED,
    CHANGE_UNKNOWN, /* begun; what became of it nobody has said yet */
    CHANGE_APPLIED,
    CHANGE_FAILED,
    CHANGE_NOT_REACHED, /* an earlier change of the group failed, or took everything back */
    CHANGE_WAITING,     /* a person is asked */
    CHANGE_UNDONE       /* it failed on purpose, which is how it takes itself back */
} change_outcome;

const char *change_outcome_name(change_outcome outcome);
bool change_outcome_has_begun(change_outcome outcome); /* it may have altered something */

/* One run, asked for. All pointers are borrowed from whoever submits it, until its end is reported. */
typedef struct run_request {
    char id[ID_TEXT];
    const char *parent_id; /* of the run that called, or NULL */
    const char *tool, *agent, *path;
    lb_target target; /* project NULL: the workspace */
    const param_arg *args;
    size_t arg_count;
    bool plan;
    gate_actor actor_kind;
    const char *actor, *reason; /* who and why; reason may be NULL */
    lb_risk risk;
    bool needs_approval;
    uint32_t timeout_s;
    const char *record_dir; /* record fixtures there, or NULL */
    bool wake;              /* may wake a suspended compute */
    bool looks;             /* at its end, whether others are active on the target */
    int64_t alone_since;    /* the target is left alone since then (alone.h); 0: it is not */
    int64_t awake_from;     /* time that it is awake only for us is counted from then on; 0: not by this run */
    int64_t budget_us;      /* of that time a day, which is used up; 0: it is not */
    const char *memory;     /* what the tool remembered on this target, a JSON object, or NULL */
} run_request;

/* What a worker needs once, before its first run. */
typedef struct worker_tool {
    const char *name, *path, *agent;
    lb_risk risk;
    bool needs_approval;
    uint32_t timeout_s;
    const param_arg *args; /* the manifest's */
    size_t arg_count;
} worker_tool;

/* Parameters that the manifest sets for a tool: as an agent uses it, or for a schedule of some targets. */
typedef struct worker_set {
    const char *tool, *where;     /* where: whose they are, in words */
    const char *project, *branch; /* patterns, or NULL for all */
    const param_arg *args;
    size_t arg_count;
} worker_set;

/* When a metric is worth an alert, and when nobody is to be told: the manifest's [[thresholds]] and pauses. */
typedef struct worker_threshold {
    const char *metric;
    double warning, critical; /* NaN: not given */
    bool below;
    const char *project, *branch; /* patterns, or NULL for all */
    const char *set_by, *set_on, *reason;
} worker_threshold;

typedef struct worker_pause {
    const char *name, *opens, *zone; /* zone NULL: UTC */
    uint32_t lasts_min;
    const char *project, *branch; /* as above */
} worker_pause;

/* A web service that tools may call: the manifest's [http.NAME]. */
typedef struct worker_site {
    const char *name, *url, *kind;
    const char *token, *ca_file; /* or NULL */
} worker_site;

/* A service that lives in the worker itself. path NULL: there is none. */
typedef struct worker_plugin {
    const char *name, *path;
    const param_arg *args;
    size_t arg_count;
} worker_plugin;

typedef struct worker_setup {
    const char *outbox_dir, *work_dir;
    worker_plugin transport, model, http; /* http: what calls web services */
    bool forbids_models;                  /* but those that stay on this machine */
    const worker_site *sites;
    size_t site_count;
    const worker_tool *tools;
    size_t tool_count;
    const worker_set *sets;
    size_t set_count;
    const gate_rule *rules;
    size_t rule_count;
    const gate_routine *routines;
    size_t routine_count;
    const gate_class *classes; /* of the manifest's targets */
    size_t class_count;
    const worker_threshold *thresholds;
    size_t threshold_count;
    const worker_pause *pauses;
    size_t pause_count;
    bool can_ask;            /* there is somebody to ask; false: what would ask is refused */
    uint32_t run_asks;       /* groups that one run may ask for */
    const char *journal_dir; /* state_dir/journal (journal.h); NULL: no journal is kept */
    lb_level log_level;
    uint32_t worker_memory_mb, run_memory_mb, result_mb, run_events, run_records, connection_idle_s, grace_s, outbox_mb;
} worker_setup;

void job_put_setup(buf *out, const worker_setup *setup);
void job_put_run(buf *out, const run_request *request, int64_t deadline);

/* Texts are copied into the arena. False: the frame is not well formed, or memory is out. */
bool job_get_setup(wire_reader *r, arena *memory, worker_setup *ret_setup);
bool job_get_run(wire_reader *r, arena *memory, run_request *ret_request, int64_t *ret_deadline);

/* What a run of the schedule saw of others on its target at its end (alone.h). */
typedef struct alone_sight {
    int64_t at;                /* by the wall clock; 0: it saw nothing */
    int64_t others_at;         /* the last activity of sessions of others that are there; 0: there are none */
    int64_t sessions;          /* that the server has counted since it started, ours among them */
    int64_t started_at;        /* the server */
    int64_t suspends_after_us; /* without activity; 0: never, or nobody says */
    int64_t opened;            /* sessions that the run opened */
    bool is_over;              /* it was told to leave the target alone, and somebody else had come */
    int64_t awake_until;       /* time awake only for us was counted until then; 0: it was not */
} alone_sight;

/* The worker's last word on a run. One that only waits (RUN_PENDING_APPROVAL) has no error: its code is 0, and message
 * and hint tell people who can approve and how. */
typedef struct run_done {
    run_status status;
    lb_error error;     /* code 0: none */
    const char *result; /* a JSON object */
    int64_t started_at, duration_us;
    int64_t cpu_us;                /* of the worker's process */
    int64_t statements, waited_us; /* that its sessions executed, and how long they took there and on the way */
    int64_t awake_us;              /* of computes that it woke, until they sleep again, or that only we kept awake */
    alone_sight sight;
    uint32_t changes, findings, records, events;
    uint32_t asked;      /* groups that wait for a person, those of called runs too */
    const char *version; /* of the plugin */
    bool retire;         /* the worker must not run anything more (memory, left-over processes) */
    const char *memory;  /* what the tool is to remember, a JSON object; NULL: what it did before */
    const char *said;    /* what came of it: status and reason of the result, where it has these; or NULL */
} run_done;

void job_put_done(buf *out, const char *run_id, const run_done *done);
bool job_get_done(wire_reader *r, const char **ret_run_id, run_done *ret_done);

#endif
