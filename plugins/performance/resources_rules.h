/* resources_rules.h: which settings a workload asks for, from what the server shows of it. Pure logic. */
#ifndef LBOPS_RESOURCES_RULES_H
#define LBOPS_RESOURCES_RULES_H

#include <lbops/lbops.h>
#include <sql/resources/facts.h>

typedef enum resources_profile {
    RESOURCES_UNKNOWN,
    RESOURCES_OLTP,
    RESOURCES_MIXED,
    RESOURCES_ANALYTICS
} resources_profile;

/* "auto" is told from the rows that a transaction fetches, once the counters cover so many hours. */
resources_profile resources_profile_of(const char *name, double min_hours, const resources_facts_row *facts);
const char *resources_profile_name(resources_profile profile);

typedef struct resources_wish {
    const char *name;
    double amount;      /* in the smallest unit: bytes, ms, rows; of a switch 0 or 1 */
    const char *value;  /* as ALTER ... SET takes it */
    const char *reason; /* NULL: the setting is fine */
} resources_wish;

/* What was counted while a setting has had its present value, in all databases together: files that spilled while
 * work_mem was that, checkpoints and WAL while max_wal_size was. */
typedef struct resources_past {
    double spill_hours, checkpoint_hours, wal_hours; /* between the first reading and the last; 0: there are no two */
    double temp_files, temp_bytes, checkpoints_timed, checkpoints_requested, wal_bytes;
    double active; /* the most statements at once */
} resources_past;

/* Of what the setting is judged by, how many hours are known; -1: it needs no past. */
double resources_hours(const char *name, const resources_past *past);

#define RESOURCES_WISHES 8

extern const char *const resources_names[RESOURCES_WISHES];

/* What the setting should be. amount: what it is now (of a switch 0 or 1); past: since it is that; memory_bytes 0:
 * nobody knows. */
resources_wish resources_judge(lb_ctx *ctx, const char *name, double amount, const resources_facts_row *facts,
                               const resources_past *past, resources_profile profile, int64_t memory_bytes);

#define RESOURCES_TIMEOUTS 3

/* Limits that a person has to decide on: what they break off may be somebody's report or migration. */
extern const char *const resources_timeouts[RESOURCES_TIMEOUTS];

/* amount: what it is now, in ms; 0: there is none. Without a reason where the setting is not one of them. */
resources_wish resources_advise(const char *name, double amount, resources_profile profile);

#endif
