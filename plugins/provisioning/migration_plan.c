/* From files and the ledger to what is to be done. */
#include "migration.h"

/* ---- what the ledger says of a file ---- */

static bool is_kind(const migration_row *row, const char *kind)
{
    return strcmp(row->kind, kind) == 0;
}

static bool is_state(const migration_row *row, const char *state)
{
    return strcmp(row->state, state) == 0;
}

static bool is_whole(const migration_row *row)
{
    return is_state(row, "done") && row->step == row->steps;
}

/* Versions are the same file under any name; repeatable ones are known by their names, in whatever folder. */
static bool is_about(const migration_row *row, const migration_file *file)
{
    if (!is_kind(row, migration_kind_name(file->kind)))
        return false;
    return file->kind == MIGRATION_REPEATABLE
               ? strcmp(migration_base_name(row->script), migration_base_name(file->name)) == 0
               : migration_compare(row->version, file->version) == 0;
}

typedef struct standing {
    const migration_row *whole;   /* of the last time that it was completed, or NULL */
    const migration_row *partial; /* the last step of one that was not, or NULL */
    int64_t completed;            /* how often */
    uint32_t attempts;
    bool was_begun;
} standing;

static standing standing_of(const migration_ledger *ledger, const migration_file *file)
{
    standing s = {0};
    for (size_t i = 0; i < ledger->count; i++) {
        const migration_row *row = &ledger->rows[i];
        if (!is_about(row, file))
            continue;
        if (is_whole(row)) {
            s = (standing){.whole = row, .completed = s.completed + 1};
        } else if (is_state(row, "done")) {
            s.partial = row;
            s.was_begun = false;
        } else if (is_state(row, "failed")) {
            s.attempts++;
        } else {
            s.was_begun = true;
        }
    }
    return s;
}

static int64_t times_undone(const migration_ledger *ledger, const char *version)
{
    int64_t times = 0;
    for (size_t i = 0; i < ledger->count; i++)
        times += is_kind(&ledger->rows[i], "undo") && is_whole(&ledger->rows[i]) &&
                 migration_compare(ledger->rows[i].version, version) == 0;
    return times;
}

static const char *baseline_of(const migration_ledger *ledger)
{
    const char *version = NULL;
    for (size_t i = 0; i < ledger->count; i++)
        if (is_kind(&ledger->rows[i], "baseline"))
            version = ledger->rows[i].version;
    return version;
}

static bool is_applied(const migration_ledger *ledger, const migration_file *file)
{
    return standing_of(ledger, file).completed > times_undone(ledger, file->version);
}

static bool is_last_text(const migration_ledger *ledger, const migration_row *row, migration_kind kind)
{
    const migration_file file = {.kind = kind, .version = row->version, .name = row->script};
    standing s = standing_of(ledger, &file);
    bool is_there = kind == MIGRATION_REPEATABLE || is_applied(ledger, &file);
    return is_there && s.whole && strcmp(s.whole->checksum, row->checksum) == 0;
}

bool migration_stands(const migration_ledger *ledger, const char *name, const char *checksum)
{
    for (size_t i = 0; i < ledger->count; i++) {
        const migration_row *row = &ledger->rows[i];
        bool is_repeatable = is_kind(row, "repeatable");
        if (is_whole(row) && (is_repeatable || is_kind(row, "versioned")) && strcmp(row->script, name) == 0 &&
            strcmp(row->checksum, checksum) == 0)
            return is_last_text(ledger, row, is_repeatable ? MIGRATION_REPEATABLE : MIGRATION_VERSIONED);
    }
    return false;
}

/* ---- what contradicts the files ---- */

static migration_file *find_version(const migration_files *files, migration_kind kind, const char *version)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->items[i].kind == kind && migration_compare(files->items[i].version, version) == 0)
            return &files->items[i];
    return NULL;
}

/* Applied by somebody whose directory knows more than this one. */
static int check_ahead(const migration_files *files, const migration_ledger *ledger, const char *highest, lb_error *err)
{
    for (size_t i = 0; i < ledger->count; i++) {
        const migration_row *row = &ledger->rows[i];
        if (!is_kind(row, "versioned") || !is_whole(row) || find_version(files, MIGRATION_VERSIONED, row->version))
            continue;
        const migration_file applied = {.kind = MIGRATION_VERSIONED, .version = row->version, .name = row->script};
        if (!is_applied(ledger, &applied))
            continue;
        bool is_ahead = !highest || migration_compare(row->version, highest) > 0;
        return lb_fail(err, LB_ERR_CONFLICT,
                       is_ahead ? "take the newer files, or say --allow_ahead if older code may go on with it"
                                : "put the file back; what has been applied cannot be taken out of the directory",
                       is_ahead ? "the database is ahead of the files: it has version %s (%s)"
                                : "version %s (%s) has been applied, and its file is missing",
                       row->version, row->script);
    }
    return 0;
}

static int changed(const migration_file *file, const migration_row *row, lb_error *err)
{
    return lb_fail(err, LB_ERR_CONFLICT,
                   "put the text back and write a new migration with what is to change; comments and layout may differ",
                   "%s is not what was applied: its SQL differs (checksum %.12s then, %.12s now)", file->name,
                   row->checksum, file->checksum);
}

static int judge_anew(migration_file *file, arena *memory, lb_error *err)
{
    return file->is_judged ? 0 : migration_judge(file, 17, memory, err);
}

static int check_text(migration_file *file, const migration_row *row, arena *memory, migration_plan *plan,
                      lb_error *err)
{
    if (strcmp(row->checksum, file->checksum) == 0)
        return 0;
    int r = judge_anew(file, memory, err);
    if (r < 0)
        return r;
    if (!row->meaning[0] || strcmp(row->meaning, file->judged.meaning) != 0)
        return changed(file, row, err);
    plan->reworded[plan->reworded_count++] = file->name;
    return 0;
}

/* What has been executed of it must stand as it was; what comes behind may be corrected. */
static int check_beginning(migration_file *file, const migration_row *row, arena *memory, lb_error *err)
{
    if (strcmp(row->checksum, file->checksum) == 0)
        return 0;
    int r = judge_anew(file, memory, err);
    if (r < 0)
        return r;
    bool is_same = row->step > 0 && (size_t)row->step <= file->judged.count &&
                   strcmp(row->meaning, file->judged.items[row->step - 1].meaning) == 0;
    if (is_same)
        return 0;
    return lb_fail(err, LB_ERR_CONFLICT, "put those statements back as they were; the ones behind them may change",
                   "%s was applied up to statement %lld, and up to there its SQL differs now", file->name,
                   (long long)row->step);
}

/* ---- order ---- */

static bool is_plain_number(const char *version)
{
    return strlen(version) <= 6 && strspn(version, "0123456789") == strlen(version);
}

/* 10, 20, 30: whoever numbers so leaves room on purpose, and nothing tells which number is missing. */
static bool leaves_room(const migration_files *files)
{
    size_t plain = 0, round = 0;
    for (size_t i = 0; i < files->count; i++) {
        const migration_file *file = &files->items[i];
        if (file->kind != MIGRATION_VERSIONED || !is_plain_number(file->version))
            continue;
        plain++;
        round += strtol(file->version, NULL, 10) % 10 == 0;
    }
    return round > plain / 2;
}

/* 1, 2, 4: where versions are counted, one that is missing may have been forgotten. */
static int look_for_gaps(const migration_files *files, const migration_options *options, arena *memory,
                         migration_plan *plan, lb_error *err)
{
    const migration_file *before = NULL;
    if (leaves_room(files))
        return 0;
    for (size_t i = 0; i < files->count; i++) {
        const migration_file *file = &files->items[i];
        if (file->kind != MIGRATION_VERSIONED)
            continue;
        bool counts = before && is_plain_number(before->version) && is_plain_number(file->version);
        long step = counts ? strtol(file->version, NULL, 10) - strtol(before->version, NULL, 10) : 1;
        if (step > 1) {
            const char *gap = arena_printf(memory, "no version between %s and %s", before->name, file->name);
            if (!gap)
                return lb_out_of_memory(err);
            plan->gaps[plan->gap_count++] = gap;
        }
        before = file;
    }
    return plan->gap_count && options->refuse_gaps
               ? lb_fail(err, LB_ERR_CONFLICT, "add the missing file, or say --gaps report", "there is %s",
                         plan->gaps[0])
               : 0;
}

static int check_order(const migration_file *file, const migration_options *options, const char *highest,
                       const char *baseline, bool is_partial, lb_error *err)
{
    if (options->out_of_order || is_partial || !highest || migration_compare(file->version, highest) > 0)
        return 0;
    if (baseline && migration_compare(file->version, baseline) <= 0)
        return 0;
    return lb_fail(err, LB_ERR_CONFLICT, "give it a version above, or say --out_of_order",
                   "%s comes too late: version %s has been applied", file->name, highest);
}

/* ---- the plan ---- */

static void add_task(migration_plan *plan, migration_file *file, const standing *s, int64_t generation)
{
    plan->tasks[plan->count++] = (migration_task){.file = file,
                                                  .generation = generation,
                                                  .done = s->partial ? (uint32_t)s->partial->step : 0,
                                                  .attempts = s->attempts,
                                                  .was_begun = s->was_begun};
}

static int plan_versioned(migration_file *file, const migration_ledger *ledger, const migration_options *options,
                          const char *baseline, arena *memory, migration_plan *plan, lb_error *err)
{
    standing s = standing_of(ledger, file);
    int64_t undone = times_undone(ledger, file->version);
    if (s.completed > undone)
        return check_text(file, s.whole, memory, plan, err);
    if (baseline && migration_compare(file->version, baseline) <= 0)
        return 0;
    if (options->target && migration_compare(file->version, options->target) > 0)
        return 0;
    int r = check_order(file, options, plan->version, baseline, s.partial != NULL, err);
    if (r >= 0 && s.partial)
        r = check_beginning(file, s.partial, memory, err);
    if (r >= 0)
        add_task(plan, file, &s, undone);
    return r;
}

static int plan_repeatable(migration_file *file, const migration_ledger *ledger, arena *memory, migration_plan *plan,
                           lb_error *err)
{
    standing s = standing_of(ledger, file);
    if (s.whole && !s.partial && strcmp(s.whole->checksum, file->checksum) == 0)
        return 0;
    int r = judge_anew(file, memory, err);
    if (r < 0)
        return r;
    if (s.whole && !s.partial && strcmp(s.whole->meaning, file->judged.meaning) == 0)
        return 0;
    if (s.partial && strcmp(s.partial->checksum, file->checksum) != 0)
        s.partial = NULL; /* another text: from its beginning */
    add_task(plan, file, &s, s.completed);
    return 0;
}

/* What a baseline stands for was there before: its undo script would take back what nobody here has made. */
static int plan_undo(migration_files *files, const migration_ledger *ledger, migration_plan *plan, lb_error *err)
{
    if (!plan->version)
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "nothing has been applied that could be undone");
    const migration_file last = {.kind = MIGRATION_VERSIONED, .version = plan->version, .name = ""};
    if (!is_applied(ledger, &last))
        return lb_fail(err, LB_ERR_CONFLICT, "if it is to go, write a new migration that takes it away",
                       "version %s is the baseline and was not applied here: nothing above it is left to undo",
                       plan->version);
    migration_file *file = find_version(files, MIGRATION_UNDO, plan->version);
    if (!file)
        return lb_fail(err, LB_ERR_NOT_FOUND, "write one: U1__name.sql or 001_name.down.sql",
                       "there is no undo script for version %s", plan->version);
    standing s = standing_of(ledger, file);
    add_task(plan, file, &s, s.completed);
    return 0;
}

/* The same would have to come again after its undo script. */
static int check_undoable(migration_files *files, const migration_plan *plan, lb_error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const migration_file *file = plan->tasks[i].file;
        bool is_versioned = file->kind == MIGRATION_VERSIONED;
        if (is_versioned && !plan->tasks[i].done && find_version(files, MIGRATION_UNDO, file->version))
            continue;
        return lb_fail(err, LB_ERR_CONFLICT, "write one, or say only_undoable=false",
                       "there is no undo script for %s%s", file->name,
                       !is_versioned         ? ", which is repeatable"
                       : plan->tasks[i].done ? " alone, whose first statements have been executed"
                                             : "");
    }
    return 0;
}

static void find_marks(const migration_ledger *ledger, const char *baseline, migration_plan *plan)
{
    plan->version = baseline;
    for (size_t i = 0; i < ledger->count; i++) {
        const migration_row *row = &ledger->rows[i];
        if (is_kind(row, "report"))
            plan->told = row->generation;
        else if (is_whole(row) && !is_kind(row, "baseline"))
            plan->last_done = row->id;
        const migration_file applied = {.kind = MIGRATION_VERSIONED, .version = row->version, .name = row->script};
        if (is_kind(row, "versioned") && is_whole(row) && is_applied(ledger, &applied) &&
            (!plan->version || migration_compare(row->version, plan->version) > 0))
            plan->version = row->version;
    }
}

static int check_baseline(const migration_ledger *ledger, const migration_options *options, const char *baseline,
                          lb_error *err)
{
    if (!options->baseline || (baseline && migration_compare(baseline, options->baseline) == 0))
        return 0;
    if (baseline || ledger->count)
        return lb_fail(err, LB_ERR_CONFLICT, "a baseline is for a database whose ledger is empty",
                       "migrations have been applied already: no baseline at %s", options->baseline);
    return 0;
}

static int make_room(const migration_files *files, arena *memory, migration_plan *plan, lb_error *err)
{
    size_t room = files->count + 1;
    plan->tasks = arena_alloc(memory, room * sizeof *plan->tasks);
    plan->gaps = arena_alloc(memory, room * sizeof *plan->gaps);
    plan->reworded = arena_alloc(memory, room * sizeof *plan->reworded);
    return plan->tasks && plan->gaps && plan->reworded ? 0 : lb_out_of_memory(err);
}

static const char *highest_of(const migration_files *files)
{
    const char *highest = NULL;
    for (size_t i = 0; i < files->count; i++)
        if (files->items[i].kind == MIGRATION_VERSIONED)
            highest = files->items[i].version;
    return highest;
}

int migration_plan_make(migration_files *files, const migration_ledger *ledger, const migration_options *options,
                        arena *memory, migration_plan *ret_plan, lb_error *err)
{
    migration_plan plan = {0};
    const char *recorded = baseline_of(ledger), *baseline = options->baseline ? options->baseline : recorded;
    int r = make_room(files, memory, &plan, err);
    if (r >= 0)
        r = check_baseline(ledger, options, recorded, err);
    if (r >= 0 && !options->allow_ahead)
        r = check_ahead(files, ledger, highest_of(files), err);
    if (r < 0)
        return r;
    find_marks(ledger, baseline, &plan);
    plan.sets_baseline = options->baseline && !recorded;
    r = look_for_gaps(files, options, memory, &plan, err);
    if (r >= 0 && options->undo)
        r = plan_undo(files, ledger, &plan, err);
    for (size_t i = 0; r >= 0 && !options->undo && i < files->count; i++) {
        migration_file *file = &files->items[i];
        if (file->kind == MIGRATION_VERSIONED)
            r = plan_versioned(file, ledger, options, baseline, memory, &plan, err);
        else if (file->kind == MIGRATION_REPEATABLE)
            r = plan_repeatable(file, ledger, memory, &plan, err);
    }
    if (r >= 0 && options->only_undoable)
        r = check_undoable(files, &plan, err);
    if (r >= 0)
        *ret_plan = plan;
    return r;
}

void migration_look(const migration_ledger *ledger, migration_plan *plan)
{
    find_marks(ledger, baseline_of(ledger), plan);
}

size_t migration_untold(const migration_ledger *ledger, int64_t told, const char **ret_names, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < ledger->count && count < room; i++) {
        const migration_row *row = &ledger->rows[i];
        if (row->id > told && is_whole(row) && !is_kind(row, "baseline") && !is_kind(row, "report"))
            ret_names[count++] = row->script;
    }
    return count;
}
