/* sync_list.h: parts of a table, or rows of them, each with a digest. */
#ifndef LBOPS_HEALTH_SYNC_LIST_H
#define LBOPS_HEALTH_SYNC_LIST_H

#include "sync_compare.h"

typedef struct sync_part {
    const char *name, *digest;
    int64_t rows;
} sync_part;

typedef struct sync_list {
    sync_part *items;
    size_t count;
} sync_list;

int sync_by_name(const void *a, const void *b);
LB_MUST_CHECK int sync_new_list(lb_ctx *ctx, const lb_rows *rows, sync_list *ret_list, lb_error *err);

/* sync_cells.c: of the rows that one side seems to lack, which are on their way and which differ in their time. */
LB_MUST_CHECK int sync_sort_sides(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts,
                                  const sync_texts *source, const sync_texts *lake, sync_difference *d, lb_error *err);
/* Keeps of the keys those that the copy has and the source has not. */
LB_MUST_CHECK int sync_keep_gone(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const char **keys,
                                 size_t *count, lb_error *err);
LB_MUST_CHECK int sync_name_columns(lb_ctx *ctx, const sync_pair *pair, const sync_texts *source,
                                    const sync_texts *lake, sync_difference *d, lb_error *err);

#endif
