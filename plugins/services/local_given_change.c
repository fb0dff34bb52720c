/* Changes of a given server: databases are made, dropped, described, opened and closed. */
#include "local_given.h"

#include "clock.h"
#include "local_say.h"

#include <sql/local/given_lock.h>
#include <sql/local/given_place.h>
#include <sql/local/given_release.h>
#include <sql/local/say_branch_comment.h>
#include <sql/local/say_branch_database.h>
#include <sql/local/say_branch_open.h>
#include <sql/local/say_branch_rename.h>
#include <sql/local/say_branch_takeover.h>
#include <sql/local/say_drop_database.h>

#define CLEARING (10 * CLOCK_SECOND) /* what a failed call takes back may take so long beyond its deadline */

LB_PRINTF(2, 3) static void warn(const given_call *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (c->given->host->vlog)
        c->given->host->vlog(LB_LOG_WARN, fmt, args);
    va_end(args);
}

/* ---- who is in the way ---- */

int given_check_free(doc *entry, lb_error *err)
{
    long long others = (long long)doc_i64(entry, "others", 0);
    if (others == 0)
        return 0;
    return lb_fail(err, LB_ERR_CONFLICT, "nobody's session is ended for this: try again when they have gone",
                   "status 409 INVALID_STATE: %lld %s connected to database '%s': %s%s", others,
                   others == 1 ? "session is" : "sessions are", doc_text_or(entry, "directory", ""),
                   doc_text_or(entry, "who", "not told"), others > 3 ? " ..." : "");
}

/* Between a look and a statement somebody may have come. */
static int judge(int r, lb_error *err)
{
    char message[sizeof err->message];
    if (r == 0)
        return 0;
    (void)snprintf(message, sizeof message, "%s", err->message); /* the same size */
    if (strcmp(err->sqlstate, "55006") == 0)
        return lb_fail(err, LB_ERR_CONFLICT, "nobody's session is ended for this: try again when they have gone",
                       "status 409 INVALID_STATE: %s", message);
    if (strcmp(err->sqlstate, "42P04") == 0)
        return local_refuse(err, 409, "ALREADY_EXISTS", "branch with such id already exists");
    if (r == LB_ERR_DENIED)
        return lb_fail(err, LB_ERR_DENIED,
                       "the role needs CREATEDB (ALTER ROLE ... CREATEDB), and has to own the database that is copied, "
                       "renamed or dropped, or to be superuser",
                       "status 403 PERMISSION_DENIED: %s", message);
    return r;
}

static int release(const given_call *c, const char *database, lb_error *err)
{
    return local_run(c->session, &local_given_release_sql, (const char *const[]){database}, NULL, NULL,
                     c->call->deadline, err);
}

/* ---- the lock ---- */

static int take_truth(void *arg, uint32_t count, const char *const *cells, lb_error *err)
{
    bool *into = arg;
    (void)count, (void)err; /* one, as written */
    *into = cells[0] && cells[0][0] == 't';
    return 0;
}

int given_lock(given_call *c, bool waits, bool *ret_locked, lb_error *err)
{
    bool locked = false;
    int r = local_run(c->session, &local_given_lock_sql, (const char *const[]){waits ? "true" : "false"}, take_truth,
                      &locked, c->call->deadline, err);
    if (r == LB_ERR_CONFLICT)
        return local_refuse(err, 409, "ABORTED", "somebody else is changing branches of this server");
    if (r == 0)
        *ret_locked = locked;
    return r;
}

/* ---- one database ---- */

static int drop_database(const given_call *c, const char *database, int64_t deadline, lb_error *err)
{
    return local_say(c->session, &local_say_drop_database_sql, (const char *const[]){database}, deadline, err);
}

int given_drop(given_call *c, doc *entry, lb_error *err)
{
    const char *database = doc_text(entry, "directory");
    int r = given_check_free(entry, err);
    if (r >= 0)
        r = release(c, database, err);
    return r < 0 ? r : judge(drop_database(c, database, c->call->deadline, err), err);
}

static int describe(const given_call *c, doc *entry, const char *database, int64_t oid, const char *server,
                    lb_error *err)
{
    LB_AUTO_FREE char *comment = given_comment(entry, oid, server);
    return local_say(c->session, &local_say_branch_comment_sql, (const char *const[]){database, comment},
                     c->call->deadline, err);
}

static int set_open(const given_call *c, doc *entry, bool open, lb_error *err)
{
    const char *database = doc_text(entry, "directory");
    int r = local_say(c->session, &local_say_branch_open_sql, (const char *const[]){database, open ? "true" : "false"},
                      c->call->deadline, err);
    return r < 0 || open ? r : release(c, database, err);
}

/* A branch is opened before it is said to be ready, and closed after it is said to be deleted: who dies between leaves
 * one that is deleted and open, which given_mend closes. */
int given_save(given_call *c, doc *entry, lb_error *err)
{
    bool wants_open = !doc_text(entry, "branch.status.delete_time");
    int r = wants_open && !doc_flag(entry, "is_open") ? set_open(c, entry, true, err) : 0;
    if (r >= 0)
        r = describe(c, entry, doc_text(entry, "directory"), doc_i64(entry, "oid", 0), doc_text(entry, "server"), err);
    if (r >= 0 && !wants_open && doc_flag(entry, "is_open"))
        r = set_open(c, entry, false, err);
    return judge(r, err);
}

/* ---- making ---- */

typedef struct place {
    int64_t oid;
    char lsn[32];
} place;

static int take_place(void *arg, uint32_t count, const char *const *cells, lb_error *err)
{
    place *into = arg;
    (void)count, (void)err; /* two, as declared */
    into->oid = strtoll(cells[0], NULL, 10);
    (void)snprintf(into->lsn, sizeof into->lsn, "%s", cells[1]); /* at most 17 characters */
    return 0;
}

static void tell_left(void *arg, const char *message)
{
    warn(arg, "the branch does not have all of its parent's settings: %s", message);
}

/* Everything that makes a copy a branch, while nobody knows its name. */
static int finish(given_call *c, doc *entry, doc *source, const char *making, lb_error *err)
{
    place at = {0};
    const char *from = doc_text(source, "directory");
    int64_t deadline = c->call->deadline;
    int r =
        local_run(c->session, &local_given_place_sql, (const char *const[]){making}, take_place, &at, deadline, err);
    if (r >= 0 && at.oid == 0)
        r = local_missing(err, "branch"); /* the source went, and nothing was made */
    if (r >= 0)
        r = local_say_allowed(c->session, &local_say_branch_takeover_sql, (const char *const[]){making, from},
                              tell_left, c, deadline, err);
    if (r < 0)
        return r;
    doc_set_i64(entry, "oid", at.oid);
    doc_set_text(entry, "branch.status.source_branch_lsn", at.lsn);
    r = describe(c, entry, making, at.oid, doc_text(source, "server"), err);
    if (r >= 0)
        r = local_say(c->session, &local_say_branch_rename_sql,
                      (const char *const[]){making, doc_text(entry, "directory")}, deadline, err);
    return r;
}

int given_make(given_call *c, doc *entry, doc *source, lb_error *err)
{
    lb_error ignored;
    const char *from = doc_text(source, "directory");
    LB_AUTO_FREE char *making = base_printf(GIVEN_MAKING "%s", doc_text(entry, "branch.uid"));
    int r = given_check_free(source, err);
    if (r >= 0)
        r = release(c, from, err);
    if (r < 0)
        return r;
    r = local_say(c->session, &local_say_branch_database_sql, (const char *const[]){making, from, c->given->strategy},
                  c->call->deadline, err);
    if (r < 0)
        return judge(r, err); /* the server has cleared it away */
    r = finish(c, entry, source, making, err);
    if (r < 0 && drop_database(c, making, c->given->host->now() + CLEARING, &ignored) < 0)
        warn(c, "'%s' could not be dropped: the next call does it", making);
    return judge(r, err);
}

/* ---- what time and accidents have done ---- */

static bool has_passed(doc *entry, const char *path)
{
    int64_t time = doc_time(entry, path);
    return time && time <= clock_now();
}

/* Nobody's session is ended by time either: a branch that is in use outlives its expiry. */
static bool is_over(doc *entry)
{
    return !doc_flag(entry, "foreign") &&
           (doc_flag(entry, "is_broken") ||
            (doc_i64(entry, "others", 0) == 0 &&
             (has_passed(entry, "branch.status.expire_time") || has_passed(entry, "branch.status.purge_time"))));
}

static bool is_ajar(doc *entry)
{
    return !doc_flag(entry, "foreign") && doc_flag(entry, "is_open") && doc_text(entry, "branch.status.delete_time");
}

bool given_is_due(const given_call *c)
{
    doc *list = doc_at(c->p.d, "branches");
    bool due = doc_length(c->leftovers) > 0;
    for (size_t i = 0; i < doc_length(list); i++)
        due = due || is_over(doc_item(list, i)) || is_ajar(doc_item(list, i));
    return due;
}

void given_mend(given_call *c, bool *ret_changed)
{
    lb_error failure;
    doc *list = doc_at(c->p.d, "branches");
    *ret_changed = false;
    for (size_t i = 0; i < doc_length(c->leftovers); i++)
        if (drop_database(c, json_object_get_string(doc_item(c->leftovers, i)), c->call->deadline, &failure) < 0)
            warn(c, "what is left of a branch stays: %s", failure.message);
    for (size_t i = 0; i < doc_length(list); i++) {
        doc *entry = doc_item(list, i);
        int r = is_over(entry)   ? given_drop(c, entry, &failure)
                : is_ajar(entry) ? set_open(c, entry, false, &failure)
                                 : 1;
        if (r < 0)
            warn(c, "a branch that is over stays: %s", failure.message);
        *ret_changed = *ret_changed || r == 0;
    }
}
