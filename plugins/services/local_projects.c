/* Projects: POST, GET, PATCH and DELETE of projects. */
#include "local.h"

#include "clock.h"

#include <pwd.h>

#define DAY        (INT64_C(24) * 3600 * CLOCK_SECOND)
#define SOFT_DAYS  7
#define MOST       1000
#define LOGICAL    INT64_C(8796093022208)
#define HISTORY    "604800s"
#define SUSPENSION "300s"

static const char *own_name(void)
{
    const struct passwd *entry = getpwuid(getuid());
    return entry ? entry->pw_name : "unknown";
}

/* ---- settings ---- */

static int take_history(doc *status, doc *spec, lb_error *err)
{
    const char *text = doc_text(spec, "history_retention_duration");
    int64_t wanted = local_seconds(text);
    if (!text)
        return 0;
    if (wanted < 2 * DAY || wanted > 35 * DAY)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "history_retention_duration must be between 172800s and 3024000s, got '%s'", text);
    doc_set_text(status, "history_retention_duration", text);
    return 0;
}

static int take_name(doc *status, doc *spec, lb_error *err)
{
    const char *text = doc_text(spec, "display_name");
    if (text && (!*text || strlen(text) > 256))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "display_name must have 1 to 256 characters");
    if (text)
        doc_set_text(status, "display_name", text);
    return 0;
}

static int take_defaults(const local_cluster *c, doc *status, doc *spec, lb_error *err)
{
    doc *wanted = doc_at(spec, "default_endpoint_settings");
    if (!wanted)
        return 0;
    JSON_AUTO *settings = doc_copy(doc_at(status, "default_endpoint_settings"));
    int r = local_set_endpoint(c, settings, wanted, err);
    if (r >= 0 && doc_at(settings, "settings.pg_settings")) { /* a project's have no `settings` around them */
        doc_set(settings, "pg_settings", doc_copy(doc_at(settings, "settings.pg_settings")));
        doc_set(settings, "settings", NULL);
    }
    if (r >= 0)
        doc_set(status, "default_endpoint_settings", json_object_get(settings));
    return r;
}

static doc *new_defaults(void)
{
    doc *settings = json_object_new_object();
    doc_set_f64(settings, "autoscaling_limit_min_cu", 0.5);
    doc_set_f64(settings, "autoscaling_limit_max_cu", 1);
    doc_set_text(settings, "suspend_timeout_duration", SUSPENSION);
    return settings;
}

/* ---- a new one ---- */

static int choose_version(const local_cluster *c, doc *spec, int64_t *ret_version, lb_error *err)
{
    char *folder = NULL;
    int64_t wanted = doc_i64(spec, "pg_version", c->version);
    if (doc_at(spec, "pg_version") && wanted < 15)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "pg_version %lld is not one of 15 to 18",
                            (long long)wanted);
    int r = local_find_programs(c, wanted, &folder, ret_version, err);
    free(folder);
    return r;
}

static int fill_project(const local_cluster *c, doc *project, const char *id, doc *spec, lb_error *err)
{
    char uid[37];
    int64_t version = 0, now = clock_now();
    LB_AUTO_FREE char *name = base_printf("projects/%s", id);
    LB_AUTO_FREE char *production = base_printf("projects/%s/branches/production", id);
    int r = choose_version(c, spec, &version, err);
    if (r < 0)
        return r;
    local_uuid(uid);
    doc_set_text(project, "name", name);
    doc_set_text(project, "project_id", id);
    doc_set_text(project, "uid", uid);
    doc_set_time(project, "create_time", now);
    doc_set_time(project, "update_time", now);
    doc_set_text(project, "status.project_id", id);
    doc_set_text(project, "status.display_name", id);
    doc_set_i64(project, "status.pg_version", version);
    doc_set_text(project, "status.owner", own_name());
    doc_set_text(project, "status.default_branch", production);
    doc_set_flag(project, "status.enable_pg_native_login", false);
    doc_set_text(project, "status.history_retention_duration", HISTORY);
    doc_set_i64(project, "status.branch_logical_size_limit_bytes", LOGICAL);
    doc_set_i64(project, "status.synthetic_storage_size_bytes", 0);
    doc_set(project, "status.default_endpoint_settings", new_defaults());
    doc *status = doc_at(project, "status");
    r = take_name(status, spec, err);
    if (r >= 0)
        r = take_history(status, spec, err);
    return r < 0 ? r : take_defaults(c, status, spec, err);
}

static int fill_branches(const local_cluster *c, doc *d, doc *body, const char *operation, char **ret_directory,
                         lb_error *err)
{
    doc *entry = local_new_entry(doc_at(d, "project"), "production", clock_now());
    doc *list = json_object_new_array(), *wanted = doc_at(body, "initial_endpoint_spec");
    (void)json_object_array_add(list, entry); /* fails without memory alone */
    doc_set(d, "branches", list);
    doc_set_flag(entry, "branch.status.default", true);
    doc_set_flag(entry, "branch.status.is_protected", doc_flag(body, "initial_branch_spec.is_protected"));
    doc_set_text(entry, "operation", operation);
    *ret_directory = base_strdup(doc_text(entry, "directory"));
    return wanted ? local_set_endpoint(c, doc_at(local_primary(entry), "status"), wanted, err) : 0;
}

int local_add_project(const local_cluster *c, const char *id, doc *body, char ret_operation[37], char **ret_directory,
                      lb_error *err)
{
    LOCAL_PROJECT p = {.lock = -1};
    int r = local_open(c, id, &p, err);
    if (r < 0)
        return r;
    if (p.d)
        return local_refuse(err, 409, "ALREADY_EXISTS", "project with such id already exists in the workspace");
    LB_AUTO_FREE char *name = base_printf("projects/%s", id);
    char *directory = NULL;
    doc *project = json_object_new_object();
    p.d = json_object_new_object();
    doc_set(p.d, "project", project);
    r = fill_project(c, project, id, doc_at(body, "spec"), err);
    if (r >= 0)
        r = local_new_operation(c, name, "Project", ret_operation, err);
    if (r >= 0)
        r = fill_branches(c, p.d, body, ret_operation, &directory, err);
    if (r >= 0)
        r = local_save(&p, err);
    if (r < 0)
        free(directory);
    else
        *ret_directory = directory;
    return r;
}

static int create(local_call *call, lb_error *err)
{
    char **ids = NULL, operation[37], *directory = NULL;
    size_t count = 0;
    LB_AUTO_FREE char *id = local_query(call, "project_id");
    if (!id || !*id)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "Field 'project_id' is required, expected non-default value (not \"\")!");
    if (!local_is_id(id))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "Field project_id must match pattern ^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$, got '%s'.", id);
    int r = local_project_ids(call->cluster, &ids, &count, err);
    local_free_ids(ids, count);
    if (r >= 0 && count >= MOST)
        r = local_refuse(err, 429, "RESOURCE_LIMIT_EXCEEDED", "a workspace has at most %d projects", MOST);
    if (r >= 0)
        r = local_add_project(call->cluster, id, call->body, operation, &directory, err);
    if (r >= 0)
        r = local_start_keeper(call->cluster, id, directory, err);
    free(directory);
    return r < 0 ? r : local_answer_operation(call, operation, err);
}

/* ---- reading ---- */

static int list(local_call *call, lb_error *err)
{
    char **ids = NULL;
    size_t count = 0;
    bool deleted = local_query_flag(call, "show_deleted");
    JSON_AUTO *items = json_object_new_array();
    int r = local_project_ids(call->cluster, &ids, &count, err);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        LOCAL_PROJECT p = {.lock = -1};
        r = local_look(call->cluster, ids[i], &p, err);
        if (r >= 0 && p.d && !doc_text(p.d, "removal") && (deleted || !doc_text(p.d, "project.delete_time")))
            (void)json_object_array_add(items,
                                        json_object_get(doc_at(p.d, "project"))); /* fails without memory alone */
    }
    local_free_ids(ids, count);
    return r < 0 ? r : local_page(call, "projects", items, 0, err);
}

/* ---- changing ---- */

static int finish_at_once(local_call *call, doc *project, lb_error *err)
{
    char id[37];
    int r = local_new_operation(call->cluster, doc_text(project, "name"), "Project", id, err);
    if (r >= 0)
        r = local_end_operation(call->cluster, id, project, NULL, err);
    return r < 0 ? r : local_answer_operation(call, id, err);
}

static int take_default_branch(const local_project *p, doc *status, doc *spec, lb_error *err)
{
    const char *name = doc_text_or(spec, "default_branch", ""), *last = strrchr(name, '/');
    doc *entry = last ? local_branch(p, last + 1) : NULL, *branches = doc_at(p->d, "branches");
    if (!entry || !doc_is(entry, "branch.name", name))
        return local_missing(err, "branch");
    if (doc_text(entry, "branch.status.expire_time"))
        return local_refuse(err, 400, "BAD_REQUEST", "a branch that expires cannot be the default branch");
    for (size_t i = 0; i < doc_length(branches); i++)
        doc_set_flag(doc_item(branches, i), "branch.status.default", doc_item(branches, i) == entry);
    doc_set_text(status, "default_branch", name);
    return 0;
}

static int take_field(const local_project *p, doc *status, doc *spec, const char *field, lb_error *err)
{
    if (strcmp(field, "spec.display_name") == 0)
        return take_name(status, spec, err);
    if (strcmp(field, "spec.history_retention_duration") == 0)
        return take_history(status, spec, err);
    if (strcmp(field, "spec.default_branch") == 0)
        return take_default_branch(p, status, spec, err);
    if (strncmp(field, "spec.default_endpoint_settings", 30) == 0 ||
        strcmp(field, "spec.project_default_settings.suspension") == 0)
        return take_defaults(p->cluster, status, spec, err);
    return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "unknown or unchangeable field in update_mask: '%s'",
                        field);
}

static int update(local_call *call, local_project *p, lb_error *err)
{
    LB_AUTO_FREE char *mask = local_query(call, "update_mask");
    char *rest = mask;
    doc *project = doc_at(p->d, "project");
    int r = mask && *mask && call->body
                ? 0
                : local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "update_mask and a body are required");
    for (char *field; r >= 0 && rest && (field = strsep(&rest, ","));) {
        if (!doc_at(call->body, field) && strstr(field, "suspension") == NULL)
            r = local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "the body lacks '%s', which update_mask names",
                             field);
        else
            r = take_field(p, doc_at(project, "status"), doc_at(call->body, "spec"), field, err);
    }
    if (r < 0)
        return r;
    doc_set_time(project, "update_time", clock_now());
    r = local_save(p, err);
    return r < 0 ? r : finish_at_once(call, project, err);
}

static bool has_protected(const local_project *p)
{
    doc *branches = doc_at(p->d, "branches");
    for (size_t i = 0; i < doc_length(branches); i++)
        if (doc_flag(doc_item(branches, i), "branch.status.is_protected"))
            return true;
    return false;
}

static int delete_softly(local_call *call, local_project *p, lb_error *err)
{
    doc *project = doc_at(p->d, "project");
    int64_t now = clock_now();
    doc_set_time(project, "delete_time", now);
    doc_set_time(project, "purge_time", now + SOFT_DAYS * DAY);
    int r = local_save(p, err);
    return r < 0 ? r : finish_at_once(call, project, err);
}

static int delete (local_call *call, local_project *p, lb_error *err)
{
    char id[37];
    if (has_protected(p))
        return local_refuse(err, 400, "BAD_REQUEST", "cannot delete a project with a protected branch");
    if (!local_query_flag(call, "purge"))
        return delete_softly(call, p, err);
    LB_AUTO_FREE char *name = base_strdup(doc_text(p->d, "project.name"));
    int r = local_new_operation(call->cluster, name, "Project", id, err);
    doc_set_text(p->d, "removal", id);
    if (r >= 0)
        r = local_save(p, err);
    LB_AUTO_FREE char *project = base_strdup(p->id);
    local_close(p);
    if (r >= 0)
        r = local_mend(call->cluster, project, err);
    return r < 0 ? r : local_answer_operation(call, id, err);
}

static int undelete(local_call *call, local_project *p, lb_error *err)
{
    doc *project = doc_at(p->d, "project");
    if (!doc_text(project, "delete_time"))
        return local_refuse(err, 400, "BAD_REQUEST", "the project is not deleted");
    doc_set(project, "delete_time", NULL);
    doc_set(project, "purge_time", NULL);
    int r = local_save(p, err);
    return r < 0 ? r : finish_at_once(call, project, err);
}

static int on_one(local_call *call, lb_error *err)
{
    const char *method = call->request->method;
    bool reads = strcmp(method, "GET") == 0;
    LOCAL_PROJECT p = {.lock = -1};
    int r =
        reads ? local_look(call->cluster, call->words[1], &p, err) : local_open(call->cluster, call->words[1], &p, err);
    if (r < 0)
        return r;
    if (!p.d || doc_text(p.d, "removal"))
        return local_missing(err, "project");
    if (call->count == 3)
        return strcmp(method, "POST") == 0
                   ? undelete(call, &p, err)
                   : local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s'", method);
    if (reads) {
        call->reply = json_object_get(doc_at(p.d, "project"));
        return 0;
    }
    if (strcmp(method, "PATCH") == 0)
        return update(call, &p, err);
    if (strcmp(method, "DELETE") == 0)
        return delete (call, &p, err);
    return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s projects/%s'", method, call->words[1]);
}

int local_projects(local_call *call, lb_error *err)
{
    const char *method = call->request->method;
    if (call->count > 1)
        return on_one(call, err);
    if (strcmp(method, "GET") == 0)
        return list(call, err);
    if (strcmp(method, "POST") == 0)
        return create(call, err);
    return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s projects'", method);
}
