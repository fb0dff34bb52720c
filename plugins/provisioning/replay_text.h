/* replay_text.h: a statement as pg_stat_statements keeps it, with $1 ... where its values were, and which values these
 * may have been: one of a column that it is compared with or written to, or a number of rows. Pure. */
#ifndef LBOPS_PROVISIONING_REPLAY_TEXT_H
#define LBOPS_PROVISIONING_REPLAY_TEXT_H

#include <lbops/lbops.h>

#define REPLAY_TABLES 16
#define REPLAY_HOLES  64

typedef struct replay_table {
    const char *schema; /* NULL: not said */
    const char *name, *alias;
} replay_table;

typedef enum replay_fit {
    REPLAY_UNKNOWN, /* nothing says what it was */
    REPLAY_COLUMN,  /* a value of the column */
    REPLAY_ARRAY,   /* an array of them */
    REPLAY_ELEMENT, /* one of an array of them, or of the array that the column is */
    REPLAY_COUNT    /* LIMIT */
} replay_fit;

typedef struct replay_hole {
    size_t offset, length; /* of $1 in the text */
    replay_fit fit;
    const char *qualifier, *column; /* qualifier NULL: not said */
} replay_hole;

typedef struct replay_text {
    bool only_reads; /* a SELECT without FOR UPDATE or anything that writes in it */
    bool inserts;
    replay_table tables[REPLAY_TABLES];
    size_t table_count;
    replay_hole holes[REPLAY_HOLES]; /* in the text's order */
    size_t hole_count;
} replay_text;

/* LB_ERR_INVALID: it does not parse, is not one statement about rows, or has more than fits. */
LB_MUST_CHECK int replay_read(lb_ctx *ctx, const char *text, replay_text *ret_text, lb_error *err);

/* The table of a hole's column: the one that its qualifier names, or the only one. NULL: nobody can say. */
const replay_table *replay_table_of(const replay_text *text, const replay_hole *hole);

/* The text with its holes filled, each value as a quoted literal. NULL: out of memory. */
const char *replay_fill(lb_ctx *ctx, const char *text, const replay_text *read, const char *const *values);

#endif
