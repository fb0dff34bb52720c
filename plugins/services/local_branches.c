/* Branches: POST, GET, PATCH and DELETE. */
#include "local.h"

#include "clock.h"

/* ---- creating ---- */

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
    int r = local_read_expiry(spec, clock_now(), &expires, err);
    if (r < 0)
        return r;
    doc *source = local_find_source(p, spec, err);
    if (!source)
        return err->code;
    r = local_check_room(p, err);
    if (r >= 0)
        r = set_source(p, entry, source, spec, err);
    if (r >= 0)
        r = local_set_expiry(p, entry, expires, err);
    if (r >= 0 && doc_at(spec, "is_protected"))
        r = local_set_protection(p, entry, spec, err);
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
    int r = local_read_expiry(spec, clock_now(), &expires, err);
    if (r >= 0)
        r = local_set_expiry(p, entry, expires, err);
    if (r >= 0 && doc_at(spec, "is_protected"))
        r = local_set_protection(p, entry, spec, err);
    if (r >= 0)
        r = local_save(p, err);
    return r < 0 ? r : finish_at_once(call, entry, err);
}

static int create(local_call *call, local_project *p, const char *id, lb_error *err)
{
    doc *entry = local_branch(p, id);
    if (entry && local_query_flag(call, "replace_existing"))
        return replace(call, p, entry, err);
    if (entry)
        return local_refuse(err, 409, "ALREADY_EXISTS", "branch with such id already exists");
    return add_branch(call, p, id, err);
}

/* ---- changing ---- */

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
    int r = local_take_fields(call, p, entry, err);
    if (r < 0)
        return r;
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

static int delete_softly(local_call *call, local_project *p, doc *entry, lb_error *err)
{
    lb_error ignored;
    doc *branch = doc_at(entry, "branch");
    local_mark_deleted(branch);
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
    int r = local_check_delete(p, entry, err);
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
    int r = local_unmark_deleted(branch, err);
    if (r >= 0)
        r = local_save(p, err);
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
    bool reads = strcmp(method, "GET") == 0, creates = call->count == 3 && strcmp(method, "POST") == 0;
    LB_AUTO_FREE char *id = NULL;
    LOCAL_PROJECT p = {.lock = -1};
    int r = creates ? local_read_branch_id(call, &id, err) : 0; /* ids are looked at before ancestors */
    if (r >= 0)
        r = reads ? local_look(call->cluster, call->words[1], &p, err)
                  : local_open(call->cluster, call->words[1], &p, err);
    if (r < 0)
        return r;
    if (!p.d || doc_text(p.d, "removal"))
        return local_missing(err, "project");
    if (call->count > 3)
        return on_one(call, &p, err);
    if (reads)
        return list(call, &p, err);
    if (creates)
        return create(call, &p, id, err);
    return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s %s'", method, call->request->path);
}
