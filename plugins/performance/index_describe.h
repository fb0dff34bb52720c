/* index_describe.h: an index to be tried, as one tool tells another of it. */
#ifndef INDEX_DESCRIBE_H
#define INDEX_DESCRIBE_H

#include "index_missing.h"
#include "parsed.h"

/* What a candidate points to, without the catalogue. Its table may be partitioned, and is treated as if it were. */
typedef struct index_described {
    index_candidate candidate;
    index_table table;
    index_column columns[INDEX_CANDIDATE_KEYS], beside[INDEX_BESIDE], part;
} index_described;

parsed *index_describe(const index_candidate *candidate); /* NULL: out of memory */

/* Texts live as long as the document; ret_described must stay where it is. LB_ERR_INVALID: something is missing. */
LB_MUST_CHECK int index_read_described(parsed *from, index_described *ret_described, lb_error *err);

#endif
