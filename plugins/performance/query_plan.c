#include "query_plan.h"

#include <json-c/json.h>

#define EARLY   0.8  /* of the cost of its input, that a limit leaves at most where it ends it early */
#define AWAITED (-2) /* a parent that is read after what it takes its rows from */

typedef struct reading {
    lb_ctx *ctx;
    query_plan *plan;
    bool is_full, is_out_of_memory;
} reading;

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, name, &found) ? found : NULL;
}

/* The document goes when it has been read. NULL: there is none. */
static const char *text_of(reading *r, struct json_object *from, const char *name)
{
    struct json_object *found = member(from, name);
    if (!json_object_is_type(found, json_type_string))
        return NULL;
    const char *copy = lb_printf(r->ctx, "%s", json_object_get_string(found));
    r->is_out_of_memory = r->is_out_of_memory || !copy;
    return copy;
}

static double number_of(struct json_object *from, const char *name)
{
    return json_object_get_double(member(from, name)); /* 0 where there is none */
}

static const char *list_of(reading *r, struct json_object *from, const char *name)
{
    struct json_object *list = member(from, name);
    const char *text = NULL;
    if (!json_object_is_type(list, json_type_array))
        return NULL;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *one = json_object_get_string(json_object_array_get_idx(list, i));
        text = text ? lb_printf(r->ctx, "%s, %s", text, one) : lb_printf(r->ctx, "%s", one);
        r->is_out_of_memory = r->is_out_of_memory || !text;
    }
    return text;
}

static const char *first_of(reading *r, struct json_object *from, const char *const *names)
{
    const char *text = NULL;
    for (; *names && !text; names++)
        text = text_of(r, from, *names);
    return text;
}

static double disk_of(reading *r, struct json_object *node)
{
    const char *kind = text_of(r, node, "Sort Space Type");
    if (kind && strcmp(kind, "Disk") == 0)
        return number_of(node, "Sort Space Used");
    return number_of(node, "Disk Usage"); /* of aggregates and hashes */
}

static query_step read_step(reading *r, struct json_object *node)
{
    static const char *const finds[] = {"Index Cond", "Hash Cond", "Merge Cond", "Recheck Cond", "TID Cond", NULL};
    static const char *const filters[] = {"Filter", "Join Filter", NULL};
    query_step s = {.parent = -1, .inputs = {-1, -1}};
    s.type = text_of(r, node, "Node Type");
    s.schema = text_of(r, node, "Schema");
    s.name = text_of(r, node, "Relation Name");
    s.index = text_of(r, node, "Index Name");
    s.filter = first_of(r, node, filters);
    s.by = first_of(r, node, finds);
    s.sort_keys = list_of(r, node, "Sort Key");
    s.own_cost = s.cost = number_of(node, "Total Cost");
    s.rows = number_of(node, "Plan Rows");
    s.width = number_of(node, "Plan Width");
    s.is_executed = member(node, "Actual Rows") != NULL;
    s.actual_rows = number_of(node, "Actual Rows");
    s.loops = number_of(node, "Actual Loops");
    s.ms = number_of(node, "Actual Total Time");
    s.removed = number_of(node, "Rows Removed by Filter") + number_of(node, "Rows Removed by Join Filter");
    s.disk_kb = disk_of(r, node);
    s.heap_fetches = number_of(node, "Heap Fetches");
    s.exact_blocks = number_of(node, "Exact Heap Blocks");
    s.lossy_blocks = number_of(node, "Lossy Heap Blocks");
    s.workers_planned = number_of(node, "Workers Planned");
    s.workers_launched = number_of(node, "Workers Launched");
    return s;
}

/* Its inputs first. Its place, or -1. */
static int add_step(reading *r, struct json_object *node)
{
    int inputs[2] = {-1, -1}, first = (int)r->plan->count;
    size_t used = 0;
    struct json_object *below = member(node, "Plans");
    query_step s = read_step(r, node);
    for (size_t i = 0; json_object_is_type(below, json_type_array) && i < json_object_array_length(below); i++) {
        int place = add_step(r, json_object_array_get_idx(below, i));
        const char *role = text_of(r, json_object_array_get_idx(below, i), "Parent Relationship");
        bool is_input = role && (strcmp(role, "Outer") == 0 || strcmp(role, "Inner") == 0);
        bool is_part = role && (strcmp(role, "Member") == 0 || strcmp(role, "Subquery") == 0);
        if (place >= 0 && is_input && used < 2)
            inputs[used++] = place;
        if (place >= 0 && (is_input || is_part))
            r->plan->steps[place].parent = AWAITED;
        if (place >= 0)
            s.own_cost -= r->plan->steps[place].cost;
    }
    if (r->plan->count == QUERY_STEPS || !s.type) {
        r->is_full = true;
        return -1;
    }
    int own = (int)r->plan->count++;
    for (int i = first; i < own; i++)
        if (r->plan->steps[i].parent == AWAITED)
            r->plan->steps[i].parent = own;
    s.inputs[0] = inputs[0];
    s.inputs[1] = inputs[1];
    s.own_cost = s.own_cost > 0 ? s.own_cost : 0; /* a limit stops its input early */
    r->plan->steps[own] = s;
    return own;
}

static int read_document(reading *r, struct json_object *document, lb_error *err)
{
    struct json_object *first =
        json_object_is_type(document, json_type_array) ? json_object_array_get_idx(document, 0) : NULL;
    struct json_object *top = member(first, "Plan");
    r->plan->steps = lb_alloc(r->ctx, QUERY_STEPS * sizeof *r->plan->steps);
    if (!r->plan->steps)
        return lb_out_of_memory(err);
    int root = top ? add_step(r, top) : -1;
    if (r->is_out_of_memory)
        return lb_out_of_memory(err);
    if (r->is_full)
        return lb_fail(err, LB_ERR_LIMIT, NULL, "the plan has more than %d steps", QUERY_STEPS);
    if (root < 0)
        return lb_fail(err, LB_ERR_INVALID, NULL, "what EXPLAIN answered is no plan");
    r->plan->cost = r->plan->steps[root].cost;
    r->plan->execution_ms = member(first, "Execution Time") ? number_of(first, "Execution Time") : -1;
    return 0;
}

int query_read_plan(lb_ctx *ctx, const char *json, query_plan *ret_plan, lb_error *err)
{
    query_plan plan = {0};
    reading r = {.ctx = ctx, .plan = &plan};
    struct json_object *document = json_tokener_parse(json);
    int code = read_document(&r, document, err);
    (void)json_object_put(document); /* NULL is fine */
    if (code >= 0)
        *ret_plan = plan;
    return code;
}

/* ---- in words ---- */

const char *query_number(lb_ctx *ctx, double number)
{
    static const struct {
        double from;
        const char *unit;
    } units[] = {{1e9, "billion"}, {1e6, "million"}, {1e5, "thousand"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        double scale = units[i].from > 1e5 ? units[i].from : 1e3;
        if (number >= units[i].from)
            return lb_printf(ctx, "%.4g %s", number / scale, units[i].unit);
    }
    return lb_printf(ctx, number < 10 && number != (double)(int)number ? "%.1f" : "%.0f", number);
}

static bool is_plain(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(name) &&
           (*name < '0' || *name > '9');
}

static const char *quoted(lb_ctx *ctx, const char *name)
{
    char *word = is_plain(name) ? NULL : lb_alloc(ctx, 2 * strlen(name) + 3), *at = word;
    if (!word)
        return is_plain(name) ? name : NULL;
    *at++ = '"';
    for (; *name; name++) {
        if (*name == '"')
            *at++ = '"';
        *at++ = *name;
    }
    *at = '"'; /* what follows is zero */
    return word;
}

const char *query_name(lb_ctx *ctx, const char *schema, const char *name)
{
    const char *left = schema ? quoted(ctx, schema) : "", *right = quoted(ctx, name);
    return left && right ? lb_printf(ctx, "%s%s%s", left, schema ? "." : "", right) : NULL;
}

bool query_ends_early(const query_plan *plan, const query_step *s)
{
    for (int own = (int)(s - plan->steps), i = s->parent; i >= 0; own = i, i = plan->steps[i].parent) {
        const query_step *above = &plan->steps[i];
        if (own == above->inputs[1] && strcmp(above->type, "Merge Join") != 0)
            return false; /* read in full, or anew for each row of the first */
        if (strcmp(above->type, "Limit") == 0 && above->inputs[0] >= 0 &&
            above->cost <= EARLY * plan->steps[above->inputs[0]].cost)
            return true;
    }
    return false;
}

static const char *say_index_scan(lb_ctx *ctx, const query_plan *plan, const query_step *s, const char *table,
                                  const char *kept)
{
    const char *index = query_name(ctx, NULL, s->index), *word = s->is_executed ? "" : "about ";
    if (!query_asks_index_nothing(s))
        return lb_printf(ctx, "it finds rows of %s by the index %s, %s%s each time", table, index, word, kept);
    if (query_ends_early(plan, s))
        return lb_printf(ctx, "it reads rows of %s in the order of the index %s until it has enough", table, index);
    return s->filter ? lb_printf(ctx, "it goes through all of the index %s of %s and keeps %s%s rows", index, table,
                                 word, kept)
                     : lb_printf(ctx, "it goes through all of the index %s of %s, %s%s rows", index, table, word, kept);
}

static const char *say_scan(lb_ctx *ctx, const query_plan *plan, const query_step *s, double table_rows)
{
    const char *table = query_name(ctx, s->schema, s->name),
               *kept = query_number(ctx, s->is_executed ? s->actual_rows : s->rows);
    const char *all = query_number(ctx, table_rows), *word = s->is_executed ? "" : "about ";
    if (strcmp(s->type, "Seq Scan") != 0)
        return s->index ? say_index_scan(ctx, plan, s, table, kept)
                        : lb_printf(ctx, "it reads rows of %s (%s), %s%s each time", table, s->type, word, kept);
    if (!s->filter)
        return lb_printf(ctx, "it reads all of %s, %s%s rows", table, word, kept);
    return table_rows > 0 ? lb_printf(ctx, "it reads all of %s and keeps %s%s of its %s rows", table, word, kept, all)
                          : lb_printf(ctx, "it reads all of %s and keeps %s%s rows", table, word, kept);
}

/* What steps without a relation do; %s are their rows. */
static const struct {
    const char *type, *words;
} others[] = {
    {"Nested Loop", "for each row of its first input it looks for rows in its second, %s in all"},
    {"Hash Join", "it matches its first input against a hash of its second, %s rows"},
    {"Merge Join", "it walks through both of its inputs in the same order and matches them, %s rows"},
    {"Hash", "it builds a hash of %s rows in memory"},
    {"Sort", "it sorts %s rows"},
    {"Incremental Sort", "it sorts %s rows that come half in order"},
    {"Aggregate", "it groups or sums rows up, which leaves %s"},
    {"WindowAgg", "it computes window functions over %s rows"},
    {"Limit", "it stops after %s rows"},
    {"Unique", "it drops duplicates, which leaves %s rows"},
    {"Append", "it puts several inputs behind one another, %s rows"},
    {"Merge Append", "it merges sorted inputs, %s rows"},
    {"Gather", "it gathers %s rows from parallel workers"},
    {"Gather Merge", "it gathers %s rows from parallel workers in order"},
    {"Materialize", "it keeps %s rows to read them again"},
    {"Memoize", "it remembers what it has looked up, %s rows each time"},
    {"CTE Scan", "it reads the result of a WITH, %s rows"},
    {"Subquery Scan", "it reads the result of a subquery, %s rows"},
    {"Function Scan", "it calls a function that returns %s rows"},
    {"Values Scan", "it reads a list of %s rows"},
    {"SetOp", "it compares two results, %s rows"},
    {"LockRows", "it locks the %s rows it returns"},
    {"Result", "it computes a result of %s rows"},
};

const char *query_say_step(lb_ctx *ctx, const query_plan *plan, const query_step *s, double table_rows)
{
    const char *rows = query_number(ctx, query_rows_out(s));
    if (strcmp(s->type, "ModifyTable") == 0 && s->name)
        return lb_printf(ctx, "it writes to %s", query_name(ctx, s->schema, s->name));
    if (s->name)
        return say_scan(ctx, plan, s, table_rows);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const char *words = others[i].words, *gap = strstr(words, "%s");
        if (strcmp(others[i].type, s->type) == 0 && gap)
            return lb_printf(ctx, "%.*s%s%s%s", (int)(gap - words), words, s->is_executed ? "" : "about ", rows,
                             gap + 2);
    }
    return lb_printf(ctx, "it does a step of kind %s, with %s rows", s->type, rows);
}
