/* Slow statements for the review queue: each with its plan, and each once. What waits for a person, or what one has
 * decided, comes again only when it is a good deal slower than it was then. */
#include "health_slow.h"
#include "health_sop.h"

#include <statement_plan.h>

#include <sql/health/extension_home.h>
#include <sql/health/reviews.h>

#include <json-c/json.h>
#include <string.h>

#define MOST_QUEUED 10
#define MOST_NOTED  500
#define SLOWER      2 /* times: new evidence */

typedef struct queue {
    lb_ctx *ctx;
    const char *schema; /* of pg_stat_statements */
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

static double mean_of(const health_slow_statements_row *s)
{
    return s->total_exec_time / (double)s->calls;
}

static const char *key_of(lb_ctx *ctx, const health_slow_statements_row *s)
{
    return lb_printf(ctx, "%lld-%s", (long long)s->queryid, s->database);
}

/* An open review waits for its person, however slow its statement has become. */
static bool is_settled(const queue *q, const health_slow_statements_row *s)
{
    struct json_object *before = NULL;
    const char *key = key_of(q->ctx, s);
    for (size_t i = 0; i < q->count; i++) {
        const health_reviews_row *review = &q->reviews[i];
        bool is_other =
            review->queryid != s->queryid || (review->database && strcmp(review->database, s->database) != 0);
        bool is_closed = strcmp(review->status, "rejected") == 0 || strcmp(review->status, "done") == 0;
        if (!is_other && (!is_closed || review->mean_ms_is_null || mean_of(s) < SLOWER * review->mean_ms))
            return true;
    }
    return key && q->queued && json_object_object_get_ex(q->queued, key, &before) &&
           mean_of(s) < SLOWER * json_object_get_double(before);
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
        *ret_why = "it is a statement of another database";
    else if (r >= 0 && strcmp(ret_row->query, "<insufficient privilege>") == 0)
        *ret_why = "its text may not be seen by this role";
    return r;
}

/* Its text, its values left out; and the plan that serves any values, where it is of this database. */
static int explain(queue *q, const health_slow_statements_row *s, health_statement_texts_row *ret_text,
                   const char **ret_plan, const char **ret_why, lb_error *err)
{
    *ret_plan = NULL;
    int r = health_slow_text(q->ctx, q->schema, s->key, ret_text, err);
    *ret_why = !ret_text->query     ? "the server has no text of it"
               : !ret_text->is_here ? "it is a statement of another database"
                                    : NULL;
    return r < 0 || *ret_why ? r : statement_plan(q->ctx, LB_EXPLAIN(.text = ret_text->query), ret_plan, ret_why, err);
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

static int queue_one(queue *q, const health_slow_statements_row *s, lb_error *err)
{
    health_statement_texts_row text;
    const char *plan = NULL, *why = NULL, *key = key_of(q->ctx, s);
    int64_t now = lb_now(q->ctx);
    int r = explain(q, s, &text, &plan, &why, err);
    if (r < 0)
        return r;
    r = lb_record(
        q->ctx, "query_review_queue",
        LB_ARGS(lb_text("review_id", lb_printf(q->ctx, "slow-%s-%lld", key, (long long)now)), lb_time("queued_at", now),
                lb_time("updated_at", now), lb_i64("queryid", s->queryid), known(text.query, "dbid", text.database_id),
                known(text.query, "userid", text.user_id), lb_text("database_name", s->database),
                lb_text("query", text.query), lb_text("reason", "slow"), lb_i64("calls", s->calls),
                lb_f64("mean_exec_time", mean_of(s)), lb_f64("total_exec_time", s->total_exec_time),
                lb_json("plan", plan),
                lb_text("suggestion", plan ? "look at its plan" : "look at its plan on a branch"),
                lb_text("suggestion_source", "rule execute_low_risk_sop"),
                lb_object("evidence", LB_ARGS(lb_f64("max_exec_time", s->max_exec_time), lb_text("no_plan", why))),
                lb_text("status", "open")),
        err);
    if (r >= 0 && q->queued && key)
        note(q, key, mean_of(s));
    return r < 0 ? r
                 : lb_append(q->ctx, "queued",
                             LB_ARGS(lb_text("queryid", lb_printf(q->ctx, "%lld", (long long)s->queryid)),
                                     lb_text("database", s->database), lb_i64("calls", s->calls),
                                     lb_f64("mean_ms", mean_of(s)), lb_bool("has_plan", plan != NULL),
                                     lb_text("no_plan", why)),
                             err);
}

static int queue_all(queue *q, double least_ms, health_deed *deed, lb_error *err)
{
    health_slow slow;
    size_t count = 0;
    int r = health_read_slow(q->ctx, q->schema, least_ms, NULL, NULL, &slow, err);
    for (size_t i = 0; i < slow.count; i++)
        if (slow.rows[i].calls >= 1 && mean_of(&slow.rows[i]) >= least_ms)
            slow.rows[count++] = slow.rows[i];
    deed->reason = count ? "what is slow waits for a person already, or one has decided about it"
                         : "no statement has a mean past the limit, maintenance and our own left out";
    for (size_t i = 0; r >= 0 && i < count && deed->count < MOST_QUEUED; i++) {
        if (is_settled(q, &slow.rows[i]))
            continue;
        r = queue_one(q, &slow.rows[i], err);
        deed->count++;
        deed->status = "recorded";
        deed->reason = NULL;
    }
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
    deed->reason = "pg_stat_statements is not in this database";
    int r = health_extension_home(ctx, &named, &rows, err);
    if (r < 0 || !health_extension_home_next(ctx, rows, &home))
        return r;
    q.schema = home.schema;
    r = read_reviews(&q, err);
    return r < 0 ? r : queue_all(&q, what->slow_s * 1000, deed, err);
}
