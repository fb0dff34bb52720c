/* A state service that never opens: it is refused, says nothing at all, or takes its process along. */
#include <lbops/lbops.h>
#include <lbops/state.h>

#include <stdlib.h>
#include <string.h>

struct settings {
    const char *how;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, how, LB_TEXT, "refuses", "what opening it comes to", .choices = "refuses|aborts|exits"),
    LB_PARAMS_END,
};

static int open_it(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                   void **ret_state, lb_error *err)
{
    const struct settings *settings = args;
    (void)host, (void)state_dir, (void)deadline, (void)ret_state;
    if (strcmp(settings->how, "aborts") == 0)
        abort();
    if (strcmp(settings->how, "exits") == 0)
        exit(0);
    return lb_fail(err, LB_ERR_DENIED, "ask whoever has the key", "the store is locked with a key");
}

static void close_it(void *state)
{
    (void)state;
}

static int apply(void *state, const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                 lb_state_verdict *ret_verdicts, int64_t deadline, lb_error *err)
{
    (void)state, (void)client, (void)number, (void)txns, (void)count, (void)ret_verdicts, (void)deadline;
    return lb_fail(err, LB_ERR_IO, NULL, "it was never opened");
}

static int list(void *state, const lb_state_query *query, int64_t deadline,
                int (*take)(void *arg, const lb_state_doc *doc, lb_error *err), void *arg, lb_error *err)
{
    (void)state, (void)query, (void)deadline, (void)take, (void)arg;
    return lb_fail(err, LB_ERR_IO, NULL, "it was never opened");
}

static int prune(void *state, const char *space, const char *status, int64_t before, int64_t most, int64_t deadline,
                 int64_t *ret_removed, lb_error *err)
{
    (void)state, (void)space, (void)status, (void)before, (void)most, (void)deadline, (void)ret_removed;
    return lb_fail(err, LB_ERR_IO, NULL, "it was never opened");
}

LB_STATE(state_dies, "never opens", .params = params, .param_size = sizeof(lb_param),
         .args_size = sizeof(struct settings), .shared = false, .open = open_it, .close = close_it, .apply = apply,
         .list = list, .prune = prune);
