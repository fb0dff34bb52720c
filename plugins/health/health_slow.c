#include "health_slow.h"

#include "health_reading.h"

static int read_rows(lb_ctx *ctx, const char *schema, double min_ms, health_slow *slow, lb_error *err)
{
    const health_slow_statements_args wanted = {.schema = schema, .min_ms = min_ms};
    lb_rows *rows = NULL;
    int r = health_slow_statements(ctx, &wanted, &rows, err);
    if (r < 0)
        return r;
    slow->rows = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *slow->rows);
    if (!slow->rows)
        return lb_out_of_memory(err);
    while (health_slow_statements_next(ctx, rows, &slow->rows[slow->count]))
        slow->count++;
    return 0;
}

static struct json_object *known(struct json_object *from, const char *key)
{
    struct json_object *found = NULL;
    return from && json_object_object_get_ex(from, key, &found) ? found : NULL;
}

/* What is not kept is asked again. */
static void keep(struct json_object *into, const char *key, bool is_work)
{
    struct json_object *value = json_object_new_boolean(is_work);
    if (!value || json_object_object_add(into, key, value) != 0)
        json_object_put(value);
}

static int ask(lb_ctx *ctx, const char *schema, const lb_texts *keys, struct json_object *into, lb_error *err)
{
    const health_statement_texts_args wanted = {.schema = schema, .keys = *keys};
    health_statement_texts_row row;
    lb_rows *rows = NULL;
    if (!keys->count)
        return 0;
    int r = health_statement_texts(ctx, &wanted, &rows, err);
    if (r < 0)
        return health_pass_over(ctx, "pg_stat_statements (texts)", r, err);
    while (health_statement_texts_next(ctx, rows, &row))
        keep(into, row.key, row.is_work);
    return 0;
}

static int find_kinds(lb_ctx *ctx, const char *schema, const health_slow *slow, struct json_object *before,
                      struct json_object *into, lb_error *err)
{
    const char **unknown = lb_alloc(ctx, (slow->count + 1) * sizeof(void *));
    lb_texts keys = {unknown, 0};
    if (!unknown)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < slow->count; i++) {
        const char *key = slow->rows[i].key;
        struct json_object *kind = known(before, key);
        if (kind)
            keep(into, key, json_object_get_boolean(kind));
        else
            unknown[keys.count++] = key;
    }
    return ask(ctx, schema, &keys, into, err);
}

static void put_object(void *object)
{
    json_object_put(object);
}

int health_read_slow(lb_ctx *ctx, const char *schema, double min_ms, struct json_object *before,
                     struct json_object *next, health_slow *ret_slow, lb_error *err)
{
    health_slow slow = {.rows = NULL};
    struct json_object *kinds = json_object_get(next);
    if (!kinds)
        kinds = json_object_new_object();
    *ret_slow = slow;
    if (!kinds || lb_defer(ctx, put_object, kinds) < 0)
        return lb_out_of_memory(err);
    int r = read_rows(ctx, schema, min_ms, &slow, err);
    if (r >= 0)
        r = find_kinds(ctx, schema, &slow, before, kinds, err);
    size_t left = 0;
    for (size_t i = 0; r >= 0 && i < slow.count; i++) {
        struct json_object *kind = known(kinds, slow.rows[i].key);
        if (!kind || json_object_get_boolean(kind))
            slow.rows[left++] = slow.rows[i];
    }
    slow.count = left;
    *ret_slow = slow;
    return r;
}

int health_slow_text(lb_ctx *ctx, const char *schema, const char *key, health_statement_texts_row *ret_row,
                     lb_error *err)
{
    const health_statement_texts_args wanted = {.schema = schema, .keys = {&key, 1}, .with_texts = true};
    lb_rows *rows = NULL;
    *ret_row = (health_statement_texts_row){.key = NULL};
    int r = health_statement_texts(ctx, &wanted, &rows, err);
    if (r >= 0 && !health_statement_texts_next(ctx, rows, ret_row))
        *ret_row = (health_statement_texts_row){.key = NULL};
    return r;
}
