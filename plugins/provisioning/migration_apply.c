/* One migration, part by part: a part is a transaction that also writes the ledger, or a single statement that must not
 * be in one. Whatever ends half-way goes on there the next time. */
#include "migration_base.h"
#include "migration_batch.h"
#include "migration_keep.h"
#include "migration_notices.h"

#include <sql/migration/listen.h>
#include <sql/migration/listen_no_more.h>
#include <sql/migration/listen_on.h>
#include <sql/migration/measure.h>

#define MEASURED_MOST 50 /* statements of a part that are measured one by one: each measure repeats those before it */

#define BUILDS_MOST 3 /* tries of what reads a whole table each time */

typedef struct part {
    uint32_t first, last; /* statements, counted from 1 */
    bool is_alone;
    lb_group *group; /* of the last try */
    bool is_told;    /* of that group */
    migration_limit limit;
    const migration_keep *keep;
    int64_t batches, rows; /* as a course has them */
} part;

static migration_course course_of(const migration_task *task, const part *p, const migration_tries *tries,
                                  int64_t began)
{
    return (migration_course){.task = task,
                              .first = p->first,
                              .last = p->last,
                              .is_alone = p->is_alone,
                              .tries = tries,
                              .limit = &p->limit,
                              .began = began,
                              .batches = p->batches};
}

static part next_part(const judgement *j, uint32_t done)
{
    const judged *first = &j->items[done];
    part p = {.first = done + 1,
              .last = done + 1,
              .is_alone = first->batch_rows || !first->verdict.in_transaction,
              .batches = first->batch_rows ? 0 : -1};
    while (p.last < j->count && !j->items[p.last].starts_part)
        p.last++;
    return p;
}

/* ---- one try ---- */

static int open_part(migration_run *run, const migration_task *task, part *p, const char *undo, lb_group **ret_group,
                     lb_error *err)
{
    migration_file *file = task->file;
    int r = migrate_look_at_risk(run, file, err); /* anew: files before this one may have made what it takes */
    if (r >= 0)
        r = migrate_keep_look(run, task, p->first, p->last, &p->keep, err);
    if (r < 0)
        return r;
    size_t steps = file->judged.count;
    const char *title = p->first == 1 && p->last == steps ? lb_printf(run->ctx, "apply %s", file->name)
                                                          : lb_printf(run->ctx, "apply %s, statements %u to %u of %zu",
                                                                      file->name, p->first, p->last, steps);
    const char *reason = file->kind == MIGRATION_REPEATABLE ? lb_printf(run->ctx, "its text has changed")
                         : file->kind == MIGRATION_UNDO
                             ? lb_printf(run->ctx, "takes version %s of the schema back", file->version)
                             : lb_printf(run->ctx, "version %s of the schema", file->version);
    if (p->keep)
        undo = undo ? lb_printf(run->ctx, "%s; %s", undo, p->keep->text) : p->keep->text;
    else if (!undo && file->judged.destroys)
        undo = lb_printf(run->ctx, "a branch of %s as it was before has what is lost: create_branch with --at",
                         lb_run_target(run->ctx)->branch);
    const lb_value *evidence = migrate_evidence(run, file);
    if (!title || !reason || !evidence || (p->keep && !undo))
        return lb_out_of_memory(err);
    r = lb_group_open(
        run->ctx,
        LB_GROUP(.title = title, .reason = reason, .evidence = evidence, .undo = undo, .atomic = !p->is_alone),
        ret_group, err);
    if (r >= 0 && run->keeps_history)
        r = lb_group_measure(run->ctx, *ret_group, err);
    if (r >= 0 && !run->tells_locks) /* where it is measured it is listened to in its own way */
        r = lb_group_listen(run->ctx, *ret_group, err);
    if (r >= 0)
        r = migrate_keep_add(run, *ret_group, task, p->keep, err);
    const migration_course proposed = course_of(task, p, NULL, lb_now(run->ctx));
    return r < 0 ? r : migrate_note_course(run, *ret_group, &proposed, err);
}

static int add_script(migration_run *run, lb_group *group, const migration_file *file, uint32_t first, uint32_t last,
                      lb_error *err)
{
    return lb_change_script(run->ctx, group,
                            LB_SCRIPT(.name = file->name, .text = file->text, .first = first, .last = last), err);
}

static int measure(migration_run *run, lb_group *group, uint32_t statement, lb_error *err)
{
    return migration_measure(run->ctx, group, &(migration_measure_args){.statement = statement}, err);
}

/* One statement after the other, with a look at the transaction before the first and behind each. */
static int add_measured(migration_run *run, lb_group *group, const migration_file *file, const part *p, lb_error *err)
{
    bool is_long = p->last - p->first >= MEASURED_MOST;
    int r = lb_group_listen(run->ctx, group, err);
    if (r >= 0)
        r = migration_listen(run->ctx, group, err);
    if (r >= 0)
        r = measure(run, group, 0, err);
    for (uint32_t i = p->first, last; r >= 0 && i <= p->last; i = last + 1) {
        last = is_long ? p->last : i;
        r = add_script(run, group, file, i, last, err);
        if (r >= 0)
            r = measure(run, group, last, err);
    }
    return r;
}

/* What no transaction can hold is heard like what one does; it is measured by others. */
static int add_heard(migration_run *run, lb_group *group, const migration_file *file, const part *p, lb_error *err)
{
    int r = lb_group_listen(run->ctx, group, err);
    if (r >= 0)
        r = migration_listen_on(run->ctx, group, err);
    if (r >= 0)
        r = add_script(run, group, file, p->first, p->last, err);
    return r < 0 ? r : migration_listen_no_more(run->ctx, group, err);
}

/* In a transaction that came to its end the last statement was the question. */
static int tell_part(migration_run *run, const migration_file *file, const part *p, bool failed,
                     const char **ret_notices, lb_error *err)
{
    const char *list = failed || p->is_alone ? "[]" : lb_printf(run->ctx, "[%s]", lb_group_reply(run->ctx, p->group));
    int r = list ? migration_tell_notices(run->ctx, p->group, ret_notices, err) : lb_out_of_memory(err);
    return r < 0
               ? r
               : lb_append(run->ctx, "transactions",
                           LB_ARGS(lb_text("file", file->name), lb_i64("first", p->first), lb_i64("last", p->last),
                                   lb_bool("alone", p->is_alone), lb_bool("failed", failed), lb_json("measured", list),
                                   *ret_notices ? lb_json("notices", *ret_notices) : lb_null("notices")),
                           err);
}

/* The error in hand is the one that counts. */
static void tell_failed(migration_run *run, const migration_file *file, const part *p, lb_error *err)
{
    lb_error ignored;
    const char *notices = NULL;
    if (!run->tells_locks || !p->group || p->is_told || err->code == LB_ERR_CANCELLED ||
        err->code == LB_ERR_NO_MEMORY || tell_part(run, file, p, true, &notices, &ignored) < 0)
        return;
    const char *words = migration_last_words(run->ctx, notices);
    size_t length = strlen(err->message);
    if (words)
        (void)snprintf(err->message + length, sizeof err->message - length, "; the server was %.200s", words); /* cut */
}

/* The session is afterwards as it was before, and is so too where the statement fails: the gate's door sees to it that
 * what sets a setting back is executed then. It has to be what was there, as the transport keeps in mind what it has
 * set. */
static int add_alone(migration_run *run, lb_group *group, const migration_task *task, const part *p, lb_error *err)
{
    const judged *s = &task->file->judged.items[p->first - 1];
    int r = migrate_limit_session(run, group, &p->limit, err);
    if (r >= 0)
        r = run->tells_locks ? add_heard(run, group, task->file, p, err)
                             : add_script(run, group, task->file, p->first, p->last, err);
    if (r >= 0)
        r = migrate_unlimit_session(run, group, &p->limit, err);
    if (r >= 0)
        r = s->builds.name ? migrate_note_built(run, group, task, p->last, s, err)
                           : migrate_note(run, group, task, "done", p->last, NULL, err);
    return r < 0 || !run->tells_locks ? r : measure(run, group, p->last, err); /* for what was counted to be seen */
}

/* The ledger's row stands first: if another session has executed this part, it fails there. */
static int add_transaction(migration_run *run, lb_group *group, const migration_task *task, const part *p,
                           lb_error *err)
{
    int r = migrate_limit_transaction(run, group, &p->limit, err);
    if (r >= 0)
        r = migrate_hold_to_risk(run, group, task->file, err);
    if (r >= 0 && p->first == 1)
        r = migrate_note_base(run, group, task, err);
    if (r >= 0)
        r = migrate_note(run, group, task, "done", p->last, NULL, err);
    if (r < 0)
        return r;
    return run->tells_locks ? add_measured(run, group, task->file, p, err)
                            : add_script(run, group, task->file, p->first, p->last, err);
}

/* What was kept is told of, too, where what it was kept from has failed. */
static int apply_kept(migration_run *run, const migration_task *task, const part *p, lb_outcome *ret_outcome,
                      lb_error *err)
{
    lb_error of_telling;
    int r = lb_apply(run->ctx, p->group, ret_outcome, err);
    int told = migrate_keep_tell(run, task, p->keep, *ret_outcome, r < 0, r < 0 ? &of_telling : err);
    if (r < 0 && told < 0)
        lb_log(run->ctx, LB_LOG_WARN, "%s: %s", task->file->name, of_telling.message);
    return r < 0 ? r : told;
}

/* What was applied is applied, whether this can be told or not. */
static void tell_there(migration_run *run, const migration_file *file, const part *p)
{
    lb_error err;
    if (migrate_tell_there(run, file, p->group, &err) < 0)
        lb_log(run->ctx, LB_LOG_WARN, "%s: what was there already is not told: %s", file->name, err.message);
}

static int try_part(migration_run *run, const migration_task *task, part *p, const char *undo, lb_outcome *ret_outcome,
                    lb_error *err)
{
    lb_group *group = NULL;
    const char *notices = NULL;
    int r = open_part(run, task, p, undo, &group, err);
    p->group = group;
    p->is_told = false;
    if (r >= 0)
        r = migrate_limit_of(run, task->file, p->first, p->last, &p->limit, err);
    if (r >= 0)
        r = p->is_alone ? add_alone(run, group, task, p, err) : add_transaction(run, group, task, p, err);
    if (r >= 0)
        r = apply_kept(run, task, p, ret_outcome, err);
    if (r < 0 || *ret_outcome != LB_APPLIED)
        return r;
    if (!run->tells_locks) {
        tell_there(run, task->file, p);
        return r;
    }
    r = tell_part(run, task->file, p, false, &notices, err);
    p->is_told = true; /* whatever fails after it */
    return r;
}

/* ---- several tries ---- */

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
    if (r >= 0 && !error && !task->done)
        r = migrate_note_base(run, group, task, err);
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

/* Before each try of an index the place for it is cleared, as the try before may have left one, or a copy. */
static int run_part(migration_run *run, migration_task *task, part *p, const char *undo, migration_tries *tries,
                    lb_outcome *ret_outcome, lb_error *err)
{
    const judged *s = &task->file->judged.items[p->first - 1];
    tries->most = s->builds.on_name && run->lock_tries > BUILDS_MOST ? BUILDS_MOST : run->lock_tries;
    for (;;) {
        bool is_not_whole = false;
        int r;
        tries->began = lb_time_left(run->ctx);
        *ret_outcome = LB_APPLIED;
        r = migrate_check_lock(run, err);
        if (r >= 0 && s->builds.on_name)
            r = migrate_clear_index(run, task, s, ret_outcome, err);
        if (r < 0 || (*ret_outcome != LB_APPLIED && *ret_outcome != LB_PLANNED))
            return r;
        r = begin_alone(run, task, p, err);
        if (r >= 0)
            r = try_part(run, task, p, undo, ret_outcome, err);
        if (r >= 0 && *ret_outcome == LB_APPLIED && s->builds.name)
            r = migrate_check_index(run, s, &is_not_whole, err);
        if (r >= 0 || !(is_not_whole || migrate_is_worth_another_try(err)))
            return r;
        if (!migrate_tries_again(run, tries)) {
            migrate_explain_wait(run, tries, s, p->last - p->first + 1, err);
            return r;
        }
        run->holds_to_nothing = run->holds_to_nothing || (strcmp(err->sqlstate, MIGRATION_MOVED) == 0 &&
                                                          lb_run_target(run->ctx)->branch_class == LB_BRANCH_THROWAWAY);
        lb_log(run->ctx, LB_LOG_INFO, "%s: try %lld was in vain: %s", task->file->name, (long long)tries->count,
               err->message);
    }
}

/* ---- in batches ---- */

/* A plan of what earlier statements have yet to make shows the statement as it stands. */
static int add_batches(migration_run *run, const migration_backfill *b, bool is_seen, bool at_once, part *p,
                       bool *ret_whole, lb_error *err)
{
    *ret_whole = true;
    if (!is_seen)
        return add_script(run, p->group, b->task->file, p->first, p->last, err);
    return at_once ? migrate_batches_add(b, p->group, &p->limit, ret_whole, err)
                   : migrate_batch_begin(b, p->group, err);
}

/* What a person is asked for is whole: nothing is executed then that is not in the request. One that is too long for
 * a request has several. */
static int ask_for_batches(migration_run *run, migration_task *task, part *p, const char *undo, migration_backfill *b,
                           bool is_seen, lb_outcome *ret_outcome, lb_error *err)
{
    bool at_once = lb_plans(run->ctx) || lb_run_target(run->ctx)->branch_class != LB_BRANCH_THROWAWAY, whole = false;
    int r = at_once && !lb_plans(run->ctx) && !b->is_begun ? migrate_batches_begin(b, err) : 0;
    p->limit = at_once ? p->limit : migrate_batch_limit(run, &p->limit); /* at once they are vacuumed under it, too */
    while (r >= 0 && !whole && *ret_outcome == LB_APPLIED && (at_once || !b->is_begun)) {
        r = open_part(run, task, p, undo, &p->group, err);
        if (r >= 0)
            r = add_batches(run, b, is_seen, at_once, p, &whole, err);
        if (r >= 0)
            r = apply_kept(run, task, p, ret_outcome, err);
        if (r >= 0 && *ret_outcome == LB_APPLIED)
            r = migrate_batch_state(b, err);
        whole = whole && (!is_seen || b->is_begun || !b->up_to.count); /* the first row may have come just now */
    }
    return r;
}

static int run_batches(migration_run *run, migration_task *task, part *p, const char *undo, migration_tries *tries,
                       lb_outcome *ret_outcome, lb_error *err)
{
    migration_backfill b = {.run = run, .task = task, .number = p->first};
    *ret_outcome = LB_APPLIED;
    int r = migrate_check_lock(run, err);
    if (r >= 0)
        r = begin_alone(run, task, p, err);
    if (r >= 0)
        r = migrate_batch_look(run, task, p->first, &b, err);
    bool is_seen = r >= 0;
    if ((r == LB_ERR_NOT_FOUND || r == LB_ERR_INVALID) && lb_plans(run->ctx))
        r = 0; /* what could be known was looked at before */
    if (r >= 0 && is_seen)
        r = migrate_batch_state(&b, err);
    if (r >= 0 && is_seen)
        r = migrate_batches_tell(&b, err);
    if (r >= 0)
        r = migrate_limit_of(run, task->file, p->first, p->last, &p->limit, err);
    if (r >= 0)
        r = ask_for_batches(run, task, p, undo, &b, is_seen, ret_outcome, err);
    if (r >= 0 && *ret_outcome == LB_APPLIED && lb_run_target(run->ctx)->branch_class == LB_BRANCH_THROWAWAY)
        r = migrate_batches_go(&b, &p->limit, tries, err);
    p->batches = b.batches;
    p->rows = b.rows;
    return r;
}

/* ---- what is in the way, and what is left behind ---- */

/* What was applied is applied, whether they can be seen or not. */
static void tell_leftovers(migration_run *run, const migration_task *task, const judged *s)
{
    lb_error err;
    if (migrate_tell_leftovers(run, task->file, s, &err) < 0)
        lb_log(run->ctx, LB_LOG_WARN, "%s: what rebuilds have left is not looked at: %s", task->file->name,
               err.message);
}

static void tell_in_the_way(migration_run *run, const migration_file *file, const part *p)
{
    lb_error err;
    if (migrate_tell_in_the_way(run, file, p->first, p->last, &err) < 0)
        lb_log(run->ctx, LB_LOG_WARN, "%s: what it may wait for is not looked at: %s", file->name, err.message);
}

/* The error in hand is the one that counts; what fails on the way is only told. */
static void clean_up(migration_run *run, migration_task *task, const part *p, const lb_error *why)
{
    lb_error err;
    lb_outcome outcome;
    const judged *s = &task->file->judged.items[p->first - 1];
    bool is_over = why->code == LB_ERR_TIMEOUT && !migrate_was_limited(run, &p->limit, why);
    if (why->code == LB_ERR_UNREACHABLE || why->code == LB_ERR_CANCELLED || is_over)
        return; /* nobody is there, or no time is left */
    if (note_alone(run, task, "failed", p->last, why->message, &err) < 0)
        lb_log(run->ctx, LB_LOG_WARN, "%s: %s", task->file->name, err.message);
    if (s->builds.on_name && migrate_clear_index(run, task, s, &outcome, &err) < 0)
        lb_log(run->ctx, LB_LOG_WARN, "%s: %s", task->file->name, err.message);
    tell_leftovers(run, task, s);
}

/* One part, and what there is to tell of it. */
static int apply_part(migration_run *run, migration_task *task, part *p, const char *undo, lb_outcome *ret_outcome,
                      lb_error *err)
{
    migration_tries tries = {0};
    migration_course course = course_of(task, p, &tries, lb_now(run->ctx));
    tell_in_the_way(run, task->file, p);
    int r = p->batches < 0 ? run_part(run, task, p, undo, &tries, ret_outcome, err)
                           : run_batches(run, task, p, undo, &tries, ret_outcome, err);
    course.group = p->group;
    course.batches = p->batches;
    course.rows = p->rows;
    if (r >= 0)
        return *ret_outcome == LB_APPLIED ? migrate_tell_course(run, &course, NULL, err) : 0;
    if (migrate_was_limited(run, &p->limit, err))
        migrate_explain_limit(run, &p->limit, err);
    tell_failed(run, task->file, p, err);
    const lb_error why = *err;
    if (!lb_plans(run->ctx) && migrate_tell_course(run, &course, &why, err) < 0)
        lb_log(run->ctx, LB_LOG_WARN, "%s: %s", task->file->name, err->message);
    clean_up(run, task, p, &why);
    *err = why;
    return why.code;
}

int migrate_apply(migration_run *run, migration_task *task, const char *undo, lb_outcome *ret_outcome, lb_error *err)
{
    const judgement *j = &task->file->judged;
    *ret_outcome = lb_plans(run->ctx) ? LB_PLANNED : LB_APPLIED;
    if (!j->count) /* nothing but comments: it is remembered all the same */
        return note_alone(run, task, "done", 0, NULL, err);
    while (task->done < j->count) {
        part p = next_part(j, task->done);
        int r = apply_part(run, task, &p, undo, ret_outcome, err);
        if (r < 0)
            return r;
        if (*ret_outcome != LB_APPLIED && *ret_outcome != LB_PLANNED)
            return 0;
        task->done = p.last;
        task->was_begun = false;
        tell_leftovers(run, task, &j->items[p.first - 1]);
    }
    return 0;
}
