/* How a run begins: what was asked for is held against manifest and plugins, written down in the state, and given to a
 * worker. */
#include "supervisor_internal.h"

#include "approved.h"
#include "log.h"
#include "nearest.h"
#include "service_state.h"
#include "targets.h"

static void supervisor_begin(running *r); /* through the state to the pool */

static running *supervisor_running_new(supervisor *s)
{
    running *r = base_alloc(sizeof *r);
    r->supervisor = s;
    r->claims = BUF_INIT((size_t)64 * 1024 * 1024);
    r->answers = BUF_INIT((size_t)4 * 1024 * 1024);
    arena_init(&r->memory, 0);
    r->older = s->newest;
    if (s->newest)
        s->newest->newer = r;
    s->newest = r;
    s->pending++;
    return r;
}

running *supervisor_running_free(running *r)
{
    r->supervisor->pending -= !r->is_told;
    if (r->older)
        r->older->newer = r->newer;
    if (r->newer)
        r->newer->older = r->older;
    else
        r->supervisor->newest = r->older;
    for (size_t i = 0; i < r->ask_count; i++)
        free(r->asks[i].document);
    free(r->asks);
    free(r->ticket.record);
    free(r->memory_key);
    json_put_holder(&r->events);
    buf_done(&r->claims);
    buf_done(&r->answers);
    arena_done(&r->memory);
    free(r);
    return NULL;
}

static const char *keep(running *r, const char *text)
{
    return text ? arena_strdup(&r->memory, text) : NULL;
}

/* NULL: there is none by that name, or it was refused. */
static const plugin_spec *find_tool(const supervisor *s, const char *name, lb_error *err)
{
    char hint[128];
    const plugin_spec *spec = registry_find(s->registry, LB_KIND_TOOL, name);
    if (spec)
        return spec;
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

/* What may be meant by a name that none has, or all that there are. */
static const char *list_targets(const manifest *m, const char *what, const char *wanted, char *text, size_t bytes)
{
    if (!m->target_count)
        return "name a branch under [[targets]] of the manifest";
    const char **names = base_alloc(m->target_count * sizeof *names);
    for (size_t i = 0; i < m->target_count; i++)
        names[i] = m->targets[i].pattern         ? NULL
                   : strcmp(what, "branch") == 0 ? m->targets[i].branch
                                                 : m->targets[i].project;
    const char *nearest = wanted ? nearest_name(wanted, names, m->target_count) : NULL;
    free(names);
    if (nearest) {
        (void)snprintf(text, bytes, "did you mean --%s %.100s?", what, nearest); /* cut, not lost */
        return text;
    }
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
    const char *wanted = fitting > 0 ? NULL : ask->branch ? ask->branch : ask->project;
    const char *what = ask->branch ? "branch" : "project";
    if (!ask->project || !ask->branch)
        return lb_fail(err, LB_ERR_INVALID, list_targets(m, what, wanted, hint, sizeof hint), "%s needs a target%s%s",
                       ask->tool, wanted ? ", and the manifest has none called " : "", wanted ? wanted : "");
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

static uint32_t timeout_of(const supervisor *s, const run_ask *ask, const manifest_tool *entry, const plugin_spec *spec)
{
    uint32_t timeout = ask->timeout_s              ? ask->timeout_s
                       : entry && entry->timeout_s ? entry->timeout_s
                       : spec->timeout_s           ? spec->timeout_s
                                                   : (uint32_t)s->manifest->limits.run_timeout_s;
    return ask->most_s && ask->most_s < timeout ? ask->most_s : timeout;
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
    q->tool = keep(r, spec->name);
    q->agent = keep(r, agent ? agent : spec->agent);
    q->path = keep(r, spec->path);
    q->target = (lb_target){keep(r, target.project), keep(r, target.branch), target.branch_class};
    q->plan = ask->plan;
    q->actor_kind = ask->actor_kind;
    q->actor = keep(r, ask->actor);
    q->reason = keep(r, ask->reason);
    q->risk = spec->risk;
    q->needs_approval = entry && entry->needs_approval >= 0 ? entry->needs_approval : spec->needs_approval;
    q->timeout_s = timeout_of(s, ask, entry, spec);
    q->record_dir = keep(r, ask->record_dir);
    q->budget_us = ask->budget_us;
    q->wake = ask->wake || (!ask->budget_us && targets_may_wake(s->manifest, &target));
    q->looks = ask->looks;
    q->alone_since = q->wake ? 0 : ask->alone_since;
    q->awake_from = ask->awake_from;
    if (spec->remembers && s->book)
        r->memory_key =
            target.project ? base_printf("%s@%s/%s", q->tool, target.project, target.branch) : base_strdup(q->tool);
    return 0;
}

static void keep_claims(running *r, const run_ask *ask)
{
    for (size_t i = 0; i < ask->claim_count; i++)
        state_put_op(&r->claims, &ask->claims[i]);
}

int supervisor_run(supervisor *s, const run_ask *ask, char ret_id[ID_TEXT], lb_error *err)
{
    if (s->is_dead) {
        *err = s->dead;
        return err->code;
    }
    running *r = supervisor_running_new(s);
    int code = fill_request(s, ask, r, err);
    if (code < 0) {
        (void)supervisor_running_free(r); /* gives NULL */
        return code;
    }
    r->watch = ask->watch;
    r->origin = keep(r, ask->origin);
    r->cause = ask->cause;
    r->depth = ask->depth;
    keep_claims(r, ask);
    if (ret_id)
        memcpy(ret_id, r->request.id, ID_TEXT);
    supervisor_begin(r);
    return 0;
}

bool supervisor_has_tool(const supervisor *s, const char *tool)
{
    return registry_find(s->registry, LB_KIND_TOOL, tool) != NULL;
}

bool supervisor_is_workspace_tool(const supervisor *s, const char *tool)
{
    const plugin_spec *spec = registry_find(s->registry, LB_KIND_TOOL, tool);
    return spec && spec->workspace;
}

static bool has_name(char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

const plugin_spec *supervisor_spec(const supervisor *s, const char *tool)
{
    return registry_find(s->registry, LB_KIND_TOOL, tool);
}

const char *supervisor_caller_of(const supervisor *s, const char *tool)
{
    for (size_t i = 0; i < registry_count(s->registry); i++) {
        const plugin_spec *spec = registry_at(s->registry, i);
        if (spec->kind == LB_KIND_TOOL && has_name(spec->calls, tool))
            return spec->name;
    }
    return NULL;
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
    if (s->is_dead) {
        *err = s->dead;
        return err->code;
    }
    running *r = supervisor_running_new(s);
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
        (void)supervisor_running_free(r); /* gives NULL */
        return code;
    }
    id_new(q->id);
    r->watch = ask->watch;
    memcpy(ret_id, q->id, ID_TEXT);
    supervisor_begin(r);
    return 0;
}

int supervisor_list_targets(supervisor *s, const run_ask *ask, char ret_id[ID_TEXT], lb_error *err)
{
    const run_ask listing = {
        .tool = TARGETS_TOOL, .actor_kind = ask->actor_kind, .actor = ask->actor, .watch = ask->watch};
    return supervisor_run_own(s, &listing, ret_id, err);
}

/* The run of an approved group. Its claim moves the request on, so that it happens once. */
int supervisor_execute(void *state, const approval_order *order, run_watch watch, lb_error *err)
{
    supervisor *s = state;
    running *r = supervisor_running_new(s);
    run_request *q = &r->request;
    param_arg *args = arena_alloc(&r->memory, 2 * sizeof *args);
    BUF_AUTO origin = BUF_INIT((size_t)16 * 1024 * 1024);
    buf_putc(&origin, '{');
    json_member_string(&origin, "approval", order->id);
    json_member_raw(&origin, "record", order->ticket.record);
    buf_putc(&origin, '}');
    id_new(q->id);
    q->tool = APPROVED_TOOL;
    q->path = "";
    q->target = (lb_target){keep(r, order->target.project), keep(r, order->target.branch), order->target.branch_class};
    q->actor_kind = GATE_PERSON;
    q->actor = keep(r, order->actor);
    q->reason = keep(r, order->reason);
    q->risk = LB_RISK_HIGH;
    q->timeout_s = APPROVED_TIMEOUT_S;
    r->has_ticket = true;
    r->ticket = order->ticket;
    r->watch = watch;
    r->origin = keep(r, buf_text(&origin));
    if (args) {
        args[0] = (param_arg){.name = "approval", .text = keep(r, order->document)};
        args[1] = (param_arg){.name = "approval_id", .text = keep(r, order->id)};
    }
    q->args = args;
    q->arg_count = 2;
    if (!args || !args[0].text || !args[1].text || !r->origin) {
        (void)supervisor_running_free(r); /* gives NULL */
        return lb_out_of_memory(err);
    }
    supervisor_begin(r);
    return 0;
}

/* ---- through the state ---- */

static void supervisor_refuse(running *r, const lb_error *error)
{
    supervisor *s = r->supervisor;
    const run_watcher *w = r->watch.watcher;
    if (s->hooks.refused)
        s->hooks.refused(s->hooks.state, &r->request, error);
    if (w && w->refused)
        w->refused(r->watch.tag, r->request.id, error);
    if (s->hooks.refused || (w && w->refused)) {
        (void)supervisor_running_free(r); /* gives NULL */
        return;
    }
    r->outcome = (run_outcome){
        .request = &r->request,
        .done = {.status = RUN_FAILED, .error = *error, .result = "{}", .started_at = clock_now()},
        .changes = "[]",
        .events = "[]",
    };
    supervisor_tell(r);
}

/* It stands in the state, and nobody wants it any more. */
static void end_unserved(running *r)
{
    const supervisor *s = r->supervisor;
    r->outcome = (run_outcome){
        .request = &r->request,
        .done = {.status = RUN_FAILED, .result = "{}", .started_at = clock_now()},
        .changes = "[]",
        .events = "[]",
    };
    if (s->is_dead)
        r->outcome.done.error = s->dead;
    else
        (void)lb_fail(&r->outcome.done.error, LB_ERR_CANCELLED, NULL, "cancelled before it began");
    supervisor_end(r);
}

static void on_begun(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    supervisor *s = owner;
    running *r = tag;
    lb_error taken;
    const run_watcher *w = r->watch.watcher;
    buf_done(&r->claims);
    if (!error && failed >= 0)
        error = (lb_fail(&taken, LB_ERR_CONFLICT, NULL, "somebody else has begun this already"), &taken);
    if (error) {
        supervisor_refuse(r, error);
        return;
    }
    if (w && w->begun)
        w->begun(r->watch.tag, r->request.id, version);
    if (s->is_dead || r->is_cancelled)
        end_unserved(r);
    else
        pool_submit(s->pool, &r->request);
}

static void begin(running *r);

static void on_memory(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    running *r = tag;
    lb_state_doc doc;
    (void)owner;
    if (error) {
        supervisor_refuse(r, error);
        return;
    }
    bool is_known = state_get_doc(docs, &doc);
    r->request.memory = is_known ? keep(r, doc.body) : "";
    begin(r);
}

/* Looked up before the run begins, so that it is what the last one that ended left behind. True: it is on its way. */
static bool fetch_memory(running *r)
{
    const lb_state_query q = {.size = sizeof q, .space = MEMORY_SPACE, .key = r->memory_key};
    if (!r->memory_key || r->request.memory)
        return false;
    state_list(book_state(r->supervisor->book), &q, on_memory, r->supervisor, r);
    return true;
}

static void begin(running *r)
{
    supervisor *s = r->supervisor;
    lb_error error;
    if (suspend_check(s->suspended, r->request.tool, &error) < 0) {
        supervisor_refuse(r, &error);
        return;
    }
    if (!s->book) {
        if (r->is_cancelled)
            end_unserved(r);
        else
            pool_submit(s->pool, &r->request);
        return;
    }
    if (fetch_memory(r))
        return;
    state_client *state = book_state(s->book);
    state_begin(state, on_begun, s, r);
    book_put_begin(s->book, &r->request, r->origin);
    if (r->has_ticket) {
        const approval_order order = {.id = r->ticket.id, .ticket = r->ticket};
        approvals_put_begin(s->approvals, &order, r->request.id);
    }
    state_ops(state, &r->claims); /* last: it is their version that the answer tells */
    state_end(state);
}

static void supervisor_begin(running *r)
{
    supervisor *s = r->supervisor;
    if (s->is_dead) {
        supervisor_refuse(r, &s->dead);
    } else if (s->is_ready) {
        begin(r);
    } else {
        *s->waiting_end = r;
        s->waiting_end = &r->next;
    }
}

void supervisor_begin_waiting(supervisor *s)
{
    while (s->waiting) {
        running *r = s->waiting;
        s->waiting = r->next;
        if (!s->waiting)
            s->waiting_end = &s->waiting;
        supervisor_begin(r);
    }
}
