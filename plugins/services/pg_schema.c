#include "pg_schema.h"

#include "pg_schema_sql.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>

#define MILLISECOND INT64_C(1000)
#define FIRST_WAIT  (50 * MILLISECOND)
#define LONGEST     (2000 * MILLISECOND)

/* ---- statements ---- */

static int no_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state;
    (void)names; /* they are our own statements */
    return count <= PG_ROW_CELLS ? 0 : lb_fail(err, LB_ERR_INTERNAL, NULL, "%u columns", count);
}

static int keep_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    pg_row *into = state;
    for (uint32_t i = 0; i < count && into->rows == 0; i++) {
        into->cells[i] = cells[i] ? strdup(cells[i]) : NULL;
        if (cells[i] && !into->cells[i])
            return lb_out_of_memory(err);
    }
    into->rows++;
    return 0;
}

void pg_row_done(pg_row *row)
{
    for (int i = 0; i < PG_ROW_CELLS; i++)
        free(row->cells[i]);
    *row = PG_ROW_NONE;
}

bool pg_is_true(const char *cell)
{
    return cell && *cell == 't';
}

int64_t pg_to_number(const char *cell)
{
    return cell ? strtoll(cell, NULL, 10) : 0;
}

const char *pg_number_text(char into[PG_NUMBER_TEXT], int64_t number)
{
    (void)snprintf(into, PG_NUMBER_TEXT, "%lld", (long long)number); /* fits */
    return into;
}

int pg_schema_run(const pg_schema *s, const lb_command *statement, pg_row *into, int64_t deadline, lb_error *err)
{
    int64_t affected;
    lb_command command = *statement;
    const lb_sink sink = {.size = sizeof sink, .state = into, .columns = no_columns, .row = keep_row};
    command.size = sizeof command;
    command.deadline = deadline;
    int r = pg_session_execute(s->session, &command, &sink, &affected, err);
    if (r < 0)
        pg_row_done(into);
    return r;
}

static int run_quietly(const pg_schema *s, const char *name, const char *text, int64_t deadline, lb_error *err)
{
    pg_row ignored = PG_ROW_NONE;
    int r = pg_schema_run(s, &(lb_command){.name = name, .text = text}, &ignored, deadline, err);
    pg_row_done(&ignored);
    return r;
}

/* ---- opening ---- */

static int fail_missing_right(const pg_schema *s, const char *right, const char *kind, const char *object,
                              lb_error *err)
{
    char hint[sizeof err->hint];
    (void)snprintf(hint, sizeof hint, /* long names are cut */
                   "as its owner: GRANT %s ON %s \"%.60s\" TO the role of the dsn", right, kind, object);
    return lb_fail(err, LB_ERR_DENIED, hint, "schema %s: the role may not %s it", s->name,
                   strcmp(kind, "DATABASE") == 0 ? "create" : "use");
}

static int make_layout(pg_schema *s, int64_t deadline, lb_error *err)
{
    if (!s->may_create)
        return lb_fail(err, LB_ERR_NOT_FOUND, "is it the right server and database? create = true makes a new one",
                       "%s: there is nothing in schema %s of database %s", s->kind->name, s->name,
                       pg_session_database(s->session));
    return run_quietly(s, "make the schema", s->kind->make, deadline, err);
}

/* Half a store is damage, and is not completed by guessing. */
static int judge(pg_schema *s, const pg_row *found, int64_t deadline, lb_error *err)
{
    bool exists = pg_is_true(found->cells[0]), usable = pg_is_true(found->cells[1]),
         creatable = pg_is_true(found->cells[2]);
    int64_t tables = pg_to_number(found->cells[4]);
    if (!exists && !pg_is_true(found->cells[3]))
        return fail_missing_right(s, "CREATE", "DATABASE", pg_session_database(s->session), err);
    if (exists && !usable)
        return fail_missing_right(s, "USAGE", "SCHEMA", s->name, err);
    if (tables == 0 && exists && !creatable)
        return fail_missing_right(s, "USAGE, CREATE", "SCHEMA", s->name, err);
    if (tables == 0)
        return make_layout(s, deadline, err);
    if (tables != s->kind->table_count)
        return lb_fail(err, LB_ERR_IO, "restore the schema from a backup; to begin anew, drop it yourself",
                       "schema %s is damaged: %lld of its %lld tables are there", s->name, (long long)tables,
                       (long long)s->kind->table_count);
    return 0;
}

static int check_layout(const pg_schema *s, int64_t deadline, lb_error *err)
{
    pg_row found = PG_ROW_NONE;
    int r =
        pg_schema_run(s, &(lb_command){.name = "read the layout", .text = pg_schema_sql_layout}, &found, deadline, err);
    if (r < 0)
        return r;
    int64_t layout = pg_to_number(found.cells[0]);
    bool is_ours = found.rows == 1 && found.cells[1] && strcmp(found.cells[1], s->kind->application) == 0;
    pg_row_done(&found);
    if (!is_ours)
        return lb_fail(err, LB_ERR_IO, "restore the schema from a backup, or name another one",
                       "schema %s does not hold what it should, %s, or is damaged", s->name, s->kind->application);
    if (layout != s->kind->layout)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "use the lbops that made it, or a newer one",
                       "schema %s has layout %lld; this lbops knows %d", s->name, (long long)layout, s->kind->layout);
    return 0;
}

static int find(pg_schema *s, int64_t deadline, lb_error *err)
{
    pg_row found = PG_ROW_NONE;
    const lb_command command = {.name = "look for the schema",
                                .text = pg_schema_sql_exists,
                                .params = (const char *const[]){s->name, s->kind->tables},
                                .param_types = (const char *const[]){"text", "text"},
                                .param_count = 2};
    int r = pg_schema_run(s, &command, &found, deadline, err);
    if (r == 0)
        r = judge(s, &found, deadline, err);
    pg_row_done(&found);
    return r;
}

static int establish(pg_schema *s, int64_t deadline, lb_error *err)
{
    pg_row ignored = PG_ROW_NONE;
    const lb_command command = {.name = "prepare the session",
                                .text = pg_schema_sql_session,
                                .params = (const char *const[]){s->name},
                                .param_types = (const char *const[]){"text"},
                                .param_count = 1};
    int r = pg_schema_run(s, &command, &ignored, deadline, err);
    pg_row_done(&ignored);
    if (r < 0 || find(s, deadline, err) < 0 || check_layout(s, deadline, err) < 0)
        return err->code;
    return s->kind->listen ? run_quietly(s, "listen", s->kind->listen, deadline, err) : 0;
}

static int connect_schema(pg_schema *s, int64_t deadline, lb_error *err)
{
    if (s->session && pg_session_reuse(s->session, s->kind->name, err) == 0)
        return 0;
    s->session = pg_session_close(s->session);
    int r = pg_session_open(s->host, &s->options, s->kind->name, deadline, &s->session, err);
    if (r < 0)
        return r;
    r = establish(s, deadline, err);
    if (r < 0) {
        s->session = pg_session_close(s->session);
        return r;
    }
    s->may_create = false; /* what was there once is missed, and not made again */
    s->sessions++;
    return 0;
}

/* ---- trying again ---- */

/* The connection is gone, the server on its way up or down, or became a standby; or sessions were in each other's way.
 */
static bool is_passing(const lb_error *err)
{
    return err->code == LB_ERR_UNREACHABLE || strncmp(err->sqlstate, "40", 2) == 0 ||
           strcmp(err->sqlstate, "25006") == 0;
}

/* False when there is no time left for another try. */
static bool wait_before_next(const pg_schema *s, int64_t *wait, int64_t deadline)
{
    int64_t now = s->host->now(), jitter = now % (*wait / 4 + 1); /* so that hosts do not come back in step */
    if (now + *wait + jitter >= deadline || s->host->cancelled())
        return false;
    (void)poll(NULL, 0, (int)((*wait + jitter) / MILLISECOND)); /* a signal makes it shorter */
    *wait = *wait * 2 > LONGEST ? LONGEST : *wait * 2;
    return !s->host->cancelled();
}

static int give_up(const pg_schema *s, lb_error *err)
{
    if (strcmp(err->sqlstate, "25006") == 0)
        return lb_fail(err, LB_ERR_UNREACHABLE,
                       "name the primary, or several hosts and target_session_attrs=read-write",
                       "schema %s: the server takes no changes; it may be a standby", s->name);
    if (err->code == LB_ERR_UNREACHABLE)
        return err->code;
    return lb_fail(err, LB_ERR_TIMEOUT, "who else works in that schema? see pg_stat_activity",
                   "schema %s: other sessions were in the way until the deadline", s->name);
}

int pg_schema_try(pg_schema *s, pg_schema_work *work, void *arg, int64_t deadline, lb_error *err)
{
    int64_t wait = FIRST_WAIT;
    s->final = false;
    for (;;) {
        err->sqlstate[0] = '\0';
        int r = connect_schema(s, deadline, err);
        if (r == 0)
            r = work(arg, deadline, err);
        if (r >= 0 || !is_passing(err))
            return r;
        if (err->code != LB_ERR_CONFLICT)
            s->session = pg_session_close(s->session); /* also a standby: the next host may be the primary */
        if (s->final)
            return r;
        if (!wait_before_next(s, &wait, deadline))
            return give_up(s, err);
    }
}

int pg_schema_check_time(const pg_schema *s, int64_t deadline, lb_error *err)
{
    if (s->host->cancelled())
        return lb_fail(err, LB_ERR_CANCELLED, NULL, "schema %s: cancelled", s->name);
    if (s->host->now() >= deadline)
        return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "schema %s: there was no time left to begin", s->name);
    return 0;
}

/* ---- the schema ---- */

/* A dsn is shown in manifests and messages; the password has a place of its own. */
static int check_dsn(const char *dsn, lb_error *err)
{
    int r = pg_check_conninfo(dsn, err);
    PQconninfoOption *options = r == 0 ? PQconninfoParse(dsn, NULL) : NULL;
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        if (strcmp(o->keyword, "password") == 0 && o->val && *o->val)
            r = lb_fail(err, LB_ERR_INVALID, "move it: password = { secret = \"NAME\" }, and NAME under [secrets]",
                        "there is a password in the dsn");
    PQconninfoFree(options);
    return r;
}

int pg_schema_open(pg_schema *s, const pg_schema_kind *kind, const lb_service_host *host, const pg_schema_wish *wish,
                   int64_t deadline, lb_error *err)
{
    *s = (pg_schema){.kind = kind, .host = host, .may_create = wish->create};
    s->dsn = strdup(wish->dsn);
    s->name = strdup(wish->schema);
    s->password = wish->password ? strdup(wish->password) : NULL;
    if (!s->dsn || !s->name || (wish->password && !s->password))
        return lb_out_of_memory(err);
    if (!*s->name || strlen(s->name) > 63)
        return lb_fail(err, LB_ERR_INVALID, "between 1 and 63 bytes", "the schema's name is empty or too long: %.80s",
                       s->name);
    s->options = (pg_options){.conninfo = s->dsn,
                              .password = s->password,
                              .connect_timeout_ms = wish->connect_timeout_s * 1000,
                              .idle_in_transaction_timeout_ms = 60000};
    int r = check_dsn(s->dsn, err);
    return r < 0 ? r : connect_schema(s, deadline, err);
}

void pg_schema_close(pg_schema *s)
{
    s->session = pg_session_close(s->session);
    if (s->password)
        explicit_bzero(s->password, strlen(s->password));
    free(s->password);
    free(s->dsn);
    free(s->name);
}
