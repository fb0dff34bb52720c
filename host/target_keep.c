/* What a branch's server has counted of statements goes with it: a last snapshot while it still stands. It costs a
 * second where the compute is awake, and nothing where it sleeps, as its statistics are gone then. Nothing waits for
 * it longer than that. */
#include "target_reset.h"

#include "run_state.h"

#define TARGET_LOSES "a last snapshot of the statements"
#define PATIENCE     (10 * CLOCK_SECOND)

/* Nothing is lost where nobody keeps statements, where the compute sleeps, and where there is no branch. */
static bool is_no_loss(int r)
{
    return r == LB_ERR_SUSPENDED || r == LB_ERR_NOT_FOUND;
}

static int tell_loss(lb_ctx *ctx, const lb_target *t, const lb_error *why, lb_error *err)
{
    const char *what = lb_printf(ctx, TARGET_LOSES " of %s/%s", t->project, t->branch);
    int r = what ? lb_skipped(ctx, what, why->message, err) : lb_out_of_memory(err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_text("not_kept", why->message)), err);
}

int target_keep_statements(lb_ctx *ctx, const lb_target *t, lb_error *err)
{
    run_state *run = run_of(ctx);
    int64_t deadline = run->deadline, limit = clock_monotonic() + PATIENCE;
    const char *json = NULL;
    lb_error why;
    if (lb_plans(ctx))
        return 0;
    run->deadline = limit < deadline ? limit : deadline;
    int r = lb_call(ctx, TARGET_KEEPER, t, LB_NO_ARGS, &json, &why);
    run->deadline = deadline;
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY) {
        *err = why;
        return r;
    }
    return r >= 0 || is_no_loss(r) ? 0 : tell_loss(ctx, t, &why, err);
}
