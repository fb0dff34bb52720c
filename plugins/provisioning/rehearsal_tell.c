/* What was seen, as members and lists of the result. */
#include "rehearsal.h"

#define LISTED_WAITS 50

/* ---- files ---- */

static const char *change_of(const rehearsal_relation *before, const rehearsal_relation *after)
{
    return before->file == after->file ? NULL : strcmp(after->kind, "i") == 0 ? "rebuilt" : "rewritten";
}

/* Both are sorted by id. */
int rehearsal_each_file(rehearsal *s, rehearsal_file_fn fn, void *arg, lb_error *err)
{
    const rehearsal_relation *a = s->files_before.items, *b = s->files_after.items;
    size_t i = 0, k = 0, before = s->files_before.count, after = s->files_after.count;
    int r = 0;
    while (r >= 0 && (i < before || k < after)) {
        if (k == after || (i < before && a[i].id < b[k].id)) {
            r = fn(s, arg, "gone", &a[i++], err);
        } else if (i == before || b[k].id < a[i].id) {
            r = fn(s, arg, "new", &b[k++], err);
        } else {
            const char *change = change_of(&a[i++], &b[k]);
            r = change ? fn(s, arg, change, &b[k], err) : 0;
            k++;
        }
    }
    return r;
}

static int tell_file(rehearsal *s, void *arg, const char *change, const rehearsal_relation *r, lb_error *err)
{
    (void)arg; /* for those who write a text */
    return lb_append(s->ctx, "files",
                     LB_ARGS(lb_text("relation", r->name), lb_text("change", change),
                             lb_text("kind", strcmp(r->kind, "i") == 0   ? "index"
                                             : strcmp(r->kind, "S") == 0 ? "sequence"
                                                                         : "table"),
                             lb_i64("bytes", r->bytes)),
                     err);
}

/* ---- locks ---- */

static double ms(int64_t us)
{
    return (double)us / 1000;
}

static int tell_locks(rehearsal *s, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < s->watched.lock_count; i++) {
        const rehearsal_lock *l = &s->watched.locks[i];
        r = lb_append(s->ctx, "locks",
                      LB_ARGS(lb_text("relation", l->relation), lb_text("mode", l->mode), lb_i64("times", l->times),
                              lb_f64("held_ms_at_least", ms(l->least_us)), lb_f64("held_ms_at_most", ms(l->most_us)),
                              lb_i64("blocked_sessions", l->blocked), lb_f64("longest_wait_ms", ms(l->longest_us)),
                              lb_f64("waited_ms", ms(l->waited_us))),
                      err);
    }
    return r;
}

static int tell_waits(rehearsal *s, lb_error *err)
{
    int r = 0;
    size_t told = 0;
    for (size_t i = 0; r >= 0 && i < s->watched.wait_count && told < LISTED_WAITS; i++, told++) {
        const rehearsal_wait *w = &s->watched.waits[i];
        r = lb_append(s->ctx, w->is_migration ? "own_waits" : "blocked",
                      LB_ARGS(lb_i64("pid", w->pid), lb_text("application", w->application), lb_text("query", w->query),
                              lb_text("relation", w->relation), lb_text("mode", w->mode),
                              lb_f64("waited_ms", ms(w->waited_us))),
                      err);
    }
    if (r >= 0 && told < s->watched.wait_count)
        r = lb_skipped(s->ctx, "blocked",
                       lb_printf(s->ctx, "the %zu longest waits of %zu are listed", told, s->watched.wait_count), err);
    return r;
}

/* ---- the rest ---- */

static int tell_program(rehearsal *s, const char *name, const rehearsal_program *p, lb_error *err)
{
    if (!p->line)
        return 0;
    return lb_result(s->ctx,
                     LB_ARGS(lb_object(name, LB_ARGS(lb_text("command", p->line), lb_bool("ran", p->ran),
                                                     lb_bool("failed", p->failed), lb_text("error", p->why),
                                                     lb_text("output", p->said)))),
                     err);
}

static int tell_reasons(rehearsal *s, lb_error *err)
{
    lb_value reasons[REHEARSAL_REASONS];
    for (size_t i = 0; i < s->reason_count; i++)
        reasons[i] = lb_text(NULL, s->reasons[i]);
    return lb_result(s->ctx,
                     LB_ARGS(lb_text("verdict", s->reason_count ? "failed" : "passed"),
                             lb_list("reasons", LB_TEXT, reasons, s->reason_count)),
                     err);
}

static int tell_figures(rehearsal *s, lb_error *err)
{
    const rehearsal_watched *w = &s->watched;
    return lb_result(
        s->ctx,
        LB_ARGS(
            lb_i64("applied", s->applied), lb_f64("took_ms", ms(s->took_us)),
            lb_object("watch", LB_ARGS(lb_i64("looks", w->looks), lb_f64("longest_gap_ms", ms(w->longest_gap_us)),
                                       lb_i64("dropped", w->dropped))),
            lb_i64("blocked_sessions", w->blocked), lb_i64("temp_bytes", s->temp_bytes),
            lb_object("size", LB_ARGS(lb_i64("before", s->size_before), lb_i64("after", s->size_after))),
            lb_object("log", LB_ARGS(lb_i64("bytes", s->log_bytes), lb_bool("includes_workload", s->workload.ran),
                                     s->log_alone < 0 ? lb_null("bytes_alone") : lb_i64("bytes_alone", s->log_alone))),
            lb_object("diff", LB_ARGS(lb_i64("changes", s->diff_changes), lb_text("text", s->diff))),
            lb_object("rollback",
                      LB_ARGS(lb_text("outcome", rehearsal_rollback_name(s->rollback)),
                              lb_text("grade", rehearsal_rollback_grade(s->rollback)), rehearsal_generated_value(s),
                              lb_text("other_way", rehearsal_other_way_back(s)), lb_text("says", s->rollback_says),
                              lb_text("rows", s->rows_say), lb_bool("quiet_round", s->quiet.ran),
                              lb_i64("tables_compared", (int64_t)s->rows_compared),
                              lb_i64("tables_left_out", (int64_t)s->rows_left_out)))),
        err);
}

int rehearsal_tell(rehearsal *s, lb_error *err)
{
    int r = tell_reasons(s, err);
    if (r >= 0)
        r = tell_figures(s, err);
    if (r >= 0)
        r = tell_locks(s, err);
    if (r >= 0)
        r = tell_waits(s, err);
    if (r >= 0)
        r = rehearsal_tell_statements(s, err);
    if (r >= 0)
        r = rehearsal_tell_notices(s, err);
    if (r >= 0)
        r = rehearsal_tell_predictions(s, err);
    if (r >= 0)
        r = rehearsal_tell_coverage(s, err);
    if (r >= 0)
        r = rehearsal_tell_again(s, err);
    if (r >= 0)
        r = rehearsal_each_file(s, tell_file, NULL, err);
    if (r >= 0)
        r = tell_program(s, "workload", &s->workload, err);
    if (r >= 0)
        r = rehearsal_tell_work(s, err);
    if (r >= 0)
        r = tell_program(s, "test", &s->test, err);
    const char *text = r < 0 ? NULL : rehearsal_text(s);
    if (r >= 0)
        r = text ? lb_result(s->ctx, LB_ARGS(lb_text("text", text)), err) : lb_out_of_memory(err);
    return r;
}
