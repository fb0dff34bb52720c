/* compare_branches: metrics and statements of two branches side by side, from history alone: nobody is woken for it. */
#include "amount.h"

#include <lbops/lbops.h>
#include <sql/query/branch_counters.h>
#include <sql/query/branch_metrics.h>
#include <sql/query/branch_names.h>
#include <sql/query/branch_observed.h>
#include <sql/query/branch_statements.h>
#include <sql/query/metric_names.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#define HOUR         INT64_C(3600000000)
#define HOUR_SECONDS 3600.0
#define NAMES_TOLD   20

enum { HERE, THERE, SIDES };

struct args {
    const char *other_branch, *metric, *query_id;
    double hours, min_factor;
    int64_t min_calls, most;
};

static const lb_param params[] = {
    LB_PARAM(struct args, other_branch, LB_TEXT, NULL, "the branch to compare with, of the same project",
             .required = true),
    LB_PARAM(struct args, metric, LB_TEXT, NULL, "this metric alone; without it all that both have"),
    LB_PARAM(struct args, query_id, LB_TEXT, NULL, "this statement alone; without it all that ran on both"),
    LB_PARAM(struct args, hours, LB_F64, "24", "over the last so many hours", .min = "0.01", .max = "2160"),
    LB_PARAM(struct args, min_factor, LB_F64, "1", "leave out what differs by less than this factor", .min = "1"),
    LB_PARAM(struct args, min_calls, LB_I64, "1", "leave out statements that ran less often on either", .min = "1"),
    LB_PARAM(struct args, most, LB_I64, "100", "of each kind, those that differ most", .min = "1", .max = "1000"),
    LB_PARAMS_END,
};

/* One metric of both: a mean, or of a counter what it grows by in an hour. */
typedef struct pair {
    const char *metric, *object, *unit;
    bool is_counter;
    double values[SIDES];
    int64_t readings[SIDES];
} pair;

typedef struct pairs {
    pair *items;
    size_t count;
} pairs;

/* How many times the one is of the other, the larger of both; infinite where one is nothing. */
static double factor_of(double here, double there)
{
    double a = here < 0 ? -here : here, b = there < 0 ? -there : there;
    double low = a < b ? a : b, high = a < b ? b : a;
    return high <= 0 ? 1 : low > 0 ? high / low : 1e9;
}

static int larger_first(double a, double b)
{
    return (a < b) - (a > b);
}

static int by_metric(const void *a, const void *b)
{
    const pair *x = a, *y = b;
    return larger_first(factor_of(x->values[HERE], x->values[THERE]), factor_of(y->values[HERE], y->values[THERE]));
}

static int by_statement(const void *a, const void *b)
{
    const query_branch_statements_row *x = a, *y = b;
    return larger_first(factor_of(x->here_ms, x->there_ms), factor_of(y->here_ms, y->there_ms));
}

static int tell_metric(lb_ctx *ctx, const pair *p, lb_error *err)
{
    return lb_append(ctx, "metrics",
                     LB_ARGS(lb_text("metric", p->metric), lb_text("object", p->object), lb_text("unit", p->unit),
                             lb_text("per", p->is_counter ? "hour" : NULL), lb_f64("here", p->values[HERE]),
                             lb_f64("there", p->values[THERE]),
                             lb_f64("factor", factor_of(p->values[HERE], p->values[THERE])),
                             lb_i64("readings_here", p->readings[HERE]), lb_i64("readings_there", p->readings[THERE])),
                     err);
}

/* Room for so many more. */
static int make_room(lb_ctx *ctx, pairs *list, int64_t more, lb_error *err)
{
    pair *items = lb_alloc(ctx, (list->count + (size_t)more + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    list->items = items;
    return 0;
}

static int64_t since_of(lb_ctx *ctx)
{
    const struct args *args = ctx->args;
    return lb_now(ctx) - (int64_t)(args->hours * (double)HOUR);
}

static int read_means(lb_ctx *ctx, const lb_target *target, pairs *list, lb_error *err)
{
    const struct args *args = ctx->args;
    const query_branch_metrics_args asked = {.project = target->project,
                                             .branch = target->branch,
                                             .other = args->other_branch,
                                             .metric = args->metric ? args->metric : "",
                                             .since = since_of(ctx)};
    query_branch_metrics_row row;
    lb_rows *rows = NULL;
    int r = query_branch_metrics(ctx, &asked, &rows, err);
    if (r >= 0)
        r = make_room(ctx, list, lb_row_count(ctx, rows), err);
    while (r >= 0 && list->items && query_branch_metrics_next(ctx, rows, &row))
        list->items[list->count++] = (pair){.metric = row.metric_name,
                                            .object = row.object_name,
                                            .unit = row.unit,
                                            .values = {row.here, row.there},
                                            .readings = {row.here_readings, row.there_readings}};
    return r;
}

/* ---- counters ---- */

typedef struct counter {
    const char *metric, *object, *unit;
    double grown[SIDES], seconds[SIDES];
    int64_t readings[SIDES];
} counter;

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void add_span(counter *c, int side, const query_branch_counters_row *row)
{
    c->readings[side] += row->readings;
    c->grown[side] += row->grown;
    c->seconds[side] += (double)(row->last_at - row->first_at) / 1e6;
}

/* What only one of them has is compared with nothing. */
static int add_counter(lb_ctx *ctx, const lb_target *target, const counter *c, pairs *list, lb_error *err)
{
    const struct args *args = ctx->args;
    if (!c->metric || !c->readings[HERE] || !c->readings[THERE])
        return 0;
    for (int side = HERE; side < SIDES; side++)
        if (c->seconds[side] <= 0)
            return lb_skipped(ctx, c->object ? lb_printf(ctx, "%s of %s", c->metric, c->object) : c->metric,
                              lb_printf(ctx,
                                        "no rate of it is known on %s: in the last %s it was not read twice "
                                        "without a break in its counting",
                                        side == HERE ? target->branch : args->other_branch,
                                        amount_text(ctx, args->hours, "hour", "hours")),
                              err);
    pair p = {.metric = c->metric, .object = c->object, .unit = c->unit, .is_counter = true};
    for (int side = HERE; side < SIDES; side++) {
        p.values[side] = c->grown[side] / c->seconds[side] * HOUR_SECONDS;
        p.readings[side] = c->readings[side];
    }
    list->items[list->count++] = p;
    return 0;
}

/* Totals depend on when a branch began to count: what they grow by in an hour can be compared. */
static int read_counters(lb_ctx *ctx, const lb_target *target, pairs *list, lb_error *err)
{
    const struct args *args = ctx->args;
    const query_branch_counters_args asked = {.project = target->project,
                                              .branch = target->branch,
                                              .other = args->other_branch,
                                              .metric = args->metric ? args->metric : "",
                                              .since = since_of(ctx)};
    query_branch_counters_row row;
    counter c = {.metric = NULL};
    lb_rows *rows = NULL;
    int r = query_branch_counters(ctx, &asked, &rows, err);
    if (r >= 0)
        r = make_room(ctx, list, lb_row_count(ctx, rows), err);
    while (r >= 0 && query_branch_counters_next(ctx, rows, &row)) {
        if (!same_text(c.metric, row.metric_name) || !same_text(c.object, row.object_name)) {
            r = add_counter(ctx, target, &c, list, err);
            c = (counter){.metric = row.metric_name, .object = row.object_name, .unit = row.unit};
        }
        add_span(&c, strcmp(row.branch_id, target->branch) == 0 ? HERE : THERE, &row);
    }
    return r < 0 ? r : add_counter(ctx, target, &c, list, err);
}

static int compare_metrics(lb_ctx *ctx, const lb_target *target, int64_t *ret_count, lb_error *err)
{
    const struct args *args = ctx->args;
    pairs list = {.count = 0};
    int r = read_means(ctx, target, &list, err);
    if (r >= 0)
        r = read_counters(ctx, target, &list, err);
    if (r < 0)
        return r;
    if (list.count)
        qsort(list.items, list.count, sizeof *list.items, by_metric);
    *ret_count = (int64_t)list.count;
    for (size_t i = 0; i < list.count && i < (size_t)args->most && r >= 0; i++)
        if (factor_of(list.items[i].values[HERE], list.items[i].values[THERE]) >= args->min_factor)
            r = tell_metric(ctx, &list.items[i], err);
    return r;
}

/* ---- statements ---- */

static lb_value per_hour(const char *name, double amount, double hours)
{
    return hours > 0 ? lb_f64(name, amount / hours) : lb_null(name);
}

static int tell_statement(lb_ctx *ctx, const query_branch_statements_row *s, const double *hours, lb_error *err)
{
    return lb_append(
        ctx, "statements",
        LB_ARGS(lb_text("database", s->database_name),
                lb_text("query_id", lb_printf(ctx, "%lld", (long long)s->queryid)), lb_text("query", s->query),
                lb_i64("calls_here", s->here_calls), lb_i64("calls_there", s->there_calls),
                per_hour("calls_per_hour_here", (double)s->here_calls, hours[HERE]),
                per_hour("calls_per_hour_there", (double)s->there_calls, hours[THERE]),
                lb_f64("mean_ms_here", s->here_ms), lb_f64("mean_ms_there", s->there_ms),
                per_hour("ms_per_hour_here", s->here_ms * (double)s->here_calls, hours[HERE]),
                per_hour("ms_per_hour_there", s->there_ms * (double)s->there_calls, hours[THERE]),
                lb_f64("factor", factor_of(s->here_ms, s->there_ms)),
                s->here_blocks_is_null ? lb_null("blocks_here") : lb_f64("blocks_here", s->here_blocks),
                s->there_blocks_is_null ? lb_null("blocks_there") : lb_f64("blocks_there", s->there_blocks)),
        err);
}

/* Calls of a day and of an hour are no more or less: how long each was looked at is part of the comparison. */
static int read_hours(lb_ctx *ctx, const lb_target *target, double hours[SIDES], lb_error *err)
{
    const struct args *args = ctx->args;
    const query_branch_observed_args asked = {
        .project = target->project, .branch = target->branch, .other = args->other_branch, .since = since_of(ctx)};
    query_branch_observed_row row;
    lb_rows *rows = NULL;
    int r = query_branch_observed(ctx, &asked, &rows, err);
    while (r >= 0 && query_branch_observed_next(ctx, rows, &row))
        hours[strcmp(row.branch_id, target->branch) == 0 ? HERE : THERE] = row.seconds / HOUR_SECONDS;
    return r;
}

static int tell_hours(lb_ctx *ctx, const lb_target *target, const double hours[SIDES], lb_error *err)
{
    const struct args *args = ctx->args;
    int r = lb_result(
        ctx,
        LB_ARGS(hours[HERE] > 0 ? lb_f64("observed_hours_here", hours[HERE]) : lb_null("observed_hours_here"),
                hours[THERE] > 0 ? lb_f64("observed_hours_there", hours[THERE]) : lb_null("observed_hours_there")),
        err);
    for (int side = HERE; side < SIDES && r >= 0; side++)
        if (hours[side] <= 0)
            r = lb_skipped(ctx, side == HERE ? target->branch : args->other_branch,
                           "no rate of its statements is known: history does not say how long they were counted", err);
    return r;
}

/* As tools write it: a whole number of 64 bits, and not 0, which stands for all. */
static int parse_query_id(const char *text, int64_t *ret_id, lb_error *err)
{
    char *end = NULL;
    errno = 0;
    *ret_id = text ? strtoll(text, &end, 10) : 0;
    if (!text || (*ret_id && !*end && !errno && !isspace((unsigned char)*text)))
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "give it as compare_branches or pg_stat_statements has it", "%s is no query_id",
                   text);
}

static int compare_statements(lb_ctx *ctx, const lb_target *target, int64_t query_id, int64_t *ret_count, lb_error *err)
{
    const struct args *args = ctx->args;
    const query_branch_statements_args asked = {.project = target->project,
                                                .branch = target->branch,
                                                .other = args->other_branch,
                                                .query_id = query_id,
                                                .min_calls = args->min_calls,
                                                .since = since_of(ctx)};
    double hours[SIDES] = {0};
    lb_rows *rows = NULL;
    int r = read_hours(ctx, target, hours, err);
    if (r >= 0)
        r = query_branch_statements(ctx, &asked, &rows, err);
    size_t count = 0;
    query_branch_statements_row *list =
        r < 0 ? NULL : lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *list);
    if (!list)
        return r < 0 ? r : lb_out_of_memory(err);
    while (query_branch_statements_next(ctx, rows, &list[count]))
        count++;
    qsort(list, count, sizeof *list, by_statement);
    *ret_count = (int64_t)count;
    r = count ? tell_hours(ctx, target, hours, err) : 0;
    for (size_t i = 0; i < count && i < (size_t)args->most && r >= 0; i++)
        if (factor_of(list[i].here_ms, list[i].there_ms) >= args->min_factor)
            r = tell_statement(ctx, &list[i], hours, err);
    return r;
}

/* ---- nothing to compare ---- */

/* What there is, to choose from; the text ends where it is long enough. */
typedef struct names {
    const char *text; /* "a, b"; NULL: there are none */
    size_t count;
    bool has_wanted;
} names;

static int add_name(lb_ctx *ctx, names *n, const char *name, const char *wanted, lb_error *err)
{
    n->has_wanted = n->has_wanted || (wanted && strcmp(name, wanted) == 0);
    if (n->count++ >= NAMES_TOLD)
        return 0;
    n->text = lb_printf(ctx, "%s%s%s", n->text ? n->text : "", n->text ? ", " : "", name);
    return n->text ? 0 : lb_out_of_memory(err);
}

static const char *told(lb_ctx *ctx, const names *n)
{
    if (!n->text)
        return "nothing";
    return n->count > NAMES_TOLD ? lb_printf(ctx, "%s and %zu more", n->text, n->count - NAMES_TOLD) : n->text;
}

/* The control plane wakes nobody. One that cannot be asked leaves it open. */
static int judge_unknown_branch(lb_ctx *ctx, const lb_target *target, const names *known, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *other = args->other_branch, *there = told(ctx, known), *json = NULL;
    const lb_request get = {.method = "GET", .path = lb_printf(ctx, "projects/%s/branches/%s", target->project, other)};
    lb_error why;
    int r = get.path && there ? lb_control(ctx, &get, &json, &why) : LB_ERR_NO_MEMORY;
    if (r == LB_ERR_CANCELLED)
        *err = why;
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY)
        return r == LB_ERR_NO_MEMORY ? lb_out_of_memory(err) : r;
    if (r == LB_ERR_NOT_FOUND)
        return lb_fail(err, LB_ERR_NOT_FOUND, lb_printf(ctx, "history has branches of this project: %s", there),
                       "project %s has no branch %s, and history has never had one", target->project, other);
    return lb_skipped(ctx, other,
                      r < 0 ? lb_printf(ctx,
                                        "history has never had anything of it, and whether there is such a branch "
                                        "could not be asked: %s; it has: %s",
                                        why.message, there)
                            : lb_printf(ctx,
                                        "history has never had anything of it: monitor_system_health and "
                                        "persist_pg_stat_statements note it; it has: %s",
                                        there),
                      err);
}

static int check_branch(lb_ctx *ctx, const lb_target *target, bool *ret_known, lb_error *err)
{
    const struct args *args = ctx->args;
    names known = {.count = 0};
    query_branch_names_row row;
    lb_rows *rows = NULL;
    int r = query_branch_names(ctx, &(query_branch_names_args){.project = target->project}, &rows, err);
    while (r >= 0 && query_branch_names_next(ctx, rows, &row))
        r = add_name(ctx, &known, row.branch_id, args->other_branch, err);
    *ret_known = known.has_wanted;
    return r < 0 || known.has_wanted ? r : judge_unknown_branch(ctx, target, &known, err);
}

static int check_metric(lb_ctx *ctx, const lb_target *target, lb_error *err)
{
    const struct args *args = ctx->args;
    names known = {.count = 0};
    query_metric_names_row row;
    lb_rows *rows = NULL;
    const query_metric_names_args asked = {
        .project = target->project, .branch = target->branch, .other = args->other_branch};
    int r = args->metric ? query_metric_names(ctx, &asked, &rows, err) : 0;
    while (r >= 0 && rows && query_metric_names_next(ctx, rows, &row))
        r = add_name(ctx, &known, row.metric_name, args->metric, err);
    if (r < 0 || !args->metric || known.has_wanted)
        return r;
    return lb_fail(err, LB_ERR_NOT_FOUND, lb_printf(ctx, "history has of them: %s", told(ctx, &known)),
                   "neither %s nor %s ever had a metric %s", target->branch, args->other_branch, args->metric);
}

/* A name that is written wrong is no branch without history. */
static int explain_nothing(lb_ctx *ctx, const lb_target *target, lb_error *err)
{
    const struct args *args = ctx->args;
    bool is_known = false;
    int r = check_branch(ctx, target, &is_known, err);
    if (r < 0 || !is_known)
        return r;
    r = check_metric(ctx, target, err);
    return r < 0 ? r
                 : lb_skipped(ctx, args->other_branch,
                              lb_printf(ctx, "history has nothing of the last %s that both branches have",
                                        amount_text(ctx, args->hours, "hour", "hours")),
                              err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const lb_target *target = lb_run_target(ctx);
    int64_t metrics = 0, statements = 0, query_id = 0;
    bool is_same = strcmp(args->other_branch, target->branch) == 0; /* a pattern of targets has the other one as well */
    int r = parse_query_id(args->query_id, &query_id, err);
    if (r >= 0 && is_same)
        r = lb_skipped(ctx, args->other_branch, "it is the branch itself: there is nothing to compare it with", err);
    if (r >= 0 && !is_same && !args->query_id)
        r = compare_metrics(ctx, target, &metrics, err);
    if (r >= 0 && !is_same && !args->metric)
        r = compare_statements(ctx, target, query_id, &statements, err);
    if (r >= 0 && !is_same && !metrics && !statements)
        r = explain_nothing(ctx, target, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("here", target->branch), lb_text("there", args->other_branch),
                                     lb_i64("metrics_compared", metrics), lb_i64("statements_compared", statements)),
                             err);
}

LB_TOOL(compare_branches, "metrics and statements of two branches side by side, from history", .agent = "performance",
        .risk = LB_RISK_LOW, .timeout_s = 120, LB_TOOL_ARGS(struct args, params), .run = run);
