#include "fingerprint.h"

#include "json.h"

/* ---- building ---- */

/* Room for one more element in arena memory; the old array stays behind until the run ends. */
static int grow(arena *memory, void *items, size_t count, size_t *capacity, size_t bytes, void **ret_items)
{
    *ret_items = items;
    if (count < *capacity)
        return 0;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    void *grown = arena_alloc(memory, wanted * bytes);
    if (!grown)
        return LB_ERR_NO_MEMORY;
    if (count)
        memcpy(grown, items, count * bytes);
    *capacity = wanted;
    *ret_items = grown;
    return 0;
}

fingerprint_object *fingerprint_add(fingerprint *f, arena *memory, const char *kind, const char *name)
{
    void *grown = NULL;
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->objects[i].kind, kind) == 0 && strcmp(f->objects[i].name, name) == 0)
            return &f->objects[i];
    if (grow(memory, f->objects, f->count, &f->capacity, sizeof *f->objects, &grown) < 0)
        return NULL;
    f->objects = grown;
    fingerprint_object added = {.kind = arena_strdup(memory, kind), .name = arena_strdup(memory, name)};
    if (!added.kind || !added.name)
        return NULL;
    f->objects[f->count] = added;
    return &f->objects[f->count++];
}

int fingerprint_add_part(fingerprint_object *object, arena *memory, const char *name, const char *text)
{
    void *grown = NULL;
    if (grow(memory, object->parts, object->part_count, &object->part_capacity, sizeof *object->parts, &grown) < 0)
        return LB_ERR_NO_MEMORY;
    object->parts = grown;
    fingerprint_part part = {arena_strdup(memory, name), arena_strdup(memory, text)};
    if (!part.name || !part.text)
        return LB_ERR_NO_MEMORY;
    object->parts[object->part_count++] = part;
    return 0;
}

static int by_part(const void *a, const void *b)
{
    const fingerprint_part *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->text, y->text);
}

static int compare_objects(const fingerprint_object *x, const fingerprint_object *y)
{
    int order = strcmp(x->kind, y->kind);
    return order ? order : strcmp(x->name, y->name);
}

static int by_object(const void *a, const void *b)
{
    return compare_objects(a, b);
}

static void add_text(sha256 *s, const char *text)
{
    sha256_add(s, text, strlen(text) + 1); /* the NUL keeps "ab" "c" and "a" "bc" apart */
}

static void seal_object(fingerprint_object *object)
{
    sha256 s;
    if (object->part_count)
        qsort(object->parts, object->part_count, sizeof *object->parts, by_part);
    sha256_init(&s);
    add_text(&s, object->kind);
    add_text(&s, object->name);
    for (size_t i = 0; i < object->part_count; i++) {
        add_text(&s, object->parts[i].name);
        add_text(&s, object->parts[i].text);
    }
    sha256_end_text(&s, object->hash);
    if (!object->part_count)
        (void)snprintf(object->hash, sizeof object->hash, FINGERPRINT_ABSENT); /* fits */
}

void fingerprint_seal(fingerprint *f)
{
    sha256 s;
    if (f->count)
        qsort(f->objects, f->count, sizeof *f->objects, by_object);
    sha256_init(&s);
    for (size_t i = 0; i < f->count; i++) {
        seal_object(&f->objects[i]);
        add_text(&s, f->objects[i].kind);
        add_text(&s, f->objects[i].name);
        add_text(&s, f->objects[i].hash);
    }
    sha256_end_text(&s, f->hash);
}

/* ---- documents ---- */

void fingerprint_write(buf *into, const fingerprint *f)
{
    buf_puts(into, "{\"objects\":[");
    for (size_t i = 0; i < f->count; i++) {
        const fingerprint_object *object = &f->objects[i];
        json_comma(into);
        buf_putc(into, '{');
        json_member_string(into, "kind", object->kind);
        json_member_string(into, "name", object->name);
        json_member_string(into, "hash", object->hash);
        json_key(into, "parts");
        buf_putc(into, '{');
        for (size_t k = 0; k < object->part_count; k++)
            json_member_string(into, object->parts[k].name, object->parts[k].text);
        buf_puts(into, "}}");
    }
    buf_putc(into, ']');
    json_member_string(into, "hash", f->hash);
    buf_putc(into, '}');
}

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object, name, &member) && json_object_is_type(member, json_type_string)
               ? json_object_get_string(member)
               : NULL;
}

static int read_object(struct json_object *item, arena *memory, fingerprint *f, lb_error *err)
{
    struct json_object *parts = NULL;
    const char *kind = text_of(item, "kind"), *name = text_of(item, "name");
    if (!kind || !name || !json_object_object_get_ex(item, "parts", &parts) ||
        !json_object_is_type(parts, json_type_object))
        return lb_fail(err, LB_ERR_INVALID, NULL, "a fingerprint's object lacks its kind, name or parts");
    size_t before = f->count;
    fingerprint_object *object = fingerprint_add(f, memory, kind, name);
    if (!object)
        return lb_out_of_memory(err);
    if (f->count == before)
        return lb_fail(err, LB_ERR_INVALID, NULL, "a fingerprint has %s twice", name);
    json_object_object_foreach(parts, part, text)
    {
        if (!json_object_is_type(text, json_type_string))
            return lb_fail(err, LB_ERR_INVALID, NULL, "the part %s of %s is no text", part, name);
        if (fingerprint_add_part(object, memory, part, json_object_get_string(text)) < 0)
            return lb_out_of_memory(err);
    }
    return 0;
}

int fingerprint_read(struct json_object *document, arena *memory, fingerprint *ret_fingerprint, lb_error *err)
{
    fingerprint f = {0};
    struct json_object *objects = NULL;
    if (!json_object_object_get_ex(document, "objects", &objects) || !json_object_is_type(objects, json_type_array))
        return lb_fail(err, LB_ERR_INVALID, NULL, "the fingerprint has no list of objects");
    for (size_t i = 0; i < json_object_array_length(objects); i++) {
        int r = read_object(json_object_array_get_idx(objects, i), memory, &f, err);
        if (r < 0)
            return r;
    }
    fingerprint_seal(&f);
    const char *hash = text_of(document, "hash");
    if (!hash || strcmp(hash, f.hash) != 0)
        return lb_fail(err, LB_ERR_CONFLICT, "ask for it anew", "the fingerprint's hash is not that of its objects");
    *ret_fingerprint = f;
    return 0;
}

/* ---- what moved ---- */

static void put_move(buf *into, const char *object, const char *part, const char *before, const char *now)
{
    json_comma(into);
    buf_putc(into, '{');
    json_member_string(into, "object", object);
    json_member_string(into, "part", part);
    json_member_string(into, "before", before);
    json_member_string(into, "now", now);
    buf_putc(into, '}');
}

static void put_parts(buf *into, const fingerprint_object *before, const fingerprint_object *now)
{
    size_t i = 0, k = 0;
    while (i < before->part_count || k < now->part_count) {
        const fingerprint_part *a = i < before->part_count ? &before->parts[i] : NULL;
        const fingerprint_part *b = k < now->part_count ? &now->parts[k] : NULL;
        int order = a && b ? strcmp(a->name, b->name) : a ? -1 : 1;
        const char *name = a && order <= 0 ? a->name : b ? b->name : "";
        if (order != 0 || !a || !b || strcmp(a->text, b->text) != 0)
            put_move(into, now->name, name, a && order <= 0 ? a->text : NULL, b && order >= 0 ? b->text : NULL);
        i += order <= 0;
        k += order >= 0;
    }
}

static void put_object_move(buf *into, const fingerprint_object *before, const fingerprint_object *now)
{
    static const char there[] = "exists";
    const fingerprint_object *named = before ? before : now;
    bool was = before && before->part_count, is = now && now->part_count;
    if (was && is)
        put_parts(into, before, now);
    else if (was != is)
        put_move(into, named->name, "object", was ? there : NULL, is ? there : NULL);
}

void fingerprint_difference(buf *into, const fingerprint *before, const fingerprint *now)
{
    size_t i = 0, k = 0;
    buf_putc(into, '[');
    while (i < before->count || k < now->count) {
        const fingerprint_object *a = i < before->count ? &before->objects[i] : NULL;
        const fingerprint_object *b = k < now->count ? &now->objects[k] : NULL;
        int order = !a ? 1 : !b ? -1 : compare_objects(a, b);
        put_object_move(into, order <= 0 ? a : NULL, order >= 0 ? b : NULL);
        i += order <= 0;
        k += order >= 0;
    }
    buf_putc(into, ']');
}

/* ---- documents of the control plane ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* What moves although nobody changed anything. That a branch expires, and that it is deleted, are no such thing. */
static bool is_volatile(const char *name)
{
    static const char *const ends[] = {"state",  "_bytes", "_count",   "_sec",         "_seconds",
                                       "_usage", "_at",    "_percent", "_active_time", "update_time"};
    static const char *const names[] = {"etag", "start_time", "suspend_time", "operation", "operations", "usage"};
    if (strncmp(name, "last_", 5) == 0)
        return true;
    for (size_t i = 0; i < LB_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    for (size_t i = 0; i < LB_COUNT(ends); i++)
        if (ends_with(name, ends[i]))
            return true;
    return false;
}

static int add_value(fingerprint_object *object, arena *memory, const char *path, struct json_object *value);

static int add_items(fingerprint_object *object, arena *memory, const char *path, struct json_object *list)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
        const char *item = arena_printf(memory, "%s[%zu]", path, i);
        r = item ? add_value(object, memory, item, json_object_array_get_idx(list, i)) : LB_ERR_NO_MEMORY;
    }
    return r;
}

static int add_members(fingerprint_object *object, arena *memory, const char *path, struct json_object *members)
{
    json_object_object_foreach(members, name, value)
    {
        if (is_volatile(name))
            continue;
        const char *member = *path ? arena_printf(memory, "%s.%s", path, name) : name;
        int r = member ? add_value(object, memory, member, value) : LB_ERR_NO_MEMORY;
        if (r < 0)
            return r;
    }
    return 0;
}

/* Not deeper than json_parse lets a document be. */
static int add_value(fingerprint_object *object, arena *memory, const char *path, struct json_object *value)
{
    if (json_object_is_type(value, json_type_object))
        return add_members(object, memory, path, value);
    if (json_object_is_type(value, json_type_array))
        return add_items(object, memory, path, value);
    return fingerprint_add_part(object, memory, path,
                                json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE));
}

int fingerprint_add_document(fingerprint_object *object, arena *memory, const char *json, lb_error *err)
{
    JSON_AUTO *document = json_parse(json, strlen(json), err);
    if (!document)
        return err->code;
    int r = add_value(object, memory, "", document);
    if (r >= 0 && !object->part_count) /* it is there, though it says nothing */
        r = fingerprint_add_part(object, memory, "document", "{}");
    return r < 0 ? lb_out_of_memory(err) : 0;
}
