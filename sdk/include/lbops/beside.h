/* lbops/beside.h: what goes on beside a run: programs with the branch's connection, a read that is repeated, and what
 * the server says beside its answers; and a look ahead at a call. [worker] */
#ifndef LBOPS_BESIDE_H
#define LBOPS_BESIDE_H

#include "tool.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs a program that connects to the run's branch by itself. Its output is the group's reply, also when it fails. Such
 * a group cannot wait for a person, as the connection would have ended by then. Since 1.2. */
LB_MUST_CHECK static inline int lb_change_program(lb_ctx *ctx, lb_group *group, const lb_program *program,
                                                  lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, change_program)
               ? ctx->host->change_program(group, program, err)
               : lb_fail(err, LB_ERR_UNSUPPORTED, "install a newer lbops", "this host lends no connection to programs");
}

/* Does one of the group's programs that go on beside the run still do so? */
static inline bool lb_program_runs(const lb_ctx *ctx, const lb_group *group)
{
    return LB_HAS(ctx->host, lb_host, program_runs) && ctx->host->program_runs(group);
}

/* Ends the group's programs that go on beside the run. One that had failed before is an error. Since 1.2. */
LB_MUST_CHECK static inline int lb_program_end(lb_ctx *ctx, lb_group *group, lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, program_end)
               ? ctx->host->program_end(group, err)
               : lb_fail(err, LB_ERR_UNSUPPORTED, "install a newer lbops", "this host has no programs beside a run");
}

/* Repeats a read on a session of its own while the run goes on, every so many microseconds, until lb_watch_end: for
 * what can only be seen from outside of the run's own session, such as who waits for it. The answers come as one
 * result, in order; a statement that gives its own time and always a row tells when it was asked. Where a transport
 * cannot do two things at once (fixtures) it is asked once, at the end. What does not fit into 64 MB is LB_ERR_LIMIT.
 * Since 1.2. */
LB_MUST_CHECK static inline int lb_watch_begin(lb_ctx *ctx, const lb_statement *statement, const lb_value *args,
                                               int64_t every_us, lb_watch **ret_watch, lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, watch)
               ? ctx->host->watch(ctx, statement, args, every_us, ret_watch, err)
               : lb_fail(err, LB_ERR_UNSUPPORTED, "install a newer lbops", "this host cannot watch");
}

LB_MUST_CHECK static inline int lb_watch_end(lb_ctx *ctx, lb_watch *watch, lb_rows **ret_rows, lb_error *err)
{
    return ctx->host->watch_end(watch, ret_rows, err);
}

/* Runs a read on another compute of the run's branch, one that only reads, by its endpoint's id (as the control plane
 * lists them: "reader"). It is never woken: LB_ERR_SUSPENDED where it sleeps. LB_ERR_UNSUPPORTED where the transport
 * reaches none. The rows are read as a query's are. Since 1.4. */
LB_MUST_CHECK static inline int lb_query_reader(lb_ctx *ctx, const char *endpoint, const lb_statement *statement,
                                                const lb_value *args, lb_rows **ret_rows, lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, query_reader)
               ? ctx->host->query_reader(ctx, endpoint, statement, args, ret_rows, err)
               : lb_fail(err, LB_ERR_UNSUPPORTED, "install a newer lbops",
                         "this host reaches no computes that only read");
}

/* Before lb_apply: keeps what the server says while it executes the group's SQL: warnings, notices, and lesser things
 * where a statement of the group has asked for them (SET LOCAL client_min_messages). Since 1.4; an older host keeps
 * nothing. */
LB_MUST_CHECK static inline int lb_group_listen(lb_ctx *ctx, lb_group *group, lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, group_listen) ? ctx->host->group_listen(group, err) : 0;
}

/* After it, and after a failure too: {"notices":[{"change","statement","severity","sqlstate","routine","text"}],
 * "dropped"}. change: in the group, from 1; statement: in its script, from 1, or null. A long text is cut, and what is
 * too much is dropped and counted. NULL: nobody knows, since nothing was executed, the transport does not tell, or
 * the host is older than 1.4. Texts may hold values of rows, as statements can say what they like. */
LB_MUST_CHECK static inline int lb_group_heard(lb_ctx *ctx, const lb_group *group, const char **ret_json, lb_error *err)
{
    *ret_json = NULL;
    return LB_HAS(ctx->host, lb_host, group_heard) ? ctx->host->group_heard(group, ret_json, err) : 0;
}

/* Before lb_apply: keeps what each change of the group takes. Between statements of a script, up to fifty of them, the
 * server is asked how far it has written its log. Since 1.4; an older host keeps nothing. */
LB_MUST_CHECK static inline int lb_group_measure(lb_ctx *ctx, lb_group *group, lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, group_measure) ? ctx->host->group_measure(group, err) : 0;
}

/* After it, and after a failure too: {"changes":[{"change","statement","outcome","began_at","took_us","rows",
 * "log_bytes","notices","sqlstate"}]}, of those that were begun by the last try. change and statement as lb_group_heard
 * has them; outcome: applied, failed, unknown, or taken back with its transaction; began_at as lb_now says it;
 * log_bytes: what the server wrote meanwhile, for whomever; notices: without debug messages. What nobody knows is null.
 * NULL: nothing was measured. */
LB_MUST_CHECK static inline int lb_group_measured(lb_ctx *ctx, const lb_group *group, const char **ret_json,
                                                  lb_error *err)
{
    *ret_json = NULL;
    return LB_HAS(ctx->host, lb_host, group_measured) ? ctx->host->group_measured(group, ret_json, err) : 0;
}

/* Before lb_apply: others go first. While the group is executed the read is asked on a session of its own; once enough
 * looks in a row say so, the statement that runs is cancelled: lb_apply is LB_ERR_CONFLICT then, and lb_group_yielded
 * true. For statements that leave nothing half done, such as VACUUM. Nobody looks where a transport cannot do two
 * things at once (fixtures), nor while a group is executed that a person has approved. Since 1.4; on an older host
 * nobody looks. */
LB_MUST_CHECK static inline int lb_group_yield(lb_ctx *ctx, lb_group *group, const lb_yield *wish, lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, group_yield) ? ctx->host->group_yield(group, wish, err) : 0;
}

static inline bool lb_group_yielded(const lb_ctx *ctx, const lb_group *group)
{
    return LB_HAS(ctx->host, lb_host, group_yielded) && ctx->host->group_yielded(group);
}

/* Before lb_call: does the tool have these parameters, and may they have these values? What it requires may still be
 * missing, and nothing is run. Since 1.4; an older host finds nothing wrong before the call. */
LB_MUST_CHECK static inline int lb_call_check(lb_ctx *ctx, const char *tool, const lb_value *args, lb_error *err)
{
    return LB_HAS(ctx->host, lb_host, call_check) ? ctx->host->call_check(ctx, tool, args, err) : 0;
}

#ifdef __cplusplus
}
#endif
#endif
