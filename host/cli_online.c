/* check --online: every branch that the manifest looks after is looked at, several at once, by a tool in a worker; what
 * the manifest's tools need and a branch lacks is said, with the tools that it limits. Then its alert services. */
#include "cli_online.h"

#include "json.h"
#include "log.h"
#include "online_tool.h"
#include "targets.h"

#define LONGEST_LOOK_S 30 /* somebody waits for it */

typedef struct look {
    char *project, *branch;
    char id[ID_TEXT];
    bool ended;
    run_status status;
    lb_error error;
    struct json_object *result;
} look;

typedef struct online {
    const cli *c;
    supervisor *supervisor;
    struct ev_loop *loop;
    look *looks;
    size_t count, capacity, pending;
    bool listing;
    lb_error listing_error; /* code 0: none */
    online_alerts *alerts;
} online;

/* ---- looking ---- */

static void add_look(void *arg, const lb_target *target)
{
    online *o = arg;
    BASE_PUSH(o->looks, o->count, o->capacity);
    o->looks[o->count++] = (look){.project = base_strdup(target->project), .branch = base_strdup(target->branch)};
}

static void start_looks(online *o)
{
    for (size_t i = 0; i < o->count; i++) {
        look *k = &o->looks[i];
        const run_ask ask = {.tool = ONLINE_TOOL,
                             .project = k->project,
                             .branch = k->branch,
                             .branch_class = LB_BRANCH_PRODUCTION,
                             .actor_kind = GATE_PERSON,
                             .actor = cli_user(),
                             .timeout_s = LONGEST_LOOK_S};
        k->ended = supervisor_run_own(o->supervisor, &ask, k->id, &k->error) < 0;
        k->status = RUN_FAILED;
        o->pending += !k->ended;
    }
    if (!o->pending)
        ev_break(o->loop, EVBREAK_ALL);
}

static void take_listing(online *o, const run_outcome *outcome, const char *document)
{
    o->listing = false;
    bool listed = outcome->done.status == RUN_OK;
    if (!listed)
        o->listing_error = outcome->done.error;
    targets_each(o->c->manifest, listed ? document : NULL, add_look, o);
    start_looks(o);
}

static void on_ended(void *state, const run_outcome *outcome, const char *document)
{
    online *o = state;
    if (o->listing) {
        take_listing(o, outcome, document);
        return;
    }
    for (size_t i = 0; i < o->count; i++) {
        look *k = &o->looks[i];
        if (k->ended || strcmp(k->id, outcome->request->id) != 0)
            continue;
        lb_error ignored;
        k->ended = true;
        k->status = outcome->done.status;
        k->error = outcome->done.error;
        const char *result = outcome->done.result ? outcome->done.result : "{}";
        k->result = json_parse(result, strlen(result), &ignored); /* of our own making */
        if (--o->pending == 0)
            ev_break(o->loop, EVBREAK_ALL);
    }
}

static void on_log(void *state, const run_request *request, lb_level level, const char *tool, const char *text)
{
    (void)state;
    (void)request;
    log_line(level, tool, "%s", text);
}

static int look_at_all(online *o, lb_error *err)
{
    const manifest *m = o->c->manifest;
    const supervisor_options options = {.manifest = m,
                                        .registry = o->c->registry,
                                        .loop = o->loop,
                                        .log_level = o->c->log_level,
                                        .hooks = {.state = o, .ended = on_ended, .log = on_log}};
    char id[ID_TEXT];
    int r = supervisor_new(&options, &o->supervisor, err);
    if (r < 0)
        return r;
    o->listing = targets_have_patterns(m);
    const run_ask listing = {
        .tool = TARGETS_TOOL, .actor_kind = GATE_PERSON, .actor = cli_user(), .timeout_s = LONGEST_LOOK_S};
    if (o->listing)
        r = supervisor_run_own(o->supervisor, &listing, id, err);
    else {
        targets_each(m, NULL, add_look, o);
        start_looks(o);
    }
    if (r >= 0 && (o->listing || o->pending))
        (void)ev_run(o->loop, 0);                   /* ends through on_ended */
    o->supervisor = supervisor_free(o->supervisor); /* gives NULL */
    return r < 0 ? r : 0;
}

/* ---- judging ---- */

typedef enum ability { ABILITY_HAS, ABILITY_COULD, ABILITY_NONE } ability;

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) ? value : NULL;
}

static const char *text(struct json_object *object, const char *name)
{
    const char *value = json_object_get_string(member(object, name));
    return value ? value : "";
}

/* "extension pg_stat_statements": a kind and a name. */
static ability judge(struct json_object *result, const char *need)
{
    size_t kind = strcspn(need, " ");
    const char *name = need + kind + 1;
    if (strncmp(need, "version ", 8) == 0)
        return json_object_get_int64(member(result, "major")) >= strtol(name, NULL, 10) ? ABILITY_HAS : ABILITY_NONE;
    struct json_object *list = member(result, "abilities");
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *a = json_object_array_get_idx(list, i);
        if (strlen(text(a, "kind")) == kind && strncmp(text(a, "kind"), need, kind) == 0 &&
            strcmp(text(a, "name"), name) == 0)
            return json_object_get_boolean(member(a, "has")) ? ABILITY_HAS : ABILITY_COULD;
    }
    return ABILITY_NONE;
}

static void advise(const char *need, ability a, struct json_object *result, char *into, size_t size)
{
    const char *name = need + strcspn(need, " ") + 1, *role = text(result, "role");
    if (strncmp(need, "version ", 8) == 0)
        (void)snprintf(into, size, "it is %s", text(result, "version")); /* short */
    else if (a == ABILITY_NONE)
        (void)snprintf(into, size, "this server does not offer it"); /* short */
    else if (strncmp(need, "role ", 5) == 0)
        (void)snprintf(into, size, "somebody who may has to grant %s to %s", name, role); /* names are short */
    else
        (void)snprintf(into, size, "CREATE EXTENSION %s makes it", name); /* names are short */
}

/* Is the tool one of the manifest's? Without agents all of them are. */
static bool is_wired(const manifest *m, const char *tool)
{
    const char *agent = NULL;
    return !m->agent_count || manifest_find_tool(m, NULL, tool, &agent);
}

static bool needs_it(const plugin_spec *spec, const char *need)
{
    for (char *const *n = spec->needs; *n; n++)
        if (strcmp(*n, need) == 0)
            return true;
    return false;
}

/* The next tool that needs it; *i is where to go on. */
static const plugin_spec *next_limited(const cli *c, const char *need, size_t *i)
{
    while (*i < registry_count(c->registry)) {
        const plugin_spec *spec = registry_at(c->registry, (*i)++);
        if (spec->kind == LB_KIND_TOOL && needs_it(spec, need) && is_wired(c->manifest, spec->name))
            return spec;
    }
    return NULL;
}

/* Calls `tell` for each need that the branch does not meet, once. */
static void each_lack(const cli *c, const look *k,
                      void (*tell)(const cli *c, const look *k, const char *need, const char *advice, void *arg),
                      void *arg)
{
    char advice[300];
    for (size_t i = 0; i < registry_count(c->registry); i++) {
        const plugin_spec *spec = registry_at(c->registry, i);
        for (char *const *need = spec->needs; *need; need++) {
            size_t first = 0;
            ability a = judge(k->result, *need);
            if (a == ABILITY_HAS || next_limited(c, *need, &first) != spec)
                continue; /* said with the first tool that has it */
            advise(*need, a, k->result, advice, sizeof advice);
            tell(c, k, *need, advice, arg);
        }
    }
}

/* ---- telling ---- */

static void tell_text(const cli *c, const look *k, const char *need, const char *advice, void *arg)
{
    const char *before = "";
    (void)k;
    (void)arg;
    (void)printf("    lacks %s (%s), which limits ", need, advice);
    for (size_t i = 0; i < registry_count(c->registry);) {
        const plugin_spec *spec = next_limited(c, need, &i);
        if (!spec)
            break;
        (void)printf("%s%s", before, spec->name);
        before = ", ";
    }
    (void)putchar('\n');
}

static void show_text(const online *o)
{
    for (size_t i = 0; i < o->count; i++) {
        const look *k = &o->looks[i];
        (void)printf("  %s/%s: ", k->project, k->branch);
        if (k->status == RUN_OK)
            (void)printf("Postgres %s, database %s, as %s\n", text(k->result, "version"), text(k->result, "database"),
                         text(k->result, "role"));
        else if (k->status == RUN_SKIPPED)
            (void)printf("not looked at: %s\n", k->error.message);
        else
            (void)printf("%sfailed%s: %s\n%s%s%s", cli_style(o->c, "31"), cli_style(o->c, "0"), k->error.message,
                         k->error.hint[0] ? "    hint: " : "", k->error.hint, k->error.hint[0] ? "\n" : "");
        if (k->status == RUN_OK)
            each_lack(o->c, k, tell_text, NULL);
    }
    if (o->listing_error.code)
        (void)printf("  the branches could not be listed: %s\n", o->listing_error.message);
    online_alerts_text(o->alerts);
}

static void tell_json(const cli *c, const look *k, const char *need, const char *advice, void *arg)
{
    buf *out = arg;
    (void)k;
    json_comma(out);
    buf_putc(out, '{');
    json_member_string(out, "need", need);
    json_member_string(out, "advice", advice);
    json_key(out, "tools");
    buf_putc(out, '[');
    for (size_t i = 0; i < registry_count(c->registry);) {
        const plugin_spec *spec = next_limited(c, need, &i);
        if (!spec)
            break;
        json_comma(out);
        json_string(out, spec->name);
    }
    buf_puts(out, "]}");
}

void online_error_json(buf *out, const lb_error *error)
{
    json_key(out, "error");
    if (!error->code) {
        buf_puts(out, "null");
        return;
    }
    buf_putc(out, '{');
    json_member_string(out, "code", error_name(error->code));
    json_member_string(out, "message", error->message);
    json_member_string(out, "hint", error->hint[0] ? error->hint : NULL);
    buf_putc(out, '}');
}

static void look_json(const online *o, const look *k, buf *out)
{
    bool ok = k->status == RUN_OK;
    json_comma(out);
    buf_putc(out, '{');
    json_member_string(out, "project", k->project);
    json_member_string(out, "branch", k->branch);
    json_member_string(out, "status", ok ? "ok" : k->status == RUN_SKIPPED ? "skipped" : "failed");
    json_member_string(out, "version", ok ? text(k->result, "version") : NULL);
    json_member_string(out, "role", ok ? text(k->result, "role") : NULL);
    json_member_string(out, "database", ok ? text(k->result, "database") : NULL);
    json_key(out, "lacks");
    buf_putc(out, '[');
    if (ok)
        each_lack(o->c, k, tell_json, out);
    buf_putc(out, ']');
    online_error_json(out, &k->error);
    buf_putc(out, '}');
}

static void show_json(const online *o, buf *out)
{
    buf_puts(out, "{\"targets\":[");
    for (size_t i = 0; i < o->count; i++)
        look_json(o, &o->looks[i], out);
    buf_putc(out, ']');
    online_alerts_json(o->alerts, out);
    online_error_json(out, &o->listing_error);
    buf_putc(out, '}');
}

/* What sleeps is no failure. */
static int judge_all(const online *o)
{
    int code = o->listing_error.code ? error_exit_code(o->listing_error.code) : 0;
    for (size_t i = 0; i < o->count; i++)
        if (o->looks[i].status != RUN_OK && o->looks[i].status != RUN_SKIPPED && code != 4)
            code = o->looks[i].error.code ? error_exit_code(o->looks[i].error.code) : 1;
    return code ? code : online_alerts_code(o->alerts);
}

int cli_online(cli *c, buf *json)
{
    lb_error err;
    online o = {.c = c, .loop = ev_default_loop(EVFLAG_AUTO)};
    int r = look_at_all(&o, &err);
    if (r == 0)
        r = online_alerts_open(c, o.loop, &o.alerts, &err);
    if (r == 0 && c->json)
        show_json(&o, json);
    else if (r == 0)
        show_text(&o);
    int code = r < 0 ? cli_fail(c, &err) : judge_all(&o);
    for (size_t i = 0; i < o.count; i++) {
        free(o.looks[i].project);
        free(o.looks[i].branch);
        (void)json_object_put(o.looks[i].result); /* NULL is fine */
    }
    free(o.looks);
    o.alerts = online_alerts_free(o.alerts); /* gives NULL */
    return code;
}
