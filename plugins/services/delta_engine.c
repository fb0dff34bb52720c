#include "delta_engine.h"

#include <pthread.h>
#include <time.h>

#define WATCH_NS     20000000  /* how often a statement past its deadline is interrupted again */
#define MEANWHILE_NS 100000000 /* how often there is other work while one runs */

typedef struct delta_watch {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int64_t deadline; /* of the statement that runs; 0: none, or without one */
    bool running, over;
} delta_watch;

struct delta_engine {
    const lb_service_host *host;
    duckdb_database database;
    duckdb_connection connection;
    int64_t threads;
    delta_watch watch;
    void (*meanwhile)(void *arg);
    void *meanwhile_arg;
};

/* ---- errors ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

int delta_engine_fail(lb_error *err, const char *message)
{
    static const struct {
        const char *kind;
        int code;
        const char *hint;
    } kinds[] = {
        {"IO Error", LB_ERR_IO, NULL},
        {"Permission Error", LB_ERR_DENIED, "only the history tables can be read here"},
        {"Out of Memory Error", LB_ERR_LIMIT, "ask for less at once, or raise memory_mb of the delta service"},
        {"INTERRUPT Error", LB_ERR_TIMEOUT, NULL},
        {"INTERNAL Error", LB_ERR_INTERNAL, NULL},
    };
    const char *text = message ? message : "no reason given";
    for (size_t i = 0; i < DELTA_COUNT(kinds); i++) {
        if (!begins(text, kinds[i].kind))
            continue;
        const char *hint = kinds[i].hint;
        if (strstr(text, "No space left"))
            hint = "make room on that disk; what waits in the outbox is committed then";
        return lb_fail(err, kinds[i].code, hint, "%.500s", text);
    }
    return lb_fail(err, LB_ERR_SQL, NULL, "%.500s", text);
}

/* ---- deadlines ---- */

static bool is_unwanted(const delta_engine *engine)
{
    return engine->host->now() >= engine->watch.deadline || engine->host->cancelled();
}

static struct timespec from_now(long nanoseconds)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
    t.tv_nsec += nanoseconds;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

/* A plain mutex and a condition on the monotonic clock: they allocate nothing and cannot fail. */
static void signal_open(pthread_mutex_t *lock, pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    (void)pthread_mutex_init(lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void signal_close(pthread_mutex_t *lock, pthread_cond_t *wake)
{
    (void)pthread_cond_destroy(wake);
    (void)pthread_mutex_destroy(lock);
}

/* The thread that interrupts the connection once the deadline has passed, again and again until the statement ends. It
 * lives as long as the engine: statements of a few milliseconds would wait for it to come and go. */
static void *watch_main(void *arg)
{
    delta_engine *engine = arg;
    delta_watch *w = &engine->watch;
    (void)pthread_mutex_lock(&w->lock); /* a plain mutex of ours cannot fail */
    while (!w->over) {
        if (!w->deadline) {
            (void)pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        const struct timespec until = from_now(WATCH_NS);
        (void)pthread_cond_timedwait(&w->wake, &w->lock, &until); /* a time-out is the usual end */
        if (!w->over && w->deadline && is_unwanted(engine))
            duckdb_interrupt(engine->connection);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void watch_close(delta_watch *w)
{
    if (w->running) {
        (void)pthread_mutex_lock(&w->lock);
        w->over = true;
        (void)pthread_cond_signal(&w->wake);
        (void)pthread_mutex_unlock(&w->lock);
        (void)pthread_join(w->thread, NULL);
    }
    signal_close(&w->lock, &w->wake);
}

/* 0: the statement has ended. Nothing is interrupted after that. */
static void watch_until(delta_engine *engine, int64_t deadline)
{
    delta_watch *w = &engine->watch;
    if (!w->running && deadline) /* without it only the deadline is lost */
        w->running = pthread_create(&w->thread, NULL, watch_main, engine) == 0;
    (void)pthread_mutex_lock(&w->lock);
    w->deadline = deadline;
    if (deadline)
        (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->lock);
}

/* ---- open and close ---- */

static int set_options(duckdb_config config, const delta_engine_options *options, lb_error *err)
{
    DELTA_AUTO_FREE char *memory = delta_printf("%lldMB", (long long)options->memory_mb);
    DELTA_AUTO_FREE char *threads = delta_printf("%lld", (long long)options->threads);
    const struct {
        const char *name, *value;
    } settings[] = {
        {"max_memory", memory},
        {"threads", threads},
        {"temp_directory", options->temp_dir},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"preserve_insertion_order", "true"},
        {"custom_user_agent", "lbops"},
    };
    for (size_t i = 0; i < DELTA_COUNT(settings); i++)
        if (duckdb_set_config(config, settings[i].name, settings[i].value) != DuckDBSuccess)
            return lb_fail(err, LB_ERR_INTERNAL, "is this the DuckDB that scripts/setup installs?",
                           "DuckDB does not take the setting %s", settings[i].name);
    return 0;
}

int delta_engine_open(const lb_service_host *host, const delta_engine_options *options, delta_engine **ret_engine,
                      lb_error *err)
{
    duckdb_config config;
    char *problem = NULL;
    if (duckdb_create_config(&config) != DuckDBSuccess)
        return lb_out_of_memory(err);
    delta_engine *e = delta_alloc(sizeof *e);
    e->host = host;
    e->threads = options->threads;
    signal_open(&e->watch.lock, &e->watch.wake);
    int r = set_options(config, options, err);
    if (r == 0 && duckdb_open_ext(NULL, &e->database, config, &problem) != DuckDBSuccess)
        r = delta_engine_fail(err, problem);
    if (r == 0 && duckdb_connect(e->database, &e->connection) != DuckDBSuccess)
        r = lb_fail(err, LB_ERR_INTERNAL, NULL, "DuckDB gives no connection");
    duckdb_destroy_config(&config);
    duckdb_free(problem);
    if (r == 0)
        r = delta_run(e, "SET TimeZone = 'UTC'", NULL, 0, 0, NULL, err);
    if (r < 0) {
        (void)delta_engine_free(e); /* gives NULL */
        return r;
    }
    *ret_engine = e;
    return 0;
}

delta_engine *delta_engine_free(delta_engine *engine)
{
    if (!engine)
        return NULL;
    watch_close(&engine->watch);
    if (engine->connection)
        duckdb_disconnect(&engine->connection);
    if (engine->database)
        duckdb_close(&engine->database);
    free(engine);
    return NULL;
}

duckdb_connection delta_engine_connection(const delta_engine *engine)
{
    return engine->connection;
}

/* ---- other work while a statement runs ---- */

void delta_engine_meanwhile(delta_engine *engine, void (*meanwhile)(void *arg), void *arg)
{
    engine->meanwhile = meanwhile;
    engine->meanwhile_arg = arg;
}

typedef struct errand {
    duckdb_prepared_statement statement;
    duckdb_result *result;
    duckdb_state state;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
} errand;

static void *run_errand(void *arg)
{
    errand *e = arg;
    duckdb_state state = duckdb_execute_prepared(e->statement, e->result);
    (void)pthread_mutex_lock(&e->lock);
    e->state = state;
    e->done = true;
    (void)pthread_cond_signal(&e->wake);
    (void)pthread_mutex_unlock(&e->lock);
    return NULL;
}

static void wait_for(delta_engine *engine, errand *e)
{
    (void)pthread_mutex_lock(&e->lock);
    while (!e->done) {
        const struct timespec until = from_now(MEANWHILE_NS);
        if (pthread_cond_timedwait(&e->wake, &e->lock, &until) == 0 || e->done)
            continue;
        (void)pthread_mutex_unlock(&e->lock);
        engine->meanwhile(engine->meanwhile_arg);
        (void)pthread_mutex_lock(&e->lock);
    }
    (void)pthread_mutex_unlock(&e->lock);
}

/* Where there is other work it is the statement that gets a thread: the caller's stays the one for all else. */
static duckdb_state execute(delta_engine *engine, duckdb_prepared_statement statement, duckdb_result *result)
{
    pthread_t thread;
    errand e = {.statement = statement, .result = result};
    if (!engine->meanwhile)
        return duckdb_execute_prepared(statement, result);
    signal_open(&e.lock, &e.wake);
    if (pthread_create(&thread, NULL, run_errand, &e) == 0) {
        wait_for(engine, &e);
        (void)pthread_join(thread, NULL); /* it has said that it is done */
    } else {
        (void)run_errand(&e); /* gives NULL; other work waits */
    }
    signal_close(&e.lock, &e.wake);
    return e.state;
}

/* ---- statements ---- */

int delta_run_prepared(delta_engine *engine, duckdb_prepared_statement statement, int64_t deadline,
                       duckdb_result *ret_result, lb_error *err)
{
    duckdb_result result;
    if (deadline && engine->host->now() >= deadline)
        return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "no time is left for a statement on the history");
    watch_until(engine, deadline);
    duckdb_state state = execute(engine, statement, &result);
    watch_until(engine, 0);
    int r = state == DuckDBSuccess ? 0 : delta_engine_fail(err, duckdb_result_error(&result));
    if (r == LB_ERR_TIMEOUT && engine->host->cancelled())
        r = lb_fail(err, LB_ERR_CANCELLED, NULL, "a statement on the history was cancelled");
    else if (r == LB_ERR_TIMEOUT)
        r = lb_fail(err, LB_ERR_TIMEOUT, "ask for less at once, or give it more time",
                    "a statement on the history did not end in its time");
    if (r < 0 || !ret_result)
        duckdb_destroy_result(&result);
    else
        *ret_result = result;
    return r;
}

int delta_run(delta_engine *engine, const char *sql, duckdb_value *values, size_t count, int64_t deadline,
              duckdb_result *ret_result, lb_error *err)
{
    duckdb_prepared_statement statement = NULL;
    int r = duckdb_prepare(engine->connection, sql, &statement) == DuckDBSuccess
                ? 0
                : delta_engine_fail(err, duckdb_prepare_error(statement));
    for (size_t i = 0; i < count; i++) {
        if (r == 0 && duckdb_bind_value(statement, i + 1, values[i]) != DuckDBSuccess)
            r = lb_fail(err, LB_ERR_INTERNAL, NULL, "a statement on the history does not take its parameter %zu",
                        i + 1);
        duckdb_destroy_value(&values[i]);
    }
    if (r == 0)
        r = delta_run_prepared(engine, statement, deadline, ret_result, err);
    duckdb_destroy_prepare(&statement);
    return r;
}

int delta_engine_threads(delta_engine *engine, int64_t threads, lb_error *err)
{
    DELTA_TEXT sql = {0};
    if (threads == engine->threads)
        return 0;
    delta_text_printf(&sql, "SET threads = %lld", (long long)threads);
    int r = delta_run(engine, sql.data, NULL, 0, 0, NULL, err);
    if (r == 0)
        engine->threads = threads;
    return r;
}

duckdb_value delta_value_texts(const char *const *texts, size_t count)
{
    duckdb_value *items = delta_alloc(count * sizeof(duckdb_value));
    duckdb_logical_type type = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    for (size_t i = 0; i < count; i++)
        items[i] = duckdb_create_varchar(texts[i]);
    duckdb_value list = duckdb_create_list_value(type, items, count);
    for (size_t i = 0; i < count; i++)
        duckdb_destroy_value(&items[i]);
    duckdb_destroy_logical_type(&type);
    free(items);
    return list;
}

/* ---- results ---- */

char *delta_cell(duckdb_vector vector, idx_t row)
{
    duckdb_string_t *strings = duckdb_vector_get_data(vector);
    return delta_strndup(duckdb_string_t_data(&strings[row]), duckdb_string_t_length(strings[row]));
}

static int hand_chunk(duckdb_data_chunk chunk, delta_row_fn row, void *arg, lb_error *err)
{
    idx_t rows = duckdb_data_chunk_get_size(chunk), columns = duckdb_data_chunk_get_column_count(chunk);
    char **cells = delta_alloc((columns + 1) * sizeof *cells);
    int r = 0;
    for (idx_t i = 0; r == 0 && i < rows; i++) {
        for (idx_t c = 0; c < columns; c++) {
            duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, c);
            uint64_t *valid = duckdb_vector_get_validity(vector);
            cells[c] = !valid || duckdb_validity_row_is_valid(valid, i) ? delta_cell(vector, i) : NULL;
        }
        r = row(arg, (uint32_t)columns, (const char *const *)cells, err);
        for (idx_t c = 0; c < columns; c++)
            free(cells[c]);
    }
    free(cells);
    return r;
}

int delta_each_row(duckdb_result *result, delta_row_fn row, void *arg, lb_error *err)
{
    int r = 0;
    for (idx_t c = 0; c < duckdb_column_count(result); c++)
        if (duckdb_column_type(result, c) != DUCKDB_TYPE_VARCHAR)
            return lb_fail(err, LB_ERR_INTERNAL, NULL, "column %s of an answer of DuckDB is no text",
                           duckdb_column_name(result, c));
    for (duckdb_data_chunk chunk; r == 0 && (chunk = duckdb_fetch_chunk(*result));) {
        r = hand_chunk(chunk, row, arg, err);
        duckdb_destroy_data_chunk(&chunk);
    }
    return r;
}
