/* Questions to the history: looked at here, parsed and answered by the warehouse. */
#include "delta_databricks.h"

#define INLINE_MOST (INT64_C(25) << 20) /* what the platform answers with in its own words; beyond it fails */

typedef struct giving {
    const lb_delta_sink *sink;
    uint32_t columns;
    const char **cells;
    lb_type *types;
    delta_text *times; /* of each column that comes as microseconds; NULL: none does */
    int64_t rows, bytes, max_rows, max_bytes;
    bool cut;
} giving;

static lb_type type_of(const char *name)
{
    static const struct {
        const char *name;
        lb_type type;
    } types[] = {{"LONG", LB_I64},     {"INT", LB_I64},        {"SHORT", LB_I64},
                 {"BYTE", LB_I64},     {"DOUBLE", LB_F64},     {"FLOAT", LB_F64},
                 {"BOOLEAN", LB_BOOL}, {"TIMESTAMP", LB_TIME}, {"DECIMAL", LB_NUMERIC}};
    for (size_t i = 0; name && i < DELTA_COUNT(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    return LB_TEXT;
}

static int give_columns(giving *g, struct json_object *answer, lb_error *err)
{
    struct json_object *columns = rest_json_at(answer, "manifest.schema.columns");
    g->columns = (uint32_t)rest_json_count(columns);
    g->cells = delta_alloc(g->columns * sizeof *g->cells);
    g->types = delta_alloc(g->columns * sizeof *g->types);
    for (uint32_t i = 0; i < g->columns; i++) {
        struct json_object *column = json_object_array_get_idx(columns, i);
        const char *name = rest_json_text(column, "name");
        g->cells[i] = name ? name : "";
        g->types[i] = type_of(rest_json_text(column, "type_name"));
    }
    return g->sink->columns(g->sink->state, g->columns, g->cells, g->types, err);
}

static int64_t take_cells(giving *g, struct json_object *row)
{
    int64_t bytes = 0;
    for (uint32_t i = 0; i < g->columns; i++) {
        struct json_object *cell = i < rest_json_count(row) ? json_object_array_get_idx(row, i) : NULL;
        g->cells[i] = cell ? json_object_get_string(cell) : NULL;
        if (g->cells[i] && g->times && g->types[i] == LB_TIME) {
            g->times[i].length = 0;
            delta_text_time(&g->times[i], strtoll(g->cells[i], NULL, 10));
            g->cells[i] = g->times[i].data;
        }
        bytes += g->cells[i] ? (int64_t)strlen(g->cells[i]) : 0;
    }
    return bytes;
}

static int give_rows(void *arg, struct json_object *rows, lb_error *err)
{
    giving *g = arg;
    for (size_t i = 0; !g->cut && i < rest_json_count(rows); i++) {
        int64_t bytes = take_cells(g, json_object_array_get_idx(rows, i));
        g->cut = (g->max_rows && g->rows == g->max_rows) || (g->max_bytes && g->bytes + bytes > g->max_bytes);
        if (g->cut)
            break;
        int r = g->sink->row(g->sink->state, g->columns, g->cells, err);
        if (r < 0)
            return r;
        g->rows++;
        g->bytes += bytes;
    }
    return 0;
}

static void giving_done(giving *g)
{
    for (uint32_t i = 0; g->times && i < g->columns; i++)
        delta_text_done(&g->times[i]);
    free(g->times);
    free(g->types);
    free(g->cells);
}

static int give(bricks *b, const bricks_answer *answer, int64_t deadline, giving *g, lb_error *err)
{
    int r = give_columns(g, answer->shape ? answer->shape : answer->rows, err);
    if (answer->shape)
        g->times = delta_alloc(g->columns * sizeof *g->times);
    return r < 0 ? r : bricks_each_part(b, answer->rows, deadline, give_rows, g, err);
}

static int explain(lb_error *err)
{
    if (err->code == LB_ERR_NOT_FOUND && !err->hint[0])
        (void)snprintf(err->hint, sizeof err->hint, "a table is made with its first rows; SHOW TABLES lists them");
    if (err->code == LB_ERR_LIMIT && !err->hint[0])
        (void)snprintf(err->hint, sizeof err->hint, "ask for less at once: a LIMIT, fewer columns, a sum");
    return err->code;
}

/* ---- arguments ---- */

/* Each value goes beside the statement, as text with a type: none becomes part of it. */
static int make_value(const lb_value *arg, lb_type declared, bricks_value *value, delta_text *text, lb_error *err)
{
    *value = (bricks_value){.type = bricks_type(declared)};
    switch (arg->type) {
    case LB_NULL:
        return 0; /* no value is null */
    case LB_TEXT:
        delta_text_puts(text, arg->v.text);
        break;
    case LB_I64:
        delta_text_printf(text, "%lld", (long long)arg->v.i64);
        break;
    case LB_F64:
        delta_text_printf(text, "%.17g", arg->v.f64);
        break;
    case LB_BOOL:
        delta_text_puts(text, arg->v.flag ? "true" : "false");
        break;
    case LB_TIME:
        delta_text_time(text, arg->v.i64);
        break;
    default:
        return lb_fail(err, LB_ERR_INVALID, NULL, "a question to the history cannot take such an argument");
    }
    value->value = text->data;
    return 0;
}

typedef struct arguments {
    bricks_value *values;
    delta_text *texts;
    char **names;
    size_t count;
} arguments;

static void arguments_done(arguments *a)
{
    for (size_t i = 0; i < a->count; i++) {
        delta_text_done(&a->texts[i]);
        free(a->names[i]);
    }
    free(a->values);
    free(a->texts);
    free(a->names);
}

static int make_arguments(const lb_delta_question *q, arguments *a, lb_error *err)
{
    int r = 0;
    uint32_t count = LB_HAS(q, lb_delta_question, arg_count) ? q->arg_count : 0;
    *a = (arguments){.values = delta_alloc((count + 1) * sizeof *a->values),
                     .texts = delta_alloc((count + 1) * sizeof *a->texts),
                     .names = delta_alloc((count + 1) * sizeof *a->names),
                     .count = count};
    for (uint32_t i = 0; r >= 0 && i < count; i++) {
        r = make_value(&q->args[i], q->arg_types[i], &a->values[i], &a->texts[i], err);
        a->values[i].name = a->names[i] = delta_printf(BRICKS_MARKER "%u", i + 1);
    }
    return r;
}

/* A text that may be sent: what it asks, and the answer to the sink. */
static int ask(bricks *b, const char *text, bool anywhere, const lb_delta_question *question, const lb_delta_sink *sink,
               bool *ret_cut, lb_error *err)
{
    bricks_answer answer;
    arguments args = {.count = 0};
    int r = make_arguments(question, &args, err);
    bool bounded = question->max_bytes && question->max_bytes < INLINE_MOST;
    const bricks_statement statement = {.text = text,
                                        .what = "the question",
                                        .values = args.values,
                                        .value_count = args.count,
                                        .row_limit = question->max_rows,
                                        .byte_limit = bounded ? question->max_bytes : 0,
                                        .deadline = question->deadline,
                                        .anywhere = anywhere};
    if (r >= 0) {
        giving g = {.sink = sink, .max_rows = question->max_rows, .max_bytes = question->max_bytes};
        if (LB_HAS(question, lb_delta_question, meanwhile_arg)) {
            b->meanwhile = question->meanwhile;
            b->meanwhile_arg = question->meanwhile_arg;
        }
        r = bricks_ask(b, &statement, &answer, err);
        if (r >= 0)
            r = give(b, &answer, question->deadline, &g, err);
        if (r >= 0)
            *ret_cut = g.cut || rest_json_flag(answer.rows, "manifest.truncated");
        b->meanwhile = NULL; /* it was this question's */
        giving_done(&g);
        bricks_answer_done(&answer);
    }
    arguments_done(&args);
    return r < 0 ? r : 0;
}

int bricks_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                 lb_error *err)
{
    bricks *b = state;
    DELTA_AUTO_FREE char *text = NULL;
    int r = bricks_check_question(b->catalog, b->schema, question->text, &text, err);
    if (r >= 0)
        r = ask(b, text, false, question, sink, ret_cut, err);
    return r < 0 ? explain(err) : r;
}

/* ---- other tables ---- */

/* From the composer's hand to the warehouse's: names in backticks, and $1 as :p1. A literal stays what it is. */
char *bricks_translate(const char *composed)
{
    delta_text out = {0};
    for (const char *p = composed; *p;) {
        const char *from = p;
        if (*p == '\'') {
            for (p++; *p && (*p != '\'' || *++p == '\'');)
                p++;
            delta_text_put(&out, from, (size_t)(p - from));
        } else if (*p == '"') {
            delta_text name = {0};
            for (p++; *p && (*p != '"' || *++p == '"'); p++)
                delta_text_put(&name, p, 1);
            bricks_identifier(&out, name.data ? name.data : "");
            delta_text_done(&name);
        } else if (*p == '$') {
            delta_text_puts(&out, ":" BRICKS_MARKER);
            p++;
        } else {
            delta_text_put(&out, p++, 1);
        }
    }
    return out.data ? out.data : delta_strdup("");
}

/* Nobody writes these by hand: each is a SELECT of the catalogue, and the names that it is given are quoted. */
int bricks_lake_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                      lb_error *err)
{
    DELTA_AUTO_FREE char *text = bricks_translate(question->text);
    return ask(state, text, true, question, sink, ret_cut, err);
}

/* ---- changing them ---- */

int bricks_lake_merge(void *state, const lb_lake_name *name, const lb_delta_question *merge, const lb_delta_sink *sink,
                      lb_error *err)
{
    static const char *const names[] = {"rows"};
    static const lb_type types[] = {LB_I64};
    REST_JSON_AUTO *answer = NULL;
    DELTA_AUTO_FREE char *text = bricks_translate(merge->text), *rows = NULL;
    arguments args = {.count = 0};
    bool in_doubt = false;
    int r = make_arguments(merge, &args, err);
    const bricks_statement statement = {.text = text,
                                        .what = "the MERGE",
                                        .values = args.values,
                                        .value_count = args.count,
                                        .deadline = merge->deadline,
                                        .anywhere = true};
    if (r >= 0)
        r = bricks_run(state, &statement, &answer, &in_doubt, err);
    arguments_done(&args);
    if (r < 0 && in_doubt)
        return lb_fail(err, LB_ERR_UNREACHABLE, "compare the tables before anything else is done",
                       "whether the MERGE into %.80s.%.80s.%.80s was carried out is not known", name->catalog,
                       name->schema, name->name);
    if (r < 0)
        return bricks_name_grant(state, err, "SELECT, MODIFY ON TABLE `%s`.`%s`.`%s`", name->catalog, name->schema,
                                 name->name);
    rows = delta_printf("%lld", (long long)bricks_count_of(answer, "num_affected_rows", 0));
    r = sink->columns(sink->state, DELTA_COUNT(names), names, types, err);
    const char *const cells[] = {rows};
    return r < 0 ? r : sink->row(sink->state, DELTA_COUNT(cells), cells, err);
}
