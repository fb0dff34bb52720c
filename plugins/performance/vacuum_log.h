/* vacuum_log.h: operations on single tables: what stands in their way, what they changed, and their row of
 * vacuum_history. */
#ifndef LBOPS_VACUUM_LOG_H
#define LBOPS_VACUUM_LOG_H

#include "vacuum_scan.h"

#include <sql/vacuum/size.h>

typedef struct vacuum_operation {
    const char *id;
    const char *type;     /* as vacuum_history's operation_type */
    const char *reason;   /* why this table */
    const char *status;   /* success, failed, held (it ran, and somebody holds the rows), deferred, waiting, planned */
    const char *error;    /* why not, or NULL */
    const char *settings; /* JSON, or NULL */
    const char *database; /* of the table */
    vacuum_relation before, after;
    bool has_after;
    int64_t bytes_before, bytes_after; /* 0: not measured */
    int64_t began, ended;
} vacuum_operation;

/* Fills id, database, before, began. */
LB_MUST_CHECK int vacuum_begin(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v, const char *type,
                               const char *reason, vacuum_operation *ret_operation, lb_error *err);

/* The row of vacuum_history, and one of the result's list "results". */
LB_MUST_CHECK int vacuum_write(lb_ctx *ctx, const vacuum_operation *o, lb_error *err);

/* What the door said of it, or why it failed. A failure that ends the run (cancelled, no time, nobody there) is written
 * down and returned; one of the table alone is 0 and its status. */
LB_MUST_CHECK int vacuum_settle(lb_ctx *ctx, vacuum_operation *o, int code, lb_outcome outcome, const lb_error *failure,
                                lb_error *err);

/* Why no vacuum can begin on it at all: no right to it, or another one at work; NULL: nothing is against it. */
const char *vacuum_refusal(const vacuum_scan *scan, const vacuum_relation *v);

/* Who has a lock that a vacuum (full: that a rewrite) would wait for, as a sentence; NULL in *ret_who: nobody. */
LB_MUST_CHECK int vacuum_find_lock(lb_ctx *ctx, const vacuum_relation *v, bool full, const char **ret_who,
                                   lb_error *err);

/* Waits until nobody has or awaits a lock behind which its size cannot be read; who still does then, or NULL. */
LB_MUST_CHECK int vacuum_await_look(lb_ctx *ctx, const vacuum_relation *v, int64_t patience_ms, const char **ret_who,
                                    lb_error *err);

/* The session's vacuum budget, as the server writes it; reset puts back what the scan found. */
LB_MUST_CHECK int vacuum_set_budget(lb_ctx *ctx, lb_group *group, const char *delay, const char *limit, lb_error *err);
LB_MUST_CHECK int vacuum_reset_budget(lb_ctx *ctx, lb_group *group, const vacuum_scan *scan, lb_error *err);

LB_MUST_CHECK int vacuum_measure(lb_ctx *ctx, const vacuum_relation *v, vacuum_size_row *ret_size, lb_error *err);

/* The operation's end: the table as it is now. */
LB_MUST_CHECK int vacuum_look_after(lb_ctx *ctx, const vacuum_scan *scan, vacuum_operation *o, lb_error *err);

#endif
