/* What the host tells its workers, and what they answer. */
#include "unit/frame.h"

#include "job.h"

#include <math.h>

static const param_arg some_args[] = {{.name = "text", .text = "caf\xc3\xa9"}, {.name = "empty", .text = ""}};
static const worker_tool some_tools[] = {
    {.name = "one", .path = "/p/one.so", .risk = LB_RISK_LOW, .args = some_args, .arg_count = 2},
    {.name = "two", .path = "/p/two.so", .agent = "a", .risk = LB_RISK_HIGH, .needs_approval = true, .timeout_s = 9}};
static const gate_rule some_rules[] = {{.tool = "o*", .effect = 2, .branch_class = 3, .decision = 1, .loosen = true},
                                       {.project = "p"}};
static const gate_routine some_routines[] = {{GATE_ROUTINE_EXPIRY, "p", NULL}, {GATE_ROUTINE_RESET, NULL, "n*"}};
static const gate_class some_classes[] = {{NULL, "ci-*", LB_BRANCH_THROWAWAY}};
static const worker_threshold some_thresholds[] = {{.metric = "m",
                                                    .warning = 0.7,
                                                    .critical = NAN,
                                                    .project = "p*",
                                                    .set_by = "ada",
                                                    .set_on = "2026-01-31",
                                                    .reason = "nights"},
                                                   {.metric = "n", .critical = 3, .below = true}};
static const worker_pause some_pauses[] = {{.name = "night", .opens = "0 2 * * *", .lasts_min = 60, .branch = "b"}};
static const worker_site some_sites[] = {{.name = "github", .url = "https://x", .kind = "github", .token = "t"},
                                         {.name = "here", .url = "http://localhost", .kind = "json", .ca_file = "/c"}};
static const worker_set some_sets[] = {{.tool = "one", .where = "its parameters", .args = some_args, .arg_count = 2},
                                       {.tool = "one", .where = "a schedule", .project = "p*", .branch = "b"}};
static const worker_setup some_setup = {.outbox_dir = "/o",
                                        .work_dir = "/w",
                                        .transport.name = "t",
                                        .transport.path = "/t.so",
                                        .transport.args = some_args,
                                        .transport.arg_count = 1,
                                        .model.name = "m",
                                        .model.path = "/m.so",
                                        .model.args = some_args,
                                        .model.arg_count = 1,
                                        .forbids_models = true,
                                        .tools = some_tools,
                                        .tool_count = 2,
                                        .sets = some_sets,
                                        .set_count = 2,
                                        .rules = some_rules,
                                        .rule_count = 2,
                                        .routines = some_routines,
                                        .routine_count = 2,
                                        .classes = some_classes,
                                        .class_count = 1,
                                        .thresholds = some_thresholds,
                                        .threshold_count = 2,
                                        .pauses = some_pauses,
                                        .pause_count = 1,
                                        .http.name = "h",
                                        .http.path = "/h.so",
                                        .http.args = some_args,
                                        .http.arg_count = 2,
                                        .sites = some_sites,
                                        .site_count = 2,
                                        .can_ask = true,
                                        .run_asks = 9,
                                        .journal_dir = "/j",
                                        .log_level = LB_LOG_INFO,
                                        .worker_memory_mb = 1,
                                        .run_memory_mb = 2,
                                        .result_mb = 3,
                                        .run_events = 4,
                                        .run_records = 5,
                                        .connection_idle_s = 6,
                                        .outbox_mb = 8,
                                        .grace_s = 7};
static const run_request some_request = {.id = "01M7XKBAS00S4KBARVCNWWY01Z",
                                         .tool = "one",
                                         .path = "/p/one.so",
                                         .target = {"shop", "main", LB_BRANCH_SHARED},
                                         .args = some_args,
                                         .arg_count = 2,
                                         .plan = true,
                                         .actor_kind = GATE_PERSON,
                                         .actor = "me",
                                         .reason = "since",
                                         .risk = LB_RISK_MEDIUM,
                                         .timeout_s = 11,
                                         .memory = "{\"n\":1}"};
static const run_done some_done = {.status = RUN_FAILED,
                                   .error = {.code = LB_ERR_SQL, .sqlstate = "55P03", .message = "m", .hint = "h"},
                                   .result = "{\"a\":1}",
                                   .started_at = 12,
                                   .duration_us = 13,
                                   .cpu_us = 14,
                                   .statements = 15,
                                   .waited_us = 16,
                                   .changes = 1,
                                   .findings = 2,
                                   .records = 3,
                                   .events = 4,
                                   .asked = 2,
                                   .version = "1",
                                   .retire = true,
                                   .memory = "{}",
                                   .said = "all is well"};

static void setup_travels(void)
{
    BUF_AUTO frame = BUF_INIT(65536);
    arena memory;
    worker_setup got;
    arena_init(&memory, 0);
    job_put_setup(&frame, &some_setup);
    wire_reader r = open_frame(&frame, WIRE_SETUP);
    CU_ASSERT_FATAL(job_get_setup(&r, &memory, &got));
    ASSERT_TEXT(got.outbox_dir, "/o");
    ASSERT_TEXT(got.transport.args[0].text, "caf\xc3\xa9");
    CU_ASSERT(got.tool_count == 2 && got.rule_count == 2 && got.transport.arg_count == 1);
    ASSERT_TEXT(got.tools[0].args[1].name, "empty");
    CU_ASSERT(got.set_count == 2 && got.sets[0].arg_count == 2 && !got.sets[0].project && !got.sets[1].arg_count);
    ASSERT_TEXT(got.sets[0].args[0].name, some_args[0].name);
    ASSERT_TEXT(got.sets[1].where, "a schedule");
    ASSERT_TEXT(got.sets[1].project, "p*");
    ASSERT_TEXT(got.sets[1].branch, "b");
    ASSERT_TEXT(got.model.name, "m");
    CU_ASSERT(got.model.arg_count == 1 && got.forbids_models);
    CU_ASSERT_PTR_NULL(got.tools[0].agent);
    CU_ASSERT(got.tools[1].needs_approval && got.tools[1].timeout_s == 9 && got.tools[1].risk == LB_RISK_HIGH);
    CU_ASSERT(got.rules[0].loosen && got.rules[0].branch_class == 3 && !got.rules[1].tool);
    CU_ASSERT(got.log_level == LB_LOG_INFO && got.worker_memory_mb == 1 && got.grace_s == 7 && got.outbox_mb == 8 &&
              got.run_records == 5);
    CU_ASSERT(got.routine_count == 2 && got.routines[1].kind == GATE_ROUTINE_RESET && !got.routines[1].project);
    ASSERT_TEXT(got.routines[1].branch, "n*");
    CU_ASSERT(got.class_count == 1 && got.classes[0].branch_class == LB_BRANCH_THROWAWAY);
    CU_ASSERT(got.can_ask && got.run_asks == 9);
    ASSERT_TEXT(got.journal_dir, "/j");
    CU_ASSERT(got.threshold_count == 2 && got.thresholds[0].warning == 0.7 && isnan(got.thresholds[0].critical));
    CU_ASSERT(got.thresholds[1].below && got.thresholds[1].critical == 3 && !got.thresholds[1].project);
    CU_ASSERT(got.pause_count == 1 && got.pauses[0].lasts_min == 60 && !got.pauses[0].zone);
    ASSERT_TEXT(got.pauses[0].opens, "0 2 * * *");
    CU_ASSERT(got.site_count == 2 && got.http.arg_count == 2 && !got.sites[0].ca_file && !got.sites[1].token);
    ASSERT_TEXT(got.http.path, "/h.so");
    ASSERT_TEXT(got.sites[0].token, "t");
    ASSERT_TEXT(got.sites[1].ca_file, "/c");
    arena_done(&memory);
}

static void run_travels(void)
{
    BUF_AUTO frame = BUF_INIT(65536);
    arena memory;
    run_request got;
    int64_t deadline = 0;
    arena_init(&memory, 0);
    job_put_run(&frame, &some_request, 1234567890123);
    wire_reader r = open_frame(&frame, WIRE_RUN);
    CU_ASSERT_FATAL(job_get_run(&r, &memory, &got, &deadline));
    ASSERT_TEXT(got.id, some_request.id);
    ASSERT_TEXT(got.target.branch, "main");
    ASSERT_TEXT(got.args[0].text, "caf\xc3\xa9");
    CU_ASSERT(got.plan && !got.needs_approval && got.target.branch_class == LB_BRANCH_SHARED && got.timeout_s == 11);
    CU_ASSERT_PTR_NULL(got.parent_id);
    CU_ASSERT_PTR_NULL(got.record_dir);
    CU_ASSERT_EQUAL(deadline, 1234567890123);
    ASSERT_TEXT(got.memory, "{\"n\":1}");
    arena_done(&memory);
}

static void done_travels(void)
{
    BUF_AUTO frame = BUF_INIT(65536);
    const char *id = NULL;
    run_done got;
    job_put_done(&frame, "id", &some_done);
    wire_reader r = open_frame(&frame, WIRE_DONE);
    CU_ASSERT_FATAL(job_get_done(&r, &id, &got));
    ASSERT_TEXT(id, "id");
    CU_ASSERT(got.status == RUN_FAILED && got.error.code == LB_ERR_SQL && got.retire && got.events == 4 &&
              got.asked == 2);
    ASSERT_TEXT(got.error.sqlstate, "55P03");
    ASSERT_TEXT(got.result, "{\"a\":1}");
    CU_ASSERT_EQUAL(got.duration_us, 13);
    CU_ASSERT_EQUAL(got.cpu_us, 14);
    CU_ASSERT_EQUAL(got.statements, 15);
    CU_ASSERT_EQUAL(got.waited_us, 16);
    ASSERT_TEXT(got.memory, "{}");
    ASSERT_TEXT(got.said, "all is well");
}

static bool read_job(wire_type type, wire_reader *r, arena *memory)
{
    worker_setup setup;
    run_request request;
    run_done done;
    int64_t deadline;
    const char *id;
    return type == WIRE_SETUP ? job_get_setup(r, memory, &setup)
           : type == WIRE_RUN ? job_get_run(r, memory, &request, &deadline)
                              : job_get_done(r, &id, &done);
}

/* A frame that lacks its last bytes, or has more than it should, is none, wherever it is cut. */
static void jobs_that_are_cut_are_refused(void)
{
    static const wire_type types[] = {WIRE_SETUP, WIRE_RUN, WIRE_DONE};
    buf frames[3] = {BUF_INIT(65536), BUF_INIT(65536), BUF_INIT(65536)};
    job_put_setup(&frames[0], &some_setup);
    job_put_run(&frames[1], &some_request, 1);
    job_put_done(&frames[2], "id", &some_done);
    for (size_t i = 0; i < LB_COUNT(types); i++) {
        for (size_t length = 0; length + WIRE_HEAD < frames[i].length; length++) {
            arena memory;
            arena_init(&memory, 0);
            wire_reader r = reader_of(frames[i].data + WIRE_HEAD, length);
            CU_ASSERT(!read_job(types[i], &r, &memory));
            arena_done(&memory);
        }
        arena memory;
        arena_init(&memory, 0);
        buf_putc(&frames[i], 0);
        wire_reader r = reader_of(frames[i].data + WIRE_HEAD, frames[i].length - WIRE_HEAD);
        CU_ASSERT(!read_job(types[i], &r, &memory));
        arena_done(&memory);
        buf_done(&frames[i]);
    }
}

static void lies_about_counts_cost_no_memory(void)
{
    BUF_AUTO frame = BUF_INIT(4096);
    arena memory;
    arena_init(&memory, (size_t)1024 * 1024);
    for (int i = 0; i < 4; i++)
        wire_put_str(&frame, "x");
    wire_put_u32(&frame, 100000000); /* arguments of the transport */
    wire_reader r = reader_of(frame.data, frame.length);
    CU_ASSERT(!read_job(WIRE_SETUP, &r, &memory));
    CU_ASSERT(memory.used < 4096);
    arena_done(&memory);
}

static void small_memory_refuses_jobs(void)
{
    BUF_AUTO frame = BUF_INIT(65536);
    job_put_setup(&frame, &some_setup);
    bool read = false;
    size_t failing = 0;
    for (size_t n = 1; !read && n < 200; n++) {
        arena memory;
        arena_init(&memory, 0);
        memory.fail_at = n;
        wire_reader r = open_frame(&frame, WIRE_SETUP);
        read = read_job(WIRE_SETUP, &r, &memory);
        failing += !read;
        arena_done(&memory);
    }
    CU_ASSERT(read && failing > 10);
}

static void status_that_nobody_knows(void)
{
    BUF_AUTO frame = BUF_INIT(65536);
    arena memory;
    run_done odd = some_done;
    odd.status = (run_status)77;
    job_put_done(&frame, "id", &odd);
    wire_reader r = open_frame(&frame, WIRE_DONE);
    arena_init(&memory, 0);
    CU_ASSERT(!read_job(WIRE_DONE, &r, &memory));
    arena_done(&memory);
    ASSERT_TEXT(run_status_name((run_status)77), "unknown");
    ASSERT_TEXT(run_status_name(RUN_PENDING_APPROVAL), "pending_approval");
}

SUITE(job, TEST(setup_travels), TEST(run_travels), TEST(done_travels), TEST(jobs_that_are_cut_are_refused),
      TEST(lies_about_counts_cost_no_memory), TEST(small_memory_refuses_jobs), TEST(status_that_nobody_knows))
