/* Alerts about pairs: raised, and ended. */
#include "sync_alarm.h"

#include "shell_word.h"

#include <json-c/json.h>
#include <sql/sync/not_compared.h>
#include <sql/sync/told.h>

#define DAY_US INT64_C(86400000000)
#define KEPT   (90 * DAY_US) /* what is open has a row each day, as it is told again */

/* A pause holds back what would be raised; it comes with the first run after it. */
static int read_pause(lb_ctx *ctx, sync_alarms *alarms, lb_error *err)
{
    const char *text = NULL;
    struct json_object *pause = NULL;
    int r = lb_thresholds(ctx, &text, err);
    if (r < 0)
        return r;
    struct json_object *document = json_tokener_parse(text);
    if (!document)
        return lb_out_of_memory(err);
    if (json_object_object_get_ex(document, "paused_by", &pause) && pause)
        alarms->paused_by = lb_printf(ctx, "%s", json_object_get_string(pause));
    (void)json_object_put(document); /* says whether it was the last one */
    return 0;
}

/* What was opened is in history, whichever tool found it; without one nobody knows, and each end is told. */
static int read_open(lb_ctx *ctx, sync_alarms *alarms, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const sync_told_args wanted = {.project = target->project, .branch = target->branch, .since = lb_now(ctx) - KEPT};
    sync_told_row row;
    lb_rows *rows = NULL;
    int r = sync_told(ctx, &wanted, &rows, err);
    if (r < 0)
        return r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY ? r : 0;
    alarms->is_known = true;
    alarms->items = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *alarms->items);
    if (!alarms->items)
        return lb_out_of_memory(err);
    while (sync_told_next(ctx, rows, &row))
        if (row.matter && row.pair)
            alarms->items[alarms->count++] = (struct sync_open_alarm){row.matter, row.pair};
    return 0;
}

static int know(lb_ctx *ctx, sync_alarms *alarms, lb_error *err)
{
    if (alarms->is_read)
        return 0;
    alarms->is_read = true;
    int r = read_pause(ctx, alarms, err);
    return r < 0 ? r : read_open(ctx, alarms, err);
}

static bool may_be_open(const sync_alarms *alarms, const char *matter, const char *pair)
{
    for (size_t i = 0; i < alarms->count; i++)
        if (strcmp(alarms->items[i].matter, matter) == 0 && strcmp(alarms->items[i].pair, pair) == 0)
            return true;
    return !alarms->is_known;
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

/* ---- telling ---- */

static int raise_it(lb_ctx *ctx, const char *tool, const sync_wish *wish, const sync_alarm *a, const char *pair,
                    lb_error *err)
{
    return lb_emit(ctx, SYNC_RAISED,
                   LB_ARGS(lb_text("source", wish->source), lb_text("target", wish->target), lb_text("pair", pair),
                           lb_f64("drift", a->drift), lb_text("check", a->matter),
                           lb_text("level", a->level ? a->level : "warning"), lb_f64("lag_seconds", a->lag),
                           lb_f64("limit_seconds", (double)wish->limit_s),
                           a->since == LB_TIME_NONE ? lb_null("since") : lb_time("since", a->since),
                           lb_text("text", lb_printf(ctx, "%s: %s", pair, a->reason)),
                           lb_text("command", command_for(ctx, tool, wish, a->matter))),
                   err);
}

static int calm_it(lb_ctx *ctx, const sync_wish *wish, const sync_alarm *a, const char *pair, lb_error *err)
{
    return lb_emit(ctx, SYNC_CALMED,
                   LB_ARGS(lb_text("source", wish->source), lb_text("target", wish->target), lb_text("pair", pair),
                           lb_text("check", a->matter),
                           lb_text("text", lb_printf(ctx, "%s: %s is in order again", pair, a->matter))),
                   err);
}

int sync_alarm_tell(lb_ctx *ctx, sync_alarms *alarms, const sync_wish *wish, const sync_alarm *a, lb_error *err)
{
    const char *pair = lb_printf(ctx, "%s and %s", wish->source, wish->target);
    int r = know(ctx, alarms, err);
    if (r < 0 || (a->is_fine ? !may_be_open(alarms, a->matter, pair) : alarms->paused_by != NULL))
        return r;
    return a->is_fine ? calm_it(ctx, wish, a, pair, err) : raise_it(ctx, alarms->tool, wish, a, pair, err);
}

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
        return r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY ? r : 0;
    if (sync_not_compared_next(ctx, rows, &row) && !row.began_at_is_null)
        *ret_since = row.began_at;
    return 0;
}
