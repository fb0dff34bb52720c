/* What sessions do to others: lock chains, transactions that stay open, connections that run out. */
#include "cause_look.h"

#include <sql/diagnose/lock_roots.h>
#include <sql/vacuum/horizon.h>

#include <string.h>
#include <time.h>

/* What a person types to end it; gid NULL: it is not known which one it is. */
static const char *end_prepared(lb_ctx *ctx, const char *gid)
{
    const char *word = gid ? cause_literal(ctx, gid) : NULL;
    return word ? lb_printf(ctx, "ROLLBACK PREPARED %s", word)
                : "SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared";
}

static const char *moment(lb_ctx *ctx, int64_t microseconds)
{
    char text[32];
    struct tm parts;
    time_t seconds = (time_t)(microseconds / 1000000);
    if (!gmtime_r(&seconds, &parts) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts))
        return NULL;
    return cause_literal(ctx, lb_printf(ctx, "%s.%06lld+00", text, (long long)(microseconds % 1000000)));
}

/* Numbers of processes come again: by the time that somebody types it, it is to reach this one or nobody. from: the
 * column that says since when; NULL: that is not known. */
static const char *signal_to(lb_ctx *ctx, const char *function, int64_t pid, const char *from, int64_t since)
{
    const char *at = from ? moment(ctx, since) : NULL;
    return at ? lb_printf(ctx, "SELECT %s(pid) FROM pg_stat_activity WHERE pid = %lld AND %s = %s", function,
                          (long long)pid, from, at)
              : lb_printf(ctx,
                          "SELECT pid, usename, application_name, state, backend_start FROM pg_stat_activity"
                          " WHERE pid = %lld",
                          (long long)pid);
}

static const char *end_session(const cause_look *look, int64_t pid)
{
    const health_session *s = NULL;
    for (size_t i = 0; !s && i < look->sessions.count; i++)
        s = look->sessions.rows[i].pid == pid ? &look->sessions.rows[i] : NULL;
    bool is_known = s && !s->backend_start_is_null;
    return signal_to(look->ctx, "pg_terminate_backend", pid, is_known ? "backend_start" : NULL,
                     is_known ? s->backend_start : 0);
}

/* ---- locks ---- */

static int add_chain(cause_look *look, const diagnose_lock_roots_row *root, lb_error *err)
{
    lb_ctx *ctx = look->ctx;
    bool is_prepared = root->pid == 0, idles = root->state && strncmp(root->state, "idle", 4) == 0;
    const char *object = !is_prepared ? lb_printf(ctx, "session %lld", (long long)root->pid)
                         : root->gid  ? lb_printf(ctx, "prepared transaction %s", root->gid)
                                      : "a prepared transaction";
    const char *does = is_prepared ? "prepared" : root->state ? root->state : "unknown";
    const cause_case c = {
        .id = CAUSE_LOCK_CHAIN,
        .object = object,
        .pid = root->pid,
        .about = root->object,
        .holds_up_many = 2 * root->victims >= (int64_t)look->sessions.count,
        .reason =
            lb_printf(ctx, "%lld %s behind it, the longest for %.0f s, for %s on %s; it is %s",
                      (long long)root->victims, root->victims == 1 ? "session waits" : "sessions wait", root->longest,
                      root->mode ? root->mode : "a lock", root->object ? root->object : "a transaction", does),
        .command = is_prepared ? end_prepared(ctx, root->gid) : end_session(look, root->pid),
        .strength = {1, cause_ramp(root->longest, look->limits.min_wait_s, 120), is_prepared || idles,
                     cause_ramp((double)root->victims, 3, 10)},
        .evidence = LB_ARGS(
            lb_i64("root_pid", root->pid), lb_text("gid", root->gid), lb_text("user", root->user_name),
            lb_text("application", root->application), lb_text("database", root->database), lb_text("state", does),
            root->state_seconds_is_null ? lb_null("state_s") : lb_f64("state_s", root->state_seconds),
            root->xact_seconds_is_null ? lb_null("transaction_s") : lb_f64("transaction_s", root->xact_seconds),
            lb_text("query_id", root->query_id), lb_i64("victims", root->victims), lb_i64("directly", root->direct),
            lb_f64("longest_wait_s", root->longest), lb_f64("waits_together_s", root->total),
            lb_text("lock_mode", root->mode), lb_text("lock_on", root->object),
            lb_bool("exclusive_lock_queued", root->queued_exclusive), lb_text("waiters", root->waiters))};
    return cause_add(look, &c, err);
}

int cause_look_at_locks(cause_look *look, lb_error *err)
{
    const diagnose_lock_roots_args wanted = {.min_seconds = look->limits.min_wait_s};
    diagnose_lock_roots_row root;
    lb_rows *rows = NULL;
    if (!look->waiting)
        return 0; /* nobody waits: what is dear need not be asked */
    int r = diagnose_lock_roots(look->ctx, &wanted, &rows, err);
    while (r >= 0 && diagnose_lock_roots_next(look->ctx, rows, &root))
        r = add_chain(look, &root, err);
    return r;
}

/* ---- transactions ---- */

static bool has_dead_rows(const cause_look *look)
{
    for (size_t i = 0; i < look->table_count; i++)
        if (look->tables[i].dead >= look->limits.min_dead_rows)
            return true;
    return false;
}

static int add_idler(cause_look *look, const health_session *s, lb_error *err)
{
    lb_ctx *ctx = look->ctx;
    const cause_case c = {
        .id = CAUSE_IDLE_IN_TRANSACTION,
        .object = lb_printf(ctx, "session %lld", (long long)s->pid),
        .pid = s->pid,
        .keeps_rows = s->pins_rows,
        .reason = lb_printf(ctx, "%s@%s idles in a transaction for %.0f s%s%s", s->user_name ? s->user_name : "?",
                            s->application, s->state_seconds, s->locks ? ", holding locks" : "",
                            s->pins_rows ? ", and VACUUM cannot pass it" : ""),
        .command = end_session(look, s->pid),
        .strength = {cause_ramp(s->state_seconds, look->limits.min_idle_s, 10 * look->limits.min_idle_s),
                     s->pins_rows || s->locks > 0, s->pins_rows && has_dead_rows(look), look->waiting > 0},
        .evidence =
            LB_ARGS(lb_i64("pid", s->pid), lb_text("user", s->user_name), lb_text("database", s->database),
                    lb_text("application", s->application), lb_text("client", s->client), lb_text("state", s->state),
                    lb_f64("idle_s", s->state_seconds),
                    s->xact_seconds_is_null ? lb_null("transaction_s") : lb_f64("transaction_s", s->xact_seconds),
                    lb_i64("locks", s->locks), lb_bool("keeps_dead_rows", s->pins_rows))};
    return cause_add(look, &c, err);
}

/* A session that works, a prepared transaction, a standby: who holds the horizon back, and for how long. */
static int add_holder(cause_look *look, const vacuum_horizon_row *h, lb_error *err)
{
    lb_ctx *ctx = look->ctx;
    double seconds = h->held_seconds;
    bool is_prepared = strcmp(h->kind, "prepared") == 0, is_session = strcmp(h->kind, "session") == 0;
    if (!(is_session || is_prepared) || h->held_seconds_is_null || seconds < look->limits.min_transaction_s ||
        (h->state && strncmp(h->state, "idle in", 7) == 0))
        return 0;
    const cause_case c = {
        .id = CAUSE_LONG_TRANSACTION,
        .object = is_session ? lb_printf(ctx, "session %lld", (long long)h->pid)
                             : lb_printf(ctx, "prepared transaction %s", h->holder),
        .pid = h->pid,
        .keeps_rows = h->is_here,
        .reason = lb_printf(ctx, "open for %.0f s, it keeps what the last %lld transactions made dead", seconds,
                            (long long)h->horizon_age),
        .command = is_session
                       ? signal_to(ctx, "pg_cancel_backend", h->pid, h->since_is_null ? NULL : "xact_start", h->since)
                       : end_prepared(ctx, h->holder),
        .strength = {cause_ramp(seconds, look->limits.min_transaction_s, 10 * look->limits.min_transaction_s), 1,
                     has_dead_rows(look), is_prepared},
        .evidence = LB_ARGS(lb_text("holder", h->holder), lb_text("kind", h->kind), lb_text("database", h->database),
                            lb_text("owner", h->owner), lb_text("state", h->state), lb_f64("open_s", seconds),
                            lb_i64("horizon_age", h->horizon_age))};
    return cause_add(look, &c, err);
}

static int look_at_horizon(cause_look *look, lb_error *err)
{
    vacuum_horizon_row h;
    lb_rows *rows = NULL;
    int r = vacuum_horizon(look->ctx, &rows, err);
    while (r >= 0 && vacuum_horizon_next(look->ctx, rows, &h)) {
        if (!look->keeper && h.is_here && strcmp(h.scope, "rows") == 0 && !h.held_seconds_is_null &&
            h.held_seconds >= look->limits.min_idle_s)
            look->keeper = lb_printf(look->ctx, "%s %s", h.kind, h.holder);
        else if (!look->keeper && strcmp(h.kind, "slot") == 0 && strcmp(h.scope, "rows") == 0)
            look->keeper = lb_printf(look->ctx, "slot %s", h.holder);
        r = add_holder(look, &h, err);
    }
    return r;
}

/* ---- connections ---- */

static bool same_client(const health_session *a, const health_session *b)
{
    return a->user_name && b->user_name && strcmp(a->user_name, b->user_name) == 0 &&
           strcmp(a->application, b->application) == 0;
}

/* Who has most of the connections. */
static const health_session *foremost(const health_sessions *all, int64_t *ret_count)
{
    const health_session *most = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < all->count; i++) {
        int64_t count = 0;
        for (size_t j = 0; j < all->count; j++)
            count += health_is_client(&all->rows[j]) && same_client(&all->rows[i], &all->rows[j]);
        if (health_is_client(&all->rows[i]) && count > *ret_count) {
            *ret_count = count;
            most = &all->rows[i];
        }
    }
    return most;
}

static int look_at_connections(cause_look *look, lb_error *err)
{
    lb_ctx *ctx = look->ctx;
    int64_t clients = 0, limit = 0, of_one = 0, idle = 0;
    double used = health_utilization(&look->sessions, &clients, &limit), came = 0;
    bool is_known = cause_rose(look, "sessions", &came);
    if (used < 0.7 || !clients)
        return 0;
    const health_session *most = foremost(&look->sessions, &of_one);
    for (size_t i = 0; i < look->sessions.count; i++)
        idle += health_is_client(&look->sessions.rows[i]) && health_is_idle(&look->sessions.rows[i]);
    double share = (double)of_one / (double)clients, idling = (double)idle / (double)clients;
    const char *who = most ? most->user_name : "nobody", *with = most ? most->application : "";
    const cause_case c = {
        .id = CAUSE_CONNECTION_STORM,
        .object = "server",
        .reason = lb_printf(ctx, "%lld of %lld connections are taken, %lld of them by %s (%s), %lld idle",
                            (long long)clients, (long long)limit, (long long)of_one, who, with, (long long)idle),
        .command =
            "SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4",
        .strength = {cause_ramp(used, 0.7, 0.95), cause_ramp(share, 0.3, 0.7), cause_ramp(idling, 0.5, 0.9),
                     is_known ? cause_ramp(came, 0.5 * (double)clients, (double)clients) : CAUSE_UNSEEN},
        .evidence = LB_ARGS(lb_i64("connections", clients), lb_i64("limit", limit), lb_f64("utilization", used),
                            lb_text("most_user", who), lb_text("most_application", with), lb_i64("most_count", of_one),
                            lb_i64("idle", idle), is_known ? lb_f64("came_since", came) : lb_null("came_since"))};
    return cause_add(look, &c, err);
}

int cause_look_at_sessions(cause_look *look, lb_error *err)
{
    int r = look_at_horizon(look, err);
    for (size_t i = 0; r >= 0 && i < look->sessions.count; i++) {
        const health_session *s = &look->sessions.rows[i];
        if (health_is_client(s) && health_is_idle_in_transaction(s) && s->state_seconds >= look->limits.min_idle_s)
            r = add_idler(look, s, err);
    }
    return r < 0 ? r : look_at_connections(look, err);
}
