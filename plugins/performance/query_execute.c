/* The plan of a statement as it was executed, where that harms nobody: on this branch where it is thrown away anyway,
 * otherwise on one that is made for it. What could not be has its reason, and the plan for any values stays. */
#include "parsed.h"
#include "query_evidence.h"
#include "query_values.h"

#include <lbops/sqltext.h>

static bool is_fatal(int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY || r == LB_ERR_SUSPENDED;
}

/* ---- values of others ---- */

static bool is_literal(const char *at, const char *begin)
{
    bool is_parameter = at > begin && at[-1] == '$';
    return *at == '\'' || (*at >= '0' && *at <= '9' && !is_parameter);
}

/* The condition with a question mark for each value that is not one of the statement's own text: they are the table's,
 * or somebody's. NULL: out of memory. */
static const char *without_values(lb_ctx *ctx, const char *condition, const char *text)
{
    const char *kept = "", *from = condition;
    for (const char *p = condition, *next; kept && *p; p = next) {
        next = lb_sql_skip(p);
        if (!next)
            return "?"; /* it does not end: nobody can say what is a value in it */
        const char *piece = is_literal(p, condition) ? lb_printf(ctx, "%.*s", (int)(next - p), p) : NULL;
        if (!piece || strstr(text, piece))
            continue;
        kept = lb_printf(ctx, "%s%.*s?", kept, (int)(p - from), from);
        from = next;
    }
    return kept ? lb_printf(ctx, "%s%s", kept, from) : NULL;
}

/* What is called something, or set, is no value of a table. */
static bool is_name(const char *key)
{
    static const char *const names[] = {"Node Type",       "Relation Name", "Schema",        "Alias",
                                        "Index Name",      "CTE Name",      "Function Name", "Table Function Name",
                                        "Tuplestore Name", "Subplan Name",  "Settings"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(key, names[i]) == 0)
            return true;
    return false;
}

static int hide_values(query_evidence *e, struct json_object *at, lb_error *err);

/* NULL in *ret_text: it is no text, and what is in it was seen to. */
static int hide_in(query_evidence *e, struct json_object *value, struct json_object **ret_text, lb_error *err)
{
    *ret_text = NULL;
    if (!json_object_is_type(value, json_type_string))
        return hide_values(e, value, err);
    const char *text = without_values(e->ctx, json_object_get_string(value), e->text);
    *ret_text = text ? json_object_new_string(text) : NULL;
    return *ret_text ? 0 : lb_out_of_memory(err);
}

/* In all conditions and expressions of a plan. */
static int hide_values(query_evidence *e, struct json_object *at, lb_error *err)
{
    struct json_object *text = NULL;
    int r = 0;
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(at) && r >= 0; i++) {
            r = hide_in(e, json_object_array_get_idx(at, i), &text, err);
            if (text && json_object_array_put_idx(at, i, text) < 0)
                r = lb_out_of_memory(err);
        }
    } else if (json_object_is_type(at, json_type_object)) {
        json_object_object_foreach(at, key, value)
        {
            text = NULL;
            if (r >= 0 && !is_name(key))
                r = hide_in(e, value, &text, err);
            if (text && json_object_object_add(at, key, text) < 0)
                r = lb_out_of_memory(err);
        }
    }
    return r;
}

/* ---- asking ---- */

static int take(query_evidence *e, struct json_object *document, lb_error *err)
{
    const char *error = json_object_get_string(parsed_member(document, "error"));
    struct json_object *plan = parsed_member(document, "plan"), *values = parsed_member(document, "values");
    query_plan executed = {0};
    if (error || !plan) {
        e->not_executed = lb_printf(e->ctx, "%s", error ? error : "there was no answer");
        return e->not_executed ? 0 : lb_out_of_memory(err);
    }
    int r = values ? hide_values(e, plan, err) : 0;
    if (r < 0)
        return r;
    const char *json = lb_printf(e->ctx, "%s", json_object_to_json_string(plan));
    e->values = values ? lb_printf(e->ctx, "%s", json_object_to_json_string(values)) : NULL;
    if (!json || (values && !e->values))
        return lb_out_of_memory(err);
    r = query_read_plan(e->ctx, json, &executed, err);
    if (r < 0)
        return r;
    e->generic_json = values ? e->plan_json : NULL;
    e->plan_json = json;
    e->plan = executed;
    e->has_made_up_values = parsed_is(document, "has_made_up_values");
    return 0;
}

/* *ret_json NULL: it could not be, for the reason in e->not_executed. */
static int ask(query_evidence *e, const lb_value *args, const char **ret_json, lb_error *err)
{
    lb_error why;
    if (lb_run_target(e->ctx)->branch_class != LB_BRANCH_THROWAWAY)
        return index_trial_call(&e->trial, QUERY_EXECUTE_TOOL, args, ret_json, &e->not_executed, err);
    *ret_json = NULL;
    int r = lb_call(e->ctx, QUERY_EXECUTE_TOOL, NULL, args, ret_json, &why);
    if (r >= 0)
        return 0;
    *ret_json = NULL; /* of a run that failed */
    if (is_fatal(r) || lb_cancelled(e->ctx)) {
        *err = why;
        return r;
    }
    e->not_executed = lb_printf(e->ctx, "%s", why.message);
    return e->not_executed ? 0 : lb_out_of_memory(err);
}

int query_execute(query_evidence *e, const query_wish *wish, lb_error *err)
{
    const char *json = NULL;
    if (!wish->analyze || !e->plan_json)
        return 0; /* why it has no plan has been said */
    if (!e->shape.only_reads) {
        e->not_executed = "it does not only read";
        return 0;
    }
    lb_value *values = lb_alloc(e->ctx, (wish->values.count + 1) * sizeof *values);
    if (!values)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < wish->values.count; i++)
        values[i] = lb_text(NULL, wish->values.items[i]);
    int r = ask(e,
                LB_ARGS(lb_text("query", e->text), lb_list("values", LB_TEXT, values, wish->values.count),
                        lb_i64("timeout_ms", wish->timeout_ms)),
                &json, err);
    if (r < 0 || !json)
        return r;
    struct json_object *document = json_tokener_parse(json);
    r = take(e, document, err);
    (void)json_object_put(document);
    return r;
}

int query_say_execution(query_evidence *e, lb_error *err)
{
    return e->not_executed
               ? lb_skipped(e->ctx, e->label, lb_printf(e->ctx, "it was not executed: %s", e->not_executed), err)
               : 0;
}

lb_value query_tell_values(const query_evidence *e)
{
    return e->values ? lb_json("values", e->values) : lb_null("values");
}
