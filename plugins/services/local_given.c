/* A given server as a project: connecting, and the calls of the control plane. */
#include "local_given.h"

#include "clock.h"

#define OWN_SERVERS "leave the dsn out for servers of our own, which can do that"

/* ---- the service ---- */

int local_given_new(const lb_service_host *host, const local_settings *settings, const pg_options *options,
                    local_given **ret_given, lb_error *err)
{
    const char *project = settings->projects.count ? settings->projects.items[0] : "given";
    if (settings->projects.count > 1)
        return lb_fail(err, LB_ERR_INVALID, "give one name in `projects`, or leave the dsn out",
                       "a given server is one project and not %zu", settings->projects.count);
    if (!local_is_id(project))
        return lb_fail(err, LB_ERR_INVALID, "small letters, digits and hyphens, a letter first",
                       "%s cannot be a project's name", project);
    local_given *given = base_alloc(sizeof *given);
    *given =
        (local_given){.host = host,
                      .options = *options,
                      .project = base_strdup(project),
                      .strategy = base_strdup(settings->template_strategy ? settings->template_strategy : "wal_log")};
    *ret_given = given;
    return 0;
}

local_given *local_given_free(local_given *given)
{
    if (given) {
        free(given->project);
        free(given->strategy);
    }
    free(given);
    return NULL;
}

/* Asking the control plane is what ends a branch whose time is over: it may be the first to look since. */
static bool is_over(const local_given *given, const lb_target *target, int64_t deadline)
{
    LB_AUTO_FREE char *path = base_printf("projects/%s/branches/%s", given->project, target->branch);
    lb_error failure;
    JSON_AUTO *reply = NULL;
    int r = local_given_control(given, &(lb_request){.method = "GET", .path = path}, deadline, &reply, &failure);
    return r == LB_ERR_NOT_FOUND; /* whatever else it is, connecting will tell */
}

/* Asking the server first keeps failed logins out of its log. The connection string's own database is production, so
 * that it can stand in for a branch of another name only where that counts as production, too: a throwaway branch that
 * is not there must not be taken for the real thing. */
int local_given_connect(const local_given *given, const lb_target *target, const char *application, int64_t deadline,
                        pg_session **ret_session, lb_error *err)
{
    pg_session *session = NULL;
    bool is_other = false, has = false;
    bool comes_and_goes = target->branch_class == LB_BRANCH_THROWAWAY || target->branch_class == LB_BRANCH_SHARED;
    int r = pg_session_open(given->host, &given->options, application, deadline, &session, err);
    if (r == 0)
        is_other = target->branch && strcmp(target->branch, pg_session_database(session)) != 0;
    if (is_other)
        r = pg_session_has_database(session, target->branch, deadline, &has, err);
    if (r == 0 && has && comes_and_goes)
        has = !is_over(given, target, deadline);
    if (r == 0 && is_other && !has && comes_and_goes)
        r = lb_fail(err, LB_ERR_NOT_FOUND, "lbops target create makes it; lbops target ls lists those that are there",
                    "there is no branch %s: the server has no such database", target->branch);
    if (r < 0 || has)
        session = pg_session_close(session);
    if (r == 0 && has) {
        pg_options options = given->options;
        options.database = target->branch;
        r = pg_session_open(given->host, &options, application, deadline, &session, err);
    }
    if (r < 0)
        return r;
    *ret_session = session;
    return 0;
}

/* A standby has the databases of its server: the branch's, or the connection string's own where there is none. */
int local_given_connect_reader(const local_given *given, const lb_target *target, const char *endpoint,
                               const char *application, int64_t deadline, pg_session **ret_session, lb_error *err)
{
    pg_options options = given->options;
    pg_session *session = NULL;
    bool has = false;
    if (!given->reader || strcmp(endpoint, GIVEN_READER) != 0)
        return lb_fail(err, LB_ERR_NOT_FOUND, "reader_dsn under [services.transport] names a standby",
                       "there is no endpoint %.80s that only reads", endpoint);
    options.conninfo = given->reader;
    int r = pg_session_open(given->host, &options, application, deadline, &session, err);
    if (r == 0 && target->branch && strcmp(target->branch, pg_session_database(session)) != 0)
        r = pg_session_has_database(session, target->branch, deadline, &has, err);
    if (r < 0 || has)
        session = pg_session_close(session);
    if (r == 0 && has) {
        options.database = target->branch;
        r = pg_session_open(given->host, &options, application, deadline, &session, err);
    }
    if (r < 0)
        return r;
    *ret_session = session;
    return 0;
}

/* ---- answers ---- */

static int unsupported(lb_error *err, const char *what)
{
    return lb_fail(err, LB_ERR_UNSUPPORTED, OWN_SERVERS,
                   "status 501 NOT_IMPLEMENTED: %s: a branch of a given server is a database", what);
}

/* Done before it is answered, so that nobody needs to ask for it again. */
static int answer_operation(given_call *c, const char *name, doc *branch)
{
    char id[37];
    local_uuid(id);
    LB_AUTO_FREE char *full = base_printf("%s/operations/%s", name, id);
    doc *reply = json_object_new_object(), *metadata = json_object_new_object();
    doc_set_text(reply, "name", full);
    (void)json_object_object_add(
        metadata, "@type",
        json_object_new_string("type.googleapis.com/databricks.postgres.v1.BranchOperationMetadata")); /* without memory
                                                                                                         alone */
    doc_set(reply, "metadata", metadata);
    doc_set_flag(reply, "done", true);
    doc_set(reply, "response", branch ? branch : json_object_new_object());
    c->call->reply = reply;
    return 0;
}

static int answer_branch(given_call *c, doc *entry)
{
    return answer_operation(c, doc_text(entry, "branch.name"), given_answer(entry));
}

/* ---- branches ---- */

static int list_branches(given_call *c, lb_error *err)
{
    bool deleted = local_query_flag(c->call, "show_deleted");
    doc *list = doc_at(c->p.d, "branches");
    JSON_AUTO *items = json_object_new_array();
    for (size_t i = 0; i < doc_length(list); i++)
        if (deleted || !doc_text(doc_item(list, i), "branch.status.delete_time"))
            (void)json_object_array_add(items, given_answer(doc_item(list, i))); /* fails without memory alone */
    return local_page(c->call, "branches", items, 0, err);
}

static int take_expiry(given_call *c, doc *entry, lb_error *err)
{
    doc *spec = doc_at(c->call->body, "spec");
    int64_t expires = 0;
    int r = local_read_expiry(spec, clock_now(), &expires, err);
    if (r >= 0)
        r = local_set_expiry(&c->p, entry, expires, err);
    if (r >= 0 && doc_at(spec, "is_protected"))
        r = local_set_protection(&c->p, entry, spec, err);
    return r;
}

static doc *new_entry(given_call *c, const char *id, doc *source)
{
    doc *project = doc_at(c->p.d, "project"), *entry = local_new_entry(project, id, clock_now());
    doc_set_text(entry, "directory", id);
    doc_set_text(entry, "server", doc_text(source, "server"));
    doc_set_flag(entry, "is_open", true);
    doc_set_text(entry, "source.directory", doc_text(source, "directory"));
    doc_set_text(entry, "branch.status.source_branch", doc_text(source, "branch.name"));
    doc_set_time(entry, "branch.status.source_branch_time", clock_now());
    doc_set_text(entry, "branch.status.current_state", "READY");
    doc_set(entry, "branch.status.pending_state", NULL);
    return entry;
}

static int check_spec(doc *spec, lb_error *err)
{
    int64_t ignored = 0;
    int r = local_read_expiry(spec, clock_now(), &ignored, err);
    if (r < 0)
        return r;
    if (doc_at(spec, "source_branch_time") || doc_at(spec, "source_branch_lsn") || doc_at(spec, "source_snapshot"))
        return unsupported(err, "a branch from a point in time");
    return 0;
}

static int make_branch(given_call *c, const char *id, lb_error *err)
{
    int r = check_spec(doc_at(c->call->body, "spec"), err);
    if (r < 0)
        return r;
    doc *source = local_find_source(&c->p, doc_at(c->call->body, "spec"), err);
    if (!source)
        return err->code;
    r = local_check_room(&c->p, err);
    if (r < 0)
        return r;
    JSON_AUTO *entry = new_entry(c, id, source);
    r = take_expiry(c, entry, err);
    if (r >= 0)
        r = given_make(c, entry, source, err);
    return r < 0 ? r : answer_branch(c, entry);
}

static int create_branch(given_call *c, lb_error *err)
{
    LB_AUTO_FREE char *id = NULL;
    int r = local_read_branch_id(c->call, &id, err);
    if (r < 0)
        return r;
    doc *entry = local_branch(&c->p, id);
    if (!entry)
        return make_branch(c, id, err);
    if (!local_query_flag(c->call, "replace_existing") || doc_flag(entry, "foreign"))
        return local_refuse(err, 409, "ALREADY_EXISTS", "branch with such id already exists");
    r = take_expiry(c, entry, err);
    if (r >= 0)
        r = given_save(c, entry, err);
    return r < 0 ? r : answer_branch(c, entry);
}

/* What others made stays as it is. */
static int check_ours(doc *entry, lb_error *err)
{
    return doc_flag(entry, "foreign")
               ? local_refuse(err, 400, "BAD_REQUEST",
                              "'%s' is a database that was not made as a branch: it is production and stays as it is",
                              doc_text(entry, "branch.name"))
               : 0;
}

static int update_branch(given_call *c, doc *entry, lb_error *err)
{
    int r = check_ours(entry, err);
    if (r >= 0)
        r = local_take_fields(c->call, &c->p, entry, err);
    if (r >= 0)
        r = given_save(c, entry, err);
    return r < 0 ? r : answer_branch(c, entry);
}

static int delete_branch(given_call *c, doc *entry, lb_error *err)
{
    int r = local_check_delete(&c->p, entry, err);
    if (r >= 0)
        r = check_ours(entry, err);
    if (r >= 0)
        r = given_check_free(entry, err);
    if (r < 0)
        return r;
    if (local_query_flag(c->call, "purge")) {
        r = given_drop(c, entry, err);
        return r < 0 ? r : answer_operation(c, doc_text(entry, "branch.name"), NULL);
    }
    if (!doc_text(entry, "branch.status.delete_time")) {
        local_mark_deleted(doc_at(entry, "branch"));
        r = given_save(c, entry, err);
    }
    return r < 0 ? r : answer_branch(c, entry);
}

static int undelete_branch(given_call *c, doc *entry, lb_error *err)
{
    int r = local_unmark_deleted(doc_at(entry, "branch"), err);
    if (r >= 0)
        r = given_save(c, entry, err);
    return r < 0 ? r : answer_branch(c, entry);
}

/* ---- endpoints ---- */

static int on_endpoints(given_call *c, doc *entry, lb_error *err)
{
    const char *method = c->call->request->method;
    if (doc_text(entry, "branch.status.delete_time"))
        return local_missing(err, "branch");
    if (c->call->count == 5) {
        JSON_AUTO *items = json_object_new_array();
        (void)json_object_array_add(items, given_endpoint(c, entry)); /* fails without memory alone */
        if (c->given->reader)
            (void)json_object_array_add(items, given_reader(entry)); /* as above */
        return strcmp(method, "GET") == 0 ? local_page(c->call, "endpoints", items, 10, err)
                                          : unsupported(err, "another endpoint");
    }
    bool is_reader = c->given->reader && strcmp(c->call->words[5], GIVEN_READER) == 0;
    if (!is_reader && strcmp(c->call->words[5], "primary") != 0)
        return local_missing(err, "endpoint");
    if (is_reader && strcmp(method, "GET") != 0)
        return unsupported(err, "changing a standby");
    if (strcmp(method, "DELETE") == 0)
        return local_refuse(err, 400, "BAD_REQUEST",
                            "Cannot delete read-write endpoint '%s/endpoints/primary'. Read-write endpoints cannot be "
                            "deleted.",
                            doc_text(entry, "branch.name"));
    if (strcmp(method, "GET") != 0)
        return unsupported(err, "size and suspension of an endpoint");
    c->call->reply = is_reader ? given_reader(entry) : given_endpoint(c, entry);
    return 0;
}

/* ---- which call ---- */

/* Before anybody is connected to: what cannot be, whatever the server says. */
static int check_route(const local_given *given, const local_call *call, lb_error *err)
{
    char **w = call->words;
    size_t n = call->count;
    bool reads = strcmp(call->request->method, "GET") == 0, posts = strcmp(call->request->method, "POST") == 0;
    if (n == 1 && strcmp(w[0], "credentials") == 0)
        return unsupported(err, "a credential");
    if (strcmp(w[0], "projects") != 0)
        return local_no_route(call, err);
    if (n == 3 && posts && strcmp(w[2], "branches") == 0) { /* ids are looked at before ancestors */
        LB_AUTO_FREE char *id = NULL;
        int r = local_read_branch_id(call, &id, err);
        if (r < 0)
            return r;
    }
    if (n > 1 && strcmp(w[1], given->project) != 0)
        return lb_fail(err, LB_ERR_NOT_FOUND, "`projects` under [services.transport] gives the server's project a name",
                       "status 404 NOT_FOUND: project id not found: the server is project %s", given->project);
    if (n <= 2 && !reads)
        return unsupported(err, "making, changing or deleting a project");
    if (n == 3 && strcmp(w[2], "undelete") == 0)
        return unsupported(err, "undeleting a project");
    if (n > 3 && strcmp(w[n - 2], "operations") == 0)
        return local_missing(err, "operation"); /* all of them were done when they were answered */
    if (n > 2 && strcmp(w[2], "branches") != 0)
        return local_no_route(call, err);
    if (n == 5 || n == 6) {
        if (strcmp(w[4], "roles") == 0 || strcmp(w[4], "databases") == 0)
            return unsupported(err, "roles and databases through the control plane");
        if (strcmp(w[4], "endpoints") != 0 && !(n == 5 && posts && strcmp(w[4], "undelete") == 0))
            return local_no_route(call, err);
    }
    return n > 6 ? local_no_route(call, err) : 0;
}

static int on_branch(given_call *c, lb_error *err)
{
    const char *method = c->call->request->method;
    doc *entry = given_entry(c, c->call->words[3]);
    if (!entry)
        return local_missing(err, "branch");
    if (c->call->count > 4)
        return strcmp(c->call->words[4], "endpoints") == 0 ? on_endpoints(c, entry, err)
                                                           : undelete_branch(c, entry, err);
    if (strcmp(method, "GET") == 0) {
        c->call->reply = given_answer(entry);
        return 0;
    }
    if (strcmp(method, "PATCH") == 0)
        return update_branch(c, entry, err);
    if (strcmp(method, "DELETE") == 0)
        return delete_branch(c, entry, err);
    return local_no_route(c->call, err);
}

static int route(given_call *c, lb_error *err)
{
    bool reads = strcmp(c->call->request->method, "GET") == 0;
    if (c->call->count == 1) {
        JSON_AUTO *items = json_object_new_array();
        (void)json_object_array_add(items, json_object_get(doc_at(c->p.d, "project"))); /* fails without memory alone */
        return local_page(c->call, "projects", items, 0, err);
    }
    if (c->call->count == 2) {
        c->call->reply = json_object_get(doc_at(c->p.d, "project"));
        return 0;
    }
    if (c->call->count == 3 && reads)
        return list_branches(c, err);
    if (c->call->count == 3)
        return strcmp(c->call->request->method, "POST") == 0 ? create_branch(c, err) : local_no_route(c->call, err);
    return on_branch(c, err);
}

/* ---- a call ---- */

/* Under the lock, once more where the lock came later than the look. */
static int mend(given_call *c, bool looked_before, lb_error *err)
{
    bool changed = false;
    int r = looked_before ? given_look(c, err) : 0;
    if (r >= 0)
        given_mend(c, &changed);
    return r >= 0 && changed ? given_look(c, err) : r;
}

/* Reading waits for nobody and needs no right to change anything: what is due is left to who has both. */
static int look(given_call *c, lb_error *err)
{
    lb_error ignored;
    bool reads = strcmp(c->call->request->method, "GET") == 0, locked = false;
    int r = reads ? 0 : given_lock(c, true, &locked, err);
    if (r >= 0)
        r = given_look(c, err);
    if (r < 0 || !given_is_due(c) || (reads && (given_lock(c, false, &locked, &ignored) < 0 || !locked)))
        return r;
    return mend(c, reads, err);
}

int local_given_control(const local_given *given, const lb_request *request, int64_t deadline, doc **ret_reply,
                        lb_error *err)
{
    LOCAL_CALL call = {.request = request, .deadline = deadline};
    given_call c = {.given = given, .call = &call, .p = {.lock = -1}};
    int r = local_call_read(&call, err);
    if (r >= 0)
        r = check_route(given, &call, err);
    if (r >= 0)
        r = pg_session_open(given->host, &given->options, "control", deadline, &c.session, err);
    if (r >= 0)
        r = look(&c, err);
    if (r >= 0)
        r = route(&c, err);
    given_forget(&c);
    pg_session_close(c.session);
    return local_call_answer(&call, r, ret_reply, err);
}
