/* bench_transport: what the way to the servers costs: a warm query against a bare libpq loop, a collection over many
 * local projects, connections, the time to suspension.
 * usage: bench_transport LBOPS PLUGIN_DIR BENCH_PLUGIN_DIR */
#include "bench.h"

#include "fs.h"
#include "local_session.h"
#include "supervisor.h"

#include <errno.h>
#include <libpq-fe.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define QUERIES  200 /* in a row, as the tool is told; short turns, so that what else the machine does hits both */
#define ROUNDS   25
#define ROWS     "3000"
#define PROJECTS 50 /* with three branches each */
#define TARGETS  (PROJECTS * 3)
#define AT_ONCE  4 /* branches that are being made */
#define WORKERS  2
#define SUSPEND  2.0 /* seconds */

extern char **environ;

static char *dir;

static _Noreturn void give_up(const char *what, const lb_error *err)
{
    (void)fprintf(stderr, "bench_transport: %s: %s\n", what, err ? err->message : strerror(errno));
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- a cluster ---- */

static bool never(void)
{
    return false;
}

LB_PRINTF(2, 0) static void to_stderr(lb_level level, const char *fmt, va_list args)
{
    (void)level;
    (void)vfprintf(stderr, fmt, args);
}

static const lb_service_host quiet_host = {
    .size = sizeof quiet_host, .vlog = to_stderr, .cancelled = never, .now = clock_monotonic};

static void control(const local_cluster *c, const char *method, const char *path, const char *query, const char *body,
                    doc **ret_reply)
{
    lb_error err;
    const lb_request request = {.method = method, .path = path, .query = query, .body = body};
    if (local_control(c, &request, clock_monotonic() + 60 * CLOCK_SECOND, ret_reply, &err) < 0)
        give_up("control plane", &err);
}

static void finish(const local_cluster *c, doc *reply)
{
    LB_AUTO_FREE char *name = base_strdup(doc_text(reply, "name"));
    while (!doc_flag(reply, "done")) {
        const struct timespec pause = {.tv_nsec = 10000000};
        (void)nanosleep(&pause, NULL);
        (void)json_object_put(reply);
        control(c, "GET", name, NULL, NULL, &reply);
    }
    if (doc_at(reply, "error"))
        give_up(doc_text(reply, "error.message"), NULL);
    (void)json_object_put(reply);
}

/* Operations that run side by side, so many at once. */
typedef struct flight {
    const local_cluster *cluster;
    doc *replies[AT_ONCE];
    size_t count;
} flight;

static void launch(flight *f, const char *path, const char *query, const char *body)
{
    doc **place = &f->replies[f->count++ % AT_ONCE];
    if (*place)
        finish(f->cluster, *place);
    control(f->cluster, "POST", path, query, body, place);
}

static void land(flight *f)
{
    for (size_t i = 0; i < AT_ONCE; i++)
        if (f->replies[i])
            finish(f->cluster, f->replies[i]);
    *f = (flight){.cluster = f->cluster};
}

static void make_projects(const local_cluster *c)
{
    flight f = {.cluster = c};
    for (int i = 0; i < PROJECTS; i++) {
        LB_AUTO_FREE char *query = base_printf("project_id=p%02d", i);
        launch(&f, "projects", query, "{}");
    }
    land(&f);
    for (int i = 0; i < PROJECTS * 2; i++) {
        LB_AUTO_FREE char *path = base_printf("projects/p%02d/branches", i % PROJECTS);
        LB_AUTO_FREE char *query = base_printf("branch_id=b%d", i / PROJECTS);
        launch(&f, path, query, "{\"spec\":{\"ttl\":\"7200s\"}}");
    }
    land(&f);
}

static char *conninfo_of(const local_cluster *c, const char *project, const char *branch)
{
    lb_error err;
    LOCAL_PROJECT p = {.lock = -1};
    if (local_look(c, project, &p, &err) < 0)
        give_up("project", &err);
    LB_AUTO_FREE char *path = local_branch_path(c, project, doc_text(local_branch(&p, branch), "directory"), "server");
    return base_printf("host=%s port=5432 user=postgres dbname=databricks_postgres", path);
}

/* ---- runs ---- */

typedef struct bench {
    manifest *manifest;
    registry *registry;
    supervisor *supervisor;
    struct ev_loop *loop;
    size_t ended, wanted;
    char *document; /* of the last run */
} bench;

static void on_ended(void *state, const run_outcome *outcome, const char *document)
{
    bench *b = state;
    if (outcome->done.status != RUN_OK)
        give_up(outcome->request->tool, &outcome->done.error);
    free(b->document);
    b->document = base_strdup(document);
    if (++b->ended == b->wanted)
        ev_break(b->loop, EVBREAK_ALL);
}

static void start(bench *b, const char *program)
{
    lb_error err;
    const supervisor_options options = {.manifest = b->manifest,
                                        .registry = b->registry,
                                        .loop = b->loop,
                                        .program = program,
                                        .workers = WORKERS,
                                        .log_level = LB_LOG_WARN,
                                        .hooks = {.state = b, .ended = on_ended}};
    ev_now_update(b->loop); /* making the branches took longer than some of its limits */
    if (supervisor_new(&options, &b->supervisor, &err) < 0)
        give_up("supervisor", &err);
}

static void submit(bench *b, const char *tool, const char *project, const char *branch, const param_arg *args,
                   size_t count)
{
    lb_error err;
    const run_ask ask = {.tool = tool,
                         .project = project,
                         .branch = branch,
                         .args = args,
                         .arg_count = count,
                         .actor_kind = GATE_PERSON,
                         .actor = "bench"};
    if (supervisor_run(b->supervisor, &ask, NULL, &err) < 0)
        give_up(tool, &err);
}

static void wait_for(bench *b, size_t runs)
{
    b->ended = 0;
    b->wanted = runs;
    (void)ev_run(b->loop, 0);
}

static void collect(bench *b)
{
    static const char *const branches[] = {"production", "b0", "b1"};
    for (int i = 0; i < TARGETS; i++) {
        LB_AUTO_FREE char *project = base_printf("p%02d", i / 3);
        submit(b, "bench_views", project, branches[i % 3], NULL, 0);
    }
    wait_for(b, TARGETS);
}

/* ---- the figures ---- */

static double bare_loop(PGconn *conn)
{
    static double samples[QUERIES];
    const char *const params[] = {ROWS};
    const Oid types[] = {20}; /* int8 */
    for (size_t i = 0; i < QUERIES; i++) {
        double began = now_s();
        PGresult *result = PQexecParams(conn, "SELECT sum(g)::bigint AS total FROM generate_series(1, $1) AS g", 1,
                                        types, params, NULL, NULL, 0);
        if (PQntuples(result) != 1)
            give_up(PQerrorMessage(conn), NULL);
        PQclear(result);
        samples[i] = (now_s() - began) * 1e6;
    }
    qsort(samples, QUERIES, sizeof *samples, bench_compare_doubles);
    return bench_percentile(samples, QUERIES, 0.5);
}

static double through_the_host(bench *b)
{
    lb_error err;
    const param_arg args[] = {{.name = "count", .text = "200"}, {.name = "rows", .text = ROWS}};
    submit(b, "bench_queries", "p00", "production", args, LB_COUNT(args));
    wait_for(b, 1);
    doc *run = json_parse(b->document, strlen(b->document), &err);
    double median = doc_f64(run, "result.median_us", 0);
    (void)json_object_put(run);
    return median;
}

/* In a session of its own, as workers are: the kernel shares processors out among sessions. */
static double bare_in_session(const char *conninfo)
{
    double median = 0;
    int ends[2];
    if (pipe(ends) != 0)
        give_up("pipe", NULL);
    pid_t pid = fork();
    if (pid == 0) {
        PGconn *conn = setsid() > 0 ? PQconnectdb(conninfo) : NULL;
        if (PQstatus(conn) != CONNECTION_OK)
            give_up(PQerrorMessage(conn), NULL);
        (void)bare_loop(conn); /* warms it up */
        median = bare_loop(conn);
        _exit(write(ends[1], &median, sizeof median) == (ssize_t)sizeof median ? 0 : 1);
    }
    (void)close(ends[1]); /* the child's */
    if (pid < 0 || read(ends[0], &median, sizeof median) != (ssize_t)sizeof median)
        give_up("the bare loop", NULL);
    (void)close(ends[0]);        /* was only read */
    (void)waitpid(pid, NULL, 0); /* it has said what it had to say */
    return median;
}

/* Both in turn. The median of the ratios. */
static double warm_ratio(bench *b, const local_cluster *c, double *ret_bare_us)
{
    double ratios[ROUNDS], bare[ROUNDS];
    LB_AUTO_FREE char *conninfo = conninfo_of(c, "p00", "production");
    (void)through_the_host(b); /* the worker's session is warm then */
    for (size_t i = 0; i < ROUNDS; i++) {
        bare[i] = bare_in_session(conninfo);
        ratios[i] = through_the_host(b) / bare[i];
    }
    qsort(ratios, ROUNDS, sizeof *ratios, bench_compare_doubles);
    qsort(bare, ROUNDS, sizeof *bare, bench_compare_doubles);
    *ret_bare_us = bare[ROUNDS / 2];
    return ratios[ROUNDS / 2];
}

static double cpu_s(void)
{
    struct rusage own, children;
    (void)getrusage(RUSAGE_SELF, &own); /* cannot fail with these */
    (void)getrusage(RUSAGE_CHILDREN, &children);
    return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
           (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec +
                    children.ru_stime.tv_usec) /
               1e6;
}

/* The most sessions of ours that any branch sees. */
static int64_t most_sessions(const local_cluster *c)
{
    static const char *const branches[] = {"production", "b0", "b1"};
    int64_t most = 0;
    for (int i = 0; i < TARGETS; i++) {
        LB_AUTO_FREE char *project = base_printf("p%02d", i / 3);
        LB_AUTO_FREE char *conninfo = conninfo_of(c, project, branches[i % 3]);
        PGconn *conn = PQconnectdb(conninfo);
        PGresult *result =
            PQexec(conn, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lbops/%' AND "
                         "application_name <> 'lbops/keeper'");
        int64_t count = PQntuples(result) == 1 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
        most = count > most ? count : most;
        PQclear(result);
        PQfinish(conn);
    }
    return most;
}

static double time_to_suspension(bench *b, const local_cluster *c)
{
    doc *reply = NULL;
    const char *endpoint = "projects/p01/branches/b0/endpoints/primary";
    control(c, "PATCH", endpoint, "update_mask=spec.suspension", "{\"spec\":{\"suspend_timeout_duration\":\"2s\"}}",
            &reply);
    (void)json_object_put(reply);
    submit(b, "example_tables", "p01", "b0", NULL, 0);
    wait_for(b, 1);
    double began = now_s();
    for (;;) {
        control(c, "GET", endpoint, NULL, NULL, &reply);
        bool sleeps = doc_is(reply, "status.current_state", "IDLE");
        (void)json_object_put(reply);
        if (sleeps || now_s() - began > 60)
            return now_s() - began;
        const struct timespec pause = {.tv_nsec = 10000000};
        (void)nanosleep(&pause, NULL);
    }
}

/* ---- all of it ---- */

static void write_manifest(bench *b, const char *plugins, const char *bench_plugins)
{
    lb_error err;
    manifest_problems problems = {0};
    LB_AUTO_FREE char *path = base_printf("%s/bench.toml", dir);
    LB_AUTO_FREE char *text = base_printf(
        "[workspace]\nname = \"bench\"\nstate_dir = \"state\"\nplugins = [\"%s\", \"%s\"]\n"
        "[services.transport]\nplugin = \"transport_local\"\nshortest_suspend_s = 1\nlinger_s = 5\n"
        "[agents.bench]\nmission = \"measure\"\ntools = [\"bench_queries\", \"bench_views\", \"example_tables\"]\n",
        plugins, bench_plugins);
    if (fs_write_durable(path, text, strlen(text), 0600, &err) < 0)
        give_up("manifest", &err);
    if (manifest_read(path, &b->manifest, &problems) < 0)
        give_up("manifest", &problems.items[0].error);
    manifest_problems_done(&problems);
}

static void load(bench *b, const char *program)
{
    lb_error err;
    const char *const directories[] = {b->manifest->plugin_dirs[0], b->manifest->plugin_dirs[1]};
    const registry_options options = {.program = program, .directories = directories, .directory_count = 2};
    if (registry_load(&options, &b->registry, &err) < 0)
        give_up("plugins", &err);
}

/* Projects are deleted, so that no server stays behind. */
static void clean_up(const local_cluster *c)
{
    char *const argv[] = {(char[]){"rm"}, (char[]){"-rf"}, dir, NULL};
    pid_t pid;
    for (int i = 0; i < PROJECTS; i++) {
        doc *reply = NULL;
        LB_AUTO_FREE char *path = base_printf("projects/p%02d", i);
        control(c, "DELETE", path, "purge=true", NULL, &reply);
        finish(c, reply);
    }
    if (posix_spawnp(&pid, "rm", NULL, NULL, argv, environ) == 0)
        (void)waitpid(pid, NULL, 0); /* what is left lies in /tmp */
}

static void measure(const char *program, const char *plugins, const char *bench_plugins)
{
    lb_error err;
    double bare_us = 0;
    bench b = {.loop = ev_default_loop(EVFLAG_AUTO)};
    local_claims *claims = NULL;
    LB_AUTO_FREE char *state = base_printf("%s/state/local", dir), *keeper = base_printf("%s/../lbops-keeper", plugins);
    const local_settings settings = {.directory = state, .keeper = keeper, .linger_s = 5, .shortest_suspend_s = 1};
    const pg_options options = {.connect_timeout_ms = 5000};
    if (local_claims_new(&quiet_host, &settings, &options, &claims, &err) < 0)
        give_up("cluster", &err);
    const local_cluster *c = local_claims_cluster(claims);
    write_manifest(&b, plugins, bench_plugins);
    load(&b, program);
    double making = now_s();
    make_projects(c);
    making = now_s() - making;
    start(&b, program);
    double cold = now_s();
    collect(&b); /* starts what sleeps */
    cold = now_s() - cold;
    (void)fprintf(stderr, "bench_transport: %d branches made in %.0f s, all of them started in %.0f s\n", TARGETS,
                  making, cold);
    double ratio = warm_ratio(&b, c, &bare_us), began = now_s();
    collect(&b);
    double wall = now_s() - began;
    int64_t sessions = most_sessions(c);
    b.supervisor = supervisor_free(b.supervisor);
    double before = cpu_s();
    start(&b, program);
    collect(&b);
    b.supervisor = supervisor_free(b.supervisor); /* its workers count once they have ended */
    double cpu_ms = (cpu_s() - before) * 1000 / TARGETS;
    start(&b, program);
    double suspension = time_to_suspension(&b, c);
    b.supervisor = supervisor_free(b.supervisor);
    bench_figure figures[] = {
        {.name = "warm_query_ratio", .value = ratio, .unit = "x", .target = 1.15},
        {.name = "collection_wall", .value = wall, .unit = "s", .target = 10},
        {.name = "collection_cpu_per_target", .value = cpu_ms, .unit = "ms", .target = 25},
        {.name = "sessions_per_worker_and_target", .value = (double)sessions / WORKERS, .unit = "", .target = 1},
        {.name = "suspension_behind_its_timeout", .value = suspension - SUSPEND, .unit = "s", .target = 1},
    };
    (void)snprintf(figures[0].against, sizeof figures[0].against, "a bare libpq loop at %.0f us a query", bare_us);
    (void)snprintf(figures[1].against, sizeof figures[1].against,
                   "%d servers on this machine, six views of each, %d workers, warm", TARGETS, WORKERS);
    (void)snprintf(figures[2].against, sizeof figures[2].against,
                   "starting supervisor, workers and connections included");
    (void)snprintf(figures[4].against, sizeof figures[4].against, "a timeout of 2 s, one run and nobody else");
    bench_print("transport", figures, LB_COUNT(figures));
    clean_up(c);
    local_claims_free(claims);
    free(b.document);
    b.registry = registry_free(b.registry);
    b.manifest = manifest_free(b.manifest);
}

int main(int argc, char **argv)
{
    char template[] = "/tmp/lbops-bench-XXXXXX";
    if (argc != 4) {
        (void)fputs("usage: bench_transport LBOPS PLUGIN_DIR BENCH_PLUGIN_DIR\n", stderr);
        return 2;
    }
    dir = mkdtemp(template);
    if (!dir)
        give_up("temporary directory", NULL);
    measure(argv[1], argv[2], argv[3]);
    return 0;
}
