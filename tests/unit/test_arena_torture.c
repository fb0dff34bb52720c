/* Each allocation of a run fails once: the run always ends with a proper error, and the next one is whole again. */
#include "unit/suite.h"

#include "scratch.h"

#include "fs.h"
#include "json.h"
#include "outbox.h"
#include "run.h"

#include <dirent.h>

#define MOST_ALLOCATIONS 5000

static char *outbox;

static void ignore_frame(void *state, const buf *frame)
{
    (void)state;
    CU_ASSERT(frame->length >= WIRE_HEAD && !frame->overflow);
}

static char *plugin(const char *directory, const char *name)
{
    const char *from = getenv(directory);
    CU_ASSERT_PTR_NOT_NULL_FATAL(from);
    return base_printf("%s/%s.so", from, name);
}

static size_t visible_files(const char *table)
{
    size_t count = 0;
    LB_AUTO_FREE char *path = base_printf("%s/%s", outbox, table);
    DIR *dir = opendir(path);
    for (struct dirent *d; dir && (d = readdir(dir));)
        count += strstr(d->d_name, ".ndjson") != NULL;
    if (dir)
        (void)closedir(dir); /* was only read */
    return count;
}

static void check_failure(const run_done *done, size_t n)
{
    if (done->error.code != LB_ERR_NO_MEMORY)
        printf("\n    allocation %zu: %d %s\n", n, done->error.code, done->error.message);
    CU_ASSERT_EQUAL(done->status, RUN_FAILED);
    CU_ASSERT_EQUAL(done->error.code, LB_ERR_NO_MEMORY);
    CU_ASSERT(done->error.message[0] != '\0');
    CU_ASSERT(json_check(done->result, strlen(done->result), &(lb_error){0}) == 0);
}

/* Fails the first allocation, then the second ... until the run is not touched any more. Returns how many there are. */
static size_t torture(const worker_setup *setup, const run_request *request, char **ret_result)
{
    run_worker worker = {.setup = setup, .channel = {.send = ignore_frame}, .result = BUF_INIT((size_t)1024 * 1024)};
    run_done done = {.status = RUN_FAILED};
    size_t n = 0;
    arena_init(&worker.memory, 0);
    while (done.status != RUN_OK && ++n < MOST_ALLOCATIONS) {
        worker.sessions = session_pool_new(setup, NULL); /* so that each run connects anew */
        worker.memory.fail_at = n;
        run_execute(&worker, request, clock_monotonic() + 60 * CLOCK_SECOND, &done);
        if (done.status != RUN_OK)
            check_failure(&done, n);
        worker.sessions = session_pool_free(worker.sessions);
    }
    CU_ASSERT_EQUAL(done.status, RUN_OK);
    *ret_result = base_strdup(done.result);
    arena_done(&worker.memory);
    buf_done(&worker.result);
    return n - 1;
}

static void setup_of(worker_setup *setup)
{
    *setup = (worker_setup){.outbox_dir = outbox,
                            .work_dir = outbox,
                            .log_level = LB_LOG_WARN,
                            .worker_memory_mb = 1024,
                            .run_memory_mb = 64,
                            .result_mb = 1,
                            .run_events = 100,
                            .run_records = 100,
                            .outbox_mb = 64,
                            .connection_idle_s = 60};
}

static void every_argument_type(void)
{
    static const param_arg args[] = {{.name = "text", .text = "t"},
                                     {.name = "document", .text = "{\"a\": [1]}"},
                                     {.name = "texts", .text = "[\"a\",\"b\"]"},
                                     {.name = "i64s", .text = "[1,2,3]"},
                                     {.name = "f64s", .text = "[0.5]"},
                                     {.name = "flags", .text = "[true]"},
                                     {.name = "time", .text = "2026-01-31T00:00:00Z"}};
    SCRATCH dir = scratch_new();
    worker_setup setup;
    outbox = dir;
    setup_of(&setup);
    LB_AUTO_FREE char *path = plugin("LBOPS_HOSTILE", "echoes"), *result = NULL;
    const run_request request = {.id = "01M7XKBAS00S4KBARVCNWWY01Z",
                                 .tool = "echoes",
                                 .path = path,
                                 .args = args,
                                 .arg_count = LB_COUNT(args),
                                 .actor_kind = GATE_PERSON,
                                 .actor = "me",
                                 .risk = LB_RISK_LOW,
                                 .timeout_s = 60};
    size_t allocations = torture(&setup, &request, &result);
    printf("%zu allocations ", allocations);
    CU_ASSERT(allocations > 10);
    ASSERT_CONTAINS(result, "\"texts\":[{\"v\":\"a\"},{\"v\":\"b\"}]");
}

static void put_fixture(const char *dir, const char *name, const char *text)
{
    lb_error err;
    LB_AUTO_FREE char *path = base_printf("%s/%s", dir, name), *parent = base_strdup(path);
    *strrchr(parent, '/') = '\0';
    CU_ASSERT_FATAL(fs_make_dirs(parent, &err) >= 0 && fs_write_durable(path, text, strlen(text), 0600, &err) >= 0);
}

/* Reads, findings with a fix, a record, and a change with its audit rows. A change that was made stands in the audit
 * log even when the run then runs out of memory. */
static void detector_with_statements(void)
{
    SCRATCH dir = scratch_new();
    worker_setup setup;
    outbox = dir;
    setup_of(&setup);
    LB_AUTO_FREE char *fixtures = base_printf("%s/fixtures", dir),
                      *transport = plugin("LBOPS_PLUGINS", "transport_mock");
    put_fixture(fixtures, "sql/hostile/read_sizes.json",
                "[{\"columns\": [\"name\", \"bytes\"], \"rows\": [[\"orders\", \"4096\"], [\"events\", \"100\"]]}]");
    put_fixture(fixtures, "sql/hostile/fix_table.json", "[{\"affected\": 1}]");
    const param_arg transport_args[] = {{.name = "fixtures", .text = fixtures}};
    setup.transport.name = "transport_mock";
    setup.transport.path = transport;
    setup.transport.args = transport_args;
    setup.transport.arg_count = 1;
    LB_AUTO_FREE char *path = plugin("LBOPS_HOSTILE", "looks"), *result = NULL;
    const run_request request = {.id = "01M7XKBAS00S4KBARVCNWWY02Z",
                                 .tool = "looks",
                                 .path = path,
                                 .target = {"shop", "dev", LB_BRANCH_THROWAWAY},
                                 .actor_kind = GATE_PERSON,
                                 .actor = "me",
                                 .risk = LB_RISK_LOW,
                                 .timeout_s = 60};
    size_t allocations = torture(&setup, &request, &result);
    printf("%zu allocations ", allocations);
    CU_ASSERT(allocations > 20);
    ASSERT_CONTAINS(result, "\"object\":\"orders\"");
    ASSERT_CONTAINS(result, "\"fix\":\"VACUUM orders\"");
    CU_ASSERT(visible_files("audit_log") >= 2);
}

/* lb_printf's and lb_defer's own failures. */
static void count_up(void *arg)
{
    ++*(int *)arg;
}

static void arena_that_fails_at_will(void)
{
    arena a;
    int cleaned = 0;
    arena_init(&a, 0);
    CU_ASSERT_EQUAL(arena_defer(&a, count_up, &cleaned), 0);
    a.fail_at = 2; /* counted from the start, and the clean-up was the first before there was a count */
    CU_ASSERT_PTR_NOT_NULL(arena_strdup(&a, "one"));
    CU_ASSERT_PTR_NULL(arena_printf(&a, "%d", 2));
    CU_ASSERT_PTR_NOT_NULL(arena_strdup(&a, "three"));
    arena_reset(&a);
    CU_ASSERT_EQUAL(cleaned, 1);
    CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 8));
    CU_ASSERT_EQUAL(arena_defer(&a, count_up, &cleaned), LB_ERR_NO_MEMORY); /* counted anew */
    arena_done(&a);
    CU_ASSERT_EQUAL(cleaned, 1);
}

SUITE(arena_torture, TEST(arena_that_fails_at_will), TEST(every_argument_type), TEST(detector_with_statements))
