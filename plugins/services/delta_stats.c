/* What DuckDB says of a file it wrote, as the statistics of an add action. */
#include "delta_local.h"

#include <math.h>

#define INDEXED_COLUMNS 32 /* Delta's own default: further columns have no statistics */
#define TEXT_MAX        32 /* longer bounds are left out */

/* A VARCHAR cell of one of the nested vectors, borrowed. */
typedef struct piece {
    const char *data;
    size_t length;
} piece;

static piece piece_at(duckdb_vector vector, idx_t row)
{
    duckdb_string_t *strings = duckdb_vector_get_data(vector);
    return (piece){duckdb_string_t_data(&strings[row]), duckdb_string_t_length(strings[row])};
}

static bool is(piece p, const char *text)
{
    return p.length == strlen(text) && memcmp(p.data, text, p.length) == 0;
}

/* The statistics of one column: a map of texts. */
typedef struct bounds {
    piece min, max, null_count;
    bool has_min, has_max, has_nulls, has_nan;
} bounds;

static bounds read_bounds(duckdb_vector map, idx_t row)
{
    bounds b = {0};
    const duckdb_list_entry *entries = duckdb_vector_get_data(map);
    duckdb_vector pairs = duckdb_list_vector_get_child(map);
    duckdb_vector keys = duckdb_struct_vector_get_child(pairs, 0), values = duckdb_struct_vector_get_child(pairs, 1);
    for (idx_t i = entries[row].offset; i < entries[row].offset + entries[row].length; i++) {
        piece key = piece_at(keys, i), value = piece_at(values, i);
        if (is(key, "min")) {
            b.min = value;
            b.has_min = true;
        } else if (is(key, "max")) {
            b.max = value;
            b.has_max = true;
        } else if (is(key, "null_count")) {
            b.null_count = value;
            b.has_nulls = true;
        } else if (is(key, "has_nan")) {
            b.has_nan = is(value, "true");
        }
    }
    return b;
}

/* Finds "name", quoted as an identifier, among the columns of one file. */
static bool find_bounds(duckdb_vector map, idx_t row, const char *name, bounds *ret)
{
    const duckdb_list_entry *entries = duckdb_vector_get_data(map);
    duckdb_vector pairs = duckdb_list_vector_get_child(map);
    duckdb_vector keys = duckdb_struct_vector_get_child(pairs, 0), values = duckdb_struct_vector_get_child(pairs, 1);
    size_t length = strlen(name);
    for (idx_t i = entries[row].offset; i < entries[row].offset + entries[row].length; i++) {
        piece key = piece_at(keys, i);
        if (key.length == length + 2 && memcmp(key.data + 1, name, length) == 0) {
            *ret = read_bounds(values, i);
            return true;
        }
    }
    return false;
}

/* Delta keeps milliseconds; the upper bound is rounded up, so that nothing lies above it. */
static bool put_time_bound(delta_text *text, piece p, bool upper)
{
    int64_t t;
    if (!delta_parse_time(p.data, p.length, &t))
        return false;
    int64_t rest = (t % 1000 + 1000) % 1000, ms = t - rest + (upper && rest ? 1000 : 0);
    delta_text_puts(text, "\"");
    size_t before = text->length;
    delta_text_time(text, ms);
    text->length = before + sizeof "2026-01-31T23:59:59.123" - 1;
    text->data[text->length] = '\0';
    delta_text_puts(text, "Z\"");
    return true;
}

static bool put_bound(delta_text *text, lb_type type, piece p, bool upper)
{
    char copy[64];
    if (type != LB_TIME) {
        if (p.length >= sizeof copy)
            return false;
        memcpy(copy, p.data, p.length);
        copy[p.length] = '\0';
    }
    switch (type) {
    case LB_TIME:
        return put_time_bound(text, p, upper);
    case LB_I64:
    case LB_F64:
        if (!isfinite(strtod(copy, NULL)))
            return false;
        delta_text_puts(text, copy);
        return true;
    case LB_TEXT:
        if (p.length > TEXT_MAX)
            return false;
        delta_text_json(text, copy);
        return true;
    default:
        return false; /* Delta keeps none for booleans; documents are no use as bounds */
    }
}

typedef enum aspect { MINIMA, MAXIMA, NULLS } aspect;

static void put_aspect(const delta_table_def *def, duckdb_vector map, idx_t row, aspect which, delta_text *text)
{
    bool first = true;
    for (size_t i = 0; i < def->count && i < INDEXED_COLUMNS; i++) {
        bounds b;
        size_t before = text->length;
        if (!find_bounds(map, row, def->columns[i].name, &b))
            continue;
        delta_text_printf(text, "%s\"%s\":", first ? "" : ",", def->columns[i].name);
        bool put = false;
        if (which == NULLS && b.has_nulls) {
            delta_text_put(text, b.null_count.data, b.null_count.length);
            put = true;
        } else if (which == MINIMA && b.has_min && !b.has_nan) {
            put = put_bound(text, def->columns[i].type, b.min, false);
        } else if (which == MAXIMA && b.has_max && !b.has_nan) {
            put = put_bound(text, def->columns[i].type, b.max, true);
        }
        if (put)
            first = false;
        else
            text->length = before;
    }
    text->data[text->length] = '\0';
}

void delta_stats_put(const delta_table_def *def, duckdb_data_chunk chunk, idx_t row, int64_t rows, delta_text *text)
{
    static const char *const names[] = {[MINIMA] = "minValues", [MAXIMA] = "maxValues", [NULLS] = "nullCount"};
    duckdb_vector statistics = duckdb_data_chunk_get_vector(chunk, 4);
    delta_text_printf(text, "{\"numRecords\":%lld", (long long)rows);
    for (aspect which = MINIMA; which <= NULLS; which++) {
        delta_text_printf(text, ",\"%s\":{", names[which]);
        put_aspect(def, statistics, row, which, text);
        delta_text_puts(text, "}");
    }
    delta_text_puts(text, "}");
}
