/* vacuum_scan.h: what the vacuum tools look at, read once per run: the server's settings, the relations, and who holds
 * their old rows back. */
#ifndef LBOPS_VACUUM_SCAN_H
#define LBOPS_VACUUM_SCAN_H

#include "vacuum_need.h"

#include <sql/vacuum/horizon.h>
#include <sql/vacuum/others.h>
#include <sql/vacuum/progress.h>

typedef struct vacuum_relation {
    vacuum_relations_row row;
    vacuum_need need;
    const char *label;                      /* "public.orders", "TOAST of public.orders" */
    int64_t carried_dead, carried_inserted; /* of these rows, what the server has forgotten (vacuum_ledger.h) */
} vacuum_relation;

typedef struct vacuum_scan {
    vacuum_settings_row server;
    vacuum_relation *relations;
    size_t count;
    vacuum_horizon_row *holders; /* oldest first */
    size_t holder_count;
    vacuum_progress_row *running; /* vacuums at work in this database */
    size_t running_count;
    int64_t now;
} vacuum_scan;

#define VACUUM_STANDBY "this is a standby: it counts no changed rows, and its primary vacuums"

/* Says what the role may not see. */
LB_MUST_CHECK int vacuum_scan_read(lb_ctx *ctx, vacuum_scan *ret_scan, lb_error *err);

/* Those that may be past an age in ids, system tables too. *ret_looked_at: how many there are in all. */
LB_MUST_CHECK int vacuum_scan_read_old(lb_ctx *ctx, int64_t warning_age, double overdue_factor, vacuum_scan *ret_scan,
                                       int64_t *ret_looked_at, lb_error *err);

/* Who holds rows back and which vacuums are at work, read anew. */
LB_MUST_CHECK int vacuum_scan_who(lb_ctx *ctx, vacuum_scan *scan, lb_error *err);

/* What vacuum passes over, to be read with vacuum_others_next. */
LB_MUST_CHECK int vacuum_scan_others(lb_ctx *ctx, lb_rows **ret_rows, lb_error *err);

/* The relation as it is now; found is false when it has gone. */
LB_MUST_CHECK int vacuum_scan_again(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *of,
                                    vacuum_relation *ret_now, bool *ret_found, lb_error *err);

/* The same of one that vacuum_scan_read has read, with what the server had forgotten of it and no vacuum has met since.
 */
LB_MUST_CHECK int vacuum_scan_before(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *of,
                                     vacuum_relation *ret_now, bool *ret_found, lb_error *err);

/* The vacuum that is at work on a relation, or NULL. */
const vacuum_progress_row *vacuum_at_work(const vacuum_scan *scan, int64_t relation);

/* The oldest holder of rows of this database (catalogue: or of system tables alone) that has held for so long, or NULL.
 * Replication slots and standbys do not say since when: they count from the first transaction on that they hold back.
 */
const vacuum_horizon_row *vacuum_holder(const vacuum_scan *scan, double seconds, bool catalogue);

/* "pid 4711 (idle in transaction, app on shop)": for reasons. */
const char *vacuum_holder_text(lb_ctx *ctx, const vacuum_horizon_row *holder);

/* What a person does about it, as a sentence. */
const char *vacuum_holder_advice(const vacuum_horizon_row *holder);

/* As a member of evidence: an object, or null where there is no holder. */
lb_value vacuum_holder_value(lb_ctx *ctx, const char *name, const vacuum_horizon_row *holder);

/* "public.orders" of two names. */
const char *vacuum_name(lb_ctx *ctx, const char *schema, const char *table);

/* A moment as a value, null for LB_TIME_NONE. */
lb_value vacuum_time(const char *name, int64_t time);

#endif
