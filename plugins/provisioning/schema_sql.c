/* schema_sql.c: a step as a statement. Its parameters are attributes of the step's object, by name. */
#include "schema_kinds.h"

#include <sql/schema/column_bare.h>
#include <sql/schema/column_with_default.h>

#define PARAMS_MAX 8

static bool is_within(const schema_object *column)
{
    return schema_is_kind(column, "column") && !schema_get(column, "inherited_only");
}

static int compose_column(lb_ctx *ctx, const schema_object *o, lb_value *ret_value, lb_error *err)
{
    const char *text = schema_get(o, "create"), *value = schema_get(o, "default_value");
    const schema_column_bare_args bare = {.create = text};
    const schema_column_with_default_args whole = {.create = text, .default_value = value};
    const lb_sql *sql = NULL;
    bool has_default = value && !(o->marks & SCHEMA_BOUND);
    int r = has_default ? schema_column_with_default_compose(ctx, &whole, &sql, err)
                        : schema_column_bare_compose(ctx, &bare, &sql, err);
    *ret_value = lb_sql_value(NULL, sql);
    return r;
}

static int compose_columns(lb_ctx *ctx, const schema_step *step, lb_value *ret_value, lb_error *err)
{
    const schema_model *m = step->model;
    uint32_t index = (uint32_t)(step->object - m->objects), count = 0;
    uint32_t from = m->part_from[index], end = m->part_from[index + 1];
    lb_value *columns = lb_alloc(ctx, (end - from + 1) * sizeof *columns);
    if (!columns)
        return lb_out_of_memory(err);
    for (uint32_t i = from; i < end; i++)
        if (is_within(&m->objects[m->parts[i]]) &&
            compose_column(ctx, &m->objects[m->parts[i]], &columns[count++], err) < 0)
            return err->code;
    *ret_value = lb_list("columns", LB_SQL, columns, count);
    return 0;
}

static const char *parent_address(const schema_step *step)
{
    const schema_object *o = step->object;
    return o->up == SCHEMA_NONE ? NULL : step->model->objects[o->up].address;
}

static const char *text_of(const schema_step *step, const char *param)
{
    if (strcmp(param, "address") == 0)
        return step->object->address;
    if (strcmp(param, "parent") == 0)
        return parent_address(step);
    if (strcmp(param, "name") == 0)
        return step->object->name;
    return schema_get(step->object, strcmp(param, "statement") == 0 ? step->attr : param);
}

int schema_step_compose(lb_ctx *ctx, schema_step *step, lb_error *err)
{
    lb_value values[PARAMS_MAX + 1];
    const lb_statement *statement = step->statement;
    if (statement->param_count > PARAMS_MAX)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "%s has too many parameters", statement->name);
    for (uint32_t i = 0; i < statement->param_count; i++) {
        const lb_statement_param *param = &statement->params[i];
        if (param->type == LB_LIST_OF(LB_SQL)) {
            if (compose_columns(ctx, step, &values[i], err) < 0)
                return err->code;
            values[i].name = param->name;
        } else {
            values[i] = lb_textual(param->name, param->type, text_of(step, param->name));
        }
    }
    values[statement->param_count] = (lb_value){.type = LB_END};
    int r = lb_compose(ctx, statement, values, &step->sql, err);
    return r < 0 && step->object ? lb_wrap(err, step->object->address) : r;
}
