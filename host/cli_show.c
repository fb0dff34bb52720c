/* A run's document for people. */
#include "cli.h"

#include "json.h"

/* A document's slashes are no one's to read with backslashes. */
static const char *spaced(struct json_object *value)
{
    return json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : json_object_to_json_string_ext(value, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    if (!object || !json_object_object_get_ex(object, name, &member) || !member)
        return NULL;
    return spaced(member);
}

/* For printing: never NULL. */
static const char *shown(struct json_object *object, const char *name)
{
    const char *text = text_of(object, name);
    return text ? text : "";
}

static struct json_object *member_of(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return object && json_object_object_get_ex(object, name, &member) ? member : NULL;
}

static size_t length_of(struct json_object *list)
{
    return list && json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static void show_head(const cli *c, struct json_object *run)
{
    struct json_object *target = member_of(run, "target");
    const char *status = shown(run, "status");
    const char *colour = strcmp(status, "ok") == 0 ? "32" : strcmp(status, "skipped") == 0 ? "33" : "31";
    (void)printf("%s%s%s", cli_style(c, "1"), shown(run, "tool"), cli_style(c, "0"));
    if (target)
        (void)printf(" on %s/%s", shown(target, "project"), shown(target, "branch"));
    (void)printf(": %s%s%s in %s ms%s\n", cli_style(c, colour), status, cli_style(c, "0"), shown(run, "duration_ms"),
                 strcmp(shown(run, "mode"), "plan") == 0 ? " (a plan: nothing was changed)" : "");
}

/* Never where something else begins. */
void cli_show_lines(const char *text, int column)
{
    for (const char *c = text; *c; c++)
        (void)(*c == '\n' && c[1] ? printf("\n%*s", column, "") : *c == '\n' ? 0 : putchar(*c));
    (void)putchar('\n');
}

static void show_coverage(struct json_object *result)
{
    struct json_object *examined = member_of(result, "examined"), *skipped = member_of(result, "skipped");
    if (examined && json_object_object_length(examined)) {
        const char *before = "  examined: ";
        json_object_object_foreach(examined, what, count)
        {
            (void)printf("%s%s %s", before, what, json_object_get_string(count));
            before = ", ";
        }
        (void)putchar('\n');
    }
    for (size_t i = 0; i < length_of(skipped); i++) {
        struct json_object *item = json_object_array_get_idx(skipped, i);
        (void)printf("  skipped  %s: %s\n", shown(item, "object"), shown(item, "reason"));
    }
}

/* What is not known, or does not apply, is for --json. */
static void show_evidence(struct json_object *evidence)
{
    const char *before = "{ ";
    (void)fputs("      evidence ", stdout);
    if (!json_object_is_type(evidence, json_type_object)) {
        (void)puts(evidence ? spaced(evidence) : "");
        return;
    }
    json_object_object_foreach(evidence, name, value)
    {
        if (!value)
            continue;
        (void)printf("%s\"%s\": %s", before, name,
                     json_object_to_json_string_ext(value, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
        before = ", ";
    }
    (void)puts(strcmp(before, "{ ") == 0 ? "{ }" : " }");
}

static void show_findings(const cli *c, struct json_object *findings)
{
    for (size_t i = 0; i < length_of(findings); i++) {
        struct json_object *f = json_object_array_get_idx(findings, i), *confidence = member_of(f, "confidence");
        (void)printf("  %s%s%s %s, %s confidence (%s)\n      %s\n", cli_style(c, "33"), shown(f, "object"),
                     cli_style(c, "0"), shown(f, "kind"), shown(confidence, "label"), shown(confidence, "value"),
                     shown(f, "reason"));
        show_evidence(member_of(f, "evidence"));
        if (text_of(f, "fix")) {
            (void)fputs("      fix      ", stdout);
            cli_show_lines(shown(f, "fix"), 15);
        }
    }
}

/* An approved change that was not what was approved any more: what people compare, and not the request's new papers. */
static void show_difference(const cli *c, struct json_object *difference)
{
    for (size_t i = 0; i < length_of(difference); i++) {
        struct json_object *part = json_object_array_get_idx(difference, i);
        (void)printf("  %s%s%s has changed since this was asked for: its %s\n      before   ", cli_style(c, "33"),
                     shown(part, "object"), cli_style(c, "0"), shown(part, "part"));
        cli_show_lines(shown(part, "before"), 15);
        (void)fputs("      now      ", stdout);
        cli_show_lines(shown(part, "now"), 15);
    }
    (void)puts("  again    nothing was done; lbops approve or deny with the same id decides about it as it is now");
}

static bool is_shown_apart(const char *name, bool moved)
{
    static const char *const always[] = {"examined", "skipped", "findings"}, *const of_moved[] = {"difference",
                                                                                                  "fingerprint",
                                                                                                  "document"};
    for (size_t i = 0; i < LB_COUNT(always); i++)
        if (strcmp(name, always[i]) == 0)
            return true;
    for (size_t i = 0; moved && i < LB_COUNT(of_moved); i++)
        if (strcmp(name, of_moved[i]) == 0)
            return true;
    return false;
}

#define MEMBER_MOST 2000

/* A text is for people and shown whole; a document that nobody reads at a glance is for --json. */
static void show_member(const char *name, struct json_object *value)
{
    const char *text = spaced(value);
    bool is_long = !json_object_is_type(value, json_type_string) && strlen(text) > MEMBER_MOST;
    (void)printf("  %-8s ", name);
    if (is_long)
        (void)printf("(%zu bytes: --json prints them)\n", strlen(text));
    else
        (void)puts(text);
}

static void show_rest(const cli *c, struct json_object *result)
{
    bool moved = json_object_get_boolean(member_of(result, "moved"));
    if (moved)
        show_difference(c, member_of(result, "difference"));
    json_object_object_foreach(result, name, value)
    {
        if (!value || is_shown_apart(name, moved))
            continue;
        if (length_of(value) && json_object_is_type(json_object_array_get_idx(value, 0), json_type_object)) {
            (void)printf("  %s:\n", name);
            for (size_t i = 0; i < length_of(value); i++)
                (void)printf("    %s\n", spaced(json_object_array_get_idx(value, i)));
        } else {
            show_member(name, value);
        }
    }
}

#define DONE_MOST 160

/* What has been done is known by its beginning, and the audit log has all of it; what waits is for somebody to read. */
static void show_statement(const char *statement, bool is_done)
{
    if (!is_done) {
        cli_show_lines(statement, 26);
        return;
    }
    size_t shown_bytes = 0;
    bool gap = false;
    for (; *statement && (shown_bytes < DONE_MOST || ((unsigned char)*statement & 0xC0) == 0x80); statement++) {
        bool is_blank = *statement == ' ' || *statement == '\n' || *statement == '\t' || *statement == '\r';
        if (!is_blank && gap && shown_bytes)
            shown_bytes += (size_t)(putchar(' ') != EOF);
        if (!is_blank)
            shown_bytes += (size_t)(putchar(*statement) != EOF);
        gap = is_blank;
    }
    (void)puts(*statement ? " ..." : "");
}

/* Our own session's settings, and what only looks: they are many, and change nothing. */
static bool is_aside(struct json_object *change)
{
    return strcmp(shown(change, "effect"), "read") == 0 && strcmp(shown(change, "outcome"), "applied") == 0 &&
           !text_of(change, "error");
}

static void show_changes(const cli *c, struct json_object *changes)
{
    const char *group = NULL;
    size_t aside = 0;
    for (size_t i = 0; i < length_of(changes); i++) {
        struct json_object *change = json_object_array_get_idx(changes, i);
        const char *title = shown(change, "group"), *outcome = shown(change, "outcome"),
                   *error = text_of(change, "error"), *decision = shown(change, "decision");
        if (is_aside(change)) {
            aside++;
            continue;
        }
        if (!group || strcmp(group, title) != 0)
            (void)printf("  %s%s%s%s%s%s\n", cli_style(c, "1"), title, cli_style(c, "0"), *decision ? " (" : "",
                         decision, *decision ? ")" : "");
        group = title;
        (void)printf("    %-9s %-11s ", outcome, shown(change, "effect"));
        show_statement(shown(change, "statement"), strcmp(outcome, "applied") == 0);
        if (error)
            (void)printf("              %s\n", error);
    }
    if (aside)
        (void)printf("  aside    %zu statement(s) that only read, or set our own session: --json has them\n", aside);
}

/* As a shell takes it for one word. */
static void put_word(const char *word, buf *into)
{
    bool is_plain = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-") == strlen(word);
    if (is_plain) {
        buf_puts(into, word);
        return;
    }
    buf_putc(into, '\'');
    for (const char *p = word; *p; p++)
        buf_puts(into, *p == '\'' ? "'\\''" : (char[]){*p, '\0'});
    buf_putc(into, '\'');
}

void cli_put_command(const cli *c, const char *text, buf *into)
{
    static const char before[] = "lbops ";
    const char *at = c->manifest_path ? strstr(text, before) : NULL;
    if (at) {
        buf_printf(into, "%.*s%s-m ", (int)(at - text), text, before);
        put_word(c->manifest_path, into);
        buf_putc(into, ' ');
    }
    buf_puts(into, at ? at + strlen(before) : text);
}

void cli_show_command(const cli *c, const char *text)
{
    BUF_AUTO command = BUF_INIT((size_t)64 * 1024);
    cli_put_command(c, text, &command);
    (void)puts(buf_text(&command));
}

void cli_show_run(const cli *c, const char *document)
{
    lb_error err;
    JSON_AUTO *run = json_parse(document, strlen(document), &err);
    if (!run) {
        (void)puts(document); /* better raw than not at all */
        return;
    }
    cli_tame(run);
    struct json_object *result = member_of(run, "result"), *error = member_of(run, "error");
    show_head(c, run);
    show_coverage(result);
    show_findings(c, member_of(result, "findings"));
    if (result)
        show_rest(c, result);
    show_changes(c, member_of(run, "changes"));
    struct json_object *asked = member_of(run, "approvals");
    for (size_t i = 0; i < length_of(asked); i++) {
        (void)printf("  asked    ");
        cli_show_command(c, shown(json_object_array_get_idx(asked, i), "text"));
    }
    if (length_of(member_of(run, "events")))
        (void)printf("  %zu event(s)\n", length_of(member_of(run, "events")));
    if (error) {
        (void)printf("  %serror%s    %s (%s)\n", cli_style(c, "31"), cli_style(c, "0"), shown(error, "message"),
                     shown(error, "code"));
        if (text_of(error, "hint"))
            (void)printf("  hint     %s\n", shown(error, "hint"));
    }
}
