/* What the control plane lets one do with branches: rules on a project's record, wherever that comes from. */
#include "local.h"

#include "clock.h"

#define MOST            500
#define MOST_UNARCHIVED 10
#define DAY             (INT64_C(24) * 3600 * CLOCK_SECOND)
#define LONGEST         (30 * DAY)
#define SOFT            (7 * DAY)

/* ---- expiry and protection ---- */

/* Exactly one of three; `base` is what a ttl counts from. ret_time 0: none. */
int local_read_expiry(doc *spec, int64_t base, int64_t *ret_time, lb_error *err)
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

int local_set_expiry(const local_project *p, doc *entry, int64_t time, lb_error *err)
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

int local_set_protection(const local_project *p, doc *entry, doc *spec, lb_error *err)
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

int local_read_branch_id(const local_call *call, char **ret_id, lb_error *err)
{
    LB_AUTO_FREE char *id = local_query(call, "branch_id");
    if (!id || !*id)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "Field 'branch_id' is required, expected non-default value (not \"\")!");
    if (!local_is_id(id))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "Field branch_id must match pattern ^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$, got '%s'.", id);
    *ret_id = base_strdup(id);
    return 0;
}

int local_check_room(const local_project *p, lb_error *err)
{
    doc *list = doc_at(p->d, "branches");
    size_t unarchived = 0;
    for (size_t i = 0; i < doc_length(list); i++)
        unarchived += !doc_flag(doc_item(list, i), "foreign") &&
                      !doc_is(doc_item(list, i), "branch.status.current_state", "ARCHIVED");
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

doc *local_find_source(const local_project *p, doc *spec, lb_error *err)
{
    const char *name = doc_text(spec, "source_branch");
    if (!name)
        name = doc_text_or(p->d, "project.status.default_branch", "");
    doc *source = local_branch_by_name(p, name);
    if (!source || doc_text(source, "branch.status.delete_time")) {
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

/* ---- changing and deleting ---- */

static int take_field(const local_project *p, doc *entry, doc *spec, const char *field, lb_error *err)
{
    int64_t expires = 0;
    if (strcmp(field, "spec.is_protected") == 0)
        return local_set_protection(p, entry, spec, err);
    if (strcmp(field, "spec.expiration") != 0 && strcmp(field, "spec.ttl") != 0 &&
        strcmp(field, "spec.expire_time") != 0 && strcmp(field, "spec.no_expiry") != 0)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "unknown or unchangeable field in update_mask: '%s'",
                            field);
    int r = local_read_expiry(spec, doc_time(entry, "branch.create_time"), &expires, err);
    return r < 0 ? r : local_set_expiry(p, entry, expires, err);
}

int local_take_fields(const local_call *call, const local_project *p, doc *entry, lb_error *err)
{
    LB_AUTO_FREE char *mask = local_query(call, "update_mask");
    char *rest = mask;
    int r = mask && *mask && doc_at(call->body, "spec")
                ? 0
                : local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "update_mask and a body with a spec are required");
    for (char *field; r >= 0 && rest && (field = strsep(&rest, ","));)
        r = take_field(p, entry, doc_at(call->body, "spec"), field, err);
    if (r >= 0)
        doc_set_time(entry, "branch.update_time", clock_now());
    return r;
}

int local_check_delete(const local_project *p, doc *entry, lb_error *err)
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

void local_mark_deleted(doc *branch)
{
    int64_t now = clock_now();
    doc_set_text(branch, "status.current_state", "DELETED");
    doc_set_time(branch, "status.state_change_time", now);
    doc_set_time(branch, "status.delete_time", now);
    doc_set_time(branch, "status.purge_time", now + SOFT);
}

int local_unmark_deleted(doc *branch, lb_error *err)
{
    if (!doc_text(branch, "status.delete_time"))
        return local_refuse(err, 400, "BAD_REQUEST", "the branch is not deleted");
    doc_set_text(branch, "status.current_state", "READY");
    doc_set_time(branch, "status.state_change_time", clock_now());
    doc_set(branch, "status.delete_time", NULL);
    doc_set(branch, "status.purge_time", NULL);
    return 0;
}
