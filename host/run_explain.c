/* Plans of statements that people have written: parsed first, so that only a statement about rows gets to the server,
 * and asked for in a session that only reads. */
#include "run_state.h"

#include "effect_script.h"

#define STATEMENT  "host/explain"
#define PARAMETERS 1000 /* that a text may have */

typedef struct explaining {
    run_state *run;
    const lb_explain_wish *wish;
    const char *text; /* the statement alone */
    int64_t parameters, deadline;
    const char *plan;
} explaining;

/* ---- what may be asked ---- */

static bool is_about_rows(tree node)
{
    static const char *const kinds[] = {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"};
    for (size_t i = 0; i < LB_COUNT(kinds); i++) {
        tree statement = tree_node(node, kinds[i]);
        if (tree_has(statement))
            return !tree_has(tree_get(statement, "intoClause"));
    }
    return false;
}

/* The highest n of its $n. */
static int64_t count_parameters(tree node)
{
    char key[32];
    int64_t most = 0;
    tree value;
    const char *end = tree_end(node);
    for (const char *at = node.at; tree_next_key(at, end, key, sizeof key, &value); at = value.at) {
        int64_t number = strcmp(key, "ParamRef") == 0 ? tree_number(tree_get(value, "number")) : 0;
        most = number > most ? number : most;
    }
    return most;
}

static int check_execution(const explaining *e, const script_statement *s, lb_error *err)
{
    effect_verdict verdict;
    if (e->run->request->target.branch_class != LB_BRANCH_THROWAWAY)
        return lb_fail(err, LB_ERR_DENIED, "take a branch that is thrown away, or the plan alone",
                       "a statement of unknown cost is executed on throwaway branches only");
    if (e->parameters)
        return lb_fail(err, LB_ERR_DENIED, "write values in place of $1 ...",
                       "it has %lld parameters and no values to execute it with", (long long)e->parameters);
    int r = effect_of_statement(s->node, s->text, strlen(s->text), &verdict, err);
    if (r >= 0 && verdict.effect != EFFECT_READ)
        return lb_fail(err, LB_ERR_DENIED, "ask for the plan alone", "it does not only read: it %s", verdict.why);
    return r;
}

static int look_at(explaining *e, lb_error *err)
{
    script s;
    script_place place;
    if (!e->wish->text)
        return lb_fail(err, LB_ERR_INVALID, "fill .text", "there is no statement to explain");
    const char *text = arena_strdup(e->run->memory, e->wish->text);
    if (!text)
        return lb_out_of_memory(err);
    int r = script_parse(text, e->run->memory, &s, &place, err);
    if (r < 0)
        return r;
    if (s.count != 1)
        return lb_fail(err, LB_ERR_INVALID, "give one", "there are %zu statements to explain", s.count);
    if (!is_about_rows(s.items[0].node))
        return lb_fail(err, LB_ERR_INVALID, "give a SELECT, INSERT, UPDATE, DELETE or MERGE",
                       "only statements about rows have a plan");
    e->text = s.items[0].text;
    e->parameters = count_parameters(s.items[0].node);
    return e->wish->analyze ? check_execution(e, &s.items[0], err) : 0;
}

/* ---- asking ---- */

static int take_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state;
    (void)count;
    (void)names; /* the server's word for it */
    (void)err;
    return 0;
}

static int take_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    explaining *e = state;
    e->plan = arena_strdup(e->run->memory, count && cells[0] ? cells[0] : "null");
    return e->plan ? 0 : lb_out_of_memory(err);
}

/* All steps have one name, so that a fixture for the plan serves them all. */
static int ask(explaining *e, const char *step, const char *text, lb_error *err)
{
    const lb_sink sink = {.size = sizeof sink, .state = e, .columns = take_columns, .row = take_row};
    const lb_command command = {
        .size = sizeof command,
        .name = STATEMENT,
        .text = text,
        .read_only = true,
        .args = LB_ARGS(lb_text("text", e->text), lb_bool("analyze", e->wish->analyze), lb_text("step", step)),
        .deadline = e->deadline};
    int64_t affected = -1;
    return text ? session_execute(e->run->session, &command, &sink, &affected, err) : lb_out_of_memory(err);
}

static int ask_plainly(explaining *e, lb_error *err)
{
    const char *more = e->wish->analyze ? ", ANALYZE, BUFFERS" : "";
    return ask(e, "plan", arena_printf(e->run->memory, "EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS%s) %s", more, e->text),
               err);
}

static const char *execute_text(const explaining *e)
{
    BUF_AUTO b = BUF_INIT(1 << 16);
    buf_puts(&b, "EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS) EXECUTE lbops_explain(");
    for (int64_t i = 0; i < e->parameters; i++)
        buf_puts(&b, i ? ", NULL" : "NULL");
    buf_puts(&b, ")");
    return b.overflow ? NULL : arena_strdup(e->run->memory, buf_text(&b));
}

/* The plan for any values is that of a prepared statement, on every version (GENERIC_PLAN, which 16 brought, cannot be
 * asked for where values travel apart). The session serves this run to its end and no other, in case that what was set
 * does not come off again. */
static int ask_prepared(explaining *e, lb_error *err)
{
    if (e->parameters > PARAMETERS)
        return lb_fail(err, LB_ERR_LIMIT, NULL, "it has %lld parameters, too many to explain",
                       (long long)e->parameters);
    lb_error ignored;
    session_spend(e->run->session);
    int r = ask(e, "begin", "SET plan_cache_mode TO force_generic_plan", err);
    if (r < 0)
        return r;
    r = ask(e, "prepare", arena_printf(e->run->memory, "PREPARE lbops_explain AS %s", e->text), err);
    if (r >= 0) {
        r = ask(e, "plan", execute_text(e), err);
        int end = ask(e, "forget", "DEALLOCATE lbops_explain", r < 0 ? &ignored : err);
        r = r < 0 ? r : end;
    }
    int end = ask(e, "end", "RESET plan_cache_mode", r < 0 ? &ignored : err);
    return r < 0 ? r : end;
}

static int ask_server(explaining *e, lb_error *err)
{
    int r = run_session(e->run, err);
    if (r < 0)
        return r;
    return e->parameters ? ask_prepared(e, err) : ask_plainly(e, err);
}

int run_explain(lb_ctx *ctx, const lb_explain_wish *wish, const char **ret_json, lb_error *err)
{
    run_state *run = run_of(ctx);
    explaining e = {.run = run, .wish = wish, .deadline = run->deadline};
    int r = run_check_stop(run, err);
    if (r >= 0)
        r = look_at(&e, err);
    if (r < 0)
        return r;
    if (wish->analyze && wish->timeout_ms > 0 && wish->timeout_ms < (run->deadline - clock_monotonic()) / 1000)
        e.deadline = clock_monotonic() + wish->timeout_ms * 1000;
    r = ask_server(&e, err);
    if (r == LB_ERR_UNREACHABLE && run->session) {
        bool was_kept = run->session_is_kept; /* it may have died while it idled */
        session_discard(run->session);
        run->session = NULL;
        r = was_kept ? ask_server(&e, err) : r;
    }
    if (r < 0)
        return lb_wrap(err, "explain");
    if (!e.plan)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server explained nothing");
    *ret_json = e.plan;
    return 0;
}
