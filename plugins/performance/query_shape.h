/* query_shape.h: what the text of a statement says about its cost, from the server's own parser. Pure logic. */
#ifndef LBOPS_QUERY_SHAPE_H
#define LBOPS_QUERY_SHAPE_H

#include <lbops/lbops.h>

typedef struct query_shape {
    bool parses;
    bool has_offset;           /* OFFSET: rows that are made and thrown away */
    bool has_not_in;           /* NOT IN (SELECT ...) */
    bool has_limit, has_where; /* of the statement itself */
    bool has_order;
    bool has_parameters; /* $1: whose plan is then one for any values, where none were given */
    bool only_reads;     /* a SELECT that locks no rows and has nothing in it that writes */
} query_shape;

query_shape query_read_shape(const char *text);

#define QUERY_SORT_KEYS 8

/* What a SELECT's rows are sorted by, as names of columns that it returns. is_seen: all of it; not where it sorts by
 * something else than these, or two of them have one name. */
typedef struct query_sort {
    bool is_sorted, is_seen;
    size_t count;
    char keys[QUERY_SORT_KEYS][64];
} query_sort;

query_sort query_read_sort(const char *text);

/* Does a condition, as plans print it, compare what was computed from a column, so that an index on the column itself
 * is of no use? The name of the function or operator goes into `by`. */
bool query_compares_computed(const char *condition, char *by, size_t size);

/* LIKE with a pattern that begins with a wildcard. */
bool query_has_leading_wildcard(const char *condition);

#endif
