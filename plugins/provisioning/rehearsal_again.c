/* Each file a second time, as the ledger would have it where its record was lost: what can be run twice leaves the
 * schema, and what tables hold, as the first time has left them. A file is run behind itself: those that came after it
 * are taken back first, as far as undo scripts are proven to lead there. */
#include "migration_run.h"
#include "parsed.h"
#include "rehearsal.h"

#include <sql/rehearsal/forget_again.h>

#define GENERATION  INT64_C(1000000000) /* of the ledger's rows: no real one comes this far */
#define PAUSE_MS    5000
#define LOCK_WAIT_S 60
#define TRIES_US    INT64_C(60000000) /* for locks, of all second runs */

static const char *const names[] = {[AGAIN_SAME] = "idempotent",
                                    [AGAIN_FAILS] = "fails",
                                    [AGAIN_SCHEMA] = "changes the schema again",
                                    [AGAIN_ROWS] = "changes rows again",
                                    [AGAIN_UNKNOWN] = "not known"};

static void drop_memory(void *memory)
{
    arena_done(memory);
}

static int open_run(rehearsal *s, migration_run *ret_run, migration_files *ret_files, lb_error *err)
{
    arena *memory = lb_alloc(s->ctx, sizeof *memory);
    if (!memory)
        return lb_out_of_memory(err);
    arena_init(memory, (size_t)256 << 20);
    if (lb_defer(s->ctx, drop_memory, memory) < 0)
        return lb_out_of_memory(err);
    *ret_run = (migration_run){.ctx = s->ctx,
                               .memory = memory,
                               .lock_timeout_ms = s->args->lock_timeout_ms,
                               .lock_tries = s->args->lock_tries,
                               .lock_pause_ms = PAUSE_MS,
                               .lock_left_us = TRIES_US,
                               .lock_wait_s = LOCK_WAIT_S,
                               .chance = (uint64_t)lb_now(s->ctx)};
    int r = migration_read(s->args->dir, memory, ret_files, err);
    return r < 0 ? r : lb_server_version(s->ctx, &ret_run->server, err);
}

/* The judge has said so, and the author has said that it may be. */
static bool is_foretold(const migration_file *file)
{
    for (size_t i = 0; i < file->judged.count; i++)
        if (!file->judged.items[i].is_idempotent)
            return true;
    for (size_t i = 0; i < file->judged.hazard_count; i++)
        if (file->judged.hazards[i].rule == JUDGE_ROWS_NOT_IDEMPOTENT ||
            file->judged.hazards[i].rule == JUDGE_DROP_BARE)
            return true;
    return false;
}

/* The ledger knows nothing of it afterwards, so that it can be taken back like one that came once. */
static int forget(rehearsal *s, lb_error *err)
{
    const rehearsal_forget_again_args all = {.generation = GENERATION};
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(s->ctx,
                          LB_GROUP(.title = "forget the second run", .reason = "it was a trial",
                                   .undo = "the branch is thrown away", .atomic = true),
                          &group, err);
    if (r >= 0)
        r = rehearsal_forget_again(s->ctx, group, &all, err);
    return r < 0 ? r : lb_apply(s->ctx, group, &outcome, err);
}

/* ---- one file ---- */

static bool is_seen(const rehearsal *s, int r)
{
    return r != LB_ERR_UNREACHABLE && r != LB_ERR_NO_MEMORY && !lb_cancelled(s->ctx);
}

static bool is_others_fault(const lb_error *err)
{
    return strcmp(err->sqlstate, "55P03") == 0 || strcmp(err->sqlstate, "40P01") == 0 || err->code == LB_ERR_TIMEOUT;
}

/* As the one who applies, which others may be in between. */
static int apply_it(migration_run *run, migration_task *task, lb_outcome *ret_outcome, lb_error *err)
{
    lb_error of_unlocking; /* what went wrong before it counts more */
    int r = migrate_apply(run, task, NULL, ret_outcome, err);
    if (r == LB_ERR_UNREACHABLE)
        return r;
    int freed = migrate_unlock(run, r < 0 ? &of_unlocking : err);
    return r < 0 ? r : freed;
}

static int run_it(rehearsal *s, migration_run *run, migration_file *file, rehearsal_again *one, lb_error *err)
{
    migration_task task = {.file = file, .generation = GENERATION};
    lb_outcome outcome = LB_REFUSED;
    run->session = 0;
    int locked = migrate_lock(run, err), r = locked < 0 ? locked : apply_it(run, &task, &outcome, err);
    if (r >= 0)
        one->outcome = outcome == LB_APPLIED ? AGAIN_SAME : AGAIN_UNKNOWN;
    if (r >= 0 && outcome != LB_APPLIED)
        one->says = "its second run waits for an approval";
    if (r < 0 && !is_seen(s, r))
        return r;
    if (r < 0) {
        one->outcome = locked < 0 || is_others_fault(err) ? AGAIN_UNKNOWN : AGAIN_FAILS;
        one->says = lb_printf(s->ctx, "%s", err->message);
    }
    return r < 0 && !one->says ? lb_out_of_memory(err) : forget(s, err);
}

/* What a failed transaction has left is nothing; what came before it in the file may be something. */
static int hold_schema(rehearsal *s, schema_model *before, rehearsal_again *one, lb_error *err)
{
    schema_model *after = NULL;
    uint32_t changes = 0;
    const char *text = NULL;
    int r = schema_read(s->ctx, &s->filter, &after, err);
    if (r >= 0)
        r = rehearsal_compare(before, after, "once", "twice", &changes, &text, err);
    if (r < 0 || !changes)
        return r;
    one->left_something = true;
    if (one->outcome == AGAIN_SAME) {
        one->outcome = AGAIN_SCHEMA;
        one->says = text;
    }
    return 0;
}

static int hold_rows(rehearsal *s, const rehearsal_content *before, rehearsal_again *one, lb_error *err)
{
    rehearsal_content after = {0};
    int r = s->args->rows_mb ? rehearsal_read_rows(s, &after, err) : 0;
    if (r < 0 || !s->args->rows_mb || one->outcome != AGAIN_SAME)
        return r;
    const char *table = rehearsal_first_other(before, &after);
    if (!table)
        return 0;
    one->outcome = AGAIN_ROWS;
    one->says = lb_printf(s->ctx, "%s does not hold what it held after the first time", table);
    return one->says ? 0 : lb_out_of_memory(err);
}

/* What was changed by files behind it may be all that is amiss. */
static void excuse(rehearsal *s, rehearsal_again *one)
{
    if (!one->is_behind || one->is_foretold || one->outcome == AGAIN_SAME || one->outcome == AGAIN_UNKNOWN)
        return;
    const char *says =
        lb_printf(s->ctx, "it was run behind later files, which may be why: %s", one->says ? one->says : "");
    one->says = says ? says : one->says;
    one->outcome = AGAIN_UNKNOWN;
}

static int try_again(rehearsal *s, migration_run *run, migration_file *file, rehearsal_again *one, lb_error *err)
{
    schema_model *before = NULL;
    rehearsal_content rows = {0};
    int r = migration_judge(file, run->server, run->memory, err);
    one->is_foretold = r >= 0 && is_foretold(file);
    if (r >= 0)
        r = schema_read(s->ctx, &s->filter, &before, err);
    if (r >= 0 && s->args->rows_mb)
        r = rehearsal_read_rows(s, &rows, err);
    if (r >= 0)
        r = run_it(s, run, file, one, err);
    if (r >= 0)
        r = hold_schema(s, before, one, err);
    if (r >= 0)
        r = hold_rows(s, &rows, one, err);
    excuse(s, one);
    return r;
}

/* ---- all of them ---- */

static migration_file *find_file(const migration_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].name, name) == 0)
            return &files->items[i];
    return NULL;
}

static bool leads_back(const rehearsal *s)
{
    return s->rollback == ROLLBACK_EXACT || s->rollback == ROLLBACK_CHANGES || s->rollback == ROLLBACK_LOSES ||
           s->rollback == ROLLBACK_UNPROVEN;
}

/* The file behind this one goes, so that this one is the last. */
static bool step_down(rehearsal *s, lb_error *err)
{
    const char *json = NULL;
    return rehearsal_migrate(s, REHEARSAL_DOWN, &json, err) >= 0;
}

static int go_through(rehearsal *s, migration_run *run, const migration_files *files, parsed *list, lb_error *err)
{
    bool can_go_down = leads_back(s), is_behind = false;
    size_t taken_back = 0;
    int64_t gone = s->gone;
    int r = 0;
    for (size_t i = parsed_length(list); r >= 0 && i-- > 0;) {
        parsed *item = parsed_item(list, i);
        bool is_versioned = strcmp(parsed_text(item, "kind"), "versioned") == 0;
        migration_file *file = find_file(files, parsed_text(item, "file"));
        if (!file || strcmp(parsed_text(item, "outcome"), "applied") != 0)
            continue;
        rehearsal_again *one = &s->again[s->again_count++];
        *one = (rehearsal_again){.file = file->name, .outcome = AGAIN_UNKNOWN, .is_behind = is_behind};
        if (is_versioned && gone-- > 0) {
            one->says = "it was taken back, and what is left cannot be";
            continue;
        }
        r = try_again(s, run, file, one, err);
        can_go_down = can_go_down && is_versioned && !one->left_something;
        bool goes = r >= 0 && i > 0 && can_go_down && step_down(s, err);
        taken_back += goes;
        can_go_down = can_go_down && goes;
        is_behind = is_behind || !goes;
    }
    const char *json = NULL;
    return r < 0 || !taken_back ? r : rehearsal_migrate(s, REHEARSAL_UP, &json, err);
}

int rehearsal_go_up_by_files(rehearsal *s, lb_error *err)
{
    parsed *list = parsed_member(s->migrated, "migrations");
    migration_run run = {0};
    migration_files files = {0};
    int r = open_run(s, &run, &files, err);
    for (size_t i = 0; r >= 0 && !s->is_down && i < parsed_length(list); i++) {
        parsed *item = parsed_item(list, i);
        migration_file *file = find_file(&files, parsed_text(item, "file"));
        rehearsal_again one = {.outcome = AGAIN_UNKNOWN};
        if (!file || strcmp(parsed_text(item, "outcome"), "applied") != 0)
            continue;
        r = migration_judge(file, run.server, run.memory, err);
        if (r >= 0)
            r = run_it(s, &run, file, &one, err);
        s->is_down = r >= 0 && one.outcome != AGAIN_SAME;
        if (s->is_down)
            rehearsal_blame(s, "after the way back the migration cannot be applied again: %s",
                            one.says ? one.says : file->name);
    }
    return r;
}

static void blame_all(rehearsal *s)
{
    for (size_t i = s->again_count; i-- > 0;) {
        const rehearsal_again *one = &s->again[i];
        bool is_amiss = one->outcome != AGAIN_SAME && one->outcome != AGAIN_UNKNOWN;
        s->not_idempotent += is_amiss;
        if (is_amiss && !one->is_foretold)
            rehearsal_blame(s, "%s cannot be run twice, a second run %s: %s", one->file, names[one->outcome],
                            one->says ? one->says : "");
    }
}

int rehearsal_go_again(rehearsal *s, lb_error *err)
{
    parsed *list = parsed_member(s->migrated, "migrations");
    migration_run run = {0};
    migration_files files = {0};
    if (strcmp(s->args->second_run, "skip") == 0 || s->failed || s->waits || s->is_down || !parsed_length(list))
        return 0;
    if (lb_run_target(s->ctx)->branch_class != LB_BRANCH_THROWAWAY) /* what it notes is deleted, which would wait */
        return lb_skipped(s->ctx, "second run", "this branch is not of the class throwaway", err);
    s->again = lb_alloc(s->ctx, parsed_length(list) * sizeof *s->again);
    if (!s->again)
        return lb_out_of_memory(err);
    int r = open_run(s, &run, &files, err);
    if (r >= 0)
        r = go_through(s, &run, &files, list, err);
    if (r < 0)
        return lb_wrap(err, "the second run");
    blame_all(s);
    return 0;
}

/* ---- telling ---- */

static int report(rehearsal *s, const rehearsal_again *one, lb_error *err)
{
    return lb_report(s->ctx,
                     LB_FINDING(.object = one->file, .kind = "not-idempotent-when-run",
                                .reason = "a second run of the file does not leave everything as the first one did",
                                .evidence = LB_ARGS(lb_text("file", one->file), lb_text("outcome", names[one->outcome]),
                                                    lb_text("says", one->says), lb_bool("foretold", one->is_foretold)),
                                .terms = LB_TERMS({"was_run_twice", 0.9})),
                     err);
}

int rehearsal_tell_again(rehearsal *s, lb_error *err)
{
    int r = 0;
    for (size_t i = s->again_count; r >= 0 && i-- > 0;) {
        const rehearsal_again *one = &s->again[i];
        r = lb_append(s->ctx, "second_run",
                      LB_ARGS(lb_text("file", one->file), lb_text("outcome", names[one->outcome]),
                              lb_text("says", one->says), lb_bool("foretold", one->is_foretold),
                              lb_bool("behind_later_files", one->is_behind)),
                      err);
        if (r >= 0 && one->outcome != AGAIN_SAME && one->outcome != AGAIN_UNKNOWN)
            r = report(s, one, err);
    }
    return r;
}

void rehearsal_put_again(FILE *out, const rehearsal *s)
{
    if (!s->again_count)
        return;
    (void)fprintf(out, "### A second run: %s\n\n",
                  s->not_idempotent ? "not everything can be run twice" : "nothing changed, as far as was seen");
    for (size_t i = s->again_count; i-- > 0;) {
        const rehearsal_again *one = &s->again[i];
        (void)fputs("- ", out);
        rehearsal_put_code(out, one->file, 200);
        (void)fprintf(out, ": %s%s%s", names[one->outcome],
                      one->is_foretold && one->outcome != AGAIN_SAME ? ", as was foretold" : "", one->says ? ", " : "");
        if (one->says)
            rehearsal_put_code(out, one->says, 300);
        (void)fputc('\n', out);
    }
    (void)fputc('\n', out);
}
