/* lbops serve, status, log: the daemon, and asking it how it stands. */
#include "cli.h"

#include "json.h"
#include "log.h"
#include "nearest.h"
#include "serve.h"

#ifndef LBOPS_VERSION
#define LBOPS_VERSION "0"
#endif

static cli *copy_for_loading(const cli *c)
{
    cli *own = base_alloc(sizeof *own);
    *own = *c;
    own->manifest = NULL;
    own->registry = NULL;
    return own;
}

static int count_errors(const manifest_problems *problems)
{
    int count = 0;
    for (size_t i = 0; i < problems->count; i++)
        count += !problems->items[i].warning;
    return count;
}

/* For a reload: everything that is wrong goes to the log, and nothing of it to a terminal that nobody looks at. */
static int load_again(void *state, manifest **ret_manifest, registry **ret_registry, int *ret_problems)
{
    cli *c = copy_for_loading(state);
    manifest_problems problems = {0};
    int code = cli_read_manifest(c, CLI_STRICT, &problems);
    if (code == 0)
        code = cli_load_registry(c);
    if (code == 0)
        manifest_check(c->manifest, c->registry, &problems);
    *ret_problems = count_errors(&problems);
    if (*ret_problems)
        code = EXIT_USAGE;
    for (size_t i = 0; i < problems.count; i++) {
        BUF_AUTO line = BUF_INIT((size_t)64 * 1024);
        manifest_problem_text(&problems.items[i], &line);
        log_line(problems.items[i].warning ? LB_LOG_WARN : LB_LOG_ERROR, "manifest", "%s", buf_text(&line));
    }
    if (code == 0) {
        *ret_manifest = c->manifest;
        *ret_registry = c->registry;
    } else {
        cli_unload(c);
    }
    manifest_problems_done(&problems);
    free(c);
    return code;
}

/* The journal takes one line per message with its level in front; others get text or, asked for JSON, an object. */
static void set_up_log(const cli *c)
{
    lb_level level = c->log_level == LB_LOG_WARN ? LB_LOG_INFO : c->log_level; /* a daemon says what it does */
    bool is_journal = getenv("JOURNAL_STREAM") != NULL && !c->err_is_terminal;
    log_setup(level, c->json ? LOG_JSON : is_journal ? LOG_JOURNAL : LOG_TEXT, c->err_colour);
}

int cli_serve(cli *c, int argc, char **argv)
{
    lb_error err;
    if (argc > 1)
        return cli_refuse_word(c, "serve", argv[1], "");
    int code = cli_load(c, CLI_STRICT);
    if (code)
        return code;
    set_up_log(c);
    const serve_options options = {.manifest_path = c->manifest->path,
                                   .log_level = c->log_level == LB_LOG_WARN ? LB_LOG_INFO : c->log_level,
                                   .version = LBOPS_VERSION,
                                   .load = load_again,
                                   .state = c};
    manifest *m = c->manifest;
    registry *r = c->registry;
    c->manifest = NULL; /* the daemon's from here on */
    c->registry = NULL;
    return serve_run(&options, m, r, &err) < 0 ? cli_fail(c, &err) : 0;
}

/* ---- status ---- */

static const char *shown(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) && value ? json_object_get_string(value) : "-";
}

static void show_word(const char *word, int width)
{
    for (; *word; word++, width--)
        (void)putchar(*word == '_' ? ' ' : *word);
    (void)printf("%*s", width > 0 ? width : 0, "");
}

static void show_entries(const cli *c, struct json_object *entries)
{
    size_t count = entries ? json_object_array_length(entries) : 0;
    int width = 0;
    for (size_t i = 0; i < count; i++) {
        int length = (int)strlen(shown(json_object_array_get_idx(entries, i), "key"));
        width = length > width ? length : width;
    }
    if (count)
        (void)printf("%s%-*s  %-14s %-19s  %s%s\n", cli_style(c, "1"), width, "ENTRY", "STATE", "NEXT", "LAST",
                     cli_style(c, "0"));
    for (size_t i = 0; i < count; i++) {
        struct json_object *e = json_object_array_get_idx(entries, i);
        const char *why = json_get_text(e, "why"), *next = shown(e, "next_at");
        (void)printf("%-*s  ", width, shown(e, "key"));
        show_word(shown(e, "state"), 14);
        (void)printf(" %.10s %-8.8s  ", next, strlen(next) > 11 ? next + 11 : "");
        show_word(shown(e, "last_outcome"), 0);
        (void)printf("%s%s\n", why ? ": " : "", why ? why : "");
    }
}

/* Of the log, what an alert service has not been told: it may be up, and its receiver not. */
static int64_t still_to_tell(struct json_object *status, struct json_object *one)
{
    struct json_object *list = json_get_list(status, "subscriptions");
    LB_AUTO_FREE char *id = base_printf("host:alert:%s", shown(one, "name"));
    for (size_t i = 0; list && json_get_i64(one, "waiting", 0) && i < json_object_array_length(list); i++) {
        struct json_object *reader = json_object_array_get_idx(list, i);
        if (strcmp(shown(reader, "id"), id) == 0)
            return json_get_i64(reader, "behind", 0);
    }
    return 0;
}

static void show_service(struct json_object *status, struct json_object *one)
{
    const char *trouble = json_get_text(one, "trouble"), *name = json_get_text(one, "name");
    int64_t behind = name ? still_to_tell(status, one) : 0;
    bool has_own_name = name && strcmp(name, shown(one, "kind")) != 0;
    (void)printf("service:  %s%s%s (%s) is %s%s%s", shown(one, "kind"), has_own_name ? " " : "",
                 has_own_name ? name : "", shown(one, "plugin"), json_get_bool(one, "up") ? "up" : "down",
                 trouble ? ": " : "", trouble ? trouble : "");
    if (behind)
        (void)printf(", with %lld event(s) of the log still to be told", (long long)behind);
    (void)putchar('\n');
}

static void show_status(cli *c, void *state, struct json_object *status)
{
    struct json_object *schedule = json_get_object(status, "schedule"), *list = json_get_list(status, "services");
    (void)state;
    if (c->json) {
        (void)puts(json_object_to_json_string_ext(status, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        return;
    }
    (void)printf("%s%s%s is %s: process %s since %s, %s run(s) under way, %s event(s)\n", cli_style(c, "1"),
                 shown(status, "workspace"), cli_style(c, "0"), shown(status, "state"), shown(status, "pid"),
                 shown(status, "since"), shown(status, "pending"), shown(status, "events"));
    (void)printf("schedule: %s entries on %s targets, %s running, %s waiting, %s backing off, %s started, %s missed\n",
                 shown(schedule, "entries"), shown(status, "targets"), shown(schedule, "running"),
                 shown(schedule, "waiting"), shown(schedule, "backing_off"), shown(schedule, "starts"),
                 shown(schedule, "missed"));
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        show_service(status, json_object_array_get_idx(list, i));
    show_entries(c, json_get_list(status, "entries"));
}

int cli_status(cli *c, int argc, char **argv)
{
    const cli_takers takers = {.result = show_status};
    bool entries = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--entries") != 0)
            return cli_refuse_word(c, "status", argv[i], "");
        entries = true;
    }
    int code = cli_load(c, CLI_STRICT);
    return code ? code
                : cli_ask(c, entries ? "{\"verb\":\"status\",\"entries\":true}" : "{\"verb\":\"status\"}", "status",
                          CLI_ASK_DAEMON, &takers);
}

/* Tools and services log by their own names, whatever kind of plugin they are. */
static bool is_plugin(const registry *r, const char *name)
{
    for (size_t i = 0; i < registry_count(r); i++)
        if (strcmp(registry_at(r, i)->name, name) == 0)
            return true;
    return strncmp(name, "lbops_", 6) == 0;
}

/* A word that nothing logs under would be taken, and nothing would come of it. */
static int check_component(cli *c, const char *name)
{
    static const char *const parts[] = {"alert",  "approval", "approvals",  "book",      "cycle",
                                        "delta",  "events",   "history",    "journal",   "lease",
                                        "ledger", "manifest", "model",      "router",    "schedule",
                                        "serve",  "state",    "supervisor", "transport", "worker"};
    bool known = !name || is_plugin(c->registry, name);
    for (size_t i = 0; i < LB_COUNT(parts) && !known; i++)
        known = strcmp(parts[i], name) == 0;
    if (known)
        return 0;
    const char *near = nearest_name(name, parts, LB_COUNT(parts));
    LB_AUTO_FREE char *hint = near ? base_printf("did you mean %s?", near) : NULL;
    return cli_usage(c, cli_find_verb("log"), hint ? hint : "schedule, router, serve ..., or the name of a tool",
                     "nothing logs as %.60s", name);
}

int cli_log(cli *c, int argc, char **argv)
{
    const cli_takers takers = {0};
    lb_level level;
    BUF_AUTO request = BUF_INIT((size_t)64 * 1024);
    if (argc < 2 || argc > 3 || !log_level_parse(argv[argc - 1], &level))
        return cli_usage(c, cli_find_verb("log"), "error, warn, info or debug", "log needs a level");
    int code = cli_load(c, CLI_STRICT);
    code = code ? code : check_component(c, argc == 3 ? argv[1] : NULL);
    buf_puts(&request, "{\"verb\":\"log\"");
    json_member_string(&request, "component", argc == 3 ? argv[1] : NULL);
    json_member_string(&request, "level", argv[argc - 1]);
    buf_putc(&request, '}');
    return code ? code : cli_ask(c, buf_text(&request), "log", CLI_ASK_DAEMON, &takers);
}
