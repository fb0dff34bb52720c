#include "health_book.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOGETHER (INT64_C(300) * 1000000) /* what begins within that is one incident */

static int grow(lb_ctx *ctx, health_book *book)
{
    size_t capacity = book->capacity ? 2 * book->capacity : 32;
    health_entry *grown = lb_alloc(ctx, capacity * sizeof *grown);
    if (!grown)
        return -1;
    if (book->count)
        memcpy(grown, book->entries, book->count * sizeof *grown);
    book->entries = grown;
    book->capacity = capacity;
    return 0;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* An alert of an earlier version does not say in which database its table is, and is told to its end without it. */
static health_entry *find(const health_book *book, const health_observation *o)
{
    for (size_t i = 0; i < book->count; i++) {
        health_entry *e = &book->entries[i];
        if (e->id == o->id && same(e->object, o->object) && (!e->database || same(e->database, o->database)))
            return e;
    }
    return NULL;
}

bool health_book_follows(const health_book *book, const health_observation *o)
{
    const health_entry *e = find(book, o);
    return e && e->alert.since;
}

static health_entry *add(lb_ctx *ctx, health_book *book, health_alert_id id)
{
    if (book->count == book->capacity && grow(ctx, book) < 0)
        return NULL;
    health_entry *e = &book->entries[book->count++];
    *e = (health_entry){.id = id};
    return e;
}

health_entry *health_book_entry(lb_ctx *ctx, health_book *book, const health_observation *o)
{
    health_entry *e = find(book, o);
    bool is_new = !e;
    if (is_new)
        e = add(ctx, book, o->id);
    if (!e)
        return NULL;
    e->object = o->object;
    if (is_new || e->alert.told == HEALTH_NORMAL)
        e->database = o->database;
    return e;
}

/* ---- as JSON ---- */

static int64_t number(struct json_object *from, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(from, name, &value) ? json_object_get_int64(value) : 0;
}

static const char *text(lb_ctx *ctx, struct json_object *from, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(from, name, &value) && value ? lb_printf(ctx, "%s", json_object_get_string(value))
                                                                  : NULL;
}

static health_grade grade(struct json_object *from, const char *name)
{
    int64_t value = number(from, name);
    return value == HEALTH_CRITICAL ? HEALTH_CRITICAL : value == HEALTH_WARNING ? HEALTH_WARNING : HEALTH_NORMAL;
}

static health_alert alert_of(struct json_object *from)
{
    return (health_alert){.grade = grade(from, "grade"),
                          .told = grade(from, "told"),
                          .breaches = (int)number(from, "breaches"),
                          .clears = (int)number(from, "clears"),
                          .criticals = (int)number(from, "criticals"),
                          .unknowns = (int)number(from, "unknowns"),
                          .since = number(from, "since"),
                          .told_at = number(from, "told_at"),
                          .swings = (uint32_t)number(from, "swings"),
                          .is_past = number(from, "past") != 0,
                          .is_flapping = number(from, "flapping") != 0,
                          .is_silenced = number(from, "silenced") != 0};
}

int health_book_load(lb_ctx *ctx, const health_reading *reading, health_book *ret_book, lb_error *err)
{
    struct json_object *list = NULL;
    health_book book = {0};
    if (reading->before)
        (void)json_object_object_get_ex(reading->before, "alerts", &list); /* none: an empty book */
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        const char *metric = text(ctx, one, "metric");
        health_alert_id id = health_alert_named(metric);
        if (id == HEALTH_ALERTS)
            continue; /* of an older version */
        health_entry *e = add(ctx, &book, id);
        if (!e)
            return lb_out_of_memory(err);
        e->object = text(ctx, one, "object");
        e->database = text(ctx, one, "database");
        e->schema = text(ctx, one, "schema");
        e->table = text(ctx, one, "table");
        e->incident = text(ctx, one, "incident");
        e->alert = alert_of(one);
    }
    *ret_book = book;
    return 0;
}

int health_book_tables(lb_ctx *ctx, const char *before, lb_texts *ret_tables, lb_error *err)
{
    struct json_object *document = before ? json_tokener_parse(before) : NULL, *list = NULL;
    size_t length =
        document && json_object_object_get_ex(document, "alerts", &list) ? json_object_array_length(list) : 0;
    const char **tables = lb_alloc(ctx, (length + 1) * sizeof *tables);
    size_t count = 0;
    for (size_t i = 0; tables && i < length; i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        const char *object = text(ctx, one, "object");
        if (object && number(one, "since") && health_alert_named(text(ctx, one, "metric")) == HEALTH_DEAD_TUPLES)
            tables[count++] = object;
    }
    (void)json_object_put(document); /* says whether it was the last one */
    *ret_tables = (lb_texts){tables, count};
    return tables ? 0 : lb_out_of_memory(err);
}

static void put_text(struct json_object *into, const char *name, const char *value)
{
    if (value)
        (void)json_object_object_add(into, name, json_object_new_string(value)); /* out of memory: it is not there */
}

static void put_number(struct json_object *into, const char *name, int64_t value)
{
    if (value)
        (void)json_object_object_add(into, name, json_object_new_int64(value)); /* likewise */
}

static struct json_object *json_of(const health_entry *e)
{
    const health_alert *a = &e->alert;
    struct json_object *one = json_object_new_object();
    put_text(one, "metric", health_alert_rules[e->id].metric);
    put_text(one, "object", e->object);
    put_text(one, "database", e->database);
    put_text(one, "schema", e->schema);
    put_text(one, "table", e->table);
    put_text(one, "incident", e->incident);
    put_number(one, "grade", (int64_t)a->grade);
    put_number(one, "told", (int64_t)a->told);
    put_number(one, "breaches", a->breaches);
    put_number(one, "clears", a->clears);
    put_number(one, "criticals", a->criticals);
    put_number(one, "unknowns", a->unknowns);
    put_number(one, "since", a->since);
    put_number(one, "told_at", a->told_at);
    put_number(one, "swings", a->swings);
    put_number(one, "past", a->is_past);
    put_number(one, "flapping", a->is_flapping);
    put_number(one, "silenced", a->is_silenced);
    return one;
}

static bool is_at_rest(const health_alert *a)
{
    return a->told == HEALTH_NORMAL && !a->since && !a->swings && !a->is_past;
}

int health_book_store(const health_book *book, health_reading *reading, lb_error *err)
{
    struct json_object *list = json_object_new_array();
    if (!list)
        return lb_out_of_memory(err);
    (void)json_object_object_add(reading->next, "alerts", list);
    for (size_t i = 0; i < book->count; i++)
        if (!is_at_rest(&book->entries[i].alert))
            (void)json_object_array_add(list, json_of(&book->entries[i]));
    return 0;
}

const char *health_book_incident(lb_ctx *ctx, const health_book *book, const health_entry *entry)
{
    for (size_t i = 0; i < book->count; i++) {
        const health_entry *other = &book->entries[i];
        if (other != entry && other->incident && other->alert.told != HEALTH_NORMAL &&
            llabs(other->alert.since - entry->alert.since) <= TOGETHER)
            return other->incident;
    }
    return lb_printf(ctx, "%s-%lld", health_alert_rules[entry->id].metric, (long long)entry->alert.since);
}
