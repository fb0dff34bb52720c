/* The book of comparisons, a JSON object between runs. */
#include "sync_book.h"

#include "branch_memory.h"
#include "sync_compare.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>

#define AWAITED_ROOM  ((size_t)256 * 1024) /* for rows that are waited for, of the megabyte that a tool may keep */
#define AWAITED_BYTES 64                   /* of each, beside its key */
#define HASH_DIGITS   8

#define A_DAY     INT64_C(86400000000)
#define FORGOTTEN (90 * A_DAY) /* pairs that nobody has asked for since */

static void put_object(void *object)
{
    (void)json_object_put(object); /* says whether it was the last */
}

static int64_t number_in(struct json_object *object, const char *name, int64_t fallback)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) && json_object_is_type(value, json_type_int)
               ? json_object_get_int64(value)
               : fallback;
}

static const char *text_in(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : NULL;
}

static int read_awaited(sync_book *book, struct json_object *one, sync_entry *e, lb_error *err)
{
    struct json_object *list = NULL;
    if (!json_object_object_get_ex(one, "awaited", &list) || !json_object_is_type(list, json_type_array))
        return 0;
    size_t count = json_object_array_length(list);
    sync_awaited *awaited = lb_alloc(book->ctx, SYNC_AWAITED_MOST * sizeof *awaited);
    if (!awaited)
        return lb_out_of_memory(err);
    e->awaited = awaited;
    for (size_t i = 0; i < count && e->awaited_count < SYNC_AWAITED_MOST; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        const char *key = text_in(item, "key");
        if (key)
            awaited[e->awaited_count++] = (sync_awaited){key, number_in(item, "since", 0)};
    }
    return 0;
}

static void read_hashes(sync_entry *e, const char *digits, int64_t since)
{
    char one[HASH_DIGITS + 1] = "";
    for (; strlen(digits) >= HASH_DIGITS && e->crowd_count < SYNC_CROWD_MOST; digits += HASH_DIGITS) {
        memcpy(one, digits, HASH_DIGITS);
        e->crowd[e->crowd_count++] = (sync_crowd){(uint32_t)strtoul(one, NULL, 16), since};
    }
}

static int read_crowd(sync_book *book, struct json_object *one, sync_entry *e, lb_error *err)
{
    struct json_object *list = NULL;
    if (!json_object_object_get_ex(one, "crowd", &list) || !json_object_is_type(list, json_type_array))
        return 0;
    e->crowd = lb_alloc(book->ctx, SYNC_CROWD_MOST * sizeof *e->crowd);
    if (!e->crowd)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *group = json_object_array_get_idx(list, i);
        const char *digits = text_in(group, "keys");
        if (digits)
            read_hashes(e, digits, number_in(group, "since", 0));
    }
    return 0;
}

static void read_ended(struct json_object *one, sync_entry *e)
{
    struct json_object *list = NULL;
    if (!json_object_object_get_ex(one, "ended", &list) || !json_object_is_type(list, json_type_array))
        return;
    for (size_t i = 0; i < json_object_array_length(list) && e->ended_count < SYNC_ENDED_MOST; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        e->ended[e->ended_count++] = (sync_ended){number_in(item, "since", 0), number_in(item, "by", 0)};
    }
}

static int read_entry(sync_book *book, struct json_object *one, lb_error *err)
{
    const char *name = text_in(one, "pair");
    int64_t seen = number_in(one, "seen_at", 0);
    if (!name || lb_now(book->ctx) - seen > FORGOTTEN)
        return 0;
    sync_entry *e = &book->entries[book->count++];
    *e = (sync_entry){.name = name,
                      .shape = text_in(one, "shape"),
                      .full_at = number_in(one, "full_at", 0),
                      .full_took = number_in(one, "full_took", 0),
                      .tried_at = number_in(one, "tried_at", 0),
                      .until = number_in(one, "until", SYNC_NO_TIME),
                      .seen_at = seen,
                      .differs = number_in(one, "differs", 0) != 0,
                      .is_unsure = number_in(one, "unsure", 0) != 0,
                      .at = number_in(one, "at", SYNC_NO_TIME),
                      .at_until = number_in(one, "at_until", SYNC_NO_TIME),
                      .at_took = number_in(one, "at_took", 0),
                      .at_shape = text_in(one, "at_shape"),
                      .at_differs = number_in(one, "at_differs", 0) != 0,
                      .at_unsure = number_in(one, "at_unsure", 0) != 0,
                      .rate = number_in(one, "rate", 0),
                      .surplus = number_in(one, "surplus", 0),
                      .surplus_since = number_in(one, "surplus_since", 0),
                      .looked_at = number_in(one, "looked_at", 0),
                      .writer = number_in(one, "writer", SYNC_NO_TIME),
                      .reader = number_in(one, "reader", SYNC_NO_TIME)};
    read_ended(one, e);
    int r = read_awaited(book, one, e, err);
    return r < 0 ? r : read_crowd(book, one, e, err);
}

int sync_open_book(lb_ctx *ctx, size_t more, sync_book *ret_book, lb_error *err)
{
    struct json_object *pairs = NULL;
    const char *text = NULL;
    *ret_book = (sync_book){.ctx = ctx, .day = lb_now(ctx) / A_DAY};
    int r = branch_recall(ctx, &text, &ret_book->uid, err);
    if (r < 0)
        return r;
    struct json_object *doc = text ? json_tokener_parse(text) : NULL; /* what cannot be read is not known */
    if (doc && lb_defer(ctx, put_object, doc) < 0)
        return lb_out_of_memory(err);
    bool some = doc && json_object_object_get_ex(doc, "pairs", &pairs) && json_object_is_type(pairs, json_type_array);
    size_t known = some ? json_object_array_length(pairs) : 0;
    ret_book->entries = lb_alloc(ctx, (known + more + 1) * sizeof *ret_book->entries);
    if (!ret_book->entries)
        return lb_out_of_memory(err);
    if (doc && number_in(doc, "day", 0) == ret_book->day)
        ret_book->spent = number_in(doc, "spent", 0);
    for (size_t i = 0; r >= 0 && i < known; i++)
        r = read_entry(ret_book, json_object_array_get_idx(pairs, i), err);
    return r;
}

static const char *name_of(lb_ctx *ctx, const sync_wish *wish)
{
    const char *name = lb_printf(ctx, "%s.%s=%s.%s.%s/%s", wish->schema, wish->name, wish->lake.catalog,
                                 wish->lake.schema, wish->lake.name, wish->mark ? wish->mark : "");
    for (size_t i = 0; name && i < wish->key_count; i++)
        name = lb_printf(ctx, "%s/%s", name, wish->keys[i]);
    return name;
}

int sync_find_entry(sync_book *book, const sync_wish *wish, sync_entry **ret_entry, lb_error *err)
{
    const char *name = name_of(book->ctx, wish);
    if (!name)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->entries[i].name, name) == 0) {
            *ret_entry = &book->entries[i];
            return 0;
        }
    *ret_entry = &book->entries[book->count++];
    **ret_entry = (sync_entry){.name = name,
                               .until = SYNC_NO_TIME,
                               .seen_at = lb_now(book->ctx),
                               .writer = SYNC_NO_TIME,
                               .reader = SYNC_NO_TIME,
                               .at = SYNC_NO_TIME,
                               .at_until = SYNC_NO_TIME};
    return 0;
}

/* false: no memory */
static bool set(struct json_object *object, const char *name, struct json_object *value)
{
    if (value && json_object_object_add(object, name, value) == 0)
        return true;
    put_object(value);
    return false;
}

static bool write_slices(struct json_object *one, const sync_entry *e)
{
    return set(one, "rate", json_object_new_int64(e->rate)) &&
           (e->at == SYNC_NO_TIME ||
            (set(one, "at", json_object_new_int64(e->at)) && set(one, "at_took", json_object_new_int64(e->at_took)) &&
             (e->at_until == SYNC_NO_TIME || set(one, "at_until", json_object_new_int64(e->at_until))) &&
             set(one, "at_shape", json_object_new_string(e->at_shape ? e->at_shape : "")) &&
             set(one, "at_differs", json_object_new_int(e->at_differs)) &&
             (!e->at_unsure || set(one, "at_unsure", json_object_new_int(1)))));
}

/* Within what there is room for: a row that is forgotten is one that is seen for the first time. */
static bool write_awaited(struct json_object *one, const sync_entry *e, size_t *room)
{
    struct json_object *list = json_object_new_array();
    if (!set(one, "awaited", list))
        return false;
    for (size_t i = 0; i < e->awaited_count; i++) {
        size_t needs = 2 * strlen(e->awaited[i].key) + AWAITED_BYTES; /* its quotes may be doubled */
        if (needs > *room)
            return true;
        *room -= needs;
        struct json_object *item = json_object_new_object();
        if (!item || json_object_array_add(list, item) != 0) {
            put_object(item);
            return false;
        }
        if (!set(item, "key", json_object_new_string(e->awaited[i].key)) ||
            !set(item, "since", json_object_new_int64(e->awaited[i].since)))
            return false;
    }
    return true;
}

static int by_since(const void *a, const void *b)
{
    int64_t x = ((const sync_crowd *)a)->since, y = ((const sync_crowd *)b)->since;
    return (x > y) - (x < y);
}

/* Those of one moment, one after the other. */
static bool write_group(struct json_object *list, const sync_crowd *crowd, size_t count, char *digits)
{
    struct json_object *group = json_object_new_object();
    for (size_t i = 0; i < count; i++)
        (void)snprintf(digits + i * HASH_DIGITS, HASH_DIGITS + 1, "%08" PRIx32, crowd[i].hash); /* there is room */
    if (!group || json_object_array_add(list, group) != 0) {
        put_object(group);
        return false;
    }
    return set(group, "since", json_object_new_int64(crowd->since)) &&
           set(group, "keys", json_object_new_string(digits));
}

static bool write_crowd(lb_ctx *ctx, struct json_object *one, const sync_entry *e, size_t *room)
{
    struct json_object *list = json_object_new_array();
    char *digits = lb_alloc(ctx, e->crowd_count * HASH_DIGITS + 1);
    if (!set(one, "crowd", list) || !digits)
        return false;
    qsort(e->crowd, e->crowd_count, sizeof *e->crowd, by_since);
    for (size_t i = 0, end; i < e->crowd_count; i = end) {
        for (end = i + 1; end < e->crowd_count && e->crowd[end].since == e->crowd[i].since; end++)
            continue;
        size_t needs = (end - i) * HASH_DIGITS + AWAITED_BYTES;
        if (needs > *room)
            return true;
        *room -= needs;
        if (!write_group(list, e->crowd + i, end - i, digits))
            return false;
    }
    return true;
}

static bool write_writers(struct json_object *one, const sync_entry *e)
{
    struct json_object *list = json_object_new_array();
    bool fits = set(one, "ended", list) && set(one, "looked_at", json_object_new_int64(e->looked_at)) &&
                (e->writer == SYNC_NO_TIME || set(one, "writer", json_object_new_int64(e->writer))) &&
                (e->reader == SYNC_NO_TIME || set(one, "reader", json_object_new_int64(e->reader)));
    for (size_t i = 0; fits && i < e->ended_count; i++) {
        struct json_object *item = json_object_new_object();
        if (!item || json_object_array_add(list, item) != 0) {
            put_object(item);
            return false;
        }
        fits = set(item, "since", json_object_new_int64(e->ended[i].since)) &&
               set(item, "by", json_object_new_int64(e->ended[i].by));
    }
    return fits;
}

static bool write_extra(lb_ctx *ctx, struct json_object *one, const sync_entry *e, size_t *room)
{
    return (!e->is_unsure || set(one, "unsure", json_object_new_int(1))) &&
           (!e->surplus || (set(one, "surplus", json_object_new_int64(e->surplus)) &&
                            set(one, "surplus_since", json_object_new_int64(e->surplus_since)))) &&
           (!e->awaited_count || write_awaited(one, e, room)) && (!e->crowd_count || write_crowd(ctx, one, e, room));
}

static bool write_entry(lb_ctx *ctx, struct json_object *list, const sync_entry *e, size_t *room)
{
    struct json_object *one = json_object_new_object();
    bool fits = one && set(one, "pair", json_object_new_string(e->name)) &&
                set(one, "shape", json_object_new_string(e->shape ? e->shape : "")) &&
                set(one, "full_at", json_object_new_int64(e->full_at)) &&
                set(one, "full_took", json_object_new_int64(e->full_took)) &&
                set(one, "tried_at", json_object_new_int64(e->tried_at)) &&
                (e->until == SYNC_NO_TIME || set(one, "until", json_object_new_int64(e->until))) &&
                set(one, "seen_at", json_object_new_int64(e->seen_at)) &&
                set(one, "differs", json_object_new_int(e->differs)) && write_slices(one, e) && write_writers(one, e) &&
                write_extra(ctx, one, e, room);
    if (fits && json_object_array_add(list, one) == 0)
        return true;
    put_object(one);
    return false;
}

int sync_keep_book(const sync_book *book, lb_error *err)
{
    struct json_object *doc = json_object_new_object(), *list = json_object_new_array();
    bool fits = doc && lb_defer(book->ctx, put_object, doc) >= 0 && set(doc, "pairs", list) &&
                set(doc, "day", json_object_new_int64(book->day)) &&
                set(doc, "spent", json_object_new_int64(book->spent));
    size_t room = AWAITED_ROOM;
    for (size_t i = 0; fits && i < book->count; i++)
        fits = write_entry(book->ctx, list, &book->entries[i], &room);
    return fits
               ? branch_remember(book->ctx, json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PLAIN), book->uid, err)
               : lb_out_of_memory(err);
}
