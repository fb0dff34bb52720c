/* Up, down and up again: a way back is proven when the schema is what it was and tables hold what they held, and the
 * way there once more when the schema is what it became. Where others were at work, rows say nothing: what they wrote
 * and what the migration lost cannot be told apart, nor can a second round see what the first one lost: a quiet one
 * before it does. */
#include "rehearsal.h"

#include <time.h>

const char *rehearsal_rollback_name(rehearsal_rollback rollback)
{
    static const char *const names[] = {[ROLLBACK_UNPROVEN] = "rows not proven",
                                        [ROLLBACK_SKIPPED] = "skipped",
                                        [ROLLBACK_IMPOSSIBLE] = "not possible",
                                        [ROLLBACK_DIFFERS] = "differs",
                                        [ROLLBACK_LOSES] = "loses rows",
                                        [ROLLBACK_CHANGES] = "changes rows",
                                        [ROLLBACK_EXACT] = "exact"};
    return names[rollback];
}

const char *rehearsal_rollback_grade(rehearsal_rollback rollback)
{
    static const char *const grades[] = {[ROLLBACK_DIFFERS] = "red",
                                         [ROLLBACK_LOSES] = "red",
                                         [ROLLBACK_CHANGES] = "yellow",
                                         [ROLLBACK_EXACT] = "green"};
    return (size_t)rollback < sizeof grades / sizeof grades[0] ? grades[rollback] : NULL;
}

const char *rehearsal_other_way_back(const rehearsal *s)
{
    char day[16];
    struct tm tm;
    const time_t now = (time_t)(lb_now(s->ctx) / 1000000);
    if (s->rollback == ROLLBACK_EXACT || s->rollback == ROLLBACK_SKIPPED || !gmtime_r(&now, &tm) ||
        !strftime(day, sizeof day, "%Y-%m-%d", &tm))
        return NULL;
    return lb_printf(s->ctx,
                     "a branch made right before the migration holds what was there: lbops run create_branch "
                     "--branch_name backup-%s-before-migration --source_branch %s",
                     day, s->args->replay_source ? s->args->replay_source : "SOURCE");
}

int rehearsal_compare(schema_model *from, schema_model *to, const char *from_name, const char *to_name,
                      uint32_t *ret_changes, const char **ret_text, lb_error *err)
{
    schema_diff *diff = NULL;
    int r = schema_compare(from, to, &diff, err);
    if (r >= 0)
        r = schema_say(diff, from_name, to_name, ret_text, err);
    if (r >= 0)
        *ret_changes = diff->change_count;
    return r;
}

static bool is_ours_to_report(const rehearsal *s, int r)
{
    return r < 0 && r != LB_ERR_UNREACHABLE && r != LB_ERR_NO_MEMORY && !lb_cancelled(s->ctx);
}

/* One version after the other, the last one first. */
static int go_down(rehearsal *s, lb_error *err)
{
    const char *json = NULL;
    int r = 0;
    for (int64_t i = 0; r >= 0 && i < s->versioned; i++)
        if ((r = rehearsal_migrate(s, REHEARSAL_DOWN, &json, err)) >= 0)
            s->gone++;
    if (!is_ours_to_report(s, r))
        return r;
    s->rollback = ROLLBACK_IMPOSSIBLE;
    s->rollback_says = lb_printf(s->ctx, "%s", err->message);
    if (!s->rollback_says)
        return lb_out_of_memory(err);
    /* Without a script there is nothing to prove; one that fails is worse than none. */
    s->lacks_undo = rehearsal_lacks_undo(err);
    if (!s->lacks_undo || strcmp(s->args->rollback, "require") == 0)
        rehearsal_blame(s, "the rollback failed: %s", err->message);
    return 0;
}

static int look_at_down(rehearsal *s, lb_error *err)
{
    schema_model *down = NULL;
    uint32_t changes = 0;
    const char *text = NULL;
    int r = schema_read(s->ctx, &s->filter, &down, err);
    if (r >= 0)
        r = rehearsal_compare(s->before, down, "before", "after the rollback", &changes, &text, err);
    if (r < 0)
        return r;
    s->rollback = changes ? ROLLBACK_DIFFERS : ROLLBACK_EXACT;
    s->rollback_says = changes ? text : NULL;
    if (changes)
        rehearsal_blame(s, "after the rollback the schema is not what it was: %u difference(s)", changes);
    return 0;
}

/* Nobody else is at work now, so the log is the migration's own. */
static int go_up_again(rehearsal *s, lb_error *err)
{
    const char *json = NULL, *text = NULL;
    schema_model *again = NULL;
    uint32_t changes = 0;
    rehearsal_written before = {0}, after = {0};
    int r = rehearsal_read_written(s, &before, err);
    if (r >= 0)
        r = rehearsal_migrate(s, REHEARSAL_UP, &json, err);
    if (is_ours_to_report(s, r)) {
        rehearsal_blame(s, "after the rollback the migration cannot be applied again: %s", err->message);
        return 0;
    }
    if (r >= 0)
        r = rehearsal_read_written(s, &after, err);
    s->gone = r >= 0 ? 0 : s->gone;
    s->log_alone = r >= 0 ? after.bytes - before.bytes : -1;
    if (r >= 0)
        r = schema_read(s->ctx, &s->filter, &again, err);
    if (r >= 0)
        r = rehearsal_compare(s->after, again, "after", "after the second time", &changes, &text, err);
    if (r >= 0 && changes)
        rehearsal_blame(s, "applied again after the rollback, it leads to another schema:\n%s", text);
    return r;
}

/* The schema is down: what do tables hold? */
static int look_at_rows(rehearsal *s, lb_error *err)
{
    rehearsal_content down = {0};
    if (!s->args->rows_mb)
        return 0;
    if (s->quiet.ran && s->rollback == ROLLBACK_EXACT) { /* also of what the workload left: the schema */
        s->rollback = s->quiet.rollback;
        s->rollback_says = s->quiet.says;
    }
    if (s->quiet.ran)
        return 0;
    if (s->rows_unproven && s->rollback == ROLLBACK_EXACT) {
        s->rollback = ROLLBACK_UNPROVEN;
        s->rollback_says = s->rows_say;
    }
    int r = s->rows_unproven ? 0 : rehearsal_read_rows(s, &down, err);
    return r < 0 || s->rows_unproven ? r : rehearsal_compare_rows(s, &s->rows_before, &down, err);
}

int rehearsal_look_after(rehearsal *s, lb_error *err)
{
    int r = schema_read(s->ctx, &s->filter, &s->after, err);
    if (r >= 0)
        r = rehearsal_read_files(s, &s->files_after, err);
    return r < 0 ? r : rehearsal_compare(s->before, s->after, "before", "after", &s->diff_changes, &s->diff, err);
}

int rehearsal_come_back(rehearsal *s, lb_error *err)
{
    int r = go_down(s, err);
    if (r < 0 || s->rollback == ROLLBACK_IMPOSSIBLE)
        return r;
    r = look_at_down(s, err);
    return r < 0 ? r : look_at_rows(s, err);
}

int rehearsal_take_back(rehearsal *s, lb_error *err)
{
    if (strcmp(s->args->rollback, "skip") == 0 || !rehearsal_is_up(s))
        return 0;
    int r = rehearsal_come_back(s, err);
    if (r >= 0 && s->lacks_undo)
        return rehearsal_generate(s, err);
    return r < 0 || s->rollback == ROLLBACK_IMPOSSIBLE ? r : go_up_again(s, err);
}
