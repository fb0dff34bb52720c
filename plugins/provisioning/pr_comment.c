#include "pr_comment.h"

#include "branch_json.h"

#include <stdio.h>

#define HAZARDS_SHOWN 40
#define REPORT_BYTES  12000
#define INLINE_BYTES  160 /* of a name or a statement within a line */
#define NOTE_BYTES    200 /* what is said where something was cut */

/* The comment as it grows; what does not fit any more is not put. */
typedef struct page {
    char *text;
    size_t length, room;
} page;

static bool put(page *p, const char *text, size_t length)
{
    if (length > p->room - p->length)
        return false;
    memcpy(p->text + p->length, text, length);
    p->length += length;
    p->text[p->length] = '\0';
    return true;
}

static void say(page *p, const char *text)
{
    (void)put(p, text, strlen(text)); /* the room is planned for it */
}

static void say_number(page *p, int64_t number, const char *one, const char *many)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%lld %s", (long long)number, number == 1 ? one : many); /* short */
    say(p, text);
}

static size_t longest_run(const char *text, size_t length)
{
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < length; i++) {
        run = text[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static void ticks(page *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        say(p, "`");
}

/* No more than `most` bytes, and no part of a character. */
static size_t cut(const char *text, size_t length, size_t most)
{
    if (length <= most)
        return length;
    while (most && ((unsigned char)text[most] & 0xC0) == 0x80)
        most--;
    return most;
}

/* A name as code: between more backticks than it holds, on one line, where neither mentions nor links are seen. */
static void say_code(page *p, const char *text)
{
    size_t length = strlen(text), shown = cut(text, length, INLINE_BYTES), fence = longest_run(text, shown) + 1;
    bool blank = shown && (text[0] == '`' || text[shown - 1] == '`' || text[0] == ' ' || text[shown - 1] == ' ');
    ticks(p, fence);
    say(p, blank || !shown ? " " : "");
    for (size_t i = 0; i < shown; i++)
        (void)put(p, (unsigned char)text[i] < ' ' ? " " : text + i, 1);
    say(p, blank ? " " : "");
    ticks(p, fence);
    say(p, shown < length ? " …" : "");
}

/* ---- what differs ---- */

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) ? json_object_get_string(member) : NULL;
}

static int64_t number_of(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) ? json_object_get_int64(member) : 0;
}

static struct json_object *list_of(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) && json_object_is_type(member, json_type_array) ? member
                                                                                                            : NULL;
}

/* Only what stops others from writing or reading is worth a person's eye; weaker locks are no hazard. */
static bool is_hazard(struct json_object *statement)
{
    const char *lock = text_of(statement, "lock");
    return text_of(statement, "risk") || (lock && strcmp(lock, "ACCESS EXCLUSIVE") == 0);
}

static void say_hazard(page *p, struct json_object *statement)
{
    const char *lock = text_of(statement, "lock"), *risk = text_of(statement, "risk"), *sql = text_of(statement, "sql");
    say(p, "- ");
    say(p, lock ? lock : "");
    say(p, lock && risk ? ", " : "");
    say(p, risk ? risk : "");
    say(p, ": ");
    say_code(p, sql ? sql : "");
    say(p, "\n");
}

static void say_hazards(page *p, struct json_object *statements)
{
    size_t count = statements ? json_object_array_length(statements) : 0, hazards = 0, shown = 0;
    for (size_t i = 0; i < count; i++)
        hazards += is_hazard(json_object_array_get_idx(statements, i));
    if (!hazards)
        return;
    say(p, "**Hazards**: ");
    say_number(p, (int64_t)hazards, "statement takes a strong lock or may lose something.",
               "statements take a strong lock or may lose something.");
    say(p, "\n\n");
    for (size_t i = 0; i < count && shown < HAZARDS_SHOWN; i++) {
        struct json_object *statement = json_object_array_get_idx(statements, i);
        if (!is_hazard(statement))
            continue;
        say_hazard(p, statement);
        shown++;
    }
    if (shown < hazards) {
        say(p, "- … and ");
        say_number(p, (int64_t)(hazards - shown), "more", "more");
        say(p, "\n");
    }
    say(p, "\n");
}

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines + (length && text[length - 1] != '\n');
}

/* Text as it is: at most `most` bytes of it, whole lines where there are some, and a word on what is missing. */
static void say_fenced(page *p, const char *language, const char *text, size_t most, const char *rest)
{
    size_t length = strlen(text), shown = cut(text, length, most), line = shown;
    while (shown < length && line && text[line - 1] != '\n')
        line--;
    shown = shown < length && line ? line : shown;
    size_t run = longest_run(text, shown), fence = run < 3 ? 3 : run + 1;
    char note[NOTE_BYTES];
    ticks(p, fence);
    say(p, language);
    say(p, "\n");
    (void)put(p, text, shown); /* the room is planned for it */
    say(p, shown && text[shown - 1] == '\n' ? "" : "\n");
    ticks(p, fence);
    if (shown < length) {
        (void)snprintf(note, sizeof note, "\n\n**Cut here**: %zu of %zu lines are shown; %s.", count_lines(text, shown),
                       count_lines(text, length), rest); /* fits */
        say(p, note);
    }
    say(p, "\n\n");
}

static void say_block(page *p, const char *title, const char *language, const char *text, size_t most)
{
    say(p, "<details><summary>");
    say(p, title);
    say(p, "</summary>\n\n");
    say_fenced(p, language, text, most, "capture_schema_diff gives all of it");
    say(p, "</details>\n");
}

/* Backticks alone would count three times, as in the blocks below. */
static void say_report(page *p, const char *report)
{
    size_t most = longest_run(report, strlen(report)) > 100 ? REPORT_BYTES / 3 : REPORT_BYTES;
    say_fenced(p, "text", report, most, "the run's own page has all of it");
}

/* The difference as text and as SQL share what is left; a fence is at most as long as what it holds, so a block counts
 * three times where it is made of backticks alone. */
static void say_blocks(page *p, const char *text, const char *sql)
{
    size_t left = p->room - p->length - (size_t)2 * (NOTE_BYTES + 100), want = strlen(text), other = strlen(sql);
    size_t half = left / 2, first = want <= half || want + other <= left ? want : other < half ? left - other : half;
    size_t second = left - (first < want ? first : want);
    bool is_ticks = longest_run(text, want) > 100 || longest_run(sql, other) > 100;
    say_block(p, "What differs", "diff", text, is_ticks ? first / 3 : first);
    say_block(p, "The SQL that leads there", "sql", sql, is_ticks ? second / 3 : second);
}

static void say_head(page *p, const pr_comment *c)
{
    say(p, PR_COMMENT_MARKER "\n### Schema changes: ");
    say_code(p, c->branch);
    say(p, " against ");
    say_code(p, c->base);
    say(p, "\n\n");
}

int pr_comment_write(lb_ctx *ctx, const pr_comment *c, const char **ret_text, int64_t *ret_changes, lb_error *err)
{
    struct json_object *diff = branch_json_keep(ctx, c->diff, err);
    page p = {.text = lb_alloc(ctx, PR_COMMENT_BYTES + 1), .room = PR_COMMENT_BYTES};
    if (!diff)
        return err->code;
    if (!p.text)
        return lb_out_of_memory(err);
    const char *text = text_of(diff, "text"), *sql = text_of(diff, "sql");
    *ret_changes = number_of(diff, "change_count");
    say_head(&p, c);
    if (c->report)
        say_report(&p, c->report);
    if (*ret_changes) {
        say_number(&p, *ret_changes, "difference", "differences");
        say(&p, ", ");
        say_number(&p, number_of(diff, "statement_count"), "statement", "statements");
        say(&p, " in the project ");
        say_code(&p, c->project);
        say(&p, ".\n\n");
        say_hazards(&p, list_of(diff, "statements"));
        say_blocks(&p, text ? text : "", sql ? sql : "");
    } else {
        say(&p, "No differences in the project ");
        say_code(&p, c->project);
        say(&p, ".\n");
    }
    *ret_text = p.text;
    return 0;
}

/* ---- what is there ---- */

bool pr_comment_is_ours(const char *body)
{
    return strncmp(body, PR_COMMENT_MARKER, strlen(PR_COMMENT_MARKER)) == 0;
}

static const char *skip_returns(const char *p)
{
    while (*p == '\r')
        p++;
    return p;
}

static bool is_rest_blank(const char *p)
{
    return !p[strspn(p, " \t\r\n")];
}

bool pr_comment_same(const char *body, const char *text)
{
    const char *a = skip_returns(body), *b = skip_returns(text);
    while (*a && *a == *b) {
        a = skip_returns(a + 1);
        b = skip_returns(b + 1);
    }
    return is_rest_blank(a) && is_rest_blank(b);
}
