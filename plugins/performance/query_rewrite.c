/* Another way to write a statement: a rule's, or one that somebody offers. Nobody is believed: it is executed on a
 * branch beside the statement, and what could not be is marked. */
#include "amount.h"
#include "parsed.h"
#include "query_evidence.h"
#include "query_splice.h"
#include "query_values.h"

#include <sql/query/not_exists.h>

#define FASTER 0.9 /* of the time: less is the machine's noise */

typedef struct rewrite {
    const char *text;
    const char *what;   /* "with NOT EXISTS in place of NOT IN" */
    const char *except; /* where the two mean something else, whatever rows there are now; or NULL */
    bool is_offered;
    const char *why_not; /* it is not proven; NULL: it is */
    bool is_refuted;
    double rows, ms, ms_after, sets_of_values; /* 0: it has no parameters */
    bool has_guessed_values;
} rewrite;

/* ---- the rule ---- */

static const char *part(lb_ctx *ctx, const char *text, query_span span)
{
    return lb_printf(ctx, "%.*s", (int)span.length, text + span.from);
}

/* NULL: there is nothing that the rule knows to write in another way. */
static int write_not_exists(query_evidence *e, const char **ret_text, lb_error *err)
{
    query_not_in found;
    const lb_sql *condition = NULL;
    const char *text = query_bare_text(e->ctx, e->text);
    if (!text)
        return lb_out_of_memory(err);
    if (!query_find_not_in(text, &found))
        return 0;
    const query_not_exists_args args = {.subquery = part(e->ctx, text, found.subquery),
                                        .operand = part(e->ctx, text, found.operand)};
    if (!args.subquery || !args.operand)
        return lb_out_of_memory(err);
    int r = query_not_exists_compose(e->ctx, &args, &condition, err);
    if (r == LB_ERR_INVALID)
        return 0; /* something in it that is better left alone */
    if (r < 0)
        return r;
    *ret_text = lb_printf(e->ctx, "%.*s%s%s", (int)found.whole.from, text, lb_sql_text(e->ctx, condition),
                          text + found.whole.from + found.whole.length);
    return *ret_text ? 0 : lb_out_of_memory(err);
}

/* ---- the proof ---- */

/* NULL: nothing speaks against it. */
static const char *judge(const query_evidence *e, rewrite *w, struct json_object *proof)
{
    const char *error = json_object_get_string(parsed_member(proof, "error"));
    int64_t missing = parsed_number(proof, "rows_missing"), added = parsed_number(proof, "rows_added");
    if (error)
        return lb_printf(e->ctx, "on a branch it could not be executed: %s", error);
    w->rows = (double)parsed_number(proof, "rows");
    w->ms = json_object_get_double(parsed_member(proof, "ms"));
    w->ms_after = json_object_get_double(parsed_member(proof, "ms_of_rewrite"));
    w->sets_of_values = (double)parsed_number(proof, "sets_of_values");
    w->has_guessed_values = parsed_is(proof, "has_guessed_values");
    if (parsed_is(proof, "is_unsteady"))
        return "the statement itself returns other rows each time";
    if (!missing && !added && !parsed_is(proof, "is_order_seen"))
        return "it returns the same rows in another order, and what they are sorted by is not among their columns";
    if (!missing && !added && w->sets_of_values > 0 && w->rows < 1)
        return "with the values that were found neither of them returns a row";
    w->is_refuted = true;
    if (missing || added)
        return lb_printf(e->ctx, "it returns other rows: %lld are missing, %lld are new", (long long)missing,
                         (long long)added);
    if (!parsed_is(proof, "is_in_order"))
        return "it returns the same rows in another order";
    if (w->ms_after > FASTER * w->ms)
        return lb_printf(e->ctx, "it returns the same rows, but not sooner: %s ms in place of %s ms",
                         query_number(e->ctx, w->ms_after), query_number(e->ctx, w->ms));
    w->is_refuted = false;
    return NULL;
}

static int prove(query_evidence *e, rewrite *w, lb_error *err)
{
    const char *json = NULL;
    if (!e->trial.is_wanted) {
        w->why_not = "no branch was asked for to try it on";
        return 0;
    }
    query_shape shape = query_read_shape(w->text);
    if (shape.parses && !shape.only_reads) {
        w->why_not = "it does not only read";
        return 0;
    }
    int r =
        index_trial_call(&e->trial, QUERY_REWRITE_TOOL,
                         LB_ARGS(lb_text("original", e->text), lb_text("rewrite", w->text)), &json, &w->why_not, err);
    if (r < 0 || !json)
        return r;
    struct json_object *proof = json_tokener_parse(json);
    w->why_not = judge(e, w, proof);
    (void)json_object_put(proof);
    return 0;
}

/* ---- what is told ---- */

/* "on a branch, with 4 sets of values, ..." */
static const char *say_where(lb_ctx *ctx, const rewrite *w)
{
    return w->sets_of_values > 0 ? lb_printf(ctx, "on a branch, with %s of values for its parameters%s,",
                                             amount_text(ctx, w->sets_of_values, "set", "sets"),
                                             w->has_guessed_values ? ", some of them made up" : "")
                                 : "on a branch,";
}

static int add_remark(query_evidence *e, const rewrite *w, lb_error *err)
{
    lb_ctx *ctx = e->ctx;
    query_remark *r = query_add_remark(e, "rewrite", w->why_not ? 4.5 : 9.5);
    if (!r)
        return 0;
    r->sql = w->text;
    r->says = !w->why_not
                  ? lb_printf(ctx, "written %s it returned the same %s rows %s in %s ms in place of %s ms%s%s", w->what,
                              query_number(ctx, w->rows), say_where(ctx, w), query_number(ctx, w->ms_after),
                              query_number(ctx, w->ms), w->except ? "; " : "", w->except ? w->except : "")
                  : lb_printf(ctx, "written %s it %s: %s", w->what,
                              w->is_refuted ? "is no better" : "may be faster, which nobody has proven", w->why_not);
    query_add_fact(r, lb_bool("is_proven", !w->why_not));
    query_add_fact(r, w->why_not ? lb_text("not_proven", w->why_not) : lb_null("not_proven"));
    if (w->ms > 0) {
        query_add_fact(r, lb_f64("rows_compared", w->rows));
        query_add_fact(r, lb_f64("sets_of_values", w->sets_of_values));
        query_add_fact(r, lb_f64("ms_now", w->ms));
        query_add_fact(r, lb_f64("ms_with_it", w->ms_after));
    }
    query_add_term(r, "same_rows_sooner", w->why_not ? 0 : 0.4);
    return r->says ? 0 : lb_out_of_memory(err);
}

static int look_at(query_evidence *e, rewrite *w, lb_error *err)
{
    int r = prove(e, w, err);
    if (r < 0)
        return r;
    return w->is_refuted && !w->is_offered /* nobody asked, and it is of no use */
               ? lb_skipped(e->ctx, e->label, lb_printf(e->ctx, "written %s: %s", w->what, w->why_not), err)
               : add_remark(e, w, err);
}

int query_propose_rewrite(query_evidence *e, const char *offered, lb_error *err)
{
    rewrite rule = {.what = "with NOT EXISTS in place of NOT IN",
                    .except = "where one of the two sides is null they differ: NOT IN then leaves the row out"};
    rewrite other = {.text = offered, .what = "as it was offered", .is_offered = true};
    if (!e->shape.only_reads)
        return offered ? lb_skipped(e->ctx, e->label, "a rewrite can be compared where a statement only reads", err)
                       : 0;
    int r = write_not_exists(e, &rule.text, err);
    if (r >= 0 && rule.text)
        r = look_at(e, &rule, err);
    if (r >= 0 && offered)
        r = look_at(e, &other, err);
    return r;
}
