/* How long statements wait for locks. While one waits for a strong lock, everybody else who wants the table waits
 * behind it; so each wait is short, and between two of them nothing is held. */
#include "lock_wait.h"
#include "migration_run.h"

#include <sql/migration/blockers.h>
#include <sql/migration/in_the_way.h>

#define NAMED_MOST 3 /* sessions */

int64_t migrate_wait_limit(const migration_run *run)
{
    int64_t left_ms = run->lock_left_us / 1000;
    int64_t limit = left_ms < run->lock_timeout_ms ? left_ms : run->lock_timeout_ms;
    return limit > 0 ? limit : 1; /* 0 would be no limit */
}

bool migrate_is_worth_another_try(const lb_error *err)
{
    return lock_is_others(err) || strcmp(err->sqlstate, MIGRATION_MOVED) == 0;
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
    if (++tries->count >= tries->most || left_ms <= 0)
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
                      : tries->count >= tries->most   ? ", the most for an index"
                      : run->lock_left_us < 1000      ? ", as lock_budget_s has it" /* below what a wait can be */
                                                      : "";
    size_t n = (size_t)snprintf(text, sizeof text, "tried %lld times in %.1f s%s", (long long)tries->count,
                                (double)tries->spent_us / 1e6, why);
    for (size_t i = 0, named = 0; is_lock && i < count && !named; i++)
        named = name_holders(run, &first[i], text + n, sizeof text - n);
    memcpy(err->hint, text, sizeof text);
}

/* ---- before anything is tried ---- */

static int report_in_the_way(migration_run *run, const migration_file *file, const judged *s, uint32_t statement,
                             const migration_in_the_way_row *row, lb_error *err)
{
    return lb_report(run->ctx,
                     LB_FINDING(.object = row->who, .kind = "in-the-way",
                                .reason = "the statement cannot end before this does, and nobody is kept out meanwhile",
                                .evidence = LB_ARGS(lb_text("file", file->name), lb_i64("statement", statement),
                                                    lb_text("sql", s->source->text), lb_text("table", s->lock_on),
                                                    lb_text("what", row->what), lb_f64("seconds", row->seconds)),
                                .terms = LB_TERMS({"seen_before_the_statement", 0.6}, {"may_end_any_time", 0.1})),
                     err);
}

static bool waits_for_others(const judged *s)
{
    return s->lock == LOCK_SHARE_UPDATE_EXCLUSIVE && (!s->verdict.in_transaction || s->scans);
}

int migrate_tell_in_the_way(migration_run *run, const migration_file *file, uint32_t first, uint32_t last,
                            lb_error *err)
{
    int r = 0;
    for (uint32_t i = first; r >= 0 && i <= last; i++) {
        const judged *s = &file->judged.items[i - 1];
        lb_rows *rows = NULL;
        migration_in_the_way_row row;
        const migration_in_the_way_args args = {.relation = s->lock_on, .concurrent = !s->verdict.in_transaction};
        if (!waits_for_others(s))
            continue;
        r = migration_in_the_way(run->ctx, &args, &rows, err);
        while (r >= 0 && migration_in_the_way_next(run->ctx, rows, &row))
            r = report_in_the_way(run, file, s, i, &row, err);
    }
    return r;
}
