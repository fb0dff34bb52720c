#include "cold_quiet.h"

#include <json-c/json.h>
#include <stdlib.h>

static void release(void *json)
{
    (void)json_object_put(json);
}

static int64_t item(struct json_object *row, size_t at)
{
    return json_object_get_int64(json_object_array_get_idx(row, at)); /* nothing there: 0 */
}

int cold_ledger_read(lb_ctx *ctx, const char *json, cold_ledger *ret_ledger, lb_error *err)
{
    struct json_object *doc = json ? json_tokener_parse(json) : NULL, *since = NULL, *rows = NULL;
    *ret_ledger = (cold_ledger){0};
    if (!doc)
        return 0;
    int r = lb_defer(ctx, release, doc);
    if (r < 0)
        return lb_out_of_memory(err);
    if (!json_object_object_get_ex(doc, "counts_since", &since) || !json_object_object_get_ex(doc, "tables", &rows) ||
        !json_object_is_type(rows, json_type_array))
        return 0;
    size_t count = json_object_array_length(rows);
    ret_ledger->sights = lb_alloc(ctx, (count + 1) * sizeof *ret_ledger->sights);
    if (!ret_ledger->sights)
        return lb_out_of_memory(err);
    ret_ledger->counts_since = json_object_get_int64(since);
    for (size_t i = 0; i < count; i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        if (json_object_is_type(row, json_type_array))
            ret_ledger->sights[ret_ledger->count++] =
                (cold_sight){item(row, 0), item(row, 1), item(row, 2), item(row, 3), item(row, 4)};
    }
    return 0;
}

static int by_table(const void *a, const void *b)
{
    int64_t x = ((const cold_sight *)a)->table_id, y = ((const cold_sight *)b)->table_id;
    return (x > y) - (x < y);
}

/* Nothing counted: quiet since counting began. Counted, but not more than last time: quiet as long as it was then. */
static int64_t quiet_since(int64_t counted, const int64_t *before, int64_t since_then, int64_t counts_since,
                           int64_t now)
{
    if (counted == 0)
        return counts_since;
    return before && *before == counted ? since_then : now;
}

cold_sight cold_look(const cold_ledger *past, int64_t counts_since, int64_t now, int64_t table_id, int64_t writes,
                     int64_t reads)
{
    const cold_sight key = {.table_id = table_id};
    const cold_sight *old = past->count && past->counts_since == counts_since
                                ? bsearch(&key, past->sights, past->count, sizeof key, by_table)
                                : NULL;
    return (cold_sight){
        table_id, writes, reads,
        quiet_since(writes, old ? &old->writes : NULL, old ? old->unwritten_since : 0, counts_since, now),
        quiet_since(reads, old ? &old->reads : NULL, old ? old->unread_since : 0, counts_since, now)};
}

static struct json_object *row_of(const cold_sight *s)
{
    const int64_t items[] = {s->table_id, s->writes, s->reads, s->unwritten_since, s->unread_since};
    struct json_object *row = json_object_new_array();
    for (size_t i = 0; row && i < sizeof items / sizeof *items; i++)
        (void)json_object_array_add(row, json_object_new_int64(items[i])); /* a short row reads as zeros */
    return row;
}

const char *cold_ledger_text(lb_ctx *ctx, const cold_ledger *ledger)
{
    struct json_object *doc = json_object_new_object(), *rows = json_object_new_array();
    if (!doc || !rows) {
        release(doc);
        release(rows);
        return NULL;
    }
    for (size_t i = 0; i < ledger->count; i++)
        (void)json_object_array_add(rows,
                                    row_of(&ledger->sights[i])); /* one that is missing is seen for the first time */
    (void)json_object_object_add(doc, "counts_since", json_object_new_int64(ledger->counts_since));
    (void)json_object_object_add(doc, "tables", rows);
    const char *text = lb_printf(ctx, "%s", json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PLAIN));
    release(doc);
    return text;
}
