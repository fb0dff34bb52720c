/* index_uses.h: by which columns a statement looks for rows, from its text alone. What cannot be used with an index
 * (OR, expressions, patterns) is left out, so that what is told can be relied on. */
#ifndef INDEX_USES_H
#define INDEX_USES_H

#include <lbops/lbops.h>

typedef enum index_use_kind {
    INDEX_USE_EQUAL = 1, /* = value, IN (values), = ANY (values) */
    INDEX_USE_RANGE,     /* < > BETWEEN */
    INDEX_USE_JOIN,      /* = a column of another relation */
    INDEX_USE_ORDER      /* ORDER BY with LIMIT, in order */
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
} index_use;

#define INDEX_RELATIONS 16
#define INDEX_USES      48

/* One SELECT, UPDATE or DELETE; those inside of it are levels of their own. */
typedef struct index_level {
    index_relation relations[INDEX_RELATIONS];
    size_t relation_count;
    index_use uses[INDEX_USES];
    size_t use_count;
    struct index_level *next;
} index_level;

/* NULL in *ret_levels: nothing in it that could use an index. LB_ERR_INVALID: the text does not parse. */
LB_MUST_CHECK int index_read_uses(lb_ctx *ctx, const char *text, index_level **ret_levels, lb_error *err);

#endif
