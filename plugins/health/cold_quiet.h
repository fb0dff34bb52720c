/* cold_quiet.h: since when a table has not been written or read, as far as the server's counters and what earlier runs
 * saw of them can prove. Counters forget when a server starts anew, so the proof begins again then. */
#ifndef LBOPS_COLD_QUIET_H
#define LBOPS_COLD_QUIET_H

#include <lbops/lbops.h>

#define COLD_SIGHTS_MAX 8000 /* of about a hundred bytes: what fits into a tool's memory */

typedef struct cold_sight {
    int64_t table_id, writes, reads;
    int64_t unwritten_since, unread_since;
} cold_sight;

typedef struct cold_ledger {
    int64_t counts_since; /* the epoch of its counters */
    cold_sight *sights;   /* by table_id */
    size_t count;
} cold_ledger;

/* What the last run left; empty where it left nothing, or what cannot be read. */
LB_MUST_CHECK int cold_ledger_read(lb_ctx *ctx, const char *json, cold_ledger *ret_ledger, lb_error *err);

/* What is known now, with writes and reads as they are counted. */
cold_sight cold_look(const cold_ledger *past, int64_t counts_since, int64_t now, int64_t table_id, int64_t writes,
                     int64_t reads);

/* As JSON, for the next run. sights are in the order of table_id. NULL: out of memory. */
const char *cold_ledger_text(lb_ctx *ctx, const cold_ledger *ledger);

#endif
