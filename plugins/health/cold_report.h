/* cold_report.h: what was found to be cold, told with the figures to check it by. */
#ifndef LBOPS_COLD_REPORT_H
#define LBOPS_COLD_REPORT_H

#include "cold_model.h"

typedef struct cold_passed {
    const char *of_one, *reason;
    int64_t count;
} cold_passed;

typedef struct cold_work {
    lb_ctx *ctx;
    const cold_policy *policy;
    const cold_set *set;
    double price_per_gb_month; /* 0: not known */
    int64_t examined, found, rows, bytes;
    cold_passed passed[16]; /* left out for reasons that many share */
} cold_work;

/* The cold rows of a table by a column; oldest and newest of an index, LB_TIME_NONE where none was asked. */
typedef struct cold_rows {
    const cold_column *column;
    const char *ground;
    double share, rows;
    int64_t oldest, newest;
} cold_rows;

typedef struct cold_leaf {
    const cold_table *table;
} cold_leaf;

/* The cold partitions of a tree. */
typedef struct cold_leaves {
    const cold_table *root;
    cold_leaf *items;
    size_t count, of, read_lately, changed;
    int64_t rows, bytes;
} cold_leaves;

LB_MUST_CHECK int cold_tell_rows(cold_work *work, const cold_table *table, const cold_rows *rows, lb_error *err);
LB_MUST_CHECK int cold_tell_leaves(cold_work *work, const cold_leaves *leaves, lb_error *err);
/* A whole table that nobody has touched. */
LB_MUST_CHECK int cold_tell_unused(cold_work *work, const cold_table *table, lb_error *err);

void cold_pass(cold_work *work, const char *of_one, const char *of_many);
LB_MUST_CHECK int cold_tell_passed(cold_work *work, lb_error *err);
LB_MUST_CHECK int cold_skip(cold_work *work, const cold_table *table, const char *reason, lb_error *err);

int64_t cold_bytes(const cold_table *table); /* with indexes and TOAST */
bool cold_read_lately(const cold_set *set, const cold_table *table);

#endif
