/* sync_list.h: parts of a table, or rows of them, each with a digest. */
#ifndef LBOPS_HEALTH_SYNC_LIST_H
#define LBOPS_HEALTH_SYNC_LIST_H

#include "sync_compare.h"

typedef struct sync_part {
    const char *name, *digest;
    int64_t rows;
    const char *cells; /* a mark of each column, where it is a row that was read by its key */
} sync_part;

typedef struct sync_list {
    sync_part *items;
    size_t count;
} sync_list;

int sync_by_name(const void *a, const void *b);
LB_MUST_CHECK int sync_new_list(lb_ctx *ctx, const lb_rows *rows, sync_list *ret_list, lb_error *err);

lb_value sync_keys_of(lb_ctx *ctx, const char *const *keys, size_t count);
/* Whole numbers lie in a range, without which each side would look through all that it has. */
LB_MUST_CHECK int sync_make_near(lb_ctx *ctx, const sync_pair *pair, const char *const *keys, size_t count,
                                 const lb_sql *condition, const lb_sql **ret_sql, lb_error *err);
/* Rows by their keys, in the order of these. */
LB_MUST_CHECK int sync_cells_source(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const char *const *keys,
                                    size_t count, const lb_sql *condition, sync_list *ret_found, lb_error *err);
LB_MUST_CHECK int sync_cells_lake(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const char *const *keys,
                                  size_t count, sync_list *ret_found, lb_error *err);
/* The first one of that name, and how many there are; NULL: none. */
const sync_part *sync_find_parts(const sync_list *list, const char *name, size_t *ret_count);

/* sync_cells.c: each row's time tells whether it is on its way. */
bool sync_is_timed(const sync_pair *pair, const sync_counts *counts);
/* Of the rows that one side seems to lack, which are on their way and which differ in their time. */
LB_MUST_CHECK int sync_sort_sides(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts,
                                  const sync_texts *source, const sync_texts *lake, sync_difference *d, lb_error *err);
/* Keeps of the keys those that the copy has and the source has not. */
LB_MUST_CHECK int sync_keep_gone(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const char **keys,
                                 size_t *count, lb_error *err);

/* sync_again.c: keeps of the rows that are not the same those that are still so, and in the same way, when both sides
 * are asked for them once more; those that both have get the names of their columns. */
LB_MUST_CHECK int sync_look_again(lb_ctx *ctx, const sync_pair *pair, const sync_texts *source, const sync_texts *lake,
                                  sync_difference *d, lb_error *err);

#endif
