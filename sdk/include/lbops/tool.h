/* lbops/tool.h: what a run may ask of its host.
 *
 * A tool reads with lb_query and alters with changes; there is no third way to the database. Memory belongs to the run:
 * what lb_alloc, lb_printf and the getters return lives until run() returns, and nobody frees it. Every function here
 * is to be called from run() and its helpers only, on the thread that run() was called on. [worker] */
#ifndef LBOPS_TOOL_H
#define LBOPS_TOOL_H

#include "evidence.h"
#include "request.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The host, as a run sees it. Append only; every field since 1.0 where nothing else is said. */
typedef struct lb_host {
    uint32_t size;
    void *(*alloc)(lb_ctx *ctx, size_t bytes);
    int (*defer)(lb_ctx *ctx, void (*fn)(void *arg), void *arg);
    void (*vlog)(lb_ctx *ctx, lb_level level, const char *fmt, va_list args);
    void (*progress)(lb_ctx *ctx, int64_t done, int64_t total, const char *what);
    int64_t (*now)(const lb_ctx *ctx);
    int64_t (*time_left)(const lb_ctx *ctx);
    bool (*cancelled)(const lb_ctx *ctx);
    bool (*plans)(const lb_ctx *ctx);
    const lb_target *(*target)(const lb_ctx *ctx);

    int (*server_version)(lb_ctx *ctx, int *ret_major, lb_error *err);
    int (*query)(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows, lb_error *err);
    const lb_value *(*next)(lb_rows *rows);
    int64_t (*row_count)(const lb_rows *rows);
    int (*compose)(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, const lb_sql **ret_sql,
                   lb_error *err);
    const char *(*sql_text)(const lb_sql *sql);
    int (*control)(lb_ctx *ctx, const lb_request *request, const char **ret_json, lb_error *err);

    int (*group_open)(lb_ctx *ctx, const lb_group_spec *spec, lb_group **ret_group, lb_error *err);
    int (*change_sql)(lb_group *group, const lb_statement *statement, const lb_value *args, lb_error *err);
    int (*change_control)(lb_group *group, const lb_request *request, lb_error *err);
    int (*change_file)(lb_group *group, const char *path, const char *content, lb_error *err);
    int (*change_exec)(lb_group *group, const char *const *argv, lb_error *err);
    int (*group_apply)(lb_group *group, lb_outcome *ret_outcome, lb_error *err);
    int64_t (*group_rows)(const lb_group *group);
    const char *(*group_reply)(const lb_group *group);

    int (*call)(lb_ctx *ctx, const char *tool, const lb_target *target, const lb_value *args, const char **ret_json,
                lb_error *err);

    int (*record)(lb_ctx *ctx, const char *table, const lb_value *values, lb_error *err);
    int (*emit)(lb_ctx *ctx, const char *event, const lb_value *payload, lb_error *err);
    int (*result)(lb_ctx *ctx, const lb_value *values, lb_error *err);
    int (*append)(lb_ctx *ctx, const char *list, const lb_value *values, lb_error *err);
    int (*finding)(lb_ctx *ctx, const lb_finding *finding, lb_error *err);
    int (*examined)(lb_ctx *ctx, const char *what, int64_t count, lb_error *err);
    int (*skipped)(lb_ctx *ctx, const char *object, const char *reason, lb_error *err);

    /* since 1.1 */
    int (*history)(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows, lb_error *err);
    int (*recall)(lb_ctx *ctx, const char **ret_json, lb_error *err);
    int (*remember)(lb_ctx *ctx, const char *json, lb_error *err);
    int (*thresholds)(lb_ctx *ctx, const char **ret_json, lb_error *err);
    int (*change_script)(lb_group *group, const lb_script *script, lb_error *err);

    /* since 1.2 */
    int (*lake)(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows, lb_error *err);
    int (*lake_table)(lb_ctx *ctx, const lb_lake_name *name, const lb_lake_table **ret_table, lb_error *err);
    int (*change_lake)(lb_group *group, const lb_lake_append *append, lb_error *err);
    int (*explain)(lb_ctx *ctx, const lb_explain_wish *wish, const char **ret_json, lb_error *err);
    int (*model)(lb_ctx *ctx, const lb_question *question, const lb_answer **ret_answer, lb_error *err);
    int (*http)(lb_ctx *ctx, const char *service, const lb_request *request, const char **ret_json, lb_error *err);
    int (*change_http)(lb_group *group, const char *service, const lb_request *request, lb_error *err);
    int (*change_program)(lb_group *group, const lb_program *program, lb_error *err);
    int (*program_end)(lb_group *group, lb_error *err);
    int (*watch)(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, int64_t every_us,
                 lb_watch **ret_watch, lb_error *err);
    int (*watch_end)(lb_watch *watch, lb_rows **ret_rows, lb_error *err);
    bool (*program_runs)(const lb_group *group);

    /* since 1.3 */
    int (*group_record)(lb_group *group, const char *table, const lb_value *values, lb_error *err);
    int (*group_emit)(lb_group *group, const char *event, const lb_value *payload, lb_error *err);
    lb_outcome (*call_outcome)(const lb_ctx *ctx);

    /* since 1.4 */
    int (*group_listen)(lb_group *group, lb_error *err);
    int (*group_heard)(const lb_group *group, const char **ret_json, lb_error *err);
    int (*query_reader)(lb_ctx *ctx, const char *endpoint, const lb_statement *statement, const lb_value *args,
                        lb_rows **ret_rows, lb_error *err);
    int (*group_measure)(lb_group *group, lb_error *err);
    int (*group_measured)(const lb_group *group, const char **ret_json, lb_error *err);
    int (*call_check)(lb_ctx *ctx, const char *tool, const lb_value *args, lb_error *err);
    int (*group_yield)(lb_group *group, const lb_yield *wish, lb_error *err);
    bool (*group_yielded)(const lb_group *group);
} lb_host;

/* The first members only; the rest is the host's. */
struct lb_ctx {
    const lb_host *host;
    const void *args; /* the tool's own struct, filled from its parameters */
};

/* ---- memory, time, log ---- */

/* Zeroed memory of the run. NULL only when the run's memory is used up: return lb_out_of_memory(err) then. */
static inline void *lb_alloc(lb_ctx *ctx, size_t bytes)
{
    return ctx->host->alloc(ctx, bytes);
}

/* Text of the run, as printf makes it. NULL when memory is used up. Never for SQL: that is lb_compose's work. */
LB_PRINTF(2, 3) static inline const char *lb_printf(lb_ctx *ctx, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = length < 0 ? NULL : (char *)lb_alloc(ctx, (size_t)length + 1);
    if (text)
        (void)vsnprintf(text, (size_t)length + 1, fmt, again);
    va_end(again);
    return text;
}

/* fn(arg) when the run ends, however it ends short of a crash; in reverse order. For handles, not for memory. */
LB_MUST_CHECK static inline int lb_defer(lb_ctx *ctx, void (*fn)(void *arg), void *arg)
{
    return ctx->host->defer(ctx, fn, arg);
}

LB_PRINTF(3, 4) static inline void lb_log(lb_ctx *ctx, lb_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    ctx->host->vlog(ctx, level, fmt, args);
    va_end(args);
}

/* How far the run is; total 0 where nobody knows. Cheap enough to call per object. */
static inline void lb_progress(lb_ctx *ctx, int64_t done, int64_t total, const char *what)
{
    ctx->host->progress(ctx, done, total, what);
}

/* The run's clock, in microseconds since 1970 UTC. A fixture may hold it still, so never call time() for a result. */
static inline int64_t lb_now(const lb_ctx *ctx)
{
    return ctx->host->now(ctx);
}

/* Microseconds until the run's deadline; 0 when it has passed. */
static inline int64_t lb_time_left(const lb_ctx *ctx)
{
    return ctx->host->time_left(ctx);
}

/* Somebody cancelled the run or its deadline has passed: clean up, return LB_ERR_CANCELLED. Ask in long loops. */
static inline bool lb_cancelled(const lb_ctx *ctx)
{
    return ctx->host->cancelled(ctx);
}

/* True when this run makes a plan: changes are recorded and nothing is executed. Few tools need to know. */
static inline bool lb_plans(const lb_ctx *ctx)
{
    return ctx->host->plans(ctx);
}

static inline const lb_target *lb_run_target(const lb_ctx *ctx)
{
    return ctx->host->target(ctx);
}

/* ---- reading ---- */

/* The server's major version, 17. */
LB_MUST_CHECK static inline int lb_server_version(lb_ctx *ctx, int *ret_major, lb_error *err)
{
    return ctx->host->server_version(ctx, ret_major, err);
}

/* Runs a read statement in a read-only transaction. Prefer the typed function of the statement's own header. */
LB_MUST_CHECK static inline int lb_query(lb_ctx *ctx, const lb_statement *statement, const lb_value *args,
                                         lb_rows **ret_rows, lb_error *err)
{
    return ctx->host->query(ctx, statement, args, ret_rows, err);
}

/* The next row as an array with one value per column (checked against the statement's columns), or NULL at the end. */
static inline const lb_value *lb_next(lb_ctx *ctx, lb_rows *rows)
{
    return ctx->host->next(rows);
}

static inline int64_t lb_row_count(const lb_ctx *ctx, const lb_rows *rows)
{
    return ctx->host->row_count(rows);
}

/* Puts a statement or fragment together without running it: for a finding's fix, or as an LB_SQL argument. */
LB_MUST_CHECK static inline int lb_compose(lb_ctx *ctx, const lb_statement *statement, const lb_value *args,
                                           const lb_sql **ret_sql, lb_error *err)
{
    return ctx->host->compose(ctx, statement, args, ret_sql, err);
}

static inline const char *lb_sql_text(const lb_ctx *ctx, const lb_sql *sql)
{
    return ctx->host->sql_text(sql);
}

/* Reads from the control plane (GET only). */
LB_MUST_CHECK static inline int lb_control(lb_ctx *ctx, const lb_request *request, const char **ret_json, lb_error *err)
{
    return ctx->host->control(ctx, request, ret_json, err);
}

/* Asks the history with a statement of kind history; the rows are read as a query's are. Prefer the typed function that
 * the statement's own header offers. What earlier runs have recorded is in the answer, what this run records is not; a
 * plan may ask, too. An answer that is longer than the host lets one be is LB_ERR_LIMIT and no rows. Where history lies
 * on a warehouse a question may wake it, so ask once for all that is wanted. Since 1.1. */
LB_MUST_CHECK static inline int lb_history(lb_ctx *ctx, const lb_statement *statement, const lb_value *args,
                                           lb_rows **ret_rows, lb_error *err)
{
    if (!LB_HAS(ctx->host, lb_host, history))
        return lb_fail(err, LB_ERR_UNSUPPORTED, "update lbops", "this lbops is too old to be asked for history");
    return ctx->host->history(ctx, statement, args, ret_rows, err);
}

/* Asks tables of the lakehouse with a statement of kind lake; the rows are read as a query's are. A table that is not
 * there is LB_ERR_NOT_FOUND; an answer that is longer than the host lets one be is LB_ERR_LIMIT and no rows. At home
 * DuckDB answers, else a SQL warehouse, which a question may wake. Since 1.2. */
LB_MUST_CHECK static inline int lb_lake(lb_ctx *ctx, const lb_statement *statement, const lb_value *args,
                                        lb_rows **ret_rows, lb_error *err)
{
    if (!LB_HAS(ctx->host, lb_host, lake) || !ctx->host->lake)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "update lbops", "this lbops is too old to be asked for the lakehouse");
    return ctx->host->lake(ctx, statement, args, ret_rows, err);
}

/* Columns, version and time of a table. LB_ERR_NOT_FOUND: there is none. Since 1.2. */
LB_MUST_CHECK static inline int lb_lake_look(lb_ctx *ctx, const lb_lake_name *name, const lb_lake_table **ret_table,
                                             lb_error *err)
{
    if (!LB_HAS(ctx->host, lb_host, lake_table) || !ctx->host->lake_table)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "update lbops", "this lbops is too old to be asked for the lakehouse");
    return ctx->host->lake_table(ctx, name, ret_table, err);
}

/* The server's plan of a statement that is not of the catalogue: what EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS) prints,
 * with buffers and times where it was executed too. Anything but one statement about rows is LB_ERR_INVALID; what may
 * not be executed is LB_ERR_DENIED, and nothing was. Since 1.2. */
LB_MUST_CHECK static inline int lb_explain(lb_ctx *ctx, const lb_explain_wish *wish, const char **ret_json,
                                           lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, explain)
               ? ctx->host->explain(ctx, wish, ret_json, err)
               : lb_fail(err, LB_ERR_UNSUPPORTED, "install a newer lbops", "this host explains no statements");
}

/* Has a model put evidence into words, most important first. Each sentence cites exhibits that are there, and has no
 * figure, name or word that is neither theirs nor plain English, and no statement; what breaks this is left out and
 * counted. It decides nothing: findings, statements and figures are the tool's own. A workspace without a model is
 * LB_ERR_UNSUPPORTED, one that does not answer any other error: go on without. Since 1.2. */
LB_MUST_CHECK static inline int lb_ask_model(lb_ctx *ctx, const lb_question *question, const lb_answer **ret_answer,
                                             lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, model)
               ? ctx->host->model(ctx, question, ret_answer, err)
               : lb_fail(err, LB_ERR_UNSUPPORTED, "install a newer lbops", "this host knows no models");
}

/* ---- changing: the one door ---- */

/* Opens a group. Nothing happens before lb_apply; a group that is left open fails the run. */
LB_MUST_CHECK static inline int lb_group_open(lb_ctx *ctx, const lb_group_spec *spec, lb_group **ret_group,
                                              lb_error *err)
{
    return ctx->host->group_open(ctx, spec, ret_group, err);
}

LB_MUST_CHECK static inline int lb_change_sql(lb_ctx *ctx, lb_group *group, const lb_statement *statement,
                                              const lb_value *args, lb_error *err)
{
    return ctx->host->change_sql(group, statement, args, err);
}

LB_MUST_CHECK static inline int lb_change_control(lb_ctx *ctx, lb_group *group, const lb_request *request,
                                                  lb_error *err)
{
    return ctx->host->change_control(group, request, err);
}

/* Writes a file whole (a temporary file renamed into place). One that has this content already is no change. */
LB_MUST_CHECK static inline int lb_change_file(lb_ctx *ctx, lb_group *group, const char *path, const char *content,
                                               lb_error *err)
{
    return ctx->host->change_file(group, path, content, err);
}

/* Runs a program, no shell; argv ends with NULL. Its output is the group's reply. */
LB_MUST_CHECK static inline int lb_change_exec(lb_ctx *ctx, lb_group *group, const char *const *argv, lb_error *err)
{
    return ctx->host->change_exec(group, argv, err);
}

/* Adds statements of a text, the one way for SQL that is not of the catalogue to get to a server. Text that does not
 * parse, that controls transactions by itself, or that reads rows from its client is LB_ERR_INVALID, and nothing of it
 * is added; errors name the statement, its line and its column. What it sets in the session ends with the run. */
LB_MUST_CHECK static inline int lb_change_script(lb_ctx *ctx, lb_group *group, const lb_script *script, lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, change_script)
               ? ctx->host->change_script(group, script, err)
               : lb_fail(err, LB_ERR_UNSUPPORTED, "install a newer lbops", "this host takes no scripts");
}

/* Appends the rows of a question to this run's server to a table of the lakehouse. Integers, numeric(p,s), float, text,
 * bool, date, bytea and both timestamps keep their type (a timestamp without time zone is kept as if it were UTC);
 * everything else is text, arrays as JSON. lb_group_reply is the receipt then, a JSON object: key, rows, bytes,
 * checksum (SHA-256 of the rows as the server printed them), version, repeated. A key that the table has seen before
 * appends nothing and gives the receipt of then, with repeated true. A failure has appended nothing, or everything: the
 * same key again tells. Since 1.2. With LB_LAKE_VIEW it makes a view there, and the reply says whether that was
 * anything new: {"changed":true}. Since 1.3. LB_LAKE_MERGE and LB_LAKE_EXPECT, which can wait: since 1.4. */
LB_MUST_CHECK static inline int lb_change_lake(lb_ctx *ctx, lb_group *group, const lb_lake_append *append,
                                               lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, change_lake) && ctx->host->change_lake
               ? ctx->host->change_lake(group, append, err)
               : lb_fail(err, LB_ERR_UNSUPPORTED, "install a newer lbops", "this host cannot write to the lakehouse");
}

/* The decision: plans, asks the gate, executes, audits. An outcome is no error; a failed execution is. Once per group.
 */
LB_MUST_CHECK static inline int lb_apply(lb_ctx *ctx, lb_group *group, lb_outcome *ret_outcome, lb_error *err)
{
    return ctx->host->group_apply(group, ret_outcome, err);
}

/* After LB_APPLIED: rows that the group's SQL touched, and what its last control-plane call or program answered. */
static inline int64_t lb_group_rows(const lb_ctx *ctx, const lb_group *group)
{
    return ctx->host->group_rows(group);
}

static inline const char *lb_group_reply(const lb_ctx *ctx, const lb_group *group)
{
    return ctx->host->group_reply(group);
}

/* What becomes history, and what others hear of, if a person has to approve the group: whoever carries it out writes
 * it then, as this run is over. A group that is applied at once leaves both to the tool (lb_record, lb_emit), which
 * knows what came of it. Table and event are declared as for those, and what is wrong with a row is said now. The
 * table's own time is when the change was made, whatever the row says; the rest should not differ from run to run, as
 * a proposal with another row is another proposal. Since 1.3; on an older host nothing is written. */
LB_MUST_CHECK static inline int lb_group_record(lb_ctx *ctx, lb_group *group, const char *table, const lb_value *values,
                                                lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, group_record) ? ctx->host->group_record(group, table, values, err) : 0;
}

LB_MUST_CHECK static inline int lb_group_emit(lb_ctx *ctx, lb_group *group, const char *event, const lb_value *payload,
                                              lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, group_emit) ? ctx->host->group_emit(group, event, payload, err) : 0;
}

/* A group of one statement, opened and applied. */
LB_MUST_CHECK static inline int lb_change_one(lb_ctx *ctx, const lb_group_spec *spec, const lb_statement *statement,
                                              const lb_value *args, lb_outcome *ret_outcome, lb_error *err)
{
    lb_group *group = NULL;
    int r = lb_group_open(ctx, spec, &group, err);
    if (r >= 0)
        r = lb_change_sql(ctx, group, statement, args, err);
    return r < 0 ? r : lb_apply(ctx, group, ret_outcome, err);
}

/* ---- other tools ---- */

/* Runs another tool (one that .calls names) under this run's deadline and the same gate; target NULL: the same one.
 * Answers with that run's result document, also of one that failed, as far as it came: begin with *ret_json NULL, as
 * older hosts do not. */
LB_MUST_CHECK static inline int lb_call(lb_ctx *ctx, const char *tool, const lb_target *target, const lb_value *args,
                                        const char **ret_json, lb_error *err)
{
    return ctx->host->call(ctx, tool, target, args, ret_json, err);
}

/* What became of the changes of the last lb_call that answered, and of those that it called: LB_WAITING when a person
 * is asked about any of them, LB_APPLIED when all were executed or there were none. 0: nobody knows, as the host is
 * older than 1.3 or nothing was called. */
static inline lb_outcome lb_call_outcome(const lb_ctx *ctx)
{
    return LB_HAS(ctx->host, lb_host, call_outcome) ? ctx->host->call_outcome(ctx) : (lb_outcome)0;
}

/* ---- between runs ---- */

/* What the tool's last run on this target remembered: a JSON object, or NULL (nothing yet, a run that another tool
 * called, or a host that keeps no state). Only a tool that says .remembers has a memory. */
LB_MUST_CHECK static inline int lb_recall(lb_ctx *ctx, const char **ret_json, lb_error *err)
{
    if (!LB_HAS(ctx->host, lb_host, recall))
        return lb_fail(err, LB_ERR_UNSUPPORTED, "update lbops", "this lbops is too old for lb_recall");
    return ctx->host->recall(ctx, ret_json, err);
}

/* Replaces it: kept together with the end of this run, if that is a good one. A plan leaves it as it was. At most 1 MB;
 * what is worth a question later belongs into history. */
LB_MUST_CHECK static inline int lb_remember(lb_ctx *ctx, const char *json, lb_error *err)
{
    if (!LB_HAS(ctx->host, lb_host, remember))
        return lb_fail(err, LB_ERR_UNSUPPORTED, "update lbops", "this lbops is too old for lb_remember");
    return ctx->host->remember(ctx, json, err);
}

/* The manifest's [[thresholds]] for this target, one per metric (the narrowest pattern wins, then the later line), and
 * whether a pause holds: {"thresholds":[{"metric","warning","critical","below","set_by","set_on","reason"}],
 * "paused_until","paused_by"}, with null for what is not given and where nothing is paused. */
LB_MUST_CHECK static inline int lb_thresholds(lb_ctx *ctx, const char **ret_json, lb_error *err)
{
    if (!LB_HAS(ctx->host, lb_host, thresholds))
        return lb_fail(err, LB_ERR_UNSUPPORTED, "update lbops", "this lbops is too old for lb_thresholds");
    return ctx->host->thresholds(ctx, ret_json, err);
}

/* ---- what the run reports ---- */

/* A row for a history table that .writes names; checked against the table's columns here and now. The host adds
 * project_id, branch_id and run_id. */
LB_MUST_CHECK static inline int lb_record(lb_ctx *ctx, const char *table, const lb_value *values, lb_error *err)
{
    return ctx->host->record(ctx, table, values, err);
}

/* A fact for others, of a kind that .emits names. */
LB_MUST_CHECK static inline int lb_emit(lb_ctx *ctx, const char *event, const lb_value *payload, lb_error *err)
{
    return ctx->host->emit(ctx, event, payload, err);
}

/* Members of the result document. */
LB_MUST_CHECK static inline int lb_result(lb_ctx *ctx, const lb_value *values, lb_error *err)
{
    return ctx->host->result(ctx, values, err);
}

/* One more object in a list of the result document. */
LB_MUST_CHECK static inline int lb_append(lb_ctx *ctx, const char *list, const lb_value *values, lb_error *err)
{
    return ctx->host->append(ctx, list, values, err);
}

LB_MUST_CHECK static inline int lb_report(lb_ctx *ctx, const lb_finding *finding, lb_error *err)
{
    return ctx->host->finding(ctx, finding, err);
}

/* Coverage: how many of what was looked at, and what was not and why. */
LB_MUST_CHECK static inline int lb_examined(lb_ctx *ctx, const char *what, int64_t count, lb_error *err)
{
    return ctx->host->examined(ctx, what, count, err);
}

LB_MUST_CHECK static inline int lb_skipped(lb_ctx *ctx, const char *object, const char *reason, lb_error *err)
{
    return ctx->host->skipped(ctx, object, reason, err);
}

/* ---- history that a tool can do without ---- */

/* Is this the error of a history that is not there: no service for it, or nothing in it yet? */
static inline bool lb_no_history(int code)
{
    return code == LB_ERR_NOT_FOUND || code == LB_ERR_UNSUPPORTED;
}

/* Around a question to the history without whose answer the tool is still worth something: `asked` is what the question
 * returned, with `err` filled. 1: there are rows. 0: nothing could be asked, which is noted as skipped for `what`, or,
 * where that is NULL, told in *ret_why for the tool to say (else it may be NULL). What ends the run is returned. */
LB_MUST_CHECK static inline int lb_history_or_skip(lb_ctx *ctx, int asked, const char *what, const char **ret_why,
                                                   lb_error *err)
{
    if (asked >= 0)
        return 1;
    if (asked == LB_ERR_CANCELLED || asked == LB_ERR_NO_MEMORY)
        return asked;
    const char *why = lb_printf(ctx, "there is no history to ask: %s", err->message);
    if (!why)
        return lb_out_of_memory(err);
    if (ret_why)
        *ret_why = why;
    return what ? lb_skipped(ctx, what, why, err) : 0;
}

#ifdef __cplusplus
}
#endif
#endif
