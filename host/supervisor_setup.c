/* What workers and services need to know of the manifest. */
#include "supervisor_internal.h"

#include "environment.h"

#define RUN_ASKS 1000 /* groups that one run may ask for */

static const char default_state[] = "state_sqlite", default_model[] = "model_rules", default_http[] = "http_rest";

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

/* where: the arena's, or NULL where memory is out. */
static int add_set(const manifest *m, const manifest_params *params, worker_set set, arena *memory, worker_setup *setup,
                   worker_set *sets, lb_error *err)
{
    if (!params->count)
        return 0;
    set.args = manifest_args(m, params, memory, &set.arg_count, err);
    if (!set.args)
        return err->code;
    sets[setup->set_count++] = set;
    return set.where ? 0 : lb_out_of_memory(err);
}

/* What is set for a tool, wherever that stands. */
static int describe_sets(const manifest *m, arena *memory, worker_setup *setup, lb_error *err)
{
    size_t most = m->schedule_count;
    for (size_t i = 0; i < m->agent_count; i++)
        most += m->agents[i].tool_count;
    worker_set *sets = arena_alloc(memory, (most + 1) * sizeof *sets);
    if (!sets)
        return lb_out_of_memory(err);
    int r = 0;
    for (size_t i = 0; i < m->agent_count; i++)
        for (size_t k = 0; r >= 0 && k < m->agents[i].tool_count; k++) {
            const manifest_tool *t = &m->agents[i].tools[k];
            const worker_set set = {.tool = t->name, .where = "the tool's parameters"};
            r = add_set(m, &t->params, set, memory, setup, sets, err);
        }
    for (size_t i = 0; r >= 0 && i < m->schedule_count; i++) {
        const manifest_schedule *s = &m->schedules[i];
        const worker_set set = {.tool = s->tool,
                                .where = arena_printf(memory, "the tool's schedule %s", s->name ? s->name : s->cron),
                                .project = s->project,
                                .branch = s->branch};
        r = add_set(m, &s->params, set, memory, setup, sets, err);
    }
    setup->sets = sets;
    return r;
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

/* What is routine on which branches, and which class the manifest gives them. */
static int describe_policy(const manifest *m, arena *memory, worker_setup *setup, lb_error *err)
{
    gate_routine *routines = arena_alloc(memory, (m->routine_count + 1) * sizeof *routines);
    gate_class *classes = arena_alloc(memory, (m->target_count + 1) * sizeof *classes);
    if (!routines || !classes)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < m->routine_count; i++)
        routines[i] = (gate_routine){.kind = (gate_routine_kind)m->routines[i].what,
                                     .project = m->routines[i].project,
                                     .branch = m->routines[i].branch};
    for (size_t i = 0; i < m->target_count; i++)
        if (m->targets[i].branch_class)
            classes[setup->class_count++] = (gate_class){.project = m->targets[i].project,
                                                         .branch = m->targets[i].branch,
                                                         .branch_class = m->targets[i].branch_class};
    setup->routines = routines;
    setup->routine_count = m->routine_count;
    setup->classes = classes;
    return 0;
}

/* What is worth an alert, and when nobody is to be told. */
static int describe_alerting(const manifest *m, arena *memory, worker_setup *setup, lb_error *err)
{
    worker_threshold *thresholds = arena_alloc(memory, (m->threshold_count + 1) * sizeof *thresholds);
    worker_pause *pauses = arena_alloc(memory, (m->window_count + 1) * sizeof *pauses);
    if (!thresholds || !pauses)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < m->threshold_count; i++) {
        const manifest_threshold *t = &m->thresholds[i];
        thresholds[i] = (worker_threshold){.metric = t->metric,
                                           .warning = t->warning,
                                           .critical = t->critical,
                                           .below = t->below,
                                           .project = t->project,
                                           .branch = t->branch,
                                           .set_by = t->set_by,
                                           .set_on = t->set_on,
                                           .reason = t->reason};
    }
    for (size_t i = 0; i < m->window_count; i++) {
        const manifest_window *w = &m->windows[i];
        if (w->kind == MANIFEST_PAUSE)
            pauses[setup->pause_count++] = (worker_pause){.name = w->name,
                                                          .opens = w->opens,
                                                          .zone = w->timezone ? w->timezone : m->timezone,
                                                          .lasts_min = (uint32_t)w->lasts_min,
                                                          .project = w->project,
                                                          .branch = w->branch};
    }
    setup->thresholds = thresholds;
    setup->threshold_count = m->threshold_count;
    setup->pauses = pauses;
    return 0;
}

/* The manifest's plugin, or the given one, where that is installed; neither: none. */
static int describe_plugin(const supervisor *s, lb_kind kind, const char *otherwise, arena *memory,
                           worker_plugin *ret_plugin, lb_error *err)
{
    const manifest_service *named = manifest_find_service(s->manifest, kind);
    const char *name = named ? named->plugin : otherwise;
    const plugin_spec *spec = name ? registry_find(s->registry, kind, name) : NULL;
    if (!spec)
        return named ? lb_fail(err, LB_ERR_NOT_FOUND, "lbops check says what is wrong", "there is no %s service %s",
                               spec_kind_name(kind), name)
                     : 0;
    *ret_plugin = (worker_plugin){.name = spec->name, .path = spec->path};
    if (!named)
        return 0;
    ret_plugin->args = manifest_args(s->manifest, &named->params, memory, &ret_plugin->arg_count, err);
    if (!ret_plugin->args)
        return err->code;
    ret_plugin->args = environment_args(memory, spec_params(spec), ret_plugin->args, &ret_plugin->arg_count);
    return ret_plugin->args ? 0 : lb_out_of_memory(err);
}

/* The web services that tools may call. */
static int describe_sites(const manifest *m, arena *memory, worker_setup *setup, lb_error *err)
{
    worker_site *sites = arena_alloc(memory, (m->site_count + 1) * sizeof *sites);
    if (!sites)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < m->site_count; i++) {
        const manifest_site *site = &m->sites[i];
        char *token = NULL;
        int r = site->token ? manifest_secret_value(m, site->token, &token, err) : 0;
        if (r < 0)
            return lb_wrap(err, site->name);
        sites[i] = (worker_site){.name = site->name,
                                 .url = site->url,
                                 .kind = manifest_site_kind_name(site->kind),
                                 .token = token ? arena_strdup(memory, token) : NULL,
                                 .ca_file = site->ca};
        manifest_secret_free(token);
        if (site->token && !sites[i].token)
            return lb_out_of_memory(err);
    }
    setup->sites = sites;
    setup->site_count = m->site_count;
    return 0;
}

int supervisor_setup(const supervisor *s, arena *memory, worker_setup *ret_setup, lb_error *err)
{
    const manifest_limits *l = &s->manifest->limits;
    *ret_setup = (worker_setup){
        .outbox_dir = s->outbox_dir,
        .work_dir = s->manifest->directory,
        .log_level = s->log_level,
        .worker_memory_mb = (uint32_t)l->worker_memory_mb,
        .run_memory_mb = (uint32_t)l->run_memory_mb,
        .result_mb = (uint32_t)l->result_mb,
        .run_events = (uint32_t)l->run_events,
        .run_records = (uint32_t)l->run_records,
        .connection_idle_s = (uint32_t)l->connection_idle_s,
        .grace_s = (uint32_t)l->grace_s,
        .outbox_mb = (uint32_t)l->outbox_mb,
        .forbids_models = s->manifest->models.forbid,
        .can_ask = s->book != NULL,
        .run_asks = RUN_ASKS,
        .journal_dir = s->book ? s->journal_dir : NULL,
    };
    int r = describe_tools(s, memory, ret_setup, err);
    if (r >= 0)
        r = describe_sets(s->manifest, memory, ret_setup, err);
    if (r >= 0)
        r = describe_rules(s->manifest, memory, ret_setup, err);
    if (r >= 0)
        r = describe_policy(s->manifest, memory, ret_setup, err);
    if (r >= 0)
        r = describe_alerting(s->manifest, memory, ret_setup, err);
    if (r >= 0)
        r = describe_plugin(s, LB_KIND_TRANSPORT, NULL, memory, &ret_setup->transport, err);
    if (r >= 0)
        r = describe_plugin(s, LB_KIND_MODEL, default_model, memory, &ret_setup->model, err);
    if (r >= 0)
        r = describe_plugin(s, LB_KIND_HTTP, default_http, memory, &ret_setup->http, err);
    return r < 0 ? r : describe_sites(s->manifest, memory, ret_setup, err);
}

/* ---- the state service ---- */

/* The manifest's, or the one for a single host where that is installed; NULL: none. */
static const plugin_spec *find_state(const supervisor *s, const manifest_service **ret_service, lb_error *err)
{
    *ret_service = manifest_find_service(s->manifest, LB_KIND_STATE);
    const char *name = *ret_service ? (*ret_service)->plugin : default_state;
    const plugin_spec *spec = registry_find(s->registry, LB_KIND_STATE, name);
    err->code = 0;
    if (!spec && *ret_service)
        (void)lb_fail(err, LB_ERR_NOT_FOUND, "lbops check says what is wrong", "there is no state service %s", name);
    return spec;
}

int supervisor_open_book(supervisor *s, const book_hooks *hooks, lb_error *err)
{
    const manifest_service *named = NULL;
    const plugin_spec *spec = find_state(s, &named, err);
    arena memory;
    size_t count = 0;
    if (!spec)
        return err->code; /* 0: it does without, and so without approvals */
    arena_init(&memory, 0);
    const param_arg *args = named ? manifest_args(s->manifest, &named->params, &memory, &count, err) : NULL;
    int r = named && !args ? err->code : 0;
    if (args && !(args = environment_args(&memory, spec_params(spec), args, &count)))
        r = lb_out_of_memory(err);
    const service_options wishes = {
        .loop = s->loop,
        .program = s->program,
        .kind = LB_KIND_STATE,
        .plugin = spec->name,
        .path = spec->path,
        .args = args,
        .arg_count = count,
        .state_dir = s->manifest->state_dir,
        .work_dir = s->manifest->directory,
        .log_level = s->log_level,
    };
    const book_options options = {.loop = s->loop,
                                  .service = &wishes,
                                  .state_dir = s->manifest->state_dir,
                                  .one_shot = !s->daemon,
                                  .hooks = *hooks};
    if (r >= 0)
        r = book_new(&options, &s->book, err);
    arena_done(&memory);
    return r;
}
