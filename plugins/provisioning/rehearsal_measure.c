/* The migration with a workload beside it, and somebody who watches both. */
#include "rehearsal.h"

#include <sql/rehearsal/log_position.h>
#include <sql/rehearsal/look.h>
#include <sql/rehearsal/relations.h>
#include <sql/rehearsal/workload.h>

#include <stdarg.h>
#include <time.h>

#define OURS          "lbops/"
#define BEGINS_IN_US  INT64_C(60000000) /* until a workload has to be connected */
#define LONGEST_WORDS 64

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

int rehearsal_log_bytes(rehearsal *s, int64_t *ret_bytes, lb_error *err)
{
    rehearsal_log_position_row row;
    lb_rows *rows = NULL;
    int r = rehearsal_log_position(s->ctx, &rows, err);
    *ret_bytes = r >= 0 && rehearsal_log_position_next(s->ctx, rows, &row) ? row.bytes : 0;
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

/* ---- programs ---- */

static const char *line_of(lb_ctx *ctx, const char *const *argv)
{
    const char *line = lb_printf(ctx, "%s", argv[0]);
    for (size_t i = 1; line && argv[i]; i++)
        line = lb_printf(ctx, "%s %s", line, argv[i]);
    return line;
}

static int start(rehearsal *s, const char *const *argv, bool beside, rehearsal_program *program, lb_group **ret_group,
                 lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    program->line = line_of(s->ctx, argv);
    if (!program->line)
        return lb_out_of_memory(err);
    int r = lb_group_open(s->ctx,
                          LB_GROUP(.title = lb_printf(s->ctx, "run the %s: %s", beside ? "workload" : "test", argv[0]),
                                   .reason = "a migration is rehearsed on this branch",
                                   .undo = "the branch is thrown away"),
                          ret_group, err);
    if (r >= 0)
        r = lb_change_program(s->ctx, *ret_group, LB_PROGRAM(.argv = argv, .beside = beside), err);
    if (r >= 0)
        r = lb_apply(s->ctx, *ret_group, &outcome, err);
    program->ran = r >= 0 && outcome == LB_APPLIED;
    return r;
}

static const char **words_of(lb_ctx *ctx, const lb_texts *words)
{
    const char **argv = lb_alloc(ctx, (words->count + 1) * sizeof *argv);
    for (size_t i = 0; argv && i < words->count; i++)
        argv[i] = words->items[i];
    return argv;
}

/* The given program, or pgbench with the given statements; NULL in *ret_argv: there is no workload. */
static int choose_workload(rehearsal *s, const char *const **ret_argv, lb_error *err)
{
    const rehearsal_args *args = s->args;
    lb_ctx *ctx = s->ctx;
    const char *clients = lb_printf(ctx, "%lld", (long long)args->clients);
    const char *const replay[] = {"pgbench", "-n", "-c", clients, "-j", "1", "-T", "86400", "-f", args->replay};
    const lb_texts chosen = args->replay ? (lb_texts){replay, sizeof replay / sizeof replay[0]} : args->workload;
    *ret_argv = NULL;
    if (args->replay && args->workload.count)
        return lb_fail(err, LB_ERR_INVALID, "give one of the two", "both a workload and statements to replay");
    if (!chosen.count)
        return 0;
    *ret_argv = words_of(ctx, &chosen);
    return *ret_argv && clients ? 0 : lb_out_of_memory(err);
}

/* A workload that has not begun would let every migration look harmless. */
static int wait_for_work(rehearsal *s, const lb_group *group, lb_error *err)
{
    const rehearsal_workload_args wanted = {.ours = OURS};
    const struct timespec pause = {.tv_nsec = 20000000};
    int64_t until = lb_time_left(s->ctx) - BEGINS_IN_US;
    for (;;) {
        rehearsal_workload_row row = {0};
        lb_rows *rows = NULL;
        int r = rehearsal_workload(s->ctx, &wanted, &rows, err);
        if (r < 0)
            return r;
        if (rehearsal_workload_next(s->ctx, rows, &row) && row.busy > 0)
            return 0;
        if (!lb_program_runs(s->ctx, group))
            return lb_fail(err, LB_ERR_TOOL, "it has to go on until it is ended", "the workload ended before it began");
        if (lb_cancelled(s->ctx) || lb_time_left(s->ctx) < until)
            return lb_fail(err, LB_ERR_TIMEOUT, "does it take its connection from PGHOST, PGPORT, PGUSER ...?",
                           "the workload has not connected to the branch");
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
    }
}

static void end_workload(rehearsal *s, lb_group *group)
{
    lb_error err;
    if (!s->workload.ran)
        return;
    s->workload.failed = lb_program_end(s->ctx, group, &err) < 0;
    s->workload.said = lb_group_reply(s->ctx, group);
    if (s->workload.failed) {
        s->workload.why = lb_printf(s->ctx, "%s", err.message);
        rehearsal_blame(s, "the workload failed: %s", err.message);
    }
}

int rehearsal_run_test(rehearsal *s, lb_error *err)
{
    lb_group *group = NULL;
    const char **argv = words_of(s->ctx, &s->args->test);
    if (!argv)
        return lb_out_of_memory(err);
    if (!s->args->test.count)
        return 0;
    int r = start(s, argv, false, &s->test, &group, err);
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

int rehearsal_migrate(rehearsal *s, bool undo, const char **ret_json, lb_error *err)
{
    const rehearsal_args *args = s->args;
    lb_value values[8] = {lb_text("dir", args->dir), lb_bool("undo", undo), lb_bool("tell_locks", true),
                          lb_i64("lock_timeout_ms", args->lock_timeout_ms), lb_i64("lock_tries", args->lock_tries)};
    size_t count = 5;
    if (args->target_version && !undo)
        values[count++] = lb_text("target_version", args->target_version);
    values[count] = (lb_value){.type = LB_END};
    return lb_call(s->ctx, REHEARSAL_MIGRATES, NULL, values, ret_json, err);
}

static int64_t number_of(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) ? json_object_get_int64(found) : 0;
}

static void count_files(rehearsal *s)
{
    struct json_object *list = NULL, *kind = NULL, *outcome = NULL;
    s->applied = number_of(s->migrated, "applied");
    if (!json_object_object_get_ex(s->migrated, "migrations", &list))
        return;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        bool is_done = json_object_object_get_ex(one, "outcome", &outcome) &&
                       strcmp(json_object_get_string(outcome), "applied") == 0;
        s->versioned += is_done && json_object_object_get_ex(one, "kind", &kind) &&
                        strcmp(json_object_get_string(kind), "versioned") == 0;
    }
}

/* A migration that fails is a result; what keeps us from seeing it is an error. */
static int migrate(rehearsal *s, lb_error *err)
{
    const char *json = NULL;
    int64_t left = lb_time_left(s->ctx), before = 0, after = 0;
    int r = rehearsal_log_bytes(s, &before, err);
    if (r < 0)
        return r;
    r = rehearsal_migrate(s, false, &json, err);
    s->took_us = left - lb_time_left(s->ctx);
    if (r < 0 && (lb_cancelled(s->ctx) || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY))
        return r;
    if (r < 0)
        rehearsal_blame(s, "the migration failed: %s", err->message);
    else if (!(s->migrated = branch_json_keep(s->ctx, json, err)))
        return err->code;
    else
        count_files(s);
    if (s->migrated && number_of(s->migrated, "waiting"))
        rehearsal_blame(s, "a part of the migration waits for an approval: this branch is not of the class throwaway");
    r = rehearsal_log_bytes(s, &after, err);
    s->log_bytes = after - before;
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
    const char *const *argv = NULL;
    lb_group *workload = NULL;
    lb_watch *watch = NULL;
    lb_rows *rows = NULL;
    int r = choose_workload(s, &argv, err);
    if (r >= 0 && argv)
        r = start(s, argv, true, &s->workload, &workload, err);
    if (r >= 0 && s->workload.ran && (r = wait_for_work(s, workload, err)) < 0) {
        end_workload(s, workload);
        return s->workload.failed
                   ? lb_fail(err, LB_ERR_TOOL, "try it by hand against the branch", "the workload: %s", s->workload.why)
                   : r;
    }
    if (r >= 0)
        r = lb_watch_begin(s->ctx, &rehearsal_look_sql, wanted, s->args->sample_ms * 1000, &watch, err);
    if (r >= 0)
        r = migrate(s, err);
    if (r >= 0)
        r = lb_watch_end(s->ctx, watch, &rows, err);
    if (r >= 0)
        end_workload(s, workload);
    return r < 0 ? r : take_sights(s, rows, err);
}
