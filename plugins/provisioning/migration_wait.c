/* How long statements wait for locks. While one waits for a strong lock, everybody else who wants the table waits
 * behind it; so each wait is short, and between two of them nothing is held. */
#include "migration_run.h"

#include <sql/migration/blockers.h>

#define NAMED_MOST 3 /* sessions */

int64_t migrate_wait_limit(const migration_run *run)
{
    int64_t left_ms = run->lock_left_us / 1000;
    int64_t limit = left_ms < run->lock_timeout_ms ? left_ms : run->lock_timeout_ms;
    return limit > 0 ? limit : 1; /* 0 would be no limit */
}

static int64_t spend(migration_run *run, migration_tries *tries)
{
    int64_t now = lb_time_left(run->ctx), spent = tries->began - now;
    tries->began = now;
    tries->spent_us += spent;
    run->lock_left_us -= spent;
    return run->lock_left_us / 1000;
}

bool migrate_tries_again(migration_run *run, migration_tries *tries)
{
    int64_t left_ms = spend(run, tries);
    if (++tries->count >= run->lock_tries || left_ms <= 0)
        return false;
    bool goes_on = migrate_pause(run, tries->count, left_ms < run->lock_pause_ms ? left_ms : run->lock_pause_ms);
    return goes_on && spend(run, tries) > 0;
}

/* The first table of these that somebody holds in a way that keeps us out. */
static size_t name_holders(migration_run *run, const judged *s, char *text, size_t size)
{
    lb_error ignored;
    lb_rows *rows = NULL;
    migration_blockers_row row;
    const migration_blockers_args args = {.relation = s->lock_on, .strength = s->lock};
    size_t n = 0;
    if (!*s->lock_on || s->lock == LOCK_NONE || migration_blockers(run->ctx, &args, &rows, &ignored) < 0)
        return 0;
    for (size_t i = 0; i < NAMED_MOST && n < size && migration_blockers_next(run->ctx, rows, &row); i++)
        n += (size_t)snprintf(text + n, size - n, "%s%s%s %s", i ? "," : "; ", i ? "" : s->lock_on,
                              i ? "" : " is held by", row.who); /* cut, for people */
    return n;
}

void migrate_explain_wait(migration_run *run, const migration_tries *tries, const judged *first, size_t count,
                          lb_error *err)
{
    char text[sizeof err->hint];
    bool is_lock = strcmp(err->sqlstate, "55P03") == 0;
    if (!is_lock && strcmp(err->sqlstate, "40P01") != 0)
        return;
    const char *why = tries->count >= run->lock_tries ? ", as lock_tries has it"
                      : run->lock_left_us < 1000      ? ", as lock_budget_s has it" /* below what a wait can be */
                                                      : "";
    size_t n = (size_t)snprintf(text, sizeof text, "tried %lld times in %.1f s%s", (long long)tries->count,
                                (double)tries->spent_us / 1e6, why);
    for (size_t i = 0, named = 0; is_lock && i < count && !named; i++)
        named = name_holders(run, &first[i], text + n, sizeof text - n);
    memcpy(err->hint, text, sizeof text);
}
