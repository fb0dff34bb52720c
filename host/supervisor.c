#include "supervisor.h"

#include "environment.h"
#include "fs.h"
#include "json.h"
#include "log.h"
#include "outbox.h"
#include "targets.h"

struct supervisor {
    const manifest *manifest;
    const registry *registry;
    supervisor_hooks hooks;
    pool *pool;
    ledger *ledger;
    suspend_book *suspended;
    char *outbox_dir;
    size_t pending;
};

/* A run on its way: the request and everything that it borrows, in one arena. */
typedef struct running {
    run_request request; /* first: the pool hands it back */
    arena memory;
    run_outcome outcome; /* once it has ended, until its row is durable */
} running;

/* ---- what workers need to know ---- */

static int describe_tools(const supervisor *s, arena *memory, worker_setup *setup, lb_error *err)
{
    size_t count = registry_count(s->registry), used = 0;
    worker_tool *tools = arena_alloc(memory, (count + 1) * sizeof *tools);
    if (!tools)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        const plugin_spec *spec = registry_at(s->registry, i);
        const char *agent = NULL;
        if (spec->kind != LB_KIND_TOOL)
            continue;
        const manifest_tool *entry = manifest_find_tool(s->manifest, NULL, spec->name, &agent);
        worker_tool *t = &tools[used++];
        *t = (worker_tool){.name = spec->name,
                           .path = spec->path,
                           .agent = agent ? agent : spec->agent,
                           .risk = spec->risk,
                           .needs_approval =
                               entry && entry->needs_approval >= 0 ? entry->needs_approval : spec->needs_approval,
                           .timeout_s = spec->timeout_s};
        if (entry && !(t->args = manifest_args(s->manifest, &entry->params, memory, &t->arg_count, err)))
            return err->code;
    }
    setup->tools = tools;
    setup->tool_count = used;
    return 0;
}

static int describe_rules(const manifest *m, arena *memory, worker_setup *setup, lb_error *err)
{
    gate_rule *rules = arena_alloc(memory, (m->rule_count + 1) * sizeof *rules);
    if (!rules)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < m->rule_count; i++) {
        const manifest_rule *r = &m->rules[i];
        rules[i] = (gate_rule){.tool = r->tool,
                               .project = r->project,
                               .branch = r->branch,
                               .effect = r->effect,
                               .branch_class = r->branch_class,
                               .decision = (gate_decision)r->decision,
                               .loosen = r->loosen};
    }
    setup->rules = rules;
    setup->rule_count = m->rule_count;
    return 0;
}

static int describe_transport(const supervisor *s, arena *memory, worker_setup *setup, lb_error *err)
{
    const manifest_service *service = manifest_find_service(s->manifest, LB_KIND_TRANSPORT);
    if (!service)
        return 0;
    const plugin_spec *spec = registry_find(s->registry, LB_KIND_TRANSPORT, service->plugin);
    if (!spec)
        return lb_fail(err, LB_ERR_NOT_FOUND, "lbops check says what is wrong", "there is no transport %s",
                       service->plugin);
    setup->transport_name = spec->name;
    setup->transport_path = spec->path;
    setup->transport_args = manifest_args(s->manifest, &service->params, memory, &setup->transport_arg_count, err);
    if (!setup->transport_args)
        return err->code;
    setup->transport_args =
        environment_args(memory, spec_params(spec), setup->transport_args, &setup->transport_arg_count);
    return setup->transport_args ? 0 : lb_out_of_memory(err);
}

static int make_setup(const supervisor *s, lb_level log_level, arena *memory, worker_setup *ret_setup, lb_error *err)
{
    const manifest_limits *l = &s->manifest->limits;
    *ret_setup = (worker_setup){
        .outbox_dir = s->outbox_dir,
        .work_dir = s->manifest->directory,
        .log_level = log_level,
        .worker_memory_mb = (uint32_t)l->worker_memory_mb,
        .run_memory_mb = (uint32_t)l->run_memory_mb,
        .result_mb = (uint32_t)l->result_mb,
        .run_events = (uint32_t)l->run_events,
        .run_records = (uint32_t)l->run_records,
        .connection_idle_s = (uint32_t)l->connection_idle_s,
        .grace_s = (uint32_t)l->grace_s,
        .outbox_mb = (uint32_t)l->outbox_mb,
    };
    int r = describe_tools(s, memory, ret_setup, err);
    if (r >= 0)
        r = describe_rules(s->manifest, memory, ret_setup, err);
    return r < 0 ? r : describe_transport(s, memory, ret_setup, err);
}

/* ---- ends of runs ---- */

static running *free_running(running *r)
{
    arena_done(&r->memory);
    free(r);
    return NULL;
}

static void on_durable(void *state, void *tag, const lb_error *error)
{
    supervisor *s = state;
    running *r = tag;
    if (error && !r->outcome.done.error.code) {
        r->outcome.done.status = RUN_FAILED;
        r->outcome.done.error = *error;
        (void)lb_wrap(&r->outcome.done.error, "the run ended, but the book of runs cannot be written");
    }
    BUF_AUTO document = BUF_INIT(SIZE_MAX / 4);
    report_document(&document, &r->outcome);
    s->pending--;
    s->hooks.ended(s->hooks.state, &r->outcome, buf_text(&document));
    (void)free_running(r); /* gives NULL */
}

static void note_crash(supervisor *s, const run_outcome *outcome)
{
    lb_error error;
    const char *tool = outcome->request->tool;
    if (outcome->done.status == RUN_OK)
        suspend_note_success(s->suspended, tool);
    if (outcome->done.status != RUN_CRASHED)
        return;
    if (suspend_note_crash(s->suspended, tool, outcome->done.error.message, &error))
        log_line(LB_LOG_WARN, "supervisor", "%s is suspended from now on: it crashed too often in a row", tool);
    if (error.code)
        log_error("supervisor", &error);
}

/* Keeps what the pool only lends until the row in the book is durable. */
static bool keep_outcome(running *r, const run_outcome *outcome)
{
    run_outcome *kept = &r->outcome;
    *kept = *outcome;
    kept->done.result = arena_strdup(&r->memory, outcome->done.result);
    kept->changes = arena_strdup(&r->memory, outcome->changes);
    kept->events = arena_strdup(&r->memory, outcome->events);
    kept->done.version = outcome->done.version ? arena_strdup(&r->memory, outcome->done.version) : NULL;
    return kept->done.result && kept->changes && kept->events;
}

static void on_ended(void *state, const run_outcome *outcome)
{
    supervisor *s = state;
    if (outcome->request->parent_id) { /* a called run: it has a row, and nobody waits for it */
        ledger_add(s->ledger, outcome, NULL);
        return;
    }
    running *r = (running *)(uintptr_t)outcome->request; /* ours: the request is its first member */
    note_crash(s, outcome);
    if (!keep_outcome(r, outcome)) {
        r->outcome = *outcome;
        r->outcome.done.result = "{}";
        r->outcome.changes = r->outcome.events = "[]";
        r->outcome.done.status = RUN_FAILED;
        (void)lb_out_of_memory(&r->outcome.done.error);
    }
    ledger_add(s->ledger, &r->outcome, r);
}

static void on_log(void *state, const run_request *request, lb_level level, const char *tool, const char *text)
{
    const supervisor *s = state;
    if (s->hooks.log)
        s->hooks.log(s->hooks.state, request, level, tool, text);
}

static void on_progress(void *state, const run_request *request, int64_t done, int64_t total, const char *what)
{
    const supervisor *s = state;
    if (s->hooks.progress)
        s->hooks.progress(s->hooks.state, request, done, total, what);
}

/* ---- life ---- */

static int open_state(supervisor *s, lb_error *err)
{
    int r = fs_make_dirs(s->manifest->state_dir, err);
    if (r < 0)
        return lb_wrap(err, "state directory");
    s->outbox_dir = base_printf("%s/outbox", s->manifest->state_dir);
    r = fs_make_dirs(s->outbox_dir, err);
    if (r >= 0)
        r = outbox_sweep(s->outbox_dir, err);
    return r < 0 ? lb_wrap(err, "outbox")
                 : suspend_open(s->manifest->state_dir, s->manifest->limits.crashes_to_suspend, &s->suspended, err);
}

static int start(supervisor *s, const supervisor_options *options, lb_error *err)
{
    arena memory;
    worker_setup setup;
    int r = open_state(s, err);
    if (r >= 0)
        r = ledger_new(options->loop, s->outbox_dir, on_durable, s, &s->ledger, err);
    if (r < 0)
        return r;
    arena_init(&memory, 0);
    r = make_setup(s, options->log_level, &memory, &setup, err);
    if (r >= 0) {
        const pool_options pool_wishes = {
            .loop = options->loop,
            .program = options->program,
            .workers = options->workers ? options->workers : s->manifest->limits.workers,
            .grace_s = s->manifest->limits.grace_s,
            .recycle_runs = s->manifest->limits.recycle_runs,
            .events_limit = (size_t)s->manifest->limits.result_mb * 1024 * 1024,
            .setup = &setup,
            .hooks = {.state = s, .ended = on_ended, .log = on_log, .progress = on_progress},
        };
        r = pool_new(&pool_wishes, &s->pool, err);
    }
    arena_done(&memory);
    return r;
}

int supervisor_new(const supervisor_options *options, supervisor **ret_supervisor, lb_error *err)
{
    supervisor *s = base_alloc(sizeof *s);
    s->manifest = options->manifest;
    s->registry = options->registry;
    s->hooks = options->hooks;
    int r = start(s, options, err);
    if (r < 0) {
        (void)supervisor_free(s); /* gives NULL */
        return r;
    }
    *ret_supervisor = s;
    return 0;
}

supervisor *supervisor_free(supervisor *s)
{
    if (!s)
        return NULL;
    s->pool = pool_free(s->pool);       /* ends every run, and ... */
    s->ledger = ledger_free(s->ledger); /* ... this says so */
    s->suspended = suspend_close(s->suspended);
    free(s->outbox_dir);
    free(s);
    return NULL;
}

size_t supervisor_pending(const supervisor *s)
{
    return s->pending;
}

pool *supervisor_pool(supervisor *s)
{
    return s->pool;
}

void supervisor_cancel(supervisor *s, const char *run_id)
{
    pool_cancel(s->pool, run_id);
}

/* ---- asking for a run ---- */

/* NULL: there is none by that name, it was refused, or it is suspended. */
static const plugin_spec *find_tool(const supervisor *s, const char *name, lb_error *err)
{
    char hint[128];
    const plugin_spec *spec = registry_find(s->registry, LB_KIND_TOOL, name);
    if (spec)
        return suspend_check(s->suspended, name, err) < 0 ? NULL : spec;
    for (size_t i = 0; i < registry_refusal_count(s->registry); i++) {
        const registry_refusal *refusal = registry_refusal_at(s->registry, i);
        const char *slash = strrchr(refusal->path, '/'), *file = slash ? slash + 1 : refusal->path;
        if (strncmp(file, name, strlen(name)) == 0 && strcmp(file + strlen(name), ".so") == 0) {
            *err = refusal->error;
            (void)lb_wrap(err, "the plugin was refused"); /* the NULL says it */
            return NULL;
        }
    }
    const char *nearest = registry_nearest(s->registry, LB_KIND_TOOL, name);
    (void)snprintf(hint, sizeof hint, nearest ? "did you mean %.63s?" : "lbops tools lists them", nearest);
    (void)lb_fail(err, LB_ERR_INVALID, hint, "there is no tool %.63s", name);
    return NULL;
}

static const char *list_targets(const manifest *m, char *text, size_t bytes)
{
    size_t used = (size_t)snprintf(text, bytes, "one of:");
    for (size_t i = 0; i < m->target_count && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, " --project %s --branch %s%s", m->targets[i].project,
                                 m->targets[i].branch, i + 1 < m->target_count ? "," : "");
    return text;
}

/* Names may be left out where the manifest leaves no choice. A branch that the manifest does not know counts as
 * production. */
static int find_target(const manifest *m, const run_ask *ask, lb_target *ret_target, lb_error *err)
{
    const manifest_target *found = NULL;
    size_t fitting = 0;
    if (ask->project && ask->branch && ask->branch_class) {
        *ret_target = (lb_target){ask->project, ask->branch, ask->branch_class};
        return 0;
    }
    char hint[256];
    for (size_t i = 0; i < m->target_count; i++) {
        const manifest_target *t = &m->targets[i];
        if (t->pattern || (ask->project && strcmp(ask->project, t->project) != 0) ||
            (ask->branch && strcmp(ask->branch, t->branch) != 0))
            continue;
        found = t;
        fitting++;
    }
    if (fitting == 1) {
        *ret_target = (lb_target){found->project, found->branch, found->branch_class};
        return 0;
    }
    if (!ask->project || !ask->branch)
        return lb_fail(err, LB_ERR_INVALID, list_targets(m, hint, sizeof hint), "%s needs a target", ask->tool);
    *ret_target =
        (lb_target){ask->project, ask->branch, targets_class_of(m, ask->project, ask->branch, LB_BRANCH_PRODUCTION)};
    return 0;
}

/* The ask's arguments, and behind them the manifest's where the ask says nothing. */
static int gather_args(const supervisor *s, const run_ask *ask, const manifest_tool *entry, running *r, lb_error *err)
{
    size_t given = ask->arg_count, from_manifest = 0;
    const param_arg *defaults = NULL;
    if (entry && !(defaults = manifest_args(s->manifest, &entry->params, &r->memory, &from_manifest, err)))
        return err->code;
    param_arg *all = arena_alloc(&r->memory, (given + from_manifest + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    size_t count = 0;
    for (size_t i = 0; i < given; i++) {
        all[count].name = arena_strdup(&r->memory, ask->args[i].name);
        all[count].text = arena_strdup(&r->memory, ask->args[i].text);
        if (!all[count].name || !all[count].text)
            return lb_out_of_memory(err);
        count++;
    }
    for (size_t i = 0; i < from_manifest; i++) {
        bool is_given = false;
        for (size_t k = 0; k < given; k++)
            is_given = is_given || strcmp(all[k].name, defaults[i].name) == 0;
        if (!is_given)
            all[count++] = defaults[i];
    }
    r->request.args = all;
    r->request.arg_count = count;
    return 0;
}

static const char *keep(running *r, const char *text)
{
    return text ? arena_strdup(&r->memory, text) : NULL;
}

static uint32_t timeout_of(const supervisor *s, const run_ask *ask, const manifest_tool *entry, const plugin_spec *spec)
{
    if (ask->timeout_s)
        return ask->timeout_s;
    if (entry && entry->timeout_s)
        return entry->timeout_s;
    return spec->timeout_s ? spec->timeout_s : (uint32_t)s->manifest->limits.run_timeout_s;
}

static int fill_request(const supervisor *s, const run_ask *ask, running *r, lb_error *err)
{
    const plugin_spec *spec = find_tool(s, ask->tool, err);
    const char *agent = NULL;
    lb_target target = {0};
    int code = 0;
    if (!spec)
        return err->code;
    const manifest_tool *entry = manifest_find_tool(s->manifest, ask->agent, ask->tool, &agent);
    if ((code = gather_args(s, ask, entry, r, err)) < 0)
        return code;
    if ((code = params_check(ask->tool, spec_params(spec), r->request.args, r->request.arg_count, err)) < 0)
        return code;
    if (!spec->workspace && (code = find_target(s->manifest, ask, &target, err)) < 0)
        return code;
    run_request *q = &r->request;
    id_new(q->id);
    q->tool = spec->name;
    q->agent = keep(r, agent ? agent : spec->agent);
    q->path = spec->path;
    q->target = (lb_target){keep(r, target.project), keep(r, target.branch), target.branch_class};
    q->plan = ask->plan;
    q->actor_kind = ask->actor_kind;
    q->actor = keep(r, ask->actor);
    q->reason = keep(r, ask->reason);
    q->risk = spec->risk;
    q->needs_approval = entry && entry->needs_approval >= 0 ? entry->needs_approval : spec->needs_approval;
    q->timeout_s = timeout_of(s, ask, entry, spec);
    q->record_dir = keep(r, ask->record_dir);
    q->wake = ask->wake || targets_may_wake(s->manifest, &target);
    return 0;
}

int supervisor_run(supervisor *s, const run_ask *ask, char ret_id[ID_TEXT], lb_error *err)
{
    if (!s->pool)
        return lb_fail(err, LB_ERR_CANCELLED, NULL, "the host is ending");
    running *r = base_alloc(sizeof *r);
    arena_init(&r->memory, 0);
    int code = fill_request(s, ask, r, err);
    if (code < 0) {
        (void)free_running(r); /* gives NULL */
        return code;
    }
    if (ret_id)
        memcpy(ret_id, r->request.id, ID_TEXT);
    s->pending++;
    pool_submit(s->pool, &r->request);
    return 0;
}

bool supervisor_needs_targets(const supervisor *s, const run_ask *ask)
{
    const plugin_spec *spec = registry_find(s->registry, LB_KIND_TOOL, ask->tool);
    return spec && !spec->workspace && !ask->branch_class && manifest_find_service(s->manifest, LB_KIND_TRANSPORT) &&
           targets_are_needed(s->manifest, ask->project, ask->branch);
}

/* One of the tools that come with the host: nothing to look up, and no manifest has a say in its arguments. */
int supervisor_run_own(supervisor *s, const run_ask *ask, char ret_id[ID_TEXT], lb_error *err)
{
    if (!s->pool)
        return lb_fail(err, LB_ERR_CANCELLED, NULL, "the host is ending");
    running *r = base_alloc(sizeof *r);
    arena_init(&r->memory, 0);
    run_request *q = &r->request;
    *q = (run_request){.tool = keep(r, ask->tool),
                       .path = "",
                       .target = {keep(r, ask->project), keep(r, ask->branch), ask->branch_class},
                       .plan = ask->plan,
                       .actor_kind = ask->actor_kind,
                       .actor = keep(r, ask->actor),
                       .reason = keep(r, ask->reason),
                       .risk = LB_RISK_LOW,
                       .timeout_s = ask->timeout_s ? ask->timeout_s : (uint32_t)s->manifest->limits.run_timeout_s,
                       .wake = ask->wake};
    int code = gather_args(s, ask, NULL, r, err);
    if (code < 0) {
        (void)free_running(r); /* gives NULL */
        return code;
    }
    id_new(q->id);
    memcpy(ret_id, q->id, ID_TEXT);
    s->pending++;
    pool_submit(s->pool, q);
    return 0;
}

int supervisor_list_targets(supervisor *s, const run_ask *ask, char ret_id[ID_TEXT], lb_error *err)
{
    const run_ask listing = {.tool = TARGETS_TOOL, .actor_kind = ask->actor_kind, .actor = ask->actor};
    return supervisor_run_own(s, &listing, ret_id, err);
}
