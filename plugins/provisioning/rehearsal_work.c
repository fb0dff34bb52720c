/* The workload beside a migration: a program of the caller's, or pgbench with a script of his or with what the source
 * of the branch is asked. */
#include "rehearsal.h"

#include <sql/rehearsal/end_replay.h>
#include <sql/rehearsal/workload.h>

#include <time.h>

#define OURS         "lbops/"
#define BEGINS_IN_US INT64_C(60000000) /* until a workload has to be connected */
#define ENDS_IN_US   INT64_C(15000000) /* until pgbench has seen that its sessions are gone */
#define LOOK_US      INT64_C(20000)

static const char *line_of(lb_ctx *ctx, const char *const *argv)
{
    const char *line = lb_printf(ctx, "%s", argv[0]);
    for (size_t i = 1; line && argv[i]; i++)
        line = lb_printf(ctx, "%s %s", line, argv[i]);
    return line;
}

int rehearsal_start(rehearsal *s, const char *const *argv, bool beside, rehearsal_program *program,
                    lb_group **ret_group, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    const char *what = beside ? "workload" : program == &s->test ? "test" : "trial of a statement";
    program->line = line_of(s->ctx, argv);
    if (!program->line)
        return lb_out_of_memory(err);
    int r = lb_group_open(s->ctx,
                          LB_GROUP(.title = lb_printf(s->ctx, "run the %s: %s", what, argv[0]),
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

const char **rehearsal_words(lb_ctx *ctx, const lb_texts *words)
{
    const char **argv = lb_alloc(ctx, (words->count + 1) * sizeof *argv);
    for (size_t i = 0; argv && i < words->count; i++)
        argv[i] = words->items[i];
    return argv;
}

bool rehearsal_has_work(const rehearsal *s)
{
    return s->args->workload.count || s->args->replay || s->args->replay_top;
}

bool rehearsal_work_writes(const rehearsal *s)
{
    return s->args->workload.count || s->args->replay;
}

static bool pause_for(rehearsal *s, int64_t us)
{
    int64_t until = lb_time_left(s->ctx) - us;
    while (!lb_cancelled(s->ctx) && lb_time_left(s->ctx) > until) {
        const struct timespec pause = {.tv_nsec = (us < LOOK_US ? us : LOOK_US) * 1000};
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
    }
    return !lb_cancelled(s->ctx);
}

/* ---- which ---- */

/* What it says of a session that ended before we ended it: the line in which pgbench tells. */
static const char *own_end(lb_ctx *ctx, const char *said)
{
    for (const char *line = said; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t length = strcspn(line, "\n");
        const char *text = lb_printf(ctx, "%.*s", (int)(length < 400 ? length : 400), line);
        if (text && strstr(text, " aborted in ") && strstr(text, "ERROR:")) /* and no end that we made */
            return text;
    }
    return NULL;
}

/* A write that fails for want of anything but its plan would end the sessions before the migration does. */
static int try_write(rehearsal *s, const char *path, replay_statement *one, lb_error *err)
{
    const char *const argv[] = {"pgbench", "-n", "-c", "1", "-t", "1", "-f", path, NULL};
    rehearsal_program trial = {0};
    lb_group *group = NULL;
    int r = rehearsal_start(s, argv, false, &trial, &group, err);
    if (r != LB_ERR_TOOL)
        return r;
    const char *why = own_end(s->ctx, lb_group_reply(s->ctx, group));
    one->why_not = why ? why : lb_printf(s->ctx, "%s", err->message);
    return one->why_not ? 0 : lb_out_of_memory(err);
}

static int try_writes(rehearsal *s, const replay_wish *wish, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < s->replay.count; i++) {
        const char *path = NULL;
        r = replay_write_trial(s->ctx, &s->replay, i, &path, err);
        if (r >= 0 && path)
            r = try_write(s, path, &s->replay.statements[i], err);
    }
    return r < 0 || !s->replay.count ? r : replay_count(wish, &s->replay, err);
}

static int choose_replay(rehearsal *s, const char *const **ret_argv, lb_error *err)
{
    const rehearsal_args *args = s->args;
    const replay_wish wish = {.source = args->replay_source,
                              .top = args->replay_top,
                              .clients = args->clients,
                              .rate = args->rate,
                              .writes = args->replay_writes};
    s->times = lb_alloc(s->ctx, sizeof *s->times);
    int r = s->times ? 0 : lb_out_of_memory(err);
    if (r >= 0 && !args->replay)
        r = replay_gather(s->ctx, &wish, &s->replay, err);
    if (r >= 0)
        r = replay_make_dir(s->ctx, &s->replay.dir, err);
    if (r >= 0)
        r = replay_write_scripts(s->ctx, &s->replay, err);
    if (r >= 0)
        r = try_writes(s, &wish, err);
    if (r < 0)
        return r;
    *ret_argv = replay_command(s->ctx, &wish, &s->replay, args->replay);
    return *ret_argv ? 0 : lb_out_of_memory(err);
}

int rehearsal_check_work(const rehearsal *s, lb_error *err)
{
    const rehearsal_args *args = s->args;
    if ((args->replay != NULL) + (args->workload.count > 0) + (args->replay_top > 0) > 1)
        return lb_fail(err, LB_ERR_INVALID, "give one of them", "both a workload and statements to replay");
    if (args->replay_top && !args->replay_source)
        return lb_fail(err, LB_ERR_INVALID, "name a branch", "no branch whose statements are to be replayed");
    return 0;
}

/* NULL in *ret_argv: there is none. */
static int choose(rehearsal *s, const char *const **ret_argv, lb_error *err)
{
    const rehearsal_args *args = s->args;
    *ret_argv = NULL;
    if (args->workload.count)
        *ret_argv = rehearsal_words(s->ctx, &args->workload);
    else if (rehearsal_has_work(s))
        return choose_replay(s, ret_argv, err);
    return *ret_argv || !args->workload.count ? 0 : lb_out_of_memory(err);
}

/* ---- its end ---- */

/* pgbench writes its log down at its own end only, and that comes when its sessions do. */
static int end_replay(rehearsal *s, rehearsal_work *work, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int64_t until = lb_time_left(s->ctx) - ENDS_IN_US;
    int r = lb_group_open(s->ctx, LB_GROUP(.title = "end the replayed workload", .reason = "the migration is over"),
                          &group, err);
    if (r >= 0)
        r = rehearsal_end_replay(s->ctx, group, err);
    if (r >= 0)
        r = lb_apply(s->ctx, group, &outcome, err);
    while (r >= 0 && lb_program_runs(s->ctx, work->group) && lb_time_left(s->ctx) > until && pause_for(s, LOOK_US))
        continue;
    return r;
}

/* A program of the caller's is asked to end; one that had ended by itself has failed, if it says so. */
static void end_program(rehearsal *s, rehearsal_work *work, bool was_at_work)
{
    lb_error err;
    bool failed = lb_program_end(s->ctx, work->group, &err) < 0;
    s->workload.said = lb_group_reply(s->ctx, work->group);
    s->workload.why = work->is_replay ? own_end(s->ctx, s->workload.said) : NULL;
    if (!s->workload.why && failed && !(work->is_replay && was_at_work))
        s->workload.why = lb_printf(s->ctx, "%s", err.message);
    s->workload.failed = s->workload.why != NULL;
    if (s->workload.failed)
        rehearsal_blame(s, "the workload failed: %s", s->workload.why);
}

int rehearsal_end_work(rehearsal *s, rehearsal_work *work, lb_error *err)
{
    int r = 0;
    if (!s->workload.ran)
        return 0;
    if (work->is_replay && !pause_for(s, s->args->around_ms * 1000))
        return lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled beside the workload");
    bool was_at_work = lb_program_runs(s->ctx, work->group);
    if (work->is_replay && was_at_work)
        r = end_replay(s, work, err);
    end_program(s, work, was_at_work);
    if (r >= 0 && work->is_replay)
        r = replay_read_log(s->replay.dir, s->times, err);
    return r;
}

/* ---- its beginning ---- */

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

int rehearsal_begin_work(rehearsal *s, rehearsal_work *ret_work, lb_error *err)
{
    const char *const *argv = NULL;
    int r = choose(s, &argv, err);
    if (r < 0 || !argv)
        return r;
    ret_work->is_replay = s->times != NULL;
    r = rehearsal_start(s, argv, true, &s->workload, &ret_work->group, err);
    if (r < 0 || !s->workload.ran)
        return r;
    r = wait_for_work(s, ret_work->group, err);
    if (r >= 0 && ret_work->is_replay && !pause_for(s, s->args->around_ms * 1000))
        return lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled beside the workload");
    if (r >= 0 && ret_work->is_replay &&
        !lb_program_runs(s->ctx, ret_work->group)) /* beside nobody every migration looks harmless */
        r = lb_fail(err, LB_ERR_TOOL, "it has to go on until it is ended", "the workload ended before the migration");
    if (r >= 0)
        return 0;
    end_program(s, ret_work, false);
    return s->workload.failed ? lb_fail(err, LB_ERR_TOOL, "try it by hand against the branch",
                                        "before the migration, the workload: %s", s->workload.why)
                              : r;
}
