/* A question that takes long holds nobody up: what is due is committed while it is answered. */
#include "delta_place.h"

static bool unwanted;

static bool is_unwanted(void)
{
    return unwanted;
}

static const lb_service_host host = {
    .size = sizeof host, .vlog = log_to_stderr, .cancelled = is_unwanted, .now = clock_monotonic};

static void open_place(place *p)
{
    lb_error err = {0};
    const lb_delta *plugin = place_plugin()->ops;
    const param_arg args[] = {{"flush_interval_s", "1"}};
    void *bound = arena_alloc(&p->memory, plugin->args_size);
    CU_ASSERT_EQUAL_FATAL(params_bind("delta_local", (param_rows){plugin->params, plugin->param_size}, args, 1, bound,
                                      plugin->args_size, &p->memory, &err),
                          0);
    const delta_driver_options options = {.host = &host,
                                          .plugin = plugin,
                                          .args = bound,
                                          .outbox_dir = p->outbox,
                                          .state_dir = p->root,
                                          .work_dir = p->root};
    CU_ASSERT_EQUAL_FATAL(delta_driver_open(&options, &p->driver, &err), 0);
}

/* What the host does between two looks at a long question. */
typedef struct other_work {
    place *p;
    int calls;
    int64_t rows;
} other_work;

/* Three metrics come while the question is answered; once they are committed nobody wants its answer any more. */
static void commit_meanwhile(void *arg)
{
    other_work *w = arg;
    delta_driver_report r;
    if (w->calls++ == 0)
        put_metrics(w->p, NOON, 1, 3);
    CU_ASSERT(delta_driver_commit(w->p->driver, &r) > 0);
    CU_ASSERT_EQUAL(r.error.code, 0);
    CU_ASSERT_EQUAL(r.upkept, false);
    w->rows += r.rows;
    unwanted = w->rows == 3;
}

static int ask(place *p, const char *text, other_work *work, reply *answer, lb_error *err)
{
    bool cut;
    const lb_value none = {.type = LB_END};
    *answer = (reply){{0}};
    const lb_delta_question q = {.size = sizeof q,
                                 .text = text,
                                 .deadline = clock_monotonic() + 600 * CLOCK_SECOND,
                                 .args = &none,
                                 .frequent = true, /* the one that is kept for the next question */
                                 .meanwhile = commit_meanwhile,
                                 .meanwhile_arg = work};
    const lb_delta_sink sink = {.size = sizeof sink, .state = answer, .columns = reply_columns, .row = reply_row};
    return delta_driver_query(p->driver, &q, &sink, &cut, err);
}

static void a_long_question_lets_commits_through(void)
{
    lb_error err = {0};
    reply answer;
    PLACE p = place_new();
    other_work work = {.p = &p};
    open_place(&p);
    put_metrics(&p, NOON, 100, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    unwanted = false;
    CU_ASSERT_EQUAL(
        ask(&p, "SELECT count(*) FROM range(1000000000) a, range(1000000) b, lakebase_metrics", &work, &answer, &err),
        LB_ERR_CANCELLED);
    CU_ASSERT_EQUAL(work.rows, 3);
    CU_ASSERT(work.calls > 1); /* they waited for their second, and no longer for the question */
    unwanted = false;
    work.rows = 0;
    CU_ASSERT_EQUAL(ask(&p, "SELECT count(*) FROM lakebase_metrics", &work, &answer, &err), 0);
    ASSERT_TEXT(answer.text, "4;");
}

SUITE(delta_meanwhile, TEST(a_long_question_lets_commits_through))
