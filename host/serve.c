/* The daemon's life: one per state directory, ready when the state is, reloaded by SIGHUP, drained by SIGTERM. */
#include "serve_internal.h"

#include "child.h"
#include "fs.h"
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>

/* A manifest being read anew, in a thread of its own: plugins are described by probes, which take their time. */
typedef struct reload {
    serve *serve;
    pthread_t thread;
    manifest *manifest;
    registry *registry;
    int result, problems;
} reload;

/* ---- one per state directory ---- */

static int take_lock(serve *s, lb_error *err)
{
    char who[256] = "";
    LB_AUTO_FREE char *path = base_printf("%s/daemon.lock", s->manifest->state_dir);
    int r = fs_make_dirs(s->manifest->state_dir, err);
    if (r < 0)
        return lb_wrap(err, "state directory");
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return fs_fail(err, errno, "open", path);
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(s->lock_fd, who, sizeof who - 1, 0);
        who[n > 0 ? n : 0] = '\0';
        return lb_fail(err, LB_ERR_CONFLICT, "stop that one first, or give this one a state_dir of its own",
                       "another daemon holds %s: %s", s->manifest->state_dir, who);
    }
    char since[CLOCK_TEXT], line[256];
    clock_format(s->started_at, since);
    int length =
        snprintf(line, sizeof line, "process %d since %s, manifest %.120s", (int)getpid(), since, s->manifest->path);
    if (ftruncate(s->lock_fd, 0) != 0 || pwrite(s->lock_fd, line, (size_t)length, 0) != length)
        return fs_fail(err, errno, "write", path);
    return 0;
}

/* ---- ending ---- */

static void check_drained(serve *s)
{
    if (s->is_draining && supervisor_pending(s->supervisor) == 0)
        ev_break(s->loop, EVBREAK_ALL);
}

static void on_drain_limit(struct ev_loop *loop, ev_timer *timer, int events)
{
    serve *s = timer->data;
    (void)events;
    log_line(LB_LOG_WARN, "serve", "%zu run(s) did not end in time and are cancelled",
             supervisor_pending(s->supervisor));
    ev_break(loop, EVBREAK_ALL); /* what is left is ended by the supervisor's end */
}

void serve_stop(serve *s, const char *reason)
{
    if (s->is_draining) {
        ev_break(s->loop, EVBREAK_ALL); /* asked twice: at once */
        return;
    }
    s->is_draining = true;
    desk_close(s->desk); /* else whoever keeps asking keeps it from ending */
    log_line(LB_LOG_INFO, "serve", "stopping: %s", reason);
    notify_manager("STOPPING=1\nSTATUS=%zu run(s) are ending", supervisor_pending(s->supervisor));
    if (s->is_ready) {
        supervisor_event(s->supervisor, "daemon.stopped", NULL, NULL, LB_ARGS(lb_text("reason", reason)));
        serve_lease_stop(s);
    }
    ev_timer_set(&s->drain_limit, s->manifest->schedule.drain_s, 0);
    ev_timer_start(s->loop, &s->drain_limit);
    check_drained(s);
}

static void on_run_ended(void *state, const run_outcome *outcome, const char *document)
{
    serve *s = state;
    (void)outcome, (void)document;
    if (s->is_draining)
        ev_timer_start(s->loop, &s->drained); /* once its watchers have heard of it too */
}

static void on_drained(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    check_drained(timer->data);
}

static void on_term(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop, (void)events;
    serve_stop(watcher->data, watcher->signum == SIGTERM ? "SIGTERM" : "SIGINT");
}

/* ---- reloading ---- */

static void *read_anew(void *arg)
{
    reload *l = arg;
    const serve_options *o = l->serve->options;
    l->result = o->load(o->state, &l->manifest, &l->registry, &l->problems);
    ev_async_send(l->serve->loop, &l->serve->reloaded);
    return NULL;
}

bool serve_reload(serve *s)
{
    sigset_t all, before;
    if (s->reload || s->is_draining || !s->is_ready)
        return false;
    reload *l = base_alloc(sizeof *l);
    l->serve = s;
    s->reload = l;
    notify_manager("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic());
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the loop's thread */
    int failed = pthread_create(&l->thread, NULL, read_anew, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        return true;
    log_line(LB_LOG_ERROR, "serve", "cannot start a thread to read the manifest: %s", strerror(failed));
    free(l);
    s->reload = NULL;
    return false;
}

static const char *state_of(const manifest *m)
{
    const manifest_service *named = manifest_find_service(m, LB_KIND_STATE);
    return named ? named->plugin : "";
}

/* What can only be changed by starting anew. */
static int check_same(const serve *s, const manifest *m, lb_error *err)
{
    if (strcmp(m->state_dir, s->manifest->state_dir) != 0 || strcmp(state_of(m), state_of(s->manifest)) != 0)
        return lb_fail(err, LB_ERR_CONFLICT, "restart the daemon for that",
                       "the state directory and the state service cannot change while it runs");
    return 0;
}

static int use(serve *s, reload *l, lb_error *err)
{
    int r = check_same(s, l->manifest, err);
    if (r >= 0)
        r = supervisor_use(s->supervisor, l->manifest, l->registry, err);
    if (r < 0)
        return r;
    manifest *old = s->manifest;
    registry *old_registry = s->registry;
    s->manifest = l->manifest;
    s->registry = l->registry;
    l->manifest = NULL;
    l->registry = NULL;
    desk_use(s->desk, s->manifest);
    serve_services_stop(s); /* they may be others now, or have other parameters */
    r = serve_services_start(s, err);
    if (r < 0)
        log_error("serve", err);
    serve_schedule_reload(s);
    serve_events_stop(s);
    r = serve_events_start(s, err);
    (void)manifest_free(old);          /* gives NULL */
    (void)registry_free(old_registry); /* gives NULL */
    return r;
}

static void on_reloaded(struct ev_loop *loop, ev_async *async, int events)
{
    serve *s = async->data;
    reload *l = s->reload;
    lb_error error = {0};
    (void)loop, (void)events;
    if (!l)
        return;
    (void)pthread_join(l->thread, NULL); /* it has done its work */
    s->reload = NULL;
    bool accepted = l->result == 0 && !s->is_draining && use(s, l, &error) >= 0;
    if (error.code)
        log_error("serve", &error);
    log_line(accepted ? LB_LOG_INFO : LB_LOG_ERROR, "serve",
             accepted ? "the manifest has been read again" : "the manifest was refused: the old one goes on");
    supervisor_event(s->supervisor, "daemon.reloaded", NULL, NULL,
                     LB_ARGS(lb_bool("accepted", accepted), lb_i64("problems", l->problems)));
    notify_manager("READY=1\nSTATUS=%s", accepted ? "serving" : "serving by the old manifest: the new one has errors");
    (void)manifest_free(l->manifest); /* gives NULL, as does the next */
    (void)registry_free(l->registry);
    free(l);
}

static void on_hup(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop, (void)events;
    if (!serve_reload(watcher->data))
        log_line(LB_LOG_WARN, "serve", "the manifest is not read again now: starting, ending, or being read already");
}

/* ---- starting ---- */

static void on_watchdog(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)timer, (void)events;
    notify_manager("WATCHDOG=1");
}

static void give_up(serve *s, const lb_error *error)
{
    s->failure = *error;
    s->is_draining = true;
    ev_break(s->loop, EVBREAK_ALL);
}

static void on_ready(void *state, const lb_error *error)
{
    serve *s = state;
    lb_error failure;
    if (error) {
        give_up(s, error);
        return;
    }
    s->is_ready = true;
    event_log *log = chronicle_log(supervisor_chronicle(s->supervisor));
    s->fresh_from = log ? event_log_last(log) : 0;
    s->is_fresh = true;
    supervisor_event(
        s->supervisor, "daemon.started", NULL, NULL,
        LB_ARGS(lb_text("version", s->options->version), lb_text("host", s->host), lb_i64("pid", getpid())));
    if (serve_name_log(s, &failure) < 0 || serve_services_start(s, &failure) < 0 ||
        serve_schedule_start(s, &failure) < 0 || serve_events_start(s, &failure) < 0) {
        give_up(s, &failure);
        return;
    }
    approvals_go_on(supervisor_approvals(s->supervisor));
    log_line(LB_LOG_INFO, "serve", "ready: workspace %s, %zu target(s)", s->manifest->name, s->target_count);
    notify_manager("READY=1\nSTATUS=serving");
}

static void start_watching(serve *s)
{
    double watchdog = notify_watchdog_s();
    ev_signal_init(&s->hup, on_hup, SIGHUP);
    ev_signal_init(&s->term, on_term, SIGTERM);
    ev_signal_init(&s->interrupt, on_term, SIGINT);
    ev_timer_init(&s->watchdog, on_watchdog, watchdog, watchdog);
    ev_timer_init(&s->drain_limit, on_drain_limit, 0, 0);
    ev_timer_init(&s->drained, on_drained, 0, 0);
    ev_async_init(&s->reloaded, on_reloaded);
    s->hup.data = s->term.data = s->interrupt.data = s;
    s->watchdog.data = s->drain_limit.data = s->drained.data = s->reloaded.data = s;
    ev_signal_start(s->loop, &s->hup);
    ev_signal_start(s->loop, &s->term);
    ev_signal_start(s->loop, &s->interrupt);
    ev_async_start(s->loop, &s->reloaded);
    if (watchdog > 0)
        ev_timer_start(s->loop, &s->watchdog);
}

static int start(serve *s, lb_error *err)
{
    const supervisor_options options = {
        .manifest = s->manifest,
        .registry = s->registry,
        .loop = s->loop,
        .daemon = true,
        .log_level = s->options->log_level,
        .hooks = {.state = s,
                  .ready = on_ready,
                  .ended = on_run_ended,
                  .durable = serve_events_durable,
                  .publish = serve_publish,
                  .settle = serve_settle,
                  .is_ours = serve_lease_is_ours},
    };
    int r = take_lock(s, err);
    if (r >= 0)
        r = supervisor_new(&options, &s->supervisor, err);
    if (r >= 0 && !supervisor_book(s->supervisor))
        r = lb_fail(err, LB_ERR_NOT_FOUND, "install the plugin state_sqlite, or name one under [services.state]",
                    "a daemon needs a state service, and there is none");
    if (r < 0)
        return r;
    s->desk = desk_new(s->supervisor, s->manifest, serve_ask, s);
    return control_new(s->loop, s->manifest->state_dir, s->desk, &s->control, err);
}

static void stop(serve *s)
{
    ev_signal_stop(s->loop, &s->hup);
    ev_signal_stop(s->loop, &s->term);
    ev_signal_stop(s->loop, &s->interrupt);
    ev_timer_stop(s->loop, &s->watchdog);
    ev_timer_stop(s->loop, &s->drain_limit);
    ev_timer_stop(s->loop, &s->drained);
    if (s->reload) {
        (void)pthread_join(s->reload->thread, NULL); /* it ends by itself */
        (void)manifest_free(s->reload->manifest);    /* gives NULL, as does the next */
        (void)registry_free(s->reload->registry);
        free(s->reload);
    }
    ev_async_stop(s->loop, &s->reloaded);
    s->is_draining = true;
    if (s->supervisor && supervisor_book(s->supervisor))
        serve_events_stop(s);
    serve_services_stop(s);
    free(s->unwritten);
    s->unwritten = NULL;
    text_map_done(&s->outages);                     /* a reload goes on with them */
    s->supervisor = supervisor_free(s->supervisor); /* ends every run and tells whoever waits */
    serve_alerts_stop(s);
    serve_router_leave(s);
    serve_schedule_stop(s);
    s->control = control_free(s->control);
    s->desk = desk_free(s->desk);
    arena_done(&s->subscription_memory);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);      /* lets go of the lock */
    (void)manifest_free(s->manifest); /* gives NULL, as does the next */
    (void)registry_free(s->registry);
}

int serve_run(const serve_options *options, manifest *m, registry *r, lb_error *err)
{
    serve *s = base_alloc(sizeof *s);
    s->options = options;
    s->loop = child_loop();
    s->manifest = m;
    s->registry = r;
    s->lock_fd = s->router_lock = -1;
    s->started_at = clock_now();
    arena_init(&s->subscription_memory, 0);
    host_id_own(s->host);
    start_watching(s);
    int code = start(s, err);
    if (code >= 0 && !s->failure.code)
        (void)ev_run(s->loop, 0);
    stop(s);
    if (s->failure.code) {
        *err = s->failure;
        code = err->code;
    }
    free(s);
    return code;
}
