/* The migration with a workload beside it, and somebody who watches both. */
#include "parsed.h"
#include "rehearsal.h"

#include <sql/rehearsal/log_position.h>
#include <sql/rehearsal/look.h>
#include <sql/rehearsal/relations.h>

#include <stdarg.h>

#define OURS "lbops/"

void rehearsal_blame(rehearsal *s, const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* cut, for people */
    va_end(args);
    const char *kept = lb_printf(s->ctx, "%s", text);
    if (kept && s->reason_count < REHEARSAL_REASONS)
        s->reasons[s->reason_count++] = kept;
}

int rehearsal_read_written(rehearsal *s, rehearsal_written *ret_written, lb_error *err)
{
    rehearsal_log_position_row row;
    lb_rows *rows = NULL;
    int r = rehearsal_log_position(s->ctx, &rows, err);
    *ret_written = r >= 0 && rehearsal_log_position_next(s->ctx, rows, &row)
                       ? (rehearsal_written){.bytes = row.bytes, .temp = row.temp, .size = row.size}
                       : (rehearsal_written){0};
    return r;
}

int rehearsal_read_files(rehearsal *s, rehearsal_files *ret_files, lb_error *err)
{
    rehearsal_relations_row row;
    lb_rows *rows = NULL;
    int r = rehearsal_relations(s->ctx, &rows, err);
    if (r < 0)
        return r;
    rehearsal_files found = {.items = lb_alloc(s->ctx, (size_t)(lb_row_count(s->ctx, rows) + 1) * sizeof *found.items)};
    if (!found.items)
        return lb_out_of_memory(err);
    while (rehearsal_relations_next(s->ctx, rows, &row))
        found.items[found.count++] = (rehearsal_relation){
            .id = row.id, .file = row.file, .bytes = row.bytes, .name = row.name, .kind = row.kind};
    *ret_files = found;
    return 0;
}

/* ---- the test ---- */

int rehearsal_run_test(rehearsal *s, lb_error *err)
{
    lb_group *group = NULL;
    const char **argv = rehearsal_words(s->ctx, &s->args->test);
    if (!argv)
        return lb_out_of_memory(err);
    if (!s->args->test.count)
        return 0;
    int r = rehearsal_start(s, argv, false, &s->test, &group, err);
    s->test.said = group ? lb_group_reply(s->ctx, group) : NULL;
    if (r == LB_ERR_TOOL) { /* it has ended, and not well: that is what was to be found out */
        s->test.ran = s->test.failed = true;
        s->test.why = lb_printf(s->ctx, "%s", err->message);
        rehearsal_blame(s, "the test failed: %s", err->message);
        return 0;
    }
    if (r >= 0 && !s->test.ran)
        rehearsal_blame(s, "the test was not run: nobody allows programs on this branch");
    return r;
}

/* ---- the migration ---- */

int rehearsal_migrate(rehearsal *s, rehearsal_way way, const char **ret_json, lb_error *err)
{
    bool undo = way == REHEARSAL_DOWN;
    const rehearsal_args *args = s->args;
    lb_value values[9] = {lb_text("dir", args->dir),
                          lb_bool("undo", undo),
                          lb_bool("tell_locks", true),
                          lb_i64("lock_timeout_ms", args->lock_timeout_ms),
                          lb_i64("lock_tries", args->lock_tries),
                          lb_bool("only_undoable", way == REHEARSAL_UP_IF_BACK)};
    size_t count = 6;
    if (args->target_version && !undo)
        values[count++] = lb_text("target_version", args->target_version);
    values[count] = (lb_value){.type = LB_END};
    return lb_call(s->ctx, REHEARSAL_MIGRATES, NULL, values, ret_json, err);
}

static void count_files(rehearsal *s)
{
    parsed *list = parsed_member(s->migrated, "migrations");
    s->applied = parsed_number(s->migrated, "applied");
    for (size_t i = 0; i < parsed_length(list); i++)
        s->versioned += strcmp(parsed_text(parsed_item(list, i), "outcome"), "applied") == 0 &&
                        strcmp(parsed_text(parsed_item(list, i), "kind"), "versioned") == 0;
}

bool rehearsal_is_up(const rehearsal *s)
{
    return !s->failed && s->versioned > 0;
}

/* What it has said, also where it failed in the end. */
static int take_words(rehearsal *s, const char *json, lb_error *err)
{
    if (!(s->migrated = branch_json_keep(s->ctx, json, err)))
        return err->code;
    int r = rehearsal_take_statements(s, err);
    if (r >= 0)
        r = rehearsal_take_notices(s, err);
    if (r < 0)
        return r;
    count_files(s);
    s->waits = parsed_number(s->migrated, "waiting") > 0;
    if (s->waits)
        rehearsal_blame(s, "a part of the migration waits for an approval: this branch is not of the class throwaway");
    return 0;
}

/* A migration that fails is a result; what keeps us from seeing it is an error. */
int rehearsal_apply(rehearsal *s, rehearsal_way way, lb_error *err)
{
    const char *json = NULL;
    int64_t left = lb_time_left(s->ctx);
    rehearsal_written before = {0}, after = {0};
    int r = rehearsal_read_written(s, &before, err);
    if (r < 0)
        return r;
    r = rehearsal_migrate(s, way, &json, err);
    s->took_us = left - lb_time_left(s->ctx);
    if (r < 0 && (lb_cancelled(s->ctx) || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY))
        return r;
    s->is_one_way = r < 0 && way == REHEARSAL_UP_IF_BACK && rehearsal_lacks_undo(err);
    s->failed = r < 0 && !s->is_one_way;
    if (s->failed)
        rehearsal_blame(s, "the migration failed: %s", err->message);
    if (json && !s->is_one_way && (r = take_words(s, json, err)) < 0)
        return r;
    r = rehearsal_read_written(s, &after, err);
    s->log_bytes = after.bytes - before.bytes;
    s->temp_bytes = after.temp - before.temp;
    s->size_before = before.size;
    s->size_after = after.size;
    return r;
}

/* ---- watching ---- */

static int take_sights(rehearsal *s, lb_rows *rows, lb_error *err)
{
    rehearsal_look_row row;
    int r = 0;
    s->watched.ctx = s->ctx;
    while (r >= 0 && rehearsal_look_next(s->ctx, rows, &row)) {
        const rehearsal_sight sight = {.at = row.at,
                                       .kind = row.kind,
                                       .pid = row.pid,
                                       .relation = row.relation,
                                       .mode = row.mode,
                                       .since = row.since_is_null ? LB_TIME_NONE : row.since,
                                       .application = row.application,
                                       .query = row.query};
        r = rehearsal_see(&s->watched, &sight, err);
    }
    return r < 0 ? r : rehearsal_conclude(&s->watched, err);
}

int rehearsal_measure(rehearsal *s, lb_error *err)
{
    const lb_value *wanted = LB_ARGS(lb_text("application", OURS REHEARSAL_MIGRATES));
    rehearsal_work work = {.group = NULL};
    lb_watch *watch = NULL;
    lb_rows *rows = NULL;
    int r = rehearsal_begin_work(s, &work, err);
    if (r >= 0)
        r = lb_watch_begin(s->ctx, &rehearsal_look_sql, wanted, s->args->sample_ms * 1000, &watch, err);
    if (s->times)
        s->times->from = lb_now(s->ctx);
    if (r >= 0)
        r = rehearsal_apply(s, REHEARSAL_UP, err);
    if (s->times)
        s->times->to = lb_now(s->ctx);
    if (r >= 0)
        r = lb_watch_end(s->ctx, watch, &rows, err);
    if (r >= 0)
        r = rehearsal_end_work(s, &work, err);
    return r < 0 ? r : take_sights(s, rows, err);
}
