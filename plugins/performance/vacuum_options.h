/* vacuum_options.h: storage parameters of a table, and how to take them back. */
#ifndef LBOPS_VACUUM_OPTIONS_H
#define LBOPS_VACUUM_OPTIONS_H

#include <lbops/lbops.h>
#include <sql/vacuum/relations.h>

#define VACUUM_MOST_OPTIONS 6

typedef struct vacuum_options {
    const char *names[VACUUM_MOST_OPTIONS], *values[VACUUM_MOST_OPTIONS];
    size_t count;
} vacuum_options;

void vacuum_options_add(vacuum_options *o, const char *name, const char *value);

LB_MUST_CHECK int vacuum_options_set(lb_ctx *ctx, lb_group *group, const vacuum_relations_row *row,
                                     const vacuum_options *o, lb_error *err);

/* {"old": {...}, "new": {...}, "autovacuums": 7, "vacuum_ms": -1}: what a later run compares with. */
const char *vacuum_options_json(lb_ctx *ctx, const vacuum_relations_row *row, const vacuum_options *o);

/* The statements that give the table its present settings again. */
LB_MUST_CHECK int vacuum_options_undo(lb_ctx *ctx, const vacuum_relations_row *row, const vacuum_options *o,
                                      const char **ret_undo, lb_error *err);

/* Sets what `set` holds and gives `reset` back to the server's settings. */
LB_MUST_CHECK int vacuum_options_restore(lb_ctx *ctx, lb_group *group, const vacuum_relations_row *row,
                                         const vacuum_options *set, const vacuum_options *reset, lb_error *err);

#endif
