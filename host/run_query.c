/* Reading: queries, composing, the control plane and web services, for one run. */
#include "run_state.h"

#include "compose.h"
#include "decode.h"

typedef struct result_row {
    const lb_value *cells;
} result_row;

struct lb_rows {
    const lb_statement *statement;
    run_state *run;
    result_row *rows;
    size_t count, capacity, next;
};

int run_server_version(lb_ctx *ctx, int *ret_major, lb_error *err)
{
    run_state *run = run_of(ctx);
    int r = run_session(run, err);
    return r < 0 ? r : session_server_version(run->session, ret_major, err);
}

int run_compose(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, const lb_sql **ret_sql, lb_error *err)
{
    run_state *run = run_of(ctx);
    int major = 0;
    if (statement->kind == LB_STATEMENT_HISTORY)
        return lb_fail(err, LB_ERR_INVALID, "ask it (lb_history)", "%s is for the history alone", statement->name);
    int r = run->request->target.project ? run_server_version(ctx, &major, err) : 0;
    return r < 0 ? r : compose(statement, args, major, run->memory, ret_sql, err);
}

const char *run_sql_text(const lb_sql *sql)
{
    return sql->display;
}

static int on_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    lb_rows *rows = state;
    rows->count = 0; /* the history may have to answer anew */
    return decode_check_columns(rows->statement, count, names, err);
}

static int grow_rows(lb_rows *rows)
{
    if (rows->count < rows->capacity)
        return 0;
    size_t capacity = rows->capacity ? rows->capacity * 2 : 64;
    result_row *grown = arena_alloc(rows->run->memory, capacity * sizeof *grown);
    if (!grown)
        return LB_ERR_NO_MEMORY;
    if (rows->count)
        memcpy(grown, rows->rows, rows->count * sizeof *grown);
    rows->rows = grown;
    rows->capacity = capacity;
    return 0;
}

static int on_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    lb_rows *rows = state;
    const lb_statement *statement = rows->statement;
    if (count != statement->column_count)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "%s: a row of %u cells for %u columns", statement->name, count,
                       statement->column_count);
    lb_value *row = arena_alloc(rows->run->memory, (count + 1) * sizeof *row);
    if (!row || grow_rows(rows) < 0)
        return lb_fail(err, LB_ERR_NO_MEMORY, "raise [limits] run_memory_mb, or ask for fewer rows",
                       "%s: out of memory after %zu rows", statement->name, rows->count);
    for (uint32_t i = 0; i < count; i++) {
        if (decode_cell(&statement->columns[i], cells[i], rows->run->memory, &row[i], err) < 0)
            return lb_wrap(err, statement->name);
    }
    rows->rows[rows->count++].cells = row;
    return 0;
}

lb_rows *run_rows_new(run_state *run, const lb_statement *statement)
{
    lb_rows *rows = arena_alloc(run->memory, sizeof *rows);
    if (rows)
        *rows = (lb_rows){.statement = statement, .run = run};
    return rows;
}

lb_sink run_rows_sink(lb_rows *rows)
{
    return (lb_sink){.size = sizeof(lb_sink), .state = rows, .columns = on_columns, .row = on_row};
}

/* A detector of low risk looks again soon; what changes something had better wait for what it has to know. */
bool run_looks_only(const run_state *run)
{
    return run->tool->detector && run->tool->risk == LB_RISK_LOW;
}

static int execute_read(const run_state *run, session *on, const lb_sql *sql, const lb_value *args, lb_rows *rows,
                        lb_error *err)
{
    const lb_sink sink = run_rows_sink(rows);
    const lb_command command = {
        .size = sizeof command,
        .name = sql->statement->name,
        .text = sql->text,
        .params = sql->params,
        .param_types = sql->param_types,
        .param_count = sql->param_count,
        .read_only = true,
        .args = args,
        .deadline = run->deadline,
        .brief = run_looks_only(run),
    };
    int64_t affected = -1;
    return session_execute(on, &command, &sink, &affected, err);
}

int run_query(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows, lb_error *err)
{
    run_state *run = run_of(ctx);
    const lb_sql *sql = NULL;
    if (statement->kind != LB_STATEMENT_READ)
        return lb_fail(err, LB_ERR_INVALID, "make it a change (lb_change_sql)", "%s is not a read", statement->name);
    int r = run_check_stop(run, err);
    if (r >= 0)
        r = run_compose(ctx, statement, args, &sql, err);
    if (r < 0)
        return r;
    lb_rows *rows = run_rows_new(run, statement);
    if (!rows)
        return lb_out_of_memory(err);
    r = execute_read(run, run->session, sql, args, rows, err);
    if (r == LB_ERR_UNREACHABLE) {
        /* A kept session may have died while it idled. A read can be repeated, once, on a new one. */
        bool was_kept = run->session_is_kept;
        session_discard(run->session);
        run->session = NULL;
        if (was_kept && run_session(run, err) == 0) {
            rows->count = 0;
            r = execute_read(run, run->session, sql, args, rows, err);
        }
    }
    if (r < 0)
        return r;
    *ret_rows = rows;
    return 0;
}

static int ask_reader(run_state *run, session *reader, const lb_statement *statement, const lb_value *args,
                      lb_rows *rows, lb_error *err)
{
    const lb_sql *sql = NULL;
    int major = 0;
    int r = session_server_version(reader, &major, err);
    if (r >= 0)
        r = compose(statement, args, major, run->memory, &sql, err);
    rows->count = 0;
    return r < 0 ? r : execute_read(run, reader, sql, args, rows, err);
}

int run_query_reader(lb_ctx *ctx, const char *endpoint, const lb_statement *statement, const lb_value *args,
                     lb_rows **ret_rows, lb_error *err)
{
    run_state *run = run_of(ctx);
    const lb_target *target = &run->request->target;
    session *reader = NULL;
    bool is_kept = true;
    int r = LB_ERR_UNREACHABLE;
    if (statement->kind != LB_STATEMENT_READ || !target->project)
        return lb_fail(err, LB_ERR_INVALID, NULL, "%s is not a read, or there is no branch to read", statement->name);
    lb_rows *rows = run_rows_new(run, statement);
    if (!rows)
        return lb_out_of_memory(err);
    while (r == LB_ERR_UNREACHABLE && is_kept) { /* a kept session may have died while it idled */
        r = run_check_stop(run, err);
        if (r >= 0)
            r = session_get(run->worker->sessions, target, endpoint, run->request->tool, run->deadline, &reader,
                            &is_kept, err);
        if (r < 0)
            return r;
        r = ask_reader(run, reader, statement, args, rows, err);
        if (r == LB_ERR_UNREACHABLE)
            session_discard(reader);
    }
    if (r >= 0)
        *ret_rows = rows;
    return r;
}

const lb_value *run_next(lb_rows *rows)
{
    return rows->next < rows->count ? rows->rows[rows->next++].cells : NULL;
}

int64_t run_row_count(const lb_rows *rows)
{
    return (int64_t)rows->count;
}

int run_http(lb_ctx *ctx, const char *service, const lb_request *request, const char **ret_json, lb_error *err)
{
    run_state *run = run_of(ctx);
    int r = web_check(request, err);
    if (r < 0)
        return r;
    if (strcmp(request->method, "GET") != 0)
        return lb_fail(err, LB_ERR_INVALID, "make it a change (lb_change_http)", "%s %s is not a read", request->method,
                       request->path);
    r = run_check_stop(run, err);
    return r < 0 ? r : session_http(run->worker->sessions, service, request, run->deadline, run->memory, ret_json, err);
}

int run_control(lb_ctx *ctx, const lb_request *request, const char **ret_json, lb_error *err)
{
    run_state *run = run_of(ctx);
    if (strcmp(request->method, "GET") != 0)
        return lb_fail(err, LB_ERR_INVALID, "make it a change (lb_change_control)", "%s %s is not a read",
                       request->method, request->path);
    int r = run_check_stop(run, err);
    return r < 0 ? r : session_control(run->worker->sessions, request, run->deadline, run->memory, ret_json, err);
}
