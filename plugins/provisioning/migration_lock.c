#include "lock_wait.h"
#include "migration_run.h"

#include <sql/migration/free_lock.h>
#include <sql/migration/lock_holder.h>
#include <sql/migration/lock_kept.h>
#include <sql/migration/try_lock.h>

bool migrate_pause(migration_run *run, int64_t tries, int64_t most_ms)
{
    return lock_pause(run->ctx, &run->chance, tries, most_ms);
}

/* Is it held by somebody, and by whom? */
static int find_holder(migration_run *run, bool *ret_held, char *who, size_t size, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_lock_holder_row row;
    int r = migration_lock_holder(run->ctx, &rows, err);
    *ret_held = r >= 0 && migration_lock_holder_next(run->ctx, rows, &row);
    if (*ret_held)
        (void)snprintf(who, size, "session %lld (%s)", (long long)row.pid,
                       row.application[0] ? row.application : "without a name"); /* cut, for people */
    return r;
}

static int try_lock(migration_run *run, bool *ret_locked, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(run->ctx,
                          LB_GROUP(.title = "keep other runners out", .reason = "one at a time applies migrations"),
                          &group, err);
    if (r >= 0)
        r = migration_try_lock(run->ctx, group, err);
    if (r >= 0)
        r = lb_apply(run->ctx, group, &outcome, err);
    *ret_locked = r >= 0 && outcome == LB_APPLIED && strcmp(lb_group_reply(run->ctx, group), "t") == 0;
    return r;
}

static int fail_lost(int64_t was, int64_t is, lb_error *err)
{
    char where[80] = "this session does not hold it any more";
    if (was != is)
        (void)snprintf(where, sizeof where, "session %lld took it, and this is session %lld", (long long)was,
                       (long long)is); /* cut, for people */
    return lb_fail(err, LB_ERR_CONFLICT,
                   "connect to the server itself and not to a pooler, and free no advisory locks in a migration; what "
                   "was applied is in the ledger, and running it again goes on there",
                   "the lock that keeps other runners out was lost: %s", where);
}

int migrate_check_lock(migration_run *run, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_lock_kept_row row = {0};
    if (lb_plans(run->ctx))
        return 0;
    int r = migration_lock_kept(run->ctx, &rows, err);
    if (r < 0)
        return r;
    (void)migration_lock_kept_next(run->ctx, rows, &row); /* it always has one */
    run->session = run->session ? run->session : row.pid;
    return row.is_kept && row.pid == run->session ? 0 : fail_lost(run->session, row.pid, err);
}

int migrate_lock(migration_run *run, lb_error *err)
{
    char who[160] = "another session";
    int64_t waited_from = lb_now(run->ctx);
    for (int64_t tries = 4;; tries++) {
        bool is_held = false, is_ours = false;
        int r = find_holder(run, &is_held, who, sizeof who, err);
        if (r >= 0 && !is_held)
            r = try_lock(run, &is_ours, err);
        if (r < 0 || is_ours)
            return r < 0 ? r : migrate_check_lock(run, err);
        bool is_over = lb_now(run->ctx) - waited_from >= run->lock_wait_s * INT64_C(1000000);
        if (is_over || !migrate_pause(run, tries, 5000))
            return lb_fail(err, LB_ERR_CONFLICT, "wait for it to end, or give more lock_wait_s",
                           "migrations are being applied by %s", who);
    }
}

int migrate_unlock(migration_run *run, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome;
    int r = lb_group_open(run->ctx, LB_GROUP(.title = "let other runners in", .reason = "there is no more to apply"),
                          &group, err);
    if (r >= 0)
        r = migration_free_lock(run->ctx, group, err);
    if (r >= 0)
        r = lb_apply(run->ctx, group, &outcome, err);
    if (r < 0)
        return lb_wrap(err, "the lock of the migrations was not freed");
    bool is_freed = outcome != LB_APPLIED || strcmp(lb_group_reply(run->ctx, group), "t") == 0;
    return is_freed ? 0 : fail_lost(run->session, run->session, err);
}
