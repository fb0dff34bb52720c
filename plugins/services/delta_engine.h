/* delta_engine.h: DuckDB, in the few ways the local history uses it: fixed statements with bound parameters, a deadline
 * for each, errors in our terms. Nothing here reaches for a network: extensions are neither loaded nor installed. */
#ifndef LBOPS_SERVICES_DELTA_ENGINE_H
#define LBOPS_SERVICES_DELTA_ENGINE_H

#include "delta_base.h"

#include <duckdb.h>

typedef struct delta_engine delta_engine;

typedef struct delta_engine_options {
    int64_t memory_mb, threads;
    const char *temp_dir; /* where sorts spill; made when needed */
} delta_engine_options;

LB_MUST_CHECK int delta_engine_open(const lb_service_host *host, const delta_engine_options *options,
                                    delta_engine **ret_engine, lb_error *err);
delta_engine *delta_engine_free(delta_engine *engine);
duckdb_connection delta_engine_connection(const delta_engine *engine);

/* How many threads its statements use from now on. With more than one, the caller's own spins while it waits. */
LB_MUST_CHECK int delta_engine_threads(delta_engine *engine, int64_t threads, lb_error *err);

/* While a statement runs that takes longer, `meanwhile` is called some ten times a second, in the caller's thread. It
 * may do anything but use this engine. NULL: there is no other work. */
void delta_engine_meanwhile(delta_engine *engine, void (*meanwhile)(void *arg), void *arg);

/* Runs one statement. values are consumed whatever happens; ret_result may be NULL, else the caller destroys it. Past
 * the deadline (0: none) the statement is interrupted: LB_ERR_TIMEOUT. */
LB_MUST_CHECK int delta_run(delta_engine *engine, const char *sql, duckdb_value *values, size_t count, int64_t deadline,
                            duckdb_result *ret_result, lb_error *err);
/* The same for a statement that was prepared before. */
LB_MUST_CHECK int delta_run_prepared(delta_engine *engine, duckdb_prepared_statement statement, int64_t deadline,
                                     duckdb_result *ret_result, lb_error *err);

duckdb_value delta_value_texts(const char *const *texts, size_t count);

/* Hands over each row of a result whose columns are all VARCHAR. */
typedef int (*delta_row_fn)(void *arg, uint32_t count, const char *const *cells, lb_error *err);
LB_MUST_CHECK int delta_each_row(duckdb_result *result, delta_row_fn row, void *arg, lb_error *err);

/* Our error for one of DuckDB's messages, which begin with their kind ("IO Error: ..."). */
int delta_engine_fail(lb_error *err, const char *message);

/* A copy of a VARCHAR cell; the caller frees. */
char *delta_cell(duckdb_vector vector, idx_t row);

#endif
