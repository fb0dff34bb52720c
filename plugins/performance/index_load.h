/* index_load.h: what an index that is tried on a throwaway branch does to the work on its table, measured: the
 * statements of the history that read it are executed there without the index and with it, and some rows are written,
 * which is undone, to see what it adds to the log. */
#ifndef INDEX_LOAD_H
#define INDEX_LOAD_H

#include "index_work.h"

/* A statement, weighted by how often it ran. */
typedef struct index_load_one {
    const char *query_id;
    double calls, before, after; /* ms of one execution; -1: it was not executed */
    const char *why;             /* it was not, so that the planner's cost is all there is; or NULL */
} index_load_one;

typedef struct index_load_sum {
    double before, after; /* ms of a call, of all that were executed both times; -1: none was */
    double calls;
    int64_t executed, slower;
} index_load_sum;

index_load_sum index_load_add_up(const index_load_one *items, size_t count);
/* A statement takes longer than chance explains: by a quarter, and by a tenth of a millisecond. */
bool index_load_is_slower(const index_load_one *one);
/* The table's statements together do: by a tenth, and by 0.05 ms of a call. Such an index is not proven. -1: nobody
 * knows, so it does not. */
bool index_load_harms(double before, double after);

typedef struct index_load index_load;

/* JSON: [{query_id, query, calls}]. One execution may take statement_ms, and all of the run total_ms. */
LB_MUST_CHECK int index_load_new(lb_ctx *ctx, const char *json, int64_t statement_ms, int64_t total_ms,
                                 index_load **ret_load, lb_error *err);
/* Executes those that read the table, while the index is not there: once for all indexes of a table. */
LB_MUST_CHECK int index_load_before(index_load *load, const index_table *table, lb_error *err);
/* And with it: again where the plan is another one. A plan that is the same does the same, and keeps its time. */
LB_MUST_CHECK int index_load_after(index_load *load, const index_table *table, lb_error *err);
/* Was that statement executed without the index and with it, the last time? */
bool index_load_has_measured(const index_load *load, const char *query_id);
/* Of the last table, as a document. NULL: out of memory. */
const char *index_load_text(const index_load *load);
/* Of such a document: "; slower: 4711 (3 to 41 ms)", or "" */
const char *index_load_slower_text(lb_ctx *ctx, const char *document);

/* Bytes of log for each row that is written anew with another row's value of the column, which is undone. -1: for the
 * reason in *ret_why it could not be. */
LB_MUST_CHECK int index_load_write(lb_ctx *ctx, const index_table *table, const char *column, double *ret_bytes,
                                   const char **ret_why, lb_error *err);
/* "lbops 200 51200" in the server's words: rows and bytes. -1: it says nothing of the kind. */
double index_load_read_write(const char *message);

#endif
