/* lbops selftest: two runs of a tool that comes with the host, one that tries the workspace and one that cleans up,
 * which comes whatever became of the first: a failure, a signal, a worker that died. */
#include "cli.h"

#include "child.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "selftest_tool.h"

#include <ctype.h>
#include <ev.h>
#include <signal.h>

#define TRY_S   900
#define CLEAN_S 300

typedef struct selftest {
    cli *c;
    const char *project_of; /* whose project; NULL: one of its own */
    char *name, *project;
    uint32_t try_s;
    supervisor *supervisor;
    struct ev_loop *loop;
    char run_id[ID_TEXT]; /* of the run under way */
    bool is_over, interrupted, cleans, given_up;
    struct json_object *steps; /* of both runs */
    bool touched, cleaned;
    lb_error failure; /* the first; code 0: none */
    bool progress_shown;
} selftest;

/* ---- runs ---- */

static void clear_progress(selftest *s)
{
    if (s->progress_shown)
        (void)fputs("\r\033[K", stderr);
    s->progress_shown = false;
}

static void on_progress(void *state, const run_request *request, int64_t done, int64_t total, const char *what)
{
    selftest *s = state;
    (void)request;
    (void)done;
    (void)total;
    if (!s->c->err_is_terminal || s->c->quiet)
        return;
    (void)fprintf(stderr, "\r\033[K%s", what ? what : "");
    (void)fflush(stderr);
    s->progress_shown = true;
}

static void on_log(void *state, const run_request *request, lb_level level, const char *tool, const char *text)
{
    (void)request;
    clear_progress(state);
    log_line(level, tool, "%s", text);
}

static void show_step(const cli *c, struct json_object *step)
{
    const char *status = json_get_text(step, "status"), *detail = json_get_text(step, "detail"),
               *hint = json_get_text(step, "hint"), *name = json_get_text(step, "step");
    struct json_object *ms = NULL;
    bool failed = status && strcmp(status, "failed") == 0;
    if (c->json)
        return;
    (void)json_object_object_get_ex(step, "duration_ms", &ms); /* NULL counts as none */
    (void)printf("%-10s %s%-7s%s %7.1f s  %s\n", name ? name : "", failed ? cli_style(c, "31") : "",
                 status ? status : "", failed ? cli_style(c, "0") : "", json_object_get_double(ms) / 1000,
                 detail ? detail : "");
    if (hint)
        (void)printf("           hint: %s\n", hint);
    (void)fflush(stdout);
}

static void take_steps(selftest *s, struct json_object *result)
{
    struct json_object *steps = NULL;
    if (!result || !json_object_object_get_ex(result, "steps", &steps) || !json_object_is_type(steps, json_type_array))
        return;
    for (size_t i = 0; i < json_object_array_length(steps); i++) {
        struct json_object *step = json_object_array_get_idx(steps, i);
        show_step(s->c, step);
        (void)json_object_array_add(s->steps, json_object_get(step)); /* fails without memory alone */
    }
}

/* What a run without steps did, or did not come to do. */
static void add_step(selftest *s, const char *name, const lb_error *error)
{
    struct json_object *step = json_object_new_object();
    (void)json_object_object_add(step, "step", json_object_new_string(name)); /* these fail without memory alone */
    (void)json_object_object_add(step, "status", json_object_new_string("failed"));
    (void)json_object_object_add(step, "duration_ms", json_object_new_double(0));
    (void)json_object_object_add(step, "detail", json_object_new_string(error->message));
    (void)json_object_object_add(step, "code", json_object_new_string(error_name(error->code)));
    (void)json_object_object_add(step, "hint", error->hint[0] ? json_object_new_string(error->hint) : NULL);
    show_step(s->c, step);
    (void)json_object_array_add(s->steps, step);
}

static void fail(selftest *s, const lb_error *error)
{
    if (!s->failure.code)
        s->failure = *error;
}

static void on_ended(void *state, const run_outcome *outcome, const char *document)
{
    selftest *s = state;
    lb_error ignored;
    (void)document;
    if (strcmp(s->run_id, outcome->request->id) != 0)
        return;
    const run_done *done = &outcome->done;
    JSON_AUTO *result = done->result ? json_parse(done->result, strlen(done->result), &ignored) : NULL;
    size_t before = json_object_array_length(s->steps);
    struct json_object *touched = NULL;
    clear_progress(s);
    take_steps(s, result);
    if (done->status != RUN_OK) {
        if (json_object_array_length(s->steps) == before)
            add_step(s, s->cleans ? "clean-up" : "run", &done->error);
        fail(s, &done->error);
    }
    if (result && json_object_object_get_ex(result, "touched", &touched))
        s->touched = json_object_get_boolean(touched);
    s->cleaned = done->status == RUN_OK;
    s->is_over = true;
    ev_break(s->loop, EVBREAK_ALL);
}

static void run_and_wait(selftest *s, const char *action, uint32_t timeout_s)
{
    lb_error err;
    bool has_lake = false;
    for (size_t i = 0; i < s->c->manifest->service_count; i++)
        has_lake = has_lake || s->c->manifest->services[i].kind == LB_KIND_DELTA;
    const param_arg args[] = {{.name = "action", .text = action},
                              {.name = "lake", .text = has_lake ? "true" : "false"}};
    const run_ask ask = {.tool = SELFTEST_TOOL,
                         .project = s->project,
                         .branch = s->name,
                         .branch_class = LB_BRANCH_THROWAWAY,
                         .args = args,
                         .arg_count = LB_COUNT(args),
                         .actor_kind = GATE_PERSON,
                         .actor = cli_user(),
                         .timeout_s = timeout_s,
                         .wake = true};
    s->is_over = s->cleaned = false;
    if (supervisor_run_own(s->supervisor, &ask, s->run_id, &err) < 0) {
        add_step(s, s->cleans ? "clean-up" : "run", &err);
        fail(s, &err);
        return;
    }
    if (!s->is_over)
        (void)ev_run(s->loop, 0); /* ends through on_ended or a second signal */
}

/* The first signal ends the steps, but not the taking away of what they made; the second ends that as well. */
static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    selftest *s = watcher->data;
    (void)events;
    if (s->interrupted) {
        s->given_up = true;
        ev_break(loop, EVBREAK_ALL);
        return;
    }
    s->interrupted = true;
    if (!s->cleans)
        supervisor_cancel(s->supervisor, s->run_id);
}

static void try_and_clean(selftest *s)
{
    ev_signal interrupt, terminate;
    ev_signal_init(&interrupt, on_signal, SIGINT);
    ev_signal_init(&terminate, on_signal, SIGTERM);
    interrupt.data = terminate.data = s;
    ev_signal_start(s->loop, &interrupt);
    ev_signal_start(s->loop, &terminate);
    s->touched = true; /* until the run says that it is not so */
    run_and_wait(s, "try", s->try_s);
    if (!s->touched)
        s->cleaned = true;
    else if (!s->given_up) {
        s->cleans = true;
        run_and_wait(s, "clean", CLEAN_S);
    }
    ev_signal_stop(s->loop, &interrupt);
    ev_signal_stop(s->loop, &terminate);
}

/* ---- telling ---- */

static char *left_behind(const selftest *s)
{
    return s->project_of ? base_printf("%s/%s", s->project, s->name) : base_strdup(s->project);
}

static void show_end(const selftest *s)
{
    LB_AUTO_FREE char *left = left_behind(s);
    const char *branch = s->project_of ? s->name : "", *blank = s->project_of ? " " : "";
    if (!s->cleaned)
        (void)printf("%sleft behind%s: %s; lbops target delete %s%s--project %s takes it away\n", cli_style(s->c, "31"),
                     cli_style(s->c, "0"), left, branch, blank, s->project);
    if (s->failure.code || !s->cleaned)
        (void)printf("%sfailed%s\n", cli_style(s->c, "31"), cli_style(s->c, "0"));
    else
        (void)printf("%sok%s, nothing is left behind\n", cli_style(s->c, "32"), cli_style(s->c, "0"));
}

static void show_json(const selftest *s)
{
    BUF_AUTO out = BUF_INIT((size_t)1024 * 1024);
    LB_AUTO_FREE char *left = left_behind(s);
    buf_putc(&out, '{');
    json_member_bool(&out, "ok", !s->failure.code && s->cleaned);
    json_member_string(&out, "project", s->project);
    json_member_string(&out, "branch", s->name);
    json_member_raw(&out, "steps",
                    json_object_to_json_string_ext(s->steps, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_key(&out, "left");
    buf_putc(&out, '[');
    if (!s->cleaned)
        json_string(&out, left);
    buf_puts(&out, "]}");
    (void)puts(buf_text(&out));
}

static int carry_out(selftest *s)
{
    lb_error err;
    const supervisor_options options = {
        .manifest = s->c->manifest,
        .registry = s->c->registry,
        .loop = s->loop,
        .workers = 1,
        .log_level = s->c->log_level,
        .hooks = {.state = s, .ended = on_ended, .log = on_log, .progress = on_progress}};
    if (supervisor_new(&options, &s->supervisor, &err) < 0)
        return cli_fail(s->c, &err);
    s->steps = json_object_new_array();
    try_and_clean(s);
    s->supervisor = supervisor_free(s->supervisor); /* gives NULL */
    clear_progress(s);
    if (s->c->json)
        show_json(s);
    else
        show_end(s);
    (void)json_object_put(s->steps); /* says only whether it was the last reference */
    return s->failure.code ? error_exit_code(s->failure.code) : !s->cleaned;
}

/* ---- the verb ---- */

static int take_words(selftest *s, int argc, char **argv)
{
    const cli *c = s->c;
    bool online = false;
    s->try_s = TRY_S;
    for (int i = 1; i < argc; i++) {
        bool is_project = strcmp(argv[i], "--project") == 0, is_timeout = strcmp(argv[i], "--timeout") == 0;
        if (strcmp(argv[i], "--online") == 0) {
            online = true;
            continue;
        }
        if (!is_project && !is_timeout)
            return cli_usage(c, cli_find_verb("selftest"), NULL, "selftest takes no %s", argv[i]);
        if (i + 1 >= argc || strncmp(argv[i + 1], "--", 2) == 0)
            return cli_usage(c, cli_find_verb("selftest"), NULL, "%s needs a value", argv[i]);
        const char *value = argv[++i];
        char *end = NULL;
        long seconds = is_timeout ? strtol(value, &end, 10) : 1;
        if (is_timeout && (end == value || *end || seconds < 1 || seconds > 86400))
            return cli_usage(c, NULL, "give seconds from 1 to 86400", "--timeout %s is not a number of seconds", value);
        if (is_timeout)
            s->try_s = (uint32_t)seconds;
        else
            s->project_of = value;
    }
    return online ? 0 : cli_usage(c, cli_find_verb("selftest"), NULL, "selftest tries a workspace: say --online");
}

/* Fixtures have no workspace behind them, and a server that was given has one project, which is somebody's. */
static int check_transport(const selftest *s)
{
    const manifest *m = s->c->manifest;
    const manifest_service *transport = NULL;
    bool is_given = false;
    lb_error err;
    for (size_t i = 0; i < m->service_count; i++)
        if (m->services[i].kind == LB_KIND_TRANSPORT)
            transport = &m->services[i];
    if (!transport || strcmp(transport->plugin, "transport_mock") == 0) {
        (void)lb_fail(&err, LB_ERR_UNSUPPORTED, "name transport_lakebase or transport_local under [services.transport]",
                      "%s has no workspace to try", transport ? transport->plugin : "a manifest without a transport");
        return cli_fail(s->c, &err);
    }
    for (size_t i = 0; i < transport->params.count; i++)
        is_given = is_given || strcmp(transport->params.items[i].name, "dsn") == 0;
    if (!is_given || s->project_of)
        return 0;
    (void)lb_fail(&err, LB_ERR_UNSUPPORTED, "give --project: then only a branch of its own is made there",
                  "a server that runs already cannot be given a project");
    return cli_fail(s->c, &err);
}

int cli_selftest(cli *c, int argc, char **argv)
{
    char id[ID_TEXT];
    selftest s = {.c = c, .loop = child_loop()};
    int code = take_words(&s, argc, argv);
    if (code == 0)
        code = cli_load(c, CLI_STRICT);
    if (code == 0)
        code = check_transport(&s);
    if (code != 0)
        return code;
    id_new(id);
    for (char *p = id; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    s.name = base_printf(SELFTEST_PREFIX "%s", id);
    s.project = base_strdup(s.project_of ? s.project_of : s.name);
    code = carry_out(&s);
    free(s.name);
    free(s.project);
    return code;
}
