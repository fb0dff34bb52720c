/* door_rig.h: runs in this very process, on the mock transport: one call gives what the supervisor would have heard.
 * LBOPS_PLUGINS and LBOPS_HOSTILE say where the plugins are. */
#ifndef LBOPS_TESTS_DOOR_RIG_H
#define LBOPS_TESTS_DOOR_RIG_H

#include "scratch.h"

#include "approval_doc.h"
#include "approved.h"
#include "fs.h"
#include "journal.h"
#include "json.h"
#include "run.h"

#define RIG_ASKS    64
#define RIG_CHANGES 256
#define ARGS(...)   ((const char *const[]){__VA_ARGS__, NULL}) /* "name", "value", ... */

typedef struct rig {
    char *dir; /* fixtures, state and files of the test */
    worker_setup setup;
    run_worker worker;
    worker_tool tools[1];
    param_arg transport_args[2];
    run_request request;
    run_done done;
    char *asks[RIG_ASKS];
    size_t ask_count;
    char *changes[RIG_CHANGES]; /* as the supervisor keeps them */
    uint32_t outcomes[RIG_CHANGES];
    size_t change_count;
    char *event; /* the last one that was told of */
    size_t event_count;
    arena memory;
} rig;

static inline const char *rig_path(rig *g, const char *name)
{
    return arena_printf(&g->memory, "%s/%s", g->dir, name);
}

static inline void rig_write(rig *g, const char *name, const char *text)
{
    lb_error err;
    const char *path = rig_path(g, name);
    char *directory = arena_strdup(&g->memory, path);
    *strrchr(directory, '/') = '\0';
    CU_ASSERT_FATAL(fs_make_dirs(directory, &err) == 0);
    CU_ASSERT_FATAL(fs_write_durable(path, text, strlen(text), 0600, &err) == 0);
}

static inline void rig_take_change(rig *g, wire_reader *r)
{
    (void)wire_get_required(r); /* the run's id */
    uint32_t index = wire_get_u32(r), outcome = wire_get_u32(r);
    const char *json = wire_get_required(r);
    CU_ASSERT_FATAL(wire_done(r) && index < RIG_CHANGES);
    g->change_count = index >= g->change_count ? index + 1 : g->change_count;
    g->changes[index] = arena_strdup(&g->memory, json);
    g->outcomes[index] = outcome;
}

static inline void rig_hear(void *state, const buf *frame)
{
    rig *g = state;
    wire_type type;
    wire_reader reader;
    size_t size;
    CU_ASSERT_FATAL(!frame->overflow && wire_frame(frame->data, frame->length, &type, &reader, &size) == 1);
    if (type == WIRE_CHANGE) {
        rig_take_change(g, &reader);
    } else if (type == WIRE_ASK) {
        ASSERT_TEXT(wire_get_required(&reader), g->request.id);
        CU_ASSERT_FATAL(g->ask_count < RIG_ASKS);
        g->asks[g->ask_count++] = arena_strdup(&g->memory, wire_get_required(&reader));
        CU_ASSERT(wire_done(&reader));
    } else if (type == WIRE_EVENT) {
        ASSERT_TEXT(wire_get_required(&reader), g->request.id);
        g->event = arena_strdup(&g->memory, wire_get_required(&reader));
        g->event_count++;
        CU_ASSERT(wire_done(&reader));
    }
}

/* A worker that can ask, keeps a journal, and takes its answers from fixtures/ of the rig's directory. */
static inline void rig_open(rig *g)
{
    *g = (rig){.dir = scratch_new()};
    arena_init(&g->memory, 0);
    const char *hostile = getenv("LBOPS_HOSTILE"), *plugins = getenv("LBOPS_PLUGINS");
    CU_ASSERT_FATAL(hostile && plugins);
    g->transport_args[0] = (param_arg){"fixtures", rig_path(g, "fixtures")};
    g->transport_args[1] = (param_arg){"clock", "2026-02-01T12:00:00Z"};
    g->tools[0] = (worker_tool){.name = "proposes",
                                .path = arena_printf(&g->memory, "%s/proposes.so", hostile),
                                .agent = "hostile",
                                .risk = LB_RISK_LOW,
                                .timeout_s = 60};
    g->setup = (worker_setup){.outbox_dir = rig_path(g, "state/outbox"),
                              .work_dir = g->dir,
                              .journal_dir = rig_path(g, "state/journal"),
                              .transport.name = "transport_mock",
                              .transport.path = arena_printf(&g->memory, "%s/transport_mock.so", plugins),
                              .transport.args = g->transport_args,
                              .transport.arg_count = LB_COUNT(g->transport_args),
                              .tools = g->tools,
                              .tool_count = 1,
                              .can_ask = true,
                              .run_asks = 8,
                              .log_level = LB_LOG_WARN,
                              .worker_memory_mb = 1024,
                              .run_memory_mb = 256,
                              .result_mb = 8,
                              .run_events = 100,
                              .run_records = 100,
                              .connection_idle_s = 60,
                              .grace_s = 1,
                              .outbox_mb = 100};
    rig_write(g, "fixtures/targets.json", "[]");
}

static inline void rig_stop(rig *g)
{
    if (!g->worker.sessions)
        return;
    g->worker.sessions = session_pool_free(g->worker.sessions);
    arena_done(&g->worker.memory);
    buf_done(&g->worker.result);
}

/* The transport forgets its fixtures too. */
static inline void rig_restart(rig *g)
{
    rig_stop(g);
    g->worker = (run_worker){.setup = &g->setup,
                             .sessions = session_pool_new(&g->setup, NULL),
                             .channel = {.state = g, .send = rig_hear},
                             .result = BUF_INIT((size_t)64 * 1024 * 1024)};
    arena_init(&g->worker.memory, (size_t)256 * 1024 * 1024);
}

static inline void rig_close(rig *g)
{
    rig_stop(g);
    arena_done(&g->memory);
    scratch_free(&g->dir);
}

/* tool: proposes, another hostile one, a shipped example, or one of the host's. */
static inline void rig_run(rig *g, const char *tool, const char *branch, lb_branch_class branch_class, gate_actor actor,
                           const char *const *args)
{
    size_t count = 0;
    while (args[2 * count])
        count++;
    param_arg *given = arena_alloc(&g->memory, (count + 1) * sizeof *given);
    for (size_t i = 0; i < count; i++)
        given[i] = (param_arg){args[2 * i], args[2 * i + 1]};
    bool is_own = strncmp(tool, "lbops_", 6) == 0, is_shipped = strncmp(tool, "example_", 8) == 0;
    const char *directory = getenv(is_shipped ? "LBOPS_PLUGINS" : "LBOPS_HOSTILE");
    g->request = (run_request){.tool = tool,
                               .agent = "hostile",
                               .path = is_own ? "" : arena_printf(&g->memory, "%s/%s.so", directory, tool),
                               .target = {branch ? "shop" : NULL, branch, branch_class},
                               .args = given,
                               .arg_count = count,
                               .actor_kind = actor,
                               .actor = "ada",
                               .reason = "it has to be",
                               .risk = LB_RISK_LOW,
                               .timeout_s = 60};
    id_new(g->request.id);
    g->ask_count = g->change_count = g->event_count = 0;
    if (!g->worker.sessions)
        rig_restart(g);
    run_execute(&g->worker, &g->request, clock_monotonic() + 60 * CLOCK_SECOND, &g->done);
}

/* "result.member" of what the run answered, and "member.0.member" of any document; (null) where there is none. */
static inline const char *rig_member(rig *g, const char *document, const char *path)
{
    lb_error err;
    char name[64];
    JSON_AUTO *root = json_parse(document, strlen(document), &err);
    struct json_object *at = root;
    while (at && *path) {
        struct json_object *next = NULL;
        size_t length = strcspn(path, ".");
        (void)snprintf(name, sizeof name, "%.*s", (int)length, path);
        path += length + (path[length] == '.');
        if (json_object_is_type(at, json_type_array))
            next = json_object_array_get_idx(at, (size_t)strtol(name, NULL, 10));
        else if (!json_object_object_get_ex(at, name, &next))
            next = NULL;
        at = next;
    }
    return arena_strdup(&g->memory, at ? json_object_get_string(at) : "(null)");
}

static inline const char *rig_outcome(rig *g, size_t index)
{
    return index < g->change_count ? rig_member(g, g->changes[index], "outcome") : "(none)";
}

static inline void rig_expect(rig *g, run_status status, int code)
{
    if (g->done.status != status || g->done.error.code != code)
        printf("\n    %s: %s (%s)\n", run_status_name(g->done.status), g->done.error.message, g->done.error.hint);
    CU_ASSERT_EQUAL(g->done.status, status);
    CU_ASSERT_EQUAL(g->done.error.code, code);
}

#endif
