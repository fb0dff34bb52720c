#include "unseen.h"

#include "clock.h"
#include "json.h"
#include "service_state.h"

typedef struct entry {
    struct entry *next;
    char *key, *place;
    int64_t times, since;
} entry;

struct unseen_book {
    entry *entries;
};

static char *place_of(const char *project, const char *branch)
{
    return project ? base_printf("%s/%s", project, branch ? branch : "") : base_strdup("");
}

static char *key_of(const unseen_look *look, const char *place)
{
    return base_printf("%s@%s", look->tool ? look->tool : "", place);
}

static entry *find(const unseen_book *book, const char *key)
{
    for (entry *e = book->entries; e; e = e->next)
        if (strcmp(e->key, key) == 0)
            return e;
    return NULL;
}

/* Takes the two texts. */
static entry *add(unseen_book *book, char *key, char *place)
{
    entry *e = base_alloc(sizeof *e);
    *e = (entry){.next = book->entries, .key = key, .place = place};
    book->entries = e;
    return e;
}

static void forget(unseen_book *book, const entry *gone)
{
    entry **link = &book->entries;
    while (*link != gone)
        link = &(*link)->next;
    entry *e = *link;
    *link = e->next;
    free(e->key);
    free(e->place);
    free(e);
}

unseen_book *unseen_new(void)
{
    return base_alloc(sizeof(unseen_book));
}

unseen_book *unseen_free(unseen_book *book)
{
    while (book && book->entries)
        forget(book, book->entries);
    free(book);
    return NULL;
}

/* only NULL: all places. */
static void take(unseen_book *book, wire_reader *docs, const char *only)
{
    lb_state_doc doc;
    lb_error error;
    while (state_get_doc(docs, &doc)) {
        JSON_AUTO *body = json_parse(doc.body, strlen(doc.body), &error);
        const char *named = json_get_text(body, "place"), *place = named ? named : "";
        if (find(book, doc.key) || (only && strcmp(place, only) != 0))
            continue;
        entry *e = add(book, base_strdup(doc.key), base_strdup(place));
        e->times = json_get_i64(body, "times", 1);
        e->since = json_get_i64(body, "since", doc.at);
    }
}

void unseen_take(unseen_book *book, wire_reader *docs)
{
    take(book, docs, NULL);
}

static void drop(unseen_book *book, const char *place)
{
    for (entry *e = book->entries, *next; e; e = next) {
        next = e->next;
        if (strcmp(e->place, place) == 0)
            forget(book, e);
    }
}

void unseen_drop(unseen_book *book, const char *project, const char *branch)
{
    LB_AUTO_FREE char *place = place_of(project, branch);
    drop(book, place);
}

void unseen_take_over(unseen_book *book, const char *project, const char *branch, wire_reader *docs)
{
    LB_AUTO_FREE char *place = place_of(project, branch);
    drop(book, place);
    take(book, docs, place);
}

static bool has_blind(const unseen_book *book, const char *place)
{
    for (const entry *e = book->entries; e; e = e->next)
        if (e->times >= UNSEEN_AFTER && strcmp(e->place, place) == 0)
            return true;
    return false;
}

static unseen_change note_success(unseen_book *book, entry *e, int64_t *ret_since, bool *ret_moved)
{
    *ret_moved = e != NULL;
    if (!e)
        return UNSEEN_NOTHING;
    bool was_blind = e->times >= UNSEEN_AFTER;
    LB_AUTO_FREE char *place = base_strdup(e->place);
    *ret_since = e->since;
    forget(book, e);
    return was_blind && !has_blind(book, place) ? UNSEEN_OVER : UNSEEN_NOTHING;
}

unseen_change unseen_note(unseen_book *book, const unseen_look *look, int64_t *ret_since, bool *ret_moved)
{
    char *place = place_of(look->project, look->branch), *key = key_of(look, place);
    entry *e = find(book, key);
    *ret_since = look->at;
    if (e || !look->reason) {
        free(place);
        free(key);
        if (!look->reason)
            return note_success(book, e, ret_since, ret_moved);
    } else {
        e = add(book, key, place);
        e->since = look->at;
    }
    *ret_since = e->since;
    *ret_moved = ++e->times <= UNSEEN_AFTER; /* more of the same is no news */
    return e->times == UNSEEN_AFTER ? UNSEEN_BEGAN : UNSEEN_NOTHING;
}

/* ---- what is looked at no more ---- */

/* A key is "tool@project/branch"; neither a tool nor a project has the sign that ends it. */
static unseen_left left_of(const entry *e)
{
    const char *branch = strchr(e->place, '/');
    size_t tool = strcspn(e->key, "@");
    return (unseen_left){.tool = tool ? base_printf("%.*s", (int)tool, e->key) : NULL,
                         .project = branch ? base_printf("%.*s", (int)(branch - e->place), e->place) : NULL,
                         .branch = branch ? base_strdup(branch + 1) : NULL,
                         .since = e->since};
}

bool unseen_leave(unseen_book *book, unseen_looks *looks, void *state, unseen_left *ret_left)
{
    for (const entry *e = book->entries; e; e = e->next) {
        unseen_left left = left_of(e);
        if (looks(state, left.tool, left.project, left.branch)) {
            unseen_left_done(&left);
            continue;
        }
        LB_AUTO_FREE char *place = base_strdup(e->place);
        bool was_blind = e->times >= UNSEEN_AFTER;
        forget(book, e);
        left.is_over = was_blind && !has_blind(book, place);
        *ret_left = left;
        return true;
    }
    return false;
}

void unseen_left_done(unseen_left *left)
{
    free(left->tool);
    free(left->project);
    free(left->branch);
    *left = (unseen_left){0};
}

void unseen_put(const unseen_book *book, state_client *state, const unseen_look *look)
{
    LB_AUTO_FREE char *place = place_of(look->project, look->branch);
    LB_AUTO_FREE char *key = key_of(look, place);
    const entry *e = find(book, key);
    BUF_AUTO body = BUF_INIT((size_t)16 * 1024);
    if (!e) {
        state_op(state, &(lb_state_op){.verb = LB_STATE_REMOVE, .space = UNSEEN_SPACE, .key = key});
        return;
    }
    buf_putc(&body, '{');
    json_member_string(&body, "place", e->place);
    json_member_i64(&body, "times", e->times);
    json_member_i64(&body, "since", e->since);
    buf_putc(&body, '}');
    state_op(state, &(lb_state_op){.verb = LB_STATE_PUT,
                                   .space = UNSEEN_SPACE,
                                   .key = key,
                                   .status = e->times >= UNSEEN_AFTER ? "blind" : "watched",
                                   .at = clock_now(),
                                   .body = buf_text(&body)});
}
