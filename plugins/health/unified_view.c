/* The columns of a view of hot and cold rows. */
#include "unified_view.h"

#include <sql/archival/cold_column.h>
#include <sql/archival/hot_as_json.h>
#include <sql/archival/hot_as_type.h>
#include <sql/archival/hot_column.h>
#include <sql/archival/no_column.h>
#include <string.h>

static bool is_nested(const char *type)
{
    return strncmp(type, "array<", 6) == 0 || strncmp(type, "struct<", 7) == 0 || strncmp(type, "map<", 4) == 0;
}

static bool is_number(const char *type)
{
    static const char *const names[] = {"tinyint", "smallint", "int", "bigint", "float", "double"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(type, names[i]) == 0)
            return true;
    return strncmp(type, "decimal", 7) == 0;
}

/* Of two numbers the union takes what holds both, where the archive's type may be too narrow for what is there now. */
static int add_hot(unified *u, const lb_lake_column *hot, const lb_lake_column *cold, lb_error *err)
{
    const lb_sql **piece = &u->hot_columns.items[u->hot_columns.count++];
    if (cold && strcmp(hot->type, cold->type) != 0 && is_nested(hot->type))
        return archival_hot_as_json_compose(u->ctx, &(archival_hot_as_json_args){hot->name}, piece, err);
    if (cold && strcmp(hot->type, cold->type) != 0 && !(is_number(hot->type) && is_number(cold->type)))
        return archival_hot_as_type_compose(u->ctx, &(archival_hot_as_type_args){hot->name, cold->type}, piece, err);
    return archival_hot_column_compose(u->ctx, &(archival_hot_column_args){hot->name}, piece, err);
}

static int add_none(unified *u, archival_pieces *list, const char *name, lb_error *err)
{
    return archival_no_column_compose(u->ctx, &(archival_no_column_args){name}, &list->items[list->count++], err);
}

/* Those of the server in their order, then those that only the archive has, without the archive's own. */
int unified_match_columns(unified *u, lb_error *err)
{
    if (!u->hot_table || !u->cold_table)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the lakehouse tells no columns of %s", u->label);
    size_t most = (size_t)u->hot_table->column_count + u->cold_table->column_count + 1;
    u->hot_columns = (archival_pieces){lb_alloc(u->ctx, most * sizeof(void *)), 0};
    u->cold_columns = (archival_pieces){lb_alloc(u->ctx, most * sizeof(void *)), 0};
    if (!u->hot_columns.items || !u->cold_columns.items)
        return lb_out_of_memory(err);
    int r = 0;
    for (uint32_t i = 0; r >= 0 && i < u->hot_table->column_count; i++) {
        const lb_lake_column *hot = &u->hot_table->columns[i], *cold = archival_lake_column(u->cold_table, hot->name);
        const archival_cold_column_args args = {hot->name};
        r = add_hot(u, hot, cold, err);
        if (r >= 0 && cold)
            r = archival_cold_column_compose(u->ctx, &args, &u->cold_columns.items[u->cold_columns.count++], err);
        else if (r >= 0)
            r = add_none(u, &u->cold_columns, hot->name, err);
    }
    for (uint32_t i = 0; r >= 0 && i < u->cold_table->column_count; i++) {
        const char *name = u->cold_table->columns[i].name;
        const archival_cold_column_args args = {name};
        if (archival_lake_column(u->hot_table, name) || archival_is_own_column(name))
            continue;
        r = add_none(u, &u->hot_columns, name, err);
        if (r >= 0)
            r = archival_cold_column_compose(u->ctx, &args, &u->cold_columns.items[u->cold_columns.count++], err);
    }
    return r;
}
