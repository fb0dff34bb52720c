/* Batch after batch: on a throwaway branch one by one, each as large as the one before it went well; where a person is
 * asked, all of them at once, as an approval is carried out without the tool. */
#include "migration_batch.h"

#include <sql/migration/batch_first.h>
#include <sql/migration/batch_held_back.h>
#include <sql/migration/batch_lag.h>

#define BATCH_MOST_MS INT64_C(60000)
#define SLOW_US       INT64_C(500000)
#define FAST_US       INT64_C(100000)
#define LAG_MOST_S    10.0
#define LAG_LOOK_MS   INT64_C(500)
#define RESERVE_US    INT64_C(30000000)  /* of the run's time: to note how it ended */
#define DEAD_LEAST    INT64_C(1000)      /* rows: below that no vacuum is worth its while */
#define TEXTS_MOST    (INT64_C(3) << 20) /* about; what waits for an approval may take up a million bytes more */
#define TEXT_OF_BATCH 4096               /* but for the statement and its keys */

migration_limit migrate_batch_limit(const migration_run *run, const migration_limit *of_part)
{
    migration_limit limit = *of_part;
    if (run->data_timeout_ms && (!limit.most_ms || limit.most_ms > BATCH_MOST_MS)) {
        limit.most_ms = BATCH_MOST_MS;
        limit.option = LIMIT_DATA;
    }
    return limit;
}

/* Each row that is changed or deleted leaves a dead one, and nothing but a vacuum between the batches lets the next
 * ones use its place. */
static int64_t dead_most(const migration_backfill *b)
{
    return b->table_rows / 10 > DEAD_LEAST ? b->table_rows / 10 : DEAD_LEAST;
}

/* ---- groups ---- */

static int apply_group(migration_run *run, lb_group *group, const char *what, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    int r = lb_apply(run->ctx, group, &outcome, err);
    if (r >= 0 && outcome != LB_APPLIED)
        r = lb_fail(err, LB_ERR_DENIED, "look at the rules that make the gate stricter than it is by itself",
                    "the gate does not let %s pass", what);
    return r;
}

static int open_group(const migration_backfill *b, const char *what, bool atomic, lb_group **ret_group, lb_error *err)
{
    const char *title = lb_printf(b->run->ctx, "%s, statement %u: %s", b->task->file->name, b->number, what);
    return title ? lb_group_open(b->run->ctx,
                                 LB_GROUP(.title = title, .reason = "it is executed in batches", .atomic = atomic),
                                 ret_group, err)
                 : lb_out_of_memory(err);
}

int migrate_batches_begin(migration_backfill *b, lb_error *err)
{
    lb_group *group = NULL;
    int r = open_group(b, "where its batches end", false, &group, err);
    if (r >= 0)
        r = migrate_batch_begin(b, group, err);
    if (r >= 0)
        r = migrate_batch_plan(b, group, err);
    if (r >= 0)
        r = apply_group(b->run, group, "the beginning of it", err);
    return r < 0 ? r : migrate_batch_state(b, err);
}

/* ---- all of them in one group ---- */

static int64_t text_of(const lb_texts *key)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < key->count; i++)
        bytes += (int64_t)strlen(key->items[i]);
    return bytes;
}

/* A statement stands in a request with its values in place and without. */
static int64_t text_of_batch(const migration_backfill *b, const lb_texts *end)
{
    return 2 * (TEXT_OF_BATCH + (int64_t)strlen(b->head) + (int64_t)strlen(b->condition) + 4 * text_of(end));
}

/* *ret_end: of the last one that was added. */
static int add_all(const migration_backfill *b, lb_group *group, int64_t rows, bool is_one, lb_texts *ret_end,
                   lb_error *err)
{
    int64_t text = 0, number = b->batches, dead = 0;
    migration_backfill at = *b;
    lb_texts *planned = NULL;
    size_t count = 0, n = 0;
    int r = migrate_batch_planned(b, &planned, &count, err);
    while (r >= 0 && !migrate_batch_is_over(&at) && text < TEXTS_MOST && !(is_one && number > b->batches)) {
        lb_texts end = n < count ? planned[n++] : b->up_to;
        r = count ? 0 : migrate_batch_end(b, &at.last, rows, &end, err);
        if (r >= 0)
            r = migrate_batch_add(b, group, &at.last, &end, ++number, err);
        if (r >= 0 && !is_one)
            r = migrate_batch_add_pause(b, group, number, err);
        at.last = end;
        dead += rows;
        if (r >= 0 && !is_one && dead > dead_most(b)) {
            r = migrate_batch_add_vacuum(b, group, err);
            dead = 0;
        }
        text += text_of_batch(b, &end);
    }
    *ret_end = at.last;
    return r;
}

int migrate_batches_add(const migration_backfill *b, lb_group *group, const migration_limit *limit, bool *ret_whole,
                        lb_error *err)
{
    int64_t rows = b->task->file->judged.items[b->number - 1].batch_rows;
    migration_backfill at = *b;
    int r = lb_plans(b->run->ctx) ? migrate_batch_begin(b, group, err) : 0;
    if (r >= 0)
        r = migrate_limit_session(b->run, group, limit, err);
    if (r >= 0) /* what is decided is what would go then, as with a statement that is executed at once */
        r = migrate_hold_session_to_risk(b->run, group, b->task->file, err);
    if (r >= 0)
        r = add_all(b, group, rows, lb_plans(b->run->ctx), &at.last, err);
    if (r >= 0)
        r = migrate_unlimit_session(b->run, group, limit, err);
    *ret_whole = r >= 0 && migrate_batch_is_over(&at);
    return r < 0 || !*ret_whole ? r : migrate_batch_finish(b, group, err);
}

/* ---- one by one ---- */

/* An error of the server says no more than which statement of ours it was. */
static int wrap(const migration_backfill *b, lb_error *err)
{
    script_place place = b->task->file->judged.items[b->number - 1].source->place;
    const char *where = lb_printf(b->run->ctx, "%s: statement %u (line %u, column %u), batch %lld", b->task->file->name,
                                  b->number, place.line, place.column, (long long)b->batches + 1);
    return where && *err->sqlstate ? lb_wrap(err, where) : err->code;
}

/* One batch, in a transaction. */
static int execute(migration_backfill *b, const migration_limit *limit, int64_t rows, int64_t *ret_rows, lb_error *err)
{
    lb_group *group = NULL;
    lb_texts end = {NULL, 0};
    const char *what = lb_printf(b->run->ctx, "batch %lld", (long long)b->batches + 1);
    if (!what)
        return lb_out_of_memory(err);
    int r = migrate_batch_end(b, &b->last, rows, &end, err);
    if (r >= 0)
        r = open_group(b, what, true, &group, err);
    if (r >= 0)
        r = migrate_limit_transaction(b->run, group, limit, err);
    if (r >= 0)
        r = migrate_batch_add(b, group, &b->last, &end, b->batches + 1, err);
    if (r >= 0)
        r = apply_group(b->run, group, what, err);
    if (r < 0)
        return wrap(b, err);
    *ret_rows = strtoll(lb_group_reply(b->run->ctx, group), NULL, 10);
    b->last = end;
    b->batches++;
    b->rows += *ret_rows;
    return 0;
}

/* Half as many each time, as it may be their number that is in the way. */
static int try_batch(migration_backfill *b, const migration_limit *limit, migration_tries *all, int64_t *rows,
                     int64_t *ret_rows, lb_error *err)
{
    migration_tries tries = {.most = b->run->lock_tries};
    for (;;) {
        tries.began = lb_time_left(b->run->ctx);
        int r = execute(b, limit, *rows, ret_rows, err);
        bool is_over = r < 0 && migrate_was_limited(b->run, limit, err) && *rows > 1;
        if (r >= 0 || !(is_over || migrate_is_worth_another_try(err)))
            return r;
        bool goes_on = migrate_tries_again(b->run, &tries);
        all->count++;
        all->spent_us += tries.spent_us;
        tries.spent_us = 0;
        if (!goes_on)
            return r;
        *rows = *rows > 1 ? *rows / 2 : 1;
        lb_log(b->run->ctx, LB_LOG_INFO, "%s: a batch was in vain, the next try has %lld rows: %s", b->label,
               (long long)*rows, err->message);
    }
}

static int tell_waited(const migration_backfill *b, double behind_s, int64_t waited_us, lb_error *err)
{
    return lb_append(b->run->ctx, "replica_waits",
                     LB_ARGS(lb_text("file", b->task->file->name), lb_i64("statement", b->number),
                             lb_text("table", b->label), lb_i64("behind_batch", b->batches),
                             lb_f64("behind_s", behind_s), lb_f64("waited_s", (double)waited_us / 1e6)),
                     err);
}

/* Replicas that are behind would fall further behind. */
static int wait_for_replicas(const migration_backfill *b, lb_error *err)
{
    double most = 0;
    int64_t began = lb_time_left(b->run->ctx);
    for (;;) {
        lb_rows *rows = NULL;
        migration_batch_lag_row row = {0};
        int r = migration_batch_lag(b->run->ctx, &rows, err);
        if (r < 0 || !migration_batch_lag_next(b->run->ctx, rows, &row) || row.seconds <= LAG_MOST_S)
            return r < 0 || most <= 0 ? r : tell_waited(b, most, began - lb_time_left(b->run->ctx), err);
        if (most <= 0)
            lb_log(b->run->ctx, LB_LOG_INFO, "%s: a replica is %.0f s behind: waiting for it behind batch %lld",
                   b->label, row.seconds, (long long)b->batches);
        most = row.seconds > most ? row.seconds : most;
        if (lb_time_left(b->run->ctx) < RESERVE_US || !migrate_pause(b->run, 20, LAG_LOOK_MS))
            return lb_fail(err, LB_ERR_TIMEOUT, "run it again when they are: it goes on where it was",
                           "%s: a replica was %.0f s behind, and did not come closer in the time that the run has",
                           b->label, row.seconds);
    }
}

/* What it cannot have is no reason to leave the rest undone. */
static void vacuum(const migration_backfill *b)
{
    lb_group *group = NULL;
    lb_error err;
    int r = open_group(b, "vacuum", false, &group, &err);
    if (r >= 0)
        r = migrate_batch_add_vacuum(b, group, &err);
    if (r >= 0)
        r = apply_group(b->run, group, "a vacuum", &err);
    if (r < 0)
        lb_log(b->run->ctx, LB_LOG_WARN, "%s: not vacuumed between batches: %s", b->label, err.message);
}

/* Where such a transaction is open, the vacuums are in vain, and the table grows as if there were no batches. */
static int tell_held_back(const migration_backfill *b, const char *first, bool *told, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_batch_held_back_row row;
    int r = migration_batch_held_back(b->run->ctx, &(migration_batch_held_back_args){.first = first}, &rows, err);
    if (r < 0 || !migration_batch_held_back_next(b->run->ctx, rows, &row))
        return r;
    *told = true;
    lb_log(b->run->ctx, LB_LOG_WARN, "%s: %s has a transaction open for %.0f s, and no vacuum helps meanwhile",
           b->label, row.who, row.seconds);
    return lb_report(
        b->run->ctx,
        LB_FINDING(.object = row.who, .kind = "vacuum-held-back",
                   .reason = "its transaction is older than the batches: while it is open no vacuum clears "
                             "away what they leave, and the table grows",
                   .evidence = LB_ARGS(lb_text("file", b->task->file->name), lb_i64("statement", b->number),
                                       lb_text("table", b->label), lb_i64("pid", row.pid), lb_text("state", row.state),
                                       lb_f64("seconds", row.seconds)),
                   .terms = LB_TERMS({"seen_between_batches", 0.9})),
        err);
}

static int read_first(const migration_backfill *b, const char **ret_first, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_batch_first_row row = {.transaction = "0"};
    int r = migration_batch_first(b->run->ctx, &rows, err);
    if (r >= 0)
        (void)migration_batch_first_next(b->run->ctx, rows, &row); /* one row, always */
    *ret_first = row.transaction;
    return r;
}

static int go_through(migration_backfill *b, const migration_limit *limit, migration_tries *all, lb_error *err)
{
    int64_t size = b->task->file->judged.items[b->number - 1].batch_rows, dead = 0;
    const char *first = NULL;
    bool told = false;
    int r = read_first(b, &first, err);
    while (r >= 0 && !migrate_batch_is_over(b)) {
        int64_t began = lb_time_left(b->run->ctx), rows = 0;
        if (began < RESERVE_US || lb_cancelled(b->run->ctx))
            return lb_fail(err, LB_ERR_TIMEOUT, "run it again: it goes on there",
                           "%s: the run's time was over behind batch %lld", b->label, (long long)b->batches);
        r = try_batch(b, limit, all, &size, &rows, err);
        if (r < 0)
            return r;
        int64_t took = began - lb_time_left(b->run->ctx);
        size = took > SLOW_US ? size / 2 : took < FAST_US ? size * 2 : size;
        size = size < 1 ? 1 : size > JUDGE_BATCH_MOST ? JUDGE_BATCH_MOST : size;
        lb_progress(b->run->ctx, b->rows, b->table_rows, b->label);
        dead += rows;
        if (dead > dead_most(b)) {
            vacuum(b);
            dead = 0;
            r = told ? 0 : tell_held_back(b, first, &told, err);
        }
        if (r >= 0 && !migrate_batch_is_over(b)) {
            (void)migrate_pause(b->run, 20, took / 1000); /* whoever is asked to stop, stops above */
            r = wait_for_replicas(b, err);
        }
    }
    return r;
}

int migrate_batches_go(migration_backfill *b, const migration_limit *limit, migration_tries *all, lb_error *err)
{
    lb_group *group = NULL;
    int r = go_through(b, limit, all, err);
    if (r >= 0)
        r = open_group(b, "done", false, &group, err);
    if (r >= 0)
        r = migrate_batch_finish(b, group, err);
    return r < 0 ? r : apply_group(b->run, group, "the end of it", err);
}

/* ---- before, and in a plan ---- */

int migrate_batches_tell(const migration_backfill *b, lb_error *err)
{
    int64_t size = b->task->file->judged.items[b->number - 1].batch_rows, left = b->table_rows - b->rows;
    return lb_append(b->run->ctx, "backfills",
                     LB_ARGS(lb_text("file", b->task->file->name), lb_i64("statement", b->number),
                             lb_text("table", b->label), lb_text("key", b->key_label),
                             lb_i64("rows_of_the_table", b->table_rows), lb_i64("rows_in_first_batch", size),
                             lb_i64("batches_left_about", left > 0 ? (left + size - 1) / size : 0),
                             lb_i64("batches_done", b->batches), lb_i64("rows_done", b->rows)),
                     err);
}

/* What comes before it may yet make the table, or its key. */
static bool is_altered_before(const migration_plan *plan, size_t task, uint32_t statement, const char *on)
{
    for (size_t t = 0; t <= task; t++) {
        const judgement *j = &plan->tasks[t].file->judged;
        uint32_t end = t == task ? statement - 1 : (uint32_t)j->count;
        for (uint32_t i = plan->tasks[t].done; i < end; i++)
            if (j->items[i].is_ddl && (strcmp(j->items[i].lock_on, on) == 0 || j->items[i].builds.on_name))
                return true;
    }
    return false;
}

int migrate_batches_check(migration_run *run, const migration_plan *plan, lb_error *err)
{
    for (size_t t = 0; t < plan->count; t++) {
        const migration_task *task = &plan->tasks[t];
        const judgement *j = &task->file->judged;
        for (uint32_t i = task->done; i < j->count; i++) {
            migration_backfill b;
            if (!j->items[i].batch_rows || is_altered_before(plan, t, i + 1, j->items[i].lock_on))
                continue;
            int r = migrate_batch_look(run, task, i + 1, &b, err);
            if (r < 0 && r != LB_ERR_NOT_FOUND)
                return r;
        }
    }
    return 0;
}
