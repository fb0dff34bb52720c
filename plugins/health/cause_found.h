/* cause_found.h: a diagnosis as another tool receives it: what diagnose_root_cause has answered. */
#ifndef LBOPS_CAUSE_FOUND_H
#define LBOPS_CAUSE_FOUND_H

#include "cause_rules.h"

#define CAUSE_TELLER   "escalate_high_risk_issue"             /* brings causes before people */
#define CAUSE_TOLD_FOR (INT64_C(30) * 24 * 60 * 60 * 1000000) /* so long it remembers what it told */

typedef struct cause_found {
    cause_id id;
    const char *kind, *object, *key;               /* key: "lock_chain of session 4711" */
    const char *reason, *schema, *table, *command; /* or NULL */
    const char *evidence, *impact;                 /* JSON documents */
    double confidence;
    int64_t rank, pid; /* rank 0: another cause explains it */
} cause_found;

typedef struct cause_diagnosis {
    const cause_found *items; /* in the order of the diagnosis */
    size_t count;
    const char *answer;            /* the whole, as it came */
    const char *verdict, *reading; /* reading: for the next one; or NULL */
    bool has_interval;             /* there was a reading before: counters could be told */
    const char *unseen[CAUSES];    /* why one of a kind could not be looked for; NULL: it was */
} cause_diagnosis;

/* Calls diagnose_root_cause. metric, before: as its parameters; or NULL. */
LB_MUST_CHECK int cause_diagnose(lb_ctx *ctx, const char *metric, const char *before, cause_diagnosis *ret_diagnosis,
                                 lb_error *err);
/* Reads its answer, whoever has asked. */
LB_MUST_CHECK int cause_read(lb_ctx *ctx, const char *answer, cause_diagnosis *ret_diagnosis, lb_error *err);
/* NULL: it is not there. */
const cause_found *cause_find(const cause_diagnosis *diagnosis, const char *kind, const char *object);

#endif
