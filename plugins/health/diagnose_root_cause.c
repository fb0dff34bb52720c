/* diagnose_root_cause: what is behind a trouble: metrics, locks, transactions, tables, indexes, settings and our own
 * changes, held against a table of causes. Each cause is a sum of symptoms that anybody can check; causes that explain
 * others come before them. A healthy server has none, and then the answer says what was looked at.
 *
 * It is a function of what it reads: history keeps that of each diagnosis that finds other causes than the one before,
 * and a replay makes it again from there, without a look at any server. */
#include "branch_memory.h"
#include "cause_kept.h"
#include "cause_look.h"

#include <string.h>

struct args {
    CAUSE_LIMIT_MEMBERS;
    const char *metric, *context, *before, *replay;
    bool give_reading, keep;
};

static const lb_param params[] = {
    LB_PARAM(
        struct args, metric, LB_TEXT, NULL,
        "the figure that is past its limit, as threshold.breached names it (one of no health tool: with its context); "
        "none given: whatever there is"),
    LB_PARAM(struct args, context, LB_JSON, NULL, "schema, table or object of that alert, as its event gives them"),
    LB_PARAM(struct args, before, LB_JSON, NULL, "the reading before, where another tool remembers it"),
    LB_PARAM(struct args, give_reading, LB_BOOL, "false", "also answers with the reading, for `before` of the next"),
    LB_PARAM(struct args, keep, LB_BOOL, "false", "keeps what it was made from, whatever it finds"),
    LB_PARAM(struct args, replay, LB_TEXT, NULL,
             "diagnosis_id of one that is kept: makes it again from what it was made from, by its own arguments"),
    CAUSE_LIMIT_PARAMS(struct args),
    LB_PARAMS_END,
};

/* ---- telling ---- */

static const lb_term *terms_of(lb_ctx *ctx, const cause_case *c)
{
    lb_term *terms = lb_alloc(ctx, (CAUSE_SYMPTOMS + 1) * sizeof *terms);
    for (size_t i = 0; terms && i < CAUSE_SYMPTOMS; i++) {
        terms[i] = cause_rules[c->id].symptoms[i];
        terms[i].points *= c->strength[i] > 0 ? c->strength[i] : 0;
    }
    return terms;
}

/* What could not be seen would say more. */
static const char *unseen(lb_ctx *ctx, const cause_case *c)
{
    const char *all = NULL;
    for (size_t i = 0; i < CAUSE_SYMPTOMS; i++)
        if (c->strength[i] < 0)
            all = lb_printf(ctx, "%s%s%s", all ? all : "", all ? ", " : "", cause_rules[c->id].symptoms[i].name);
    return all;
}

/* "dead_tuples of public.orders", of each that it explains. */
static lb_value effects_of(lb_ctx *ctx, const cause_case *cases, size_t count, size_t cause)
{
    lb_value *items = lb_alloc(ctx, (count + 1) * sizeof *items);
    size_t found = 0;
    for (size_t i = 0; items && i < count; i++)
        if (cases[i].because_of == cause)
            items[found++] = lb_text(NULL, lb_printf(ctx, "%s of %s", cause_rules[cases[i].id].kind, cases[i].object));
    return lb_list("explains", LB_TEXT, items, found);
}

static int tell(lb_ctx *ctx, const cause_case *cases, size_t count, size_t index, lb_error *err)
{
    const cause_case *c = &cases[index], *cause = c->because_of == CAUSE_NONE ? NULL : &cases[c->because_of];
    const cause_rule *rule = &cause_rules[c->id];
    const lb_value effects = effects_of(ctx, cases, count, index);
    const lb_term *terms = terms_of(ctx, c);
    const char *because = cause ? lb_printf(ctx, "%s of %s", cause_rules[cause->id].kind, cause->object) : NULL;
    const lb_value place = c->rank ? lb_i64("rank", c->rank) : lb_null("rank");
    if (!terms)
        return lb_out_of_memory(err);
    int r = lb_report(
        ctx,
        LB_FINDING(.object = c->object, .kind = rule->kind, .reason = lb_printf(ctx, "%s: %s", rule->title, c->reason),
                   .evidence = c->evidence, .terms = terms,
                   .impact = LB_ARGS(place, effects, lb_text("because_of", because), lb_text("drives", rule->metrics),
                                     lb_text("confirm", rule->confirm), lb_text("otherwise", rule->otherwise),
                                     lb_text("not_seen", unseen(ctx, c)), lb_text("remedy", rule->remedy),
                                     lb_text("command", c->command))),
        err);
    if (r < 0)
        return r;
    return lb_append(ctx, "causes",
                     LB_ARGS(place, lb_text("kind", rule->kind), lb_text("object", c->object),
                             lb_f64("confidence", c->score), lb_text("reason", c->reason), lb_text("schema", c->schema),
                             lb_text("table", c->table), c->pid ? lb_i64("pid", c->pid) : lb_null("pid"),
                             lb_bool("fits", c->fits), lb_text("because_of", because), effects,
                             lb_text("remedy", rule->remedy), lb_text("command", c->command)),
                     err);
}

static int tell_changes(lb_ctx *ctx, const cause_look *look, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < look->change_count && i < 20; i++) {
        const diagnose_changes_row *change = &look->changes[i];
        r = lb_append(ctx, "changes",
                      LB_ARGS(lb_time("at", change->changed_at), lb_text("tool", change->tool),
                              lb_text("by", change->actor ? change->actor : change->actor_kind),
                              lb_text("statement", change->statement)),
                      err);
    }
    return r;
}

/* ---- the whole ---- */

static int tell_coverage(lb_ctx *ctx, const cause_look *look, lb_error *err)
{
    int r = lb_examined(ctx, "kinds of causes", look->causes_tested, err);
    if (r >= 0)
        r = lb_examined(ctx, "sessions", (int64_t)(look->sessions.count - look->sessions.hidden), err);
    if (r >= 0)
        r = lb_examined(ctx, "tables", (int64_t)look->table_count, err);
    if (r >= 0)
        r = lb_examined(ctx, "figures", (int64_t)look->reading.count, err);
    return r < 0 ? r : lb_examined(ctx, "changes of ours", (int64_t)look->change_count, err);
}

static const char *verdict(lb_ctx *ctx, const cause_look *look, size_t count, const char *metric)
{
    const cause_case *first = look->cases;
    if (!count)
        return lb_printf(ctx, "no cause found: %lld kinds were looked for, in %zu sessions, %zu tables and %zu figures",
                         (long long)look->causes_tested, look->sessions.count, look->table_count, look->reading.count);
    if (metric && !first->fits)
        return lb_printf(ctx, "nothing found explains %s; %s of %s was found all the same", metric,
                         cause_rules[first->id].kind, first->object);
    return lb_printf(ctx, "%s: %s of %s", cause_rules[first->id].title, cause_rules[first->id].kind, first->object);
}

static int answer(lb_ctx *ctx, cause_look *look, size_t count, const char *said, lb_error *err)
{
    const struct args *args = ctx->args;
    bool has_interval = look->reading.before != NULL;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = tell(ctx, look->cases, count, i, err);
    if (r >= 0)
        r = cause_tell_waits(look, count, err);
    if (r >= 0)
        r = tell_changes(ctx, look, err);
    for (size_t id = 0; r >= 0 && id < CAUSES; id++)
        if (look->unseen[id])
            r = lb_append(ctx, "unseen",
                          LB_ARGS(lb_text("kind", cause_rules[id].kind), lb_text("why", look->unseen[id])), err);
    if (r >= 0)
        r = tell_coverage(ctx, look, err);
    if (r >= 0)
        r = lb_result(ctx,
                      LB_ARGS(lb_text("verdict", said), lb_text("metric", args->metric),
                              args->context ? lb_json("context", args->context) : lb_null("context"),
                              lb_i64("found", (int64_t)count), lb_i64("suspicions", (int64_t)(look->count - count)),
                              has_interval ? lb_f64("interval_s", look->reading.interval_s) : lb_null("interval_s")),
                      err);
    if (r >= 0 && args->give_reading)
        r = lb_result(
            ctx,
            LB_ARGS(lb_json("reading", json_object_to_json_string_ext(look->reading.next, JSON_C_TO_STRING_PLAIN))),
            err);
    return r;
}

/* Are these other causes than the reading before had? What they are now is remembered. */
static bool are_new(cause_look *look, size_t count)
{
    struct json_object *noted = cause_noted(look, "causes"), *note = cause_note(look, "causes");
    bool differ = !noted || (size_t)json_object_object_length(noted) != count;
    for (size_t i = 0; i < count; i++) {
        const char *key = lb_printf(look->ctx, "%s of %s", cause_rules[look->cases[i].id].kind, look->cases[i].object);
        differ = differ || !key || !json_object_object_get_ex(noted, key, NULL);
        if (note && key)
            (void)json_object_object_add(note, key, json_object_new_boolean(true)); /* lost: it is kept once more */
    }
    return count && differ;
}

/* From what is read, or from a tape in its place. */
static int diagnose(lb_ctx *ctx, const char *before, struct json_object *asked, cause_look *look, cause_kept *ret_kept,
                    lb_error *err)
{
    cause_tape tape;
    const struct args *args = ctx->args;
    int r = cause_tape_in(ctx, asked, &tape, err);
    if (r < 0)
        return r;
    *look = (cause_look){.ctx = ctx, .limits = CAUSE_LIMITS(args)};
    r = cause_examine(look, before, err);
    size_t count = r < 0 ? 0 : cause_rank(look->cases, look->count, args->metric);
    bool keeps = r >= 0 && are_new(look, count);
    const char *said = r < 0 ? NULL : verdict(ctx, look, count, args->metric);
    if (r >= 0)
        r = answer(ctx, look, count, said, err);
    cause_tape_out(ctx, &tape);
    *ret_kept = (cause_kept){
        .metric = args->metric, .verdict = said, .at = look->reading.at, .found = (int64_t)count, .said = tape.said};
    return r < 0 || !(keeps || args->keep) ? r : cause_keep_inputs(ctx, params, before, &tape, ret_kept, err);
}

static int replay(lb_ctx *ctx, const char *id, lb_error *err)
{
    struct args then = *(const struct args *)ctx->args;
    cause_inputs inputs;
    cause_look look;
    cause_kept again;
    int r = cause_recall_inputs(ctx, id, &inputs, err);
    if (r < 0)
        return r;
    cause_take_args(params, inputs.args, &then);
    ctx->args = &then;
    r = diagnose(ctx, inputs.before, inputs.asked, &look, &again, err);
    if (r < 0)
        return r;
    const char *said = lb_printf(ctx, "%016llx", (unsigned long long)again.said);
    if (!said)
        return lb_out_of_memory(err);
    return lb_result(
        ctx,
        LB_ARGS(
            lb_text("diagnosis_id", id),
            lb_object("replay", LB_ARGS(lb_bool("same", strcmp(said, inputs.said) == 0),
                                        lb_time("diagnosed_at", inputs.at), lb_text("project", inputs.project),
                                        lb_text("branch", inputs.branch), lb_text("verdict_then", inputs.verdict)))),
        err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *before = args->before, *uid = NULL, *own = NULL;
    cause_look look;
    cause_kept kept;
    if (args->replay)
        return replay(ctx, args->replay, err);
    /* An alert that asks has its name from whoever measured it, which may be anybody's plugin. */
    int r = args->metric && !args->context ? health_check_alert("metric", args->metric, err) : 0;
    if (r >= 0)
        r = branch_recall(ctx, &own, &uid, err);
    before = before ? before : own;
    if (r >= 0)
        r = diagnose(ctx, before, NULL, &look, &kept, err);
    if (r >= 0 && kept.id)
        r = cause_keep(ctx, &kept, err);
    if (r >= 0)
        r = lb_result(ctx, LB_ARGS(lb_text("diagnosis_id", kept.id)), err);
    return r < 0 ? r
                 : branch_remember(ctx, json_object_to_json_string_ext(look.reading.next, JSON_C_TO_STRING_PLAIN), uid,
                                   err);
}

LB_TOOL(diagnose_root_cause, "names what is behind a trouble, with the evidence and what would confirm it",
        .agent = "health", .risk = LB_RISK_LOW, .schedule = "*/5 * * * *", .detector = true, .timeout_s = 60,
        LB_TOOL_ARGS(struct args, params), .needs = LB_NAMES("role pg_monitor", "extension pg_stat_statements"),
        .remembers = true, .writes = LB_NAMES("diagnosis_history"), .run = run);
