#include "serve_untold.h"

#include "clock.h"
#include "serve_alerting.h"

#define BODY_MOST ((size_t)2 * 1024 * 1024)

/* What the events say of one alert, the latest of them last. */
typedef struct item {
    alerting seen;                     /* as it was last seen, or seen to be over */
    bool is_seen;                      /* else somebody has only taken it on */
    char *acknowledged;                /* by whom, or NULL */
    char *treated;                     /* what was done about it, or NULL */
    uint64_t seq, word_seq, worst_seq; /* its last event; that of the word; the one since which it is as bad as it is */
    uint64_t treated_seq;              /* that of the treatment, which alone counts nothing */
    int64_t fired_at, count;
    bool is_told; /* the state's document says it already, or the news of it went with that */
} item;

struct untold {
    item *items;
    size_t count, capacity, next;
    text_map by_key; /* from 1 */
    char log_name[SERVE_LOG_NAME];
};

typedef struct finding {
    book *book;
    char *state_dir;
    untold *news;
    untold_ready ready;
    void *tag;
} finding;

/* ---- from events to alerts ---- */

static item *find(const untold *news, const char *key)
{
    int64_t at = text_map_get(&news->by_key, key, 0);
    return at ? &news->items[at - 1] : NULL;
}

static item *find_or_add(untold *news, const char *key)
{
    item *known = find(news, key);
    if (known)
        return known;
    if (!news->items || news->count == news->capacity) {
        news->capacity = news->capacity ? 2 * news->capacity : 16;
        news->items = base_grow(news->items, news->capacity * sizeof *news->items);
    }
    news->items[news->count] = (item){.seen = {.key = base_strdup(key)}};
    text_map_put(&news->by_key, key, (int64_t)++news->count);
    return &news->items[news->count - 1];
}

static void forget_word(item *i)
{
    free(i->acknowledged);
    i->acknowledged = NULL;
}

static bool is_open(const item *i)
{
    return i->is_seen && !i->seen.resolves;
}

/* Takes over what belongs to the sight. */
static void see(item *i, alerting *sight)
{
    bool goes_on = is_open(i) && !sight->resolves;
    if (!goes_on) {
        free(i->treated);
        i->treated = NULL;
        i->fired_at = sight->at;
        i->count = 0;
    }
    if (!goes_on || sight->severity > i->seen.severity)
        i->worst_seq = sight->seq;
    if (i->is_seen && i->worst_seq == sight->seq)
        forget_word(i); /* nobody has taken on that */
    if (goes_on && i->seen.severity > sight->severity)
        sight->severity = i->seen.severity; /* as bad as it was at its worst, as the alert will be */
    serve_alerting_done(&i->seen);
    i->seen = *sight;
    i->is_seen = true;
    i->count++;
}

static void treat(item *i, const alerting *sight)
{
    lb_error bad;
    JSON_AUTO *known = i->treated ? json_parse(i->treated, strlen(i->treated), &bad) : NULL;
    if (!serve_treats_anew(known, sight->treated))
        return;
    free(i->treated);
    i->treated = base_strdup(sight->treated);
    i->treated_seq = sight->seq;
}

/* A branch that is gone has no alerts. */
static void end_all(untold *news, const alerting *sight)
{
    for (size_t i = 0; i < news->count; i++)
        if (serve_is_same(news->items[i].seen.project, sight->project) &&
            serve_is_same(news->items[i].seen.branch, sight->branch))
            news->items[i].seen.resolves = true;
}

static void take_event(untold *news, const event *e)
{
    lb_error bad;
    alerting sight = {.seq = e->seq, .at = e->at};
    JSON_AUTO *payload = json_parse(e->payload, strlen(e->payload), &bad);
    if (!serve_judge(&sight, e, payload))
        return;
    if (sight.ends_all)
        end_all(news, &sight);
    if (sight.ends_all || sight.is_reminding) {
        serve_alerting_done(&sight);
        return;
    }
    item *i = find_or_add(news, sight.key);
    if (sight.is_treating) {
        treat(i, &sight);
        serve_alerting_done(&sight);
        return;
    }
    i->seq = e->seq;
    if (sight.is_acknowledging) {
        forget_word(i);
        i->acknowledged = base_strdup(sight.acknowledged);
        i->word_seq = e->seq;
        serve_alerting_done(&sight);
        return;
    }
    sight.document = serve_describe(e);
    see(i, &sight);
}

/* A broken line is worth one of ours, and what lies behind it is read. */
static void read_events(untold *news, const char *state_dir, uint64_t from, int64_t since)
{
    lb_error err;
    event e;
    event_reader *reader = NULL;
    LB_AUTO_FREE char *dir = base_printf("%s/events", state_dir);
    const event_read_options options = {.from = from + 1, .filter = {.since = since}};
    int r = event_reader_new(dir, &options, &reader, &err);
    while (r >= 0 && ((r = event_reader_next(reader, 0, &e, &err)) > 0 || r == LB_ERR_CONFLICT)) {
        if (r > 0)
            take_event(news, &e);
        else
            log_error("alert", &err);
        r = 0;
    }
    if (r < 0)
        log_error("alert", &err);
    reader = event_reader_free(reader);
}

/* ---- where the router stands ---- */

static void on_cursor(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    finding *f = tag;
    lb_state_doc doc;
    lb_error bad;
    if (!error && state_get_doc(docs, &doc)) {
        JSON_AUTO *body = json_parse(doc.body, strlen(doc.body), &bad);
        read_events(f->news, f->state_dir, (uint64_t)json_get_i64(body, "seq", 0), 0);
    } else if (!error) { /* there was never one: the first tells what is news */
        read_events(f->news, f->state_dir, 0, clock_now() - SERVE_NEWS);
    }
    f->ready(owner, f->tag, f->news, error);
    free(f->state_dir);
    free(f);
}

void untold_find(book *b, const char *state_dir, untold_ready ready, void *owner, void *tag)
{
    lb_error none;
    finding *f = base_alloc(sizeof *f);
    *f = (finding){.book = b, .state_dir = base_strdup(state_dir), .ready = ready, .tag = tag};
    f->news = base_alloc(sizeof *f->news);
    *f->news = (untold){.by_key = TEXT_MAP_INIT};
    if (book_is_shared(b) && serve_log_name(state_dir, f->news->log_name, &none) < 0)
        f->news->log_name[0] = '\0'; /* it has none yet, so no router has one of it */
    LB_AUTO_FREE char *key = base_printf(SERVE_ALERTS "%s", f->news->log_name);
    const lb_state_query q = {.size = sizeof q, .space = CURSOR_SPACE, .key = key};
    state_list(book_state(b), &q, on_cursor, owner, f);
}

untold *untold_free(untold *news)
{
    for (size_t i = 0; news && i < news->count; i++) {
        serve_alerting_done(&news->items[i].seen);
        free(news->items[i].acknowledged);
        free(news->items[i].treated);
    }
    if (news) {
        free(news->items);
        text_map_done(&news->by_key);
        free(news);
    }
    return NULL;
}

/* ---- as people see them ---- */

/* An event of this log that the document has not come to. */
static bool is_news(const untold *news, uint64_t seq, struct json_object *alert)
{
    const char *log = json_get_text(alert, "log");
    return seq && (strcmp(log ? log : "", news->log_name) != 0 || (uint64_t)json_get_i64(alert, "event", 0) < seq);
}

static void set_text(struct json_object *alert, const char *name, const char *text)
{
    json_object_object_add(alert, name, text ? json_object_new_string(text) : NULL);
}

static void add_news(struct json_object *alert, const item *i)
{
    lb_error bad;
    bool is_worse = is_open(i) && i->seen.severity > serve_severity(json_get_text(alert, "severity"));
    if (is_worse) {
        set_text(alert, "severity", serve_severities[i->seen.severity]);
        set_text(alert, "text", i->seen.text);
        json_object_object_del(alert, "acknowledged");
    }
    if (is_open(i))
        json_object_object_add(alert, "count", json_object_new_int64(json_get_i64(alert, "count", 0) + i->count));
    if (i->acknowledged && (!is_worse || i->word_seq > i->worst_seq))
        json_object_object_add(alert, "acknowledged", json_parse(i->acknowledged, strlen(i->acknowledged), &bad));
}

char *untold_update(untold *news, const lb_state_doc *doc)
{
    lb_error bad;
    item *i = find(news, doc->key);
    JSON_AUTO *alert = i ? json_parse(doc->body, strlen(doc->body), &bad) : NULL;
    bool was_open = doc->status && strcmp(doc->status, "open") == 0;
    if (!alert)
        return NULL;
    bool is_new = is_news(news, i->seq, alert), is_treated = i->treated && is_news(news, i->treated_seq, alert);
    is_treated = is_treated && serve_treats_anew(json_get_object(alert, "treated"), i->treated);
    if (!is_new)
        i->is_told = true;
    if (!was_open || (!is_new && !is_treated))
        return NULL; /* what begins anew is an alert of its own */
    i->is_told = true;
    if (is_treated)
        json_object_object_add(alert, "treated", json_parse(i->treated, strlen(i->treated), &bad));
    if (is_new)
        add_news(alert, i);
    if (is_new && i->is_seen && i->seen.resolves)
        set_text(alert, "over", i->seen.text);
    return base_strdup(json_object_to_json_string_ext(alert, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void put_item(const item *i, buf *b)
{
    const alerting *a = &i->seen;
    buf_putc(b, '{');
    json_member_string(b, "id", a->key);
    json_member_string(b, "status", UNTOLD_STATUS);
    json_key(b, "at");
    json_time(b, a->at);
    json_member_string(b, "severity", serve_severities[a->severity]);
    json_member_string(b, "kind", a->kind);
    json_member_string(b, "text", a->text);
    json_member_string(b, "project", a->project);
    json_member_string(b, "branch", a->branch);
    json_key(b, "fired_at");
    json_time(b, i->fired_at);
    json_member_i64(b, "count", i->count);
    json_member_i64(b, "event", (int64_t)i->seq);
    if (i->acknowledged)
        json_member_raw(b, "acknowledged", i->acknowledged);
    if (i->treated)
        json_member_raw(b, "treated", i->treated);
    if (a->metric)
        json_member_string(b, "metric", a->metric);
    if (a->object)
        json_member_string(b, "object", a->object);
    json_member_raw(b, "detail", a->document);
    buf_putc(b, '}');
}

bool untold_next(untold *news, buf *ret_item)
{
    while (news->next < news->count) {
        const item *i = &news->items[news->next++];
        if (i->is_told || !is_open(i))
            continue;
        put_item(i, ret_item);
        return true;
    }
    return false;
}

size_t untold_named(const untold *news, const char *prefix, const char **ret_key, const char **ret_project,
                    const char **ret_branch)
{
    size_t count = 0;
    for (size_t k = 0; k < news->count; k++) {
        const item *i = &news->items[k];
        bool is_it = strcmp(i->seen.key, prefix) == 0;
        if (!is_open(i) || strncmp(i->seen.key, prefix, strlen(prefix)) != 0)
            continue;
        if (is_it || !count++) {
            *ret_key = i->seen.key;
            *ret_project = i->seen.project;
            *ret_branch = i->seen.branch;
        }
        if (is_it)
            return 1;
    }
    return count;
}
