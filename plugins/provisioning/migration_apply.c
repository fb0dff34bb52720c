/* One migration, part by part: a part is a transaction that also writes the ledger, or a single statement that must not
 * be in one. Whatever ends half-way goes on there the next time. */
#include "migration_run.h"

#include <sql/migration/blockers.h>
#include <sql/migration/limit_wait.h>
#include <sql/migration/own_locks.h>
#include <sql/migration/wait_on.h>

typedef struct part {
    uint32_t first, last; /* statements, counted from 1 */
    bool is_alone;
} part;

static part next_part(const judgement *j, uint32_t done)
{
    part p = {.first = done + 1, .last = done + 1, .is_alone = !j->items[done].verdict.in_transaction};
    while (p.last < j->count && !j->items[p.last].starts_part)
        p.last++;
    return p;
}

/* ---- one try ---- */

static int open_part(migration_run *run, const migration_task *task, const part *p, const char *undo,
                     lb_group **ret_group, lb_error *err)
{
    const migration_file *file = task->file;
    size_t steps = file->judged.count;
    const char *title = p->first == 1 && p->last == steps ? lb_printf(run->ctx, "apply %s", file->name)
                                                          : lb_printf(run->ctx, "apply %s, statements %u to %u of %zu",
                                                                      file->name, p->first, p->last, steps);
    const char *reason = file->kind == MIGRATION_REPEATABLE ? lb_printf(run->ctx, "its text has changed")
                         : file->kind == MIGRATION_UNDO
                             ? lb_printf(run->ctx, "takes version %s of the schema back", file->version)
                             : lb_printf(run->ctx, "version %s of the schema", file->version);
    const lb_value *evidence = migrate_evidence(run, file);
    if (!title || !reason || !evidence)
        return lb_out_of_memory(err);
    return lb_group_open(
        run->ctx,
        LB_GROUP(.title = title, .reason = reason, .evidence = evidence, .undo = undo, .atomic = !p->is_alone),
        ret_group, err);
}

static int add_script(migration_run *run, lb_group *group, const migration_file *file, const part *p, lb_error *err)
{
    return lb_change_script(run->ctx, group,
                            LB_SCRIPT(.name = file->name, .text = file->text, .first = p->first, .last = p->last), err);
}

/* The last statement of the transaction was the question. */
static int tell_locks(migration_run *run, const lb_group *group, const migration_file *file, const part *p,
                      lb_error *err)
{
    return lb_append(run->ctx, "locks",
                     LB_ARGS(lb_text("file", file->name), lb_i64("first", p->first), lb_i64("last", p->last),
                             lb_json("held", lb_group_reply(run->ctx, group))),
                     err);
}

/* The ledger's row stands first in a transaction: if another session has executed this part, it fails there. */
static int try_part(migration_run *run, const migration_task *task, const part *p, const char *undo,
                    lb_outcome *ret_outcome, lb_error *err)
{
    lb_group *group = NULL;
    const migration_limit_wait_args limit = {.wait_ms = run->lock_timeout_ms};
    int r = open_part(run, task, p, undo, &group, err);
    if (r >= 0)
        r = p->is_alone ? migration_wait_on(run->ctx, group, err) : migration_limit_wait(run->ctx, group, &limit, err);
    if (r >= 0 && !p->is_alone)
        r = migrate_note(run, group, task, "done", p->last, NULL, err);
    if (r >= 0)
        r = add_script(run, group, task->file, p, err);
    if (r >= 0 && p->is_alone)
        r = migrate_note(run, group, task, "done", p->last, NULL, err);
    bool tells = run->tells_locks && !p->is_alone;
    if (r >= 0 && tells)
        r = migration_own_locks(run->ctx, group, err);
    if (r >= 0)
        r = lb_apply(run->ctx, group, ret_outcome, err);
    return r < 0 || !tells || *ret_outcome != LB_APPLIED ? r : tell_locks(run, group, task->file, p, err);
}

/* ---- several tries ---- */

static bool is_worth_another_try(const lb_error *err)
{
    static const char *const states[] = {"55P03", "40P01", "40001"};
    for (size_t i = 0; i < LB_COUNT(states); i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    return false;
}

/* Who stands in the way, as far as can be seen. */
static void explain_wait(migration_run *run, const migration_file *file, const part *p, int64_t tries, lb_error *err)
{
    lb_error ignored;
    lb_rows *rows = NULL;
    migration_blockers_row row;
    const char *table = "";
    char text[sizeof err->hint];
    for (uint32_t i = p->first; i <= p->last; i++)
        table = file->judged.items[i - 1].lock > LOCK_ROW_EXCLUSIVE ? file->judged.items[i - 1].lock_on : table;
    const migration_blockers_args args = {.relation = table};
    if (strcmp(err->sqlstate, "55P03") != 0 || !table[0] || migration_blockers(run->ctx, &args, &rows, &ignored) < 0)
        return;
    size_t n = (size_t)snprintf(text, sizeof text, "tried %lld times; %s is held", (long long)tries, table);
    while (n < sizeof text && migration_blockers_next(run->ctx, rows, &row))
        n += (size_t)snprintf(text + n, sizeof text - n, " by session %lld (%s, %s, %.0f s)", (long long)row.pid,
                              row.application, row.state, row.seconds);
    memcpy(err->hint, text, sizeof text);
}

static int note_alone(migration_run *run, const migration_task *task, const char *state, uint32_t step,
                      const char *error, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome;
    const char *became = error ? "failed" : strcmp(state, "begun") == 0 ? "is under way" : "holds nothing";
    const char *title = lb_printf(run->ctx, "note that %s %s", task->file->name, became);
    if (!title)
        return lb_out_of_memory(err);
    int r = lb_group_open(run->ctx, LB_GROUP(.title = title, .reason = "the ledger remembers it"), &group, err);
    if (r >= 0)
        r = migrate_note(run, group, task, state, step, error, err);
    return r < 0 ? r : lb_apply(run->ctx, group, &outcome, err);
}

static int begin_alone(migration_run *run, migration_task *task, const part *p, lb_error *err)
{
    if (!p->is_alone || task->was_begun || lb_plans(run->ctx))
        return 0;
    int r = note_alone(run, task, "begun", p->last, NULL, err);
    task->was_begun = r >= 0;
    return r;
}

/* Before each try of an index the place for it is cleared, as the try before may have left one. */
static int run_part(migration_run *run, migration_task *task, const part *p, const char *undo, lb_outcome *ret_outcome,
                    lb_error *err)
{
    const judged *s = &task->file->judged.items[p->first - 1];
    int64_t tries = 0;
    for (;;) {
        int r = 0;
        *ret_outcome = LB_APPLIED;
        if (s->builds.name)
            r = migrate_clear_index(run, task, s, ret_outcome, err);
        if (r < 0 || (*ret_outcome != LB_APPLIED && *ret_outcome != LB_PLANNED))
            return r;
        r = begin_alone(run, task, p, err);
        if (r >= 0)
            r = try_part(run, task, p, undo, ret_outcome, err);
        if (r >= 0 || !is_worth_another_try(err))
            return r;
        if (++tries >= run->lock_tries || !migrate_pause(run, tries, 5000)) {
            explain_wait(run, task->file, p, tries, err);
            return r;
        }
        lb_log(run->ctx, LB_LOG_INFO, "%s: try %lld was in vain: %s", task->file->name, (long long)tries, err->message);
    }
}

/* ---- what is left behind ---- */

/* The error in hand is the one that counts; what fails on the way is only told. */
static void clean_up(migration_run *run, migration_task *task, const part *p, const lb_error *why)
{
    lb_error err;
    lb_outcome outcome;
    const judged *s = &task->file->judged.items[p->first - 1];
    if (why->code == LB_ERR_UNREACHABLE || why->code == LB_ERR_CANCELLED || why->code == LB_ERR_TIMEOUT)
        return; /* nobody is there, or no time is left */
    if (note_alone(run, task, "failed", p->last, why->message, &err) < 0)
        lb_log(run->ctx, LB_LOG_WARN, "%s: %s", task->file->name, err.message);
    if (s->builds.name && migrate_clear_index(run, task, s, &outcome, &err) < 0)
        lb_log(run->ctx, LB_LOG_WARN, "%s: %s", task->file->name, err.message);
}

int migrate_apply(migration_run *run, migration_task *task, const char *undo, lb_outcome *ret_outcome, lb_error *err)
{
    const judgement *j = &task->file->judged;
    *ret_outcome = lb_plans(run->ctx) ? LB_PLANNED : LB_APPLIED;
    if (!j->count) /* nothing but comments: it is remembered all the same */
        return note_alone(run, task, "done", 0, NULL, err);
    while (task->done < j->count) {
        const part p = next_part(j, task->done);
        const judged *s = &j->items[p.first - 1];
        int r = run_part(run, task, &p, undo, ret_outcome, err);
        if (r >= 0 && *ret_outcome == LB_APPLIED && s->builds.name)
            r = migrate_check_index(run, s, err);
        if (r < 0) {
            const lb_error why = *err;
            clean_up(run, task, &p, &why);
            *err = why;
            return why.code;
        }
        if (*ret_outcome != LB_APPLIED && *ret_outcome != LB_PLANNED)
            return 0;
        task->done = p.last;
        task->was_begun = false;
    }
    return 0;
}
