/* A server that reads ARRAY[$1, $2] without knowing what these are takes them for texts, and finds no operator between
 * them and an array of numbers. What they were is what the column holds that they are compared with. */
#include "index_load_read.h"

#include "replay_text.h"

#include <sql/index/element_type.h>
#include <string.h>

/* NULL in *ret_type: nobody can say. */
static int type_of(lb_ctx *ctx, const replay_text *read, const replay_hole *hole, const char **ret_type, lb_error *err)
{
    const replay_table *table = hole->column ? replay_table_of(read, hole) : NULL;
    index_element_type_row row;
    lb_rows *rows = NULL;
    *ret_type = NULL;
    if (!table)
        return 0;
    const index_element_type_args args = {.schema = table->schema, .table = table->name, .column = hole->column};
    int r = index_element_type(ctx, &args, &rows, err);
    if (r >= 0 && index_element_type_next(ctx, rows, &row))
        *ret_type = row.type;
    return r;
}

/* From the end, so that what comes before stays where it is. */
static int say_types(lb_ctx *ctx, const replay_text *read, const char **text, lb_error *err)
{
    int r = 0;
    for (size_t i = read->hole_count; r >= 0 && *text && i > 0; i--) {
        const replay_hole *hole = &read->holes[i - 1];
        const char *type = NULL, *behind = *text + hole->offset + hole->length;
        bool is_said = strncmp(behind + strspn(behind, " \t\r\n"), "::", 2) == 0;
        r = hole->fit == REPLAY_ELEMENT && !is_said ? type_of(ctx, read, hole, &type, err) : 0;
        if (r >= 0 && type)
            *text = lb_printf(ctx, "%.*s::%s%s", (int)(behind - *text), *text, type, behind);
    }
    return r < 0 || *text ? r : lb_out_of_memory(err);
}

int load_say_types(lb_ctx *ctx, const char **text, lb_error *err)
{
    replay_text *read = lb_alloc(ctx, sizeof *read);
    lb_error why;
    if (!read)
        return lb_out_of_memory(err);
    int r = replay_read(ctx, *text, read, &why);
    if (r >= 0)
        return say_types(ctx, read, text, err);
    if (r == LB_ERR_NO_MEMORY)
        *err = why;
    return r == LB_ERR_NO_MEMORY ? r : 0; /* what it is not said to be is told when it is to be executed */
}
