/* branch_sessions: who is connected to a branch, before somebody takes it away or resets it; and, if asked for, what of
 * it acts on the world outside. */
#include "branch_outside.h"

#include <sql/branch/sessions.h>
#include <time.h>

#define OURS     "lbops" /* how the names of our own sessions begin */
#define LOOKS    5       /* at most, while somebody is seen */
#define PAUSE_NS 200000000

struct args {
    bool outside;
};

static const lb_param params[] = {
    LB_PARAM(struct args, outside, LB_BOOL, "false",
             "also subscriptions, foreign servers and jobs that lead out of it"),
    LB_PARAMS_END,
};

typedef struct seen {
    branch_sessions_row *rows;
    size_t count;
    int64_t people, programs, busy;
} seen;

static int look(lb_ctx *ctx, seen *s, lb_error *err)
{
    const branch_sessions_args wanted = {.ours = OURS};
    lb_rows *rows = NULL;
    *s = (seen){.count = 0};
    int r = branch_sessions(ctx, &wanted, &rows, err);
    if (r < 0)
        return r;
    s->rows = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *s->rows);
    if (!s->rows)
        return lb_out_of_memory(err);
    for (const branch_sessions_row *row = s->rows; branch_sessions_next(ctx, rows, &s->rows[s->count]); row++) {
        *(row->is_program ? &s->programs : &s->people) += row->sessions;
        s->busy += row->in_transaction;
        s->count++;
    }
    return 0;
}

/* A session that has been closed is in sight until its process has ended, which nobody waits for. Who is still there a
 * moment later is somebody. */
static int look_twice(lb_ctx *ctx, seen *s, lb_error *err)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int r = look(ctx, s, err);
    for (int looks = 1; r >= 0 && s->people && looks < LOOKS && !lb_cancelled(ctx); looks++) {
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
        r = look(ctx, s, err);
    }
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    seen s;
    const char *who = NULL;
    int r = look_twice(ctx, &s, err);
    for (size_t i = 0; r >= 0 && i < s.count; i++) {
        const branch_sessions_row *row = &s.rows[i];
        if (!row->is_program)
            who = lb_printf(ctx, "%s%s%s (%s, %lld)", who ? who : "", who ? ", " : "", row->role,
                            *row->application ? row->application : "no name", (long long)row->sessions);
        r = lb_append(ctx, "sessions",
                      LB_ARGS(lb_text("role", row->role), lb_text("application", row->application),
                              lb_bool("is_program", row->is_program), lb_i64("sessions", row->sessions),
                              lb_i64("in_transaction", row->in_transaction)),
                      err);
    }
    if (r >= 0 && ((const struct args *)ctx->args)->outside)
        r = branch_list_outside(ctx, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_i64("people", s.people), lb_i64("programs", s.programs),
                                     lb_i64("in_transaction", s.busy), lb_text("who", who)),
                             err);
}

LB_TOOL(branch_sessions, "who is connected to a branch", .agent = "provisioning", .risk = LB_RISK_LOW, .timeout_s = 60,
        LB_TOOL_ARGS(struct args, params), .run = run);
