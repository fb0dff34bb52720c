/* Answers: a question that has been looked at, run and handed on row by row. */
#include "delta_local.h"

#include <lbops/number.h>

#define COLUMNS_MOST 2048
#define ROWS_MOST    (INT64_MAX / 2) /* DuckDB refuses a larger limit where it sees that one row comes */

/* An older host gives none. */
static uint32_t question_args(const lb_delta_question *q)
{
    return LB_HAS(q, lb_delta_question, arg_count) ? q->arg_count : 0;
}

typedef struct answer {
    const lb_delta_question *question;
    const lb_delta_sink *sink;
    lb_type *types;
    char **names;
    uint32_t count;
    int64_t rows, bytes;
    bool cut;
    delta_text *times; /* one for each column */
} answer;

static lb_type type_of(duckdb_type type)
{
    switch (type) {
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
        return LB_I64;
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_DECIMAL:
        return LB_NUMERIC;
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
        return LB_F64;
    case DUCKDB_TYPE_BOOLEAN:
        return LB_BOOL;
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        return LB_TIME;
    default:
        return LB_TEXT;
    }
}

static void make_columns(answer *a, idx_t count)
{
    a->count = (uint32_t)count;
    a->types = delta_alloc((a->count + 1) * sizeof *a->types);
    a->names = delta_alloc((a->count + 1) * sizeof *a->names);
    a->times = delta_alloc((a->count + 1) * sizeof *a->times);
}

static duckdb_value value_of(const lb_value *arg)
{
    switch (arg->type) {
    case LB_TEXT:
        return duckdb_create_varchar(arg->v.text);
    case LB_I64:
        return duckdb_create_int64(arg->v.i64);
    case LB_F64:
        return duckdb_create_double(arg->v.f64);
    case LB_BOOL:
        return duckdb_create_bool(arg->v.flag);
    case LB_TIME:
        return duckdb_create_timestamp_tz((duckdb_timestamp){.micros = arg->v.i64});
    default:
        return duckdb_create_null_value();
    }
}

/* `sql` with the question's text in its middle, which has been parsed as one SELECT, so that parentheses around it
 * hold; its values are bound beside it, and behind them `limit`. */
static int run_around(delta_engine *engine, const lb_delta_question *q, const char *select, int64_t limit,
                      duckdb_result *ret_result, lb_error *err)
{
    uint32_t count = question_args(q);
    DELTA_TEXT sql = {0};
    DELTA_AUTO_FREE duckdb_value *values = delta_alloc((count + 1) * sizeof(duckdb_value));
    delta_text_printf(&sql, "SELECT %s FROM (%s\n) LIMIT $%u", select, q->text, count + 1);
    for (uint32_t i = 0; i < count; i++)
        values[i] = value_of(&q->args[i]);
    values[count] = duckdb_create_int64(limit);
    return delta_run(engine, sql.data, values, count + 1, q->deadline, ret_result, err);
}

static void take_columns(answer *a, duckdb_result *result)
{
    make_columns(a, duckdb_column_count(result));
    for (uint32_t i = 0; i < a->count; i++) {
        a->types[i] = type_of(duckdb_column_type(result, i));
        a->names[i] = delta_strdup(duckdb_column_name(result, i));
    }
}

/* Names and types as the question itself gives them. */
static int describe_answer(delta_engine *engine, answer *a, lb_error *err)
{
    duckdb_prepared_statement statement = NULL;
    int r = 0;
    if (duckdb_prepare(delta_engine_connection(engine), a->question->text, &statement) != DuckDBSuccess)
        r = delta_engine_fail(err, duckdb_prepare_error(statement));
    else if (duckdb_prepared_statement_type(statement) != DUCKDB_STATEMENT_TYPE_SELECT)
        r = lb_fail(err, LB_ERR_DENIED, "ask with one SELECT over the history tables",
                    "the history can be asked and not changed");
    else if (duckdb_nparams(statement))
        r = lb_fail(err, LB_ERR_INVALID, "write the values into the question", "the question has parameters");
    if (r == 0) {
        make_columns(a, duckdb_prepared_statement_column_count(statement));
        for (uint32_t i = 0; i < a->count; i++) {
            const char *name = duckdb_prepared_statement_column_name(statement, i);
            a->types[i] = type_of(duckdb_prepared_statement_column_type(statement, i));
            a->names[i] = delta_strdup(name ? name : "");
            duckdb_free((void *)(uintptr_t)name); /* ours by contract */
        }
    }
    duckdb_destroy_prepare(&statement);
    return r;
}

/* Up to the limits; what goes beyond them is left out and said so. */
static int hand_cells(answer *a, uint32_t count, const char *const *cells, lb_error *err)
{
    const lb_delta_question *q = a->question;
    for (uint32_t i = 0; i < count; i++)
        a->bytes += cells[i] ? (int64_t)strlen(cells[i]) : 0;
    a->cut = a->cut || (q->max_rows && a->rows >= q->max_rows) || (q->max_bytes && a->bytes > q->max_bytes);
    if (a->cut)
        return 0;
    a->rows++;
    return a->sink->row(a->sink->state, count, cells, err);
}

/* What is no number is written as everywhere else here. */
static const char *plain_number(const char *cell)
{
    static const char *const words[][2] = {{"inf", "Infinity"}, {"-inf", "-Infinity"}, {"nan", "NaN"}};
    for (size_t i = 0; cell && i < DELTA_COUNT(words); i++)
        if (strcmp(words[i][0], cell) == 0)
            return words[i][1];
    return cell;
}

static int hand_row(void *arg, uint32_t count, const char *const *cells, lb_error *err)
{
    answer *a = arg;
    const char *out[COLUMNS_MOST];
    if (count > DELTA_COUNT(out))
        return lb_fail(err, LB_ERR_LIMIT, "ask for fewer columns", "the answer has %u columns", count);
    for (uint32_t i = 0; i < count; i++) {
        int64_t t;
        out[i] = a->types[i] == LB_F64 ? plain_number(cells[i]) : cells[i];
        if (!cells[i] || a->types[i] != LB_TIME || !delta_parse_time(cells[i], strlen(cells[i]), &t))
            continue;
        a->times[i].length = 0;
        delta_text_time(&a->times[i], t);
        out[i] = a->times[i].data;
    }
    return hand_cells(a, count, out, err);
}

/* ---- questions with values ---- */

/* As the engine itself would write it, or so that it reads the same. */
static void put_cell(delta_text *text, duckdb_type type, const void *data, idx_t row)
{
    char digits[LB_NUMBER_TEXT];
    double number;
    text->length = 0;
    switch (type) {
    case DUCKDB_TYPE_INTEGER:
        delta_text_put(text, digits, lb_i64_text(((const int32_t *)data)[row], digits));
        break;
    case DUCKDB_TYPE_BIGINT:
        delta_text_put(text, digits, lb_i64_text(((const int64_t *)data)[row], digits));
        break;
    case DUCKDB_TYPE_DOUBLE:
        number = ((const double *)data)[row];
        if (isfinite(number))
            delta_text_put(text, digits, lb_double_text(number, digits));
        else
            delta_text_puts(text, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
        break;
    case DUCKDB_TYPE_BOOLEAN:
        delta_text_puts(text, ((const bool *)data)[row] ? "true" : "false");
        break;
    default: /* DUCKDB_TYPE_TIMESTAMP_TZ */
        delta_text_time(text, ((const int64_t *)data)[row]);
    }
}

static bool is_simple(duckdb_type type)
{
    return type == DUCKDB_TYPE_VARCHAR || type == DUCKDB_TYPE_INTEGER || type == DUCKDB_TYPE_BIGINT ||
           type == DUCKDB_TYPE_DOUBLE || type == DUCKDB_TYPE_BOOLEAN || type == DUCKDB_TYPE_TIMESTAMP_TZ;
}

static bool are_simple(duckdb_result *result)
{
    for (idx_t c = 0; c < duckdb_column_count(result); c++)
        if (!is_simple(duckdb_column_type(result, c)))
            return false;
    return true;
}

static int hand_simple_row(answer *a, duckdb_result *result, duckdb_data_chunk chunk, idx_t row, lb_error *err)
{
    const char *cells[COLUMNS_MOST];
    char *owned[COLUMNS_MOST];
    const uint32_t count = a->count;
    cells[0] = owned[0] = NULL; /* compilers do not know that an answer has columns */
    if (count > DELTA_COUNT(cells))
        return lb_fail(err, LB_ERR_LIMIT, "ask for fewer columns", "the answer has %u columns", count);
    for (idx_t c = 0; c < count; c++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, c);
        uint64_t *valid = duckdb_vector_get_validity(vector);
        duckdb_type type = duckdb_column_type(result, c);
        cells[c] = owned[c] = NULL;
        if (valid && !duckdb_validity_row_is_valid(valid, row))
            continue;
        if (type == DUCKDB_TYPE_VARCHAR) {
            cells[c] = owned[c] = delta_cell(vector, row);
        } else {
            put_cell(&a->times[c], type, duckdb_vector_get_data(vector), row);
            cells[c] = a->times[c].data;
        }
    }
    int r = hand_cells(a, count, cells, err);
    for (idx_t c = 0; c < count; c++)
        free(owned[c]);
    return r;
}

static int hand_simple(answer *a, duckdb_result *result, lb_error *err)
{
    int r = 0;
    for (duckdb_data_chunk chunk; r == 0 && (chunk = duckdb_fetch_chunk(*result));) {
        for (idx_t row = 0; r == 0 && row < duckdb_data_chunk_get_size(chunk); row++)
            r = hand_simple_row(a, result, chunk, row, err);
        duckdb_destroy_data_chunk(&chunk);
    }
    return r;
}

/* Planning is what a small question costs, so it is run once where its columns are of the usual types; others are
 * written by the engine, in a second run. */
static int answer_with_values(delta_engine *engine, answer *a, lb_error *err)
{
    const lb_delta_question *q = a->question;
    duckdb_result result;
    int64_t limit = q->max_rows ? q->max_rows + 1 : ROWS_MOST;
    int r = run_around(engine, q, "*", limit, &result, err);
    if (r < 0)
        return r;
    bool simple = are_simple(&result);
    take_columns(a, &result);
    if (!simple) {
        duckdb_destroy_result(&result);
        r = run_around(engine, q, "CAST(COLUMNS(*) AS VARCHAR)", limit, &result, err);
        if (r < 0)
            return r;
    }
    r = a->sink->columns(a->sink->state, a->count, (const char *const *)a->names, a->types, err);
    if (r == 0)
        r = simple ? hand_simple(a, &result, err) : delta_each_row(&result, hand_row, a, err);
    duckdb_destroy_result(&result);
    return r;
}

/* ---- a person's ---- */

/* It goes in as a value itself, since it may end with a semicolon. */
static int answer_alone(delta_engine *engine, answer *a, lb_error *err)
{
    static const char sql[] = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM query($1) LIMIT $2";
    duckdb_result result;
    int64_t limit = a->question->max_rows ? a->question->max_rows + 1 : ROWS_MOST;
    int r = describe_answer(engine, a, err);
    if (r < 0)
        return r;
    duckdb_value values[] = {duckdb_create_varchar(a->question->text), duckdb_create_int64(limit)};
    r = delta_run(engine, sql, values, DELTA_COUNT(values), a->question->deadline, &result, err);
    if (r < 0)
        return r;
    r = a->sink->columns(a->sink->state, a->count, (const char *const *)a->names, a->types, err);
    if (r == 0)
        r = delta_each_row(&result, hand_row, a, err);
    duckdb_destroy_result(&result);
    return r;
}

static void answer_done(answer *a)
{
    for (uint32_t i = 0; i < a->count; i++) {
        free(a->names[i]);
        delta_text_done(&a->times[i]);
    }
    free(a->names);
    free(a->types);
    free(a->times);
}

int delta_answer(delta_engine *engine, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                 lb_error *err)
{
    answer a = {.question = question, .sink = sink};
    if (LB_HAS(question, lb_delta_question, meanwhile_arg))
        delta_engine_meanwhile(engine, question->meanwhile, question->meanwhile_arg);
    int r = question_args(question) ? answer_with_values(engine, &a, err) : answer_alone(engine, &a, err);
    delta_engine_meanwhile(engine, NULL, NULL); /* it was this question's */
    if (r == 0)
        *ret_cut = a.cut;
    answer_done(&a);
    return r;
}
