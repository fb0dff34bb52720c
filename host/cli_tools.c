/* lbops tools: what there is, from the plugins' own descriptions. */
#include "cli.h"

#include "json.h"

static const char *schedule_of(const plugin_spec *spec, const manifest_tool *entry)
{
    const char *schedule = entry && entry->schedule ? entry->schedule : spec->schedule;
    return schedule && *schedule ? schedule : NULL;
}

static bool approval_of(const plugin_spec *spec, const manifest_tool *entry)
{
    return entry && entry->needs_approval >= 0 ? entry->needs_approval : spec->needs_approval;
}

static void tool_json(const cli *c, const suspend_book *suspended, const plugin_spec *spec, buf *out)
{
    const char *agent = NULL;
    const manifest_tool *entry = manifest_find_tool(c->manifest, NULL, spec->name, &agent);
    buf_putc(out, '{');
    json_member_string(out, "name", spec->name);
    json_member_string(out, "agent", agent ? agent : spec->agent);
    json_member_string(out, "summary", spec->summary);
    json_member_string(out, "schedule", schedule_of(spec, entry));
    json_member_string(out, "risk", spec_risk_name(spec->risk));
    json_member_bool(out, "approval", approval_of(spec, entry));
    json_member_bool(out, "workspace", spec->workspace);
    json_key(out, "params");
    params_json(out, spec_params(spec));
    json_member_bool(out, "suspended", suspended && suspend_is_suspended(suspended, spec->name));
    json_member_string(out, "version", spec->version);
    json_member_string(out, "file", spec->path);
    buf_putc(out, '}');
}

/* What the manifest adds to a tool's own schedule. */
static void print_schedules(const manifest *m, const char *tool)
{
    for (size_t i = 0; i < m->schedule_count; i++) {
        const manifest_schedule *s = &m->schedules[i];
        if (strcmp(s->tool, tool) != 0)
            continue;
        (void)printf("  also at   %s", s->cron);
        for (size_t p = 0; p < s->params.count; p++)
            (void)printf("  %s = %s", s->params.items[p].name,
                         s->params.items[p].text ? s->params.items[p].text : "(a secret)");
        if (s->project || s->branch)
            (void)printf("  on %s/%s", s->project ? s->project : "*", s->branch ? s->branch : "*");
        (void)putchar('\n');
    }
}

static int widest_name(const registry *r)
{
    size_t width = strlen("TOOL");
    for (size_t i = 0; i < registry_count(r); i++) {
        const plugin_spec *spec = registry_at(r, i);
        size_t length = spec->kind == LB_KIND_TOOL ? strlen(spec->name) : 0;
        width = length > width ? length : width;
    }
    return (int)width;
}

static void print_list(const cli *c, const suspend_book *suspended)
{
    int width = widest_name(c->registry);
    (void)printf("%s%-*s %-13s %-7s %-8s %-14s %s%s\n", cli_style(c, "1"), width, "TOOL", "AGENT", "RISK", "APPROVAL",
                 "SCHEDULE", "SUMMARY", cli_style(c, "0"));
    for (size_t i = 0; i < registry_count(c->registry); i++) {
        const plugin_spec *spec = registry_at(c->registry, i);
        const char *agent = NULL;
        if (spec->kind != LB_KIND_TOOL)
            continue;
        const manifest_tool *entry = manifest_find_tool(c->manifest, NULL, spec->name, &agent);
        const char *schedule = schedule_of(spec, entry);
        agent = agent ? agent : spec->agent;
        (void)printf("%-*s %-13s %-7s %-8s %-14s %s%s\n", width, spec->name, agent ? agent : "-",
                     spec_risk_name(spec->risk), approval_of(spec, entry) ? "asks" : "-", schedule ? schedule : "-",
                     spec->summary, suspended && suspend_is_suspended(suspended, spec->name) ? " [suspended]" : "");
    }
}

static void print_names(const char *title, char *const *names)
{
    if (!names[0])
        return;
    (void)printf("  %-9s", title);
    for (; *names; names++)
        (void)printf(" %s", *names);
    (void)putchar('\n');
}

/* Each of two words. */
static void print_needs(char *const *needs)
{
    for (char *const *need = needs; *need; need++)
        (void)printf("%s %s", need == needs ? "  needs    " : ",", *need);
    if (*needs)
        (void)putchar('\n');
}

static void print_tool(const cli *c, const suspend_book *suspended, const plugin_spec *spec)
{
    const char *agent = NULL;
    BUF_AUTO help = BUF_INIT((size_t)256 * 1024);
    const manifest_tool *entry = manifest_find_tool(c->manifest, NULL, spec->name, &agent);
    const char *schedule = schedule_of(spec, entry);
    lb_error why;
    (void)printf("%s%s%s %s\n  %s\n", cli_style(c, "1"), spec->name, cli_style(c, "0"), spec->version, spec->summary);
    (void)printf("  agent     %s\n  risk      %s%s\n  schedule  %s\n",
                 agent         ? agent
                 : spec->agent ? spec->agent
                               : "-",
                 spec_risk_name(spec->risk), approval_of(spec, entry) ? ", asks for approval" : "",
                 schedule ? schedule : "none");
    print_schedules(c->manifest, spec->name);
    print_names("writes", spec->writes);
    print_names("emits", spec->emits);
    print_names("calls", spec->calls);
    print_needs(spec->needs);
    (void)printf("  file      %s\n", spec->path);
    if (suspended && suspend_check(suspended, spec->name, &why) < 0)
        (void)printf("  %ssuspended%s %s\n", cli_style(c, "31"), cli_style(c, "0"), why.message);
    params_help(&help, spec_params(spec));
    if (help.length)
        (void)printf("\nparameters:\n%s", buf_text(&help));
}

static int unknown_tool(const cli *c, const char *name)
{
    char hint[128];
    const char *nearest = registry_nearest(c->registry, LB_KIND_TOOL, name);
    (void)snprintf(hint, sizeof hint, nearest ? "did you mean %.63s?" : "lbops tools lists them", nearest);
    return cli_usage(c, NULL, hint, "there is no tool %s", name);
}

/* For the completion: tool names, or a tool's parameters as options. */
static void print_words(const cli *c, const plugin_spec *only)
{
    for (size_t i = 0; !only && i < registry_count(c->registry); i++)
        if (registry_at(c->registry, i)->kind == LB_KIND_TOOL)
            (void)puts(registry_at(c->registry, i)->name);
    for (size_t i = 0; only && i < params_count(spec_params(only)); i++)
        (void)printf("--%s\n", params_at(spec_params(only), i).name);
}

typedef struct tools_wish {
    const char *name;
    bool resume, suspend, schema, names;
    const char *as, *because; /* of suspend */
} tools_wish;

static int show(const cli *c, const suspend_book *suspended, const tools_wish *wish)
{
    BUF_AUTO out = BUF_INIT((size_t)16 * 1024 * 1024);
    const plugin_spec *only = wish->name ? registry_find(c->registry, LB_KIND_TOOL, wish->name) : NULL;
    if (wish->name && !only)
        return unknown_tool(c, wish->name);
    if (wish->names) {
        print_words(c, only);
    } else if (wish->schema) {
        params_schema(&out, spec_params(only));
        (void)puts(buf_text(&out));
    } else if (c->json) {
        buf_puts(&out, only ? "" : "[");
        for (size_t i = 0; i < registry_count(c->registry); i++) {
            const plugin_spec *spec = registry_at(c->registry, i);
            if (spec->kind != LB_KIND_TOOL || (only && only != spec))
                continue;
            json_comma(&out);
            tool_json(c, suspended, spec, &out);
        }
        buf_puts(&out, only ? "" : "]");
        (void)puts(buf_text(&out));
    } else if (only) {
        print_tool(c, suspended, only);
    } else {
        print_list(c, suspended);
    }
    return 0;
}

static void take_suspended(cli *c, void *state, struct json_object *item)
{
    const char *tool = json_get_text(item, "id");
    (void)c;
    if (tool)
        suspend_set(state, tool, item);
}

/* A state directory that nobody has used knows of no crashes. */
static int ask_suspended(cli *c, suspend_book *suspended)
{
    const cli_takers takers = {.state = suspended, .item = take_suspended};
    if (access(c->manifest->state_dir, F_OK) != 0)
        return 0;
    return cli_ask(c, "{\"verb\":\"suspended\"}", "tools", CLI_ASK_LOOK, &takers);
}

static int say_word(cli *c, const tools_wish *wish)
{
    BUF_AUTO request = BUF_INIT((size_t)64 * 1024);
    const cli_takers takers = {0};
    if (!registry_find(c->registry, LB_KIND_TOOL, wish->name))
        return unknown_tool(c, wish->name);
    buf_printf(&request, "{\"verb\":\"%s\"", wish->suspend ? "suspend" : "resume");
    json_member_string(&request, "tool", wish->name);
    json_member_string(&request, "name", wish->suspend ? wish->as : cli_user());
    if (wish->suspend)
        json_member_string(&request, "reason", wish->because);
    buf_putc(&request, '}');
    int code = cli_ask(c, buf_text(&request), "tools", CLI_ASK_LOOK, &takers);
    if (code == 0 && c->json)
        (void)printf("{\"%s\":\"%s\"}\n", wish->suspend ? "suspended" : "resumed", wish->name);
    else if (code == 0)
        (void)printf(wish->suspend ? "%s is suspended\n" : "%s runs again\n", wish->name);
    return code;
}

/* NULL, or what the wish lacks. */
static const char *fault_of(const tools_wish *wish)
{
    if ((wish->resume || wish->suspend || wish->schema) && !wish->name)
        return "name a tool";
    if (wish->resume && wish->suspend)
        return "--resume ends what --suspend begins";
    if (wish->suspend != (wish->as && wish->because) || (!wish->suspend && (wish->as || wish->because)))
        return "--suspend, --as NAME and --because TEXT go together";
    return NULL;
}

int cli_tools(cli *c, int argc, char **argv)
{
    tools_wish wish = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--resume") == 0)
            wish.resume = true;
        else if (strcmp(argv[i], "--suspend") == 0)
            wish.suspend = true;
        else if (strcmp(argv[i], "--as") == 0 && i + 1 < argc)
            wish.as = argv[++i];
        else if (strcmp(argv[i], "--because") == 0 && i + 1 < argc)
            wish.because = argv[++i];
        else if (strcmp(argv[i], "--schema") == 0)
            wish.schema = true;
        else if (strcmp(argv[i], "--names") == 0)
            wish.names = true;
        else if (argv[i][0] != '-' && !wish.name)
            wish.name = argv[i];
        else
            return cli_refuse_word(c, "tools", argv[i], "");
    }
    const char *fault = fault_of(&wish);
    if (fault)
        return cli_usage(c, cli_find_verb("tools"), NULL, "%s", fault);
    int code = cli_load(c, CLI_DEFAULTS);
    if (code)
        return code;
    if (wish.resume || wish.suspend)
        return say_word(c, &wish);
    suspend_book *suspended = suspend_new(c->manifest->limits.crashes_to_suspend);
    if (!wish.names && !wish.schema)
        code = ask_suspended(c, suspended);
    if (code == 0)
        code = show(c, suspended, &wish);
    (void)suspend_free(suspended); /* gives NULL */
    return code;
}
