/* branch_sessions: who is connected to a branch, before somebody takes it away or resets it. */
#include <lbops/lbops.h>
#include <sql/branch/sessions.h>

#define OURS "lbops" /* how the names of our own sessions begin */

static int run(lb_ctx *ctx, lb_error *err)
{
    const branch_sessions_args wanted = {.ours = OURS};
    branch_sessions_row row;
    lb_rows *rows = NULL;
    int64_t people = 0, programs = 0, busy = 0;
    const char *who = NULL;
    int r = branch_sessions(ctx, &wanted, &rows, err);
    while (r >= 0 && branch_sessions_next(ctx, rows, &row)) {
        *(row.is_program ? &programs : &people) += row.sessions;
        busy += row.in_transaction;
        if (!row.is_program)
            who = lb_printf(ctx, "%s%s%s (%s, %lld)", who ? who : "", who ? ", " : "", row.role,
                            *row.application ? row.application : "no name", (long long)row.sessions);
        r = lb_append(ctx, "sessions",
                      LB_ARGS(lb_text("role", row.role), lb_text("application", row.application),
                              lb_bool("is_program", row.is_program), lb_i64("sessions", row.sessions),
                              lb_i64("in_transaction", row.in_transaction)),
                      err);
    }
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_i64("people", people), lb_i64("programs", programs),
                                     lb_i64("in_transaction", busy), lb_text("who", who)),
                             err);
}

LB_TOOL(branch_sessions, "who is connected to a branch", .agent = "provisioning", .risk = LB_RISK_LOW, .timeout_s = 60,
        .run = run);
