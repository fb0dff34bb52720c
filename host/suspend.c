#include "suspend.h"

#include "clock.h"
#include "json.h"
#include "log.h"
#include "service_state.h"

typedef struct entry {
    struct entry *next;
    char *tool, *since, *reason;
    char *by; /* NULL: it crashed */
    int crashes;
    bool is_old; /* suspend_follow: nobody has said it again */
} entry;

struct suspend_book {
    entry *entries;
    int limit;
};

static entry *find(const suspend_book *book, const char *tool)
{
    for (entry *e = book->entries; e; e = e->next)
        if (strcmp(e->tool, tool) == 0)
            return e;
    return NULL;
}

static entry *find_or_add(suspend_book *book, const char *tool)
{
    entry *e = find(book, tool);
    if (e)
        return e;
    e = base_alloc(sizeof *e);
    e->tool = base_strdup(tool);
    e->next = book->entries;
    book->entries = e;
    return e;
}

static void put_text(char **text, const char *value)
{
    char *copy = value ? base_strdup(value) : NULL;
    free(*text);
    *text = copy;
}

static void set(entry *e, const char *since, const char *reason)
{
    put_text(&e->since, since ? since : "?");
    put_text(&e->reason, reason ? reason : "?");
}

static void free_entry(entry *e)
{
    free(e->tool);
    free(e->since);
    free(e->reason);
    free(e->by);
    free(e);
}

static bool forget(suspend_book *book, const char *tool)
{
    for (entry **link = &book->entries; *link; link = &(*link)->next) {
        entry *e = *link;
        if (strcmp(e->tool, tool) != 0)
            continue;
        *link = e->next;
        free_entry(e);
        return true;
    }
    return false;
}

suspend_book *suspend_new(int limit)
{
    suspend_book *book = base_alloc(sizeof *book);
    book->limit = limit;
    return book;
}

suspend_book *suspend_free(suspend_book *book)
{
    if (!book)
        return NULL;
    while (book->entries)
        (void)forget(book, book->entries->tool); /* it is there */
    free(book);
    return NULL;
}

void suspend_set(suspend_book *book, const char *tool, struct json_object *body)
{
    entry *e = find_or_add(book, tool);
    set(e, json_get_text(body, "since"), json_get_text(body, "reason"));
    put_text(&e->by, json_get_text(body, "by"));
    e->crashes = (int)json_get_i64(body, "crashes", 0);
    e->is_old = false;
}

void suspend_take(suspend_book *book, wire_reader *docs)
{
    lb_state_doc doc;
    lb_error error;
    while (state_get_doc(docs, &doc)) {
        JSON_AUTO *body = json_parse(doc.body, strlen(doc.body), &error);
        suspend_set(book, doc.key, body);
    }
}

/* What has crashed here is known here best. */
static void follow_one(suspend_book *book, const char *tool, struct json_object *body)
{
    const entry *e = find(book, tool);
    if (json_get_text(body, "by") || (e && e->by))
        suspend_set(book, tool, body);
}

void suspend_follow(suspend_book *book, wire_reader *docs)
{
    lb_state_doc doc;
    lb_error error;
    for (entry *e = book->entries; e; e = e->next)
        e->is_old = e->by != NULL;
    while (state_get_doc(docs, &doc)) {
        JSON_AUTO *body = json_parse(doc.body, strlen(doc.body), &error);
        follow_one(book, doc.key, body);
    }
    for (entry *e = book->entries, *next = NULL; e; e = next) {
        next = e->next;
        if (e->is_old)
            (void)forget(book, e->tool); /* it is there */
    }
}

static bool rests(const suspend_book *book, const entry *e)
{
    return e && (e->by || e->crashes >= book->limit);
}

bool suspend_is_suspended(const suspend_book *book, const char *tool)
{
    return rests(book, find(book, tool));
}

int suspend_check(const suspend_book *book, const char *tool, lb_error *err)
{
    const entry *e = find(book, tool);
    char hint[200];
    if (!rests(book, e))
        return 0;
    if (e->by) {
        (void)snprintf(hint, sizeof hint, "ask %.60s, or: lbops tools %s --resume", e->by, tool);
        return lb_fail(err, LB_ERR_SUSPENDED, hint, "%s is suspended since %s by %.60s: %.200s", tool, e->since, e->by,
                       e->reason);
    }
    (void)snprintf(hint, sizeof hint, "when its plugin is mended: lbops tools %s --resume", tool);
    return lb_fail(err, LB_ERR_SUSPENDED, hint, "%s is suspended since %s after %d crashes in a row; the last: %.200s",
                   tool, e->since, e->crashes, e->reason);
}

bool suspend_note_crash(suspend_book *book, const char *tool, const char *reason)
{
    char now[CLOCK_TEXT];
    entry *e = find_or_add(book, tool);
    e->crashes++;
    if (e->by)
        return false;
    clock_format(clock_now(), now);
    set(e, now, reason);
    return e->crashes == book->limit;
}

/* A run that was under way when a person stopped the tool is no answer to why. */
bool suspend_note_success(suspend_book *book, const char *tool)
{
    const entry *e = find(book, tool);
    return e && !e->by && forget(book, tool);
}

void suspend_by_person(suspend_book *book, const char *tool, const char *by, const char *because)
{
    char now[CLOCK_TEXT];
    entry *e = find_or_add(book, tool);
    clock_format(clock_now(), now);
    set(e, now, because);
    put_text(&e->by, by);
}

int suspend_resume(suspend_book *book, const char *tool, lb_error *err)
{
    if (!suspend_is_suspended(book, tool))
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "%s is not suspended", tool);
    (void)forget(book, tool); /* it is there */
    return 0;
}

void suspend_put(const suspend_book *book, state_client *state, const char *tool)
{
    const entry *e = find(book, tool);
    BUF_AUTO body = BUF_INIT((size_t)64 * 1024);
    if (!e) {
        state_op(state, &(lb_state_op){.verb = LB_STATE_REMOVE, .space = SUSPEND_SPACE, .key = tool});
        return;
    }
    buf_putc(&body, '{');
    json_member_i64(&body, "crashes", e->crashes);
    json_member_string(&body, "since", e->since);
    json_member_string(&body, "reason", e->reason);
    if (e->by)
        json_member_string(&body, "by", e->by);
    buf_putc(&body, '}');
    state_op(state, &(lb_state_op){.verb = LB_STATE_PUT,
                                   .space = SUSPEND_SPACE,
                                   .key = tool,
                                   .status = rests(book, e) ? "suspended" : "watched",
                                   .at = clock_now(),
                                   .body = buf_text(&body)});
}
