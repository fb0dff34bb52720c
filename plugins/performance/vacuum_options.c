#include "vacuum_options.h"

#include <json-c/json.h>
#include <sql/vacuum/option.h>
#include <sql/vacuum/reset_options.h>
#include <sql/vacuum/set_options.h>

void vacuum_options_add(vacuum_options *o, const char *name, const char *value)
{
    o->names[o->count] = name;
    o->values[o->count++] = value;
}

static int compose_options(lb_ctx *ctx, const vacuum_options *o, const lb_sql **ret_options, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < o->count; i++) {
        const vacuum_option_args option = {.name = o->names[i], .value = o->values[i]};
        if (!option.value)
            return lb_out_of_memory(err);
        r = vacuum_option_compose(ctx, &option, &ret_options[i], err);
    }
    return r;
}

int vacuum_options_set(lb_ctx *ctx, lb_group *group, const vacuum_relations_row *row, const vacuum_options *o,
                       lb_error *err)
{
    const lb_sql *options[VACUUM_MOST_OPTIONS] = {0};
    int r = compose_options(ctx, o, options, err);
    const vacuum_set_options_args set = {.schema = row->schema, .table = row->name, .options = {options, o->count}};
    return r < 0 ? r : vacuum_set_options(ctx, group, &set, err);
}

/* The old values again where there were some; RESET where the server's applied. */
static void split_old(lb_ctx *ctx, struct json_object *own, const vacuum_options *o, vacuum_options *ret_old,
                      vacuum_options *ret_fresh)
{
    struct json_object *value = NULL;
    for (size_t i = 0; i < o->count; i++)
        if (json_object_is_type(own, json_type_object) && json_object_object_get_ex(own, o->names[i], &value))
            vacuum_options_add(ret_old, o->names[i], lb_printf(ctx, "%s", json_object_get_string(value)));
        else
            vacuum_options_add(ret_fresh, o->names[i], "");
}

int vacuum_options_undo(lb_ctx *ctx, const vacuum_relations_row *row, const vacuum_options *o, const char **ret_undo,
                        lb_error *err)
{
    struct json_object *own = row->own_settings ? json_tokener_parse(row->own_settings) : NULL;
    vacuum_options old = {0}, fresh = {0};
    split_old(ctx, own, o, &old, &fresh);
    (void)json_object_put(own); /* read */
    const lb_sql *options[VACUUM_MOST_OPTIONS] = {0}, *set = NULL, *reset = NULL;
    int r = compose_options(ctx, &old, options, err);
    const vacuum_set_options_args again = {.schema = row->schema, .table = row->name, .options = {options, old.count}};
    const vacuum_reset_options_args none = {
        .schema = row->schema, .table = row->name, .names = {fresh.names, fresh.count}};
    if (r >= 0 && old.count)
        r = vacuum_set_options_compose(ctx, &again, &set, err);
    if (r >= 0 && fresh.count)
        r = vacuum_reset_options_compose(ctx, &none, &reset, err);
    if (r < 0)
        return r;
    *ret_undo = lb_printf(ctx, "%s%s%s", set ? lb_sql_text(ctx, set) : "", set && reset ? "; " : "",
                          reset ? lb_sql_text(ctx, reset) : "");
    return *ret_undo ? 0 : lb_out_of_memory(err);
}

int vacuum_options_restore(lb_ctx *ctx, lb_group *group, const vacuum_relations_row *row, const vacuum_options *set,
                           const vacuum_options *reset, lb_error *err)
{
    const vacuum_reset_options_args none = {
        .schema = row->schema, .table = row->name, .names = {reset->names, reset->count}};
    int r = set->count ? vacuum_options_set(ctx, group, row, set, err) : 0;
    return r < 0 || !reset->count ? r : vacuum_reset_options(ctx, group, &none, err);
}

const char *vacuum_options_json(lb_ctx *ctx, const vacuum_relations_row *row, const vacuum_options *o)
{
    const char *fresh = "";
    for (size_t i = 0; i < o->count && fresh; i++)
        fresh = lb_printf(ctx, "%s%s\"%s\":\"%s\"", fresh, i ? "," : "", o->names[i], o->values[i]);
    return fresh ? lb_printf(ctx, "{\"old\":%s,\"new\":{%s},\"autovacuums\":%lld,\"vacuum_ms\":%.0f}",
                             row->own_settings ? row->own_settings : "{}", fresh, (long long)row->autovacuums,
                             row->vacuum_ms_is_null ? -1 : row->vacuum_ms)
                 : NULL;
}
