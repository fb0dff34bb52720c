/* cause_rules.h: what can be behind a trouble, as a table: the symptoms by which a cause is known, what each counts,
 * what would confirm it, what else it could be, and which other findings it explains. Pure: no clock, no host. */
#ifndef LBOPS_CAUSE_RULES_H
#define LBOPS_CAUSE_RULES_H

#include <lbops/lbops.h>

typedef enum cause_id {
    CAUSE_LOCK_CHAIN,
    CAUSE_IDLE_IN_TRANSACTION,
    CAUSE_LONG_TRANSACTION,
    CAUSE_CONNECTION_STORM,
    CAUSE_AUTOVACUUM_OFF,
    CAUSE_DEAD_TUPLES,
    CAUSE_STALE_STATISTICS,
    CAUSE_DROPPED_INDEX,
    CAUSE_CACHE_COLLAPSE,
    CAUSE_DEADLOCKS,
    CAUSE_REPLICATION_LAG,
    CAUSE_STUCK_SLOT,
    CAUSE_LOST_SLOT,
    CAUSE_CHECKPOINT_PRESSURE,
    CAUSE_WRAPAROUND_AGE,
    CAUSE_TEMP_SPILL,
    CAUSE_PLAN_CHANGED,
    CAUSE_LIGHT_LOCKS,
    CAUSE_NEW_STATEMENTS,
    CAUSES
} cause_id;

/* All kinds, as choices of a parameter. */
#define CAUSE_KINDS                                                                                                    \
    "lock_chain|idle_in_transaction|long_transaction|connection_storm|autovacuum_off|dead_tuples|stale_statistics|"    \
    "dropped_index|cache_collapse|deadlocks|replication_lag|stuck_slot|lost_slot|checkpoint_pressure|"                 \
    "wraparound_age|temp_spill|plan_changed|light_locks|new_statements"

enum { CAUSE_SYMPTOMS = 4 };

typedef struct cause_rule {
    const char *kind, *title;
    const char *metrics; /* the figures that it drives past their limits, with blanks between */
    lb_term symptoms[CAUSE_SYMPTOMS];
    const char *confirm;   /* what would prove it */
    const char *otherwise; /* what else looks like it */
    const char *remedy;    /* what a person can do */
} cause_rule;

extern const cause_rule cause_rules[CAUSES];

/* The cause of that kind, or CAUSES. */
cause_id cause_named(const char *kind);
/* It shows only against an earlier reading. */
bool cause_needs_interval(cause_id id);
bool cause_drives(cause_id id, const char *metric);
/* One of words with blanks between them; list NULL: there is none. */
bool cause_has_word(const char *list, const char *word);

/* One suspicion: a cause at work on an object. */
typedef struct cause_case {
    cause_id id;
    const char *object; /* "session 4711", "public.orders", a slot; or "server" */
    const char *schema, *table, *reason;
    const char *command;             /* what would end it, as somebody would type it; or NULL */
    const char *about;               /* another object that it is tied to: a table; or NULL */
    const lb_value *evidence;        /* */
    double strength[CAUSE_SYMPTOMS]; /* of each symptom from 0 to 1; below 0: it could not be seen */
    int64_t pid;                     /* of a session; else 0 */
    bool keeps_rows;                 /* it keeps VACUUM from removing rows */
    bool holds_up_many;              /* it holds up so many sessions that they may be what fills the server */
    bool spills;                     /* most of what was written to temporary files is its doing */

    double score;      /* cause_rank: the sum of its symptoms, */
    double weight;     /* the same, but for a standing setting below that of whoever others wait for now, */
    bool fits;         /* whether it, or what it explains, drives the metric that was asked about, */
    size_t because_of; /* the case that explains it, or CAUSE_NONE, */
    int rank;          /* and its place among what nothing explains, from 1 */
} cause_case;

/* In the evidence of what somebody has done: seconds since it was first seen, where an earlier look saw it otherwise.
 */
#define CAUSE_SEEN_SINCE "seen_since_s"

#define CAUSE_NONE   ((size_t)-1)
#define CAUSE_UNSEEN (-1.0)
#define CAUSE_ENOUGH 0.5 /* below this sum it is a suspicion and no finding */

#define CAUSE_MANY_SCANS 10 /* so often a table is read whole where an index is surely missed */

double cause_score(const cause_case *c);

/* 0 below the lower bound, 0.6 at it, 1 at the upper one and above. */
double cause_ramp(double value, double lower, double upper);

/* What calls of a statement cost, all together. */
typedef struct cause_load {
    double calls, ms, rows, blocks; /* blocks that were touched, in the cache or not */
} cause_load;

#define CAUSE_MIN_CALLS 3.0 /* one call may be of a rare value, the next of a cold cache */

/* A call takes several times as long and touches several times as many blocks, for as many rows: another plan. Less
 * than that is what data, values of parameters and caches do. */
#define CAUSE_SLOWER      3.0
#define CAUSE_MORE_BLOCKS 4.0
bool cause_plan_jumped(const cause_load *before, const cause_load *now);
/* How many times the one is of the other, each by the call. */
double cause_times(double now, double now_calls, double before, double before_calls);

/* Statements of one role that came at one time. */
typedef struct cause_arrival {
    size_t count;    /* of those that were called several times, each */
    double together; /* such a part came at one time of all that came lately: the rest are the role's daily new ones */
    double share;    /* of the time that statements of the database took since the reading before */
    double load;     /* calls of them that were under way at a time, on average */
} cause_arrival;

#define CAUSE_ARRIVAL_CALLS 5 /* of each: fewer may be somebody's who looks for something */
#define CAUSE_ARRIVALS      3 /* fewer are a report, or a question that somebody asks again and again */
#define CAUSE_NEW_SHARE     0.2
bool cause_is_release(const cause_arrival *arrival, double min_load);

/* Scores all, leaves out what is too little, ties effects to their causes, and puts the rest in order: what explains
 * `metric` (or NULL) first, then causes before effects, then the greater sum; but whoever others wait for now
 * comes before a setting that has stood for long. Returns how many are left. */
size_t cause_rank(cause_case *cases, size_t count, const char *metric);

#endif
