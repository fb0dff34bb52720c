/* Alerts about pairs: raised, and ended. */
#include "sync_alarm.h"

#include "health_pause.h"
#include "shell_word.h"
#include "sync_tell.h"

#include <json-c/json.h>
#include <math.h>
#include <sql/sync/not_compared.h>
#include <sql/sync/told.h>

#define DAY_US INT64_C(86400000000)
#define KEPT   (90 * DAY_US)
#define LATELY (2 * DAY_US) /* a pair that any run is for is looked at that often */

/* Neither is an answer of history worth the run, nor is one that comes when its time is over. */
static int do_without(lb_ctx *ctx, int r)
{
    return r == LB_ERR_NO_MEMORY || (r == LB_ERR_CANCELLED && lb_time_left(ctx) > 0) ? r : 0;
}

/* A pause holds back what would be raised; it comes with the first run after it. */
static int read_pause(lb_ctx *ctx, sync_alarms *alarms, lb_error *err)
{
    const char *text = NULL;
    int r = lb_thresholds(ctx, &text, err);
    if (r < 0)
        return r;
    struct json_object *document = json_tokener_parse(text);
    if (!document)
        return lb_out_of_memory(err);
    alarms->paused_by = health_pause(ctx, document);
    (void)json_object_put(document); /* says whether it was the last one */
    return 0;
}

/* ---- what is open ---- */

/* Which check finds a matter, and what its row of history says then; that a check fails is a matter, too. */
static const struct finder {
    const char *check, *matter, *status; /* status NULL: any that is not in order */
} finders[] = {
    {"completeness", "rows", "drift_detected"}, {"completeness", "columns", "drift_detected"},
    {"completeness", "freshness", "stale"},     {"integrity", "checksum", "mismatch"},
    {"freshness", "freshness", "stale"},        {"pipeline", "pipeline", NULL},
};

#define FINDERS (sizeof finders / sizeof finders[0])

static bool finds(const char *check, const char *matter)
{
    size_t length = strlen(SYNC_NOT_COMPARED_);
    if (strncmp(matter, SYNC_NOT_COMPARED_, length) == 0)
        return strcmp(matter + length, check) == 0;
    for (size_t i = 0; i < FINDERS; i++)
        if (strcmp(finders[i].check, check) == 0 && strcmp(finders[i].matter, matter) == 0)
            return true;
    return false;
}

static struct sync_known *find(const sync_alarms *alarms, const char *matter, const char *pair)
{
    for (size_t i = 0; i < alarms->count; i++)
        if (strcmp(alarms->items[i].matter, matter) == 0 && strcmp(alarms->items[i].pair, pair) == 0)
            return &alarms->items[i];
    return NULL;
}

/* What was found wrong was told as well, though a daemon that was killed may have had no time to write it down. */
static void take_found(sync_alarms *alarms, const sync_told_row *row)
{
    alarms->looks[alarms->look_count++] = (struct sync_look){row->subject, row->pair};
    for (size_t i = 0; i < FINDERS && sync_is_issue(row->state); i++) {
        const struct finder *f = &finders[i];
        struct sync_known *known = find(alarms, f->matter, row->pair);
        if (strcmp(f->check, row->subject) != 0 || (f->status && strcmp(f->status, row->state) != 0) ||
            (known && (known->is_open || known->at >= row->at)))
            continue;
        known = known ? known : &alarms->items[alarms->count++];
        *known = (struct sync_known){.matter = f->matter,
                                     .pair = row->pair,
                                     .at = row->at,
                                     .limit_s = row->limit_s_is_null ? INFINITY : row->limit_s,
                                     .is_open = true};
    }
}

static void take_told(sync_alarms *alarms, const sync_told_row *row)
{
    alarms->items[alarms->count++] = (struct sync_known){.matter = row->subject,
                                                         .pair = row->pair,
                                                         .tool = row->tool,
                                                         .at = row->at,
                                                         .limit_s = row->limit_s_is_null ? INFINITY : row->limit_s,
                                                         .is_open = strcmp(row->state, "resolved") != 0};
}

/* Which tool told it does not matter; without history nobody knows, and each end is told. */
static int read_told(lb_ctx *ctx, sync_alarms *alarms, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const sync_told_args wanted = {
        .project = target->project, .branch = target->branch, .lately = lb_now(ctx) - LATELY};
    sync_told_row row;
    lb_rows *rows = NULL;
    int r = sync_told(ctx, &wanted, &rows, err);
    if (r < 0)
        return do_without(ctx, r);
    size_t count = (size_t)lb_row_count(ctx, rows);
    alarms->is_known = true;
    alarms->items = lb_alloc(ctx, (FINDERS * count + 1) * sizeof *alarms->items);
    alarms->looks = lb_alloc(ctx, (count + 1) * sizeof *alarms->looks);
    if (!alarms->items || !alarms->looks)
        return lb_out_of_memory(err);
    while (sync_told_next(ctx, rows, &row)) /* what was told comes first */
        if (row.subject && row.pair && row.state)
            (row.is_told ? take_told : take_found)(alarms, &row);
    return 0;
}

static int know(lb_ctx *ctx, sync_alarms *alarms, lb_error *err)
{
    if (alarms->is_read)
        return 0;
    alarms->is_read = true;
    int r = read_pause(ctx, alarms, err);
    return r < 0 ? r : read_told(ctx, alarms, err);
}

/* An alert that may be open. What another check finds late by a stricter limit is not in order by this one's. */
static bool may_end(const sync_alarms *alarms, const sync_alarm *a, const char *pair)
{
    const struct sync_known *known = find(alarms, a->matter, pair);
    if (!alarms->is_known)
        return true;
    if (!known || !known->is_open || strcmp(a->matter, "freshness") != 0)
        return known && known->is_open;
    return (known->tool && strcmp(known->tool, alarms->tool) == 0) || a->lag <= known->limit_s;
}

/* ---- the command for what comes next ---- */

static const char *keys_option(lb_ctx *ctx, const sync_wish *wish)
{
    struct json_object *list = wish->key_count ? json_object_new_array() : NULL;
    for (size_t i = 0; list && i < wish->key_count; i++)
        (void)json_object_array_add(list, json_object_new_string(wish->keys[i])); /* the command lacks it then */
    if (!list)
        return "";
    const char *option = lb_printf(
        ctx, " --key_columns %s",
        shell_word(ctx, json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
    (void)json_object_put(list); /* says whether it was the last one */
    return option;
}

/* What is late is looked at again, what cannot be compared is tried again, and of what differs the rows are named: by
 * the tool that has found it, for each has a book of its own, and by its limits, for with others it might be in order.
 */
static const char *command_for(lb_ctx *ctx, const char *tool, const sync_wish *wish, const char *matter)
{
    const lb_target *target = lb_run_target(ctx);
    bool is_late = strcmp(matter, "freshness") == 0 || strcmp(matter, "pipeline") == 0;
    bool is_tried = strncmp(matter, SYNC_NOT_COMPARED_, strlen(SYNC_NOT_COMPARED_)) == 0;
    bool names_rows = !is_late && !is_tried;
    if (is_late)
        tool = "track_sync_freshness";
    else if (names_rows && strcmp(tool, "run_full_sync_validation") != 0)
        tool = "validate_sync_integrity"; /* completeness alone names none */
    return lb_printf(ctx,
                     "lbops run %s --project %s --branch %s --source_table %s --target_delta_table %s%s%s%s "
                     "--max_lag_s %lld --grace_s %lld%s",
                     tool, shell_word(ctx, target->project), shell_word(ctx, target->branch),
                     shell_word(ctx, wish->source), shell_word(ctx, wish->target),
                     wish->mark ? " --timestamp_column " : "", wish->mark ? shell_word(ctx, wish->mark) : "",
                     keys_option(ctx, wish), (long long)wish->limit_s, (long long)wish->grace_s,
                     names_rows ? " --scope full" : "");
}

const char *sync_repair_command(lb_ctx *ctx, const sync_pair *pair)
{
    const lb_target *target = lb_run_target(ctx);
    const sync_wish *wish = pair->wish;
    if (!pair->has_versions || !pair->key_count || pair->left_out)
        return NULL; /* it would refuse */
    return lb_printf(
        ctx,
        "lbops run repair_synced_rows --project %s --branch %s --source_table %s --target_delta_table %s%s%s%s "
        "--max_lag_s %lld --grace_s %lld",
        shell_word(ctx, target->project), shell_word(ctx, target->branch), shell_word(ctx, wish->source),
        shell_word(ctx, wish->target), wish->mark ? " --timestamp_column " : "",
        wish->mark ? shell_word(ctx, wish->mark) : "", keys_option(ctx, wish), (long long)wish->limit_s,
        (long long)wish->grace_s);
}

/* ---- telling ---- */

typedef struct sides {
    const char *source, *target, *pair;
} sides;

/* One name for it, however each check's parameters write it. */
static sides sides_of(lb_ctx *ctx, const sync_wish *wish)
{
    const char *source = lb_printf(ctx, "%s.%s", wish->schema, wish->name);
    return (sides){source, wish->target, lb_printf(ctx, "%s and %s", source, wish->target)};
}

static int raise_it(lb_ctx *ctx, const char *tool, const sync_wish *wish, const sync_alarm *a, const sides *s,
                    lb_error *err)
{
    return lb_emit(ctx, SYNC_RAISED,
                   LB_ARGS(lb_text("source", s->source), lb_text("target", s->target), lb_text("pair", s->pair),
                           lb_f64("drift", a->drift), lb_text("check", a->matter),
                           lb_text("level", a->level ? a->level : "warning"), lb_f64("lag_seconds", a->lag),
                           lb_f64("limit_seconds", (double)wish->limit_s),
                           a->since == LB_TIME_NONE ? lb_null("since") : lb_time("since", a->since),
                           lb_text("text", lb_printf(ctx, "%s: %s", s->pair, a->reason)),
                           lb_text("command", command_for(ctx, tool, wish, a->matter))),
                   err);
}

static int calm_it(lb_ctx *ctx, const char *matter, const char *over, const sides *s, lb_error *err)
{
    const char *text = over ? lb_printf(ctx, "%s: %s: %s", s->pair, matter, over)
                            : lb_printf(ctx, "%s: %s is in order again", s->pair, matter);
    return lb_emit(ctx, SYNC_CALMED,
                   LB_ARGS(lb_text("source", s->source), lb_text("target", s->target), lb_text("pair", s->pair),
                           lb_text("check", matter), lb_text("text", text)),
                   err);
}

int sync_alarm_tell(lb_ctx *ctx, sync_alarms *alarms, const sync_wish *wish, const sync_alarm *a, lb_error *err)
{
    const sides s = sides_of(ctx, wish);
    if (!s.source || !s.pair)
        return lb_out_of_memory(err);
    if (a->is_fine && a->is_unsure)
        return 0;
    int r = know(ctx, alarms, err);
    if (r < 0 || (a->is_fine ? !may_end(alarms, a, s.pair) : alarms->paused_by != NULL))
        return r;
    return a->is_fine ? calm_it(ctx, a->matter, a->over, &s, err) : raise_it(ctx, alarms->tool, wish, a, &s, err);
}

int sync_alarm_pass_on(lb_ctx *ctx, sync_alarms *alarms, const sync_wish *wish, const char *check, lb_error *err)
{
    int r = know(ctx, alarms, err);
    for (size_t i = 0; r >= 0 && !alarms->paused_by && i < FINDERS; i++) {
        const sync_alarm a = {.matter = finders[i].matter,
                              .lag = INFINITY, /* it is not known */
                              .over = "it cannot be looked at any more, which is an alert of its own",
                              .is_fine = true};
        if (strcmp(finders[i].check, check) == 0)
            r = sync_alarm_tell(ctx, alarms, wish, &a, err);
    }
    return r;
}

static bool is_looked_at(const sync_alarms *alarms, const struct sync_known *known)
{
    for (size_t i = 0; i < alarms->look_count; i++)
        if (strcmp(alarms->looks[i].pair, known->pair) == 0 && finds(alarms->looks[i].check, known->matter))
            return true;
    return false;
}

static int is_among(lb_ctx *ctx, const sync_wishes *wishes, const char *pair, bool *ret_among, lb_error *err)
{
    *ret_among = false;
    for (size_t i = 0; i < wishes->count && !*ret_among; i++) {
        const sides s = sides_of(ctx, &wishes->items[i]);
        if (!s.pair)
            return lb_out_of_memory(err);
        *ret_among = strcmp(s.pair, pair) == 0;
    }
    return 0;
}

int sync_alarms_end_others(lb_ctx *ctx, sync_alarms *alarms, const sync_wishes *wishes, lb_error *err)
{
    int r = know(ctx, alarms, err);
    for (size_t i = 0; r >= 0 && i < alarms->count; i++) {
        const struct sync_known *known = &alarms->items[i];
        const char *between = strstr(known->pair, " and ");
        bool is_wanted = false;
        if (!known->is_open || !between || !known->tool || strcmp(known->tool, alarms->tool) != 0 ||
            is_looked_at(alarms, known))
            continue;
        r = is_among(ctx, wishes, known->pair, &is_wanted, err);
        const sides s = {lb_printf(ctx, "%.*s", (int)(between - known->pair), known->pair), between + strlen(" and "),
                         known->pair};
        if (r >= 0 && !is_wanted)
            r = calm_it(ctx, known->matter, "nobody wants the two to be compared any more", &s, err);
    }
    return r;
}

/* ---- what fails ---- */

int sync_failing_since(lb_ctx *ctx, const sync_wish *wish, const char *check, int64_t *ret_since, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const sync_not_compared_args wanted = {.project = target->project,
                                           .branch = target->branch,
                                           .check_type = check,
                                           .source = wish->source,
                                           .target = wish->target,
                                           .since = lb_now(ctx) - KEPT};
    sync_not_compared_row row;
    lb_rows *rows = NULL;
    int r = sync_not_compared(ctx, &wanted, &rows, err);
    *ret_since = LB_TIME_NONE;
    if (r < 0)
        return do_without(ctx, r);
    if (sync_not_compared_next(ctx, rows, &row) && !row.began_at_is_null)
        *ret_since = row.began_at;
    return 0;
}
