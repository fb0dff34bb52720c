/* The kinds of incidents: how each is planted, and taken away again. */
#include "health_sessions.h"
#include "incident.h"

#include <sql/rehearsal/incident_delete.h>
#include <sql/rehearsal/incident_drop.h>
#include <sql/rehearsal/incident_drop_slot.h>
#include <sql/rehearsal/incident_end.h>
#include <sql/rehearsal/incident_idle.h>
#include <sql/rehearsal/incident_role.h>
#include <sql/rehearsal/incident_role_drop.h>
#include <sql/rehearsal/incident_role_may.h>
#include <sql/rehearsal/incident_role_owns.h>
#include <sql/rehearsal/incident_schema.h>
#include <sql/rehearsal/incident_slot.h>
#include <sql/rehearsal/incident_table.h>
#include <sql/rehearsal/incident_update.h>
#include <sql/rehearsal/incident_wal.h>
#include <sql/vacuum/analyze.h>
#include <string.h>

#define WAITERS 3
#define FULL    0.95 /* of the connections for ordinary clients */
#define SPARE   3    /* that stay free for us */

int incident_change(lb_ctx *ctx, const char *title, const lb_statement *statement, const lb_value *values,
                    lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    int r = lb_change_one(ctx,
                          LB_GROUP(.title = title, .reason = "an incident is rehearsed on a branch of its own",
                                   .undo = "none is needed: the branch is thrown away"),
                          statement, values, &outcome, err);
    return r < 0 || outcome == LB_APPLIED
               ? r
               : lb_fail(err, LB_ERR_DENIED, "see the gate's rules for the branch", "the gate did not let it be done");
}

/* ---- what it needs ---- */

/* A role on the branch's own server, where ours is a superuser, whose sessions nobody may end. */
static int make_role(incident *x, lb_error *err)
{
    int r = incident_change(x->ctx, "make a role for its sessions", &rehearsal_incident_role_sql, LB_NO_ARGS, err);
    return r < 0 ? r : incident_change(x->ctx, "let that role in", &rehearsal_incident_role_may_sql, LB_NO_ARGS, err);
}

static int make_table(incident *x, int64_t rows, lb_error *err)
{
    int r = incident_change(x->ctx, "make the table of an incident", &rehearsal_incident_table_sql,
                            LB_ARGS(lb_i64("row_count", rows)), err);
    return r < 0 || !x->is_superuser
               ? r
               : incident_change(x->ctx, "give its role the table", &rehearsal_incident_role_owns_sql, LB_NO_ARGS, err);
}

static const char *session(const incident *x, int64_t pid, lb_error *err)
{
    const char *text = lb_printf(x->ctx, "session %lld", (long long)pid);
    if (!text)
        (void)lb_out_of_memory(err); /* the NULL says it */
    return text;
}

/* ---- each ---- */

static int plant_idler(incident *x, lb_error *err)
{
    const incident_crew root = {INCIDENT_ROOT, &rehearsal_incident_update_sql, 1, true, false};
    int64_t pid = 0;
    int r = make_table(x, 10, err);
    if (r >= 0)
        r = incident_call_in(x, &root, &pid, err);
    if (r >= 0)
        x->object = session(x, pid, err);
    return r < 0 || x->object ? r : err->code;
}

static int plant_blocker(incident *x, lb_error *err)
{
    const incident_crew waiters = {INCIDENT_WAITER, &rehearsal_incident_update_sql, WAITERS, false, true};
    int64_t ignored = 0;
    int r = plant_idler(x, err);
    return r < 0 ? r : incident_call_in(x, &waiters, &ignored, err);
}

/* What the planner knows of it is up to date: dead rows are all that is wrong. */
static int plant_dead_rows(incident *x, lb_error *err)
{
    x->object = INCIDENT_TABLE;
    int r = make_table(x, x->rows, err);
    if (r >= 0)
        r = incident_change(x->ctx, "leave dead rows in its table", &rehearsal_incident_delete_sql, LB_NO_ARGS, err);
    return r < 0 ? r
                 : incident_change(x->ctx, "let the planner know its table", &vacuum_analyze_sql,
                                   LB_ARGS(lb_ident("schema", "rehearsed"), lb_ident("table", "incident")), err);
}

static int plant_slot(incident *x, lb_error *err)
{
    x->object = INCIDENT_SLOT;
    int r = incident_change(x->ctx, "make a slot that nobody reads", &rehearsal_incident_slot_sql,
                            LB_ARGS(lb_text("name", INCIDENT_SLOT)), err);
    return r < 0 ? r
                 : incident_change(x->ctx, "write WAL that it keeps", &rehearsal_incident_wal_sql,
                                   LB_ARGS(lb_i64("megabytes", x->wal_mb)), err);
}

static int plant_connections(incident *x, lb_error *err)
{
    health_sessions all = {0};
    int64_t clients = 0, limit = 0, ignored = 0;
    x->object = "server";
    int r = health_read_sessions(x->ctx, &all, err);
    if (r < 0)
        return r;
    (void)health_utilization(&all, &clients, &limit); /* the counts are what is wanted */
    int64_t full = (int64_t)(FULL * (double)limit), most = limit - SPARE;
    const incident_crew crew = {INCIDENT_CLIENT, &rehearsal_incident_idle_sql, (full < most ? full : most) - clients,
                                false, false};
    return crew.sessions > 0 ? incident_call_in(x, &crew, &ignored, err)
                             : lb_fail(err, LB_ERR_LIMIT, NULL, "%lld of %lld connections are taken already",
                                       (long long)clients, (long long)limit);
}

static const incident_kind kinds[] = {
    {"blocker", "lock_chain", plant_blocker, INCIDENT_END_SESSION, NULL, false},
    {"idle_in_transaction", "idle_in_transaction", plant_idler, INCIDENT_END_SESSION, NULL, false},
    {"dead_rows", "dead_tuples", plant_dead_rows, INCIDENT_PROCEDURE, "dead_tuple_ratio", false},
    {"stuck_slot", "stuck_slot", plant_slot, INCIDENT_DROP_SLOT, NULL, true},
    {"full_connections", "connection_storm", plant_connections, INCIDENT_PROCEDURE, "connection_utilization", true},
    {"none", NULL, NULL, INCIDENT_NOTHING, NULL, false},
};

const incident_kind *incident_named(const char *name)
{
    for (size_t i = 0; i < incident_count(); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

size_t incident_count(void)
{
    return sizeof kinds / sizeof *kinds;
}

const incident_kind *incident_at(size_t index)
{
    return &kinds[index];
}

/* ---- the whole ---- */

bool incident_ends_run(const lb_ctx *ctx, int code)
{
    return code == LB_ERR_CANCELLED || code == LB_ERR_NO_MEMORY || lb_time_left(ctx) <= 0;
}

int incident_plant(incident *x, lb_error *err)
{
    if (!x->kind->plant)
        return 0;
    int r = incident_change(x->ctx, "make a schema for an incident", &rehearsal_incident_schema_sql, LB_NO_ARGS, err);
    if (r >= 0 && x->is_superuser)
        r = make_role(x, err);
    return r < 0 ? r : x->kind->plant(x, err);
}

int incident_clear(incident *x, lb_error *err)
{
    lb_error ended; /* before we ended it, which is fine */
    int r = x->program_count ? incident_change(x->ctx, "end the sessions of an incident", &rehearsal_incident_end_sql,
                                               LB_NO_ARGS, err)
                             : 0;
    for (size_t i = 0; i < x->program_count; i++)
        if (lb_program_end(x->ctx, x->programs[i], &ended) < 0)
            lb_log(x->ctx, LB_LOG_DEBUG, "%s", ended.message);
    x->program_count = 0;
    if (r >= 0 && x->kind->way == INCIDENT_DROP_SLOT)
        r = incident_change(x->ctx, "drop the slot of an incident", &rehearsal_incident_drop_slot_sql,
                            LB_ARGS(lb_text("name", INCIDENT_SLOT)), err);
    if (r >= 0 && x->kind->plant)
        r = incident_change(x->ctx, "take the incident away", &rehearsal_incident_drop_sql, LB_NO_ARGS, err);
    if (r >= 0 && x->kind->plant && x->is_superuser)
        r = incident_change(x->ctx, "take its role away", &rehearsal_incident_role_drop_sql, LB_NO_ARGS, err);
    return r;
}
