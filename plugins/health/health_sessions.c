#include "health_sessions.h"

#include <string.h>

#define PATIENCE_MS 5000 /* for a session to go */

/* Roles that the platforms keep for themselves. */
static const char *const platform_roles[] = {"cloud_admin", "databricks_*", "rdsadmin", "azuresu", "cloudsqladmin"};

int health_read_sessions(lb_ctx *ctx, health_sessions *ret_sessions, lb_error *err)
{
    lb_rows *rows = NULL;
    health_sessions found = {0};
    int r = connections_capacity(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "limits of connections");
    if (!connections_capacity_next(ctx, rows, &found.capacity))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server tells no limits of connections");
    r = connections_sessions(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "sessions");
    health_session *all = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (connections_sessions_next(ctx, rows, &all[found.count])) {
        found.hidden += !all[found.count].backend_type;
        found.count++;
    }
    found.rows = all;
    *ret_sessions = found;
    return 0;
}

static bool is_state(const health_session *s, const char *state)
{
    return s->state && strcmp(s->state, state) == 0;
}

/* What is hidden is most likely a client: the server's own processes hide from nobody. */
bool health_is_client(const health_session *s)
{
    return !s->backend_type || strcmp(s->backend_type, "client backend") == 0;
}

bool health_is_idle(const health_session *s)
{
    return is_state(s, "idle");
}

bool health_is_idle_in_transaction(const health_session *s)
{
    return is_state(s, "idle in transaction") || is_state(s, "idle in transaction (aborted)");
}

double health_utilization(const health_sessions *sessions, int64_t *ret_clients, int64_t *ret_limit)
{
    const health_capacity *c = &sessions->capacity;
    int64_t clients = 0, limit = c->max_connections - c->superuser_reserved - c->reserved;
    for (size_t i = 0; i < sessions->count; i++)
        clients += health_is_client(&sessions->rows[i]);
    *ret_clients = clients;
    *ret_limit = limit;
    return limit > 0 ? (double)clients / (double)limit : 0;
}

static bool matches(const char *pattern, const char *text)
{
    size_t length = strlen(pattern);
    if (length && pattern[length - 1] == '*')
        return strncmp(pattern, text, length - 1) == 0;
    return strcmp(pattern, text) == 0;
}

bool health_is_listed(const lb_texts *patterns, const char *text)
{
    for (size_t i = 0; text && i < patterns->count; i++)
        if (matches(patterns->items[i], text))
            return true;
    return false;
}

const char *health_protection(const health_session *s, const health_kept *kept)
{
    const lb_texts platform = {platform_roles, sizeof platform_roles / sizeof *platform_roles};
    if (s->own || strncmp(s->application, "lbops", 5) == 0)
        return "our own session";
    if (!s->backend_type || !s->user_name || s->backend_start_is_null)
        return "cannot be seen without pg_monitor";
    if (strcmp(s->backend_type, "walsender") == 0)
        return "replication";
    if (!health_is_client(s))
        return "a process of the server's own";
    if (s->superuser)
        return "a superuser";
    if (s->replicates)
        return "its role may replicate";
    if (health_is_listed(&platform, s->user_name))
        return "a role of the platform";
    if (health_is_listed(&kept->users, s->user_name))
        return "its user is listed";
    if (health_is_listed(&kept->databases, s->database))
        return "its database is listed";
    if (health_is_listed(&kept->applications, s->application))
        return "its application is listed";
    return NULL;
}

connections_end_session_args health_ending(const health_session *s)
{
    return (connections_end_session_args){.pid = s->pid,
                                          .backend_start = s->backend_start,
                                          .state = s->state,
                                          .state_change = s->state_change,
                                          .xact_start = s->xact_start,
                                          .xact_start_is_null = s->xact_start_is_null,
                                          .query_id = s->query_id,
                                          .query_id_is_null = s->query_id_is_null,
                                          .user_name = s->user_name,
                                          .application = s->application,
                                          .patience_ms = PATIENCE_MS};
}

/* Seconds: for the record of the abort, and for each file that goes. */
static double rollback_seconds(const connections_blast_radius_row *b)
{
    return b->has_written ? 0.01 + 0.001 * (double)b->new_files : 0;
}

health_radius health_no_radius(void)
{
    return (health_radius){lb_null("blast_radius"), lb_null("blast_radius_unknown")};
}

/* The ages grow by waiting for an answer: a person's no holds for them all the same. */
static int tell_radius(lb_ctx *ctx, const connections_blast_radius_row *b, health_radius *ret_radius, lb_error *err)
{
    lb_value *ages = lb_alloc(ctx, 3 * sizeof *ages), *facts = lb_alloc(ctx, 8 * sizeof *facts);
    if (!ages || !facts)
        return lb_out_of_memory(err);
    const lb_value its_ages[] = {lb_f64("longest_wait_s", b->longest_wait),
                                 b->xact_seconds_is_null ? lb_null("transaction_s")
                                                         : lb_f64("transaction_s", b->xact_seconds),
                                 {.type = LB_END}};
    const lb_value values[] = {
        lb_text("holds", *b->holds ? b->holds : NULL),
        lb_i64("relations_locked", b->relations),
        lb_i64("waiters", b->waiters),
        lb_bool("has_written", b->has_written),
        lb_f64("rollback_s", rollback_seconds(b)),
        lb_text("rollback_is",
                b->has_written
                    ? "at once: Postgres undoes nothing; what was written, and how much that is no view tells, "
                      "stays as dead rows for VACUUM, and the client has to repeat it"
                    : "nothing: its transaction has written nothing"),
        lb_object("not_compared", ages),
        {.type = LB_END}};
    memcpy(ages, its_ages, sizeof its_ages);
    memcpy(facts, values, sizeof values);
    ret_radius->facts = lb_object("blast_radius", facts);
    return 0;
}

/* A refusal is the server's word about this one question; a lost connection or a stop is about the run. */
static bool is_refused(const lb_error *err)
{
    return err->sqlstate[0] && strncmp(err->sqlstate, "08", 2) != 0 && strncmp(err->sqlstate, "57", 2) != 0;
}

int health_blast_radius(lb_ctx *ctx, const health_session *s, health_radius *ret_radius, lb_error *err)
{
    const connections_blast_radius_args wanted = {.pid = s->pid};
    connections_blast_radius_row b;
    lb_rows *rows = NULL;
    *ret_radius = health_no_radius();
    int r = connections_blast_radius(ctx, &wanted, &rows, err);
    if (r < 0 && is_refused(err)) {
        ret_radius->unknown = lb_text("blast_radius_unknown", lb_printf(ctx, "%s", err->message));
        return 0;
    }
    if (r < 0)
        return lb_wrap(err, "what goes with the session");
    return connections_blast_radius_next(ctx, rows, &b)
               ? tell_radius(ctx, &b, ret_radius, err)
               : lb_fail(err, LB_ERR_INTERNAL, NULL, "the server says nothing of what goes with a session");
}

int health_say_hidden(lb_ctx *ctx, const health_sessions *sessions, lb_error *err)
{
    if (!sessions->hidden)
        return 0;
    const char *what = sessions->hidden == 1 ? "session of another role" : "sessions of other roles";
    return lb_skipped(ctx, lb_printf(ctx, "%zu %s", sessions->hidden, what),
                      "what others do cannot be seen: it takes pg_monitor (or pg_read_all_stats)", err);
}
