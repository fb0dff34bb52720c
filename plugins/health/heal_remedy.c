#include "heal_remedy.h"

#include "health_sessions.h"

#include <json-c/json.h>
#include <sql/diagnose/create_index.h>
#include <sql/diagnose/create_unique_index.h>
#include <sql/health/table_state.h>
#include <sql/vacuum/analyze.h>
#include <sql/vacuum/may_vacuum.h>
#include <sql/vacuum/reset_options.h>

#include <string.h>

static void note_outcome(heal_deed *deed, lb_outcome outcome)
{
    deed->changed = outcome == LB_APPLIED;
    deed->status = outcome == LB_APPLIED   ? "executed"
                   : outcome == LB_PLANNED ? "planned"
                   : outcome == LB_WAITING ? "pending_approval"
                                           : "refused";
}

/* ---- what another tool does ---- */

static int run_procedure(lb_ctx *ctx, const char *issue, const cause_found *c, heal_deed *deed, lb_error *err)
{
    const char *answer = NULL;
    lb_value args[5] = {lb_text("issue_type", issue), lb_bool("anyway", true)};
    size_t count = 2;
    if (c->table && strcmp(issue, "dead_tuple_ratio") == 0) {
        args[count++] = lb_text("schema", c->schema);
        args[count++] = lb_text("table", c->table);
    }
    args[count].type = LB_END;
    int r = lb_call(ctx, "execute_low_risk_sop", NULL, args, &answer, err);
    if (r < 0)
        return r;
    struct json_object *document = json_tokener_parse(answer), *status = NULL, *reason = NULL;
    if (json_object_object_get_ex(document, "status", &status))
        deed->status = lb_printf(ctx, "%s", json_object_get_string(status));
    if (json_object_object_get_ex(document, "reason", &reason) && reason)
        deed->reason = lb_printf(ctx, "%s", json_object_get_string(reason));
    json_object_put(document);
    if (!deed->status)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "execute_low_risk_sop does not say what it did");
    deed->changed = strcmp(deed->status, "executed") == 0;
    return lb_append(ctx, "procedures", LB_ARGS(lb_text("tool", "execute_low_risk_sop"), lb_json("result", answer)),
                     err);
}

static int vacuum_table(lb_ctx *ctx, const cause_found *c, const char *title, heal_deed *deed, lb_error *err)
{
    (void)title;
    return run_procedure(ctx, "dead_tuple_ratio", c, deed, err);
}

static int make_room(lb_ctx *ctx, const cause_found *c, const char *title, heal_deed *deed, lb_error *err)
{
    (void)title;
    return run_procedure(ctx, "connection_utilization", c, deed, err);
}

static int freeze_tables(lb_ctx *ctx, const cause_found *c, const char *title, heal_deed *deed, lb_error *err)
{
    (void)title;
    return run_procedure(ctx, "txid_age", c, deed, err);
}

/* ---- what is done here ---- */

static const char *analyze_title(lb_ctx *ctx, const cause_found *c)
{
    return lb_printf(ctx, "analyze %s.%s", c->schema, c->table);
}

/* The server would pass it over with a warning, and call that done. */
static int check_may_vacuum(lb_ctx *ctx, const cause_found *c, const char *title, heal_deed *deed, bool *ret_possible,
                            lb_error *err)
{
    health_table_state_row state;
    lb_rows *rows = NULL;
    health_table_state_args wanted = {.schema = c->schema, .table = c->table};
    int r = vacuum_may_vacuum_compose(ctx, &(vacuum_may_vacuum_args){.relation = "c"}, &wanted.may_vacuum, err);
    if (r >= 0)
        r = health_table_state(ctx, &wanted, &rows, err);
    *ret_possible = r < 0 || !health_table_state_next(ctx, rows, &state) || state.may_vacuum;
    if (!*ret_possible)
        *deed = (heal_deed){.title = title,
                            .status = "not_possible",
                            .reason = "the role may not analyze it: it has to own it or its database, or have MAINTAIN "
                                      "on it (servers from 17 on)"};
    return r;
}

static int analyze_table(lb_ctx *ctx, const cause_found *c, const char *title, heal_deed *deed, lb_error *err)
{
    const vacuum_analyze_args wanted = {.schema = c->schema, .table = c->table};
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    bool is_possible = true;
    int r = check_may_vacuum(ctx, c, title, deed, &is_possible, err);
    if (r < 0 || !is_possible)
        return r;
    r = lb_group_open(ctx,
                      LB_GROUP(.title = title, .reason = c->reason, .evidence = LB_ARGS(lb_text("cause", c->kind))),
                      &group, err);
    if (r >= 0)
        r = vacuum_analyze(ctx, group, &wanted, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    note_outcome(deed, outcome);
    return r;
}

static const char *reset_title(lb_ctx *ctx, const cause_found *c)
{
    return lb_printf(ctx, "let autovacuum come to %s.%s again", c->schema, c->table);
}

static int reset_autovacuum(lb_ctx *ctx, const cause_found *c, const char *title, heal_deed *deed, lb_error *err)
{
    static const char *const options[] = {"autovacuum_enabled"};
    const vacuum_reset_options_args wanted = {.schema = c->schema, .table = c->table, .names = {options, 1}};
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r =
        lb_group_open(ctx,
                      LB_GROUP(.title = title,
                               .reason = "somebody switched it off, and the table is past due for a vacuum or analyze",
                               .evidence = LB_ARGS(lb_text("cause", c->kind), lb_text("table", c->object)),
                               .undo = "ALTER TABLE ... SET (autovacuum_enabled = off)", .asks = true),
                      &group, err);
    if (r >= 0)
        r = vacuum_reset_options(ctx, group, &wanted, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    note_outcome(deed, outcome);
    return r;
}

static const char *index_title(lb_ctx *ctx, const cause_found *c)
{
    return lb_printf(ctx, "make the index %s again", c->object);
}

static int create_index(lb_ctx *ctx, const cause_found *c, const char *title, heal_deed *deed, lb_error *err)
{
    static const char plain[] = "CREATE INDEX ", unique[] = "CREATE UNIQUE INDEX ";
    const char *text = c->command ? c->command : "";
    bool is_plain = strncmp(text, plain, sizeof plain - 1) == 0,
         is_unique = strncmp(text, unique, sizeof unique - 1) == 0;
    const char *rest = text + (is_plain ? sizeof plain - 1 : is_unique ? sizeof unique - 1 : 0);
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    if (!is_plain && !is_unique) {
        *deed = (heal_deed){.title = title, .status = "not_possible", .reason = "its definition is not known"};
        return 0;
    }
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = title, .reason = "it is gone, and its table is read from end to end since",
                                   .evidence = LB_ARGS(lb_text("cause", c->kind), lb_text("definition", text)),
                                   .undo = lb_printf(ctx, "drop the index %s", c->object), .asks = true),
                          &group, err);
    if (r >= 0)
        r = is_plain
                ? diagnose_create_index(ctx, group, &(diagnose_create_index_args){.rest = rest}, err)
                : diagnose_create_unique_index(ctx, group, &(diagnose_create_unique_index_args){.rest = rest}, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    note_outcome(deed, outcome);
    return r;
}

/* ---- sessions ---- */

static const char *session_title(lb_ctx *ctx, const cause_found *c)
{
    return c->pid ? lb_printf(ctx, "end session %lld (%s)", (long long)c->pid, c->kind) : NULL;
}

static const health_session *session_of(const health_sessions *all, int64_t pid)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->rows[i].pid == pid)
            return &all->rows[i];
    return NULL;
}

/* What goes with it is said before it is ended: what it holds and what would be rolled back. */
static int ask_to_end(lb_ctx *ctx, const health_session *s, const cause_found *c, const char *title,
                      lb_outcome *ret_outcome, lb_error *err)
{
    connections_end_session_args wanted = health_ending(s);
    health_radius radius;
    wanted.only_blocker = c->id == CAUSE_LOCK_CHAIN; /* who waits may have given up by the time a person agrees */
    int r = health_blast_radius(ctx, s, &radius, err);
    if (r < 0)
        return r;
    const lb_value *evidence = LB_ARGS(
        lb_text("cause", c->kind), lb_i64("pid", s->pid), lb_text("user", s->user_name),
        lb_text("database", s->database), lb_text("application", s->application), lb_text("state", s->state),
        s->xact_start_is_null ? lb_null("rolls_back_since") : lb_time("rolls_back_since", s->xact_start),
        lb_i64("relations_locked", s->locks), lb_bool("keeps_dead_rows", s->pins_rows), radius.facts, radius.unknown);
    lb_group *group = NULL;
    r = lb_group_open(ctx,
                      LB_GROUP(.title = title, .reason = c->reason, .evidence = evidence,
                               .undo = "its client connects again and repeats the transaction", .asks = true),
                      &group, err);
    if (r >= 0)
        r = connections_end_session(ctx, group, &wanted, err);
    return r < 0 ? r : lb_apply(ctx, group, ret_outcome, err);
}

static int end_session(lb_ctx *ctx, const cause_found *c, const char *title, heal_deed *deed, lb_error *err)
{
    const health_kept nobody = {.users = {NULL, 0}};
    health_sessions all = {0};
    lb_outcome outcome = LB_REFUSED;
    int r = health_read_sessions(ctx, &all, err);
    const health_session *s = r < 0 ? NULL : session_of(&all, c->pid);
    if (r < 0)
        return r;
    const char *why = s ? health_protection(s, &nobody) : "it has gone by itself";
    if (why || !s) {
        deed->status = s ? "not_possible" : "nothing_to_do";
        deed->reason = s ? lb_printf(ctx, "the session may not be ended: %s", why) : why;
        return 0;
    }
    r = ask_to_end(ctx, s, c, title, &outcome, err);
    note_outcome(deed, outcome);
    return r;
}

/* ---- the table ---- */

static const heal_remedy remedies[] = {
    {CAUSE_DEAD_TUPLES, LB_RISK_LOW, "vacuum the table", NULL, vacuum_table},
    {CAUSE_STALE_STATISTICS, LB_RISK_LOW, "analyze the table", analyze_title, analyze_table},
    {CAUSE_CONNECTION_STORM, LB_RISK_LOW, "end what has idled for long", NULL, make_room},
    {CAUSE_WRAPAROUND_AGE, LB_RISK_LOW, "vacuum the oldest tables", NULL, freeze_tables},
    {CAUSE_AUTOVACUUM_OFF, LB_RISK_MEDIUM, "let autovacuum come again", reset_title, reset_autovacuum},
    {CAUSE_DROPPED_INDEX, LB_RISK_MEDIUM, "make the index again", index_title, create_index},
    {CAUSE_IDLE_IN_TRANSACTION, LB_RISK_MEDIUM, "end the session", session_title, end_session},
    {CAUSE_LOCK_CHAIN, LB_RISK_HIGH, "end the session at the root", session_title, end_session},
};

const heal_remedy *heal_remedy_of(const cause_found *cause)
{
    bool is_table_missing = cause->id == CAUSE_AUTOVACUUM_OFF && !cause->table; /* a setting of the server: not ours */
    for (size_t i = 0; !is_table_missing && i < sizeof remedies / sizeof *remedies; i++)
        if (remedies[i].id == cause->id)
            return &remedies[i];
    return NULL;
}

const char *heal_risk_name(lb_risk risk)
{
    return risk == LB_RISK_LOW ? "low" : risk == LB_RISK_MEDIUM ? "medium" : "high";
}
