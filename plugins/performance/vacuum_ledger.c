#include "vacuum_ledger.h"
#include "amount.h"

#include <json-c/json.h>
#include <sql/vacuum/carried.h>
#include <sql/vacuum/vacuumed.h>
#include <stdlib.h>

#define DEAD        "carried_dead_rows"
#define INSERTED    "carried_inserted_rows"
#define LOOKED_AT   "looked_at" /* among the relations, whose names are numbers */
#define LEAST       50          /* rows that are remembered: with fewer autovacuum never comes */
#define NOTED       1000        /* rows that others are told of */
#define MOST        400         /* relations that are remembered, those with most rows: a tool may not remember much */
#define LOOKBACK_US (INT64_C(30) * 86400000000)

/* One relation. total: all that was ever counted, which only falls when it is lost. file: what was counted is in it,
 * and goes with it when it is truncated or rewritten. */
typedef struct account {
    int64_t dead, inserted, total, carried_dead, carried_inserted, file;
    const char *relation; /* its number */
} account;

static int64_t rows_of(const account *a)
{
    return a->dead + a->inserted + a->carried_dead + a->carried_inserted;
}

static int more_first(const void *a, const void *b)
{
    int64_t x = rows_of(a), y = rows_of(b);
    return (x < y) - (x > y);
}

static account read_account(struct json_object *before, const char *relation)
{
    struct json_object *list = NULL;
    account a = {0};
    int64_t *const fields[] = {&a.dead, &a.inserted, &a.total, &a.carried_dead, &a.carried_inserted, &a.file};
    bool is_there =
        before && json_object_object_get_ex(before, relation, &list) && json_object_is_type(list, json_type_array);
    for (size_t i = 0; is_there && i < sizeof fields / sizeof fields[0]; i++)
        *fields[i] = json_object_get_int64(json_object_array_get_idx(list, i));
    return a;
}

static void write_account(struct json_object *now, const account *a)
{
    const int64_t fields[] = {a->dead, a->inserted, a->total, a->carried_dead, a->carried_inserted, a->file};
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        (void)json_object_array_add(list, json_object_new_int64(fields[i]));
    (void)json_object_object_add(now, a->relation, list);
}

/* What is remembered of the relation as it is now. */
static account account_before(struct json_object *before, const char *relation, const vacuum_relation *v)
{
    account a = read_account(before, relation);
    return a.file && a.file != v->row.file ? (account){0} : a;
}

static bool is_lost(const vacuum_relation *v, const account *was)
{
    return v->row.inserted + v->row.updated + v->row.deleted < was->total;
}

/* A vacuum has looked at everything, whenever it was changed, and an ANALYZE has counted the dead rows anew. That our
 * own came after the last look is known from the history, where the server has forgotten that too. */
static account account_of(const vacuum_relation *v, const account *was, bool is_vacuumed)
{
    const vacuum_relations_row *t = &v->row;
    account a = {.dead = t->dead,
                 .inserted = t->inserted_since_vacuum,
                 .total = t->inserted + t->updated + t->deleted,
                 .file = t->file,
                 .carried_dead = was->carried_dead,
                 .carried_inserted = was->carried_inserted};
    a.carried_dead += is_lost(v, was) ? was->dead : 0;
    a.carried_inserted += is_lost(v, was) ? was->inserted : 0;
    if (is_vacuumed || v->need.last_vacuum != LB_TIME_NONE)
        a.carried_dead = a.carried_inserted = 0;
    if (v->need.last_analyze != LB_TIME_NONE)
        a.carried_dead = 0;
    return a;
}

static void carry(const vacuum_scan *scan, vacuum_relation *v, int64_t dead, int64_t inserted)
{
    v->carried_dead += dead;
    v->carried_inserted += inserted;
    v->row.dead += dead;
    v->row.inserted_since_vacuum += inserted;
    if (v->need.last_analyze == LB_TIME_NONE)
        v->row.modified_since_analyze += dead + inserted;
    vacuum_need_of(&scan->server, &v->row, &v->need);
}

static int note(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v, const char *metric, int64_t was,
                int64_t is, lb_error *err)
{
    if (was == is || (was < NOTED && is < NOTED))
        return 0;
    const char *identity =
        lb_printf(ctx, "{\"relation\":%lld,\"file\":%lld}", (long long)v->row.relation, (long long)v->row.file);
    if (!identity)
        return lb_out_of_memory(err);
    return lb_record(ctx, "lakebase_metrics",
                     LB_ARGS(lb_text("metric_name", metric), lb_f64("metric_value", (double)is),
                             lb_text("unit", "rows"), lb_text("kind", "gauge"), lb_text("object_name", v->label),
                             lb_text("database_name", scan->server.database), lb_json("detail", identity),
                             lb_time("snapshot_timestamp", lb_now(ctx))),
                     err);
}

static const char *relation_key(lb_ctx *ctx, const vacuum_relation *v)
{
    return lb_printf(ctx, "%lld", (long long)v->row.relation);
}

/* What was vacuumed since the last look, where that can matter. */
typedef struct vacuumed {
    vacuum_vacuumed_row *rows;
    size_t count;
    int64_t looked_at;
} vacuumed;

static bool matters(lb_ctx *ctx, const vacuum_scan *scan, struct json_object *before)
{
    for (size_t i = 0; i < scan->count; i++) {
        const char *relation = relation_key(ctx, &scan->relations[i]);
        account was = relation ? account_before(before, relation, &scan->relations[i]) : (account){0};
        if (was.carried_dead || was.carried_inserted || is_lost(&scan->relations[i], &was))
            return true;
    }
    return false;
}

static int read_vacuumed(lb_ctx *ctx, const vacuum_scan *scan, struct json_object *before, vacuumed *ret, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const vacuum_vacuumed_args wanted = {.project = target->project,
                                         .branch = target->branch,
                                         .database = scan->server.database,
                                         .since = scan->now - LOOKBACK_US};
    struct json_object *at = NULL;
    lb_rows *rows = NULL;
    *ret = (vacuumed){0};
    if (!before || !json_object_object_get_ex(before, LOOKED_AT, &at) || !matters(ctx, scan, before))
        return 0;
    ret->looked_at = json_object_get_int64(at);
    int r = vacuum_vacuumed(ctx, &wanted, &rows, err);
    if (r < 0)
        return lb_no_history(r) ? 0 : lb_wrap(err, "what was vacuumed since the last look");
    ret->rows = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *ret->rows);
    if (!ret->rows)
        return lb_out_of_memory(err);
    while (vacuum_vacuumed_next(ctx, rows, &ret->rows[ret->count]))
        ret->count++;
    return 0;
}

static bool was_vacuumed(const vacuumed *done, const vacuum_relation *v)
{
    for (size_t i = 0; i < done->count; i++)
        if (strcmp(done->rows[i].object_name, v->label) == 0)
            return done->rows[i].began > done->looked_at;
    return false;
}

static int keep_one(lb_ctx *ctx, const vacuum_scan *scan, vacuum_relation *v, struct json_object *before,
                    const vacuumed *done, account *ret_account, lb_error *err)
{
    const char *relation = relation_key(ctx, v);
    if (!relation)
        return lb_out_of_memory(err);
    account was = account_before(before, relation, v), is = account_of(v, &was, was_vacuumed(done, v));
    is.relation = relation;
    *ret_account = is;
    int r = note(ctx, scan, v, DEAD, was.carried_dead, is.carried_dead, err);
    if (r >= 0)
        r = note(ctx, scan, v, INSERTED, was.carried_inserted, is.carried_inserted, err);
    if (r >= 0 && (is.carried_dead || is.carried_inserted))
        carry(scan, v, is.carried_dead, is.carried_inserted);
    return r;
}

static int remember(lb_ctx *ctx, account *accounts, size_t count, struct json_object *now, lb_error *err)
{
    size_t kept = 0, worth = 0;
    qsort(accounts, count, sizeof *accounts, more_first);
    while (worth < count && rows_of(&accounts[worth]) >= LEAST)
        worth++;
    for (; kept < worth && kept < MOST; kept++)
        write_account(now, &accounts[kept]);
    return kept == worth ? 0
                         : lb_skipped(ctx,
                                      lb_printf(ctx, "changed rows of %s",
                                                amount_text(ctx, (double)(worth - kept), "relation", "relations")),
                                      "if the server forgets their number nobody remembers: others have more", err);
}

int vacuum_ledger_keep(lb_ctx *ctx, vacuum_scan *scan, struct json_object *before, struct json_object *now,
                       lb_error *err)
{
    account *accounts = lb_alloc(ctx, (scan->count + 1) * sizeof *accounts);
    size_t count = 0;
    vacuumed done;
    if (!accounts)
        return lb_out_of_memory(err);
    int r = read_vacuumed(ctx, scan, before, &done, err);
    for (size_t i = 0; r >= 0 && i < scan->count; i++)
        if (scan->relations[i].row.persistence[0] != 't')
            r = keep_one(ctx, scan, &scan->relations[i], before, &done, &accounts[count++], err);
    (void)json_object_object_add(now, LOOKED_AT, json_object_new_int64(scan->now));
    return r < 0 ? r : remember(ctx, accounts, count, now, err);
}

/* A table that was made again under the name, truncated or rewritten has none of the rows. Notes of earlier versions do
 * not say which it was. */
static bool is_about(const vacuum_carried_row *noted, const vacuum_relation *v)
{
    struct json_object *identity = noted->detail ? json_tokener_parse(noted->detail) : NULL, *relation = NULL,
                       *file = NULL;
    bool is_told = identity && json_object_object_get_ex(identity, "relation", &relation) &&
                   json_object_object_get_ex(identity, "file", &file);
    bool same = strcmp(v->label, noted->object_name) == 0 &&
                (!is_told ||
                 (json_object_get_int64(relation) == v->row.relation && json_object_get_int64(file) == v->row.file));
    (void)json_object_put(identity);
    return same;
}

static void add_noted(const vacuum_scan *scan, const vacuum_carried_row *noted)
{
    bool is_dead = strcmp(noted->metric_name, DEAD) == 0;
    int64_t rows = (int64_t)noted->metric_value;
    for (size_t i = 0; rows > 0 && i < scan->count; i++) {
        vacuum_relation *v = &scan->relations[i];
        if (v->need.last_vacuum != LB_TIME_NONE || !is_about(noted, v))
            continue;
        if (!is_dead)
            carry(scan, v, 0, rows);
        else if (v->need.last_analyze == LB_TIME_NONE)
            carry(scan, v, rows, 0);
    }
}

void vacuum_ledger_keep_on(const vacuum_scan *scan, const vacuum_relation *was, vacuum_relation *now)
{
    bool is_counted = now->need.last_analyze != LB_TIME_NONE;
    if (now->need.last_vacuum == LB_TIME_NONE && now->row.file == was->row.file)
        carry(scan, now, is_counted ? 0 : was->carried_dead, was->carried_inserted);
}

int vacuum_ledger_read(lb_ctx *ctx, vacuum_scan *scan, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const vacuum_carried_args wanted = {.project = target->project,
                                        .branch = target->branch,
                                        .database = scan->server.database,
                                        .since = scan->now - LOOKBACK_US};
    vacuum_carried_row row;
    lb_rows *rows = NULL;
    if (scan->server.is_standby)
        return lb_skipped(ctx, "all counters", VACUUM_STANDBY, err);
    int r = vacuum_carried(ctx, &wanted, &rows, err);
    if (lb_no_history(r))
        return 0;
    while (r >= 0 && vacuum_carried_next(ctx, rows, &row))
        add_noted(scan, &row);
    return r < 0 ? lb_wrap(err, "what was counted before") : 0;
}
