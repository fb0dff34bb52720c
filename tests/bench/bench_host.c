/* bench_host: what the host itself costs: a run's round trip, runs per second, time to ready, memory, schedules.
 * usage: bench_host LBOPS PLUGIN_DIR BENCH_PLUGIN_DIR */
#include "bench.h"
#include "bench_events.h"
#include "sched_figures.h"

#include "fs.h"
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#define LATENCY_RUNS  20000
#define WARM_UP       2000
#define FLOOD_SECONDS 3.0
#define IN_FLIGHT     64
#define READY_ROUNDS  15

extern char **environ;

static _Noreturn void give_up(const char *what, const lb_error *err)
{
    (void)fprintf(stderr, "bench_host: %s: %s\n", what, err ? err->message : strerror(errno));
    exit(1);
}

/* ---- a manifest to work with ---- */

typedef struct workspace {
    char *dir, *path;
    manifest *manifest;
    registry *registry;
} workspace;

static void workspace_open(workspace *w, const char *plugins, int tools)
{
    lb_error err;
    manifest_problems problems = {0};
    BUF_AUTO text = BUF_INIT(1024 * 1024);
    char template[] = "/tmp/lbops-bench-XXXXXX";
    if (!mkdtemp(template))
        give_up("temporary directory", NULL);
    w->dir = base_strdup(template);
    w->path = base_printf("%s/bench.toml", w->dir);
    buf_printf(&text,
               "[workspace]\nname = \"bench\"\nplugins = [\"%s\"]\n[limits]\nworkers = 2\n[agents.bench]\nmission = "
               "\"measure\"\ntools = [",
               plugins);
    if (!tools)
        buf_puts(&text, "\"noop\"");
    for (int i = 0; i < tools; i++)
        buf_printf(&text, "%s\"bench_tool_%02d\"", i ? ", " : "", i);
    buf_puts(&text, "]\n");
    if (fs_write_durable(w->path, buf_text(&text), text.length, 0600, &err) < 0)
        give_up("manifest", &err);
    if (manifest_read(w->path, &w->manifest, &problems) < 0)
        give_up("manifest", &problems.items[0].error);
    manifest_problems_done(&problems);
}

static void workspace_load(workspace *w, const char *program)
{
    lb_error err;
    const char *const directories[] = {w->manifest->plugin_dirs[0]};
    const registry_options options = {.program = program, .directories = directories, .directory_count = 1};
    if (registry_load(&options, &w->registry, &err) < 0)
        give_up("plugins", &err);
}

static void workspace_close(workspace *w)
{
    char *const argv[] = {(char[]){"rm"}, (char[]){"-rf"}, w->dir, NULL};
    pid_t pid;
    w->registry = registry_free(w->registry);
    w->manifest = manifest_free(w->manifest);
    if (posix_spawnp(&pid, "rm", NULL, NULL, argv, environ) == 0)
        (void)waitpid(pid, NULL, 0); /* what is left lies in /tmp */
    free(w->path);
    free(w->dir);
}

/* ---- the round trip of an empty tool through supervisor and worker ---- */

typedef struct latency {
    struct ev_loop *loop;
    pool *pool;
    run_request request;
    double began, *samples;
    size_t count;
} latency;

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void latency_next(latency *l)
{
    id_new(l->request.id);
    l->began = now_us();
    pool_submit(l->pool, &l->request);
}

static void latency_ended(void *state, const run_outcome *outcome)
{
    latency *l = state;
    if (outcome->done.status != RUN_OK)
        give_up("run", &outcome->done.error);
    l->samples[l->count++] = now_us() - l->began;
    if (l->count < LATENCY_RUNS + WARM_UP)
        latency_next(l);
    else
        ev_break(l->loop, EVBREAK_ALL);
}

static void measure_latency(const workspace *w, const char *program, double *ret_median, double *ret_p99)
{
    lb_error err;
    const plugin_spec *spec = registry_find(w->registry, LB_KIND_TOOL, "noop");
    const worker_setup setup = {.outbox_dir = w->dir,
                                .work_dir = w->dir,
                                .log_level = LB_LOG_WARN,
                                .worker_memory_mb = 1024,
                                .run_memory_mb = 256,
                                .result_mb = 16,
                                .run_events = 100,
                                .run_records = 100,
                                .connection_idle_s = 60,
                                .grace_s = 5};
    latency l = {.loop = ev_default_loop(EVFLAG_AUTO)};
    const pool_options options = {.loop = l.loop,
                                  .program = program,
                                  .workers = 1,
                                  .grace_s = 5,
                                  .recycle_runs = 1000000,
                                  .events_limit = 1024 * 1024,
                                  .setup = &setup,
                                  .hooks = {.state = &l, .ended = latency_ended}};
    if (!spec)
        give_up("noop is not there", NULL);
    l.request = (run_request){.tool = "noop",
                              .agent = "bench",
                              .path = spec->path,
                              .actor_kind = GATE_PERSON,
                              .actor = "bench",
                              .risk = LB_RISK_LOW,
                              .timeout_s = 60};
    l.samples = base_alloc((LATENCY_RUNS + WARM_UP) * sizeof *l.samples);
    if (pool_new(&options, &l.pool, &err) < 0)
        give_up("pool", &err);
    latency_next(&l);
    (void)ev_run(l.loop, 0); /* ends by ev_break */
    (void)pool_free(l.pool); /* gives NULL */
    double *warm = l.samples + WARM_UP;
    qsort(warm, LATENCY_RUNS, sizeof *warm, bench_compare_doubles);
    *ret_median = bench_percentile(warm, LATENCY_RUNS, 0.5);
    *ret_p99 = bench_percentile(warm, LATENCY_RUNS, 0.99);
    free(l.samples);
}

/* ---- runs per second, each with its durable row in the book ---- */

typedef struct flood {
    struct ev_loop *loop;
    supervisor *supervisor;
    size_t ended;
    double stop_at;
} flood;

static void flood_submit(flood *f)
{
    lb_error err;
    const run_ask ask = {.tool = "noop", .actor_kind = GATE_SCHEDULE, .actor = "bench"};
    if (supervisor_run(f->supervisor, &ask, NULL, &err) < 0)
        give_up("run", &err);
}

static void flood_ended(void *state, const run_outcome *outcome, const char *document)
{
    flood *f = state;
    (void)document;
    if (outcome->done.status != RUN_OK)
        give_up("run", &outcome->done.error);
    f->ended++;
    if (now_us() < f->stop_at)
        flood_submit(f);
    else if (supervisor_pending(f->supervisor) == 0)
        ev_break(f->loop, EVBREAK_ALL);
}

static double measure_flood(const workspace *w, const char *program)
{
    lb_error err;
    flood f = {.loop = ev_default_loop(EVFLAG_AUTO)};
    const supervisor_options options = {.manifest = w->manifest,
                                        .registry = w->registry,
                                        .loop = f.loop,
                                        .program = program,
                                        .workers = 2,
                                        .log_level = LB_LOG_WARN,
                                        .hooks = {.state = &f, .ended = flood_ended}};
    if (supervisor_new(&options, &f.supervisor, &err) < 0)
        give_up("supervisor", &err);
    while (pool_ready(supervisor_pool(f.supervisor)) < 2)
        (void)ev_run(f.loop, EVRUN_ONCE); /* until the workers are up */
    double began = now_us();
    f.stop_at = began + FLOOD_SECONDS * 1e6;
    /* Rows become durable in groups, so many runs are on their way at once; more than the workers have in hand. */
    for (int i = 0; i < IN_FLIGHT * 64; i++)
        flood_submit(&f);
    (void)ev_run(f.loop, 0); /* ends by ev_break */
    double seconds = (now_us() - began) / 1e6;
    (void)supervisor_free(f.supervisor); /* gives NULL */
    return (double)f.ended / seconds;
}

/* ---- from exec to ready, and memory ---- */

typedef struct started {
    pid_t pid;
    int in, out;
} started;

static started start_program(const char *program, const char *path, bool hold)
{
    int in[2], out[2];
    started s = {0};
    posix_spawn_file_actions_t actions;
    char *const argv[] = {(char[]){"lbops"},
                          (char[]){"-m"},
                          (char *)(uintptr_t)path,
                          (char[]){"__ready"},
                          hold ? (char[]){"--hold"} : NULL,
                          NULL};
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, in[0], 0) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, out[1], 1) != 0 ||
        posix_spawn(&s.pid, program, &actions, NULL, argv, environ) != 0)
        give_up("start lbops", NULL);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(in[0]);
    (void)close(out[1]);
    s.in = in[1];
    s.out = out[0];
    return s;
}

static void wait_for_ready(const started *s)
{
    char text[16] = "";
    size_t got = 0;
    ssize_t n;
    while (got < 6 && (n = read(s->out, text + got, sizeof text - 1 - got)) > 0)
        got += (size_t)n;
    if (strncmp(text, "ready\n", 6) != 0)
        give_up("lbops __ready did not get ready", NULL);
}

static void end_program(const started *s)
{
    int status = 0;
    (void)close(s->in);
    (void)close(s->out);
    (void)waitpid(s->pid, &status, 0); /* our own child */
    if (status != 0)
        give_up("lbops __ready failed", NULL);
}

static double time_to_ready(const char *program, const workspace *w, bool cold)
{
    double samples[READY_ROUNDS];
    LB_AUTO_FREE char *cache = base_printf("%s/.lbops/plugins.json", w->dir);
    for (int i = 0; i < READY_ROUNDS; i++) {
        if (cold)
            (void)unlink(cache); /* may not be there */
        double began = now_us();
        started s = start_program(program, w->path, false);
        wait_for_ready(&s);
        samples[i] = (now_us() - began) / 1000;
        end_program(&s);
    }
    qsort(samples, READY_ROUNDS, sizeof *samples, bench_compare_doubles);
    return bench_percentile(samples, READY_ROUNDS, 0.5);
}

/* The sum of the named lines (in kB) of a file under /proc. */
static long sum_lines(pid_t pid, const char *file, const char *first, const char *second)
{
    char path[64], line[256];
    long sum = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, first, strlen(first)) == 0 || (second && strncmp(line, second, strlen(second)) == 0))
            sum += strtol(strchr(line, ':') + 1, NULL, 10);
    if (f)
        (void)fclose(f); /* was only read */
    return sum;
}

static pid_t first_child(pid_t pid)
{
    char path[64];
    int child = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%d", &child) != 1)
        child = 0;
    if (f)
        (void)fclose(f); /* was only read */
    return child;
}

static void measure_memory(const char *program, const workspace *w, double *ret_supervisor, double *ret_worker)
{
    started s = start_program(program, w->path, true);
    wait_for_ready(&s);
    pid_t worker = first_child(s.pid);
    if (!worker)
        give_up("there is no worker", NULL);
    *ret_supervisor = (double)sum_lines(s.pid, "status", "VmRSS:", NULL) / 1024;
    *ret_worker = (double)sum_lines(worker, "smaps_rollup", "Private_Clean:", "Private_Dirty:") / 1024;
    if (*ret_supervisor <= 0 || *ret_worker <= 0)
        give_up("its memory cannot be read under /proc: run this as root", NULL);
    end_program(&s);
}

/* What a process per run would cost: starting /bin/true and waiting for it. */
static double measure_spawn(void)
{
    double samples[200];
    for (size_t i = 0; i < LB_COUNT(samples); i++) {
        char *const argv[] = {(char[]){"true"}, NULL};
        pid_t pid;
        double began = now_us();
        if (posix_spawnp(&pid, "true", NULL, NULL, argv, environ) != 0)
            give_up("start true", NULL);
        (void)waitpid(pid, NULL, 0); /* our own child */
        samples[i] = now_us() - began;
    }
    qsort(samples, LB_COUNT(samples), sizeof *samples, bench_compare_doubles);
    return bench_percentile(samples, LB_COUNT(samples), 0.5);
}

int main(int argc, char **argv)
{
    workspace small = {0}, large = {0};
    double median, p99, supervisor_mb, worker_mb;
    if (argc != 4) {
        (void)fputs("usage: bench_host LBOPS PLUGIN_DIR BENCH_PLUGIN_DIR\n", stderr);
        return 2;
    }
    workspace_open(&small, argv[2], 0);
    workspace_load(&small, argv[1]);
    workspace_open(&large, argv[3], 47);
    double spawn = measure_spawn();
    measure_latency(&small, argv[1], &median, &p99);
    double per_second = measure_flood(&small, argv[1]);
    double cold = time_to_ready(argv[1], &large, true), warm = time_to_ready(argv[1], &large, false);
    measure_memory(argv[1], &large, &supervisor_mb, &worker_mb);
    bench_figure events[BENCH_EVENT_FIGURES];
    bench_events(small.dir, events);
    bench_figure figures[] = {
        {.name = "round_trip_median", .value = median, .unit = "us", .target = 60},
        {.name = "round_trip_p99", .value = p99, .unit = "us", .target = 300},
        {.name = "runs_per_second_two_workers", .value = per_second, .unit = "1/s", .target = 15000, .more = true},
        {.name = "ready_cold_47_tools", .value = cold, .unit = "ms", .target = 100},
        {.name = "ready_cached_47_tools", .value = warm, .unit = "ms", .target = 30},
        {.name = "supervisor_resident", .value = supervisor_mb, .unit = "MB", .target = 12},
        {.name = "idle_worker_private", .value = worker_mb, .unit = "MB", .target = 8},
        events[0],
        events[1],
        events[2],
        events[3],
        events[4],
    };
    (void)snprintf(figures[0].against, sizeof figures[0].against,
                   "starting a process per run: %.0f us, %.1f times as much", spawn, spawn / median);
    bench_figure all[LB_COUNT(figures) + SCHED_FIGURES];
    memcpy(all, figures, sizeof figures);
    sched_figures(all + LB_COUNT(figures));
    bench_print("host", all, LB_COUNT(all));
    workspace_close(&small);
    workspace_close(&large);
    return 0;
}
