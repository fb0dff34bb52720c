/* The expressions that both sides are asked with. */
#include "joined_text.h"
#include "sync_compare.h"

#include <sql/sync/all_of.h>
#include <sql/sync/cell.h>
#include <sql/sync/digest_key.h>
#include <sql/sync/hash_lake.h>
#include <sql/sync/hash_source.h>
#include <sql/sync/hashed_lake.h>
#include <sql/sync/hashes_below.h>
#include <sql/sync/hashes_from.h>
#include <sql/sync/hashes_source.h>
#include <sql/sync/key_part.h>
#include <sql/sync/keys_below.h>
#include <sql/sync/keys_first.h>
#include <sql/sync/keys_from.h>
#include <sql/sync/mark.h>
#include <sql/sync/moved.h>
#include <sql/sync/named.h>
#include <sql/sync/part_source.h>
#include <sql/sync/range_lake.h>
#include <sql/sync/ranges_source.h>
#include <sql/sync/until.h>

static int name_it(lb_ctx *ctx, const lb_sql *form, const char *name, lb_value *ret_value, lb_error *err)
{
    const lb_sql *named = NULL;
    int r = lb_compose(ctx, &sync_named_sql, LB_ARGS(lb_sql_value("form", form), lb_ident("name", name)), &named, err);
    *ret_value = lb_sql_value(NULL, named);
    return r;
}

/* The same of each column by its alias. */
static int join_columns(lb_ctx *ctx, const sync_pair *pair, const lb_statement *each, const lb_sql **ret_sql,
                        lb_error *err)
{
    lb_value *parts = lb_alloc(ctx, (pair->count + 1) * sizeof *parts);
    int r = parts ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; parts && r >= 0 && i < pair->count; i++) {
        const lb_sql *part = NULL;
        r = lb_compose(ctx, each, LB_ARGS(lb_ident("name", pair->columns[i].alias)), &part, err);
        parts[i] = lb_sql_value(NULL, part);
    }
    return r < 0 || !parts ? r : joined_text(ctx, parts, pair->count, ret_sql, err);
}

static const lb_sql *form_of(const sync_column *column, bool lake)
{
    return lake ? column->lake : column->source;
}

/* One column as it is; several one after the other, in the key's order; all of them where there is no key. */
int sync_make_key(lb_ctx *ctx, const sync_pair *pair, bool lake, const lb_sql **ret_sql, lb_error *err)
{
    lb_value *parts = lb_alloc(ctx, (pair->count + 1) * sizeof *parts);
    size_t count = 0, wanted = pair->key_count ? pair->key_count : pair->count;
    const lb_sql *whole = NULL;
    int r = parts ? 0 : lb_out_of_memory(err);
    for (size_t place = 1; parts && r >= 0 && place <= wanted; place++)
        for (size_t i = 0; parts && r >= 0 && i < pair->count; i++) {
            const sync_column *column = &pair->columns[i];
            const lb_sql *part = NULL;
            if ((pair->key_count ? (size_t)column->key_place : i + 1) != place)
                continue;
            *ret_sql = form_of(column, lake);
            r = lb_compose(ctx, &sync_key_part_sql, LB_ARGS(lb_sql_value("form", *ret_sql)), &part, err);
            parts[count++] = lb_sql_value(NULL, part);
        }
    if (r < 0 || !parts || pair->key_count == 1)
        return r;
    r = joined_text(ctx, parts, count, &whole, err);
    if (r >= 0 && pair->key_count)
        *ret_sql = whole;
    else if (r >= 0)
        r = lb_compose(ctx, &sync_digest_key_sql, LB_ARGS(lb_sql_value("key", whole)), ret_sql, err);
    return r;
}

static int make_part_lake(lb_ctx *ctx, const sync_pair *pair, const sync_parts *parts, const lb_sql *key,
                          const lb_sql **ret_sql, lb_error *err)
{
    return parts->width
               ? lb_compose(ctx, &sync_range_lake_sql,
                            LB_ARGS(lb_ident("key", pair->whole_key), lb_i64("low", parts->low),
                                    lb_i64("width", parts->width), lb_i64("last", parts->width * (SYNC_PARTS - 1))),
                            ret_sql, err)
               : lb_compose(ctx, &sync_hashed_lake_sql, LB_ARGS(lb_sql_value("key", key)), ret_sql, err);
}

static int make_part_source(lb_ctx *ctx, const sync_pair *pair, const sync_parts *parts, const lb_sql *key,
                            const lb_sql **ret_sql, const lb_sql **ret_parts_of, lb_error *err)
{
    int r = parts->width
                ? lb_compose(ctx, &sync_ranges_source_sql,
                             LB_ARGS(lb_ident("key", pair->whole_key), lb_i64("low", parts->low),
                                     lb_i64("width", parts->width), lb_i64("last", parts->width * (SYNC_PARTS - 1))),
                             ret_parts_of, err)
                : lb_compose(ctx, &sync_hashes_source_sql, LB_ARGS(lb_sql_value("key", key)), ret_parts_of, err);
    return r < 0 ? r : lb_compose(ctx, &sync_part_source_sql, LB_NO_ARGS, ret_sql, err);
}

static int make_times(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const lb_sql **ret_sql,
                      lb_error *err)
{
    if (!pair->mark || counts->mark == SYNC_NO_TIME)
        return 0;
    if (counts->since == SYNC_NO_TIME)
        return lb_compose(ctx, &sync_until_sql, LB_ARGS(lb_ident("column", pair->mark), lb_time("mark", counts->mark)),
                          ret_sql, err);
    return lb_compose(
        ctx, &sync_moved_sql,
        LB_ARGS(lb_ident("column", pair->mark), lb_time("since", counts->since), lb_time("mark", counts->mark)),
        ret_sql, err);
}

/* A slice of keys that are no whole numbers. */
static int make_hashes(lb_ctx *ctx, bool lake, const lb_sql *key, const sync_span *keys, const lb_sql **ret_from,
                       const lb_sql **ret_below, lb_error *err)
{
    const lb_sql *hash = NULL;
    int r = lb_compose(ctx, lake ? &sync_hash_lake_sql : &sync_hash_source_sql, LB_ARGS(lb_sql_value("key", key)),
                       &hash, err);
    if (r >= 0 && keys->has_from)
        r = lb_compose(ctx, &sync_hashes_from_sql, LB_ARGS(lb_sql_value("hash", hash), lb_i64("low", keys->from)),
                       ret_from, err);
    if (r >= 0 && keys->has_to)
        r = lb_compose(ctx, &sync_hashes_below_sql, LB_ARGS(lb_sql_value("hash", hash), lb_i64("high", keys->to)),
                       ret_below, err);
    return r;
}

static int make_condition(lb_ctx *ctx, const sync_pair *pair, bool lake, const lb_sql *key, const sync_counts *counts,
                          const lb_sql **ret_sql, lb_error *err)
{
    const sync_span *keys = &counts->keys;
    const lb_sql *times = NULL, *from = NULL, *below = NULL;
    int r = make_times(ctx, pair, counts, &times, err);
    if (r >= 0 && !pair->whole_key && (keys->has_from || keys->has_to))
        r = make_hashes(ctx, lake, key, keys, &from, &below, err);
    else if (r >= 0 && keys->has_from)
        r = lb_compose(ctx, &sync_keys_from_sql, LB_ARGS(lb_ident("key", pair->whole_key), lb_i64("low", keys->from)),
                       &from, err);
    if (r >= 0 && pair->whole_key && keys->has_to)
        r = lb_compose(ctx, keys->has_from ? &sync_keys_below_sql : &sync_keys_first_sql,
                       LB_ARGS(lb_ident("key", pair->whole_key), lb_i64("high", keys->to)), &below, err);
    *ret_sql = times;
    if (r < 0 || (!from && !below))
        return r;
    return lb_compose(ctx, &sync_all_of_sql,
                      LB_ARGS(lb_sql_value("one", times), lb_sql_value("two", from), lb_sql_value("three", below)),
                      ret_sql, err);
}

int sync_make_texts(lb_ctx *ctx, const sync_pair *pair, bool lake, const sync_parts *parts, const sync_counts *counts,
                    sync_texts *ret_texts, lb_error *err)
{
    sync_texts texts = {.form_count = pair->count + 2};
    const lb_sql *key = NULL, *part = NULL;
    lb_value *forms = lb_alloc(ctx, texts.form_count * sizeof *forms);
    int r = forms ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; forms && r >= 0 && i < pair->count; i++)
        r = name_it(ctx, form_of(&pair->columns[i], lake), pair->columns[i].alias, &forms[i], err);
    if (r >= 0)
        r = sync_make_key(ctx, pair, lake, &key, err);
    if (forms && r >= 0)
        r = name_it(ctx, key, "k", &forms[pair->count], err);
    if (r >= 0)
        r = lake ? make_part_lake(ctx, pair, parts, key, &part, err)
                 : make_part_source(ctx, pair, parts, key, &part, &texts.parts_of, err);
    if (forms && r >= 0)
        r = name_it(ctx, part, "b", &forms[pair->count + 1], err);
    if (r >= 0)
        r = join_columns(ctx, pair, &sync_cell_sql, &texts.cells, err);
    if (r >= 0)
        r = join_columns(ctx, pair, &sync_mark_sql, &texts.marks, err);
    if (r >= 0)
        r = make_condition(ctx, pair, lake, key, counts, &texts.condition, err);
    texts.forms = forms;
    *ret_texts = texts;
    return r;
}
