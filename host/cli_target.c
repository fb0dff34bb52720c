/* lbops target: projects and branches by hand. The work is a run of the host's own tool, through the door. */
#include "cli.h"

#include "json.h"
#include "nearest.h"
#include "target_tool.h"
#include "targets.h"

#include <ctype.h>

#define ARGS 12

typedef struct target_wish {
    cli_course course;
    const char *action;
    param_arg args[ARGS];
    size_t count;
    const char *timeout;
    bool has_expiry;
    char *ttl; /* in seconds, as the control plane wants it */
} target_wish;

static void add_arg(target_wish *w, const char *name, const char *text)
{
    if (w->count < ARGS)
        w->args[w->count++] = (param_arg){.name = name, .text = text};
}

/* ---- words ---- */

/* "90s", "30m", "4h", "7d": as seconds. NULL: it is none of these. */
static char *seconds_of(const char *text)
{
    static const struct {
        char unit;
        long seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end = NULL;
    long number = isdigit((unsigned char)text[0]) ? strtol(text, &end, 10) : 0;
    for (size_t i = 0; number > 0 && number < 100000000 && i < LB_COUNT(units); i++)
        if (end[0] == units[i].unit && !end[1])
            return base_printf("%lds", number * units[i].seconds);
    return NULL;
}

/* An option without a value; false: it is none. */
static bool take_flag(target_wish *w, const char *word)
{
    bool creates = strcmp(w->action, "create") == 0;
    if (strcmp(word, "--plan") == 0)
        w->course.ask.plan = true;
    else if (strcmp(word, "--wake") == 0 && strcmp(w->action, "dsn") == 0)
        w->course.ask.wake = true;
    else if (strcmp(word, "--keep") == 0 && creates) {
        add_arg(w, "no_expiry", "true");
        w->has_expiry = true;
    } else if (strcmp(word, "--protect") == 0 && creates)
        add_arg(w, "is_protected", "true");
    else
        return false;
    return true;
}

static int take_ttl(const cli *c, target_wish *w, const char *value)
{
    free(w->ttl);
    w->ttl = seconds_of(value);
    if (!w->ttl)
        return cli_usage(c, NULL, "such as 90s, 30m, 4h or 7d", "--ttl %s is not a span of time", value);
    add_arg(w, "ttl", w->ttl);
    w->has_expiry = true;
    return 0;
}

static int take_option(const cli *c, target_wish *w, const char *word, const char *value)
{
    const struct {
        const char *word, *name;
        const char **into;
        bool only_create;
    } options[] = {
        {"--project", NULL, &w->course.ask.project, false},
        {"--as", NULL, &w->course.ask.actor, false},
        {"--because", NULL, &w->course.ask.reason, false},
        {"--timeout", NULL, &w->timeout, false},
        {"--from", "source", NULL, true},
        {"--at", "time", NULL, true},
        {"--lsn", "lsn", NULL, true},
        {"--expires", "expire_time", NULL, true},
        {"--version", "version", NULL, true},
    };
    bool creates = strcmp(w->action, "create") == 0;
    if (strcmp(word, "--ttl") == 0 && creates)
        return value ? take_ttl(c, w, value) : cli_usage(c, cli_find_verb("target"), NULL, "--ttl needs a value");
    for (size_t i = 0; i < LB_COUNT(options); i++) {
        if (strcmp(options[i].word, word) != 0 || (options[i].only_create && !creates))
            continue;
        if (!value)
            return cli_usage(c, cli_find_verb("target"), NULL, "%s needs a value", word);
        if (options[i].into)
            *options[i].into = value;
        else
            add_arg(w, options[i].name, value);
        w->has_expiry = w->has_expiry || strcmp(word, "--expires") == 0;
        return 0;
    }
    return cli_usage(c, cli_find_verb("target"), NULL, "target %s has no option %s", w->action, word);
}

static int take_timeout(const cli *c, target_wish *w)
{
    char *end = NULL;
    long seconds = w->timeout ? strtol(w->timeout, &end, 10) : 0;
    if (w->timeout && (end == w->timeout || *end || seconds < 1 || seconds > 86400))
        return cli_usage(c, NULL, "give seconds from 1 to 86400", "--timeout %s is not a number of seconds",
                         w->timeout);
    w->course.ask.timeout_s = (uint32_t)seconds;
    return 0;
}

static int take_words(const cli *c, target_wish *w, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            if (w->course.ask.branch || strcmp(w->action, "list") == 0)
                return cli_usage(c, cli_find_verb("target"), NULL, "what is %s?", argv[i]);
            w->course.ask.branch = argv[i];
            continue;
        }
        if (take_flag(w, argv[i]))
            continue;
        const char *value = i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0 ? argv[i + 1] : NULL;
        int code = take_option(c, w, argv[i], value);
        if (code != 0)
            return code;
        i++;
    }
    return take_timeout(c, w);
}

/* ---- which project ---- */

/* The one that the manifest's exact targets are in. */
static const char *only_project(const manifest *m)
{
    const char *found = NULL;
    for (size_t i = 0; i < m->target_count; i++) {
        const manifest_target *t = &m->targets[i];
        if (t->pattern)
            continue;
        if (found && strcmp(found, t->project) != 0)
            return NULL;
        found = t->project;
    }
    return found;
}

/* What the control plane takes as an id: worth saying before anything else is asked about it. */
static bool is_id(const char *name)
{
    size_t length = strlen(name);
    return length >= 1 && length <= 63 && islower((unsigned char)name[0]) && name[length - 1] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static int judge_name(const cli *c, const char *name)
{
    return is_id(name)
               ? 0
               : cli_usage(c, NULL, "up to 63 lower-case letters, digits and hyphens, a letter first, no hyphen last",
                           "\"%.80s\" cannot be the name of a branch or project", name);
}

static int choose_project(const cli *c, target_wish *w)
{
    run_ask *ask = &w->course.ask;
    bool creates = strcmp(w->action, "create") == 0, deletes = strcmp(w->action, "delete") == 0;
    if (strcmp(w->action, "list") == 0)
        return 0;
    if (!ask->branch && !((creates || deletes) && ask->project))
        return cli_usage(c, cli_find_verb("target"), NULL, "target %s needs a branch", w->action);
    if (!ask->project)
        ask->project = only_project(c->manifest);
    if (!ask->project)
        return cli_usage(c, NULL, "give --project", "the manifest leaves more than one project");
    int code = creates ? judge_name(c, ask->branch ? ask->branch : ask->project) : 0;
    if (code == 0 && creates && ask->branch && !w->has_expiry)
        return cli_usage(c, NULL, "give --ttl 4h, --expires TIME or --keep", "how long should %s live?", ask->branch);
    return code;
}

/* ---- answers ---- */

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) && member ? json_object_get_string(member) : "";
}

static struct json_object *list_of(struct json_object *result, const char *name)
{
    struct json_object *list = NULL;
    return json_object_object_get_ex(result, name, &list) && json_object_is_type(list, json_type_array) ? list : NULL;
}

static void show_branch(const cli *c, struct json_object *item)
{
    struct json_object *flag = NULL;
    const char *pending = text_of(item, "pending"), *expires = text_of(item, "expire_time"),
               *source = text_of(item, "source");
    LB_AUTO_FREE char *name = base_printf("%s/%s", text_of(item, "project"), text_of(item, "branch"));
    LB_AUTO_FREE char *state = base_printf("%s%s%s", text_of(item, "state"), *pending ? " > " : "", pending);
    (void)printf("%s%-28s%s %-12s %-8s", cli_style(c, "1"), name, cli_style(c, "0"), state, text_of(item, "compute"));
    if (*source)
        (void)printf(" from %s", source);
    if (json_object_object_get_ex(item, "default", &flag) && json_object_get_boolean(flag))
        (void)printf(" default");
    if (json_object_object_get_ex(item, "protected", &flag) && json_object_get_boolean(flag))
        (void)printf(" protected");
    if (*expires)
        (void)printf(" until %.19sZ", expires);
    (void)putchar('\n');
}

static void show_list(const cli *c, const char *document)
{
    lb_error err;
    struct json_object *result = NULL;
    JSON_AUTO *run = json_parse(document, strlen(document), &err);
    cli_tame(run);
    (void)json_object_object_get_ex(run, "result", &result); /* a run's document has one */
    struct json_object *targets = list_of(result, "targets"), *unfinished = list_of(result, "unfinished");
    for (size_t i = 0; targets && i < json_object_array_length(targets); i++)
        show_branch(c, json_object_array_get_idx(targets, i));
    for (size_t i = 0; unfinished && i < json_object_array_length(unfinished); i++) {
        struct json_object *item = json_object_array_get_idx(unfinished, i);
        (void)printf("%s%s%s %s\n", cli_style(c, "31"), text_of(item, "name"), cli_style(c, "0"),
                     text_of(item, "reason"));
    }
    if (!targets && !unfinished)
        (void)puts("there are no branches");
}

static void show_dsn(const cli *c, const char *document)
{
    lb_error err;
    struct json_object *result = NULL;
    (void)c; /* the string alone, so that it can be used in place */
    JSON_AUTO *run = json_parse(document, strlen(document), &err);
    (void)json_object_object_get_ex(run, "result", &result); /* a run's document has one */
    (void)puts(text_of(result, "dsn"));
}

/* ---- the verb ---- */

/* The control plane says what class a branch has that is there; the manifest, of one that is not yet. */
static void set_course(const cli *c, target_wish *w)
{
    cli_course *course = &w->course;
    bool is_there = strcmp(w->action, "list") != 0 && strcmp(w->action, "create") != 0;
    course->own = true;
    course->ask.tool = TARGET_TOOL;
    course->ask.args = w->args;
    course->ask.arg_count = w->count;
    course->lists = is_there && course->ask.branch;
    course->goes_on = strcmp(w->action, "reset") == 0;
    course->show = strcmp(w->action, "list") == 0 ? show_list : strcmp(w->action, "dsn") == 0 ? show_dsn : NULL;
    if (!course->ask.actor)
        course->ask.actor = cli_user();
    if (strcmp(w->action, "create") == 0 && course->ask.branch)
        course->ask.branch_class =
            targets_class_of(c->manifest, course->ask.project, course->ask.branch, LB_BRANCH_SHARED);
    if (strcmp(w->action, "dsn") == 0 && course->ask.branch)
        course->ask.wake =
            course->ask.wake ||
            targets_may_wake(c->manifest, &(lb_target){.project = course->ask.project, .branch = course->ask.branch});
}

int cli_target(cli *c, int argc, char **argv)
{
    static const char *const actions[] = {"ls", "create", "delete", "reset", "dsn"};
    target_wish w = {.course = {.ask = {.actor_kind = GATE_PERSON}}};
    for (size_t i = 0; argc > 1 && i < LB_COUNT(actions); i++)
        if (strcmp(actions[i], argv[1]) == 0)
            w.action = i == 0 ? "list" : actions[i];
    if (!w.action) {
        const char *nearest = argc > 1 ? nearest_name(argv[1], actions, LB_COUNT(actions)) : NULL;
        char hint[64];
        (void)snprintf(hint, sizeof hint, "did you mean %s?", nearest ? nearest : "ls");
        return cli_usage(c, nearest ? NULL : cli_find_verb("target"), nearest ? hint : NULL,
                         argc > 1 ? "target cannot %s" : "target needs to be told what to do", argc > 1 ? argv[1] : "");
    }
    add_arg(&w, "action", w.action);
    if (strcmp(w.action, "delete") == 0 || strcmp(w.action, "reset") == 0)
        add_arg(&w, "last_snapshot", "true");
    int code = take_words(c, &w, argc, argv);
    if (code == 0)
        code = cli_load(c, CLI_STRICT);
    if (code == 0)
        code = choose_project(c, &w);
    if (code == 0) {
        set_course(c, &w);
        code = cli_carry_out(c, &w.course);
    }
    free(w.ttl);
    return code;
}
