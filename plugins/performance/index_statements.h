/* index_statements.h: the statements that a server has counted, whatever its extension calls the columns. */
#ifndef INDEX_STATEMENTS_H
#define INDEX_STATEMENTS_H

#include "index_work.h"

#include <sql/index/statements.h>
#include <stdbool.h>

/* wish->counted is filled in; the rows are read with index_statements_next. */
LB_MUST_CHECK int index_ask_statements(index_work *work, index_statements_args *wish, lb_rows **ret_rows,
                                       lb_error *err);

typedef struct index_counting {
    int64_t since;     /* 0: it does not say */
    int64_t evictions; /* how often it has dropped some since, to make room; -1: it does not say */
} index_counting;

LB_MUST_CHECK int index_ask_counting(index_work *work, index_counting *ret_counting, lb_error *err);

/* What was written and what statements took can be weighed against each other: both were counted since about the same
 * time. A table's counts go on after a restart, and begin with the database's. */
bool index_counts_agree(const index_window *window, int64_t statements_since);

/* 1.8 has another name for the time that statements took; NULL: none is installed. */
bool index_statements_are_older(const char *version);

#endif
