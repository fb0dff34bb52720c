/* lbops cycle, jobs, job: many tools, each on all of its targets. */
#include "cli_cycle_report.h"

#include "fs.h"
#include "jobs.h"

typedef struct reporting {
    cycle_report *report;
    cycle_lines *lines; /* NULL: a line for each run */
    const char *html;   /* a file, or NULL */
    bool says_why;
    bool page_failed;
} reporting;

static const char *shown(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) && value ? json_object_get_string(value) : "-";
}

static void take_cycle_run(cli *c, void *state, struct json_object *document)
{
    struct json_object *target = json_get_object(document, "target"), *error = json_get_object(document, "error");
    const char *status = shown(document, "status");
    const reporting *to = state;
    cycle_report_add(to->report, document);
    if (c->json) {
        (void)puts(json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        return;
    }
    if (to->lines) {
        cycle_lines_take(to->lines, document);
        return;
    }
    char place[200] = "";
    if (target)
        (void)snprintf(place, sizeof place, "%s/%s", shown(target, "project"), shown(target, "branch"));
    (void)printf("%s%-17s%s %-32s %-28s %s ms%s%s\n", cli_style(c, strcmp(status, "ok") == 0 ? "32" : "33"), status,
                 cli_style(c, "0"), shown(document, "tool"), place, shown(document, "duration_ms"), error ? "  " : "",
                 error ? shown(error, "message") : "");
    (void)fflush(stdout); /* as it comes: a cycle takes its time */
}

static void name_manifest(const cli *c, struct json_object *report)
{
    struct json_object *asked = json_get_list(report, "asked");
    for (size_t i = 0; asked && i < json_object_array_length(asked); i++) {
        struct json_object *item = json_object_array_get_idx(asked, i);
        const char *text = json_get_text(item, "command");
        BUF_AUTO command = BUF_INIT((size_t)64 * 1024);
        if (text) {
            cli_put_command(c, text, &command);
            json_object_object_add(item, "command", json_object_new_string(buf_text(&command)));
        }
    }
}

static void take_cycle_result(cli *c, void *state, struct json_object *result)
{
    reporting *to = state;
    lb_error err;
    to->lines = cycle_lines_end(to->lines);
    struct json_object *report = cycle_report_end(to->report, result);
    name_manifest(c, report);
    if (c->json) {
        json_object_object_add(result, "report", json_object_get(report));
        (void)puts(json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    } else {
        cycle_report_print(c, report, to->says_why);
    }
    if (to->html && cycle_report_page(report, to->html, &err) < 0) {
        (void)cli_fail(c, &err);
        to->page_failed = true;
    } else if (to->html && !c->quiet && strcmp(to->html, "-") != 0) {
        (void)fprintf(stderr, "%s: open it in a browser\n", to->html);
    }
}

/* What a cycle was told about its report; a job has none. */
typedef struct cycle_words {
    const char *html;
    bool says_why;
} cycle_words;

/* The exit code; a report that was asked for and cannot be written is a failure, too. */
static int ask_reporting(cli *c, const char *request, const char *what, const cycle_words *words)
{
    bool by_phase = words != NULL;
    reporting to = {.report = cycle_report_new(c->manifest, by_phase),
                    .lines = by_phase && !c->json ? cycle_lines_new(c) : NULL,
                    .html = words ? words->html : NULL,
                    .says_why = words && words->says_why};
    const cli_takers takers = {.state = &to, .document = take_cycle_run, .result = take_cycle_result};
    int code = cli_ask(c, request, what, CLI_ASK_CYCLE, &takers);
    (void)cycle_lines_end(to.lines);    /* gives NULL */
    (void)cycle_report_free(to.report); /* gives NULL */
    return code == 0 && to.page_failed ? 1 : code;
}

int cli_cycle(cli *c, int argc, char **argv)
{
    BUF_AUTO request = BUF_INIT((size_t)64 * 1024);
    const char *agent = NULL;
    cycle_words words = {0};
    bool resumes = false;
    buf_puts(&request, "{\"verb\":\"cycle\"");
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--strict") == 0)
            json_member_bool(&request, "strict", true);
        else if (strcmp(argv[i], "--resume") == 0)
            resumes = true;
        else if (strcmp(argv[i], "--why") == 0)
            words.says_why = true;
        else if (strcmp(argv[i], "--agent") == 0 && value)
            agent = argv[++i];
        else if (strcmp(argv[i], "--html") == 0 && value)
            words.html = argv[++i];
        else
            return cli_refuse_word(c, "cycle", argv[i], "--agent --html");
    }
    if (resumes && agent)
        return cli_usage(c, cli_find_verb("cycle"), "a cycle goes on with the agents that it had begun with",
                         "--resume does not take an agent");
    if (words.html && c->json && strcmp(words.html, "-") == 0)
        return cli_usage(c, cli_find_verb("cycle"), "name a file", "--json and --html - want the same place");
    if (agent)
        json_member_string(&request, "agent", agent);
    json_member_bool(&request, "resume", resumes);
    json_member_string(&request, "name", cli_user());
    buf_putc(&request, '}');
    lb_error err;
    int code = cli_load(c, CLI_STRICT);
    if (code == 0 && words.html && strcmp(words.html, "-") != 0 && fs_check_place(words.html, &err) < 0)
        code = cli_fail(c, &err); /* a cycle takes its time: not at its end */
    return code ? code : ask_reporting(c, buf_text(&request), "cycle", &words);
}

/* ---- jobs ---- */

static void put_names(buf *into, const cli *c, const manifest_job *job, bool only_missing)
{
    buf_putc(into, '[');
    for (char *const *tool = job->tools; *tool; tool++) {
        if (only_missing && registry_find(c->registry, LB_KIND_TOOL, *tool))
            continue;
        json_comma(into);
        json_string(into, *tool);
    }
    buf_putc(into, ']');
}

static void put_job(buf *into, const cli *c, const manifest_job *job, bool is_shipped)
{
    json_comma(into);
    buf_putc(into, '{');
    json_member_string(into, "name", job->name);
    json_member_string(into, "summary", job->summary);
    json_member_string(into, "schedule", job->cron);
    json_member_i64(into, "timeout_s", job->timeout_s);
    json_member_string(into, "from", is_shipped ? "lbops" : "manifest");
    json_key(into, "tools");
    put_names(into, c, job, false);
    json_key(into, "missing");
    put_names(into, c, job, true);
    buf_putc(into, '}');
}

static void print_job(const cli *c, const manifest_job *job)
{
    (void)printf("%s%-20s%s %-14s %6d s  %s\n", cli_style(c, "1"), job->name, cli_style(c, "0"), job->cron,
                 job->timeout_s, job->summary ? job->summary : "");
    (void)printf("   ");
    for (char *const *tool = job->tools; *tool; tool++)
        (void)printf(" %s%s", *tool, registry_find(c->registry, LB_KIND_TOOL, *tool) ? "" : " (not here)");
    (void)putchar('\n');
}

int cli_jobs(cli *c, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "bundle") == 0)
        return cli_jobs_bundle(c, argc, argv);
    if (argc > 1)
        return cli_refuse_word(c, "jobs", argv[1], "");
    int code = cli_load(c, CLI_DEFAULTS);
    if (code)
        return code;
    jobs *all = jobs_new(c->manifest);
    BUF_AUTO json = BUF_INIT((size_t)4 * 1024 * 1024);
    buf_putc(&json, '[');
    for (size_t i = 0; i < jobs_count(all); i++) {
        if (c->json)
            put_job(&json, c, jobs_at(all, i), jobs_is_shipped(all, i));
        else
            print_job(c, jobs_at(all, i));
    }
    buf_putc(&json, ']');
    if (c->json)
        (void)puts(buf_text(&json));
    (void)jobs_free(all); /* gives NULL */
    return 0;
}

static void put_request(buf *into, const manifest_job *job, const char *project, bool is_strict)
{
    buf_puts(into, "{\"verb\":\"cycle\"");
    json_member_string(into, "job", job->name);
    json_member_string(into, "project", project);
    json_member_i64(into, "timeout_s", job->timeout_s);
    json_member_bool(into, "strict", is_strict);
    json_member_string(into, "name", cli_user());
    json_key(into, "tools");
    buf_putc(into, '[');
    for (char *const *tool = job->tools; *tool; tool++) {
        json_comma(into);
        json_string(into, *tool);
    }
    buf_puts(into, "]}");
}

int cli_job(cli *c, int argc, char **argv)
{
    const char *name = NULL, *project = NULL;
    bool is_strict = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--strict") == 0)
            is_strict = true;
        else if (strcmp(argv[i], "--project") == 0 && i + 1 < argc)
            project = argv[++i];
        else if (argv[i][0] != '-' && !name)
            name = argv[i];
        else
            return cli_refuse_word(c, "job", argv[i], "--project");
    }
    if (!name)
        return cli_usage(c, cli_find_verb("job"), "lbops jobs lists them", "job needs the name of one");
    int code = cli_load(c, CLI_STRICT);
    if (code)
        return code;
    lb_error error;
    const manifest_job *job;
    BUF_AUTO request = BUF_INIT((size_t)64 * 1024);
    jobs *all = jobs_new(c->manifest);
    if (jobs_find(all, name, &job, &error) < 0) {
        code = cli_fail(c, &error);
    } else {
        put_request(&request, job, project, is_strict);
        code = ask_reporting(c, buf_text(&request), name, NULL);
    }
    (void)jobs_free(all); /* gives NULL */
    return code;
}
