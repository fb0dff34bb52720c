/* incident.h: incidents that are planted on a branch of their own, to see how long it takes to find and to end them. */
#ifndef LBOPS_INCIDENT_H
#define LBOPS_INCIDENT_H

#include "cause_found.h"

#include <lbops/rehearsal.h>

#define INCIDENT_BRANCH LB_REHEARSAL_BRANCH
#define INCIDENT_TOOL   "incident_on_branch"
#define INCIDENT_KINDS  "blocker|idle_in_transaction|dead_rows|stuck_slot|full_connections|none"
#define INCIDENT_TABLE  "rehearsed.incident"
#define INCIDENT_SLOT   "rehearsed"

/* What is done about it is a tool's doing, or a person's, in whose place the rehearsal does it. */
typedef enum incident_way {
    INCIDENT_NOTHING,
    INCIDENT_END_SESSION,
    INCIDENT_PROCEDURE,
    INCIDENT_DROP_SLOT
} incident_way;

typedef struct incident incident;

typedef struct incident_kind {
    const char *name;
    const char *cause;                        /* as diagnose_root_cause names it; NULL: nothing is planted */
    int (*plant)(incident *x, lb_error *err); /* sets object */
    incident_way way;
    const char *issue; /* of the procedure: its issue_type */
    bool fills_server; /* others on the same server would have it, too */
} incident_kind;

struct incident {
    lb_ctx *ctx;
    const incident_kind *kind;
    int64_t rows, wal_mb, stays_s; /* stays_s: its sessions go by themselves then */
    bool is_superuser;
    const char *object;    /* what the cause is about */
    lb_group *programs[2]; /* that hold its sessions */
    size_t program_count;
};

/* NULL: there is none of that name. */
const incident_kind *incident_named(const char *name);
size_t incident_count(void);
const incident_kind *incident_at(size_t index);

/* A failure that the other kinds would meet, too: it ends the run and not one kind alone. */
bool incident_ends_run(const lb_ctx *ctx, int code);

/* One change on the branch. */
LB_MUST_CHECK int incident_change(lb_ctx *ctx, const char *title, const lb_statement *statement, const lb_value *values,
                                  lb_error *err);

LB_MUST_CHECK int incident_plant(incident *x, lb_error *err);
/* Takes away whatever is left of it. */
LB_MUST_CHECK int incident_clear(incident *x, lb_error *err);

#define INCIDENT_ROOT   "rehearsed-root"
#define INCIDENT_WAITER "rehearsed-waiter"
#define INCIDENT_CLIENT "rehearsed-client"

typedef struct incident_crew {
    const char *application; /* one of the above */
    const lb_statement *says;
    int64_t sessions;
    bool in_transaction; /* it stays open */
    bool waits;          /* for a lock: it goes once it has it */
} incident_crew;

/* Sessions that stay; returns when all are there and do what they are for. */
LB_MUST_CHECK int incident_call_in(incident *x, const incident_crew *crew, int64_t *ret_pid, lb_error *err);

typedef struct incident_cure {
    const char *action, *status, *reason; /* reason: or NULL */
} incident_cure;

LB_MUST_CHECK int incident_treat(incident *x, const cause_found *cause, incident_cure *ret_cure, lb_error *err);

#endif
