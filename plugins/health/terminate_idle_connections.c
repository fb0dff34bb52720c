/* terminate_idle_connections: ends sessions that have idled for too long, under rules that say who may never be ended.
 *
 * Never: replication, superusers and the platform's roles, the server's own processes, ourselves, what is listed, and
 * what cannot be seen. Identity and state are looked at again in the statement that ends a session, so neither a
 * process id that came again nor a session that woke up is ended. Per user and round only a share goes, so that a pool
 * does not have to connect all over at once; and of a pool's some stay, as it would open them again at once. */
#include "health_sessions.h"

#include <sql/connections/unknown_users.h>

struct args {
    double max_idle_min, max_idle_in_transaction_min, max_share;
    int64_t min_round, pool_floor;
    lb_texts users, keep_users, keep_databases, keep_applications, people_applications;
};

static const lb_param params[] = {
    LB_PARAM(struct args, max_idle_min, LB_F64, "30", "ends sessions that are idle for longer", .min = "0"),
    LB_PARAM(struct args, max_idle_in_transaction_min, LB_F64, "0",
             "also ends those that idle in a transaction for longer, which rolls it back; 0: never", .min = "0"),
    LB_PARAM(struct args, max_share, LB_F64, "0.2", "of a user's sessions at most this share in one round", .min = "0",
             .max = "1"),
    LB_PARAM(struct args, min_round, LB_I64, "5", "but so many of a user's in any case", .min = "1"),
    LB_PARAM(struct args, pool_floor, LB_I64, "3",
             "idle sessions that a pool keeps: so many or more of one user, database, application and client; 0: none",
             .min = "0"),
    LB_PARAM(struct args, people_applications, LB_LIST_OF(LB_TEXT),
             "[\"psql\", \"pgcli\", \"pgAdmin*\", \"DBeaver*\", \"DataGrip*\"]",
             "application names of people's programs, of which any number is no pool; a * at the end is any rest"),
    LB_PARAM(struct args, users, LB_LIST_OF(LB_TEXT), NULL,
             "only sessions of these users; a * at the end is any rest; none given: of all"),
    LB_PARAM(struct args, keep_users, LB_LIST_OF(LB_TEXT), NULL,
             "users who are never ended; a * at the end is any rest"),
    LB_PARAM(struct args, keep_databases, LB_LIST_OF(LB_TEXT), NULL, "databases whose sessions are never ended"),
    LB_PARAM(struct args, keep_applications, LB_LIST_OF(LB_TEXT), "[\"pg_dump\", \"pg_restore\", \"pg_basebackup\"]",
             "application names that are never ended"),
    LB_PARAMS_END,
};

/* A session that this round asked to end. */
typedef struct victim {
    const health_session *session;
    lb_outcome outcome;
    int64_t ended; /* rows of the statement: 1 when the server says that it is gone */
    int64_t of_pool, of_pool_idle;
    int64_t pool_floor; /* 0: it is of none that keeps some */
} victim;

typedef struct sweep {
    health_sessions sessions;
    victim *victims;
    size_t count; /* of victims */
    int64_t past_limit, protected_ones, of_pools, left_for_later, ended, spared;
    lb_value *pids;
} sweep;

static double limit_of(const struct args *args, const health_session *s)
{
    if (health_is_idle(s))
        return args->max_idle_min * 60;
    if (health_is_idle_in_transaction(s) && args->max_idle_in_transaction_min > 0)
        return args->max_idle_in_transaction_min * 60;
    return -1; /* it works, or is left alone */
}

static bool is_of(const health_session *s, const char *user)
{
    return s->user_name && strcmp(s->user_name, user) == 0;
}

/* May one more of its user's sessions go in this round? */
static bool fits_round(const struct args *args, const sweep *now, const health_session *s)
{
    int64_t of_user = 0, before = 0;
    if (!s->user_name)
        return false; /* protected before this is asked */
    for (size_t i = 0; i < now->sessions.count; i++) {
        const health_session *other = &now->sessions.rows[i];
        of_user += is_of(other, s->user_name) && health_is_client(other);
    }
    for (size_t i = 0; i < now->count; i++)
        before += is_of(now->victims[i].session, s->user_name);
    return before < args->min_round || (double)before < args->max_share * (double)of_user;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_pool(const health_session *a, const health_session *b)
{
    return is_same(a->user_name, b->user_name) && is_same(a->database, b->database) && is_same(a->client, b->client) &&
           strcmp(a->application, b->application) == 0;
}

/* How many the pool of a session has, and how many of them idle and are to stay so far. */
static int64_t pool_of(const sweep *now, const health_session *s, int64_t *ret_idle)
{
    int64_t count = 0;
    *ret_idle = 0;
    for (size_t i = 0; i < now->sessions.count; i++) {
        const health_session *other = &now->sessions.rows[i];
        bool is_member = health_is_client(other) && same_pool(other, s);
        count += is_member;
        *ret_idle += is_member && health_is_idle(other);
    }
    for (size_t i = 0; i < now->count; i++)
        *ret_idle -= health_is_idle(now->victims[i].session) && same_pool(now->victims[i].session, s);
    return count;
}

/* How many a pool of that size keeps of such as this one; 0: it is none. A transaction that was left open serves none.
 */
static int64_t floor_of(const struct args *args, const health_session *s, int64_t count)
{
    bool is_pool =
        health_is_idle(s) && count >= args->pool_floor && !health_is_listed(&args->people_applications, s->application);
    return is_pool ? args->pool_floor : 0;
}

/* Why its pool keeps it, or NULL. */
static const char *pool_keeps(lb_ctx *ctx, const sweep *now, const health_session *s)
{
    const struct args *args = ctx->args;
    int64_t idle = 0, count = pool_of(now, s, &idle);
    if (idle > args->pool_floor || !floor_of(args, s, count))
        return NULL;
    const char *why =
        lb_printf(ctx, "its pool of %lld keeps %lld that idle", (long long)count, (long long)args->pool_floor);
    return why ? why : "its pool keeps it";
}

static int keep(lb_ctx *ctx, const health_session *s, const char *why, lb_error *err)
{
    return lb_append(ctx, "kept",
                     LB_ARGS(lb_i64("pid", s->pid), lb_text("user", s->user_name), lb_text("database", s->database),
                             lb_text("application", s->application), lb_f64("idle_seconds", s->state_seconds),
                             lb_text("reason", why)),
                     err);
}

/* One group each: a session that cannot be ended keeps none of the others. */
static int end_session(lb_ctx *ctx, victim *v, lb_error *err)
{
    const health_session *s = v->session;
    connections_end_session_args wanted = health_ending(s);
    wanted.pool_floor = v->pool_floor;
    health_radius radius = health_no_radius(); /* idle: nothing goes with it */
    int r = health_is_idle(s) ? 0 : health_blast_radius(ctx, s, &radius, err);
    if (r < 0)
        return r;
    const lb_value *evidence = LB_ARGS(
        lb_i64("pid", s->pid), lb_text("user", s->user_name), lb_text("database", s->database),
        lb_text("application", s->application), lb_text("client", s->client), lb_text("state", s->state),
        lb_time("idle_since", s->state_change), lb_i64("locks_held", s->locks),
        lb_bool("keeps_dead_rows", s->pins_rows), radius.facts, radius.unknown,
        lb_object("not_compared", LB_ARGS(lb_i64("pool_sessions", v->of_pool), lb_i64("pool_idle", v->of_pool_idle))));
    lb_group *group = NULL;
    r = lb_group_open(ctx,
                      LB_GROUP(.title = lb_printf(ctx, "end session %lld of %s", (long long)s->pid, s->user_name),
                               .reason = lb_printf(ctx, "%s for %.0f minutes", s->state, s->state_seconds / 60),
                               .evidence = evidence,
                               .undo = health_is_idle(s) ? "its client connects again"
                                                         : "its client connects again and repeats the transaction",
                               .bounded = true),
                      &group, err);
    if (r >= 0)
        r = connections_end_session(ctx, group, &wanted, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &v->outcome, err);
    if (r >= 0 && v->outcome == LB_APPLIED)
        v->ended = lb_group_rows(ctx, group);
    return r;
}

/* A refusal by the server is a fact about one session; anything else ends the run. */
static int try_to_end(lb_ctx *ctx, sweep *now, const health_session *s, lb_error *err)
{
    victim *v = &now->victims[now->count];
    *v = (victim){.session = s, .outcome = LB_REFUSED};
    v->of_pool = pool_of(now, s, &v->of_pool_idle);
    v->pool_floor = floor_of(ctx->args, s, v->of_pool);
    int r = end_session(ctx, v, err);
    if (r == LB_ERR_DENIED || (r < 0 && strcmp(err->sqlstate, "42501") == 0))
        return lb_skipped(ctx, lb_printf(ctx, "session %lld", (long long)s->pid),
                          lb_printf(ctx, "%s (it takes pg_signal_backend)", err->message), err);
    if (r >= 0)
        now->count++;
    return r;
}

static int consider(lb_ctx *ctx, sweep *now, const health_session *s, lb_error *err)
{
    const struct args *args = ctx->args;
    const health_kept kept = {args->keep_users, args->keep_databases, args->keep_applications};
    double limit = limit_of(args, s);
    if (limit < 0 || s->state_seconds <= limit || (args->users.count && !health_is_listed(&args->users, s->user_name)))
        return 0;
    const char *why = health_protection(s, &kept), *pool = why ? NULL : pool_keeps(ctx, now, s);
    now->past_limit++;
    if (why || pool) {
        now->protected_ones += why != NULL;
        now->of_pools += pool != NULL;
        return keep(ctx, s, why ? why : pool, err);
    }
    if (!fits_round(args, now, s)) {
        now->left_for_later++;
        return keep(ctx, s, "left for the next round", err);
    }
    return try_to_end(ctx, now, s, err);
}

/* ---- what became of them ---- */

/* The same session in the later reading, or NULL: it is gone. */
static const health_session *still_there(const health_sessions *later, const health_session *s)
{
    for (size_t i = 0; i < later->count; i++)
        if (later->rows[i].pid == s->pid && later->rows[i].backend_start == s->backend_start)
            return &later->rows[i];
    return NULL;
}

static const char *why_spared(const victim *v, const health_session *later)
{
    if (v->outcome == LB_WAITING)
        return "waits for a person";
    if (v->outcome != LB_APPLIED)
        return "refused by the gate";
    if (!later)
        return "had gone by itself";
    if (later->state_change != v->session->state_change)
        return "woke up meanwhile";
    return v->pool_floor ? "was told to end and has not yet, or its pool has become smaller"
                         : "was told to end and has not yet";
}

static int tell_one(lb_ctx *ctx, sweep *now, const health_sessions *later, const victim *v, lb_error *err)
{
    const health_session *s = v->session, *after = still_there(later, s);
    if (v->outcome == LB_PLANNED)
        return 0; /* its change says it */
    if (!v->ended || after) {
        now->spared++;
        return keep(ctx, s, why_spared(v, after), err);
    }
    now->pids[now->ended++] = lb_i64(NULL, s->pid);
    return lb_append(ctx, "terminated",
                     LB_ARGS(lb_i64("pid", s->pid), lb_text("user", s->user_name), lb_text("database", s->database),
                             lb_text("application", s->application), lb_text("state", s->state),
                             lb_f64("idle_seconds", s->state_seconds)),
                     err);
}

/* The server is looked at again: what counts is who is gone, not what a function returned. */
static int verify(lb_ctx *ctx, sweep *now, lb_error *err)
{
    health_sessions later = {0};
    if (!now->count || lb_plans(ctx))
        return 0;
    int r = health_read_sessions(ctx, &later, err);
    for (size_t i = 0; r >= 0 && i < now->count; i++)
        r = tell_one(ctx, now, &later, &now->victims[i], err);
    if (r >= 0 && now->ended)
        r = lb_emit(ctx, "self_heal.executed",
                    LB_ARGS(lb_text("issue", "idle_connections"), lb_text("action", "terminate_idle_connections"),
                            lb_text("status", "executed"), lb_list("pids", LB_I64, now->pids, (size_t)now->ended)),
                    err);
    return r;
}

/* Of somebody who is misspelt no session would ever be found. */
static int check_users(lb_ctx *ctx, const lb_texts *users, lb_error *err)
{
    const connections_unknown_users_args wanted = {.users = *users};
    connections_unknown_users_row row;
    lb_rows *rows = NULL;
    if (!users->count)
        return 0;
    int r = connections_unknown_users(ctx, &wanted, &rows, err);
    if (r < 0)
        return lb_wrap(err, "users");
    if (!connections_unknown_users_next(ctx, rows, &row))
        return 0;
    const char *hint = lb_printf(ctx, "roles that may log in: %s", row.others ? row.others : "none");
    return lb_fail(err, LB_ERR_INVALID, hint, "users: the server has no role '%.100s'", row.name);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    sweep now = {0};
    int r = check_users(ctx, &args->users, err);
    if (r >= 0)
        r = health_read_sessions(ctx, &now.sessions, err);
    if (r < 0)
        return r;
    now.victims = lb_alloc(ctx, (now.sessions.count + 1) * sizeof *now.victims);
    now.pids = lb_alloc(ctx, (now.sessions.count + 1) * sizeof *now.pids);
    if (!now.victims || !now.pids)
        return lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < now.sessions.count && !lb_cancelled(ctx); i++)
        r = consider(ctx, &now, &now.sessions.rows[i], err);
    if (r >= 0)
        r = verify(ctx, &now, err);
    if (r >= 0)
        r = lb_examined(ctx, "sessions", (int64_t)(now.sessions.count - now.sessions.hidden), err);
    if (r >= 0)
        r = health_say_hidden(ctx, &now.sessions, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_i64("sessions_terminated", now.ended),
                                     lb_list("pids", LB_I64, now.pids, (size_t)now.ended),
                                     lb_i64("past_limit", now.past_limit), lb_i64("protected", now.protected_ones),
                                     lb_i64("kept_by_pools", now.of_pools),
                                     lb_i64("left_for_next_round", now.left_for_later), lb_i64("spared", now.spared)),
                             err);
}

LB_TOOL(terminate_idle_connections, "ends sessions that have idled for too long", .agent = "health",
        .risk = LB_RISK_LOW, .timeout_s = 120, LB_TOOL_ARGS(struct args, params),
        .emits = LB_NAMES("self_heal.executed"), .needs = LB_NAMES("role pg_monitor", "role pg_signal_backend"),
        .run = run);
