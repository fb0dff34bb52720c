/* index_uses.h: by which columns a statement looks for rows, from its text alone. What cannot be used with an index
 * (OR, expressions) is left out, so that what is told can be relied on. */
#ifndef INDEX_USES_H
#define INDEX_USES_H

#include <lbops/lbops.h>

typedef enum index_use_kind {
    INDEX_USE_EQUAL = 1, /* = value, IN (values), = ANY (values) */
    INDEX_USE_RANGE,     /* < > BETWEEN */
    INDEX_USE_JOIN,      /* = a column of another relation */
    INDEX_USE_ORDER,     /* ORDER BY with LIMIT, in order */
    INDEX_USE_NULL,      /* IS NULL, and the other way around */
    INDEX_USE_NOT_NULL,
    INDEX_USE_TRUE, /* the column itself is the condition, or is negated */
    INDEX_USE_FALSE,
    INDEX_USE_CONTAINS, /* @> */
    INDEX_USE_OVERLAPS, /* && */
    INDEX_USE_HAS_KEY,  /* ? ?| ?& */
    INDEX_USE_PATTERN   /* LIKE, ILIKE: of which pattern is not known, as the server keeps $1 in its place */
} index_use_kind;

typedef struct index_relation {
    const char *schema; /* NULL: not said */
    const char *name, *alias;
} index_relation;

typedef struct index_use {
    const char *qualifier; /* alias or name of a relation; NULL: not said */
    const char *column;
    index_use_kind kind;
    bool descending;
    bool is_bounded; /* a range that is, or ends today: it holds a part of the rows, and not half of them */
} index_use;

/* Of what is left out: bits. */
typedef enum index_miss {
    INDEX_MISS_COMPUTED = 1, /* what a function, a cast or an operator makes of a column is compared */
    INDEX_MISS_OR = 2,
    INDEX_MISS_OTHER = 4 /* NOT, <>, a subquery, other operators */
} index_miss;

#define INDEX_RELATIONS 16
#define INDEX_USES      48
#define INDEX_READS     24

/* One SELECT, UPDATE or DELETE; those inside of it are levels of their own. */
typedef struct index_level {
    index_relation relations[INDEX_RELATIONS];
    size_t relation_count;
    index_use uses[INDEX_USES];
    size_t use_count;
    unsigned missed;              /* conditions that are no use, by index_miss */
    index_use reads[INDEX_READS]; /* the columns that it speaks of at all, wherever; .kind says nothing */
    size_t read_count;
    bool reads_all; /* more than these: whole rows, or too many to list */
    struct index_level *next;
} index_level;

/* NULL in *ret_levels: nothing in it that could use an index. LB_ERR_INVALID: the text does not parse. */
LB_MUST_CHECK int index_read_uses(lb_ctx *ctx, const char *text, index_level **ret_levels, lb_error *err);

#endif
