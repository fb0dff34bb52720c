/* cause_look.h: one look at a server for causes: what is read, what was remembered of it, and the suspicions. */
#ifndef LBOPS_CAUSE_LOOK_H
#define LBOPS_CAUSE_LOOK_H

#include "cause_rules.h"
#include "health_reading.h"
#include "health_sessions.h"

#include <sql/diagnose/changes.h>
#include <sql/diagnose/settings.h>
#include <sql/diagnose/statements.h>
#include <sql/diagnose/tables.h>

/* From which on something is a symptom. */
#define CAUSE_LIMIT_MEMBERS                                                                                            \
    HEALTH_GUARD_MEMBERS;                                                                                              \
    double min_wait_s, min_idle_s, min_transaction_s, min_slot_mb, min_slot_idle_s, min_safe_wal_mb, min_temp_mb,      \
        look_back_min, min_known_h, min_new_load;                                                                      \
    int64_t min_checkpoints, min_txid_age, min_changed_rows, min_active, wait_looks

#define CAUSE_LIMIT_PARAMS(args)                                                                                       \
    HEALTH_GUARD_PARAMS(args),                                                                                         \
        LB_PARAM(args, min_wait_s, LB_F64, "5", "seconds of waiting for a lock that count", .min = "0"),               \
        LB_PARAM(args, min_idle_s, LB_F64, "60", "seconds of idling in a transaction that count", .min = "0"),         \
        LB_PARAM(args, min_transaction_s, LB_F64, "1800", "seconds of an open transaction that count", .min = "0"),    \
        LB_PARAM(args, min_slot_mb, LB_F64, "512", "WAL that an unread slot may keep", .min = "0"),                    \
        LB_PARAM(args, min_slot_idle_s, LB_F64, "1800", "seconds without a reader of a slot that count (17 and on)",   \
                 .min = "0"),                                                                                          \
        LB_PARAM(args, min_safe_wal_mb, LB_F64, "1024",                                                                \
                 "WAL for which a slot should have room; half of max_slot_wal_keep_size, if less", .min = "0"),        \
        LB_PARAM(args, min_temp_mb, LB_F64, "256", "spilled to disk since the reading before", .min = "0"),            \
        LB_PARAM(args, look_back_min, LB_F64, "60", "how old a change of ours, or a new statement, may be to matter",  \
                 .min = "0"),                                                                                          \
        LB_PARAM(args, min_known_h, LB_F64, "24", "hours back to which it is to be known what statements there were",  \
                 .min = "0"),                                                                                          \
        LB_PARAM(args, min_new_load, LB_F64, "0.1",                                                                    \
                 "calls of new statements under way at a time, on average, that count", .min = "0"),                   \
        LB_PARAM(args, min_checkpoints, LB_I64, "3", "forced checkpoints since the reading before that count",         \
                 .min = "1"),                                                                                          \
        LB_PARAM(args, min_txid_age, LB_I64, "500000000", "age of transaction ids that counts", .min = "1"),           \
        LB_PARAM(args, min_changed_rows, LB_I64, "10000", "rows changed since the last ANALYZE that count",            \
                 .min = "1"),                                                                                          \
        LB_PARAM(args, min_active, LB_I64, "4", "sessions at work of which waits for light locks count", .min = "1"),  \
        LB_PARAM(args, wait_looks, LB_I64, "5", "looks, 50 ms apart, at what those at work wait for", .min = "1",      \
                 .max = "50")

typedef struct cause_limits {
    CAUSE_LIMIT_MEMBERS;
} cause_limits;

#define CAUSE_LIMITS(a)                                                                                                \
    {                                                                                                                  \
        .min_block_accesses = (a)->min_block_accesses, .min_dead_rows = (a)->min_dead_rows,                            \
        .warm_up_min = (a)->warm_up_min, .min_table_mb = (a)->min_table_mb, .min_lag_mb = (a)->min_lag_mb,             \
        .min_wait_s = (a)->min_wait_s, .min_idle_s = (a)->min_idle_s, .min_transaction_s = (a)->min_transaction_s,     \
        .min_slot_mb = (a)->min_slot_mb, .min_slot_idle_s = (a)->min_slot_idle_s,                                      \
        .min_safe_wal_mb = (a)->min_safe_wal_mb, .min_temp_mb = (a)->min_temp_mb, .look_back_min = (a)->look_back_min, \
        .min_known_h = (a)->min_known_h, .min_new_load = (a)->min_new_load, .min_checkpoints = (a)->min_checkpoints,   \
        .min_txid_age = (a)->min_txid_age, .min_changed_rows = (a)->min_changed_rows, .min_active = (a)->min_active,   \
        .wait_looks = (a)->wait_looks                                                                                  \
    }

#define CAUSE_MOST_STATEMENTS 5000 /* as many as a server counts that nobody has told otherwise */

/* How often somebody at work was seen to wait so, in all looks together. */
typedef struct cause_wait {
    const char *name, *event; /* name of the class; event NULL: on a processor */
    int64_t seen;
} cause_wait;

typedef struct cause_look {
    lb_ctx *ctx;
    cause_limits limits;
    health_reading reading;
    health_sessions sessions;
    diagnose_settings_row settings;
    bool has_settings;
    const diagnose_tables_row *tables; /* the largest first */
    size_t table_count;
    const diagnose_changes_row *changes; /* of ours, the newest first */
    size_t change_count;
    const diagnose_statements_row *statements; /* of this database, those that took most time first */
    size_t statement_count;
    const char *statements_schema;    /* where pg_stat_statements is; NULL: it is not in this database */
    struct json_object *before, *now; /* what was remembered besides the counters, or NULL; what will be */
    int64_t waiting;                  /* sessions that wait for a lock */
    const char *keeper;               /* whoever keeps old rows, in words; or NULL */
    const cause_wait *waits;
    size_t wait_count;
    int64_t wait_looks, at_work; /* at_work: how often somebody was, in all looks together */
    bool is_at_rest;             /* nobody was, so nobody looked */

    cause_case *cases;
    size_t count, capacity;
    int64_t causes_tested;      /* kinds of causes that could be looked for */
    const char *unseen[CAUSES]; /* why one of a kind could not be looked for; NULL: no look for it failed */
} cause_look;

/* Reads all and collects the suspicions; before: the reading before as it was remembered, or NULL. */
LB_MUST_CHECK int cause_examine(cause_look *look, const char *before, lb_error *err);

/* What the looks share. The case is copied; its evidence is an array that ends as LB_ARGS does, and is copied too. */
LB_MUST_CHECK int cause_add(cause_look *look, const cause_case *c, lb_error *err);
/* The memory of one kind: an object in what will be remembered, or of before (NULL: none). */
struct json_object *cause_note(cause_look *look, const char *name);
struct json_object *cause_noted(const cause_look *look, const char *name);
/* The newest change of ours that names the object; NULL: none does. */
const diagnose_changes_row *cause_change_of(const cause_look *look, const char *name);
/* Whether a statement's text has the name as a word. */
bool cause_text_names(const char *text, const char *name);
bool cause_rose(const cause_look *look, const char *counter, double *ret_rise);
/* The name as SQL has it: "public"."orders" is public.orders where that needs no quotes. */
const char *cause_quoted(lb_ctx *ctx, const char *schema, const char *name);
/* One alone, which may be a word of SQL's own: always in quotes. And a text as a value: 'it''s'. */
const char *cause_ident(lb_ctx *ctx, const char *name);
const char *cause_literal(lb_ctx *ctx, const char *text);
/* What a person types to set it for the server, or, where that cannot work, where it is to be done. Of the settings
 * that diagnose/settings asks about. */
const char *cause_set_server(const cause_look *look, const char *name, const char *value);

/* The looks, each for the causes that its file names. */
LB_MUST_CHECK int cause_look_at_sessions(cause_look *look, lb_error *err);
LB_MUST_CHECK int cause_look_at_locks(cause_look *look, lb_error *err);
LB_MUST_CHECK int cause_look_at_tables(cause_look *look, lb_error *err);
LB_MUST_CHECK int cause_look_at_indexes(cause_look *look, lb_error *err);
LB_MUST_CHECK int cause_look_at_counters(cause_look *look, lb_error *err);
LB_MUST_CHECK int cause_look_at_replication(cause_look *look, lb_error *err);
LB_MUST_CHECK int cause_look_at_waits(cause_look *look, lb_error *err);
LB_MUST_CHECK int cause_look_at_plans(cause_look *look,
                                      lb_error *err); /* the last ones: they ask what else was found */
LB_MUST_CHECK int cause_look_at_release(cause_look *look, lb_error *err);

/* Says where those at work wait, with what of the first `found` cases stands behind it. */
LB_MUST_CHECK int cause_tell_waits(const cause_look *look, size_t found, lb_error *err);

#endif
