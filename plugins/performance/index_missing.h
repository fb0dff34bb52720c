/* index_missing.h: indexes that statements ask for. Shared by the files index_missing*.c only, but for the rule itself.
 */
#ifndef INDEX_MISSING_H
#define INDEX_MISSING_H

#include "index_uses.h"
#include "index_work.h"

#define INDEX_CANDIDATE_KEYS 3

typedef struct index_missing_limits {
    int64_t min_rows, min_bytes; /* of a table: smaller ones are read quickly anyway */
    int64_t min_scans;           /* of the whole table, where only these are known */
    int64_t min_calls;           /* of a statement */
    double min_mean_ms, min_share;
    int64_t max_statements, max_proofs;
    const char *prove; /* "branch": build on one what the planner cannot be asked about */
} index_missing_limits;

typedef struct index_candidate {
    const index_table *table;
    const index_column *columns[INDEX_CANDIDATE_KEYS];
    bool descending[INDEX_CANDIDATE_KEYS];
    int count, equal_count;
    bool is_join, is_ordered, is_range;
    double calls, total_ms; /* of the statements that ask for it */
    const char *query_id;   /* of the costliest, and what it alone takes */
    double top_calls, top_ms;
    int64_t statement_count;
    double cost_before, cost_after; /* by the planner; after: -1 where nobody could say */
    int64_t bytes;                  /* of the index; -1: not known */
    bool reads_all;                 /* the planner reads the whole table now */
    bool is_tried;                  /* the planner was asked */
    const char *proven_on;          /* the branch that it was built on, within so many ms; or NULL */
    double build_ms;
} index_candidate;

typedef struct index_candidates {
    index_candidate *items;
    size_t count, capacity;
} index_candidates;

LB_MUST_CHECK int index_find_missing(index_work *work, const index_missing_limits *limits, lb_error *err);

/* Adds what the levels of one statement ask for. */
LB_MUST_CHECK int index_add_candidates(index_work *work, const index_missing_limits *limits, const index_level *levels,
                                       const index_candidate *statement, index_candidates *list, lb_error *err);
/* True when an index that is there does as well. */
bool index_is_served(const index_candidate *c);
/* Asks the planner. */
LB_MUST_CHECK int index_prove(index_work *work, index_candidate *c, lb_error *err);
/* What a search like those of the statements costs as things stand. */
LB_MUST_CHECK int index_explain_candidate(index_work *work, const index_candidate *c, double *ret_cost,
                                          bool *ret_reads_all, lb_error *err);

#endif
