/* delta_place.h: for the tests of the local history: an outbox and a history in a scratch directory, records to put in,
 * and questions with one answer. */
#ifndef LBOPS_TESTS_DELTA_PLACE_H
#define LBOPS_TESTS_DELTA_PLACE_H

#include "scratch.h"

#include "arena.h"
#include "delta_driver.h"
#include "fs.h"
#include "log.h"

#ifndef PLACE_PLUGIN
#define PLACE_PLUGIN delta_local
#endif
#define PLACE_SYMBOL_(name) lb_plugin_v1_##name
#define PLACE_SYMBOL(name)  PLACE_SYMBOL_(name)

extern const lb_plugin PLACE_SYMBOL(PLACE_PLUGIN);

static inline const lb_plugin *place_plugin(void)
{
    return &PLACE_SYMBOL(PLACE_PLUGIN);
}

typedef struct place {
    char *root, *outbox, *history;
    arena memory;
    delta_driver *driver;
    int64_t outbox_limit;
} place;

static inline bool never_cancelled(void)
{
    return false;
}

LB_PRINTF(2, 0) static inline void log_to_stderr(lb_level level, const char *fmt, va_list args)
{
    (void)level; /* all of it */
    (void)fputs("    ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputs("\n", stderr);
}

static const lb_service_host place_host = {
    .size = sizeof place_host, .vlog = log_to_stderr, .cancelled = never_cancelled, .now = clock_monotonic};

/* Parameters as pairs of texts, after which comes NULL. */
static inline int place_open_as(place *p, const lb_delta *table, const char *const *pairs, lb_error *err)
{
    param_arg args[16];
    size_t count = 0;
    for (; pairs && pairs[2 * count]; count++)
        args[count] = (param_arg){pairs[2 * count], pairs[2 * count + 1]};
    void *bound = arena_alloc(&p->memory, table->args_size);
    int r = params_bind(place_plugin()->name, (param_rows){table->params, table->param_size}, args, count, bound,
                        table->args_size, &p->memory, err);
    const delta_driver_options options = {.host = &place_host,
                                          .plugin = table,
                                          .args = bound,
                                          .outbox_dir = p->outbox,
                                          .state_dir = p->root,
                                          .work_dir = p->root,
                                          .outbox_limit = p->outbox_limit};
    return r < 0 ? r : delta_driver_open(&options, &p->driver, err);
}

static inline int place_open_with(place *p, const char *const *pairs, lb_error *err)
{
    return place_open_as(p, place_plugin()->ops, pairs, err);
}

static inline place place_new(void)
{
    place p = {.root = scratch_new()};
    p.outbox = base_printf("%s/outbox", p.root);
    p.history = base_printf("%s/history", p.root);
    arena_init(&p.memory, 0);
    return p;
}

static inline void place_close(place *p)
{
    p->driver = delta_driver_free(p->driver);
}

static inline void place_done(place *p)
{
    place_close(p);
    arena_done(&p->memory);
    free(p->outbox);
    free(p->history);
    scratch_free(&p->root);
}

#define PLACE LB_CLEANUP(place_done) place
#define OPEN_WITH(p, ...)                                                                                              \
    do {                                                                                                               \
        lb_error open_error = {0};                                                                                     \
        const char *const pairs_[] = {__VA_ARGS__, NULL};                                                              \
        CU_ASSERT_EQUAL_FATAL(place_open_with((p), pairs_, &open_error), 0);                                           \
    } while (0)
#define OPEN(p) OPEN_WITH(p, NULL)

/* ---- records ---- */

static const lb_target shop = {.project = "shop", .branch = "main", .branch_class = LB_BRANCH_SHARED};

#define NOON INT64_C(1767268800000000) /* 2026-01-01T12:00:00Z */
#define DAY  INT64_C(86400000000)
#define HOUR INT64_C(3600000000)

/* One file of `count` metrics whose values are first, first + 1 ...; all at one moment. */
static inline void put_metrics(place *p, int64_t at, double first, int count)
{
    lb_error err = {0};
    outbox_batch *batch = outbox_batch_new(p->outbox, "01TESTRUN00000000000000000", 1 << 20);
    for (int i = 0; i < count; i++)
        CU_ASSERT_EQUAL(outbox_add(batch, "lakebase_metrics",
                                   LB_ARGS(lb_time("snapshot_timestamp", at), lb_text("metric_name", "n"),
                                           lb_f64("metric_value", first + i)),
                                   &shop, &err),
                        0);
    CU_ASSERT_EQUAL_FATAL(outbox_commit(batch, &err), 0);
    (void)outbox_batch_free(batch);
}

/* ---- questions ---- */

typedef struct reply {
    char text[16000]; /* cells with | between them, rows with ; after them */
} reply;

static inline int reply_columns(void *state, uint32_t count, const char *const *names, const lb_type *types,
                                lb_error *err)
{
    (void)state, (void)count, (void)names, (void)types, (void)err;
    return 0;
}

static inline int reply_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    reply *r = state;
    (void)err;
    for (uint32_t i = 0; i < count; i++) {
        size_t used = strlen(r->text);
        (void)snprintf(r->text + used, sizeof r->text - used, "%s%s", cells[i] ? cells[i] : "null",
                       i + 1 < count ? "|" : ";"); /* cut when it is too long */
    }
    return 0;
}

static inline int place_ask(place *p, const char *text, reply *ret, lb_error *err)
{
    bool cut;
    const lb_delta_question question = {
        .size = sizeof question, .text = text, .deadline = clock_monotonic() + 60 * CLOCK_SECOND};
    *ret = (reply){{0}};
    const lb_delta_sink sink = {.size = sizeof sink, .state = ret, .columns = reply_columns, .row = reply_row};
    return delta_driver_query(p->driver, &question, &sink, &cut, err);
}

#define ASSERT_ANSWER(p, question, expected)                                                                           \
    do {                                                                                                               \
        lb_error ask_error = {0};                                                                                      \
        reply answer_;                                                                                                 \
        if (place_ask((p), (question), &answer_, &ask_error) < 0)                                                      \
            printf("\n    %s\n", ask_error.message);                                                                   \
        CU_ASSERT_EQUAL(ask_error.code, 0);                                                                            \
        ASSERT_TEXT(answer_.text, expected);                                                                           \
    } while (0)

/* Commits all that waits; what did not go through is printed and counted as a failure. */
static inline delta_driver_report flush(place *p)
{
    lb_error err = {0};
    delta_driver_report report;
    if (delta_driver_flush(p->driver, clock_monotonic() + 60 * CLOCK_SECOND, &report, &err) < 0)
        printf("\n    %s (%s)\n", err.message, err.hint);
    CU_ASSERT_EQUAL(err.code, 0);
    return report;
}

#endif
