/* query_shape.h: what the text of a statement says about its cost, from the server's own parser. Pure logic. */
#ifndef LBOPS_QUERY_SHAPE_H
#define LBOPS_QUERY_SHAPE_H

#include <lbops/lbops.h>

typedef struct query_shape {
    bool parses;
    bool has_offset;           /* OFFSET: rows that are made and thrown away */
    bool has_not_in;           /* NOT IN (SELECT ...) */
    bool has_limit, has_where; /* of the statement itself */
    bool only_reads;           /* a SELECT */
} query_shape;

query_shape query_read_shape(const char *text);

/* Does a condition, as plans print it, compare what was computed from a column, so that an index on the column itself
 * is of no use? The name of the function or operator goes into `by`. */
bool query_compares_computed(const char *condition, char *by, size_t size);

/* LIKE with a pattern that begins with a wildcard. */
bool query_has_leading_wildcard(const char *condition);

#endif
