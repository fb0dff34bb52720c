/* One document for all of it: it is read, and written again as a whole. */
#include "vacuum_behind.h"

#include <json-c/json.h>

static void release(void *document)
{
    (void)json_object_put(document);
}

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(from, name, &found) ? found : NULL;
}

int vacuum_recall_behind(lb_ctx *ctx, vacuum_behind *b, lb_error *err)
{
    const char *text = NULL;
    int r = lb_recall(ctx, &text, err);
    struct json_object *memory = r >= 0 && text ? json_tokener_parse(text) : NULL;
    if (r >= 0)
        r = lb_defer(ctx, release, memory);
    b->now = json_object_new_object();
    b->rows_now = json_object_new_object();
    if (r >= 0)
        r = lb_defer(ctx, release, b->now);
    if (r >= 0)
        r = lb_defer(ctx, release, b->rows_now);
    if (r < 0 || !b->now || !b->rows_now)
        return r < 0 ? r : lb_out_of_memory(err);
    b->before = member(memory, "behind");
    b->rows_before = member(memory, "rows");
    b->told = member(memory, "told");
    b->told = member(b->told, "table") ? b->told : NULL;
    return 0;
}

int vacuum_remember_behind(lb_ctx *ctx, const vacuum_behind *b, lb_error *err)
{
    const char *open = b->told ? json_object_to_json_string(b->told) : "null";
    const char *text = lb_printf(ctx, "{\"told\":%s,\"behind\":%s,\"rows\":%s}", open,
                                 json_object_to_json_string(b->now), json_object_to_json_string(b->rows_now));
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

const char *vacuum_told(const vacuum_behind *b, const char *name)
{
    struct json_object *value = member(b->told, name);
    return value ? json_object_get_string(value) : "";
}

bool vacuum_is_told(const vacuum_behind *b, const vacuum_relation *v)
{
    return b->told && strcmp(vacuum_told(b, "schema"), v->row.schema) == 0 &&
           strcmp(vacuum_told(b, "table"), v->row.name) == 0;
}

int vacuum_note_told(lb_ctx *ctx, vacuum_behind *b, const vacuum_relation *v, const char *level, lb_error *err)
{
    b->told = json_object_new_object();
    int r = lb_defer(ctx, release, b->told);
    if (r < 0 || !b->told)
        return lb_out_of_memory(err);
    (void)json_object_object_add(b->told, "schema", json_object_new_string(v->row.schema));
    (void)json_object_object_add(b->told, "table", json_object_new_string(v->row.name));
    (void)json_object_object_add(b->told, "level", json_object_new_string(level));
    return 0;
}
