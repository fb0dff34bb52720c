/* Statements whose calls touch many more blocks than they did, and take longer, for as many rows: another plan.
 *
 * What is remembered of each of those that take most time: its counters, what calls cost until now (the older, the
 * less it counts), and what they have cost since they cost more, with the moment. That is told for a day, or until
 * calls cost again what they did; then it is what they cost. */
#include "cause_plans.h"

#include <string.h>

#define A_DAY (INT64_C(86400) * 1000000)
#define KEPT  0.9 /* of what calls cost at each reading, so that data may grow */

enum { MOST_STATEMENTS = 300, MOST_TOLD = 5, NUMBERS = 14 };

typedef struct survey {
    cause_look *look;
    cause_statement *suspects;
    size_t count;
} survey;

/* ---- memory: 14 numbers of each ---- */

static double number_at(struct json_object *list, size_t index)
{
    return json_object_get_double(json_object_array_get_idx(list, index));
}

static cause_load load_at(struct json_object *list, size_t index)
{
    return (cause_load){number_at(list, index), number_at(list, index + 1), number_at(list, index + 2),
                        number_at(list, index + 3)};
}

static void remember(struct json_object *note, const char *key, const cause_load *counters, const cause_statement *s)
{
    const cause_load loads[] = {*counters, s->base, s->since};
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; list && i < sizeof loads / sizeof *loads; i++) {
        const double numbers[] = {loads[i].calls, loads[i].ms, loads[i].rows, loads[i].blocks};
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            (void)json_object_array_add(list, json_object_new_double(numbers[k]));
    }
    if (list) {
        (void)json_object_array_add(list, json_object_new_double((double)s->base_at));
        (void)json_object_array_add(list, json_object_new_double((double)s->changed_at));
    }
    if (!note || !list || json_object_object_add(note, key, list) != 0)
        json_object_put(list); /* out of memory: it is as if it had not been seen */
}

static cause_load sum_of(const cause_load *a, double share, const cause_load *b)
{
    return (cause_load){share * a->calls + b->calls, share * a->ms + b->ms, share * a->rows + b->rows,
                        share * a->blocks + b->blocks};
}

/* ---- judging ---- */

/* What the calls since the reading before say. */
static void follow(cause_statement *s, const cause_load *added, int64_t now)
{
    s->since = sum_of(&s->since, 1, added);
    if (s->changed_at && now - s->changed_at >= A_DAY) { /* that is what they cost by now */
        s->base = s->since;
        s->changed_at = 0;
    } else if (s->changed_at) {
        bool is_over = added->calls >= CAUSE_MIN_CALLS && !cause_plan_jumped(&s->base, added);
        s->changed_at = is_over ? 0 : s->changed_at;
        s->base = is_over ? sum_of(&s->base, KEPT, added) : s->base;
    } else if (cause_plan_jumped(&s->base, &s->since)) {
        s->changed_at = now;
        return;
    } else if (s->since.calls >= CAUSE_MIN_CALLS) {
        s->base = sum_of(&s->base, KEPT, &s->since);
    } else {
        return; /* too few to say; they count with the next */
    }
    if (!s->changed_at) {
        s->since = (cause_load){0};
        s->base_at = now;
    }
}

/* How it stands with a statement; true: its calls cost more. */
static bool judge(const cause_look *look, struct json_object *noted, const cause_load *counters, cause_statement *s)
{
    struct json_object *list = NULL;
    int64_t now = look->reading.at;
    bool is_warm = look->has_settings && look->settings.uptime_seconds >= look->limits.warm_up_min * 60;
    if (!noted || !json_object_object_get_ex(noted, s->row->key, &list) || json_object_array_length(list) != NUMBERS) {
        s->base = *counters; /* since it is counted */
        s->base_at = now;
        return false;
    }
    const cause_load was = load_at(list, 0);
    s->base = load_at(list, 4);
    s->since = load_at(list, 8);
    s->base_at = (int64_t)number_at(list, 12);
    s->changed_at = (int64_t)number_at(list, 13);
    const cause_load added = {counters->calls - was.calls, counters->ms - was.ms, counters->rows - was.rows,
                              counters->blocks - was.blocks};
    if (is_warm && added.calls > 0 && added.ms >= 0 &&
        added.blocks >= 0) /* else it is counted anew, or caches are cold */
        follow(s, &added, now);
    return s->changed_at != 0;
}

static double lost_ms(const cause_statement *s)
{
    return s->since.ms - s->base.ms / s->base.calls * s->since.calls;
}

/* The worst first, as many as are told. */
static void suspect(survey *v, const cause_statement *s)
{
    size_t at = v->count;
    while (at && lost_ms(&v->suspects[at - 1]) < lost_ms(s))
        at--;
    if (at == MOST_TOLD)
        return;
    v->count += v->count < MOST_TOLD;
    memmove(&v->suspects[at + 1], &v->suspects[at], (v->count - 1 - at) * sizeof *v->suspects);
    v->suspects[at] = *s;
}

static int survey_all(survey *v, lb_error *err)
{
    cause_look *look = v->look;
    struct json_object *noted = cause_noted(look, "statements"), *note = cause_note(look, "statements");
    v->suspects = lb_alloc(look->ctx, MOST_TOLD * sizeof *v->suspects);
    if (!v->suspects)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < look->statement_count && i < MOST_STATEMENTS; i++) {
        const diagnose_statements_row *row = &look->statements[i];
        cause_statement s = {.row = row};
        const cause_load counters = {(double)row->calls, row->total_ms, row->row_count, row->blocks};
        if (judge(look, noted, &counters, &s))
            suspect(v, &s);
        remember(note, row->key, &counters, &s);
    }
    return 0;
}

/* ---- telling ---- */

static lb_value load_of(lb_ctx *ctx, const char *name, const cause_load *load)
{
    const lb_value members[] = {lb_f64("calls", load->calls),
                                lb_f64("mean_ms", load->ms / load->calls),
                                lb_f64("blocks_a_call", load->blocks / load->calls),
                                lb_f64("rows_a_call", load->rows / load->calls),
                                {.type = LB_END}};
    lb_value *copy = load->calls > 0 ? lb_alloc(ctx, sizeof members) : NULL;
    return copy ? lb_object(name, memcpy(copy, members, sizeof members)) : lb_null(name);
}

static int add_changed(cause_look *look, const cause_statement *s, lb_error *err)
{
    const cause_load *was = &s->base, *is = &s->since;
    const char *table = s->table ? lb_printf(look->ctx, "%s.%s", s->table->schema, s->table->name) : NULL;
    double blocks = cause_times(is->blocks, is->calls, was->blocks > 0 ? was->blocks : was->calls, was->calls);
    const cause_case c = {
        .id = CAUSE_PLAN_CHANGED,
        .object = lb_printf(look->ctx, "statement %lld of %s", (long long)s->row->queryid, s->row->user_name),
        .about = table,
        .schema = s->table ? s->table->schema : NULL,
        .table = s->table ? s->table->name : NULL,
        .reason = lb_printf(
            look->ctx, "a call takes %.4g ms and %.0f blocks, where it took %.4g ms and %.0f, for as many rows; %s%s",
            is->ms / is->calls, is->blocks / is->calls, was->ms / was->calls, was->blocks / was->calls,
            s->changed ? "before that " : "nothing is known that has changed", s->changed ? s->changed : ""),
        .command = s->command ? s->command
                              : lb_printf(look->ctx, "SELECT query FROM pg_stat_statements WHERE queryid = %lld",
                                          (long long)s->row->queryid),
        .strength = {cause_ramp(blocks, CAUSE_MORE_BLOCKS, 5 * CAUSE_MORE_BLOCKS),
                     cause_ramp(cause_times(is->ms, is->calls, was->ms, was->calls), CAUSE_SLOWER, 3 * CAUSE_SLOWER),
                     s->is_known_change ? 1
                     : s->changed       ? 0.6
                                        : 0,
                     s->past.calls >= CAUSE_MIN_CALLS ? 1 : CAUSE_UNSEEN},
        .evidence = LB_ARGS(lb_text("queryid", lb_printf(look->ctx, "%lld", (long long)s->row->queryid)),
                            lb_text("user", s->row->user_name), lb_text("statement", s->text), lb_text("table", table),
                            lb_time("last_seen_as_before", s->base_at), lb_time("changed_by", s->changed_at),
                            load_of(look->ctx, "before", was), load_of(look->ctx, "since", is),
                            load_of(look->ctx, "in_history", &s->past),
                            s->past.calls > 0 ? lb_time("history_since", s->past_since) : lb_null("history_since"),
                            lb_text("what_changed", s->changed), lb_text("change", s->change),
                            lb_text("stored_plan_reads", s->plan),
                            s->planned_at ? lb_time("stored_plan_at", s->planned_at) : lb_null("stored_plan_at"))};
    return cause_add(look, &c, err);
}

/* The history goes further back: there it may have been like this before. */
static bool was_so_before(const cause_statement *s)
{
    return s->past.calls >= CAUSE_MIN_CALLS && !cause_plan_jumped(&s->past, &s->since);
}

/* The same plan reads through rows that nobody sees any more: a small table that is written much, and not vacuumed. */
static bool reads_dead_rows(const cause_statement *s)
{
    return s->table && !s->is_known_change && s->table->dead > s->table->live;
}

static int examine(cause_look *look, lb_error *err)
{
    survey v = {.look = look};
    int r = survey_all(&v, err);
    if (r >= 0 && v.count)
        r = cause_plan_facts(look, v.suspects, v.count, err);
    for (size_t i = 0; r >= 0 && i < v.count; i++)
        if (v.suspects[i].is_listed && !was_so_before(&v.suspects[i]) && !reads_dead_rows(&v.suspects[i]))
            r = add_changed(look, &v.suspects[i], err);
    look->causes_tested += r >= 0 && look->reading.before;
    return r;
}

int cause_look_at_plans(cause_look *look, lb_error *err)
{
    int r = cause_note_planner(look, err);
    return r < 0 || !look->statements_schema ? r : examine(look, err);
}
