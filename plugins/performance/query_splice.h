/* query_splice.h: where in a statement's text a part of it stands that can be written in another way. Pure logic. */
#ifndef LBOPS_QUERY_SPLICE_H
#define LBOPS_QUERY_SPLICE_H

#include <lbops/lbops.h>

typedef struct query_span {
    size_t from, length; /* in bytes */
} query_span;

/* operand NOT IN (subquery): all of it, and its two sides. */
typedef struct query_not_in {
    query_span whole, operand, subquery;
} query_not_in;

/* The first one whose operand is a column. False: there is none, or nobody can be sure where it ends. */
bool query_find_not_in(const char *text, query_not_in *ret_found);

#endif
