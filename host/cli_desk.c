/* Asking for something: a daemon over its socket, or a desk of our own with a supervisor that lives as long as the
 * answer takes. */
#include "cli.h"

#include "child.h"
#include "control.h"
#include "desk.h"
#include "json.h"
#include "log.h"
#include "serve_once.h"

#include <errno.h>
#include <signal.h>

typedef struct asking {
    cli *c;
    const cli_takers *takers;
    struct ev_loop *loop;
    desk *desk;
    const char *request;
    desk_call *call;
    serve_once *once; /* for a cycle or a job; else NULL */
    bool is_over, is_remote, interrupted, again, progress_shown;
    int exit_code;
    long long ended; /* runs of a cycle or a job */
    double started;
    char progress[200];
    ev_timer ticker;
} asking;

/* ---- the answer ---- */

static void clear_progress(asking *a)
{
    if (a->progress_shown)
        (void)fputs("\r\033[K", stderr);
    a->progress_shown = false;
}

static void show_log(struct json_object *line)
{
    const char *tool = json_get_text(line, "tool"), *text = json_get_text(line, "text");
    log_line((lb_level)json_get_i64(line, "level", LB_LOG_INFO), tool ? tool : "run", "%s", text ? text : "");
}

static void note_progress(asking *a, struct json_object *line)
{
    const char *tool = json_get_text(line, "tool"), *what = json_get_text(line, "what");
    long long done = (long long)json_get_i64(line, "done", 0), total = (long long)json_get_i64(line, "total", 0);
    if (total > 0)
        (void)snprintf(a->progress, sizeof a->progress, "%s: %lld of %lld %s", tool ? tool : "", done, total,
                       what ? what : "");
    else if (done > 0)
        (void)snprintf(a->progress, sizeof a->progress, "%s: %lld %s", tool ? tool : "", done, what ? what : "");
    else
        (void)snprintf(a->progress, sizeof a->progress, "%s: %s", tool ? tool : "", what ? what : "");
}

static void count_ended(asking *a)
{
    if (!a->once)
        return;
    a->ended++;
    (void)snprintf(a->progress, sizeof a->progress, "%lld %s ended", a->ended, a->ended == 1 ? "run has" : "runs have");
}

static void show_error(const asking *a, struct json_object *line)
{
    lb_error error = {0};
    const char *code = json_get_text(line, "code"), *message = json_get_text(line, "message"),
               *hint = json_get_text(line, "hint");
    error.code = LB_ERR_INTERNAL;
    for (int number = LB_ERR_INVALID; number >= LB_ERR_INTERNAL; number--)
        if (code && strcmp(code, error_name(number)) == 0)
            error.code = number;
    (void)snprintf(error.message, sizeof error.message, "%s", message ? message : "it failed");
    (void)snprintf(error.hint, sizeof error.hint, "%s", hint ? hint : "");
    (void)cli_fail(a->c, &error); /* the exit code comes with the last line */
}

static void take_line(void *state, const char *text)
{
    asking *a = state;
    lb_error error;
    struct json_object *member;
    JSON_AUTO *line = json_parse(text, strlen(text), &error);
    if ((member = json_get_object(line, "progress"))) {
        note_progress(a, member);
        return;
    }
    clear_progress(a);
    if ((member = json_get_object(line, "log")))
        show_log(member);
    else if ((member = json_get_object(line, "error")))
        show_error(a, member);
    else if ((member = json_get_object(line, "document")) && a->takers->document) {
        a->takers->document(a->c, a->takers->state, member);
        count_ended(a);
    } else if ((member = json_get_object(line, "item")) && a->takers->item)
        a->takers->item(a->c, a->takers->state, member);
    else if ((member = json_get_object(line, "result")) && a->takers->result)
        a->takers->result(a->c, a->takers->state, member);
}

/* Only what takes longer than a second shows that it is alive. */
static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    asking *a = timer->data;
    (void)events;
    (void)fprintf(stderr, "\r\033[K%.0f s %s", ev_now(loop) - a->started, a->progress);
    (void)fflush(stderr);
    a->progress_shown = true;
}

/* ---- a desk of our own ---- */

static void on_exit_code(void *state, int code)
{
    asking *a = state;
    a->is_over = true;
    a->call = NULL;
    a->exit_code = code;
    if (!a->once) {
        ev_break(a->loop, EVBREAK_ALL);
        return;
    }
    (void)snprintf(a->progress, sizeof a->progress, "what its events start");
    serve_once_end(a->once);
}

static void on_over(void *state)
{
    const asking *a = state;
    ev_break(a->loop, EVBREAK_ALL);
}

static void on_line(void *state, const char *line)
{
    if (strncmp(line, "{\"exit\":", 8) != 0)
        take_line(state, line);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    asking *a = watcher->data;
    (void)events;
    if (a->interrupted || !a->call)
        ev_break(loop, EVBREAK_ALL);
    a->interrupted = true;
    if (a->once)
        serve_once_interrupt(a->once);
    if (a->call)
        desk_interrupt(a->call);
}

static void begin(void *state)
{
    asking *a = state;
    const desk_client client = {.state = a, .say = on_line, .exit = on_exit_code, .via = "the command line"};
    desk_call *call = desk_serve(a->desk, a->request, &client);
    a->call = a->is_over ? NULL : call;
}

static void serve(asking *a, supervisor *s)
{
    ev_signal interrupt, terminate;
    ev_signal_init(&interrupt, on_signal, SIGINT);
    ev_signal_init(&terminate, on_signal, SIGTERM);
    interrupt.data = terminate.data = a;
    ev_signal_start(a->loop, &interrupt);
    ev_signal_start(a->loop, &terminate);
    if (a->once)
        serve_once_start(a->once, s);
    else
        begin(a);
    if (!a->is_over || a->once)
        (void)ev_run(a->loop, 0); /* ends through on_exit_code, on_over or a second signal */
    ev_signal_stop(a->loop, &interrupt);
    ev_signal_stop(a->loop, &terminate);
}

static serve_once *follow_events(asking *a)
{
    const serve_once_options options = {.loop = a->loop,
                                        .manifest = a->c->manifest,
                                        .registry = a->c->registry,
                                        .log_level = a->c->log_level,
                                        .state = a,
                                        .ready = begin,
                                        .over = on_over};
    return serve_once_new(&options);
}

static int ask_here(asking *a, cli_ask_kind kind)
{
    lb_error error;
    supervisor *s = NULL;
    a->once = kind == CLI_ASK_CYCLE ? follow_events(a) : NULL;
    const supervisor_options options = {
        .manifest = a->c->manifest,
        .registry = a->c->registry,
        .loop = a->loop,
        .workers = kind == CLI_ASK_LOOK ? -1 : 1,
        .log_level = a->c->log_level,
        .hooks = a->once ? serve_once_hooks(a->once) : (supervisor_hooks){0},
    };
    if (supervisor_new(&options, &s, &error) < 0) {
        (void)serve_once_free(a->once); /* gives NULL */
        return cli_fail(a->c, &error);
    }
    a->desk = desk_new(s, a->c->manifest, NULL, NULL);
    serve(a, s);
    if (a->once)
        serve_once_stop(a->once);
    (void)supervisor_free(s);       /* gives NULL */
    (void)serve_once_free(a->once); /* gives NULL */
    (void)desk_free(a->desk);       /* gives NULL */
    return a->exit_code;
}

/* ---- a daemon's ---- */

static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupts = interrupts + 1;
}

static bool is_interrupted(void *state)
{
    const asking *a = state;
    (void)a;
    return interrupts > 0;
}

static int ask_daemon(asking *a, control_link *link, const char *request)
{
    lb_error error;
    struct sigaction catch = {.sa_handler = on_interrupt}, before;
    (void)sigemptyset(&catch.sa_mask);
    (void)sigaction(SIGINT, &catch, &before); /* without SA_RESTART: it ends the wait */
    int code = control_ask(link, request, take_line, is_interrupted, a, &error);
    (void)sigaction(SIGINT, &before, NULL); /* as it was */
    return code < 0 ? cli_fail(a->c, &error) : code;
}

int cli_ask(cli *c, const char *request, const char *what, cli_ask_kind kind, const cli_takers *takers)
{
    lb_error error;
    control_link *link = NULL;
    asking a = {
        .c = c, .request = request, .takers = takers, .loop = child_loop(), .exit_code = 5, .started = ev_time()};
    int reached = kind == CLI_ASK_HERE ? LB_ERR_NOT_FOUND : control_connect(c->manifest->state_dir, &link, &error);
    (void)snprintf(a.progress, sizeof a.progress, "%s", what);
    if (reached < 0 && (reached != LB_ERR_NOT_FOUND || kind == CLI_ASK_DAEMON))
        return cli_fail(c, &error);
    ev_timer_init(&a.ticker, on_tick, 1.0, 0.2);
    a.ticker.data = &a;
    if (reached < 0 && c->err_is_terminal && !c->quiet)
        ev_timer_start(a.loop, &a.ticker);
    int code = reached < 0 ? ask_here(&a, kind) : ask_daemon(&a, link, request);
    ev_timer_stop(a.loop, &a.ticker);
    clear_progress(&a);
    (void)control_close(link); /* gives NULL */
    return code;
}
