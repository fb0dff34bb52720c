/* What the judge has found, as findings of the run and as evidence of an approval. */
#include "migration_run.h"

static const judged *statement_of(const migration_file *file, const judge_hazard *h)
{
    return h->statement ? &file->judged.items[h->statement - 1] : NULL;
}

/* What a rule on lost rows is about. */
static lb_value risk_of(const migration_file *file, const judge_hazard *h)
{
    const migration_risk *risk = file->risks && h->statement ? &file->risks[h->statement - 1] : NULL;
    bool is_told = risk && risk->count && judge_rule_of(h->rule)->severity >= JUDGE_DATA_LOSS;
    return is_told ? lb_list("at_risk", LB_OBJECT, risk->items, risk->count) : lb_null("at_risk");
}

static const lb_value *members_of(migration_run *run, const migration_file *file, const judge_hazard *h)
{
    const judge_rule *rule = judge_rule_of(h->rule);
    const judged *s = file->judged.count ? statement_of(file, h) : NULL;
    const migration_waiver *waiver = migration_waived(file, h->rule);
    return arena_values(run->memory,
                        LB_ARGS(lb_text("rule", rule->id), lb_text("severity", judge_severity_name(rule->severity)),
                                lb_text("file", file->name), lb_i64("line", h->place.line),
                                lb_i64("column", h->place.column), lb_i64("statement", h->statement),
                                lb_text("sql", s ? s->source->text : NULL),
                                lb_text("effect", s ? effect_name(s->verdict.effect) : NULL),
                                lb_text("lock", s ? judge_lock_name(s->lock) : NULL),
                                lb_text("lock_on", s ? s->lock_on : NULL), lb_bool("scans", s && s->scans),
                                lb_bool("rewrites", s && s->rewrites), lb_bool("idempotent", !s || s->is_idempotent),
                                lb_bool("in_function_body", h->in_body), lb_bool("refused", rule->refuses && !waiver),
                                lb_text("allowed_because", waiver ? waiver->because : NULL), risk_of(file, h)));
}

static int report_one(migration_run *run, const migration_file *file, const judge_hazard *h, lb_error *err)
{
    const judge_rule *rule = judge_rule_of(h->rule);
    const lb_value *evidence = members_of(run, file, h);
    if (!evidence)
        return lb_out_of_memory(err);
    bool is_seen = h->rule != JUDGE_OPAQUE_CODE;
    return lb_report(run->ctx,
                     LB_FINDING(.object = h->object, .kind = rule->id, .reason = rule->doc, .evidence = evidence,
                                .terms = LB_TERMS({"read_by_the_servers_grammar", is_seen ? 0.7 : 0.3},
                                                  {"runs_with_this_file", h->in_body ? 0.0 : 0.25}),
                                .impact = LB_ARGS(lb_text("safe_form", h->rewrite))),
                     err);
}

int migrate_report(migration_run *run, const migration_file *file, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < file->judged.hazard_count && r >= 0; i++)
        r = report_one(run, file, &file->judged.hazards[i], err);
    return r < 0 ? lb_wrap(err, file->name) : 0;
}

static bool is_refused(const migration_file *file, const judge_hazard *h)
{
    return judge_rule_of(h->rule)->refuses && (h->rule == JUDGE_SYNTAX || !migration_waived(file, h->rule));
}

int migrate_refuse(migration_file *const *files, size_t count, lb_error *err)
{
    const migration_file *where = NULL;
    const judge_hazard *first = NULL;
    size_t refused = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < files[i]->judged.hazard_count; k++) {
            const judge_hazard *h = &files[i]->judged.hazards[k];
            if (!is_refused(files[i], h))
                continue;
            where = first ? where : files[i];
            first = first ? first : h;
            refused++;
        }
    if (!first)
        return 0;
    const judge_rule *rule = judge_rule_of(first->rule);
    char more[48] = "";
    if (refused > 1)
        (void)snprintf(more, sizeof more, " (and %zu more)", refused - 1); /* it fits */
    (void)lb_fail(err, LB_ERR_INVALID, NULL, "%s, line %u, column %u: %s: %.250s%s", where->name, first->place.line,
                  first->place.column, rule->id, first->rule == JUDGE_SYNTAX ? first->object : rule->doc,
                  more); /* fills it */
    (void)snprintf(err->hint, sizeof err->hint, "%s%.220s",
                   first->rule == JUDGE_SYNTAX ? "" : "write: ", first->rewrite); /* cut, for people */
    return err->code;
}

const lb_value *migrate_evidence(migration_run *run, const migration_file *file)
{
    size_t count = file->judged.hazard_count, n = 0;
    lb_value *items = arena_alloc(run->memory, (count + 1) * sizeof *items);
    for (size_t i = 0; items && i < count; i++) {
        const lb_value *members = members_of(run, file, &file->judged.hazards[i]);
        if (!members)
            return NULL;
        items[n++] = lb_object(NULL, members);
    }
    return items ? arena_values(run->memory,
                                LB_ARGS(lb_text("file", file->name), lb_text("version", file->version),
                                        lb_text("checksum", file->checksum), lb_list("findings", LB_OBJECT, items, n)))
                 : NULL;
}

int migrate_tell_rest(migration_run *run, const migration_files *files, const migration_plan *plan, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < files->other_count; i++)
        r = lb_skipped(run->ctx, files->others[i].name, files->others[i].why, err);
    for (size_t i = 0; r >= 0 && i < plan->gap_count; i++)
        r = lb_skipped(run->ctx, plan->gaps[i], "a number may have been left out on purpose", err);
    for (size_t i = 0; r >= 0 && i < plan->reworded_count; i++)
        r = lb_skipped(run->ctx, plan->reworded[i], "its text has changed since it was applied, its SQL has not", err);
    return r;
}
