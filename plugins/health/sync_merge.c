/* The statements of sync_merge.h, and what they are made of. */
#include "sync_merge.h"

#include <json-c/json.h>
#include <sql/sync/json_source.h>
#include <sql/sync/named.h>
#include <sql/sync/repair_copy.h>
#include <sql/sync/repair_float.h>
#include <sql/sync/repair_hold.h>
#include <sql/sync/repair_merge.h>
#include <sql/sync/repair_ntz.h>
#include <sql/sync/repair_rows.h>
#include <sql/sync/repair_set.h>
#include <sql/sync/repair_source.h>
#include <sql/sync/repair_take.h>
#include <sql/sync/repair_take_array.h>
#include <sql/sync/repair_take_bytes.h>
#include <sql/sync/repair_take_date.h>
#include <sql/sync/repair_take_time.h>
#include <stdlib.h>

#define FIELD_BYTES 24 /* of a column's alias in the shape of the rows */
#define SHAPE_HEAD  "array<struct<k:string,gone:string"

static const sync_counts no_times = {.mark = SYNC_NO_TIME, .since = SYNC_NO_TIME};
static const sync_parts whole = {.width = 0};

/* ---- what both sides have ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What is compared says it too, but for floats, and for arrays and times that the copy keeps as such. */
static int make_sent(lb_ctx *ctx, const sync_column *c, const lb_sql **ret_sql, lb_error *err)
{
    const lb_statement *form = strcmp(c->type, "real") == 0 || strcmp(c->type, "double precision") == 0
                                   ? &sync_repair_float_sql
                               : begins(c->lake_type, "array<")             ? &sync_json_source_sql
                               : strcmp(c->lake_type, "timestamp_ntz") == 0 ? &sync_repair_ntz_sql
                                                                            : NULL;
    *ret_sql = c->source;
    return form ? lb_compose(ctx, form, LB_ARGS(lb_ident("column", c->name)), ret_sql, err) : 0;
}

static int list_sent(lb_ctx *ctx, const sync_pair *pair, lb_value *ret_list, lb_error *err)
{
    lb_value *items = lb_alloc(ctx, (pair->count + 1) * sizeof *items);
    int r = items ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; items && r >= 0 && i < pair->count; i++) {
        const lb_sql *form = NULL, *named = NULL;
        r = make_sent(ctx, &pair->columns[i], &form, err);
        if (r >= 0)
            r = lb_compose(ctx, &sync_named_sql,
                           LB_ARGS(lb_sql_value("form", form), lb_ident("name", pair->columns[i].alias)), &named, err);
        items[i] = lb_sql_value(NULL, named);
    }
    *ret_list = lb_list("sent", LB_SQL, items, items ? pair->count : 0);
    return r;
}

static int read_source(lb_ctx *ctx, const sync_pair *pair, const char *const *keys, size_t count, sync_list *found,
                       lb_error *err)
{
    sync_texts t;
    lb_value sent;
    lb_rows *rows = NULL;
    const lb_sql *near = NULL;
    sync_repair_rows_row row;
    int r = sync_make_texts(ctx, pair, false, &whole, &no_times, &t, err);
    if (r >= 0)
        r = list_sent(ctx, pair, &sent, err);
    if (r >= 0)
        r = sync_make_near(ctx, pair, keys, count, NULL, &near, err);
    if (r >= 0)
        r = lb_query(ctx, &sync_repair_rows_sql,
                     LB_ARGS(lb_ident("schema", pair->wish->schema), lb_ident("name", pair->wish->name),
                             lb_list("forms", LB_SQL, t.forms, t.form_count - 1), lb_sql_value("cells", t.cells), sent,
                             sync_keys_of(ctx, keys, count), lb_sql_value("condition", near)),
                     &rows, err);
    if (r >= 0)
        r = sync_new_list(ctx, rows, found, err);
    while (r >= 0 && sync_repair_rows_next(ctx, rows, &row))
        found->items[found->count++] = (sync_part){row.row_key, row.digest, 1, row.sent};
    if (r >= 0)
        qsort(found->items, found->count, sizeof *found->items, sync_by_name);
    return r;
}

static int read_copy(lb_ctx *ctx, const sync_pair *pair, const char *const *keys, size_t count, sync_list *found,
                     lb_error *err)
{
    sync_texts t;
    int r = sync_make_texts(ctx, pair, true, &whole, &no_times, &t, err);
    return r < 0 ? r : sync_cells_lake(ctx, pair, &t, keys, count, found, err);
}

static int fail_twice(const sync_pair *pair, bool in_copy, const char *key, lb_error *err)
{
    return lb_fail(err, LB_ERR_CONFLICT,
                   in_copy ? "no MERGE can tell them apart: load the copy anew (a full refresh of the sync)"
                           : "name the columns that tell rows apart in key_columns",
                   "%s has more than one row of the key %.80s", in_copy ? pair->wish->target : pair->wish->source, key);
}

int sync_find_mends(lb_ctx *ctx, const sync_pair *pair, const char *const *keys, size_t count, sync_mends *ret_mends,
                    lb_error *err)
{
    sync_list source, copy;
    sync_mends mends = {.items = lb_alloc(ctx, (count + 1) * sizeof *mends.items)};
    int r = mends.items ? read_copy(ctx, pair, keys, count, &copy, err) : lb_out_of_memory(err);
    if (r >= 0)
        r = read_source(ctx, pair, keys, count, &source, err);
    for (size_t i = 0; mends.items && r >= 0 && i < count; i++) {
        size_t here, there;
        const sync_part *a = sync_find_parts(&source, keys[i], &here), *b = sync_find_parts(&copy, keys[i], &there);
        if (here > 1 || there > 1)
            return fail_twice(pair, there > 1, keys[i], err);
        if ((!a && !b) || (a && b && strcmp(a->digest, b->digest) == 0))
            continue; /* it was on its way */
        mends.items[mends.count++] =
            (sync_mend){keys[i], a ? a->digest : NULL, b ? b->digest : NULL, a ? a->cells : NULL};
    }
    *ret_mends = mends;
    return r;
}

/* ---- batches ---- */

/* About what a row adds to the values of a statement. */
static size_t bytes_of(const sync_mend *m)
{
    return (m->sent ? strlen(m->sent) : 0) + 2 * strlen(m->key) + 16;
}

static size_t count_within(const sync_mends *mends, size_t from, size_t most, size_t most_bytes)
{
    size_t count = 0, bytes = 0;
    while (from + count < mends->count && count < most) {
        bytes += bytes_of(&mends->items[from + count]);
        if (count && bytes > most_bytes)
            break;
        count++;
    }
    return count;
}

size_t sync_count_mends(const sync_mends *mends)
{
    return count_within(mends, 0, mends->count, SYNC_GROUP_BYTES);
}

static const char *decimal(lb_ctx *ctx, unsigned __int128 n)
{
    const uint64_t part = UINT64_C(1000000000000000000);
    uint64_t high = (uint64_t)(n / part), low = (uint64_t)(n % part);
    return high ? lb_printf(ctx, "%llu%018llu", (unsigned long long)high, (unsigned long long)low)
                : lb_printf(ctx, "%llu", (unsigned long long)low);
}

/* In the words of the statements that say it of what is there. */
static const char *say(lb_ctx *ctx, const sync_mends *mends, bool of_source)
{
    unsigned __int128 sum = 0;
    size_t rows = 0;
    for (size_t i = 0; i < mends->count; i++) {
        const char *digest = of_source ? mends->items[i].source : mends->items[i].copy;
        sum += digest ? strtoull(digest, NULL, 16) : 0;
        rows += digest != NULL;
    }
    const char *text = decimal(ctx, sum);
    return text ? lb_printf(ctx, "%zu rows of digest %s", rows, text) : NULL;
}

static int list_keys(lb_ctx *ctx, const sync_mends *mends, const char ***ret_keys, lb_error *err)
{
    const char **keys = lb_alloc(ctx, (mends->count + 1) * sizeof *keys);
    for (size_t i = 0; keys && i < mends->count; i++)
        keys[i] = mends->items[i].key;
    *ret_keys = keys;
    return keys ? 0 : lb_out_of_memory(err);
}

/* ---- values ---- */

/* [{"k":"3","c1":"3","c2":null},{"k":"7","gone":"yes"}] */
static int make_rows(lb_ctx *ctx, const sync_mends *mends, const char **ret_rows, lb_error *err)
{
    size_t room = 3, used = 0;
    for (size_t i = 0; i < mends->count; i++)
        room += bytes_of(&mends->items[i]) + 5 * strlen(mends->items[i].key) + 32; /* each sign may take six */
    char *text = lb_alloc(ctx, room);
    if (!text)
        return lb_out_of_memory(err);
    text[used++] = '[';
    for (size_t i = 0; i < mends->count; i++) {
        const sync_mend *m = &mends->items[i];
        struct json_object *key = json_object_new_string(m->key);
        if (!key)
            return lb_out_of_memory(err);
        int wrote =
            snprintf(text + used, room - used, "%s{\"k\":%s,%s", i ? "," : "",
                     json_object_to_json_string_ext(key, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                     m->sent ? m->sent + 1 : "\"gone\":\"yes\"}");
        (void)json_object_put(key); /* says whether it was the last one */
        if (wrote < 0 || (size_t)wrote >= room - used)
            return lb_fail(err, LB_ERR_INTERNAL, NULL, "the values of a batch are longer than they were");
        used += (size_t)wrote;
    }
    if (used + 2 > room)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the values of a batch are longer than they were");
    text[used] = ']';
    *ret_rows = text;
    return 0;
}

static const char *make_shape(lb_ctx *ctx, const sync_pair *pair)
{
    size_t room = sizeof SHAPE_HEAD + 4 + pair->count * FIELD_BYTES, used = sizeof SHAPE_HEAD - 1;
    char *text = lb_alloc(ctx, room);
    if (!text)
        return NULL;
    memcpy(text, SHAPE_HEAD, sizeof SHAPE_HEAD);
    for (size_t i = 0; i < pair->count; i++)
        used += (size_t)snprintf(text + used, room - used, ",%s:string", pair->columns[i].alias);
    (void)snprintf(text + used, room - used, ">>"); /* there is room */
    return text;
}

/* A value as the copy keeps it. */
static int make_taken(lb_ctx *ctx, const sync_column *c, const lb_sql **ret_sql, lb_error *err)
{
    static const struct {
        const char *type;
        const lb_statement *form;
    } forms[] = {{"timestamp", &sync_repair_take_time_sql},
                 {"date", &sync_repair_take_date_sql},
                 {"binary", &sync_repair_take_bytes_sql}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].type, c->lake_type) == 0)
            return lb_compose(ctx, forms[i].form, LB_ARGS(lb_ident("name", c->alias)), ret_sql, err);
    if (begins(c->lake_type, "array<"))
        return lb_compose(ctx, &sync_repair_take_array_sql,
                          LB_ARGS(lb_ident("name", c->alias), lb_text("type", c->lake_type)), ret_sql, err);
    return lb_compose(ctx, &sync_repair_take_sql, LB_ARGS(lb_ident("name", c->alias), lb_sqltype("type", c->lake_type)),
                      ret_sql, err);
}

/* ---- statements ---- */

typedef struct words {
    lb_value *sets, *columns, *values;
    const lb_sql *key;
    const char *shape;
    sync_texts copy, source;
} words;

static int find_words(lb_ctx *ctx, const sync_pair *pair, words *w, lb_error *err)
{
    *w = (words){.sets = lb_alloc(ctx, (pair->count + 1) * sizeof *w->sets),
                 .columns = lb_alloc(ctx, (pair->count + 1) * sizeof *w->columns),
                 .values = lb_alloc(ctx, (pair->count + 1) * sizeof *w->values),
                 .shape = make_shape(ctx, pair)};
    if (!w->sets || !w->columns || !w->values || !w->shape)
        return lb_out_of_memory(err);
    int r = sync_make_key(ctx, pair, true, &w->key, err);
    if (r >= 0)
        r = sync_make_texts(ctx, pair, true, &whole, &no_times, &w->copy, err);
    if (r >= 0)
        r = sync_make_texts(ctx, pair, false, &whole, &no_times, &w->source, err);
    for (size_t i = 0; r >= 0 && i < pair->count; i++) {
        const lb_sql *value = NULL, *set = NULL;
        r = make_taken(ctx, &pair->columns[i], &value, err);
        if (r >= 0)
            r = lb_compose(ctx, &sync_repair_set_sql,
                           LB_ARGS(lb_ident("column", pair->columns[i].name), lb_sql_value("value", value)), &set, err);
        w->columns[i] = lb_ident(NULL, pair->columns[i].name);
        w->values[i] = lb_sql_value(NULL, value);
        w->sets[i] = lb_sql_value(NULL, set);
    }
    return r;
}

static int hold_source(lb_ctx *ctx, const sync_pair *pair, const words *w, const sync_mends *mends, lb_group *group,
                       lb_error *err)
{
    const char **keys = NULL, *planned = say(ctx, mends, true);
    const lb_sql *near = NULL;
    int r = planned ? list_keys(ctx, mends, &keys, err) : lb_out_of_memory(err);
    if (r >= 0)
        r = sync_make_near(ctx, pair, keys, mends->count, NULL, &near, err);
    if (r >= 0)
        r = lb_change_sql(ctx, group, &sync_repair_source_sql,
                          LB_ARGS(lb_ident("schema", pair->wish->schema), lb_ident("name", pair->wish->name),
                                  lb_list("forms", LB_SQL, w->source.forms, w->source.form_count - 1),
                                  lb_sql_value("cells", w->source.cells), sync_keys_of(ctx, keys, mends->count),
                                  lb_sql_value("condition", near), lb_text("planned", planned)),
                          err);
    return r < 0 ? r : lb_change_sql(ctx, group, &sync_repair_hold_sql, LB_NO_ARGS, err);
}

static int hold_copy(lb_ctx *ctx, const sync_pair *pair, const words *w, const sync_mends *mends, bool is_after,
                     lb_group *group, lb_error *err)
{
    const lb_lake_name *lake = &pair->wish->lake;
    const char **keys = NULL, *expects = say(ctx, mends, is_after);
    const lb_sql *near = NULL;
    int r = expects ? list_keys(ctx, mends, &keys, err) : lb_out_of_memory(err);
    if (r >= 0)
        r = sync_make_near(ctx, pair, keys, mends->count, NULL, &near, err);
    const lb_value *args =
        LB_ARGS(lb_ident("catalog", lake->catalog), lb_ident("schema", lake->schema), lb_ident("name", lake->name),
                lb_list("forms", LB_SQL, w->copy.forms, w->copy.form_count - 1), lb_sql_value("cells", w->copy.cells),
                sync_keys_of(ctx, keys, mends->count), lb_sql_value("condition", near));
    return r < 0 ? r
                 : lb_change_lake(
                       ctx, group,
                       LB_LAKE_EXPECT(.table = *lake, .rows = &sync_repair_copy_sql, .args = args, .expects = expects),
                       err);
}

static int merge_batch(lb_ctx *ctx, const sync_pair *pair, const words *w, const sync_mends *mends, lb_group *group,
                       lb_error *err)
{
    const lb_lake_name *lake = &pair->wish->lake;
    const char *rows = NULL;
    int r = hold_copy(ctx, pair, w, mends, false, group, err);
    if (r >= 0)
        r = make_rows(ctx, mends, &rows, err);
    if (r < 0)
        return r;
    const lb_value *args =
        LB_ARGS(lb_ident("catalog", lake->catalog), lb_ident("schema", lake->schema), lb_ident("name", lake->name),
                lb_text("rows", rows), lb_text("shape", w->shape), lb_sql_value("key", w->key),
                lb_list("sets", LB_SQL, w->sets, pair->count), lb_list("columns", LB_IDENT, w->columns, pair->count),
                lb_list("values", LB_SQL, w->values, pair->count));
    r = lb_change_lake(ctx, group, LB_LAKE_MERGE(.table = *lake, .rows = &sync_repair_merge_sql, .args = args), err);
    return r < 0 ? r : hold_copy(ctx, pair, w, mends, true, group, err);
}

int sync_merge(lb_ctx *ctx, const sync_pair *pair, const sync_mends *mends, lb_group *group, lb_error *err)
{
    words w;
    int r = find_words(ctx, pair, &w, err);
    if (r >= 0)
        r = hold_source(ctx, pair, &w, mends, group, err);
    for (size_t at = 0, some; r >= 0 && at < mends->count; at += some) {
        some = count_within(mends, at, SYNC_MERGE_ROWS, SYNC_MERGE_BYTES);
        const sync_mends batch = {mends->items + at, some};
        r = merge_batch(ctx, pair, &w, &batch, group, err);
    }
    return r;
}
