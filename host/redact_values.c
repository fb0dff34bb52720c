/* Values for a model: each by its kind. */
#include "redact.h"

static int redact_value(const lb_value *in, size_t most, redact_names *names, arena *memory, lb_value *out,
                        lb_error *err);

static int redact_list(const lb_value *in, size_t most, redact_names *names, arena *memory, lb_value *out,
                       lb_error *err)
{
    lb_value *items = arena_alloc(memory, (in->count + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    for (uint32_t i = 0; i < in->count; i++)
        if (redact_value(&in->v.items[i], most, names, memory, &items[i], err) < 0)
            return err->code;
    out->v.items = items;
    return 0;
}

static int redact_value(const lb_value *in, size_t most, redact_names *names, arena *memory, lb_value *out,
                        lb_error *err)
{
    lb_type type = in->type;
    *out = *in;
    if (type & LB_LIST)
        return redact_list(in, most, names, memory, out, err);
    switch (type) {
    case LB_OBJECT:
        return redact_values(in->v.items, most, names, memory, &out->v.items, err);
    case LB_TEXT:
        out->v.text = redact_text(in->v.text, most, names, memory);
        break;
    case LB_IDENT:
        out->v.text = redact_name(in->v.text, names, memory);
        break;
    case LB_DEFINITION:
    case LB_SQLTYPE:
        out->v.text = redact_sql(in->v.text, most, names, memory);
        break;
    case LB_I64:
    case LB_F64:
    case LB_BOOL:
    case LB_TIME:
    case LB_NUMERIC:
    case LB_NULL:
        return 0;
    default:
        return lb_fail(err, LB_ERR_INVALID, "give its parts as named values",
                       "%s is of a kind that no model may be told", in->name ? in->name : "an item");
    }
    out->type = LB_TEXT;
    return out->v.text ? 0 : lb_out_of_memory(err);
}

int redact_values(const lb_value *values, size_t most, redact_names *names, arena *memory, const lb_value **ret_values,
                  lb_error *err)
{
    size_t count = 0;
    while (values && values[count].type != LB_END)
        count++;
    lb_value *copy = arena_alloc(memory, (count + 1) * sizeof *copy);
    if (!copy)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        if (redact_value(&values[i], most, names, memory, &copy[i], err) < 0)
            return err->code;
    *ret_values = copy;
    return 0;
}
