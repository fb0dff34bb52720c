/* health_reading.h: one reading of a server's statistics, and what the reading before it says about the time between.
 *
 * Counters are told as they are and, where an earlier reading of the same epoch stands, as rates. An epoch ends with a
 * restart or a reset of the statistics: then there is no rate, and the reading says so. */
#ifndef LBOPS_HEALTH_READING_H
#define LBOPS_HEALTH_READING_H

#include "health_metrics.h"

#include <json-c/json.h>

typedef struct health_sample {
    const char *view;                                      /* where it was read */
    const char *metric, *digits, *object, *epoch, *detail; /* digits: as the server wrote them */
    double value;
} health_sample;

/* Whose statements are expected to take long. */
#define HEALTH_BATCH_MEMBERS lb_texts batch_roles, batch_applications

#define HEALTH_BATCH_PARAMS(args)                                                                                      \
    LB_PARAM(args, batch_roles, LB_LIST_OF(LB_TEXT), NULL,                                                             \
             "roles whose statements are expected to take long: they are no slow queries, and are counted"),           \
        LB_PARAM(args, batch_applications, LB_LIST_OF(LB_TEXT), NULL,                                                  \
                 "likewise applications (application_name), for what runs now: statistics know the role alone")

/* What is read, and when figures are worth a judgement: a ratio of little is none. */
typedef struct health_guards {
    lb_texts views; /* only these; none: all */
    int64_t min_block_accesses, min_dead_rows;
    double warm_up_min, min_table_mb, min_lag_mb;
    double slow_statement_s; /* statements of which a call took longer are followed */
    lb_texts tables;         /* "schema.table" whose dead rows are told at whatever rank they are */
    /* Whose statements take their time as they are expected to: they are no slow ones, and counted. */
    HEALTH_BATCH_MEMBERS;
} health_guards;

#define HEALTH_GUARD_MEMBERS                                                                                           \
    int64_t min_block_accesses, min_dead_rows;                                                                         \
    double warm_up_min, min_table_mb, min_lag_mb

#define HEALTH_GUARD_PARAMS(args)                                                                                      \
    LB_PARAM(args, min_block_accesses, LB_I64, "10000", "block accesses that a hit ratio needs", .min = "1"),          \
        LB_PARAM(args, min_dead_rows, LB_I64, "10000", "dead rows that a table needs to count", .min = "1"),           \
        LB_PARAM(args, warm_up_min, LB_F64, "15", "no hit ratio so soon after a start: the cache is cold",             \
                 .min = "0"),                                                                                          \
        LB_PARAM(args, min_table_mb, LB_F64, "10", "size that a table needs for its dead rows to count", .min = "0"),  \
        LB_PARAM(args, min_lag_mb, LB_F64, "1", "WAL outstanding that a lag needs", .min = "0")

#define HEALTH_GUARDS(args)                                                                                            \
    {                                                                                                                  \
        .min_block_accesses = (args)->min_block_accesses, .min_dead_rows = (args)->min_dead_rows,                      \
        .warm_up_min = (args)->warm_up_min, .min_table_mb = (args)->min_table_mb, .min_lag_mb = (args)->min_lag_mb,    \
        .slow_statement_s = 0.5                                                                                        \
    }

typedef struct health_reading {
    int64_t at;
    double interval_s;    /* since the reading before, whatever it read; NaN without one */
    const char *database; /* whose tables it has; NULL: not known */
    health_sample *samples;
    size_t count, capacity;
    struct json_object *before, *next; /* what was remembered, and what will be; before may be NULL */
    size_t views, views_read;
    bool has_statements; /* pg_stat_statements was read, also where none was slow */
    bool has_running;    /* and the statements that run now */
    bool has_replication;
} health_reading;

/* Recalls the reading before and takes a new one. What a view refuses is told as skipped; the others are read. guards
 * NULL: takes none, and what is remembered stays. */
LB_MUST_CHECK int health_read(lb_ctx *ctx, const health_guards *guards, health_reading *ret_reading, lb_error *err);
/* The same with the reading before as it was remembered, or NULL: for a tool that another one calls. */
LB_MUST_CHECK int health_read_after(lb_ctx *ctx, const char *before, const health_guards *guards,
                                    health_reading *ret_reading, lb_error *err);
LB_MUST_CHECK int health_remember(lb_ctx *ctx, const health_reading *reading, lb_error *err);

/* NULL: it was not read. object NULL: of the whole branch. */
const health_sample *health_sample_of(const health_reading *reading, const char *metric, const char *object);

/* What a counter rose by since its view was read before. false: unknown, and *ret_why says why. */
bool health_delta(const health_reading *reading, const health_sample *sample, double *ret_delta, const char **ret_why);
/* Blocks that were in a cache and that were in none. What the file cache of a compute had is no miss: the one that
 * matters goes to the storage behind it. ret_of_file: so many were in that, and are among the hits. */
bool health_block_delta(const health_reading *reading, double *ret_hit, double *ret_read, double *ret_of_file,
                        const char **ret_why);
/* Seconds since then; NaN: it was not. Views may be read at a pace of their own each. */
double health_interval(const health_reading *reading, const health_sample *sample);

/* health_views.c: every view for this server, into the reading. A name that is none of a view is LB_ERR_INVALID. */
bool health_asks_for(const health_guards *guards, const char *view);
LB_MUST_CHECK int health_read_views(lb_ctx *ctx, const health_guards *guards, health_reading *reading, lb_error *err);
LB_MUST_CHECK int health_add_sample(lb_ctx *ctx, health_reading *reading, const health_sample *sample, lb_error *err);
/* A view that failed is told and passed over; what ends a run (its deadline, a lost connection) is passed on. */
LB_MUST_CHECK int health_pass_over(lb_ctx *ctx, const char *view, int code, lb_error *err);

#endif
