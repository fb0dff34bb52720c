/* The manifest against the plugins that are there. */
#include "event_kinds.h"
#include "manifest_internal.h"
#include "nearest.h"
#include "pattern.h"
#include "selftest_tool.h"
#include "target_tool.h"

typedef struct checker {
    const manifest *m;
    const registry *r;
    manifest_problems *problems;
} checker;

static LB_PRINTF(6, 7) void report(const checker *c, manifest_place place, bool warning, int code, const char *hint,
                                   const char *fmt, ...)
{
    char message[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args); /* a long message is cut, not lost */
    va_end(args);
    manifest_problem_add(c->problems, place, warning, code, hint, "%s", message);
}

/* ---- plugins ---- */

/* The refusal of NAME.so, if there was one: it explains best why a plugin is not there. */
static const registry_refusal *find_refusal(const registry *r, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < registry_refusal_count(r); i++) {
        const registry_refusal *refusal = registry_refusal_at(r, i);
        const char *slash = strrchr(refusal->path, '/'), *file = slash ? slash + 1 : refusal->path;
        if (strncmp(file, name, length) == 0 && strcmp(file + length, ".so") == 0)
            return refusal;
    }
    return NULL;
}

static const plugin_spec *find_any_kind(const registry *r, const char *name)
{
    for (size_t i = 0; i < registry_count(r); i++)
        if (strcmp(registry_at(r, i)->name, name) == 0)
            return registry_at(r, i);
    return NULL;
}

/* NULL, with a problem, when there is no such plugin. */
static const plugin_spec *find_plugin(const checker *c, lb_kind kind, const char *name, manifest_place place,
                                      bool warning)
{
    const plugin_spec *spec = name ? registry_find(c->r, kind, name) : NULL, *other;
    const registry_refusal *refusal;
    char hint[256];
    if (spec || !name) /* a name that is missing has been said already */
        return spec;
    if ((other = find_any_kind(c->r, name))) {
        report(c, place, warning, LB_ERR_INVALID, NULL, "%s is a plugin of the kind %s, not %s", name,
               spec_kind_name(other->kind), spec_kind_name(kind));
    } else if ((refusal = find_refusal(c->r, name))) {
        report(c, place, warning, refusal->error.code, refusal->error.hint, "%s %s was refused: %s",
               spec_kind_name(kind), name, refusal->error.message);
    } else {
        const char *nearest = registry_nearest(c->r, kind, name);
        if (nearest)
            (void)snprintf(hint, sizeof hint, "did you mean %s?", nearest); /* names are short */
        else
            (void)snprintf(hint, sizeof hint, "no %s.so in %.180s", name, c->m->plugin_dirs[0]); /* cut, not lost */
        report(c, place, warning, LB_ERR_NOT_FOUND, hint, "there is no %s %s", spec_kind_name(kind), name);
    }
    return NULL;
}

/* ---- parameters ---- */

static bool find_row(param_rows rows, const char *name, lb_param *ret_row)
{
    size_t count = params_count(rows);
    for (size_t i = 0; i < count; i++) {
        *ret_row = params_at(rows, i);
        if (strcmp(ret_row->name, name) == 0)
            return true;
    }
    return false;
}

static void refuse_param(const checker *c, const plugin_spec *spec, const manifest_param *param)
{
    char hint[128];
    name_list names = {0};
    param_rows rows = spec_params(spec);
    size_t count = params_count(rows);
    for (size_t i = 0; i < count; i++)
        name_list_add(&names, params_at(rows, i).name);
    report(c, param->place, false, LB_ERR_INVALID,
           name_list_hint(&names, param->name, count ? NULL : "it takes none", hint, sizeof hint),
           "%s has no parameter %s", spec->name, param->name);
    name_list_done(&names);
}

static void check_secret(const checker *c, const plugin_spec *spec, const manifest_param *param, const lb_param *row)
{
    bool wants_secret = row->type == LB_SECRET;
    if (wants_secret && !param->secret)
        report(c, param->place, false, LB_ERR_INVALID,
               "write { secret = \"NAME\" } and put NAME under [secrets]; change a secret that has been in a file",
               "%s: %s is a secret and stands in the manifest itself", spec->name, param->name);
    else if (!wants_secret && param->secret)
        report(c, param->place, false, LB_ERR_INVALID, "write the value itself",
               "%s: %s is shown in logs and takes no secret", spec->name, param->name);
}

static void check_param(const checker *c, const plugin_spec *spec, const manifest_param *param, bool has_templates)
{
    lb_param row;
    lb_error err;
    if (!param->text && !param->secret)
        return; /* its type was wrong: said already */
    if (!find_row(spec_params(spec), param->name, &row)) {
        refuse_param(c, spec, param);
        return;
    }
    if (param->secret || row.type == LB_SECRET)
        check_secret(c, spec, param, &row);
    else if (has_templates && strstr(param->text, "{payload."))
        return; /* judged when the event is there */
    else if (params_check_value(&row, param->text, &err) < 0)
        report(c, param->place, false, err.code, err.hint, "%s: %s", spec->name,
               err.message + strspn(err.message, "-")); /* it is no option of a command line here */
}

static bool is_given(const manifest_params *params, const char *name)
{
    for (size_t i = 0; params && i < params->count; i++)
        if (strcmp(params->items[i].name, name) == 0)
            return true;
    return false;
}

/* What a service may find in our environment (environment.h). */
static bool is_in_environment(const plugin_spec *spec, const lb_param *row)
{
    const char *value = spec->kind != LB_KIND_TOOL && row->env ? getenv(row->env) : NULL;
    return value && *value;
}

/* Nobody is there to give what is missing: when `why` says that a run starts by itself, required parameters must be
 * here. */
static void check_required(const checker *c, const plugin_spec *spec, manifest_place place,
                           const manifest_params *first, const manifest_params *second, const char *why)
{
    param_rows rows = spec_params(spec);
    size_t count = params_count(rows);
    for (size_t i = 0; i < count; i++) {
        lb_param row = params_at(rows, i);
        if (row.required && !is_given(first, row.name) && !is_given(second, row.name) && !is_in_environment(spec, &row))
            report(c, place, false, LB_ERR_INVALID, row.doc, "%s needs its parameter %s, as %s", spec->name, row.name,
                   why);
    }
}

/* ---- services ---- */

static void check_service(const checker *c, const manifest_service *service)
{
    const plugin_spec *spec = find_plugin(c, service->kind, service->plugin, service->place, false);
    if (!spec)
        return;
    if (spec->kind != LB_KIND_TRANSPORT && params_count(spec_params(spec)) == 0)
        return; /* such a plugin may judge its parameters by itself, in its own process */
    for (size_t i = 0; i < service->params.count; i++)
        check_param(c, spec, &service->params.items[i], false);
    check_required(c, spec, service->place, &service->params, NULL, "the service cannot start without it");
}

/* ---- tools ---- */

static void check_calls(const checker *c, const manifest_tool *tool, const plugin_spec *spec)
{
    for (char *const *called = spec->calls; called && *called; called++)
        if (strcmp(*called, TARGET_TOOL) != 0 && !registry_find(c->r, LB_KIND_TOOL, *called))
            report(c, tool->place, false, LB_ERR_NOT_FOUND, "build that tool as well, or disable this one",
                   "%s calls %s, which is not there", spec->name, *called);
}

static void check_tool(const checker *c, const manifest_tool *tool)
{
    const plugin_spec *spec = find_plugin(c, LB_KIND_TOOL, tool->name, tool->place, tool->disabled);
    if (!spec)
        return;
    for (size_t i = 0; i < tool->params.count; i++)
        check_param(c, spec, &tool->params.items[i], false);
    if (tool->disabled)
        return;
    check_calls(c, tool, spec);
    const char *schedule = tool->schedule ? tool->schedule : spec->schedule;
    if (schedule && *schedule)
        check_required(c, spec, tool->place, &tool->params, NULL, "it runs by schedule");
    else if (tool->window)
        report(c, tool->place, true, LB_ERR_CONFLICT, "give it a schedule, or name the window in its [[schedules]]",
               "%s has no schedule that its window %s could hold back", tool->name, tool->window);
}

/* One more schedule of a tool. */
static void check_schedule(const checker *c, const manifest_schedule *schedule)
{
    const plugin_spec *spec = schedule->tool ? registry_find(c->r, LB_KIND_TOOL, schedule->tool) : NULL;
    const manifest_tool *tool = schedule->tool ? manifest_find_tool(c->m, schedule->agent, schedule->tool, NULL) : NULL;
    if (!spec)
        return; /* said where the agent names it */
    for (size_t i = 0; i < schedule->params.count; i++)
        check_param(c, spec, &schedule->params.items[i], false);
    check_required(c, spec, schedule->place, &schedule->params, tool ? &tool->params : NULL, "it runs by schedule");
    if (spec->workspace && (schedule->project || schedule->branch))
        report(c, schedule->place, false, LB_ERR_INVALID, "leave project and branch out",
               "[[schedules]] %s works on the workspace as a whole, not on branches", schedule->tool);
}

static bool runs_by_schedule(const checker *c, const manifest_tool *tool)
{
    const plugin_spec *spec = tool->name ? registry_find(c->r, LB_KIND_TOOL, tool->name) : NULL;
    const char *schedule = tool->schedule ? tool->schedule : spec ? spec->schedule : NULL;
    return !tool->disabled && schedule && *schedule;
}

/* The same tool scheduled in two agents runs twice; seldom is that meant. */
static void check_twice(const checker *c, const manifest_agent *agent, const manifest_tool *tool)
{
    for (const manifest_agent *earlier = c->m->agents; earlier < agent; earlier++) {
        const manifest_tool *other = manifest_find_tool(c->m, earlier->name, tool->name, NULL);
        if (!other || !runs_by_schedule(c, other) || !runs_by_schedule(c, tool))
            continue;
        report(c, tool->place, true, LB_ERR_CONFLICT, "write schedule = \"\" in one of them",
               "%s is scheduled by the agents %s and %s: it runs for both", tool->name, earlier->name, agent->name);
        return;
    }
}

/* ---- subscriptions ---- */

/* Every kind that can come: the platform's own, whether a tool that is loaded emits it or not, and those of authors. */
static void list_events(const checker *c, name_list *events)
{
    for (size_t i = 0; i < event_kind_count(); i++)
        name_list_add(events, event_kind_at(i)->name);
    for (size_t i = 0; i < registry_count(c->r); i++)
        for (char *const *event = registry_at(c->r, i)->emits; event && *event; event++)
            name_list_add(events, *event);
}

static void check_event(const checker *c, const manifest_subscription *subscription)
{
    char hint[128];
    name_list events = {0};
    bool found = false;
    list_events(c, &events);
    for (size_t i = 0; i < events.count && !found; i++)
        found = pattern_matches(subscription->event, events.items[i]);
    if (!found)
        report(
            c, subscription->place, false, LB_ERR_NOT_FOUND,
            name_list_hint(&events, subscription->event, "lbops tools shows what each tool emits", hint, sizeof hint),
            "no tool emits the event %s", subscription->event);
    name_list_done(&events);
}

static void check_subscription(const checker *c, const manifest_subscription *subscription)
{
    if (!subscription->event || !subscription->tool)
        return;
    const plugin_spec *spec = registry_find(c->r, LB_KIND_TOOL, subscription->tool);
    const manifest_tool *tool = manifest_find_tool(c->m, NULL, subscription->tool, NULL);
    check_event(c, subscription);
    if (!spec)
        return; /* said where the agent names it */
    for (size_t i = 0; i < subscription->params.count; i++)
        check_param(c, spec, &subscription->params.items[i], true);
    check_required(c, spec, subscription->place, &subscription->params, tool ? &tool->params : NULL,
                   "an event starts it");
}

/* ---- the gate ---- */

/* A rule for a tool that does not exist guards nothing. */
static void check_rule(const checker *c, const manifest_rule *rule)
{
    if (!rule->tool || pattern_matches(rule->tool, TARGET_TOOL) || pattern_matches(rule->tool, SELFTEST_TOOL))
        return; /* these come with the host */
    for (size_t i = 0; i < registry_count(c->r); i++)
        if (registry_at(c->r, i)->kind == LB_KIND_TOOL && pattern_matches(rule->tool, registry_at(c->r, i)->name))
            return;
    if (!strpbrk(rule->tool, "*?"))
        (void)find_plugin(c, LB_KIND_TOOL, rule->tool, rule->place, false); /* for its problem: there is none */
    else
        report(c, rule->place, true, LB_ERR_NOT_FOUND, "lbops tools lists them", "[[gate]] no tool matches %s",
               rule->tool);
}

/* ---- all of it ---- */

/* Tools that look at a branch need something to reach it with. */
static void check_transport(const checker *c)
{
    if (manifest_find_service(c->m, LB_KIND_TRANSPORT))
        return;
    for (size_t i = 0; i < c->m->agent_count; i++) {
        for (size_t k = 0; k < c->m->agents[i].tool_count; k++) {
            const manifest_tool *tool = &c->m->agents[i].tools[k];
            const plugin_spec *spec = registry_find(c->r, LB_KIND_TOOL, tool->name);
            if (!spec || spec->workspace || tool->disabled)
                continue;
            report(c, (manifest_place){.file = c->m->path}, false, LB_ERR_INVALID,
                   "add [services.transport] with a plugin, such as transport_local",
                   "%s works on branches, and there is no transport to reach them", tool->name);
            return;
        }
    }
}

/* A transport may answer in the services' place, as fixtures do: so without the plugin it is worth saying and no more.
 */
static void check_sites(const checker *c)
{
    if (c->m->site_count && !manifest_find_service(c->m, LB_KIND_HTTP))
        (void)find_plugin(c, LB_KIND_HTTP, "http_rest", c->m->sites[0].place, true); /* for its problem */
}

void manifest_check(const manifest *m, const registry *r, manifest_problems *problems)
{
    checker c = {m, r, problems};
    check_transport(&c);
    check_sites(&c);
    for (size_t i = 0; i < m->service_count; i++)
        check_service(&c, &m->services[i]);
    for (size_t i = 0; i < m->agent_count; i++) {
        for (size_t k = 0; k < m->agents[i].tool_count; k++) {
            check_tool(&c, &m->agents[i].tools[k]);
            check_twice(&c, &m->agents[i], &m->agents[i].tools[k]);
        }
    }
    for (size_t i = 0; i < m->schedule_count; i++)
        check_schedule(&c, &m->schedules[i]);
    for (size_t i = 0; i < m->subscription_count; i++)
        check_subscription(&c, &m->subscriptions[i]);
    for (size_t i = 0; i < m->rule_count; i++)
        check_rule(&c, &m->rules[i]);
    for (size_t i = 0; i < m->job_count; i++)
        for (char *const *tool = m->jobs[i].tools; tool && *tool; tool++)
            (void)find_plugin(&c, LB_KIND_TOOL, *tool, m->jobs[i].place, false); /* for its problem */
}
