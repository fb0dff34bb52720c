/* Which pairs are meant: named one by one, or found by their names. */
#include "sync_pair.h"

#include <json-c/json.h>
#include <sql/sync/source_tables.h>

#define SHARED_PARAMS                                                                                                  \
    LB_PARAM(sync_args, source_table, LB_TEXT, NULL, "a table of the server: schema.table, or a table of public"),     \
        LB_PARAM(sync_args, target_delta_table, LB_TEXT, NULL, "its copy: catalog.schema.table"),                      \
        LB_PARAM(sync_args, timestamp_column, LB_TEXT, "updated_at",                                                   \
                 "when a row was last changed; without it rows in flight cannot be told from lost ones"),              \
        LB_PARAM(sync_args, key_columns, LB_LIST_OF(LB_TEXT), "[]", "what names a row; default: the primary key"),     \
        LB_PARAM(sync_args, sync_type, LB_TEXT, "batch", "how the copy is made: it may be a day behind, or an hour",   \
                 .choices = "batch|continuous"),                                                                       \
        LB_PARAM(sync_args, pairs, LB_JSON, NULL,                                                                      \
                 "pairs, each {\"source\", \"target\", \"timestamp_column\", \"key_columns\", \"type\"}"),             \
        LB_PARAM(sync_args, catalog, LB_TEXT, NULL,                                                                    \
                 "where nothing is named: each table with one of its name in there"),                                  \
        LB_PARAM(sync_args, max_drift_rows, LB_I64, "1000",                                                            \
                 "how many rows may be missing where those in flight cannot be told", .min = "0"),                     \
        LB_PARAM(                                                                                                      \
            sync_args, grace_s, LB_I64, "60",                                                                          \
            "rows that changed so shortly before the copy's latest are not compared yet: others may be on their way",  \
            .min = "0", .max = "86400"),                                                                               \
        LB_PARAM(sync_args, max_lag_s, LB_I64, "-1", "how long a change may wait for the copy; -1: as sync_type says", \
                 .min = "-1")

const lb_param sync_params[] = {SHARED_PARAMS, LB_PARAMS_END};

const lb_param sync_digest_params[] = {
    SHARED_PARAMS,
    LB_PARAM(sync_args, scope, LB_TEXT, "auto",
             "rows to compare: those that have changed since the last time, all, or all where that is due",
             .choices = "auto|moved|full"),
    LB_PARAM(sync_args, full_every_s, LB_I64, "86400", "when all rows of a pair are due", .min = "0"),
    LB_PARAM(sync_args, full_budget_s, LB_I64, "900",
             "seconds of a day for comparisons of all rows that are due: what does not fit waits for the next day",
             .min = "0", .max = "86400"),
    LB_PARAMS_END,
};

const lb_param sync_repair_params[] = {
    LB_PARAM(sync_args, source_table, LB_TEXT, NULL, "a table of the server: schema.table, or a table of public",
             .required = true),
    LB_PARAM(sync_args, target_delta_table, LB_TEXT, NULL, "its copy: catalog.schema.table", .required = true),
    LB_PARAM(sync_args, timestamp_column, LB_TEXT, "updated_at",
             "when a row was last changed: rows that are on their way are left to the sync"),
    LB_PARAM(sync_args, key_columns, LB_LIST_OF(LB_TEXT), "[]", "what names a row; default: the primary key"),
    LB_PARAM(sync_args, sync_type, LB_TEXT, "batch", "how the copy is made: it may be a day behind, or an hour",
             .choices = "batch|continuous"),
    LB_PARAM(sync_args, grace_s, LB_I64, "60", "rows that changed so shortly before the copy's latest are left alone",
             .min = "0", .max = "86400"),
    LB_PARAM(sync_args, max_lag_s, LB_I64, "-1", "how long a change may wait for the copy; -1: as sync_type says",
             .min = "-1"),
    LB_PARAM(sync_args, max_rows, LB_I64, "5000", "more rows than that are not repaired but loaded anew", .min = "1",
             .max = "5000"),
    LB_PARAM(sync_args, delete_extra, LB_BOOL, "false", "take rows out of the copy that the table does not have"),
    LB_PARAMS_END,
};

/* Cuts "a.b.c" at its dots, from the end: at most `count` parts. NULL where there are fewer. */
static const char *cut(lb_ctx *ctx, const char *name, const char **parts, size_t count)
{
    char *text = lb_alloc(ctx, strlen(name) + 1);
    if (!text)
        return NULL;
    memcpy(text, name, strlen(name) + 1);
    for (size_t i = count; i-- > 1;) {
        char *dot = strrchr(text, '.');
        if (!dot)
            return NULL;
        *dot = '\0';
        parts[i] = dot + 1;
    }
    parts[0] = text;
    return text;
}

static int fill(lb_ctx *ctx, sync_wish *wish, lb_error *err)
{
    const char *source[2], *target[3];
    if (!wish->source || !*wish->source || !wish->target || !*wish->target)
        return lb_fail(err, LB_ERR_INVALID, "name source_table and target_delta_table",
                       "a pair lacks one of its tables");
    const char *full = strchr(wish->source, '.') ? wish->source : lb_printf(ctx, "public.%s", wish->source);
    if (!full)
        return lb_out_of_memory(err);
    if (!cut(ctx, full, source, 2) || !cut(ctx, wish->target, target, 3))
        return lb_fail(err, LB_ERR_INVALID, "catalog.schema.table", "'%.100s' is no full name of a copy", wish->target);
    wish->schema = source[0];
    wish->name = source[1];
    wish->lake = (lb_lake_name){target[0], target[1], target[2]};
    return 0;
}

static int64_t limit_of(const sync_args *args, const char *type)
{
    if (args->max_lag_s >= 0)
        return args->max_lag_s;
    return type && strcmp(type, "continuous") == 0 ? SYNC_CONTINUOUS_S : SYNC_BATCH_S;
}

/* ---- a list ---- */

static const char *member(lb_ctx *ctx, struct json_object *item, const char *name, const char *fallback)
{
    struct json_object *value = NULL;
    bool there = json_object_object_get_ex(item, name, &value) && json_object_is_type(value, json_type_string);
    return there ? lb_printf(ctx, "%s", json_object_get_string(value)) : fallback;
}

static bool is_text_or_none(struct json_object *value)
{
    return !value || json_object_is_type(value, json_type_string);
}

static bool are_texts(struct json_object *list)
{
    bool fits = json_object_is_type(list, json_type_array);
    for (size_t i = 0; fits && i < json_object_array_length(list); i++)
        fits = json_object_is_type(json_object_array_get_idx(list, i), json_type_string);
    return fits;
}

static bool fits(const char *name, struct json_object *value)
{
    static const char *const texts[] = {"source", "target", "timestamp_column", NULL};
    for (const char *const *text = texts; *text; text++)
        if (strcmp(name, *text) == 0)
            return is_text_or_none(value);
    if (strcmp(name, "key_columns") == 0)
        return !value || are_texts(value);
    if (strcmp(name, "type") != 0 || !is_text_or_none(value))
        return false;
    const char *type = value ? json_object_get_string(value) : "batch";
    return strcmp(type, "batch") == 0 || strcmp(type, "continuous") == 0;
}

/* What is misspelt would go by the default, and nobody would know. */
static int check_item(struct json_object *item, lb_error *err)
{
    if (!json_object_is_type(item, json_type_object))
        return lb_fail(err, LB_ERR_INVALID, "[{\"source\": \"public.orders\", \"target\": \"main.sales.orders\"}]",
                       "pairs has something in it that is no pair");
    json_object_object_foreach(item, name, value)
    {
        if (!fits(name, value))
            return lb_fail(err, LB_ERR_INVALID,
                           "a pair has source, target and timestamp_column, a list key_columns, and type, which is "
                           "batch or continuous",
                           "a pair has \"%.60s\": %.100s", name, json_object_to_json_string(value));
    }
    return 0;
}

static int take_keys(lb_ctx *ctx, struct json_object *item, sync_wish *wish, lb_error *err)
{
    struct json_object *list = NULL;
    if (!json_object_object_get_ex(item, "key_columns", &list) || !json_object_is_type(list, json_type_array))
        return 0;
    const char **keys = lb_alloc(ctx, (json_object_array_length(list) + 1) * sizeof *keys);
    if (!keys)
        return lb_out_of_memory(err);
    wish->keys = keys;
    for (; wish->key_count < json_object_array_length(list); wish->key_count++)
        keys[wish->key_count] =
            lb_printf(ctx, "%s", json_object_get_string(json_object_array_get_idx(list, wish->key_count)));
    return 0;
}

static int take_item(lb_ctx *ctx, const sync_args *args, struct json_object *item, sync_wish *wish, lb_error *err)
{
    *wish = (sync_wish){.source = member(ctx, item, "source", NULL),
                        .target = member(ctx, item, "target", NULL),
                        .mark = member(ctx, item, "timestamp_column", args->timestamp_column),
                        .limit_s = limit_of(args, member(ctx, item, "type", args->sync_type)),
                        .grace_s = args->grace_s};
    int r = check_item(item, err);
    if (r >= 0)
        r = take_keys(ctx, item, wish, err);
    return r < 0 ? r : fill(ctx, wish, err);
}

static int take_list(lb_ctx *ctx, const sync_args *args, sync_wishes *wishes, lb_error *err)
{
    struct json_object *list = json_tokener_parse(args->pairs);
    int r = 0;
    if (!list || !json_object_is_type(list, json_type_array)) {
        r = lb_fail(err, LB_ERR_INVALID, "[{\"source\": \"public.orders\", \"target\": \"main.sales.orders\"}]",
                    "pairs is no list");
    } else {
        wishes->items = lb_alloc(ctx, (json_object_array_length(list) + 1) * sizeof *wishes->items);
        if (!wishes->items)
            r = lb_out_of_memory(err);
    }
    for (size_t i = 0; r >= 0 && wishes->items && i < json_object_array_length(list); i++)
        r = take_item(ctx, args, json_object_array_get_idx(list, i), &wishes->items[wishes->count++], err);
    (void)json_object_put(list); /* says whether it was the last */
    return r;
}

/* ---- by name ---- */

static int take_named(lb_ctx *ctx, const sync_args *args, sync_wishes *wishes, lb_error *err)
{
    lb_rows *rows = NULL;
    sync_source_tables_row row;
    int r = sync_source_tables(ctx, &(sync_source_tables_args){.most = SYNC_PAIRS_MOST}, &rows, err);
    if (r < 0)
        return r;
    wishes->items = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *wishes->items);
    if (!wishes->items)
        return lb_out_of_memory(err);
    while (r >= 0 && sync_source_tables_next(ctx, rows, &row)) {
        const lb_lake_table *copy = NULL;
        sync_wish wish = {.source = lb_printf(ctx, "%s.%s", row.schema, row.name),
                          .target = lb_printf(ctx, "%s.%s.%s", args->catalog, row.schema, row.name),
                          .schema = row.schema,
                          .name = row.name,
                          .lake = {args->catalog, row.schema, row.name},
                          .mark = args->timestamp_column,
                          .limit_s = limit_of(args, args->sync_type),
                          .grace_s = args->grace_s};
        r = lb_lake_look(ctx, &wish.lake, &copy, err);
        if (r >= 0)
            wishes->items[wishes->count++] = wish;
        r = r == LB_ERR_NOT_FOUND ? 0 : r;
    }
    return r < 0 || wishes->count ? r : lb_skipped(ctx, args->catalog, "no table has a copy of its name in there", err);
}

/* ---- one of a list ---- */

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* It is what the table that was asked for, with the rest from the pair, comes to as well. */
static int is_asked_for(lb_ctx *ctx, const sync_args *args, const sync_wish *pair, bool *ret_is, lb_error *err)
{
    sync_wish asked = {.source = args->source_table ? args->source_table : pair->source,
                       .target = args->target_delta_table ? args->target_delta_table : pair->target};
    int r = fill(ctx, &asked, err);
    *ret_is = r >= 0 && same(asked.schema, pair->schema) && same(asked.name, pair->name) &&
              same(asked.lake.catalog, pair->lake.catalog) && same(asked.lake.schema, pair->lake.schema) &&
              same(asked.lake.name, pair->lake.name);
    return r;
}

/* Leaves those of the list that are the table's; of a table that is in none of them, nothing. */
static int narrow(lb_ctx *ctx, const sync_args *args, sync_wishes *wishes, lb_error *err)
{
    size_t kept = 0;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < wishes->count; i++) {
        bool is_one = false;
        r = is_asked_for(ctx, args, &wishes->items[i], &is_one, err);
        if (!is_one)
            continue;
        wishes->items[kept] = wishes->items[i];
        if (args->key_columns.count) {
            wishes->items[kept].keys = args->key_columns.items;
            wishes->items[kept].key_count = args->key_columns.count;
        }
        kept++;
    }
    wishes->count = kept;
    return r;
}

/* A list is often the manifest's: whoever names a table means that one, with what its pair says of it. */
static int take_from_list(lb_ctx *ctx, const sync_args *args, sync_wishes *wishes, lb_error *err)
{
    bool is_one = args->source_table || args->target_delta_table;
    if (!is_one && args->key_columns.count)
        return lb_fail(err, LB_ERR_INVALID, "give each pair its \"key_columns\", or name the table that they are of",
                       "key_columns is given beside pairs, and says not of which");
    int r = take_list(ctx, args, wishes, err);
    if (r < 0 || !is_one)
        return r;
    r = narrow(ctx, args, wishes, err);
    if (r < 0 || wishes->count || (args->source_table && args->target_delta_table))
        return r;
    return lb_fail(err, LB_ERR_NOT_FOUND, "give source_table and target_delta_table to compare two that are no pair",
                   "no pair is of %s", args->source_table ? args->source_table : args->target_delta_table);
}

int sync_find_wishes(lb_ctx *ctx, const sync_args *args, sync_wishes *ret_wishes, lb_error *err)
{
    *ret_wishes = (sync_wishes){.items = NULL};
    int r = args->pairs ? take_from_list(ctx, args, ret_wishes, err) : 0;
    bool is_alone = args->source_table && args->target_delta_table && !ret_wishes->count;
    if (r < 0 || (args->pairs && !is_alone))
        return r;
    if (args->source_table || args->target_delta_table) {
        ret_wishes->items = lb_alloc(ctx, sizeof *ret_wishes->items);
        if (!ret_wishes->items)
            return lb_out_of_memory(err);
        ret_wishes->items[ret_wishes->count++] = (sync_wish){.source = args->source_table,
                                                             .target = args->target_delta_table,
                                                             .mark = args->timestamp_column,
                                                             .keys = args->key_columns.items,
                                                             .key_count = args->key_columns.count,
                                                             .limit_s = limit_of(args, args->sync_type),
                                                             .grace_s = args->grace_s};
        return fill(ctx, ret_wishes->items, err);
    }
    return args->catalog
               ? take_named(ctx, args, ret_wishes, err)
               : lb_skipped(ctx, "copies in the lakehouse",
                            "none is named: give pairs, or a catalog to look in for tables of the same name", err);
}
