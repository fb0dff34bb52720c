/* lbops run: one tool, once. */
#include "cli.h"

#include "json.h"
#include "nearest.h"

typedef struct run_wish {
    run_ask ask;
    const char *dsn;
    char *record_dir;
    param_arg *args;
    size_t count;
    bool help;
} run_wish;

/* ---- words of the command line ---- */

/* --name=value, or --name value; *value NULL when the word carries none. */
static const char *split_option(char *word, char **ret_value)
{
    char *equals = strchr(word, '=');
    *ret_value = equals ? equals + 1 : NULL;
    if (equals)
        *equals = '\0';
    return word + 2;
}

static bool is_flag(const plugin_spec *spec, const char *name)
{
    for (size_t i = 0; spec && i < params_count(spec_params(spec)); i++) {
        lb_param row = params_at(spec_params(spec), i);
        if (strcmp(row.name, name) == 0)
            return row.type == LB_BOOL;
    }
    return false;
}

/* Where an option of the host's own puts its value, or NULL for a parameter of the tool. */
static const char **host_option(run_wish *wish, const char *name, const char **timeout)
{
    const struct {
        const char *name;
        const char **into;
    } options[] = {
        {"project", &wish->ask.project},   {"branch", &wish->ask.branch}, {"dsn", &wish->dsn},
        {"record", &wish->ask.record_dir}, {"as", &wish->ask.actor},      {"because", &wish->ask.reason},
        {"agent", &wish->ask.agent},       {"timeout", timeout},
    };
    for (size_t i = 0; i < LB_COUNT(options); i++)
        if (strcmp(options[i].name, name) == 0)
            return options[i].into;
    return NULL;
}

static int parse_timeout(const cli *c, const char *text, run_wish *wish)
{
    char *end;
    if (!text)
        return 0;
    long seconds = strtol(text, &end, 10);
    if (end == text || *end || seconds < 1 || seconds > 86400)
        return cli_usage(c, NULL, "give seconds from 1 to 86400", "--timeout %s is not a number of seconds", text);
    wish->ask.timeout_s = (uint32_t)seconds;
    return 0;
}

static int parse_words(const cli *c, int argc, char **argv, run_wish *wish)
{
    const plugin_spec *spec = registry_find(c->registry, LB_KIND_TOOL, wish->ask.tool);
    const char *timeout = NULL;
    char yes[] = "true"; /* a flag without a value; copied below */
    wish->args = base_alloc((size_t)argc * sizeof *wish->args);
    for (int i = 2; i < argc; i++) {
        char *value;
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
            wish->help = true;
            return 0;
        }
        if (strncmp(argv[i], "--", 2) != 0 || !argv[i][2])
            return cli_usage(c, cli_find_verb("run"), "parameters are given as --NAME VALUE", "what is %s?", argv[i]);
        if (strcmp(argv[i], "--plan") == 0) {
            wish->ask.plan = true;
            continue;
        }
        const char *name = split_option(argv[i], &value);
        const char **into = host_option(wish, name, &timeout);
        bool next_is_value = i + 1 < argc && (strncmp(argv[i + 1], "--", 2) != 0);
        if (!value && !into && is_flag(spec, name) && (!next_is_value))
            value = yes;
        if (!value && i + 1 < argc && (into || next_is_value))
            value = argv[++i];
        if (into && !value)
            return cli_usage(c, cli_find_verb("run"), NULL, "--%s needs a value", name);
        if (into)
            *into = value;
        else
            wish->args[wish->count++] = (param_arg){.name = name, .text = value ? base_strdup(value) : NULL};
    }
    return parse_timeout(c, timeout, wish);
}

static bool has_parameter(const plugin_spec *spec, const char *name)
{
    for (size_t i = 0; i < params_count(spec_params(spec)); i++)
        if (strcmp(params_at(spec_params(spec), i).name, name) == 0)
            return true;
    return false;
}

/* Names are judged before values, and a name that is close to an option of lbops itself is taken for that. */
static int check_names(const cli *c, const run_wish *wish)
{
    static const char *const options[] = {"project", "branch", "plan",    "dsn",  "timeout",
                                          "record",  "as",     "because", "agent"};
    const plugin_spec *spec = registry_find(c->registry, LB_KIND_TOOL, wish->ask.tool);
    for (size_t i = 0; spec && i < wish->count; i++) {
        const char *name = wish->args[i].name, *nearest = nearest_name(name, options, LB_COUNT(options));
        char hint[64];
        (void)snprintf(hint, sizeof hint, "did you mean --%s?", nearest ? nearest : "");
        if (nearest && !has_parameter(spec, name))
            return cli_usage(c, NULL, hint, "%s has no parameter --%s", wish->ask.tool, name);
    }
    return 0;
}

/* A parameter at the end without a value: the name is judged before the value is asked for. */
static int check_values(const cli *c, run_wish *wish)
{
    lb_error err;
    const plugin_spec *spec = registry_find(c->registry, LB_KIND_TOOL, wish->ask.tool);
    int code = check_names(c, wish);
    for (size_t i = 0; code == 0 && i < wish->count; i++) {
        if (wish->args[i].text)
            continue;
        wish->args[i].text = base_strdup("");
        if (spec && params_check(wish->ask.tool, spec_params(spec), &wish->args[i], 1, &err) < 0 &&
            !has_parameter(spec, wish->args[i].name))
            return cli_fail(c, &err);
        return cli_usage(c, cli_find_verb("run"), NULL, "--%s needs a value", wish->args[i].name);
    }
    return code;
}

/* --dsn takes the place of the manifest's transport. spec: of the tool; NULL: there is none. */
static void use_dsn(manifest *m, const plugin_spec *spec, run_wish *wish)
{
    manifest_service *transport = NULL;
    for (size_t i = 0; i < m->service_count; i++)
        if (m->services[i].kind == LB_KIND_TRANSPORT)
            transport = &m->services[i];
    if (!transport) {
        m->services = base_grow(m->services, (m->service_count + 1) * sizeof *m->services);
        transport = &m->services[m->service_count++];
        *transport = (manifest_service){.kind = LB_KIND_TRANSPORT};
    }
    for (size_t i = 0; i < transport->params.count; i++) {
        free(transport->params.items[i].name);
        free(transport->params.items[i].text);
        free(transport->params.items[i].secret);
    }
    free(transport->params.items);
    free(transport->plugin);
    transport->plugin = base_strdup("transport_local");
    transport->params =
        (manifest_params){.items = base_alloc(sizeof *transport->params.items), .count = 1, .capacity = 1};
    transport->params.items[0] = (manifest_param){.name = base_strdup("dsn"), .text = base_strdup(wish->dsn)};
    bool has_target = !spec || !spec->workspace;
    if (has_target && !wish->ask.project)
        wish->ask.project = "given";
    if (has_target && !wish->ask.branch)
        wish->ask.branch = "given";
}

/* ---- asking ---- */

static void put_request(const cli_course *course, buf *request)
{
    const run_ask *ask = &course->ask;
    buf_puts(request, "{\"verb\":\"run\"");
    json_member_string(request, "tool", ask->tool);
    json_member_string(request, "agent", ask->agent);
    json_member_string(request, "project", ask->project);
    json_member_string(request, "branch", ask->branch);
    json_member_bool(request, "plan", ask->plan);
    json_member_bool(request, "wake", ask->wake);
    json_member_bool(request, "own", course->own);
    json_member_bool(request, "lists", course->lists);
    json_member_bool(request, "goes_on", course->goes_on);
    if (ask->branch_class)
        json_member_string(request, "class", gate_class_name(ask->branch_class));
    json_member_i64(request, "timeout_s", ask->timeout_s);
    json_member_string(request, "record_dir", ask->record_dir);
    json_member_string(request, "name", ask->actor);
    json_member_string(request, "reason", ask->reason);
    json_key(request, "args");
    buf_putc(request, '[');
    for (size_t i = 0; i < ask->arg_count; i++) {
        json_comma(request);
        buf_putc(request, '{');
        json_member_string(request, "name", ask->args[i].name);
        json_member_string(request, "text", ask->args[i].text);
        buf_putc(request, '}');
    }
    buf_puts(request, "]}");
}

static void show_document(cli *c, void *state, struct json_object *document)
{
    const cli_course *course = state;
    const char *status = json_get_text(document, "status");
    const char *text =
        json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (c->json)
        (void)puts(text);
    else if (course->show && status && strcmp(status, "ok") == 0)
        course->show(c, text);
    else
        cli_show_run(c, text);
}

int cli_carry_out(cli *c, const cli_course *course)
{
    BUF_AUTO request = BUF_INIT((size_t)256 * 1024 * 1024);
    cli_course own = *course; /* the takers' state is not const */
    const cli_takers takers = {.state = &own, .document = show_document};
    put_request(course, &request);
    return cli_ask(c, buf_text(&request), course->ask.tool, course->here ? CLI_ASK_HERE : CLI_ASK_RUN, &takers);
}

static int show_tool_help(cli *c, const run_wish *wish)
{
    char *const words[] = {(char[]){"tools"}, (char *)(uintptr_t)wish->ask.tool, NULL}; /* cli_tools only reads them */
    registry *before = c->registry;
    manifest *m = c->manifest;
    c->registry = NULL;
    c->manifest = NULL;
    (void)registry_free(before);
    (void)manifest_free(m);
    return cli_tools(c, 2, (char **)(uintptr_t)words);
}

/* The worker works where the manifest lies; a path of the command line starts where the person stands. */
static void make_absolute(run_wish *wish)
{
    LB_AUTO_FREE char *here = getcwd(NULL, 0);
    if (!wish->ask.record_dir || wish->ask.record_dir[0] == '/' || !here)
        return;
    wish->record_dir = base_printf("%s/%s", here, wish->ask.record_dir);
    wish->ask.record_dir = wish->record_dir;
}

static void wish_done(run_wish *wish)
{
    free(wish->record_dir);
    for (size_t i = 0; i < wish->count; i++)
        free((char *)(uintptr_t)wish->args[i].text); /* copied by parse_words and check_values */
    free(wish->args);
}

int cli_run_shown(cli *c, int argc, char **argv, void (*show)(const cli *c, const char *document))
{
    run_wish wish = {.ask = {.actor_kind = GATE_PERSON}};
    if (argc < 2 || argv[1][0] == '-')
        return cli_usage(c, cli_find_verb("run"), NULL, "run needs the name of a tool");
    wish.ask.tool = argv[1];
    bool given = false;
    for (int i = 2; i < argc; i++)
        given = given || strcmp(argv[i], "--dsn") == 0 || strncmp(argv[i], "--dsn=", 6) == 0;
    int code = cli_load(c, given ? CLI_GIVEN : CLI_STRICT);
    if (code == 0)
        code = parse_words(c, argc, argv, &wish);
    if (code == 0 && wish.help)
        code = show_tool_help(c, &wish);
    else if (code == 0 && (code = check_values(c, &wish)) == 0) {
        if (wish.dsn)
            use_dsn(c->manifest, registry_find(c->registry, LB_KIND_TOOL, wish.ask.tool), &wish);
        if (!wish.ask.actor)
            wish.ask.actor = cli_user();
        make_absolute(&wish);
        wish.ask.args = wish.args;
        wish.ask.arg_count = wish.count;
        code = cli_carry_out(c, &(cli_course){.ask = wish.ask, .here = wish.dsn != NULL, .show = show});
    }
    wish_done(&wish);
    return code;
}

int cli_run(cli *c, int argc, char **argv)
{
    return cli_run_shown(c, argc, argv, NULL);
}
