/* One document for all of it: it is read, and written again as a whole. */
#include "vacuum_behind.h"

#include <json-c/json.h>

#define DATABASES "databases"
#define LOOKS     5
#define MOST      ((size_t)512 * 1024) /* bytes of all databases: half of what a tool may remember */

static void release(void *document)
{
    (void)json_object_put(document);
}

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(from, name, &found) ? found : NULL;
}

/* Memories of earlier versions are of one database, and do not say which: the one that is looked at first. */
static struct json_object *of_database(struct json_object *memory, const char *database)
{
    struct json_object *all = member(memory, DATABASES);
    return all ? member(all, database) : memory;
}

static int begin(lb_ctx *ctx, struct json_object **ret_object, lb_error *err)
{
    *ret_object = json_object_new_object();
    int r = lb_defer(ctx, release, *ret_object);
    return r < 0 || !*ret_object ? lb_out_of_memory(err) : 0;
}

int vacuum_recall_behind(lb_ctx *ctx, const char *database, vacuum_behind *b, lb_error *err)
{
    const char *text = NULL;
    int r = lb_recall(ctx, &text, err);
    struct json_object *memory = r >= 0 && text ? json_tokener_parse(text) : NULL;
    if (r >= 0)
        r = lb_defer(ctx, release, memory);
    if (r >= 0)
        r = begin(ctx, &b->now, err);
    if (r >= 0)
        r = begin(ctx, &b->rows_now, err);
    if (r < 0)
        return r;
    struct json_object *own = of_database(memory, database);
    b->database = database;
    b->memory = memory;
    b->before = member(own, "behind");
    b->rows_before = member(own, "rows");
    b->looks = member(own, "looks");
    b->told = member(own, "told");
    b->told = member(b->told, "table") ? b->told : NULL;
    return 0;
}

/* The one that was looked at longest ago comes first. Its open alert is kept: somebody has to end it. */
static bool forget_one(struct json_object *all, const char *but)
{
    json_object_object_foreach(all, database, own)
    {
        bool has_rows = member(own, "rows");
        if (strcmp(database, but) == 0 || !has_rows)
            continue;
        json_object_object_del(own, "rows");
        json_object_object_del(own, "behind");
        return true;
    }
    return false;
}

static void put(struct json_object *into, const char *name, struct json_object *value)
{
    (void)json_object_object_add(into, name, json_object_get(value));
}

int vacuum_remember_behind(lb_ctx *ctx, vacuum_behind *b, lb_error *err)
{
    struct json_object *document, *own, *all = member(b->memory, DATABASES);
    int r = begin(ctx, &document, err);
    if (r >= 0)
        r = begin(ctx, &own, err);
    if (r >= 0 && !all)
        r = begin(ctx, &all, err);
    if (r < 0)
        return r;
    put(own, "told", b->told);
    put(own, "behind", b->now);
    put(own, "rows", b->rows_now);
    put(own, "looks", b->looks);
    json_object_object_del(all, b->database); /* what is added comes last */
    put(all, b->database, own);
    put(document, DATABASES, all);
    const char *text = json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN);
    while (text && strlen(text) > MOST && forget_one(all, b->database))
        text = json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN);
    return text ? lb_remember(ctx, text, err) : lb_out_of_memory(err);
}

int64_t vacuum_behind_since(const vacuum_behind *b, const char *key, int64_t now)
{
    struct json_object *seen = member(b->before, key);
    return seen ? json_object_get_int64(seen) : now;
}

void vacuum_note_behind(vacuum_behind *b, const char *key, int64_t since)
{
    (void)json_object_object_add(b->now, key, json_object_new_int64(since));
}

static void add_look(struct json_object *looks, struct json_object *look, vacuum_looks *counted)
{
    (void)json_object_array_add(looks, look);
    counted->count++;
    counted->busy += json_object_get_boolean(member(look, "busy"));
}

int vacuum_note_look(lb_ctx *ctx, vacuum_behind *b, int64_t since, int64_t now, bool is_busy, vacuum_looks *ret_looks,
                     lb_error *err)
{
    struct json_object *before = b->looks, *look = json_object_new_object();
    size_t count = json_object_is_type(before, json_type_array) ? json_object_array_length(before) : 0;
    b->looks = json_object_new_array();
    *ret_looks = (vacuum_looks){.count = 0};
    int r = lb_defer(ctx, release, b->looks);
    if (r < 0 || !b->looks || !look)
        return lb_out_of_memory(err);
    (void)json_object_object_add(look, "at", json_object_new_int64(now));
    (void)json_object_object_add(look, "busy", json_object_new_boolean(is_busy));
    for (size_t i = count < LOOKS ? 0 : count - LOOKS + 1; i < count; i++) {
        struct json_object *earlier = json_object_array_get_idx(before, i);
        if (json_object_get_int64(member(earlier, "at")) >= since)
            add_look(b->looks, json_object_get(earlier), ret_looks);
    }
    add_look(b->looks, look, ret_looks);
    return 0;
}

const char *vacuum_told(const vacuum_behind *b, const char *name)
{
    struct json_object *value = member(b->told, name);
    return value ? json_object_get_string(value) : "";
}

const char *vacuum_told_database(const vacuum_behind *b)
{
    return !b->told || member(b->told, "database") ? b->database : NULL;
}

bool vacuum_is_told(const vacuum_behind *b, const vacuum_relation *v)
{
    return b->told && strcmp(vacuum_told(b, "schema"), v->row.schema) == 0 &&
           strcmp(vacuum_told(b, "table"), v->row.name) == 0;
}

int vacuum_note_told(lb_ctx *ctx, vacuum_behind *b, const vacuum_relation *v, const char *level, lb_error *err)
{
    const char *database = vacuum_told_database(b);
    b->told = json_object_new_object();
    int r = lb_defer(ctx, release, b->told);
    if (r < 0 || !b->told)
        return lb_out_of_memory(err);
    if (database)
        (void)json_object_object_add(b->told, "database", json_object_new_string(database));
    (void)json_object_object_add(b->told, "schema", json_object_new_string(v->row.schema));
    (void)json_object_object_add(b->told, "table", json_object_new_string(v->row.name));
    (void)json_object_object_add(b->told, "level", json_object_new_string(level));
    return 0;
}
