/* state_loop DSN BATCHES: batches against a Postgres store, one after the other; says each number once it was
 * acknowledged. At the end every batch has to be there exactly once. For state_restart.sh, which restarts the server
 * meanwhile. */
#include "state_stage.h"

extern const lb_plugin lb_plugin_v1_state_postgres;

static int64_t found;

static int take(void *arg, const lb_state_doc *doc, lb_error *err)
{
    int64_t *expected = arg;
    if (doc->at != ++*expected)
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "batch %lld where %lld should be", (long long)doc->at,
                       (long long)*expected);
    found++;
    return 0;
}

static int check_whole(void *state, int64_t batches, lb_error *err)
{
    int64_t expected = 0;
    const lb_state_query query = {.size = sizeof query, .space = "run"};
    int r = stage.ops->list(state, &query, stage_soon(60), take, &expected, err);
    if (r == 0 && found != batches)
        r = lb_fail(err, LB_ERR_CONFLICT, NULL, "%lld of %lld batches", (long long)found, (long long)batches);
    return r;
}

static int apply(void *state, int64_t n, lb_error *err)
{
    char key[24];
    lb_state_verdict verdicts[2];
    (void)snprintf(key, sizeof key, "%lld", (long long)n); /* fits */
    const lb_state_op first[] = {INSERT("run", key, .at = n), PUT("cursor", "last", .at = n)};
    const lb_state_op second[] = {INSERT("key", key)};
    const lb_state_txn txns[] = {{first, 2}, {second, 1}};
    int r = stage.ops->apply(state, "loop", n, txns, 2, verdicts, stage_soon(60), err);
    if (r == 0 && (verdicts[0].failed != APPLIED || verdicts[1].failed != APPLIED))
        r = lb_fail(err, LB_ERR_CONFLICT, NULL, "batch %lld was applied twice, or in part", (long long)n);
    return r;
}

static int loop(const char *dsn, int64_t batches, lb_error *err)
{
    void *state = NULL, *args = stage_args(stage.ops->params, stage.ops->args_size);
    stage_set_text(stage.ops->params, args, "dsn", dsn);
    int r = stage.ops->open(&stage_host, args, "", stage_soon(20), &state, err);
    free(args);
    for (int64_t n = 1; n <= batches && r == 0; n++) {
        r = apply(state, n, err);
        if (r == 0)
            printf("%lld\n", (long long)n);
        (void)fflush(stdout); /* a reader that is gone ends us by its signal */
    }
    if (r == 0)
        r = check_whole(state, batches, err);
    if (state)
        stage.ops->close(state);
    return r;
}

int main(int argc, char **argv)
{
    lb_error err;
    stage.ops = lb_plugin_v1_state_postgres.ops;
    if (argc != 3 || loop(argv[1], strtoll(argv[2], NULL, 10), &err) < 0) {
        (void)fprintf(stderr, "%s\n", argc == 3 ? err.message : "state_loop DSN BATCHES");
        return 1;
    }
    puts("whole");
    return 0;
}
