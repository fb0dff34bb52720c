#include "job.h"

const char *run_status_name(run_status status)
{
    static const char *const names[] = {"ok", "failed", "timeout", "crashed", "skipped", "pending_approval"};
    return (size_t)status < LB_COUNT(names) ? names[status] : "unknown";
}

const char *change_outcome_name(change_outcome outcome)
{
    static const char *const names[] = {"open",   "planned",     "refused", "unknown", "applied",
                                        "failed", "not_reached", "waiting", "undone"};
    return (size_t)outcome < LB_COUNT(names) ? names[outcome] : "unknown";
}

bool change_outcome_has_begun(change_outcome outcome)
{
    return outcome >= CHANGE_UNKNOWN && outcome != CHANGE_WAITING;
}

static void put_args(buf *out, const param_arg *args, size_t count)
{
    wire_put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wire_put_str(out, args[i].name);
        wire_put_str(out, args[i].text);
    }
}

static void put_tool(buf *out, const worker_tool *tool)
{
    wire_put_str(out, tool->name);
    wire_put_str(out, tool->path);
    wire_put_str(out, tool->agent);
    wire_put_u32(out, (uint32_t)tool->risk);
    wire_put_bool(out, tool->needs_approval);
    wire_put_u32(out, tool->timeout_s);
    put_args(out, tool->args, tool->arg_count);
}

static void put_rule(buf *out, const gate_rule *rule)
{
    wire_put_str(out, rule->tool);
    wire_put_str(out, rule->project);
    wire_put_str(out, rule->branch);
    wire_put_u32(out, (uint32_t)rule->effect);
    wire_put_u32(out, (uint32_t)rule->branch_class);
    wire_put_u32(out, (uint32_t)rule->decision);
    wire_put_bool(out, rule->loosen);
}

/* What of the gate's is the manifest's and not a rule. */
static void put_gate(buf *out, const worker_setup *setup)
{
    wire_put_u32(out, (uint32_t)setup->routine_count);
    for (size_t i = 0; i < setup->routine_count; i++) {
        wire_put_u32(out, (uint32_t)setup->routines[i].kind);
        wire_put_str(out, setup->routines[i].project);
        wire_put_str(out, setup->routines[i].branch);
    }
    wire_put_u32(out, (uint32_t)setup->class_count);
    for (size_t i = 0; i < setup->class_count; i++) {
        wire_put_str(out, setup->classes[i].project);
        wire_put_str(out, setup->classes[i].branch);
        wire_put_u32(out, (uint32_t)setup->classes[i].branch_class);
    }
    wire_put_bool(out, setup->can_ask);
    wire_put_u32(out, setup->run_asks);
    wire_put_str(out, setup->journal_dir);
}

/* A double travels as its bits. */
static void put_double(buf *out, double number)
{
    int64_t bits = 0;
    memcpy(&bits, &number, sizeof bits);
    wire_put_i64(out, bits);
}

static double get_double(wire_reader *r)
{
    int64_t bits = wire_get_i64(r);
    double number = 0;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static void put_alerting(buf *out, const worker_setup *setup)
{
    wire_put_u32(out, (uint32_t)setup->threshold_count);
    for (size_t i = 0; i < setup->threshold_count; i++) {
        const worker_threshold *t = &setup->thresholds[i];
        wire_put_str(out, t->metric);
        put_double(out, t->warning);
        put_double(out, t->critical);
        wire_put_bool(out, t->below);
        wire_put_str(out, t->project);
        wire_put_str(out, t->branch);
        wire_put_str(out, t->set_by);
        wire_put_str(out, t->set_on);
        wire_put_str(out, t->reason);
    }
    wire_put_u32(out, (uint32_t)setup->pause_count);
    for (size_t i = 0; i < setup->pause_count; i++) {
        const worker_pause *p = &setup->pauses[i];
        wire_put_str(out, p->name);
        wire_put_str(out, p->opens);
        wire_put_str(out, p->zone);
        wire_put_u32(out, p->lasts_min);
        wire_put_str(out, p->project);
        wire_put_str(out, p->branch);
    }
}

static void put_plugin(buf *out, const worker_plugin *plugin)
{
    wire_put_str(out, plugin->name);
    wire_put_str(out, plugin->path);
    put_args(out, plugin->args, plugin->arg_count);
}

static void put_sites(buf *out, const worker_setup *setup)
{
    put_plugin(out, &setup->http);
    wire_put_u32(out, (uint32_t)setup->site_count);
    for (size_t i = 0; i < setup->site_count; i++) {
        wire_put_str(out, setup->sites[i].name);
        wire_put_str(out, setup->sites[i].url);
        wire_put_str(out, setup->sites[i].kind);
        wire_put_str(out, setup->sites[i].token);
        wire_put_str(out, setup->sites[i].ca_file);
    }
}

void job_put_setup(buf *out, const worker_setup *setup)
{
    size_t mark = wire_begin(out, WIRE_SETUP);
    wire_put_str(out, setup->outbox_dir);
    wire_put_str(out, setup->work_dir);
    put_plugin(out, &setup->transport);
    put_plugin(out, &setup->model);
    wire_put_bool(out, setup->forbids_models);
    wire_put_u32(out, (uint32_t)setup->tool_count);
    for (size_t i = 0; i < setup->tool_count; i++)
        put_tool(out, &setup->tools[i]);
    wire_put_u32(out, (uint32_t)setup->set_count);
    for (size_t i = 0; i < setup->set_count; i++) {
        wire_put_str(out, setup->sets[i].tool);
        wire_put_str(out, setup->sets[i].where);
        wire_put_str(out, setup->sets[i].project);
        wire_put_str(out, setup->sets[i].branch);
        put_args(out, setup->sets[i].args, setup->sets[i].arg_count);
    }
    wire_put_u32(out, (uint32_t)setup->rule_count);
    for (size_t i = 0; i < setup->rule_count; i++)
        put_rule(out, &setup->rules[i]);
    wire_put_u32(out, (uint32_t)setup->log_level);
    wire_put_u32(out, setup->worker_memory_mb);
    wire_put_u32(out, setup->run_memory_mb);
    wire_put_u32(out, setup->result_mb);
    wire_put_u32(out, setup->run_events);
    wire_put_u32(out, setup->run_records);
    wire_put_u32(out, setup->connection_idle_s);
    wire_put_u32(out, setup->grace_s);
    wire_put_u32(out, setup->outbox_mb);
    put_gate(out, setup);
    put_alerting(out, setup);
    put_sites(out, setup);
    wire_end(out, mark);
}

void job_put_run(buf *out, const run_request *request, int64_t deadline)
{
    size_t mark = wire_begin(out, WIRE_RUN);
    wire_put_str(out, request->id);
    wire_put_str(out, request->parent_id);
    wire_put_str(out, request->tool);
    wire_put_str(out, request->agent);
    wire_put_str(out, request->path);
    wire_put_str(out, request->target.project);
    wire_put_str(out, request->target.branch);
    wire_put_u32(out, (uint32_t)request->target.branch_class);
    put_args(out, request->args, request->arg_count);
    wire_put_bool(out, request->plan);
    wire_put_u32(out, (uint32_t)request->actor_kind);
    wire_put_str(out, request->actor);
    wire_put_str(out, request->reason);
    wire_put_u32(out, (uint32_t)request->risk);
    wire_put_bool(out, request->needs_approval);
    wire_put_u32(out, request->timeout_s);
    wire_put_str(out, request->record_dir);
    wire_put_bool(out, request->wake);
    wire_put_bool(out, request->looks);
    wire_put_i64(out, request->alone_since);
    wire_put_i64(out, request->awake_from);
    wire_put_i64(out, request->budget_us);
    wire_put_str(out, request->memory);
    wire_put_i64(out, deadline);
    wire_end(out, mark);
}

/* A copy that outlives the frame. NULL stays NULL; a full arena makes the frame bad. */
static const char *keep(wire_reader *r, arena *memory, const char *text)
{
    if (!text)
        return NULL;
    char *copy = arena_strdup(memory, text);
    if (!copy)
        r->bad = true;
    return copy;
}

/* An array for `count` elements that the frame announces; each takes at least `least` bytes there, so a lie is seen
 * first. */
static void *get_array(wire_reader *r, arena *memory, size_t *ret_count, size_t least, size_t bytes)
{
    size_t count = wire_get_u32(r);
    *ret_count = 0;
    if (r->bad || count > (size_t)(r->end - r->p) / least) {
        r->bad = true;
        return NULL;
    }
    void *items = arena_alloc(memory, (count + 1) * bytes);
    if (!items)
        r->bad = true;
    else
        *ret_count = count;
    return items;
}

static const param_arg *get_args(wire_reader *r, arena *memory, size_t *ret_count)
{
    param_arg *args = get_array(r, memory, ret_count, 8, sizeof *args);
    for (size_t i = 0; i < *ret_count; i++) {
        args[i].name = keep(r, memory, wire_get_required(r));
        args[i].text = keep(r, memory, wire_get_required(r));
    }
    return args;
}

static void get_tool(wire_reader *r, arena *memory, worker_tool *tool)
{
    tool->name = keep(r, memory, wire_get_required(r));
    tool->path = keep(r, memory, wire_get_required(r));
    tool->agent = keep(r, memory, wire_get_str(r));
    tool->risk = (lb_risk)wire_get_u32(r);
    tool->needs_approval = wire_get_bool(r);
    tool->timeout_s = wire_get_u32(r);
    tool->args = get_args(r, memory, &tool->arg_count);
}

static void get_rule(wire_reader *r, arena *memory, gate_rule *rule)
{
    rule->tool = keep(r, memory, wire_get_str(r));
    rule->project = keep(r, memory, wire_get_str(r));
    rule->branch = keep(r, memory, wire_get_str(r));
    rule->effect = (int)wire_get_u32(r);
    rule->branch_class = (int)wire_get_u32(r);
    rule->decision = (gate_decision)wire_get_u32(r);
    rule->loosen = wire_get_bool(r);
}

static void get_gate(wire_reader *r, arena *memory, worker_setup *s)
{
    gate_routine *routines = get_array(r, memory, &s->routine_count, 12, sizeof *routines);
    for (size_t i = 0; i < s->routine_count; i++) {
        routines[i].kind = (gate_routine_kind)wire_get_u32(r);
        routines[i].project = keep(r, memory, wire_get_str(r));
        routines[i].branch = keep(r, memory, wire_get_str(r));
    }
    s->routines = routines;
    gate_class *classes = get_array(r, memory, &s->class_count, 12, sizeof *classes);
    for (size_t i = 0; i < s->class_count; i++) {
        classes[i].project = keep(r, memory, wire_get_str(r));
        classes[i].branch = keep(r, memory, wire_get_str(r));
        classes[i].branch_class = (lb_branch_class)wire_get_u32(r);
    }
    s->classes = classes;
    s->can_ask = wire_get_bool(r);
    s->run_asks = wire_get_u32(r);
    s->journal_dir = keep(r, memory, wire_get_str(r));
}

static void get_alerting(wire_reader *r, arena *memory, worker_setup *s)
{
    worker_threshold *thresholds = get_array(r, memory, &s->threshold_count, 29, sizeof *thresholds);
    for (size_t i = 0; i < s->threshold_count; i++) {
        thresholds[i].metric = keep(r, memory, wire_get_required(r));
        thresholds[i].warning = get_double(r);
        thresholds[i].critical = get_double(r);
        thresholds[i].below = wire_get_bool(r);
        thresholds[i].project = keep(r, memory, wire_get_str(r));
        thresholds[i].branch = keep(r, memory, wire_get_str(r));
        thresholds[i].set_by = keep(r, memory, wire_get_str(r));
        thresholds[i].set_on = keep(r, memory, wire_get_str(r));
        thresholds[i].reason = keep(r, memory, wire_get_str(r));
    }
    s->thresholds = thresholds;
    worker_pause *pauses = get_array(r, memory, &s->pause_count, 24, sizeof *pauses);
    for (size_t i = 0; i < s->pause_count; i++) {
        pauses[i].name = keep(r, memory, wire_get_required(r));
        pauses[i].opens = keep(r, memory, wire_get_required(r));
        pauses[i].zone = keep(r, memory, wire_get_str(r));
        pauses[i].lasts_min = wire_get_u32(r);
        pauses[i].project = keep(r, memory, wire_get_str(r));
        pauses[i].branch = keep(r, memory, wire_get_str(r));
    }
    s->pauses = pauses;
}

static worker_plugin get_plugin(wire_reader *r, arena *memory)
{
    worker_plugin plugin = {0};
    plugin.name = keep(r, memory, wire_get_str(r));
    plugin.path = keep(r, memory, wire_get_str(r));
    plugin.args = get_args(r, memory, &plugin.arg_count);
    return plugin;
}

static void get_sites(wire_reader *r, arena *memory, worker_setup *s)
{
    s->http = get_plugin(r, memory);
    worker_site *sites = get_array(r, memory, &s->site_count, 20, sizeof *sites);
    for (size_t i = 0; i < s->site_count; i++) {
        sites[i].name = keep(r, memory, wire_get_required(r));
        sites[i].url = keep(r, memory, wire_get_required(r));
        sites[i].kind = keep(r, memory, wire_get_required(r));
        sites[i].token = keep(r, memory, wire_get_str(r));
        sites[i].ca_file = keep(r, memory, wire_get_str(r));
    }
    s->sites = sites;
}

bool job_get_setup(wire_reader *r, arena *memory, worker_setup *ret_setup)
{
    worker_setup s = {0};
    s.outbox_dir = keep(r, memory, wire_get_required(r));
    s.work_dir = keep(r, memory, wire_get_required(r));
    s.transport = get_plugin(r, memory);
    s.model = get_plugin(r, memory);
    s.forbids_models = wire_get_bool(r);
    worker_tool *tools = get_array(r, memory, &s.tool_count, 20, sizeof *tools);
    for (size_t i = 0; i < s.tool_count; i++)
        get_tool(r, memory, &tools[i]);
    s.tools = tools;
    worker_set *sets = get_array(r, memory, &s.set_count, 20, sizeof *sets);
    for (size_t i = 0; i < s.set_count; i++) {
        sets[i].tool = keep(r, memory, wire_get_required(r));
        sets[i].where = keep(r, memory, wire_get_required(r));
        sets[i].project = keep(r, memory, wire_get_str(r));
        sets[i].branch = keep(r, memory, wire_get_str(r));
        sets[i].args = get_args(r, memory, &sets[i].arg_count);
    }
    s.sets = sets;
    gate_rule *rules = get_array(r, memory, &s.rule_count, 20, sizeof *rules);
    for (size_t i = 0; i < s.rule_count; i++)
        get_rule(r, memory, &rules[i]);
    s.rules = rules;
    s.log_level = (lb_level)wire_get_u32(r);
    s.worker_memory_mb = wire_get_u32(r);
    s.run_memory_mb = wire_get_u32(r);
    s.result_mb = wire_get_u32(r);
    s.run_events = wire_get_u32(r);
    s.run_records = wire_get_u32(r);
    s.connection_idle_s = wire_get_u32(r);
    s.grace_s = wire_get_u32(r);
    s.outbox_mb = wire_get_u32(r);
    get_gate(r, memory, &s);
    get_alerting(r, memory, &s);
    get_sites(r, memory, &s);
    if (!wire_done(r))
        return false;
    *ret_setup = s;
    return true;
}

bool job_get_run(wire_reader *r, arena *memory, run_request *ret_request, int64_t *ret_deadline)
{
    run_request q = {0};
    const char *id = wire_get_required(r);
    (void)snprintf(q.id, sizeof q.id, "%s", id); /* ours; a longer one is cut and then matches nothing */
    q.parent_id = keep(r, memory, wire_get_str(r));
    q.tool = keep(r, memory, wire_get_required(r));
    q.agent = keep(r, memory, wire_get_str(r));
    q.path = keep(r, memory, wire_get_required(r));
    q.target.project = keep(r, memory, wire_get_str(r));
    q.target.branch = keep(r, memory, wire_get_str(r));
    q.target.branch_class = (lb_branch_class)wire_get_u32(r);
    q.args = get_args(r, memory, &q.arg_count);
    q.plan = wire_get_bool(r);
    q.actor_kind = (gate_actor)wire_get_u32(r);
    q.actor = keep(r, memory, wire_get_required(r));
    q.reason = keep(r, memory, wire_get_str(r));
    q.risk = (lb_risk)wire_get_u32(r);
    q.needs_approval = wire_get_bool(r);
    q.timeout_s = wire_get_u32(r);
    q.record_dir = keep(r, memory, wire_get_str(r));
    q.wake = wire_get_bool(r);
    q.looks = wire_get_bool(r);
    q.alone_since = wire_get_i64(r);
    q.awake_from = wire_get_i64(r);
    q.budget_us = wire_get_i64(r);
    q.memory = keep(r, memory, wire_get_str(r));
    int64_t deadline = wire_get_i64(r);
    if (!wire_done(r))
        return false;
    *ret_request = q;
    *ret_deadline = deadline;
    return true;
}

static void put_sight(buf *out, const alone_sight *s)
{
    wire_put_i64(out, s->at);
    wire_put_i64(out, s->others_at);
    wire_put_i64(out, s->sessions);
    wire_put_i64(out, s->started_at);
    wire_put_i64(out, s->suspends_after_us);
    wire_put_i64(out, s->opened);
    wire_put_bool(out, s->is_over);
    wire_put_i64(out, s->awake_until);
}

static alone_sight get_sight(wire_reader *r)
{
    alone_sight s = {0};
    s.at = wire_get_i64(r);
    s.others_at = wire_get_i64(r);
    s.sessions = wire_get_i64(r);
    s.started_at = wire_get_i64(r);
    s.suspends_after_us = wire_get_i64(r);
    s.opened = wire_get_i64(r);
    s.is_over = wire_get_bool(r);
    s.awake_until = wire_get_i64(r);
    return s;
}

void job_put_done(buf *out, const char *run_id, const run_done *done)
{
    size_t mark = wire_begin(out, WIRE_DONE);
    wire_put_str(out, run_id);
    wire_put_u32(out, (uint32_t)done->status);
    wire_put_u32(out, (uint32_t)-done->error.code);
    wire_put_str(out, done->error.sqlstate);
    wire_put_str(out, done->error.message);
    wire_put_str(out, done->error.hint);
    wire_put_str(out, done->result);
    wire_put_i64(out, done->started_at);
    wire_put_i64(out, done->duration_us);
    wire_put_i64(out, done->cpu_us);
    wire_put_i64(out, done->statements);
    wire_put_i64(out, done->waited_us);
    wire_put_i64(out, done->awake_us);
    put_sight(out, &done->sight);
    wire_put_u32(out, done->changes);
    wire_put_u32(out, done->findings);
    wire_put_u32(out, done->records);
    wire_put_u32(out, done->events);
    wire_put_u32(out, done->asked);
    wire_put_str(out, done->version);
    wire_put_bool(out, done->retire);
    wire_put_str(out, done->memory);
    wire_put_str(out, done->said);
    wire_end(out, mark);
}

bool job_get_done(wire_reader *r, const char **ret_run_id, run_done *ret_done)
{
    run_done d = {0};
    const char *run_id = wire_get_required(r);
    d.status = (run_status)wire_get_u32(r);
    d.error.code = -(int)(wire_get_u32(r) & 0xffff);
    (void)snprintf(d.error.sqlstate, sizeof d.error.sqlstate, "%s", wire_get_required(r));
    (void)snprintf(d.error.message, sizeof d.error.message, "%s", wire_get_required(r));
    (void)snprintf(d.error.hint, sizeof d.error.hint, "%s", wire_get_required(r));
    d.result = wire_get_required(r);
    d.started_at = wire_get_i64(r);
    d.duration_us = wire_get_i64(r);
    d.cpu_us = wire_get_i64(r);
    d.statements = wire_get_i64(r);
    d.waited_us = wire_get_i64(r);
    d.awake_us = wire_get_i64(r);
    d.sight = get_sight(r);
    d.changes = wire_get_u32(r);
    d.findings = wire_get_u32(r);
    d.records = wire_get_u32(r);
    d.events = wire_get_u32(r);
    d.asked = wire_get_u32(r);
    d.version = wire_get_str(r);
    d.retire = wire_get_bool(r);
    d.memory = wire_get_str(r);
    d.said = wire_get_str(r);
    if (!wire_done(r) || (uint32_t)d.status > RUN_PENDING_APPROVAL)
        return false;
    *ret_run_id = run_id;
    *ret_done = d;
    return true;
}
