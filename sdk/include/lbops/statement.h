/* lbops/statement.h: a named statement of the SQL catalogue, as the build compiles it.
 *
 * Nobody writes these by hand: each file of `sql/` becomes one header with a `static const lb_statement` and typed
 * inline functions (see the author's guide). A statement's text is cut into parts at its parameters; the composer puts
 * it together again, quoting identifiers and literals, or binding values where the server allows it.
 *
 * lb_statement grows at its end. The rows of its arrays (param, column, part, variant) never change: what is to be
 * added comes as a further array. */
#ifndef LBOPS_STATEMENT_H
#define LBOPS_STATEMENT_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lb_statement_kind {
    LB_STATEMENT_READ = 1,     /* lb_query only */
    LB_STATEMENT_CHANGE = 2,   /* lb_change_sql only */
    LB_STATEMENT_FRAGMENT = 3, /* a piece for other statements' LB_SQL parameters */
    LB_STATEMENT_HISTORY = 4,  /* lb_history only; since 1.1 */
    LB_STATEMENT_LAKE = 5,     /* lb_lake only; since 1.2 */
    LB_STATEMENT_REST = 6      /* lb_change_sql only: a pause between changes; since 1.4 */
} lb_statement_kind;

typedef struct lb_statement_param {
    const char *name;
    lb_type type; /* LB_IDENT, LB_SQLTYPE, LB_SQL, LB_DEFINITION and lists of these are composed into the text; others
                     are values */
    const char *pgtype; /* the server's name of a value's type, "int8"; NULL for composed ones */
    bool nullable;
} lb_statement_param;

typedef struct lb_column {
    const char *name;
    lb_type type;
    bool nullable;
} lb_column;

typedef struct lb_statement_part {
    const char *text; /* what stands before the parameter */
    int param;        /* index of the parameter that follows; -1 at the end */
} lb_statement_part;

/* The text for servers of major version `from` up to and including `to` (0: no upper end). */
typedef struct lb_statement_variant {
    uint16_t from, to;
    bool bindable;                  /* values go as $1, $2 ...; else (utility statements) as literals */
    const lb_statement_part *parts; /* ends with param = -1 */
} lb_statement_variant;

typedef struct lb_statement {
    uint32_t size;
    lb_statement_kind kind;
    const char *name; /* "example/largest_tables" */
    const lb_statement_param *params;
    uint32_t param_count;
    const lb_column *columns;
    uint32_t column_count;
    const lb_statement_variant *variants;
    uint32_t variant_count;
} lb_statement;

#ifdef __cplusplus
}
#endif
#endif
