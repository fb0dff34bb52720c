/* Branches: POST, GET, PATCH and DELETE. */
#include "local.h"

#include "clock.h"

#define MOST            500
#define MOST_UNARCHIVED 10
#define DAY             (INT64_C(24) * 3600 * CLOCK_SECOND)
#define LONGEST         (30 * DAY)
#define SOFT            (7 * DAY)

/* ---- expiry and protection ---- */

/* Exactly one of three; `base` is what a ttl counts from. ret_time 0: none. */
static int read_expiry(doc *spec, int64_t base, int64_t *ret_time, lb_error *err)
{
    const char *ttl = doc_text(spec, "ttl"), *at = doc_text(spec, "expire_time");
    doc *never = doc_at(spec, "no_expiry");
    int64_t time = 0, now = clock_now();
    if ((doc_at(spec, "ttl") != NULL) + (doc_at(spec, "expire_time") != NULL) + (never != NULL) != 1)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "exactly one of 'ttl', 'expire_time' or 'no_expiry' is required");
    if (never && !doc_flag(spec, "no_expiry"))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "'no_expiry' can only be true");
    if (ttl && local_seconds(ttl) <= 0)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "ttl must be a positive number of seconds such as '3600s'");
    if (ttl)
        time = base + local_seconds(ttl);
    else if (!never && (!at || !clock_parse(at, &time)))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "expire_time must be an RFC 3339 time");
    if (!never && time <= now)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "the branch would have expired already");
    if (!never && time > now + LONGEST + CLOCK_SECOND)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "a branch can expire at most 30 days (2592000s) from now");
    *ret_time = never ? 0 : time;
    return 0;
}

static bool has_children(const local_project *p, const char *name)
{
    doc *list = doc_at(p->d, "branches");
    for (size_t i = 0; i < doc_length(list); i++)
        if (doc_is(doc_item(list, i), "branch.status.source_branch", name))
            return true;
    return false;
}

static int set_expiry(const local_project *p, doc *entry, int64_t time, lb_error *err)
{
    doc *status = doc_at(entry, "branch.status");
    if (time && doc_flag(status, "default"))
        return local_refuse(err, 400, "BAD_REQUEST", "the default branch cannot expire");
    if (time && doc_flag(status, "is_protected"))
        return local_refuse(err, 400, "BAD_REQUEST", "a protected branch cannot expire");
    if (time && has_children(p, doc_text(entry, "branch.name")))
        return local_refuse(err, 400, "BAD_REQUEST", "a branch with children cannot expire");
    if (time)
        doc_set_time(status, "expire_time", time);
    else
        doc_set(status, "expire_time", NULL);
    return 0;
}

static int set_protection(const local_project *p, doc *entry, doc *spec, lb_error *err)
{
    doc *list = doc_at(p->d, "branches"), *wanted = doc_at(spec, "is_protected");
    if (!json_object_is_type(wanted, json_type_boolean))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "is_protected is true or false");
    bool on = json_object_get_boolean(wanted);
    if (on && doc_text(entry, "branch.status.expire_time"))
        return local_refuse(err, 400, "BAD_REQUEST", "a branch that expires cannot be protected");
    for (size_t i = 0; on && i < doc_length(list); i++)
        if (doc_item(list, i) != entry && doc_flag(doc_item(list, i), "branch.status.is_protected"))
            return local_refuse(err, 400, "BAD_REQUEST", "a project has at most one protected branch");
    doc_set_flag(entry, "branch.status.is_protected", on);
    return 0;
}

/* ---- creating ---- */

static int check_room(const local_project *p, lb_error *err)
{
    doc *list = doc_at(p->d, "branches");
    size_t unarchived = 0;
    for (size_t i = 0; i < doc_length(list); i++)
        unarchived += !doc_is(doc_item(list, i), "branch.status.current_state", "ARCHIVED");
    if (doc_length(list) >= MOST)
        return local_refuse(err, 429, "RESOURCE_LIMIT_EXCEEDED", "a project has at most %d branches", MOST);
    if (unarchived >= MOST_UNARCHIVED)
        return local_refuse(
            err, 429, "RESOURCE_LIMIT_EXCEEDED",
            "the project has %d unarchived branches, as many as it may; deleted ones count until they are "
            "purged",
            MOST_UNARCHIVED);
    return 0;
}

/* NULL: err. */
static doc *find_source(const local_project *p, doc *spec, lb_error *err)
{
    const char *name = doc_text(spec, "source_branch");
    if (!name)
        name = doc_text_or(p->d, "project.status.default_branch", "");
    const char *last = strrchr(name, '/');
    doc *source = last ? local_branch(p, last + 1) : NULL;
    if (!source || !doc_is(source, "branch.name", name) || doc_text(source, "branch.status.delete_time")) {
        (void)local_missing(err, "branch"); /* the NULL says it */
        return NULL;
    }
    if (doc_text(source, "branch.status.expire_time")) {
        (void)local_refuse(err, 400, "BAD_REQUEST", "cannot create a branch from '%s', which expires", name);
        return NULL;
    }
    if (doc_text(source, "branch.status.pending_state")) {
        (void)local_refuse(err, 409, "ABORTED", "'%s' has a reconciliation in progress", name); /* as above */
        return NULL;
    }
    return source;
}

static bool is_place_in_log(const char *text)
{
    size_t high = strspn(text, "0123456789ABCDEFabcdef");
    size_t low = text[high] == '/' ? strspn(text + high + 1, "0123456789ABCDEFabcdef") : 0;
    return high >= 1 && high <= 8 && low >= 1 && low <= 8 && text[high + 1 + low] == '\0';
}

static int set_source(const local_project *p, doc *entry, doc *source, doc *spec, lb_error *err)
{
    const char *time = doc_text(spec, "source_branch_time"), *lsn = doc_text(spec, "source_branch_lsn");
    int64_t now = clock_now(), at = now,
            kept = local_seconds(doc_text(p->d, "project.status.history_retention_duration"));
    if (time && lsn)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "only one of 'source_branch_time' and 'source_branch_lsn' can be given");
    if (doc_at(spec, "source_snapshot"))
        return local_refuse(err, 501, "NOT_IMPLEMENTED", "there are no snapshots here");
    if (time && !clock_parse(time, &at))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "source_branch_time must be an RFC 3339 time");
    if (lsn && !is_place_in_log(lsn))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "source_branch_lsn must look like 0/1A2B3C8");
    if (at > now || (kept > 0 && at < now - kept) || at < doc_time(source, "branch.create_time"))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "source_branch_time is outside the history of the source");
    local_inherit(entry, source, "roles");
    local_inherit(entry, source, "databases");
    doc_set_text(entry, "source.directory", doc_text(source, "directory"));
    if (time)
        doc_set_time(entry, "source.time", at);
    if (lsn)
        doc_set_text(entry, "source.lsn", lsn);
    doc_set_text(entry, "branch.status.source_branch", doc_text(source, "branch.name"));
    doc_set_time(entry, "branch.status.source_branch_time", at);
    if (lsn)
        doc_set_text(entry, "branch.status.source_branch_lsn", lsn);
    return 0;
}

static int fill_entry(const local_project *p, doc *entry, doc *spec, lb_error *err)
{
    int64_t expires = 0;
    int r = read_expiry(spec, clock_now(), &expires, err);
    if (r < 0)
        return r;
    doc *source = find_source(p, spec, err);
    if (!source)
        return err->code;
    r = check_room(p, err);
    if (r >= 0)
        r = set_source(p, entry, source, spec, err);
    if (r >= 0)
        r = set_expiry(p, entry, expires, err);
    if (r >= 0 && doc_at(spec, "is_protected"))
        r = set_protection(p, entry, spec, err);
    return r;
}

static int add_branch(local_call *call, local_project *p, const char *id, lb_error *err)
{
    char operation[37];
    doc *entry = local_new_entry(doc_at(p->d, "project"), id, clock_now());
    LB_AUTO_FREE char *name = base_strdup(doc_text(entry, "branch.name"));
    LB_AUTO_FREE char *directory = base_strdup(doc_text(entry, "directory"));
    LB_AUTO_FREE char *project = base_strdup(p->id);
    int r = fill_entry(p, entry, doc_at(call->body, "spec"), err);
    if (r >= 0)
        r = local_new_operation(call->cluster, name, "Branch", operation, err);
    if (r < 0) {
        (void)json_object_put(entry); /* says only whether it was the last reference */
        return r;
    }
    doc_set_text(entry, "operation", operation);
    (void)json_object_array_add(doc_at(p->d, "branches"), entry); /* fails without memory alone */
    r = local_save(p, err);
    local_close(p);
    if (r >= 0)
        r = local_start_keeper(call->cluster, project, directory, err);
    return r < 0 ? r : local_answer_operation(call, operation, err);
}

static int finish_at_once(local_call *call, doc *entry, lb_error *err)
{
    char id[37];
    int r = local_new_operation(call->cluster, doc_text(entry, "branch.name"), "Branch", id, err);
    if (r >= 0)
        r = local_end_operation(call->cluster, id, doc_at(entry, "branch"), NULL, err);
    return r < 0 ? r : local_answer_operation(call, id, err);
}

/* What exists already takes over expiry and protection. */
static int replace(local_call *call, local_project *p, doc *entry, lb_error *err)
{
    doc *spec = doc_at(call->body, "spec");
    int64_t expires = 0;
    int r = read_expiry(spec, clock_now(), &expires, err);
    if (r >= 0)
        r = set_expiry(p, entry, expires, err);
    if (r >= 0 && doc_at(spec, "is_protected"))
        r = set_protection(p, entry, spec, err);
    if (r >= 0)
        r = local_save(p, err);
    return r < 0 ? r : finish_at_once(call, entry, err);
}

static int create(local_call *call, local_project *p, lb_error *err)
{
    LB_AUTO_FREE char *id = local_query(call, "branch_id");
    if (!id || !*id)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "Field 'branch_id' is required, expected non-default value (not \"\")!");
    if (!local_is_id(id))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "Field branch_id must match pattern ^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$, got '%s'.", id);
    doc *entry = local_branch(p, id);
    if (entry && local_query_flag(call, "replace_existing"))
        return replace(call, p, entry, err);
    if (entry)
        return local_refuse(err, 409, "ALREADY_EXISTS", "branch with such id already exists");
    return add_branch(call, p, id, err);
}

/* ---- changing ---- */

static int take_field(const local_project *p, doc *entry, doc *spec, const char *field, lb_error *err)
{
    int64_t expires = 0;
    if (strcmp(field, "spec.is_protected") == 0)
        return set_protection(p, entry, spec, err);
    if (strcmp(field, "spec.expiration") != 0 && strcmp(field, "spec.ttl") != 0 &&
        strcmp(field, "spec.expire_time") != 0 && strcmp(field, "spec.no_expiry") != 0)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "unknown or unchangeable field in update_mask: '%s'",
                            field);
    int r = read_expiry(spec, doc_time(entry, "branch.create_time"), &expires, err);
    return r < 0 ? r : set_expiry(p, entry, expires, err);
}

/* A running keeper knows the branch's limits from when it last looked. */
static void nudge(const local_cluster *c, const char *project, const char *directory)
{
    lb_error ignored;
    if (!local_is_kept(c, project, directory))
        return;
    int fd = local_claim(c, project, directory, "look", c->host->now() + 2 * CLOCK_SECOND, &ignored);
    if (fd >= 0)
        (void)close(fd); /* it has looked */
}

static int update(local_call *call, local_project *p, doc *entry, lb_error *err)
{
    LB_AUTO_FREE char *mask = local_query(call, "update_mask");
    char *rest = mask;
    int r = mask && *mask && doc_at(call->body, "spec")
                ? 0
                : local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "update_mask and a body with a spec are required");
    for (char *field; r >= 0 && rest && (field = strsep(&rest, ","));)
        r = take_field(p, entry, doc_at(call->body, "spec"), field, err);
    if (r < 0)
        return r;
    doc_set_time(entry, "branch.update_time", clock_now());
    r = local_save(p, err);
    if (r >= 0)
        r = finish_at_once(call, entry, err);
    LB_AUTO_FREE char *directory = base_strdup(doc_text(entry, "directory"));
    LB_AUTO_FREE char *project = base_strdup(p->id);
    local_close(p);
    nudge(call->cluster, project, directory);
    return r;
}

/* ---- deleting ---- */

static int check_delete(const local_project *p, doc *entry, lb_error *err)
{
    const char *name = doc_text(entry, "branch.name");
    if (doc_flag(entry, "branch.status.is_protected"))
        return local_refuse(err, 400, "BAD_REQUEST", "cannot delete protected branch");
    if (!doc_at(entry, "source"))
        return local_refuse(err, 400, "BAD_REQUEST",
                            "Cannot delete root branch '%s'. Root branches cannot be deleted independently.", name);
    if (doc_flag(entry, "branch.status.default"))
        return local_refuse(err, 400, "BAD_REQUEST", "cannot delete the default branch");
    if (has_children(p, name))
        return local_refuse(err, 400, "BAD_REQUEST", "cannot delete branch '%s', which has children", name);
    if (doc_is(entry, "branch.status.current_state", "INIT"))
        return local_refuse(err, 409, "ABORTED", "'%s' has a reconciliation in progress", name);
    return 0;
}

static int delete_softly(local_call *call, local_project *p, doc *entry, lb_error *err)
{
    lb_error ignored;
    doc *branch = doc_at(entry, "branch");
    int64_t now = clock_now();
    doc_set_text(branch, "status.current_state", "DELETED");
    doc_set_time(branch, "status.state_change_time", now);
    doc_set_time(branch, "status.delete_time", now);
    doc_set_time(branch, "status.purge_time", now + SOFT);
    doc_set_text(local_primary(entry), "status.current_state", "IDLE");
    int r = local_save(p, err);
    if (r >= 0)
        r = finish_at_once(call, entry, err);
    LB_AUTO_FREE char *directory = base_strdup(doc_text(entry, "directory")), *project = base_strdup(p->id);
    local_close(p);
    if (r >= 0) {
        int lock = local_seize(call->cluster, project, directory, "suspend", 20 * CLOCK_SECOND, &ignored);
        base_close(&lock); /* a keeper that does not end sees the record at its next start */
    }
    return r;
}

static int delete (local_call *call, local_project *p, doc *entry, lb_error *err)
{
    char operation[37];
    int r = check_delete(p, entry, err);
    if (r < 0)
        return r;
    if (!local_query_flag(call, "purge"))
        return delete_softly(call, p, entry, err);
    LB_AUTO_FREE char *directory = base_strdup(doc_text(entry, "directory")), *project = base_strdup(p->id);
    r = local_new_operation(call->cluster, doc_text(entry, "branch.name"), "Branch", operation, err);
    doc_set_text(entry, "operation", operation);
    doc_set_text(entry, "branch.status.pending_state", "DELETED");
    if (r >= 0)
        r = local_save(p, err);
    local_close(p);
    if (r >= 0)
        r = local_finish_removal(call->cluster, project, directory, err);
    /* One that cannot be finished now is an operation that is not done: the next look at the project goes on with it.
     */
    return r < 0 && r != LB_ERR_CONFLICT ? r : local_answer_operation(call, operation, err);
}

static int undelete(local_call *call, local_project *p, doc *entry, lb_error *err)
{
    doc *branch = doc_at(entry, "branch");
    if (!doc_text(branch, "status.delete_time"))
        return local_refuse(err, 400, "BAD_REQUEST", "the branch is not deleted");
    doc_set_text(branch, "status.current_state", "READY");
    doc_set_time(branch, "status.state_change_time", clock_now());
    doc_set(branch, "status.delete_time", NULL);
    doc_set(branch, "status.purge_time", NULL);
    int r = local_save(p, err);
    return r < 0 ? r : finish_at_once(call, entry, err);
}

/* ---- which call ---- */

static int list(local_call *call, const local_project *p, lb_error *err)
{
    bool deleted = local_query_flag(call, "show_deleted");
    doc *branches = doc_at(p->d, "branches");
    JSON_AUTO *items = json_object_new_array();
    for (size_t i = 0; i < doc_length(branches); i++) {
        doc *branch = doc_at(doc_item(branches, i), "branch");
        if (deleted || !doc_text(branch, "status.delete_time"))
            (void)json_object_array_add(items, json_object_get(branch)); /* fails without memory alone */
    }
    return local_page(call, "branches", items, 0, err);
}

static int on_one(local_call *call, local_project *p, lb_error *err)
{
    const char *method = call->request->method;
    doc *entry = local_branch(p, call->words[3]);
    if (!entry)
        return local_missing(err, "branch");
    if (call->count == 5 && strcmp(method, "POST") == 0)
        return undelete(call, p, entry, err);
    if (call->count == 4 && strcmp(method, "GET") == 0) {
        call->reply = json_object_get(doc_at(entry, "branch"));
        return 0;
    }
    if (call->count == 4 && strcmp(method, "PATCH") == 0)
        return update(call, p, entry, err);
    if (call->count == 4 && strcmp(method, "DELETE") == 0)
        return delete (call, p, entry, err);
    return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s %s'", method, call->request->path);
}

int local_branches(local_call *call, lb_error *err)
{
    const char *method = call->request->method;
    LOCAL_PROJECT p = {.lock = -1};
    int r = strcmp(method, "GET") == 0 ? local_look(call->cluster, call->words[1], &p, err)
                                       : local_open(call->cluster, call->words[1], &p, err);
    if (r < 0)
        return r;
    if (!p.d || doc_text(p.d, "removal"))
        return local_missing(err, "project");
    if (call->count > 3)
        return on_one(call, &p, err);
    if (strcmp(method, "GET") == 0)
        return list(call, &p, err);
    if (strcmp(method, "POST") == 0)
        return create(call, &p, err);
    return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s %s'", method, call->request->path);
}
