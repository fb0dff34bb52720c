#include "index_load_read.h"

#include "parsed.h"
#include "replay_text.h"

#include <sql/index/volatile_functions.h>

#define FUNCTIONS 32 /* of one statement */

bool load_ends(lb_ctx *ctx, int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY || r == LB_ERR_SUSPENDED ||
           lb_cancelled(ctx) || (r == LB_ERR_TIMEOUT && lb_time_left(ctx) == 0);
}

static void release(void *document)
{
    parsed_free(document);
}

int load_read_statements(lb_ctx *ctx, const char *json, load_statement **ret_items, size_t *ret_count, lb_error *err)
{
    parsed *list = json_tokener_parse(json);
    int r = lb_defer(ctx, release, list);
    size_t count = parsed_length(list);
    load_statement *items = *ret_items = lb_alloc(ctx, (count + 1) * sizeof *items);
    *ret_count = count;
    if (r < 0 || !items)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        parsed *one = parsed_item(list, i), *calls = parsed_member(one, "calls");
        const index_load_one told = {.query_id = parsed_text(one, "query_id"),
                                     .calls = calls ? json_object_get_double(calls) : 1,
                                     .before = -1,
                                     .after = -1};
        items[i] = (load_statement){.one = told, .text = parsed_text(one, "query")};
    }
    return 0;
}

/* ---- plans ---- */

static parsed *plan_of(parsed *plans)
{
    return parsed_member(parsed_item(plans, 0), "Plan");
}

static bool plan_reads(parsed *plan, const index_table *table)
{
    parsed *inner = parsed_member(plan, "Plans");
    bool found = strcmp(parsed_text(plan, "Relation Name"), table->r.name) == 0 &&
                 strcmp(parsed_text(plan, "Schema"), table->r.schema) == 0;
    for (size_t i = 0; !found && i < parsed_length(inner); i++)
        found = plan_reads(parsed_item(inner, i), table);
    return found;
}

static const char *add_shape(lb_ctx *ctx, const char *so_far, parsed *plan)
{
    parsed *inner = parsed_member(plan, "Plans");
    so_far = lb_printf(ctx, "%s(%s %s.%s %s", so_far, parsed_text(plan, "Node Type"), parsed_text(plan, "Schema"),
                       parsed_text(plan, "Relation Name"), parsed_text(plan, "Index Name"));
    for (size_t i = 0; so_far && i < parsed_length(inner); i++)
        so_far = add_shape(ctx, so_far, parsed_item(inner, i));
    return so_far ? lb_printf(ctx, "%s)", so_far) : NULL;
}

int load_plan_shape(lb_ctx *ctx, const char *text, const char **ret_shape, lb_error *err)
{
    const char *json = NULL;
    *ret_shape = NULL;
    int r = lb_explain(ctx, LB_EXPLAIN(.text = text), &json, err);
    if (r < 0)
        return load_ends(ctx, r) ? r : 0;
    parsed *plans = json_tokener_parse(json);
    *ret_shape = add_shape(ctx, "", plan_of(plans));
    parsed_free(plans);
    return *ret_shape ? 0 : lb_out_of_memory(err);
}

double load_plan_ms(const char *json)
{
    parsed *plans = json_tokener_parse(json), *time = parsed_member(parsed_item(plans, 0), "Execution Time");
    double ms = time ? json_object_get_double(time) : -1;
    parsed_free(plans);
    return ms;
}

/* ---- which table ---- */

static bool is_table(parsed *found, void *arg)
{
    const index_table *table = arg;
    const char *schema = parsed_text(found, "schemaname");
    return strcmp(parsed_text(found, "relname"), table->r.name) == 0 &&
           (!*schema || strcmp(schema, table->r.schema) == 0);
}

static int ask_plan(lb_ctx *ctx, load_statement *s, lb_error *err)
{
    if (s->plan)
        return 0;
    int r = lb_explain(ctx, LB_EXPLAIN(.text = s->text), &s->plan, err);
    if (r < 0)
        s->plan = "";
    return r < 0 && load_ends(ctx, r) ? r : 0;
}

int load_reads(lb_ctx *ctx, load_statement *s, const index_table *table, bool *ret_reads, lb_error *err)
{
    index_table same = *table;
    int r = s->is_typed ? 0 : load_say_types(ctx, &s->text, err);
    if (r < 0)
        return r;
    s->is_typed = true;
    parsed *tree = parsed_sql(s->text);
    *ret_reads = parsed_find(tree, "RangeVar", is_table, &same) != NULL;
    parsed_free(tree);
    if (*ret_reads)
        return 0;
    r = ask_plan(ctx, s, err);
    parsed *plans = r < 0 ? NULL : json_tokener_parse(s->plan);
    *ret_reads = plan_reads(plan_of(plans), table);
    parsed_free(plans);
    return r;
}

/* ---- what can be executed ---- */

typedef struct called {
    const char *names[FUNCTIONS];
    size_t count;
} called;

/* Fits none, so that all are seen. */
static bool note_function(parsed *found, void *arg)
{
    called *c = arg;
    parsed *name = parsed_member(found, "funcname");
    parsed *last = parsed_member(parsed_item(name, parsed_length(name) - 1), "String");
    if (c->count < FUNCTIONS)
        c->names[c->count++] = parsed_text(last, "sval");
    return false;
}

static int refuse_volatile(lb_ctx *ctx, load_statement *s, lb_error *err)
{
    called c = {.count = 0};
    index_volatile_functions_row row;
    lb_rows *rows = NULL;
    parsed *tree = parsed_sql(s->text);
    (void)parsed_find(tree, "FuncCall", note_function, &c);
    const index_volatile_functions_args args = {.names = {.items = c.names, .count = c.count}};
    int r = c.count ? index_volatile_functions(ctx, &args, &rows, err) : 0;
    bool found = r >= 0 && c.count && index_volatile_functions_next(ctx, rows, &row);
    parsed_free(tree);
    if (!found)
        return r;
    s->one.why = lb_printf(ctx, "it calls %s(), which is volatile", row.name);
    return s->one.why ? 0 : lb_out_of_memory(err);
}

static int refuse_text(lb_ctx *ctx, load_statement *s, lb_error *err)
{
    replay_text *read = lb_alloc(ctx, sizeof *read);
    if (!read)
        return lb_out_of_memory(err);
    int r = replay_read(ctx, s->text, read, err);
    if (r < 0 && r != LB_ERR_INVALID)
        return r;
    if (r < 0)
        s->one.why = "its text does not parse, or is not one statement about rows";
    else if (!read->only_reads)
        s->one.why = "it does not only read";
    return s->one.why ? 0 : refuse_volatile(ctx, s, err);
}

static int take_values(lb_ctx *ctx, load_statement *s, lb_error *err)
{
    query_pair pairs[QUERY_PAIRS];
    size_t count = 0;
    int r = query_make_pairs(ctx, s->text, s->text, pairs, &count, err);
    if (r < 0 && load_ends(ctx, r))
        return r;
    if (r < 0) {
        s->one.why = lb_printf(ctx, "no values are known for it: %s", err->message);
        return s->one.why ? 0 : lb_out_of_memory(err);
    }
    for (size_t i = 0; i < count && s->set_count < LOAD_SETS; i++)
        if (!pairs[i].is_guessed)
            s->sets[s->set_count++] = pairs[i].original;
    if (!s->set_count)
        s->one.why = "no values are known for its parameters";
    return 0;
}

int load_prepare(lb_ctx *ctx, load_statement *s, lb_error *err)
{
    if (s->is_prepared)
        return 0;
    s->is_prepared = true;
    int r = refuse_text(ctx, s, err);
    return r < 0 || s->one.why ? r : take_values(ctx, s, err);
}
