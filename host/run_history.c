/* Asking the history: a question goes through the supervisor to the delta service, and rows come back. */
#include "run_state.h"

#include "compose.h"
#include "question.h"

typedef struct asking {
    run_state *run;
    const lb_command *command;
    const run_question *question;
    const lb_sink *sink;
    uint32_t number;
    question_progress progress;
} asking;

static int fail_cut(const asking *a, lb_error *err)
{
    return lb_fail(err, LB_ERR_LIMIT, "narrow it: a shorter time, fewer objects, sums in place of rows, a LIMIT",
                   "the history's answer to %s is longer than %lld rows or %lld MB", a->command->name,
                   (long long)QUESTION_ROWS, (long long)(QUESTION_BYTES >> 20));
}

static int take_end(const asking *a, wire_reader *r, lb_error *err)
{
    lb_error error = {.code = -(int)(wire_get_u32(r) & 0xffff)};
    if (error.code) {
        (void)snprintf(error.sqlstate, sizeof error.sqlstate, "%s", wire_get_required(r)); /* as long as ours */
        (void)snprintf(error.message, sizeof error.message, "%s", wire_get_required(r));
        (void)snprintf(error.hint, sizeof error.hint, "%s", wire_get_required(r));
        *err = error;
        return lb_wrap(err, a->command->name);
    }
    uint32_t pieces = wire_get_u32(r);
    bool cut = wire_get_bool(r);
    const char *unflushed = wire_get_str(r);
    if (!wire_done(r) || pieces != a->progress.next)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the history's answer to %s is not whole", a->command->name);
    if (unflushed)
        lb_log(&a->run->ctx, LB_LOG_WARN, "what waits in the outbox is not in the history's answer to %s: %s",
               a->command->name, unflushed);
    return cut ? fail_cut(a, err) : 1;
}

/* Frames of a question before this one, which was given up, are let go. */
static int take_frame(void *arg, wire_type type, wire_reader *r, lb_error *err)
{
    asking *a = arg;
    uint32_t number = wire_get_u32(r);
    if (number != a->number)
        return 0;
    if (type == WIRE_HISTORY_PIECE)
        return question_take(r, &a->progress, a->sink, err);
    return type == WIRE_HISTORY_END ? take_end(a, r, err)
                                    : lb_fail(err, LB_ERR_INTERNAL, NULL, "the host said something else");
}

static int ask_supervisor(void *arg, const lb_command *command, const lb_sink *sink, lb_error *err)
{
    asking *a = arg;
    run_worker *worker = a->run->worker;
    BUF_AUTO frame = BUF_INIT(WIRE_FRAME_LIMIT);
    a->sink = sink;
    a->command = command;
    size_t mark = wire_begin(&frame, a->question->type);
    wire_put_str(&frame, a->run->root->id);
    wire_put_u32(&frame, a->number);
    wire_put_i64(&frame, command->deadline);
    a->question->put(a->question->state, &frame);
    wire_end(&frame, mark);
    if (frame.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "give shorter lists", "the arguments of %s are too long", command->name);
    return worker->channel.ask(worker->channel.state, &frame, command->deadline, take_frame, a, err);
}

/* Not every engine has an end of time. */
static int check_times(const lb_sql *sql, lb_error *err)
{
    for (uint32_t i = 0; i < sql->param_count; i++)
        if (sql->values[i].type == LB_TIME &&
            (sql->values[i].v.i64 == INT64_MAX || sql->values[i].v.i64 < -INT64_MAX + 2))
            return lb_fail(err, LB_ERR_INVALID, "give a time between the years 1 and 9999",
                           "%s: an infinite time cannot be asked for", sql->statement->name);
    return 0;
}

int run_ask_sql(run_state *run, const lb_statement *statement, const lb_value *args, const lb_sql **ret_sql,
                lb_error *err)
{
    int r = run_check_stop(run, err);
    if (r >= 0)
        r = compose(statement, args, 0, run->memory, ret_sql, err);
    return r < 0 ? r : check_times(*ret_sql, err);
}

static void put_question(const void *state, buf *out)
{
    question_put(out, state);
}

/* Where history lies on a warehouse that sleeps, a question may take minutes. Who has called a tool needs some time yet
 * for what follows, so that no question of the tool may take all that is left. */
static int64_t deadline_of(const run_state *run, const run_question *question)
{
    int64_t now = clock_monotonic();
    bool leaves_some = question->type == WIRE_HISTORY && run->parent && run->deadline > now;
    return leaves_some ? now + (run->deadline - now) / 2 : run->deadline;
}

int run_ask(run_state *run, const run_question *question, lb_rows **ret_rows, lb_error *err)
{
    session_pool *sessions = run->worker->sessions;
    lb_rows *rows = run_rows_new(run, question->statement);
    if (!rows)
        return lb_out_of_memory(err);
    const lb_sink sink = run_rows_sink(rows);
    const lb_command command = {.size = sizeof command,
                                .name = question->statement->name,
                                .text = question->text,
                                .read_only = true,
                                .args = question->args,
                                .deadline = deadline_of(run, question)};
    asking a = {.run = run, .question = question, .number = ++run->worker->questions};
    int r = question->is_live
                ? ask_supervisor(&a, &command, &sink, err)
                : session_history(sessions, &run->request->target, &command, &sink, ask_supervisor, &a, err);
    if (r < 0)
        return r;
    *ret_rows = rows;
    return 0;
}

int run_history(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows, lb_error *err)
{
    run_state *run = run_of(ctx);
    const lb_sql *sql = NULL;
    if (statement->kind != LB_STATEMENT_HISTORY)
        return lb_fail(err, LB_ERR_INVALID, "lb_query and groups of changes are for servers",
                       "%s is no question to the history", statement->name);
    int r = run_ask_sql(run, statement, args, &sql, err);
    if (r < 0)
        return r;
    const run_question question = {.type = WIRE_HISTORY,
                                   .statement = statement,
                                   .args = args,
                                   .text = sql->text,
                                   .put = put_question,
                                   .state = sql};
    return run_ask(run, &question, ret_rows, err);
}
