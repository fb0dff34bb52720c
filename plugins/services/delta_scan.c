#include "delta_scan.h"

#include "delta_line.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)1 << 20)

/* One thread's place: a file, a block of it, and how far it is read. */
typedef struct place {
    delta_scan *scan;
    lb_delta_file *file; /* NULL: none is open */
    int fd;
    char *block;
    size_t start, filled, capacity; /* unread bytes are block[start..filled) */
    bool at_end;
    int64_t line_number, promised, rows; /* rows: read of this file */
    delta_line line;
    delta_cells cells;
} place;

int delta_table_def_read(const lb_delta_table *given, delta_table_def *ret_def, lb_error *err)
{
    delta_table_def def = {.name = given->name,
                           .doc = given->doc,
                           .partition_time = given->partition_time,
                           .retention_days = given->retention_days,
                           .count = given->column_count,
                           .time_column = -1};
    if (def.count > DELTA_COLUMNS_MAX)
        return lb_fail(err, LB_ERR_LIMIT, NULL, "history table %s has more than %d columns", def.name,
                       DELTA_COLUMNS_MAX);
    for (size_t i = 0; i < def.count; i++) {
        const char *row = (const char *)given->columns + i * given->column_size;
        memcpy(&def.columns[i], row, sizeof def.columns[i]);
        def.name_lengths[i] = (uint16_t)strlen(def.columns[i].name);
        if (def.partition_time && strcmp(def.partition_time, def.columns[i].name) == 0)
            def.time_column = (int)i;
    }
    if (def.partition_time && (def.time_column < 0 || !def.columns[def.time_column].required))
        return lb_fail(err, LB_ERR_INVALID, NULL, "history table %s is partitioned by %s, which is no required column",
                       def.name, def.partition_time);
    *ret_def = def;
    return 0;
}

/* ---- files ---- */

LB_PRINTF(2, 3) static void damage(place *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(p->file->reason, sizeof p->file->reason, fmt, args); /* a long one is cut */
    va_end(args);
    p->file->fate = LB_DELTA_DAMAGED;
    atomic_store(&p->scan->damaged, true);
}

static void close_file(place *p)
{
    if (p->fd >= 0)
        (void)close(p->fd); /* read only */
    p->fd = -1;
    p->file = NULL;
    p->start = p->filled = 0;
}

/* The next line without its line feed; false at the end of the file and when it is damaged. */
static bool next_line(place *p, char **ret_line, size_t *ret_length)
{
    for (;;) {
        char *from = p->block + p->start;
        char *feed = p->filled > p->start ? memchr(from, '\n', p->filled - p->start) : NULL;
        if (feed) {
            *ret_line = from;
            *ret_length = (size_t)(feed - from);
            p->start += *ret_length + 1;
            p->line_number++;
            return true;
        }
        if (p->at_end) {
            if (p->filled > p->start)
                damage(p, "it ends within line %lld", (long long)p->line_number + 1);
            return false;
        }
        memmove(p->block, from, p->filled - p->start);
        p->filled -= p->start;
        p->start = 0;
        if (p->filled >= DELTA_SCAN_LINE_MAX) {
            damage(p, "line %lld is longer than %zu bytes", (long long)p->line_number + 1, DELTA_SCAN_LINE_MAX);
            return false;
        }
        if (p->capacity - p->filled < BLOCK_BYTES)
            p->block = delta_grow(p->block, p->capacity = p->filled + 2 * BLOCK_BYTES);
        ssize_t n = read(p->fd, p->block + p->filled, BLOCK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            damage(p, "it cannot be read: %s", strerror(errno));
            return false;
        }
        p->filled += (size_t)n;
        p->at_end = n == 0;
    }
}

/* {"lbops_outbox":1,"table":...,"run_id":...,"rows":N} */
static bool read_header(place *p)
{
    char *line;
    size_t length;
    if (!next_line(p, &line, &length)) {
        if (p->file->fate != LB_DELTA_DAMAGED)
            damage(p, "it is empty");
        return false;
    }
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *header = tokener ? json_tokener_parse_ex(tokener, line, (int)length) : NULL;
    struct json_object *version = NULL, *table = NULL, *rows = NULL;
    (void)json_object_object_get_ex(header, "lbops_outbox", &version); /* NULL where it is not there */
    (void)json_object_object_get_ex(header, "table", &table);
    (void)json_object_object_get_ex(header, "rows", &rows);
    p->promised = json_object_get_int64(rows);
    bool sound = json_object_get_int(version) == 1 && table && json_object_is_type(rows, json_type_int);
    const char *name = sound ? json_object_get_string(table) : "";
    if (!sound)
        damage(p, "its first line is no header of an outbox file");
    else if (strcmp(name, p->scan->table->name) != 0)
        damage(p, "its header says that it is for table %.63s", name);
    (void)json_object_put(header); /* says whether it was the last */
    if (tokener)
        json_tokener_free(tokener);
    return p->file->fate != LB_DELTA_DAMAGED;
}

/* Opens the next file that is not damaged; false when there is none. */
static bool open_next(place *p)
{
    for (;;) {
        size_t i = atomic_fetch_add(&p->scan->next, 1);
        if (i >= p->scan->count)
            return false;
        if (p->scan->files[i]->fate != LB_DELTA_LEFT)
            continue;
        p->file = p->scan->files[i];
        p->at_end = false;
        p->line_number = p->rows = 0;
        p->fd = open(p->file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (p->fd < 0)
            damage(p, "it cannot be opened: %s", strerror(errno));
        else if (read_header(p))
            return true;
        close_file(p);
    }
}

/* At the end of a file: did it hold what its header says? */
static void finish_file(place *p)
{
    if (p->file->fate == LB_DELTA_LEFT && p->rows != p->promised)
        damage(p, "it holds %lld rows, and its header says %lld", (long long)p->rows, (long long)p->promised);
    p->file->rows = p->rows;
    close_file(p);
}

/* ---- the table function ---- */

static void bind_columns(duckdb_bind_info info)
{
    delta_scan *const *current = duckdb_bind_get_extra_info(info);
    const delta_table_def *table = (*current)->table;
    static const duckdb_type types[] = {[LB_I64] = DUCKDB_TYPE_BIGINT,
                                        [LB_F64] = DUCKDB_TYPE_DOUBLE,
                                        [LB_BOOL] = DUCKDB_TYPE_BOOLEAN,
                                        [LB_TIME] = DUCKDB_TYPE_TIMESTAMP_TZ};
    for (size_t i = 0; i < table->count; i++) {
        lb_type type = table->columns[i].type;
        bool known = type == LB_I64 || type == LB_F64 || type == LB_BOOL || type == LB_TIME;
        duckdb_logical_type logical = duckdb_create_logical_type(known ? types[type] : DUCKDB_TYPE_VARCHAR);
        duckdb_bind_add_result_column(info, table->columns[i].name, logical);
        duckdb_destroy_logical_type(&logical);
    }
    if (table->time_column >= 0) {
        duckdb_logical_type date = duckdb_create_logical_type(DUCKDB_TYPE_DATE);
        duckdb_bind_add_result_column(info, "date", date);
        duckdb_destroy_logical_type(&date);
    }
}

static void init_scan(duckdb_init_info info)
{
    delta_scan *const *current = duckdb_init_get_extra_info(info);
    duckdb_init_set_max_threads(info, (*current)->count);
}

static void free_place(void *arg)
{
    place *p = arg;
    if (p->file)
        close_file(p);
    free(p->block);
    delta_text_done(&p->line.scratch);
    free(p);
}

static void init_place(duckdb_init_info info)
{
    delta_scan *const *current = duckdb_init_get_extra_info(info);
    place *p = delta_alloc(sizeof *p);
    p->scan = *current;
    p->fd = -1;
    p->block = delta_alloc(p->capacity = 2 * BLOCK_BYTES);
    p->line = (delta_line){.table = p->scan->table, .cells = &p->cells};
    duckdb_init_set_init_data(info, p, free_place);
}

static void take_vectors(place *p, duckdb_data_chunk output)
{
    size_t count = p->scan->table->count + (p->scan->table->time_column >= 0);
    for (size_t i = 0; i < count; i++) {
        p->cells.vectors[i] = duckdb_data_chunk_get_vector(output, i);
        p->cells.data[i] = duckdb_vector_get_data(p->cells.vectors[i]);
        duckdb_vector_ensure_validity_writable(p->cells.vectors[i]);
        p->cells.validity[i] = duckdb_vector_get_validity(p->cells.vectors[i]);
    }
}

/* False: the row is of another date than those before it. */
static bool is_of_one_date(const place *p, idx_t row)
{
    delta_scan *scan = p->scan;
    if (!scan->one_date || scan->table->time_column < 0)
        return true;
    int32_t date = ((const int32_t *)p->cells.data[scan->table->count])[row];
    if (!scan->has_date)
        scan->date = date;
    scan->has_date = true;
    scan->mixed = scan->date != date;
    return !scan->mixed;
}

/* Once a file is damaged the pass is lost, and the rows of the others are read only to find all that is damaged. */
static void read_rows(duckdb_function_info info, duckdb_data_chunk output)
{
    place *p = duckdb_function_get_local_init_data(info);
    idx_t room = duckdb_vector_size(), rows = 0;
    take_vectors(p, output);
    while (rows < room) {
        char *line;
        size_t length;
        if (!p->file && !open_next(p))
            break;
        if (!next_line(p, &line, &length)) {
            finish_file(p);
            continue;
        }
        if (!delta_line_parse(&p->line, line, length, rows)) {
            damage(p, "line %lld: %s", (long long)p->line_number, p->line.problem);
            close_file(p);
            continue;
        }
        p->rows++;
        if (!is_of_one_date(p, rows)) {
            duckdb_function_set_error(info, "the outbox files are of several dates");
            rows = 0;
            break;
        }
        if (!atomic_load(&p->scan->damaged))
            rows++;
    }
    if (atomic_load(&p->scan->damaged) && rows < room) {
        duckdb_function_set_error(info, "an outbox file is damaged");
        rows = 0;
    }
    duckdb_data_chunk_set_size(output, rows);
}

int delta_scan_register(delta_engine *engine, delta_scan **current, lb_error *err)
{
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_table_function_set_name(function, "outbox");
    duckdb_table_function_set_extra_info(function, current, NULL);
    duckdb_table_function_set_bind(function, bind_columns);
    duckdb_table_function_set_init(function, init_scan);
    duckdb_table_function_set_local_init(function, init_place);
    duckdb_table_function_set_function(function, read_rows);
    duckdb_state state = duckdb_register_table_function(delta_engine_connection(engine), function);
    duckdb_destroy_table_function(&function);
    return state == DuckDBSuccess ? 0 : lb_fail(err, LB_ERR_INTERNAL, NULL, "DuckDB does not take outbox()");
}
