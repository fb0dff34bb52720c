/* The way back that nobody wrote: what leads from the schema after the migration to the one before it, by the
 * catalogue, carried out on the branch and held against what was there. What it cannot bring back is said, and stays
 * lost. */
#include "migration_run.h"
#include "rehearsal.h"

#define NAME "undo script from the catalogue"

static const char *const head =
    "-- Takes back what the migrations of one rehearsal have done, all of them together: from the schema "
    "that they left to the one before them.\n"
    "-- lbops:allow not-idempotent because it was made from the catalogue, for exactly that schema\n"
    "-- It is no way back for rows that are written or changed meanwhile.\n";

/* All versions are there again, where undo scripts were there for the last ones only. */
static int stand_up(rehearsal *s, bool *ret_stands, lb_error *err)
{
    const char *json = NULL;
    int r = s->gone ? rehearsal_migrate(s, REHEARSAL_UP, &json, err) : 0;
    s->gone = r < 0 ? s->gone : 0;
    *ret_stands = r >= 0;
    return r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY || lb_cancelled(s->ctx) ? r : 0;
}

static int compose(rehearsal *s, schema_diff **ret_diff, lb_error *err)
{
    schema_model *now = NULL;
    const char *sql = NULL;
    int r = schema_read(s->ctx, &s->filter, &now, err);
    if (r >= 0)
        r = schema_compare(now, s->before, ret_diff, err);
    if (r >= 0)
        r = schema_script(*ret_diff, "after", "before", &sql, err);
    if (r < 0)
        return r;
    s->generated.script = (*ret_diff)->step_count ? lb_printf(s->ctx, "%s%s", head, sql) : "";
    return s->generated.script ? 0 : lb_out_of_memory(err);
}

static int carry_out(rehearsal *s, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(s->ctx,
                          LB_GROUP(.title = "try the " NAME, .reason = "no undo script is there",
                                   .undo = "the branch is thrown away", .atomic = true),
                          &group, err);
    if (r >= 0)
        r = lb_change_script(s->ctx, group, LB_SCRIPT(.name = NAME, .text = s->generated.script), err);
    return r < 0 ? r : lb_apply(s->ctx, group, &outcome, err);
}

/* Compared as a rollback is; only its grade is not that of the author's scripts. */
static int grade(rehearsal *s, lb_error *err)
{
    schema_model *down = NULL;
    rehearsal_content rows = {0};
    uint32_t changes = 0;
    const char *text = NULL, *kept_says = s->rollback_says;
    const rehearsal_rollback kept = s->rollback;
    const size_t reasons = s->reason_count;
    int r = schema_read(s->ctx, &s->filter, &down, err);
    if (r >= 0)
        r = rehearsal_compare(s->before, down, "before", "after the " NAME, &changes, &text, err);
    if (r < 0)
        return r;
    s->rollback = changes                                 ? ROLLBACK_DIFFERS
                  : s->rows_unproven || !s->args->rows_mb ? ROLLBACK_UNPROVEN
                                                          : ROLLBACK_EXACT;
    s->rollback_says = changes ? text : s->rows_unproven ? s->rows_say : NULL;
    if (s->rollback == ROLLBACK_EXACT)
        r = rehearsal_read_rows(s, &rows, err);
    if (r >= 0 && s->rollback == ROLLBACK_EXACT)
        r = rehearsal_compare_rows(s, &s->rows_before, &rows, err);
    s->generated.outcome = s->rollback;
    s->generated.says = s->rollback_says;
    s->rollback = kept;
    s->rollback_says = kept_says;
    s->reason_count = reasons; /* it is no fault of the migration that it loses rows, only of this way back */
    return r;
}

static int try_out(rehearsal *s, lb_error *err)
{
    bool has_script = *s->generated.script != '\0';
    int r = has_script ? carry_out(s, err) : 0;
    if (r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY || lb_cancelled(s->ctx))
        return r;
    if (r < 0) { /* it was one transaction: nothing has come of it */
        s->generated.outcome = ROLLBACK_IMPOSSIBLE;
        s->generated.says = lb_printf(s->ctx, "%s", err->message);
        return s->generated.says ? 0 : lb_out_of_memory(err);
    }
    r = grade(s, err);
    return r < 0 || !has_script ? r : rehearsal_go_up_by_files(s, err);
}

int rehearsal_generate(rehearsal *s, lb_error *err)
{
    schema_diff *diff = NULL;
    bool stands = false;
    int r = stand_up(s, &stands, err);
    if (r < 0 || !stands)
        return r;
    r = compose(s, &diff, err);
    if (r < 0)
        return lb_wrap(err, NAME);
    s->generated.outcome = ROLLBACK_SKIPPED;
    if (diff->note_count)
        s->generated.by_hand = lb_printf(s->ctx, "%s %s%s", diff->notes[0].object, diff->notes[0].text,
                                         diff->note_count > 1 ? ", and more" : "");
    if (lb_run_target(s->ctx)->branch_class != LB_BRANCH_THROWAWAY) /* what it drops would wait for a person */
        return 0;
    r = try_out(s, err);
    return r < 0 ? lb_wrap(err, NAME) : 0;
}

/* ---- telling ---- */

lb_value rehearsal_generated_value(rehearsal *s)
{
    const rehearsal_generated *g = &s->generated;
    if (!g->script)
        return lb_null("generated");
    const lb_value *members = LB_ARGS(lb_text("outcome", rehearsal_rollback_name(g->outcome)),
                                      lb_text("grade", rehearsal_rollback_grade(g->outcome)), lb_text("says", g->says),
                                      lb_text("by_hand", g->by_hand), lb_text("script", g->script));
    lb_value *kept = lb_alloc(s->ctx, 6 * sizeof *kept);
    return kept ? lb_object("generated", memcpy(kept, members, 6 * sizeof *kept)) : lb_null("generated");
}

void rehearsal_put_generated(FILE *out, const rehearsal *s)
{
    const rehearsal_generated *g = &s->generated;
    if (!g->script)
        return;
    const char *name = rehearsal_rollback_grade(g->outcome);
    (void)fprintf(out, "### A way back from the catalogue: %s%s%s%s\n\n",
                  g->outcome == ROLLBACK_SKIPPED ? "not tried" : rehearsal_rollback_name(g->outcome), name ? " (" : "",
                  name ? name : "", name ? ")" : "");
    if (g->says)
        rehearsal_put_block(out, g->says);
    if (g->by_hand) {
        (void)fputs("By hand: ", out);
        rehearsal_put_code(out, g->by_hand, 300);
        (void)fputs("\n\n", out);
    }
    if (*g->script)
        rehearsal_put_block(out, g->script);
    else
        (void)fputs("The schema is as it was, so there is nothing that a script could bring back.\n\n", out);
}
