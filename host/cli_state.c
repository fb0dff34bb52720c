/* lbops runs, approvals, alerts, approve, deny, ack: what the state knows, and what people say. */
#include "cli.h"

#include "clock.h"
#include "json.h"

static const char *shown(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) && value ? json_object_get_string(value) : "-";
}

/* Items are gathered into one document, or printed as they come. */
typedef struct item_list {
    buf json;
    size_t count;
    size_t untold; /* alerts of which nobody has been told */
    bool is_whole; /* all of each, as one was asked for by its id */
} item_list;

static void add_json(item_list *list, struct json_object *item)
{
    json_comma(&list->json);
    buf_puts(&list->json,
             json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static int ask_for(cli *c, bool is_whole, const char *request, const char *what,
                   void (*item)(cli *c, void *state, struct json_object *item), const char *nothing)
{
    item_list list = {.json = BUF_INIT(SIZE_MAX / 4), .is_whole = is_whole};
    const cli_takers takers = {.state = &list, .item = item};
    buf_putc(&list.json, '[');
    int code = cli_ask(c, request, what, CLI_ASK_LOOK, &takers);
    buf_putc(&list.json, ']');
    if (code == 0 && c->json)
        (void)puts(buf_text(&list.json));
    else if (code == 0 && !list.count && !c->quiet)
        (void)fprintf(stderr, "%s\n", nothing);
    if (code == 0 && list.untold && !c->quiet)
        (void)fprintf(stderr,
                      "what nobody has been told of yet is told by lbops serve, or the next lbops cycle or job\n");
    buf_done(&list.json);
    return code;
}

static int ask_list(cli *c, const char *request, const char *what,
                    void (*item)(cli *c, void *state, struct json_object *item), const char *nothing)
{
    return ask_for(c, false, request, what, item, nothing);
}

/* False: it is none, or a second one, which would take the first one's place without a word. */
static bool take_id(const char *word, const char **id)
{
    if (*id || !*word || *word == '-')
        return false;
    *id = word;
    return true;
}

/* ---- runs ---- */

static void take_run(cli *c, void *state, struct json_object *item)
{
    item_list *list = state;
    if (!list->count++ && !c->json)
        (void)printf("%s%-26s  %-17s %-28s %-26s %-10s %s%s\n", cli_style(c, "1"), "RUN", "STATUS", "TOOL", "TARGET",
                     "BY", "STARTED", cli_style(c, "0"));
    if (c->json) {
        add_json(list, item);
        return;
    }
    cli_tame(item);
    char target[200] = "-";
    const char *project = json_get_text(item, "project"), *error = json_get_text(item, "error");
    const char *said = json_get_text(item, "said");
    if (project)
        (void)snprintf(target, sizeof target, "%s/%s", project, shown(item, "branch"));
    (void)printf("%-26s  %-17s %-28s %-26s %-10s %s\n", shown(item, "id"), shown(item, "status"), shown(item, "tool"),
                 target, shown(item, "actor"), shown(item, "at"));
    if (said)
        (void)printf("    %s\n", said);
    if (error)
        (void)printf("    %s\n", error);
}

int cli_runs(cli *c, int argc, char **argv)
{
    BUF_AUTO request = BUF_INIT((size_t)64 * 1024);
    int64_t since, limit;
    const char *id = NULL;
    buf_puts(&request, "{\"verb\":\"runs\"");
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--status") == 0 && has_value)
            json_member_string(&request, "status", argv[++i]);
        else if (strcmp(argv[i], "--tool") == 0 && has_value)
            json_member_string(&request, "tool", argv[++i]);
        else if (strcmp(argv[i], "--since") == 0 && has_value && cli_since(argv[i + 1], &since))
            json_member_i64(&request, "since", since), i++;
        else if (strcmp(argv[i], "--since") == 0 && has_value)
            return cli_usage(c, NULL, "give 15m, 1h or 7d, or 2026-01-31T23:59:00Z", "--since %s is no time",
                             argv[++i]);
        else if (strcmp(argv[i], "--limit") == 0 && has_value && cli_count(argv[i + 1], CLI_LIMIT_MOST, &limit))
            json_member_i64(&request, "limit", limit), i++;
        else if (strcmp(argv[i], "--limit") == 0 && has_value)
            return cli_usage(c, NULL, "give a number from 1 to 1000000", "--limit %s is none", argv[++i]);
        else if (!take_id(argv[i], &id))
            return cli_refuse_word(c, "runs", argv[i], "");
    }
    if (id)
        json_member_string(&request, "id", id);
    buf_putc(&request, '}');
    int code = cli_load(c, CLI_DEFAULTS);
    return code ? code : ask_list(c, buf_text(&request), "runs", take_run, "there are no such runs");
}

/* ---- approvals ---- */

/* A list shows what a request is about; the request by its id, all of it. */
#define PLAN_SHOWN 3

static void print_members(struct json_object *item, bool is_whole)
{
    static const char *const names[] = {"reason", "decision_why", "evidence", "undo",   "difference",
                                        "look",   "error",        "hash",     "run_id", "executed_run_id"};
    struct json_object *plan = json_get_list(item, "plan"), *value = NULL;
    size_t length = plan ? json_object_array_length(plan) : 0;
    size_t most = is_whole || length <= PLAN_SHOWN + 1 ? length : PLAN_SHOWN;
    for (size_t i = 0; i < most; i++) {
        struct json_object *part = json_object_array_get_idx(plan, i);
        (void)printf("    %-11s ", shown(part, "effect"));
        cli_show_lines(shown(part, "statement"), 16);
    }
    if (most < length)
        (void)printf("    ... and %zu more: lbops approvals %s\n", length - most, shown(item, "id"));
    for (size_t i = 0; i < LB_COUNT(names); i++)
        if (json_object_object_get_ex(item, names[i], &value) && value) {
            (void)printf("    %-11s ", names[i]);
            cli_show_lines(
                json_object_is_type(value, json_type_string)
                    ? json_object_get_string(value)
                    : json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                16);
        }
}

static void take_approval(cli *c, void *state, struct json_object *item)
{
    item_list *list = state;
    const char *project = json_get_text(item, "project");
    struct json_object *decisions = json_get_list(item, "decisions");
    list->count++;
    if (c->json) {
        add_json(list, item);
        return;
    }
    cli_tame(item);
    (void)printf("%s%s%s  %s: %s on %s/%s\n    asked by %s at %s, until %s\n", cli_style(c, "1"), shown(item, "id"),
                 cli_style(c, "0"), shown(item, "status"), shown(item, "title"), project ? project : "the workspace",
                 project ? shown(item, "branch") : "", shown(item, "tool"), shown(item, "requested_at"),
                 shown(item, "expires_at"));
    for (size_t i = 0; decisions && i < json_object_array_length(decisions); i++) {
        struct json_object *d = json_object_array_get_idx(decisions, i);
        (void)printf("    %s by %s (%s): %s\n", json_get_bool(d, "approve") ? "approved" : "denied", shown(d, "name"),
                     shown(d, "via"), shown(d, "reason"));
    }
    print_members(item, list->is_whole);
}

int cli_approvals(cli *c, int argc, char **argv)
{
    BUF_AUTO request = BUF_INIT((size_t)64 * 1024);
    const char *id = NULL;
    buf_puts(&request, "{\"verb\":\"approvals\"");
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--all") == 0)
            json_member_bool(&request, "all", true);
        else if (!take_id(argv[i], &id))
            return cli_refuse_word(c, "approvals", argv[i], "");
    }
    if (id)
        json_member_string(&request, "id", id);
    buf_putc(&request, '}');
    int code = cli_load(c, CLI_DEFAULTS);
    return code ? code : ask_for(c, id, buf_text(&request), "approvals", take_approval, "nothing waits for anybody");
}

/* ---- alerts ---- */

/* Somebody's word that holds: one that was given until a moment is over by then. */
static struct json_object *word_of(struct json_object *item)
{
    struct json_object *by = json_get_object(item, "acknowledged");
    const char *until = by ? json_get_text(by, "until") : NULL;
    int64_t moment = 0;
    return until && clock_parse(until, &moment) && moment <= clock_now() ? NULL : by;
}

static const char *state_of(struct json_object *item)
{
    const char *status = shown(item, "status");
    if (json_get_text(item, "over"))
        return "over";
    if (strcmp(status, "resolved") == 0)
        return status;
    return word_of(item) ? "acknowledged" : strcmp(status, "not_told") == 0 ? "not told yet" : status;
}

/* When it began, as far as anybody has seen; else when it was told. */
static const char *since_of(struct json_object *item)
{
    struct json_object *payload = json_get_object(json_get_object(item, "detail"), "payload");
    const char *since = json_get_text(payload, "since");
    return since ? since : shown(item, "fired_at");
}

static void print_alert(struct json_object *item)
{
    const char *project = json_get_text(item, "project"), *over = json_get_text(item, "over");
    struct json_object *by = json_get_object(item, "acknowledged"), *done = json_get_object(item, "treated");
    (void)printf("%-9s %-12s %-28s %-6s %s%s%s%s%s\n", shown(item, "severity"), state_of(item), since_of(item),
                 shown(item, "count"), project ? project : "", project ? "/" : "", project ? shown(item, "branch") : "",
                 project ? ": " : "", shown(item, "text"));
    (void)printf("    %s\n", shown(item, "id"));
    if (by)
        (void)printf("    acknowledged by %s at %s%s%s: %s\n", shown(by, "by"), shown(by, "at"),
                     json_get_text(by, "until") ? " until " : "",
                     json_get_text(by, "until") ? json_get_text(by, "until") : "", shown(by, "because"));
    if (done)
        (void)printf("    treated by %s at %s: %s\n", shown(done, "by"), shown(done, "at"), shown(done, "text"));
    if (over)
        (void)printf("    over, which nobody has been told of yet: %s\n", over);
}

static void take_alert(cli *c, void *state, struct json_object *item)
{
    item_list *list = state;
    if (!list->count++ && !c->json)
        (void)printf("%s%-9s %-12s %-28s %-6s %s%s\n", cli_style(c, "1"), "SEVERITY", "STATE", "SINCE", "TIMES", "WHAT",
                     cli_style(c, "0"));
    list->untold += strcmp(shown(item, "status"), "not_told") == 0 || json_get_text(item, "over");
    if (c->json) {
        add_json(list, item);
        return;
    }
    cli_tame(item);
    print_alert(item);
}

int cli_alerts(cli *c, int argc, char **argv)
{
    bool all = argc == 2 && strcmp(argv[1], "--all") == 0;
    if (argc > 1 && !all)
        return cli_refuse_word(c, "alerts", argv[1], "");
    int code = cli_load(c, CLI_DEFAULTS);
    return code ? code
                : ask_list(c, all ? "{\"verb\":\"alerts\",\"all\":true}" : "{\"verb\":\"alerts\"}", "alerts",
                           take_alert, "nothing is wrong that anybody knows of");
}

/* ---- deciding ---- */

typedef struct decision {
    const char *verb, *id, *name, *reason;
    bool has_run;
} decision;

static void take_record(cli *c, void *state, struct json_object *record)
{
    const decision *d = state;
    if (c->json)
        return; /* the run's document, or the answer below, is the one document */
    struct json_object *decisions = json_get_list(record, "decisions");
    int64_t people = json_get_i64(record, "people", 1);
    size_t said = decisions ? json_object_array_length(decisions) : 0;
    bool waits = strcmp(d->verb, "approve") == 0 && (int64_t)said < people;
    (void)printf("%s: %s is %s%s\n", shown(record, "id"), shown(record, "title"),
                 strcmp(d->verb, "approve") == 0 ? "approved" : "denied",
                 waits ? "; a second person has to approve it too" : "");
}

static void take_record_json(cli *c, void *state, struct json_object *record)
{
    (void)state;
    if (c->json)
        (void)puts(json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void take_document(cli *c, void *state, struct json_object *document)
{
    decision *d = state;
    const char *text =
        json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    d->has_run = true;
    if (c->json)
        (void)puts(text);
    else
        cli_show_run(c, text);
}

static int decide(cli *c, int argc, char **argv)
{
    BUF_AUTO request = BUF_INIT((size_t)64 * 1024);
    decision d = {.verb = argv[0], .name = NULL};
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--as") == 0 && has_value)
            d.name = argv[++i];
        else if (strcmp(argv[i], "--because") == 0 && has_value)
            d.reason = argv[++i];
        else if (argv[i][0] != '-' && !d.id)
            d.id = argv[i];
        else
            return cli_refuse_word(c, d.verb, argv[i], "--as --because");
    }
    if (!d.id || !d.name || !d.reason)
        return cli_usage(c, cli_find_verb(d.verb), NULL, "%s needs an id, --as NAME and --because TEXT", d.verb);
    int code = cli_load(c, CLI_DEFAULTS);
    if (code)
        return code;
    buf_putc(&request, '{');
    json_member_string(&request, "verb", d.verb);
    json_member_string(&request, "id", d.id);
    json_member_string(&request, "name", d.name);
    json_member_string(&request, "reason", d.reason);
    buf_putc(&request, '}');
    bool approves = strcmp(d.verb, "approve") == 0;
    const cli_takers takers = {
        .state = &d, .result = c->json && !approves ? take_record_json : take_record, .document = take_document};
    return cli_ask(c, buf_text(&request), d.verb, approves ? CLI_ASK_RUN : CLI_ASK_LOOK, &takers);
}

/* ---- taking an alert on ---- */

static void take_word(cli *c, void *state, struct json_object *word)
{
    (void)state;
    if (c->json)
        (void)puts(json_object_to_json_string_ext(word, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    else
        (void)printf("%s is acknowledged by %s\n", shown(word, "alert_id"), shown(word, "name"));
}

int cli_ack(cli *c, int argc, char **argv)
{
    BUF_AUTO request = BUF_INIT((size_t)64 * 1024);
    const char *id = NULL, *name = NULL, *reason = NULL, *until = NULL;
    int64_t moment = 0;
    for (int i = 1; i < argc; i++) {
        const char **into = strcmp(argv[i], "--as") == 0        ? &name
                            : strcmp(argv[i], "--because") == 0 ? &reason
                            : strcmp(argv[i], "--until") == 0   ? &until
                                                                : NULL;
        if (into && i + 1 < argc)
            *into = argv[++i];
        else if (into || !take_id(argv[i], &id))
            return cli_refuse_word(c, "ack", argv[i], "");
    }
    if (!id || !name || !reason)
        return cli_usage(c, cli_find_verb("ack"), NULL, "ack needs a key, --as NAME and --because TEXT");
    if (until && !cli_until(until, &moment))
        return cli_usage(c, NULL, "give 30m, 8h or 7d, or 2026-01-31T23:59:00Z", "--until %s is no time", until);
    buf_puts(&request, "{\"verb\":\"ack\"");
    json_member_string(&request, "id", id);
    json_member_string(&request, "name", name);
    json_member_string(&request, "reason", reason);
    if (until)
        json_member_i64(&request, "until", moment);
    buf_putc(&request, '}');
    int code = cli_load(c, CLI_DEFAULTS);
    const cli_takers takers = {.result = take_word};
    return code ? code : cli_ask(c, buf_text(&request), "ack", CLI_ASK_LOOK, &takers);
}

int cli_approve(cli *c, int argc, char **argv)
{
    return decide(c, argc, argv);
}

int cli_deny(cli *c, int argc, char **argv)
{
    return decide(c, argc, argv);
}
