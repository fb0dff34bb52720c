/* Plans of statements that people have written: parsed first, so that only a statement about rows gets to the server,
 * and asked for in a session that only reads. */
#include "run_state.h"

#include "compose.h"
#include "effect_script.h"
#include "explain_repair.h"

#include <lbops/sqltext.h>
#include <sql/host/explain.h>
#include <sql/host/explain_analyze.h>
#include <sql/host/explain_forget.h>
#include <sql/host/explain_generic.h>
#include <sql/host/explain_generic_end.h>
#include <sql/host/explain_prepare.h>
#include <sql/host/explain_prepared.h>
#include <sql/host/explain_value.h>

#define STATEMENT  "host/explain"
#define PARAMETERS 1000 /* that a text may have */

typedef struct explaining {
    run_state *run;
    const lb_explain_wish *wish;
    const char *text; /* the statement alone, without comments */
    int64_t parameters, deadline;
    int server_major;
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
    char *text = arena_strdup(e->run->memory, e->wish->text);
    if (!text)
        return lb_out_of_memory(err);
    lb_sql_blank_comments(text); /* before it is judged: the server is asked what was judged, to the letter */
    int r = script_parse(text, e->run->memory, &s, &place, err);
    if (r < 0)
        return r;
    if (s.count != 1)
        return lb_fail(err, LB_ERR_INVALID, "give one", "there are %zu statements to explain", s.count);
    if (!is_about_rows(s.items[0].node))
        return lb_fail(err, LB_ERR_INVALID, "give a SELECT, INSERT, UPDATE, DELETE or MERGE",
                       "only statements about rows have a plan");
    const char *alone = s.items[0].text;
    e->text = alone;
    e->parameters = count_parameters(s.items[0].node);
    r = e->parameters ? explain_repair(alone, s.items[0].node, s.items[0].range.offset, e->run->memory, &e->text, err)
                      : 0;
    if (r < 0)
        return r;
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
static int ask(explaining *e, const char *step, const lb_statement *statement, const lb_value *args, lb_error *err)
{
    const lb_sql *sql = NULL;
    const lb_sink sink = {.size = sizeof sink, .state = e, .columns = take_columns, .row = take_row};
    int r = compose(statement, args, e->server_major, e->run->memory, &sql, err);
    if (r < 0)
        return r;
    const lb_command command = {
        .size = sizeof command,
        .name = STATEMENT,
        .text = sql->text,
        .read_only = true,
        .args = LB_ARGS(lb_text("text", e->text), lb_bool("analyze", e->wish->analyze), lb_text("step", step)),
        .deadline = e->deadline,
        .brief = run_looks_only(e->run)};
    int64_t affected = -1;
    return session_execute(e->run->session, &command, &sink, &affected, err);
}

static int ask_plainly(explaining *e, lb_error *err)
{
    return ask(e, "plan", e->wish->analyze ? &host_explain_analyze_sql : &host_explain_sql,
               LB_ARGS(lb_definition("statement", e->text)), err);
}

/* Its parameters stay unknown: one NULL for each. */
static int ask_with_unknowns(explaining *e, lb_error *err)
{
    const lb_sql *unknown = NULL;
    lb_value *values = arena_alloc(e->run->memory, (size_t)e->parameters * sizeof *values);
    if (!values)
        return lb_out_of_memory(err);
    int r = compose(&host_explain_value_sql, LB_NO_ARGS, e->server_major, e->run->memory, &unknown, err);
    for (int64_t i = 0; i < e->parameters && r >= 0; i++)
        values[i] = lb_sql_value(NULL, unknown);
    return r < 0 ? r
                 : ask(e, "plan", &host_explain_prepared_sql,
                       LB_ARGS(lb_list("values", LB_SQL, values, (size_t)e->parameters)), err);
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
    int r = ask(e, "begin", &host_explain_generic_sql, LB_NO_ARGS, err);
    if (r < 0)
        return r;
    r = ask(e, "prepare", &host_explain_prepare_sql, LB_ARGS(lb_definition("statement", e->text)), err);
    if (r >= 0) {
        r = ask_with_unknowns(e, err);
        int end = ask(e, "forget", &host_explain_forget_sql, LB_NO_ARGS, r < 0 ? &ignored : err);
        r = r < 0 ? r : end;
    }
    int end = ask(e, "end", &host_explain_generic_end_sql, LB_NO_ARGS, r < 0 ? &ignored : err);
    return r < 0 ? r : end;
}

static int ask_server(explaining *e, lb_error *err)
{
    int r = run_session(e->run, err);
    if (r >= 0)
        r = session_server_version(e->run->session, &e->server_major, err);
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
