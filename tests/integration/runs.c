#include "runs.h"

#include "child.h"

#include <dirent.h>
#include <signal.h>

/* The sanitizers would turn the signals that runs die of into exit codes. Workers get this through their environment.
 */
__attribute__((constructor)) static void leave_signals_alone(void)
{
    const char *before = getenv("ASAN_OPTIONS");
    LB_AUTO_FREE char *options =
        base_printf("%s%shandle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:detect_leaks=0:"
                    "allocator_may_return_null=1",
                    before ? before : "", before ? ":" : "");
    (void)setenv("ASAN_OPTIONS", options, 1); /* without it some messages differ, and tests say so */
}

double seconds_now(void)
{
    return (double)clock_monotonic() / 1e6;
}

/* ---- plugins, described once ---- */

static registry *plugins;
static const char *directories[2];

static void free_plugins(void)
{
    plugins = registry_free(plugins);
}

static bool load_plugins(lb_error *err)
{
    if (plugins)
        return true;
    directories[0] = getenv("LBOPS_HOSTILE");
    directories[1] = getenv("LBOPS_PLUGINS");
    if (!directories[0] || !directories[1] || !getenv("LBOPS_PROGRAM")) {
        (void)lb_fail(err, LB_ERR_INVALID, NULL, "LBOPS_PROGRAM, LBOPS_PLUGINS and LBOPS_HOSTILE are not set");
        return false;
    }
    const registry_options options = {
        .program = getenv("LBOPS_PROGRAM"), .directories = directories, .directory_count = LB_COUNT(directories)};
    if (registry_load(&options, &plugins, err) < 0)
        return false;
    (void)atexit(free_plugins);
    return true;
}

/* ---- the stage ---- */

static ending *find_ending(stage *s, const char *id)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->endings[i].id, id) == 0)
            return &s->endings[i];
    return NULL;
}

static void on_ended(void *state, const run_outcome *outcome, const char *document)
{
    stage *s = state;
    ending *e = find_ending(s, outcome->request->id);
    if (!e) {
        CU_FAIL("a run ended that nobody asked for");
        return;
    }
    e->count++;
    e->status = outcome->done.status;
    e->error = outcome->done.error;
    e->sight = outcome->done.sight;
    e->ms = (seconds_now() - e->began) * 1000;
    free(e->document);
    e->document = base_strdup(document);
    ev_break(s->loop, EVBREAK_ALL);
}

static void on_log(void *state, const run_request *request, lb_level level, const char *tool, const char *text)
{
    stage *s = state;
    (void)request, (void)level, (void)tool; /* the number of lines and the last one are looked at */
    s->log_lines++;
    (void)snprintf(s->last_log, sizeof s->last_log, "%s", text);
}

static bool read_manifest(stage *s, const char *settings, const char *more)
{
    manifest_problems problems = {0};
    LB_AUTO_FREE char *path = base_printf("%s/lbops.toml", s->dir);
    LB_AUTO_FREE char *text = base_printf(
        "[workspace]\nname = \"stage\"\nstate_dir = \"state\"\nplugins = [\"%s\", \"%s\"]\n[limits]\n%s\n%s\n",
        directories[0], directories[1], settings, more ? more : "");
    int r = manifest_parse(text, strlen(text), path, &s->manifest, &problems);
    for (size_t i = 0; r < 0 && i < problems.count; i++)
        s->err = problems.items[i].error; /* the last one */
    if (r < 0)
        printf("\n    manifest: %s\n", s->err.message);
    manifest_problems_done(&problems);
    return r >= 0;
}

static const char usual[] = "workers = 1\ngrace_s = 1\ncrashes_to_suspend = 1000";

static bool start(stage *s, const char *settings, const char *more)
{
    if (!load_plugins(&s->err) || !read_manifest(s, settings ? settings : usual, more))
        return false;
    s->loop = ev_loop_new(EVFLAG_AUTO);
    const supervisor_options options = {
        .manifest = s->manifest,
        .registry = plugins,
        .loop = s->loop,
        .program = getenv("LBOPS_PROGRAM"),
        .log_level = LB_LOG_WARN,
        .hooks = {.state = s, .ended = on_ended, .log = on_log},
    };
    return supervisor_new(&options, &s->supervisor, &s->err) >= 0;
}

bool stage_reopen(stage *s, const char *settings, const char *more)
{
    s->err = (lb_error){0};
    return start(s, settings, more);
}

bool stage_open(stage *s, const char *settings, const char *more)
{
    *s = (stage){.dir = scratch_new()};
    return stage_reopen(s, settings, more);
}

void stage_stop(stage *s)
{
    s->supervisor = supervisor_free(s->supervisor);
    s->manifest = manifest_free(s->manifest);
    if (s->loop)
        ev_loop_destroy(s->loop);
    s->loop = NULL;
    for (size_t i = 0; i < s->count; i++)
        free(s->endings[i].document);
    s->count = 0;
}

void stage_close(stage *s)
{
    stage_stop(s);
    scratch_free(&s->dir);
}

static ending *ask(stage *s, const char *tool, const char *branch, const char *const *args, bool plan)
{
    param_arg given[16];
    size_t count = 0;
    CU_ASSERT_FATAL(s->count < STAGE_ENDINGS);
    for (; args[2 * count]; count++)
        given[count] = (param_arg){.name = args[2 * count], .text = args[2 * count + 1]};
    const run_ask wish = {.tool = tool,
                          .project = branch ? "shop" : NULL,
                          .branch = branch,
                          .args = given,
                          .arg_count = count,
                          .plan = plan,
                          .alone_since = s->alone_since,
                          .actor_kind = GATE_PERSON,
                          .actor = "tester"};
    ending *e = &s->endings[s->count++];
    *e = (ending){.began = seconds_now()};
    if (supervisor_run(s->supervisor, &wish, e->id, &s->err) >= 0)
        return e;
    s->count--;
    return NULL;
}

ending *stage_ask(stage *s, const char *tool, const char *branch, const char *const *args)
{
    return ask(s, tool, branch, args, false);
}

ending *stage_ask_plan(stage *s, const char *tool, const char *const *args)
{
    return ask(s, tool, NULL, args, true);
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer, (void)events; /* there is one thing to do */
    ev_break(loop, EVBREAK_ALL);
}

void stage_turn(stage *s, double seconds)
{
    ev_timer timer;
    ev_timer_init(&timer, on_time, seconds, 0);
    ev_now_update(s->loop);
    ev_timer_start(s->loop, &timer);
    (void)ev_run(s->loop, 0); /* ends by ev_break */
    ev_timer_stop(s->loop, &timer);
}

bool stage_wait(stage *s, const ending *e, double seconds)
{
    double until = seconds_now() + seconds;
    while (!e->count && seconds_now() < until)
        stage_turn(s, until - seconds_now());
    return e->count > 0;
}

ending *stage_run(stage *s, const char *tool, const char *const *args)
{
    ending *e = stage_ask(s, tool, NULL, args);
    if (!e)
        printf("\n    %s was refused: %s\n", tool, s->err.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(e);
    CU_ASSERT_FATAL(stage_wait(s, e, 60));
    return e;
}

pid_t stage_worker(const stage *s, size_t index)
{
    return pool_worker_pid(supervisor_pool(s->supervisor), index);
}

/* ---- what there is to look at ---- */

static struct json_object *member(struct json_object *object, const char *path)
{
    char name[64];
    while (object && *path) {
        size_t length = strcspn(path, ".");
        (void)snprintf(name, sizeof name, "%.*s", (int)length, path);
        path += length + (path[length] == '.');
        struct json_object *next = NULL;
        if (json_object_is_type(object, json_type_array))
            next = json_object_array_get_idx(object, (size_t)strtol(name, NULL, 10));
        else if (!json_object_object_get_ex(object, name, &next))
            next = NULL;
        object = next;
    }
    return object;
}

const char *stage_text(const ending *e, const char *path, char *text, size_t bytes)
{
    lb_error err;
    JSON_AUTO *document = json_parse(e->document, strlen(e->document), &err);
    struct json_object *found = member(document, path);
    (void)snprintf(text, bytes, "%s", found ? json_object_get_string(found) : "(null)");
    return text;
}

int64_t stage_number(const ending *e, const char *path)
{
    lb_error err;
    JSON_AUTO *document = json_parse(e->document, strlen(e->document), &err);
    struct json_object *found = member(document, path);
    return found ? json_object_get_int64(found) : -1;
}

size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        (void)closedir(dir); /* was only read */
    return count;
}

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    lb_error err;
    LB_AUTO_FREE char *read = NULL;
    size_t length = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (fs_read(path, 4096, &read, &length, &err) < 0)
        return 0;
    (void)snprintf(text, sizeof text, "%s", strrchr(read, ')') ? strrchr(read, ')') : ")");
    int parent = 0;
    return sscanf(text, ") %*c %d", &parent) == 1 ? (pid_t)parent : 0; /* NOLINT(cert-err34-c): the kernel wrote it */
}

static bool is_worker(const stage *s, pid_t pid)
{
    for (size_t i = 0; s->supervisor && stage_worker(s, i); i++)
        if (stage_worker(s, i) == pid)
            return true;
    return false;
}

/* Calls back for each process until it says that this is the one. */
static pid_t find_process(bool (*is_it)(const void *arg, pid_t pid), const void *arg)
{
    pid_t found = 0;
    DIR *dir = opendir("/proc");
    for (struct dirent *d; dir && !found && (d = readdir(dir));) {
        pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);
        if (pid > 0 && is_it(arg, pid))
            found = pid;
    }
    if (dir)
        (void)closedir(dir); /* was only read */
    return found;
}

static bool is_stranger(const void *arg, pid_t pid)
{
    int depth = 0;
    if (pid == getpid() || is_worker(arg, pid) || child_is_known(pid))
        return false;
    for (pid_t up = parent_of(pid); up > 1 && depth < 100; up = parent_of(up), depth++)
        if (up == getpid())
            return true;
    return false;
}

void expect_no_strangers(const stage *s)
{
    pid_t stranger = find_process(is_stranger, s);
    if (stranger)
        printf("\n    process %d was left behind\n", (int)stranger);
    CU_ASSERT_EQUAL(stranger, 0);
}

static bool carries(const void *arg, pid_t pid)
{
    char path[64];
    lb_error err;
    LB_AUTO_FREE char *line = NULL;
    size_t length = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    const char *mark = arg;
    return fs_read(path, 65536, &line, &length, &err) >= 0 && length && strcmp(line, mark) == 0;
}

bool is_marked(const char *mark)
{
    return find_process(carries, mark) != 0;
}

/* ---- the outbox ---- */

typedef struct survey {
    const char *part;
    size_t rows, broken, temporary;
} survey;

static void survey_file(const char *path, survey *found)
{
    lb_error err;
    LB_AUTO_FREE char *text = NULL;
    size_t length = 0, lines = 0;
    if (fs_read(path, (size_t)256 * 1024 * 1024, &text, &length, &err) < 0) {
        found->broken++;
        return;
    }
    struct json_object *announced = NULL;
    int64_t rows = -1;
    for (char *line = text, *end; *line; line = end + 1, lines++) {
        end = strchr(line, '\n');
        if (!end) {
            found->broken++;
            return;
        }
        *end = '\0';
        JSON_AUTO *object = json_parse(line, (size_t)(end - line), &err);
        if (!object)
            found->broken++;
        else if (lines == 0 && json_object_object_get_ex(object, "rows", &announced))
            rows = json_object_get_int64(announced);
        else if (!found->part || strstr(line, found->part))
            found->rows++;
    }
    if (rows != (int64_t)lines - 1)
        found->broken++;
}

static survey survey_table(const stage *s, const char *table, const char *part)
{
    survey found = {.part = part};
    LB_AUTO_FREE char *path = base_printf("%s/state/outbox/%s", s->dir, table);
    DIR *dir = opendir(path);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        LB_AUTO_FREE char *file = base_printf("%s/%s", path, d->d_name);
        const char *dot = strrchr(d->d_name, '.');
        if (dot && strcmp(dot, ".ndjson") == 0)
            survey_file(file, &found);
        else if (dot && strcmp(dot, ".tmp") == 0)
            found.temporary++;
    }
    if (dir)
        (void)closedir(dir); /* was only read */
    return found;
}

size_t rows_with(const stage *s, const char *table, const char *part)
{
    return survey_table(s, table, part).rows;
}

bool outbox_is_whole(const stage *s, const char *table, bool tmp_allowed)
{
    survey found = survey_table(s, table, NULL);
    return found.broken == 0 && (tmp_allowed || found.temporary == 0);
}

/* ---- expectations ---- */

void expect_healthy(stage *s)
{
    const ending *e = stage_run(s, "noop", NO_ARGS);
    if (e->status != RUN_OK)
        printf("\n    the run after it: %s\n", e->error.message);
    CU_ASSERT_EQUAL(e->status, RUN_OK);
    CU_ASSERT_EQUAL(e->error.code, 0);
    CU_ASSERT_EQUAL(e->count, 1);
}

void expect(stage *s, const ending *e, run_status status, int code, const char *message)
{
    char text[32], id[64];
    lb_error err;
    JSON_AUTO *document = json_parse(e->document, strlen(e->document), &err);
    CU_ASSERT_PTR_NOT_NULL(document);
    CU_ASSERT_EQUAL(e->count, 1);
    ASSERT_TEXT(run_status_name(e->status), run_status_name(status));
    ASSERT_TEXT(stage_text(e, "status", text, sizeof text), run_status_name(status));
    CU_ASSERT_EQUAL(e->error.code, code);
    if (message)
        ASSERT_CONTAINS(e->error.message, message);
    (void)snprintf(id, sizeof id, "\"run_id\":\"%s\"", e->id);
    CU_ASSERT_EQUAL(rows_with(s, "tool_runs", id), 1);
    expect_healthy(s);
    CU_ASSERT_EQUAL(e->count, 1);
    expect_no_strangers(s);
}
