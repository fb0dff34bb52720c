/* Errors, loading and the table of verbs. */
#include "cli.h"

#include "clock.h"
#include "json.h"
#include "log.h"

#include <errno.h>
#include <pwd.h>

const cli_verb cli_verbs[] = {
    {"init", "init [DIR]", "writes a starter manifest with comments",
     "Writes lbops.toml into DIR (default: here). An existing file is left alone.\n", cli_init, false},
    {"check", "check [--online]", "validates the manifest and the plugins",
     "Reads the manifest, describes every plugin and holds them against each other. All problems are\n"
     "reported at once, each with file, line, column and a hint; what is loosened is listed.\n"
     "  --online  also connects to every branch, and says what each lacks (extension, role, version) and\n"
     "            which tools that limits; computes that sleep are left asleep. Opens each alert service, too, as a\n"
     "            secret may be missing or a setting wrong; nothing is sent\n",
     cli_check, false},
    {"tools", "tools [NAME [--suspend --as NAME --because TEXT | --resume | --schema]]",
     "lists the tools; with a name, one tool and its parameters",
     "  --suspend  stops a tool everywhere, whoever wants it to run; what runs already goes on. Other hosts with the\n"
     "             same state hear of it within seconds\n"
     "  --resume   ends that, and the suspension of a tool that crashed too often\n"
     "  --schema   prints the JSON schema of the tool's arguments\n",
     cli_tools, false},
    {"run", "run TOOL [--project P] [--branch B] [--PARAM VALUE ...] [--plan]", "runs one tool once",
     "  --project P, --branch B  the target; not needed where the manifest has only one\n"
     "  --plan                   records the changes the run would make and makes none\n"
     "  --dsn URL                a Postgres server instead of the manifest's transport\n"
     "  --timeout SECONDS        instead of the tool's own\n"
     "  --record DIR             keeps what the server answers as fixtures for the mock transport\n"
     "  --as NAME --because TEXT who asks and why, for the audit log\n"
     "  --PARAM VALUE            a parameter of the tool (lbops run TOOL --help lists them); a list's\n"
     "                           parameter may be given several times or as a JSON array\n",
     cli_run, false},
    {"ask", "ask \"QUESTION\" [--project P] [--branch B]", "answers a question about a database, with evidence",
     "The answer comes from what read-only tools find now; each sentence names the evidence it rests on. A question\n"
     "changes nothing. Takes the options of run. With --json the run's document.\n",
     cli_question, false},
    {"serve", "serve", "the daemon: schedules, subscriptions and everybody's requests",
     "Runs until SIGTERM or SIGINT: then nothing new starts, and what runs gets [schedule] drain_s to end.\n"
     "SIGHUP reads the manifest again; one with errors is refused and the old one goes on. The verbs run,\n"
     "runs, approvals, approve, deny, status and log speak to the daemon of the manifest's state directory.\n"
     "Tells a service manager that it is ready (Type=notify) and alive (WatchdogSec=). With --json the log is\n"
     "JSON lines.\n",
     cli_serve, false},
    {"status", "status [--entries]", "how the daemon stands; with --entries every entry of its schedule", NULL,
     cli_status, false},
    {"log", "log [COMPONENT] LEVEL", "sets what a running daemon logs",
     "LEVEL is error, warn, info or debug; COMPONENT a tool or a part of the daemon: schedule, router, state,\n"
     "lease, serve ... Without one all of them.\n",
     cli_log, false},
    {"runs", "runs [ID] [--status STATUS] [--tool TOOL] [--since WHEN] [--limit N]",
     "runs under way, and the newest that have ended",
     "STATUS is running, ok, failed, timeout, crashed, skipped or pending_approval. An ID may be cut short.\n"
     "WHEN is a time or a span, 2026-01-31T23:59:00Z or 15m, 1h, 7d.\n",
     cli_runs, false},
    {"approvals", "approvals [ID] [--all]", "what waits for a person; with --all what was decided too",
     "An ID may be cut short.\n", cli_approvals, false},
    {"approve", "approve ID --as NAME --because TEXT", "lets a group of changes happen, once",
     "Executes exactly what was asked for, as a run of its own. Where the objects are not any more as they\n"
     "were, nothing is executed and the request waits again, with the difference.\n",
     cli_approve, false},
    {"deny", "deny ID --as NAME --because TEXT", "refuses a group of changes",
     "The same is not asked for again until its evidence changes.\n", cli_deny, false},
    {"alerts", "alerts [--all]", "what is wrong now; with --all what has been resolved too", NULL, cli_alerts, false},
    {"ack", "ack KEY --as NAME --because TEXT [--until WHEN]", "takes an alert on: nobody is reminded of it any more",
     "KEY is what alerts shows, and may be cut short. WHEN is a time or a span, 2026-01-31T23:59:00Z or 8h: people "
     "are\n"
     "reminded again from then on. That it gets worse is told all the same, and so is its end.\n",
     cli_ack, false},
    {"cycle", "cycle [--agent A] [--strict] [--why] [--html FILE] [--resume]",
     "every tool of the agents once, on all of their targets",
     "Five phases, in each of them the tools in the order that the manifest gives ([agents.NAME] cycle); all targets\n"
     "at once, each at its own pace. What waits for approval is counted and no failure, unless --strict makes it exit\n"
     "code 3. At the end stands a report: what was provisioned, measured, found, changed, asked and archived, what\n"
     "failed and why, and where the history lies.\n"
     "  --why        of each tool that did not run, or found nothing to work on, why\n"
     "  --html FILE  the report as one page, too\n"
     "  --resume     goes on with the newest cycle that was cut short; what it had begun is not begun again\n"
     "With --json a document for each run, and at the end the report.\n",
     cli_cycle, false},
    {"jobs", "jobs [bundle DIR [--serve-below MINUTES]]", "the named jobs: when each is to run, and its tools",
     "  bundle DIR               writes a Databricks Asset Bundle of them: databricks.yml, a resource and a manifest "
     "for\n"
     "                           each job, and the launcher. A file that somebody has edited is kept, and the\n"
     "                           difference shown.\n"
     "  --serve-below MINUTES    what is due more often than this (30) is served by one continuous job, since cold\n"
     "                           compute takes minutes to come; 0: every job has compute of its own\n",
     cli_jobs, false},
    {"job", "job NAME [--project P] [--strict]", "runs one job once, for cron, timers or a workspace's jobs",
     "Its tools run in order, each on all of its targets at once, within the job's time; with --project only on the\n"
     "branches of that one. What waits for approval is counted and no failure; with --strict the exit code is then "
     "3.\n",
     cli_job, false},
    {"events", "events [--follow] [--since WHEN] [--kind PATTERN] [--limit N] [--verify | --kinds] ...",
     "shows what happened, from the log of events",
     "Reads the files of the log: no daemon is needed, and none is disturbed.\n\n"
     "  -f, --follow      goes on with what happens from now on\n"
     "  --since WHEN      from 15m, 1h or 7d ago, a time (2026-01-31T23:59:00Z), or an event (seq:1234)\n"
     "  --limit N         only the newest N (10 for --follow without --since)\n"
     "  --kind PATTERN    such as branch.created or 'branch.*'\n"
     "  --run ID, --project P, --branch B, --tool T, --agent A\n"
     "                    only those of that run, target, tool or agent\n"
     "  --verify          checks the chain of hashes; 1 when it is broken, with file and line\n"
     "  --kinds           what the platform's own events say; no manifest is needed\n"
     "With --json, the records as they are, one a line.\n",
     cli_events, false},
    {"sql", "sql \"SELECT ...\" [--csv] [--limit N] [--timeout SECONDS] [--no-flush] [--lake]", "asks the history",
     "One SELECT over the history tables, which stand under their names and under\n"
     "ops_catalog.lakebase_ops.NAME; SHOW TABLES lists them, DESCRIBE NAME their columns. It can neither write\n"
     "nor read files. What waits in the outbox is committed first. Prints aligned text, with --json one\n"
     "document.\n\n"
     "  --csv              comma-separated values\n"
     "  --limit N          only the first N rows\n"
     "  --timeout SECONDS  instead of 300\n"
     "  --no-flush         leaves the outbox alone\n"
     "  --lake             asks the lakehouse's other tables and views instead, as CATALOG.SCHEMA.NAME\n",
     cli_sql, false},
    {"dashboard", "dashboard --html FILE | --lvdash FILE [--days N]", "draws the history as a page, or for a workspace",
     "  --html FILE    one page that needs nothing else, from the history of this manifest: what is wrong, what "
     "waits,\n"
     "                 what changed; then health, statements, indexes, vacuum, branches, copies, cost, archive\n"
     "  --lvdash FILE  the same questions as an AI/BI dashboard of a Databricks workspace; no manifest is needed\n"
     "  --days N       the span, instead of each query's own\n"
     "FILE may be - for standard output. A span ends with the newest run in the history.\n",
     cli_dashboard, false},
    {"report", "report [--days N]", "the success metrics and requirements, measured from the history",
     "Each with its target, and \"not enough data\" where that is the truth. What waits in the outbox is committed\n"
     "first. With --json one document.\n\n"
     "  --days N  of the last N days instead of 30\n",
     cli_report, false},
    {"selftest", "selftest --online [--project P] [--timeout SECONDS]",
     "tries the workspace step by step, and leaves nothing behind",
     "A token, the projects, a project and a branch of its own, its endpoint, a session, a table; with a delta\n"
     "service a question to the lakehouse and one to the history. It changes nothing that it did not make, and\n"
     "takes all of that away at the end, also after a failure or Ctrl-C.\n\n"
     "  --project P        makes no project, only a branch in P\n"
     "  --timeout SECONDS  for the steps, 900 without it\n",
     cli_selftest, false},
    {"target", "target ls|create|delete|reset|dsn [BRANCH] [--project P] ...", "projects and branches, by hand",
     "  ls                       every branch, its compute, and resets that were cut short\n"
     "  create BRANCH            --ttl 4h | --expires TIME | --keep; --from BRANCH, --at TIME or --lsn PLACE of it;\n"
     "                           --protect\n"
     "  delete BRANCH            with everything in it\n"
     "  reset BRANCH             deletes it and makes it again from its parent\n"
     "  dsn BRANCH               a connection string; --wake also wakes a suspended compute\n"
     "  --project P              the project; not needed where the manifest has only one. Without BRANCH, create and\n"
     "                           delete are about the project itself (create: --version N of Postgres)\n"
     "  --plan, --as NAME, --because TEXT, --timeout SECONDS as for run. Changes go through the gate.\n",
     cli_target, false},
    {"plugin", "plugin check FILE.so ...", "does this file satisfy the SDK?",
     "Loads each file in a child process and says what it is, or why it is refused.\n", cli_plugin, false},
    {"completion", "completion bash|zsh", "prints a completion script for the shell",
     "  source <(lbops completion bash)\n", cli_completion, false},
    {"version", "version", "prints the version", NULL, cli_version, false},
    {"help", "help [VERB]", "prints this, or the help of a verb", NULL, cli_help, false},
    {"__ready", "__ready", "starts the workers, waits until they are ready, and ends", NULL, cli_ready, true},
    {NULL, NULL, NULL, NULL, NULL, false},
};

const char *cli_style(const cli *c, const char *sgr)
{
    static const struct {
        const char *name, *code;
    } codes[] = {{"0", "\033[0m"},   {"1", "\033[1m"},   {"2", "\033[2m"},
                 {"31", "\033[31m"}, {"32", "\033[32m"}, {"33", "\033[33m"}};
    for (size_t i = 0; c->colour && i < LB_COUNT(codes); i++)
        if (strcmp(codes[i].name, sgr) == 0)
            return codes[i].code;
    return "";
}

static void print_json_error(const lb_error *err)
{
    BUF_AUTO out = BUF_INIT((size_t)64 * 1024);
    buf_puts(&out, "{\"error\":{");
    json_member_string(&out, "code", error_name(err->code));
    json_member_string(&out, "message", err->message);
    json_member_string(&out, "hint", err->hint[0] ? err->hint : NULL);
    buf_puts(&out, "}}");
    (void)puts(buf_text(&out)); /* main checks stdout at its end */
}

int cli_fail(const cli *c, const lb_error *err)
{
    if (c->json)
        print_json_error(err);
    (void)fprintf(stderr, "%serror:%s %s\n", c->err_colour ? "\033[31m" : "", c->err_colour ? "\033[0m" : "",
                  err->message);
    if (err->hint[0])
        (void)fprintf(stderr, "hint: %s\n", err->hint);
    return error_exit_code(err->code);
}

int cli_usage(const cli *c, const cli_verb *verb, const char *hint, const char *fmt, ...)
{
    lb_error err = {.code = LB_ERR_INVALID};
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err.message, sizeof err.message, fmt, args); /* a long message is cut */
    va_end(args);
    if (hint)
        (void)snprintf(err.hint, sizeof err.hint, "%s", hint);
    else if (verb)
        (void)snprintf(err.hint, sizeof err.hint, "usage: lbops %s", verb->usage);
    (void)cli_fail(c, &err); /* the code is known: */
    return EXIT_USAGE;
}

int cli_refuse_word(const cli *c, const char *verb, const char *word, const char *valued)
{
    const char *at = *word ? strstr(valued, word) : NULL;
    char behind = at ? at[strlen(word)] : 'x';
    if (at && (at == valued || at[-1] == ' ') && (!behind || behind == ' '))
        return cli_usage(c, cli_find_verb(verb), NULL, "%s needs a value", word);
    return cli_usage(c, cli_find_verb(verb), NULL, "%s does not take %s", verb, *word ? word : "an empty word");
}

const char *cli_user(void)
{
    const struct passwd *entry = getpwuid(getuid());
    return entry ? entry->pw_name : "unknown";
}

static const char defaults[] = "[workspace]\nname = \"local\"\n";

/* The manifest's path by the rules, or NULL where there is none. */
static const char *find_manifest(const cli *c, cli_load_kind kind)
{
    static const char *const places[] = {"lbops.toml", "etc/local.toml"};
    const char *named = c->manifest_path ? c->manifest_path : getenv("LBOPS_MANIFEST");
    if (named && *named)
        return named;
    if (kind == CLI_GIVEN)
        return NULL;
    for (size_t i = 0; i < LB_COUNT(places); i++)
        if (access(places[i], F_OK) == 0)
            return places[i];
    return NULL;
}

static void print_problem(const cli *c, const manifest_problem *p)
{
    const char *colour = !c->err_colour ? "" : p->warning ? "\033[33m" : "\033[31m";
    if (p->place.line)
        (void)fprintf(stderr, "%s:%d:%d: ", p->place.file, p->place.line, p->place.column);
    else if (p->place.file)
        (void)fprintf(stderr, "%s: ", p->place.file);
    (void)fprintf(stderr, "%s%s:%s %s\n", colour, p->warning ? "warning" : "error", *colour ? "\033[0m" : "",
                  p->error.message);
    if (p->error.hint[0])
        (void)fprintf(stderr, "  hint: %s\n", p->error.hint);
}

void cli_print_problems(const cli *c, const manifest_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        print_problem(c, &problems->items[i]);
}

int cli_read_manifest(cli *c, cli_load_kind kind, manifest_problems *problems)
{
    lb_error err;
    const char *path = find_manifest(c, kind);
    int r;
    if (path && kind == CLI_ALL) {
        c->manifest = manifest_read_partly(path, problems);
        r = 0; /* the problems say it */
    } else if (path) {
        r = manifest_read(path, &c->manifest, problems);
    } else if (kind == CLI_DEFAULTS || kind == CLI_GIVEN) {
        r = manifest_parse(defaults, strlen(defaults), "built-in defaults", &c->manifest, problems);
    } else {
        (void)lb_fail(&err, LB_ERR_INVALID, "lbops init writes one; or name one with -m", "there is no manifest here");
        return cli_fail(c, &err);
    }
    return r < 0 ? EXIT_USAGE : 0;
}

int cli_load_registry(cli *c)
{
    lb_error err;
    size_t count = 0;
    while (c->manifest->plugin_dirs[count])
        count++;
    LB_AUTO_FREE char *cache = c->manifest->state_dir ? base_printf("%s/plugins.json", c->manifest->state_dir) : NULL;
    const registry_options options = {
        .directories = (const char *const *)c->manifest->plugin_dirs,
        .directory_count = count,
        .cache_path = cache,
        .lock_path = c->manifest->lock_file,
    };
    return registry_load(&options, &c->registry, &err) < 0 ? cli_fail(c, &err) : 0;
}

static int refuse(const cli *c, const manifest_problems *problems)
{
    lb_error err;
    size_t errors = 0;
    const manifest_problem *first = NULL;
    for (size_t i = 0; i < problems->count; i++) {
        if (problems->items[i].warning)
            continue;
        first = first ? first : &problems->items[i];
        errors++;
    }
    (void)lb_fail(&err, LB_ERR_INVALID, "lbops check shows them all", "the manifest has %zu error(s), the first: %s",
                  errors, first ? first->error.message : "it cannot be read");
    return cli_fail(c, &err);
}

int cli_load(cli *c, cli_load_kind kind)
{
    manifest_problems problems = {0};
    int code = cli_read_manifest(c, kind, &problems);
    if (code == 0)
        code = cli_load_registry(c);
    if (code == 0)
        manifest_check(c->manifest, c->registry, &problems);
    if (!c->quiet || manifest_has_errors(&problems))
        cli_print_problems(c, &problems);
    if (manifest_has_errors(&problems))
        code = refuse(c, &problems);
    manifest_problems_done(&problems);
    return code;
}

void cli_unload(cli *c)
{
    c->registry = registry_free(c->registry);
    c->manifest = manifest_free(c->manifest);
}

/* "90s", "15m", "1h", "7d": so long ago. */
static bool parse_span(const char *text, int64_t *ret_seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || number < 0 || number > 1000000 || errno || !end[0] || end[1])
        return false;
    for (size_t i = 0; i < LB_COUNT(units); i++) {
        if (*end != units[i].unit)
            continue;
        *ret_seconds = number * units[i].seconds;
        return true;
    }
    return false;
}

bool cli_count(const char *text, int64_t most, int64_t *ret_count)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number == 0 || number > most)
        return false;
    *ret_count = number;
    return true;
}

static bool parse_moment(const char *text, int sign, int64_t *ret_moment)
{
    int64_t seconds;
    if (!parse_span(text, &seconds))
        return clock_parse(text, ret_moment);
    *ret_moment = clock_now() + sign * seconds * CLOCK_SECOND;
    return true;
}

bool cli_since(const char *text, int64_t *ret_moment)
{
    return parse_moment(text, -1, ret_moment);
}

bool cli_until(const char *text, int64_t *ret_moment)
{
    return parse_moment(text, 1, ret_moment);
}
