/* Slow statements for the review queue: each with its plan, and each once. What waits for a person, or what one has
 * decided, comes again only when it is a good deal slower than it was then. */
#include "health_reading.h"
#include "health_slow.h"
#include "health_sop.h"
#include "health_values.h"

#include <statement_plan.h>

#include <sql/health/extension_home.h>
#include <sql/health/long_statements.h>
#include <sql/health/reviews.h>

#include <json-c/json.h>
#include <string.h>

#define MOST_QUEUED 10
#define MOST_NOTED  500
#define SLOWER      2 /* times: new evidence */

typedef struct queue {
    lb_ctx *ctx;
    const char *schema; /* of pg_stat_statements; NULL: it is not in this database */
    const health_reviews_row *reviews;
    size_t count;
    struct json_object *queued; /* by statement: how slow it was when this tool last put it there */
} queue;

static int read_reviews(queue *q, lb_error *err)
{
    const lb_target *target = lb_run_target(q->ctx);
    const health_reviews_args wanted = {.project = target->project, .branch = target->branch};
    lb_rows *rows = NULL;
    int asked = health_reviews(q->ctx, &wanted, &rows, err);
    int r = lb_history_or_skip(q->ctx, asked, "earlier reviews", NULL, err);
    if (r <= 0)
        return r;
    health_reviews_row *all = lb_alloc(q->ctx, ((size_t)lb_row_count(q->ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (health_reviews_next(q->ctx, rows, &all[q->count]))
        q->count++;
    q->reviews = all;
    return 0;
}

/* What goes there: a statement as it was counted, or one that runs yet, whose mean is what it has taken so far. */
typedef struct candidate {
    const char *database, *text, *no_plan; /* text, no_plan: or NULL */
    const char *counted_as;                /* its key in pg_stat_statements, or NULL */
    int64_t queryid, database_id, user_id, calls, pid,
        started; /* queryid 0: the server gives none; pid 0: it has ended */
    double mean_ms, total_ms, max_ms;
} candidate;

static double mean_of(const health_slow_statements_row *s)
{
    return s->total_exec_time / (double)s->calls;
}

/* By this it is known again: a statement of a database; of one without an id, the one execution. */
static const char *key_of(lb_ctx *ctx, const candidate *c)
{
    return c->queryid ? lb_printf(ctx, "%lld-%s", (long long)c->queryid, c->database)
                      : lb_printf(ctx, "%lld-%lld", (long long)c->pid, (long long)c->started);
}

/* An execution goes there once, however long it takes. */
static const char *execution_of(lb_ctx *ctx, const candidate *c)
{
    return c->pid ? lb_printf(ctx, "run-%lld-%lld", (long long)c->pid, (long long)c->started) : NULL;
}

static struct json_object *noted(const queue *q, const char *key)
{
    struct json_object *found = NULL;
    return key && q->queued && json_object_object_get_ex(q->queued, key, &found) ? found : NULL;
}

/* An open review waits for its person, however slow its statement has become. */
static bool is_settled(const queue *q, const candidate *c)
{
    struct json_object *before = noted(q, key_of(q->ctx, c));
    for (size_t i = 0; c->queryid && i < q->count; i++) {
        const health_reviews_row *review = &q->reviews[i];
        bool is_other =
            review->queryid != c->queryid || (review->database && strcmp(review->database, c->database) != 0);
        bool is_closed = strcmp(review->status, "rejected") == 0 || strcmp(review->status, "done") == 0;
        if (!is_other && (!is_closed || review->mean_ms_is_null || c->mean_ms < SLOWER * review->mean_ms))
            return true;
    }
    return noted(q, execution_of(q->ctx, c)) || (before && c->mean_ms < SLOWER * json_object_get_double(before));
}

int health_find_statement(lb_ctx *ctx, const char *schema, const char *query_id, query_statements_row *ret_row,
                          const char **ret_why, lb_error *err)
{
    const query_statements_args wanted = {
        .schema = schema, .view = "pg_stat_statements", .query_id = query_id, .min_calls = 1, .most = 1};
    lb_rows *rows = NULL;
    *ret_row = (query_statements_row){.query = NULL};
    *ret_why = NULL;
    if (!query_id)
        return lb_out_of_memory(err);
    int r = query_statements(ctx, &wanted, &rows, err);
    if (r == LB_ERR_SQL || r == LB_ERR_DENIED || r == LB_ERR_CONFLICT) {
        *ret_why = "pg_stat_statements is not loaded, or not ours to read";
        return 0;
    }
    if (r >= 0 && !query_statements_next(ctx, rows, ret_row))
        *ret_why = "it is a statement of another database, or may not be seen by this role";
    return r;
}

/* Its text, its values left out: as it was counted, or else as it runs. */
static int read_text(queue *q, candidate *c, bool *ret_is_here, lb_error *err)
{
    health_statement_texts_row counted = {.query = NULL};
    int r = q->schema && c->counted_as ? health_slow_text(q->ctx, q->schema, c->counted_as, &counted, err) : 0;
    if (r < 0 || !counted.query)
        return r;
    c->text = counted.query;
    c->no_plan = NULL;
    c->database_id = counted.database_id;
    c->user_id = counted.user_id;
    *ret_is_here = counted.is_here;
    return r;
}

/* The plan is the one that serves any values, where it is of this database. */
static int explain(queue *q, candidate *c, bool is_here, const char **ret_plan, lb_error *err)
{
    *ret_plan = NULL;
    int r = read_text(q, c, &is_here, err);
    if (!c->text && !c->no_plan)
        c->no_plan = "the server has no text of it";
    else if (!is_here)
        c->no_plan = "it is a statement of another database";
    return r < 0 || c->no_plan ? r : statement_plan(q->ctx, LB_EXPLAIN(.text = c->text), ret_plan, &c->no_plan, err);
}

static lb_value known(bool is_known, const char *name, int64_t value)
{
    return is_known ? lb_i64(name, value) : lb_null(name);
}

/* The oldest goes: history knows of it. */
static void note(queue *q, const char *key, double mean_ms)
{
    json_object_object_del(q->queued, key);
    if (json_object_object_length(q->queued) >= MOST_NOTED) {
        struct json_object_iterator first = json_object_iter_begin(q->queued);
        json_object_object_del(q->queued, json_object_iter_peek_name(&first));
    }
    (void)json_object_object_add(q->queued, key, json_object_new_double(mean_ms));
}

static void note_both(queue *q, const candidate *c, const char *key)
{
    const char *execution = execution_of(q->ctx, c);
    if (q->queued && key)
        note(q, key, c->mean_ms);
    if (q->queued && execution)
        note(q, execution, c->mean_ms);
}

static int record(queue *q, const candidate *c, const char *key, const char *plan, lb_error *err)
{
    int64_t now = lb_now(q->ctx);
    return lb_record(
        q->ctx, "query_review_queue",
        LB_ARGS(lb_text("review_id", lb_printf(q->ctx, "slow-%s-%lld", key, (long long)now)), lb_time("queued_at", now),
                lb_time("updated_at", now), lb_i64("queryid", c->queryid),
                known(c->database_id, "dbid", c->database_id), known(c->user_id, "userid", c->user_id),
                lb_text("database_name", c->database), lb_text("query", c->text), lb_text("reason", "slow"),
                known(!c->pid, "calls", c->calls), lb_f64("mean_exec_time", c->mean_ms),
                lb_f64("total_exec_time", c->total_ms), lb_json("plan", plan),
                lb_text("suggestion", plan ? "look at its plan" : "look at its plan on a branch"),
                lb_text("suggestion_source", "rule execute_low_risk_sop"),
                lb_object("evidence", LB_ARGS(lb_f64("max_exec_time", c->max_ms), lb_text("no_plan", c->no_plan),
                                              known(c->pid, "runs_as_pid", c->pid),
                                              c->pid ? lb_time("runs_since", c->started) : lb_null("runs_since"))),
                lb_text("status", "open")),
        err);
}

static int queue_one(queue *q, candidate *c, bool is_here, health_deed *deed, lb_error *err)
{
    const char *plan = NULL, *key = key_of(q->ctx, c);
    if (deed->count >= MOST_QUEUED || is_settled(q, c))
        return 0;
    int r = explain(q, c, is_here, &plan, err);
    if (r >= 0)
        r = record(q, c, key, plan, err);
    if (r < 0)
        return r;
    note_both(q, c, key);
    deed->count++;
    deed->status = "recorded";
    deed->reason = NULL;
    return lb_append(q->ctx, "queued",
                     LB_ARGS(lb_text("queryid", c->queryid ? lb_printf(q->ctx, "%lld", (long long)c->queryid) : NULL),
                             lb_text("database", c->database), known(!c->pid, "calls", c->calls),
                             lb_f64("mean_ms", c->mean_ms), known(c->pid, "runs_as_pid", c->pid),
                             lb_bool("has_plan", plan != NULL), lb_text("no_plan", c->no_plan)),
                     err);
}

static const char all_wait[] = "what is slow waits for a person already, or one has decided about it";

static int queue_counted(queue *q, double least_ms, health_deed *deed, lb_error *err)
{
    health_slow slow;
    size_t count = 0;
    int r = health_read_slow(q->ctx, q->schema, least_ms, NULL, NULL, &slow, err);
    for (size_t i = 0; r >= 0 && i < slow.count; i++) {
        const health_slow_statements_row *s = &slow.rows[i];
        candidate c = {.database = s->database,
                       .counted_as = s->key,
                       .queryid = s->queryid,
                       .calls = s->calls,
                       .mean_ms = mean_of(s),
                       .total_ms = s->total_exec_time,
                       .max_ms = s->max_exec_time};
        bool is_slow = s->calls >= 1 && c.mean_ms >= least_ms;
        count += is_slow;
        r = is_slow ? queue_one(q, &c, true, deed, err) : 0;
    }
    if (!deed->count)
        deed->reason = count ? all_wait : "no statement has a mean past the limit, maintenance and our own left out";
    return r;
}

static int queue_running(queue *q, double least_s, health_deed *deed, lb_error *err)
{
    const health_long_statements_args wanted = {.min_seconds = least_s};
    lb_rows *rows = NULL;
    size_t count = 0;
    int r = health_long_statements(q->ctx, &wanted, &rows, err);
    if (r < 0)
        return health_pass_over(q->ctx, "pg_stat_activity (statements)", r, err);
    /* All first: what comes next is asked in between. */
    health_long_statements_row *all = lb_alloc(q->ctx, ((size_t)lb_row_count(q->ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (health_long_statements_next(q->ctx, rows, &all[count]))
        count++;
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const health_long_statements_row *s = &all[i];
        double ms = s->seconds * 1000;
        int64_t id = s->query_id_is_null ? 0 : s->query_id;
        candidate c = {.database = s->database,
                       .text = health_without_values(q->ctx, s->query),
                       .no_plan = s->is_whole ? NULL : "the server shows but the beginning of its text",
                       .counted_as = lb_printf(q->ctx, "%lld/%lld/%lld/t", (long long)s->database_id,
                                               (long long)s->user_id, (long long)id),
                       .queryid = id,
                       .database_id = s->database_id,
                       .user_id = s->user_id,
                       .pid = s->pid,
                       .started = s->started,
                       .mean_ms = ms,
                       .total_ms = ms,
                       .max_ms = ms};
        r = queue_one(q, &c, s->is_here, deed, err);
    }
    if (count && !deed->count)
        deed->reason = all_wait;
    return r;
}

int health_queue_statements(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    const health_extension_home_args named = {.name = "pg_stat_statements"};
    health_extension_home_row home;
    lb_rows *rows = NULL;
    queue q = {.ctx = ctx, .queued = what->queued};
    deed->action = health_alert_rules[what->id].sop;
    deed->status = "nothing_to_do";
    deed->reason = "pg_stat_statements is not in this database, and no statement runs for long";
    int r = health_extension_home(ctx, &named, &rows, err);
    if (r >= 0 && health_extension_home_next(ctx, rows, &home))
        q.schema = home.schema;
    if (r >= 0)
        r = read_reviews(&q, err);
    if (r >= 0)
        r = queue_running(&q, what->slow_s, deed, err);
    return r < 0 || !q.schema ? r : queue_counted(&q, what->slow_s * 1000, deed, err);
}
