/* lbops run: one tool, once. */
#include "cli.h"

#include "log.h"
#include "nearest.h"
#include "targets.h"

#include <signal.h>

typedef struct run_wish {
    run_ask ask;
    const char *dsn;
    char *record_dir;
    param_arg *args;
    size_t count;
    bool help;
} run_wish;

typedef struct running_cli {
    cli *c;
    struct ev_loop *loop;
    supervisor *supervisor;
    char id[ID_TEXT];
    int exit_code;
    cli_course course;
    run_ask ask;
    targets_choice choice;
    bool listing; /* the control plane is asked for the branch first */
    bool ended, progress_shown, interrupted;
    double started;
    char progress[200];
    ev_timer ticker;
} running_cli;

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

/* --dsn takes the place of the manifest's transport. */
static void use_dsn(manifest *m, run_wish *wish)
{
    manifest_service *service = NULL;
    for (size_t i = 0; i < m->service_count; i++)
        if (m->services[i].kind == LB_KIND_TRANSPORT)
            service = &m->services[i];
    if (!service) {
        m->services = base_grow(m->services, (m->service_count + 1) * sizeof *m->services);
        service = &m->services[m->service_count++];
        *service = (manifest_service){.kind = LB_KIND_TRANSPORT};
    }
    for (size_t i = 0; i < service->params.count; i++) {
        free(service->params.items[i].name);
        free(service->params.items[i].text);
        free(service->params.items[i].secret);
    }
    free(service->params.items);
    free(service->plugin);
    service->plugin = base_strdup("transport_local");
    service->params = (manifest_params){.items = base_alloc(sizeof *service->params.items), .count = 1, .capacity = 1};
    service->params.items[0] = (manifest_param){.name = base_strdup("dsn"), .text = base_strdup(wish->dsn)};
    if (!wish->ask.project)
        wish->ask.project = "given";
    if (!wish->ask.branch)
        wish->ask.branch = "given";
}

/* ---- while it runs ---- */

static void clear_progress(running_cli *r)
{
    if (r->progress_shown)
        (void)fputs("\r\033[K", stderr);
    r->progress_shown = false;
}

/* Only what takes longer than a second shows that it is alive. */
static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    running_cli *r = timer->data;
    (void)events;
    (void)fprintf(stderr, "\r\033[K%.0f s %s", ev_now(loop) - r->started, r->progress);
    (void)fflush(stderr);
    r->progress_shown = true;
}

static void on_progress(void *state, const run_request *request, int64_t done, int64_t total, const char *what)
{
    running_cli *r = state;
    if (total > 0)
        (void)snprintf(r->progress, sizeof r->progress, "%s: %lld of %lld %s", request->tool, (long long)done,
                       (long long)total, what ? what : "");
    else
        (void)snprintf(r->progress, sizeof r->progress, "%s: %lld %s", request->tool, (long long)done,
                       what ? what : "");
}

static void on_log(void *state, const run_request *request, lb_level level, const char *tool, const char *text)
{
    (void)request;
    clear_progress(state);
    log_line(level, tool, "%s", text);
}

static int exit_code_of(const run_outcome *outcome)
{
    switch (outcome->done.status) {
    case RUN_OK:
    case RUN_SKIPPED:
        return 0;
    case RUN_PENDING_APPROVAL:
        return 3;
    case RUN_FAILED:
        if (outcome->done.error.code == LB_ERR_UNREACHABLE)
            return 4;
        return outcome->done.error.code == LB_ERR_INTERNAL ? 5 : 1;
    default:
        return 1;
    }
}

/* The branch that the listing leaves, or why there is none. */
static int choose_target(running_cli *r, const run_outcome *outcome, const char *document, lb_error *err)
{
    if (outcome->done.status != RUN_OK) {
        *err = outcome->done.error;
        return lb_wrap(err, "cannot list the branches");
    }
    int code = targets_choose(r->c->manifest, document, r->ask.project, r->ask.branch, &r->choice, err);
    if (code == LB_ERR_NOT_FOUND && r->course.goes_on) {
        r->ask.branch_class = LB_BRANCH_PRODUCTION; /* what nobody knows is treated with the greatest care */
        return 0;
    }
    if (code < 0)
        return code;
    r->ask.project = r->choice.project;
    r->ask.branch = r->choice.branch;
    r->ask.branch_class = r->choice.branch_class;
    return 0;
}

static int start_run(running_cli *r, lb_error *err)
{
    return r->course.own ? supervisor_run_own(r->supervisor, &r->ask, r->id, err)
                         : supervisor_run(r->supervisor, &r->ask, r->id, err);
}

/* The listing has ended: now the run itself can start. */
static void go_on(running_cli *r, const run_outcome *outcome, const char *document)
{
    lb_error err;
    r->listing = false;
    int code = choose_target(r, outcome, document, &err);
    if (code >= 0)
        code = start_run(r, &err);
    if (code >= 0)
        return;
    r->exit_code = cli_fail(r->c, &err);
    r->ended = true;
    ev_break(r->loop, EVBREAK_ALL);
}

static void on_ended(void *state, const run_outcome *outcome, const char *document)
{
    running_cli *r = state;
    clear_progress(r);
    if (r->listing) {
        go_on(r, outcome, document);
        return;
    }
    if (r->c->json)
        (void)puts(document);
    else if (r->course.show && outcome->done.status == RUN_OK)
        r->course.show(r->c, document);
    else
        cli_show_run(r->c, document);
    r->exit_code = exit_code_of(outcome);
    r->ended = true;
    ev_break(r->loop, EVBREAK_ALL);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    running_cli *r = watcher->data;
    (void)events;
    if (r->interrupted)
        ev_break(loop, EVBREAK_ALL);
    r->interrupted = true;
    supervisor_cancel(r->supervisor, r->id);
}

int cli_carry_out(cli *c, const cli_course *course)
{
    lb_error err;
    struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
    running_cli r = {.c = c, .loop = loop, .course = *course, .ask = course->ask, .exit_code = 5, .started = ev_time()};
    ev_signal interrupt, terminate;
    const supervisor_options options = {
        .manifest = c->manifest,
        .registry = c->registry,
        .loop = loop,
        .workers = 1,
        .log_level = c->log_level,
        .hooks = {.state = &r, .ended = on_ended, .log = on_log, .progress = on_progress},
    };
    if (supervisor_new(&options, &r.supervisor, &err) < 0)
        return cli_fail(c, &err);
    (void)snprintf(r.progress, sizeof r.progress, "%s", course->ask.tool);
    ev_signal_init(&interrupt, on_signal, SIGINT);
    ev_signal_init(&terminate, on_signal, SIGTERM);
    ev_timer_init(&r.ticker, on_tick, 1.0, 0.2);
    interrupt.data = terminate.data = r.ticker.data = &r;
    ev_signal_start(loop, &interrupt);
    ev_signal_start(loop, &terminate);
    if (c->err_is_terminal && !c->quiet)
        ev_timer_start(loop, &r.ticker);
    r.listing = course->lists || (!course->own && supervisor_needs_targets(r.supervisor, &r.ask));
    int code = r.listing ? supervisor_list_targets(r.supervisor, &r.ask, r.id, &err) : start_run(&r, &err);
    if (code >= 0 && !r.ended)
        (void)ev_run(loop, 0);           /* ends through on_ended or a second signal */
    (void)supervisor_free(r.supervisor); /* gives NULL */
    ev_timer_stop(loop, &r.ticker);
    ev_signal_stop(loop, &interrupt);
    ev_signal_stop(loop, &terminate);
    free(r.choice.project);
    free(r.choice.branch);
    return code < 0 ? cli_fail(c, &err) : r.exit_code;
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

int cli_run(cli *c, int argc, char **argv)
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
            use_dsn(c->manifest, &wish);
        if (!wish.ask.actor)
            wish.ask.actor = cli_user();
        make_absolute(&wish);
        wish.ask.args = wish.args;
        wish.ask.arg_count = wish.count;
        code = cli_carry_out(c, &(cli_course){.ask = wish.ask});
    }
    wish_done(&wish);
    return code;
}
