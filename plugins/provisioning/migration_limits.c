/* For how long the statements of a part may go on. What should be done at once has little time; what reads or changes
 * rows as much as its tables ask for; what keeps nobody out has hours. What nobody can size (a function that is called,
 * code with loops) has the run's own time. */
#include "migration_catalogue.h"

#include <sql/migration/hold_to_limits.h>
#include <sql/migration/limit_idle.h>
#include <sql/migration/limit_time.h>
#include <sql/migration/limit_transaction.h>
#include <sql/migration/limit_wait.h>
#include <sql/migration/sizes.h>
#include <sql/migration/time_on.h>
#include <sql/migration/wait_on.h>
#include <sql/migration/waits.h>
#include <sql/migration/want_limits.h>
#include <sql/migration/want_no_time.h>
#include <sql/migration/want_no_wait.h>
#include <sql/migration/want_time_on.h>
#include <sql/migration/want_wait_on.h>

#define IDLE_MOST_MS      10000
#define MINUTE_MS         INT64_C(60000)
#define DATA_MOST_MS      (240 * MINUTE_MS)
#define READ_EACH_MS      (INT64_C(8) << 10) /* bytes: 8 MiB a second, where little of a table is in memory */
#define WRITTEN_EACH_MS   (INT64_C(2) << 10) /* with indexes, triggers and the log */
#define BACKSTOP_LEAST_MS (60 * MINUTE_MS)
#define BACKSTOP_MOST_MS  (1440 * MINUTE_MS)
#define RESERVE_MS        INT64_C(30000) /* of the run's time: to drop what a build has left, and to note it */

int64_t migration_time_for(int64_t bytes, bool writes)
{
    int64_t each_ms = writes ? WRITTEN_EACH_MS : READ_EACH_MS, most_ms = MINUTE_MS;
    if (bytes < 0 || bytes / each_ms >= DATA_MOST_MS)
        return DATA_MOST_MS;
    while (most_ms < MINUTE_MS / 2 + bytes / each_ms)
        most_ms *= 2;
    return most_ms < DATA_MOST_MS ? most_ms : DATA_MOST_MS;
}

/* ---- what kind of work it is ---- */

static bool is_of(const judged *s, const char *kind)
{
    return tree_has(tree_node(s->source->node, kind));
}

static bool is_quick(const judged *s)
{
    return s->is_ddl || is_of(s, "VariableSetStmt") || is_of(s, "TruncateStmt") || is_of(s, "LockStmt");
}

migration_work migration_work_of(const judged *s)
{
    static const char *const unsized[] = {"DoStmt", "CallStmt", "RefreshMatViewStmt"};
    for (size_t i = 0; i < LB_COUNT(unsized); i++)
        if (is_of(s, unsized[i]))
            return WORK_UNKNOWN;
    if (!s->verdict.in_transaction && s->lock <= LOCK_SHARE_UPDATE_EXCLUSIVE)
        return WORK_BUILDS;
    if (s->rewrites || is_of(s, "CreateTableAsStmt") || (s->scans && is_of(s, "IndexStmt")))
        return WORK_WRITES;
    if (s->scans)
        return WORK_READS;
    if (is_quick(s))
        return WORK_QUICK;
    return s->lock == LOCK_ROW_EXCLUSIVE ? WORK_WRITES : WORK_UNKNOWN;
}

/* It keeps everybody out, and by all that is known of it has nothing to read: if it takes long, that was wrong. */
static bool is_instant(const migration_file *file, uint32_t statement)
{
    const judged *s = &file->judged.items[statement - 1];
    if (!s->is_ddl || s->lock != LOCK_ACCESS_EXCLUSIVE || !*s->lock_on || s->scans || s->rewrites)
        return false;
    for (size_t i = 0; i < file->judged.hazard_count; i++)
        if (file->judged.hazards[i].statement == statement)
            return false;
    return true;
}

static bool are_instant(const migration_file *file, uint32_t first, uint32_t last)
{
    while (first <= last && is_instant(file, first))
        first++;
    return first > last;
}

/* ---- how much of it there is ---- */

/* Anywhere in it: what references rows that go may go along. */
static bool deletes(const judged *s)
{
    const char *end = tree_end(s->source->node);
    char key[64];
    tree value;
    for (const char *p = s->source->node.at; tree_next_key(p, end, key, sizeof key, &value); p = value.at)
        if (strcmp(key, "DeleteStmt") == 0 || (strcmp(key, "commandType") == 0 && tree_is(value, "CMD_DELETE")))
            return true;
    return false;
}

/* Below zero: not known. */
static int read_size(migration_run *run, const judged *s, int64_t *ret_bytes, lb_error *err)
{
    migration_named named;
    migration_sizes_row row = {0};
    lb_rows *rows = NULL;
    int r = migrate_named(run, s, &named, err);
    *ret_bytes = -1;
    if (r < 0 || !named.count) /* of no table: of all of them, perhaps */
        return r;
    const migration_sizes_args args = {
        .schemas = {named.schemas, named.count}, .names = {named.names, named.count}, .deletes = deletes(s)};
    r = migration_sizes(run->ctx, &args, &rows, err);
    if (r >= 0 && migration_sizes_next(run->ctx, rows, &row) && row.is_known)
        *ret_bytes = row.bytes;
    return r;
}

static int add_data(migration_run *run, const judged *s, bool writes, migration_limit *into, lb_error *err)
{
    int64_t bytes = -1, most_ms = run->data_timeout_ms;
    int r = most_ms < 0 ? read_size(run, s, &bytes, err) : 0;
    if (r < 0)
        return r;
    most_ms = most_ms < 0 ? migration_time_for(bytes, writes) : most_ms;
    if (into->most_ms < most_ms)
        *into = (migration_limit){.most_ms = most_ms, .option = LIMIT_DATA};
    return 0;
}

/* The setting holds for each statement of a transaction, so the one that may take longest decides; where one has no
 * limit, none has. */
static int limit_of(migration_run *run, const migration_file *file, uint32_t first, uint32_t last,
                    migration_limit *into, lb_error *err)
{
    int r = 0;
    bool is_free = false, is_mixed = false;
    *into = (migration_limit){0};
    for (uint32_t i = first; r >= 0 && !is_free && i <= last; i++) {
        const judged *s = &file->judged.items[i - 1];
        migration_work work = migration_work_of(s);
        bool is_data = work == WORK_READS || work == WORK_WRITES;
        if (is_data)
            r = add_data(run, s, work == WORK_WRITES, into, err);
        else if (work == WORK_BUILDS)
            *into = (migration_limit){.most_ms = run->build_timeout_ms, .option = LIMIT_BUILD};
        is_mixed = is_mixed || work == WORK_QUICK;
        is_free = work == WORK_UNKNOWN || (is_data && !run->data_timeout_ms);
    }
    if (is_free)
        *into = (migration_limit){0};
    else if (r >= 0 && are_instant(file, first, last))
        *into = (migration_limit){.most_ms = run->instant_timeout_ms, .option = LIMIT_INSTANT};
    else if (is_mixed && into->most_ms && into->most_ms < run->instant_timeout_ms)
        into->most_ms = run->instant_timeout_ms; /* what is done at once beside it has no less */
    return r;
}

/* Never beyond what the run has left, as nothing could be cleaned up then, nor beyond what the session has. */
static void hold_within(const migration_run *run, migration_limit *limit)
{
    int64_t left_ms = lb_time_left(run->ctx) / 1000 - RESERVE_MS;
    if (!limit->most_ms)
        return;
    if (left_ms < limit->most_ms) {
        limit->most_ms = left_ms > 1000 ? left_ms : 1000;
        limit->option = LIMIT_RUN;
    }
    if (limit->session_ms && limit->session_ms < limit->most_ms) {
        limit->most_ms = limit->session_ms;
        limit->option = LIMIT_OTHERS;
    }
}

/* CREATE INDEX CONCURRENTLY waits for old snapshots as for locks, and a limit would leave an invalid index behind: what
 * keeps no reader or writer out waits for as long as it may take at all. */
static int64_t wait_limit_of(const migration_run *run, const judged *first)
{
    bool keeps_out = first->verdict.in_transaction || first->lock > LOCK_SHARE_UPDATE_EXCLUSIVE;
    return keeps_out ? migrate_wait_limit(run) : 0;
}

int migrate_limit_of(migration_run *run, const migration_file *file, uint32_t first, uint32_t last,
                     migration_limit *ret_limit, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_waits_row session = {0};
    bool is_alone = !file->judged.items[first - 1].verdict.in_transaction;
    int r = limit_of(run, file, first, last, ret_limit, err);
    if (r >= 0)
        r = migration_waits(run->ctx, &rows, err);
    if (r < 0)
        return r;
    (void)migration_waits_next(run->ctx, rows, &session); /* one row, always */
    if (ret_limit->most_ms && !is_alone)
        ret_limit->most_ms += run->lock_timeout_ms; /* what it waits for its lock is no work */
    ret_limit->session_ms = session.most_ms;
    ret_limit->session_wait_ms = session.wait_ms;
    ret_limit->wait_ms = wait_limit_of(run, &file->judged.items[first - 1]);
    hold_within(run, ret_limit);
    return 0;
}

/* ---- setting them ---- */

static const char *digits(migration_run *run, int64_t number)
{
    return lb_printf(run->ctx, "%lld", (long long)number);
}

/* The run's own deadline comes first, where somebody is left to watch it; an approval has another run than this one. */
static int64_t backstop(const migration_run *run)
{
    int64_t most_ms = BACKSTOP_LEAST_MS;
    while (most_ms < lb_time_left(run->ctx) / 1000 && most_ms < BACKSTOP_MOST_MS)
        most_ms *= 2;
    return most_ms;
}

static int set_all(migration_run *run, lb_group *group, int64_t wait_ms, const migration_want_limits_args *wanted,
                   lb_error *err)
{
    int r = migration_limit_wait(run->ctx, group, &(migration_limit_wait_args){.wait_ms = wait_ms}, err);
    if (r >= 0)
        r = migration_limit_idle(run->ctx, group, &(migration_limit_idle_args){.idle_ms = IDLE_MOST_MS}, err);
    if (r >= 0 && wanted->transaction_ms)
        r = migration_limit_transaction(run->ctx, group,
                                        &(migration_limit_transaction_args){.most_ms = wanted->transaction_ms}, err);
    if (r >= 0 && wanted->most_ms)
        r = migration_limit_time(run->ctx, group, &(migration_limit_time_args){.most_ms = wanted->most_ms}, err);
    return r;
}

int migrate_limit_transaction(migration_run *run, lb_group *group, const migration_limit *limit, lb_error *err)
{
    bool has_whole = run->server >= 17;
    const migration_want_limits_args wanted = {.wait_ms = digits(run, limit->wait_ms),
                                               .idle_ms = digits(run, IDLE_MOST_MS),
                                               .most_ms = limit->most_ms ? digits(run, limit->most_ms) : NULL,
                                               .transaction_ms = has_whole ? digits(run, backstop(run)) : NULL};
    if (!wanted.wait_ms || !wanted.idle_ms || (limit->most_ms && !wanted.most_ms) ||
        (has_whole && !wanted.transaction_ms))
        return lb_out_of_memory(err);
    int r = set_all(run, group, limit->wait_ms, &wanted, err);
    if (r >= 0)
        r = migration_want_limits(run->ctx, group, &wanted, err);
    return r < 0 ? r : migration_hold_to_limits(run->ctx, group, err);
}

static int set_time(migration_run *run, lb_group *group, int64_t most_ms, lb_error *err)
{
    const char *most = digits(run, most_ms);
    return most ? migration_time_on(run->ctx, group, &(migration_time_on_args){.most_ms = most}, err)
                : lb_out_of_memory(err);
}

static int want_time(migration_run *run, lb_group *group, int64_t most_ms, lb_error *err)
{
    const char *most = digits(run, most_ms);
    return most ? migration_want_time_on(run->ctx, group, &(migration_want_time_on_args){.most_ms = most}, err)
                : lb_out_of_memory(err);
}

static int want_wait(migration_run *run, lb_group *group, int64_t wait_ms, lb_error *err)
{
    const char *wait = digits(run, wait_ms);
    return wait ? migration_want_wait_on(run->ctx, group, &(migration_want_wait_on_args){.wait_ms = wait}, err)
                : lb_out_of_memory(err);
}

int migrate_limit_session(migration_run *run, lb_group *group, const migration_limit *limit, lb_error *err)
{
    int r = migration_wait_on(run->ctx, group, &(migration_wait_on_args){.wait_ms = limit->wait_ms}, err);
    if (r >= 0)
        r = want_wait(run, group, limit->wait_ms, err);
    if (r >= 0 && limit->most_ms)
        r = set_time(run, group, limit->most_ms, err);
    if (r >= 0 && limit->most_ms)
        r = want_time(run, group, limit->most_ms, err);
    return r < 0 ? r : migration_hold_to_limits(run->ctx, group, err);
}

int migrate_unlimit_session(migration_run *run, lb_group *group, const migration_limit *limit, lb_error *err)
{
    int r = limit->most_ms ? set_time(run, group, limit->session_ms, err) : 0;
    if (r >= 0 && limit->most_ms)
        r = migration_want_no_time(run->ctx, group, err);
    if (r >= 0)
        r = migration_wait_on(run->ctx, group, &(migration_wait_on_args){.wait_ms = limit->session_wait_ms}, err);
    return r < 0 ? r : migration_want_no_wait(run->ctx, group, err);
}

/* ---- when it was too little ---- */

bool migrate_was_limited(const migration_run *run, const migration_limit *limit, const lb_error *why)
{
    return why->code == LB_ERR_TIMEOUT && strcmp(why->sqlstate, "57014") == 0 && limit->most_ms &&
           lb_time_left(run->ctx) > 0;
}

void migrate_explain_limit(const migration_run *run, const migration_limit *limit, lb_error *err)
{
    static const char *const texts[] = {
        [LIMIT_OTHERS] = NULL, /* the transport has said what it is */
        [LIMIT_INSTANT] = "it keeps everybody out and was thought to be done at once, so instant_timeout_s ended it: "
                          "nothing of its transaction is left; give more of that, or do it in steps",
        [LIMIT_DATA] = "data_timeout_s ended it: nothing of it is left; give more of that, or do it in steps",
        [LIMIT_BUILD] = "build_timeout_s ended it; an index that it left is dropped, or built anew by the next run; "
                        "give more of that",
        [LIMIT_RUN] = "the run has no more time: give the tool a larger timeout_s, or do it in steps",
    };
    const char *text = texts[limit->option];
    if (!text)
        return;
    bool is_sized = limit->option == LIMIT_DATA && run->data_timeout_ms < 0;
    (void)snprintf(err->hint, sizeof err->hint, "%s (it had %.1f s%s)", text, (double)limit->most_ms / 1000,
                   is_sized ? ", by the size of its tables" : ""); /* short enough */
}
