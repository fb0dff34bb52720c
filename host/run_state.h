/* run_state.h: what the files of a run (run, run_report, door) share about it. Nobody else includes this. */
#ifndef LBOPS_HOST_RUN_STATE_H
#define LBOPS_HOST_RUN_STATE_H

#include "outbox.h"
#include "run.h"
#include "wire.h"

#define RUN_CALL_DEPTH 8
#define RUN_LOG_LINES  1000
#define RUN_NAMES      512 /* distinct members of a result */
#define RUN_SAID       4   /* of them what tells people what came of it */

/* A member list of the result: "findings", or what lb_append names. */
typedef struct run_list {
    const char *name;
    buf items;
    struct run_list *next;
} run_list;

typedef struct run_coverage {
    const char *what;
    int64_t count;
    struct run_coverage *next;
} run_coverage;

typedef struct run_state {
    lb_ctx ctx; /* first: what the tool has in its hand */
    run_worker *worker;
    const run_request *request;
    const run_request *root; /* the run that the supervisor asked for: change frames carry its id */
    struct run_state *parent;
    int depth;
    const lb_plugin *plugin;
    const lb_tool *tool;
    arena *memory;
    int64_t started_at, deadline;
    int64_t fixed_clock; /* 0: real */

    session *session; /* on the run's target, once it was needed */
    bool session_is_kept;

    buf members; /* of the result document, without braces */
    const char *names[RUN_NAMES];
    size_t name_count;
    const char *said[RUN_SAID]; /* of these members what tells people most, in the arena; or NULL */
    run_list *lists;
    run_coverage *coverage;
    bool has_coverage;

    struct lb_group *groups; /* all of them, newest first */
    uint32_t *change_count;  /* shared with the runs it calls, so that changes are numbered per supervisor's run */
    uint32_t changes, refused, asked; /* asked: groups of this run and of those it called */
    uint32_t findings, records, events;
    lb_outcome called; /* what became of the changes of the last call; 0: there was none */
    char refused_why[200], asked_why[200];
    const char *approval_id; /* the approval that this run carries out, or NULL */
    outbox_batch *batch;
    bool alone_is_over;          /* the target was left alone, and is not any more */
    int64_t kept_us, kept_until; /* time that only we kept it awake, and until when that was counted */
    int64_t busy_us;             /* that its changes took since the last rest */
    int64_t progress_at;
    uint32_t logs;
} run_state;

static inline run_state *run_of(lb_ctx *ctx)
{
    return (run_state *)ctx;
}

static inline const run_state *run_of_const(const lb_ctx *ctx)
{
    return (const run_state *)ctx;
}

/* run.c */
extern const lb_host run_host;
void run_execute_one(run_state *run, run_done *ret_done, buf *into); /* the result's document goes into `into` */
LB_MUST_CHECK int run_session(run_state *run, lb_error *err);        /* connects run->session where it is not yet */
LB_MUST_CHECK int run_check_stop(const run_state *run, lb_error *err);
LB_MUST_CHECK int run_load_tool(run_state *run, lb_error *err); /* by its request's path */
bool run_declares(const char *const *names, const char *name);
int run_frame_fail(lb_error *err, const char *what);

/* run_call.c */
LB_MUST_CHECK int run_call(lb_ctx *ctx, const char *tool, const lb_target *target, const lb_value *args,
                           const char **ret_json, lb_error *err);
lb_outcome run_call_outcome(const lb_ctx *ctx);
LB_MUST_CHECK int run_call_check(lb_ctx *ctx, const char *tool, const lb_value *args, lb_error *err);

/* run_alone.c */
LB_MUST_CHECK int run_alone_check(run_state *run, lb_error *err); /* LB_ERR_SUSPENDED: the target is left alone */
void run_alone_look(run_state *run, alone_sight *ret_sight);
bool run_has_woken(void); /* a compute that slept (run.c) */

/* run_query.c */
LB_MUST_CHECK int run_query(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows,
                            lb_error *err);
LB_MUST_CHECK int run_query_reader(lb_ctx *ctx, const char *endpoint, const lb_statement *statement,
                                   const lb_value *args, lb_rows **ret_rows, lb_error *err);
const lb_value *run_next(lb_rows *rows);
int64_t run_row_count(const lb_rows *rows);
LB_MUST_CHECK int run_compose(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, const lb_sql **ret_sql,
                              lb_error *err);
const char *run_sql_text(const lb_sql *sql);
LB_MUST_CHECK int run_server_version(lb_ctx *ctx, int *ret_major, lb_error *err);
lb_rows *run_rows_new(run_state *run, const lb_statement *statement); /* NULL: out of memory */
bool run_looks_only(const run_state *run);                            /* its reads rather fail than wait for a lock */
lb_sink run_rows_sink(lb_rows *rows); /* takes what is told into rows; columns a second time: anew */
LB_MUST_CHECK int run_control(lb_ctx *ctx, const lb_request *request, const char **ret_json, lb_error *err);
LB_MUST_CHECK int run_http(lb_ctx *ctx, const char *service, const lb_request *request, const char **ret_json,
                           lb_error *err);

/* run_history.c */
typedef struct run_question {
    wire_type type;
    const lb_statement *statement; /* name and columns of the answer */
    const lb_value *args;
    const char *text;                         /* for a person */
    void (*put)(const void *state, buf *out); /* the body of the frame */
    const void *state;
    bool is_live; /* no fixture answers in the service's place */
} run_question;

/* Asks the supervisor, which asks a service. */
LB_MUST_CHECK int run_ask(run_state *run, const run_question *question, lb_rows **ret_rows, lb_error *err);
/* How each question begins: may the run go on, and what the statement comes to with these arguments. */
LB_MUST_CHECK int run_ask_sql(run_state *run, const lb_statement *statement, const lb_value *args,
                              const lb_sql **ret_sql, lb_error *err);
LB_MUST_CHECK int run_history(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows,
                              lb_error *err);

/* run_lake.c */
LB_MUST_CHECK int run_lake(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows,
                           lb_error *err);
LB_MUST_CHECK int run_lake_table(lb_ctx *ctx, const lb_lake_name *name, const lb_lake_table **ret_table, lb_error *err);
bool run_lake_is_merge(const lb_sql *sql);
LB_MUST_CHECK int run_lake_check_name(const lb_lake_name *name, lb_error *err);

/* run_explain.c */
LB_MUST_CHECK int run_explain(lb_ctx *ctx, const lb_explain_wish *wish, const char **ret_json, lb_error *err);

/* run_model.c */
LB_MUST_CHECK int run_model(lb_ctx *ctx, const lb_question *question, const lb_answer **ret_answer, lb_error *err);

/* run_watch.c */
LB_MUST_CHECK int run_watch_begin(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, int64_t every_us,
                                  lb_watch **ret_watch, lb_error *err);
LB_MUST_CHECK int run_watch_end(lb_watch *watch, lb_rows **ret_rows, lb_error *err);
/* One that keeps nothing: so many answers in a row whose first column is true stop what the run's session does. */
LB_MUST_CHECK int run_watch_yield(run_state *run, const lb_yield *wish, lb_watch **ret_watch, lb_error *err);
bool run_watch_stop(lb_watch *watch); /* has it stopped something, or been about to? */

/* run_report.c */
LB_MUST_CHECK int run_record(lb_ctx *ctx, const char *table, const lb_value *values, lb_error *err);
LB_MUST_CHECK int run_emit(lb_ctx *ctx, const char *event, const lb_value *payload, lb_error *err);
/* The same for what a tool that is not running any more has declared. */
LB_MUST_CHECK int run_put_record(run_state *run, const char *table, const lb_value *values, lb_error *err);
LB_MUST_CHECK int run_put_event(run_state *run, const char *event, const lb_value *payload, lb_error *err);
LB_MUST_CHECK int run_check_record(const run_state *run, const char *table, lb_error *err); /* does it say so? */
LB_MUST_CHECK int run_check_event(const run_state *run, const char *event, const lb_value *payload, lb_error *err);
const char *run_said(const run_state *run); /* of a result that has a status: what came of the run; else NULL */
LB_MUST_CHECK int run_result(lb_ctx *ctx, const lb_value *values, lb_error *err);
LB_MUST_CHECK int run_append(lb_ctx *ctx, const char *list, const lb_value *values, lb_error *err);
LB_MUST_CHECK int run_finding(lb_ctx *ctx, const lb_finding *finding, lb_error *err);
LB_MUST_CHECK int run_examined(lb_ctx *ctx, const char *what, int64_t count, lb_error *err);
LB_MUST_CHECK int run_skipped(lb_ctx *ctx, const char *object, const char *reason, lb_error *err);
LB_MUST_CHECK int run_document(run_state *run, buf *into, lb_error *err); /* the result document, whole */
void run_report_done(run_state *run);

/* run_memory.c */
LB_MUST_CHECK int run_recall(lb_ctx *ctx, const char **ret_json, lb_error *err);
LB_MUST_CHECK int run_remember(lb_ctx *ctx, const char *json, lb_error *err);
LB_MUST_CHECK int run_thresholds(lb_ctx *ctx, const char **ret_json, lb_error *err);

/* door.c */
LB_MUST_CHECK int door_group_open(lb_ctx *ctx, const lb_group_spec *spec, lb_group **ret_group, lb_error *err);
LB_MUST_CHECK int door_change_sql(lb_group *group, const lb_statement *statement, const lb_value *args, lb_error *err);
LB_MUST_CHECK int door_change_control(lb_group *group, const lb_request *request, lb_error *err);
LB_MUST_CHECK int door_change_http(lb_group *group, const char *service, const lb_request *request, lb_error *err);
LB_MUST_CHECK int door_change_file(lb_group *group, const char *path, const char *content, lb_error *err);
LB_MUST_CHECK int door_change_exec(lb_group *group, const char *const *argv, lb_error *err);
LB_MUST_CHECK int door_change_script(lb_group *group, const lb_script *script, lb_error *err);
LB_MUST_CHECK int door_change_lake(lb_group *group, const lb_lake_append *append, lb_error *err);
LB_MUST_CHECK int door_change_program(lb_group *group, const lb_program *program, lb_error *err);
bool door_program_runs(const lb_group *group);
LB_MUST_CHECK int door_program_end(lb_group *group, lb_error *err);
LB_MUST_CHECK int door_group_record(lb_group *group, const char *table, const lb_value *values, lb_error *err);
LB_MUST_CHECK int door_group_emit(lb_group *group, const char *event, const lb_value *payload, lb_error *err);
LB_MUST_CHECK int door_group_listen(lb_group *group, lb_error *err);
LB_MUST_CHECK int door_group_measure(lb_group *group, lb_error *err);
LB_MUST_CHECK int door_group_yield(lb_group *group, const lb_yield *wish, lb_error *err);
bool door_group_yielded(const lb_group *group);
LB_MUST_CHECK int door_group_measured(const lb_group *group, const char **ret_json, lb_error *err);
LB_MUST_CHECK int door_group_heard(const lb_group *group, const char **ret_json, lb_error *err);
LB_MUST_CHECK int door_apply(lb_group *group, lb_outcome *ret_outcome, lb_error *err);
int64_t door_rows(const lb_group *group);
const char *door_reply(const lb_group *group);
/* The class of a branch, as the manifest and the control plane have it; 0 when neither tells. */
lb_branch_class door_class_of_branch(run_state *run, const char *project, const char *branch);
LB_MUST_CHECK int door_check_closed(const run_state *run, lb_error *err); /* no group was left open */

#endif
