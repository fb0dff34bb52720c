/* Endpoints (computes): GET and PATCH; there is one per branch, as no replica can be made here. Credentials as well. */
#include "local.h"

#include "clock.h"

#define LONGEST_SUSPEND 604800
#define LEAST_PAGE      10
#define SETTINGS        24
#define SETTING_BYTES   400

/* ---- settings ---- */

static int take_limits(doc *status, doc *spec, lb_error *err)
{
    double least = doc_f64(spec, "autoscaling_limit_min_cu", doc_f64(status, "autoscaling_limit_min_cu", 0.5));
    double most = doc_f64(spec, "autoscaling_limit_max_cu", doc_f64(status, "autoscaling_limit_max_cu", 1));
    if (least < 0.5 || most > 112 || least > most || (most <= 64 && most - least > 16))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "autoscaling limits from %g to %g: at least 0.5, at most 64, at most 16 apart", least,
                            most);
    doc_set_f64(status, "autoscaling_limit_min_cu", least);
    doc_set_f64(status, "autoscaling_limit_max_cu", most);
    return 0;
}

static int take_suspension(const local_cluster *c, doc *status, doc *spec, lb_error *err)
{
    const char *text = doc_text(spec, "suspend_timeout_duration");
    doc *never = doc_at(spec, "no_suspension");
    int64_t seconds = text ? local_seconds(text) / CLOCK_SECOND : 0;
    if (!text && !never)
        return 0;
    if (text && never)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "only one of 'suspend_timeout_duration' and 'no_suspension' can be given");
    if (never && !doc_flag(spec, "no_suspension"))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "'no_suspension' can only be true");
    if (text && (seconds < c->shortest_suspend_s || seconds > LONGEST_SUSPEND))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "suspend_timeout_duration must be between %llds and %ds, got '%s'",
                            (long long)c->shortest_suspend_s, LONGEST_SUSPEND, text);
    doc_set_text(status, "suspend_timeout_duration", text);
    doc_set(status, "no_suspension", never ? json_object_new_boolean(true) : NULL);
    return 0;
}

/* What the keeper and its server depend on, or what would let anybody in. */
static bool is_ours(const char *name)
{
    static const char *const names[] = {"listen_addresses",
                                        "port",
                                        "unix_socket_directories",
                                        "cluster_name",
                                        "data_directory",
                                        "hba_file",
                                        "ident_file",
                                        "config_file",
                                        "archive_command",
                                        "archive_library",
                                        "archive_mode",
                                        "restore_command",
                                        "shared_preload_libraries",
                                        "logging_collector",
                                        "log_destination",
                                        "wal_level",
                                        "max_connections",
                                        "max_wal_senders",
                                        "external_pid_file",
                                        "unix_socket_permissions"};
    for (size_t i = 0; i < LB_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static int take_settings(doc *status, doc *spec, lb_error *err)
{
    doc *settings = doc_at(spec, "pg_settings");
    settings = settings ? settings : doc_at(spec, "settings.pg_settings");
    if (!settings)
        return 0;
    if (!json_object_is_type(settings, json_type_object) || json_object_object_length(settings) > SETTINGS)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "pg_settings is an object of at most %d texts",
                            SETTINGS);
    json_object_object_foreach(settings, name, value)
    {
        bool named = *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(name);
        const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
        if (!named || !text || is_ours(name) || strlen(name) + strlen(text) > SETTING_BYTES)
            return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "pg_settings: '%s' cannot be set", name);
    }
    doc_set(status, "settings.pg_settings", doc_copy(settings));
    return 0;
}

int local_set_endpoint(const local_cluster *c, doc *status, doc *spec, lb_error *err)
{
    int r = take_limits(status, spec, err);
    if (r >= 0)
        r = take_suspension(c, status, spec, err);
    return r < 0 ? r : take_settings(status, spec, err);
}

/* ---- answers ---- */

/* Where it is found depends on where the cluster lies now. */
static doc *shown(const local_call *call, doc *entry, doc *endpoint)
{
    LB_AUTO_FREE char *path = local_branch_path(call->cluster, call->words[1], doc_text(entry, "directory"), "server");
    LB_AUTO_FREE char *host = local_way(path);
    doc *copy = doc_copy(endpoint);
    doc_set_text(copy, "status.hosts.host", host);
    doc_set_i64(copy, "status.group.min", 1);
    doc_set_i64(copy, "status.group.max", 1);
    doc_set_flag(copy, "status.group.enable_readable_secondaries", false);
    return copy;
}

static int list(local_call *call, doc *entry, lb_error *err)
{
    doc *endpoints = doc_at(entry, "endpoints");
    JSON_AUTO *items = json_object_new_array();
    for (size_t i = 0; i < doc_length(endpoints); i++)
        (void)json_object_array_add(items, shown(call, entry, doc_item(endpoints, i))); /* fails without memory alone */
    return local_page(call, "endpoints", items, LEAST_PAGE, err);
}

/* ---- changing ---- */

static int take_field(const local_call *call, doc *status, const char *field, lb_error *err)
{
    doc *spec = doc_at(call->body, "spec");
    static const char *const known[] = {"spec.autoscaling_limit_min_cu",
                                        "spec.autoscaling_limit_max_cu",
                                        "spec.suspension",
                                        "spec.suspend_timeout_duration",
                                        "spec.no_suspension",
                                        "spec.settings",
                                        "spec.settings.pg_settings"};
    if (strcmp(field, "spec.disabled") == 0) {
        if (!json_object_is_type(doc_at(spec, "disabled"), json_type_boolean))
            return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "disabled is true or false");
        doc_set_flag(status, "disabled", doc_flag(spec, "disabled"));
        if (doc_flag(spec, "disabled"))
            doc_set_text(status, "current_state", "IDLE"); /* a connection wakes it, once it may */
        return 0;
    }
    for (size_t i = 0; i < LB_COUNT(known); i++)
        if (strcmp(known[i], field) == 0)
            return local_set_endpoint(call->cluster, status, spec, err);
    return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "unknown or unchangeable field in update_mask: '%s'",
                        field);
}

static int finish_at_once(local_call *call, doc *endpoint, lb_error *err)
{
    char id[37];
    int r = local_new_operation(call->cluster, doc_text(endpoint, "name"), "Endpoint", id, err);
    if (r >= 0)
        r = local_end_operation(call->cluster, id, endpoint, NULL, err);
    return r < 0 ? r : local_answer_operation(call, id, err);
}

/* Settings and limits are those of the server's next start, so it has to end; a disabled one sleeps. */
static int settle(local_call *call, local_project *p, const char *directory, const char *wish, lb_error *err)
{
    LB_AUTO_FREE char *project = base_strdup(p->id);
    local_close(p);
    int lock = local_seize(call->cluster, project, directory, wish, 30 * CLOCK_SECOND, err);
    base_close(&lock);
    return lock < 0 ? lock : 0;
}

static int update(local_call *call, local_project *p, doc *entry, doc *endpoint, lb_error *err)
{
    LB_AUTO_FREE char *mask = local_query(call, "update_mask"), *directory = base_strdup(doc_text(entry, "directory"));
    LB_AUTO_FREE char *fields = base_strdup(mask);
    char *rest = fields;
    if (doc_is(endpoint, "status.current_state", "INIT"))
        return local_refuse(err, 409, "ABORTED", "the endpoint has a reconciliation in progress");
    int r = mask && *mask && doc_at(call->body, "spec")
                ? 0
                : local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "update_mask and a body with a spec are required");
    for (char *field; r >= 0 && rest && (field = strsep(&rest, ","));)
        r = take_field(call, doc_at(endpoint, "status"), field, err);
    if (r >= 0)
        r = local_save(p, err);
    JSON_AUTO *answer = shown(call, entry, endpoint);
    if (r >= 0 && doc_flag(answer, "status.disabled"))
        r = settle(call, p, directory, "suspend", err);
    else if (r >= 0)
        r = settle(call, p, directory, "end", err);
    return r < 0 ? r : finish_at_once(call, answer, err);
}

static int refuse_delete(const local_project *p, doc *entry, doc *endpoint, lb_error *err)
{
    (void)p; /* every endpoint here is a read-write one */
    if (doc_flag(entry, "branch.status.is_protected"))
        return local_refuse(err, 400, "BAD_REQUEST", "endpoint cannot be deleted for a protected branch");
    return local_refuse(err, 400, "BAD_REQUEST",
                        "Cannot delete read-write endpoint '%s'. Read-write endpoints cannot be deleted.",
                        doc_text(endpoint, "name"));
}

static int create(const local_call *call, lb_error *err)
{
    LB_AUTO_FREE char *id = local_query(call, "endpoint_id");
    if (!id || !*id)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "Field 'endpoint_id' is required, expected non-default value (not \"\")!");
    if (strcmp(id, "primary") == 0)
        return local_refuse(err, 409, "ALREADY_EXISTS", "endpoint with such id already exists");
    if (doc_is(call->body, "spec.endpoint_type", "ENDPOINT_TYPE_READ_WRITE"))
        return local_refuse(err, 400, "BAD_REQUEST", "a branch has exactly one read-write endpoint");
    return local_refuse(err, 501, "NOT_IMPLEMENTED", "a local branch has no read replicas");
}

static int on_one(local_call *call, local_project *p, doc *entry, lb_error *err)
{
    const char *method = call->request->method;
    doc *endpoints = doc_at(entry, "endpoints"), *endpoint = NULL;
    for (size_t i = 0; i < doc_length(endpoints); i++)
        if (doc_is(doc_item(endpoints, i), "endpoint_id", call->words[5]))
            endpoint = doc_item(endpoints, i);
    if (!endpoint)
        return local_missing(err, "endpoint");
    if (strcmp(method, "GET") == 0) {
        call->reply = shown(call, entry, endpoint);
        return 0;
    }
    if (strcmp(method, "PATCH") == 0)
        return update(call, p, entry, endpoint, err);
    if (strcmp(method, "DELETE") == 0)
        return refuse_delete(p, entry, endpoint, err);
    return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s %s'", method, call->request->path);
}

int local_endpoints(local_call *call, lb_error *err)
{
    const char *method = call->request->method;
    LOCAL_PROJECT p = {.lock = -1};
    int r = strcmp(method, "GET") == 0 ? local_look(call->cluster, call->words[1], &p, err)
                                       : local_open(call->cluster, call->words[1], &p, err);
    if (r < 0)
        return r;
    if (!p.d || doc_text(p.d, "removal"))
        return local_missing(err, "project");
    doc *entry = local_branch(&p, call->words[3]);
    if (!entry)
        return local_missing(err, "branch");
    if (call->count == 6)
        return on_one(call, &p, entry, err);
    if (strcmp(method, "GET") == 0)
        return list(call, entry, err);
    if (strcmp(method, "POST") == 0)
        return create(call, err);
    return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s %s'", method, call->request->path);
}

/* ---- credentials ---- */

static int read_lifetime(const local_call *call, int64_t *ret_until, lb_error *err)
{
    const char *ttl = doc_text(call->body, "ttl"), *at = doc_text(call->body, "expire_time");
    int64_t now = clock_now(), until = now + 3600 * CLOCK_SECOND;
    if (ttl && at)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "only one of 'ttl' and 'expire_time' can be given");
    if (ttl)
        until = now + local_seconds(ttl);
    else if (at && !clock_parse(at, &until))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "expire_time must be an RFC 3339 time");
    if (until < now + 299 * CLOCK_SECOND || until > now + 3601 * CLOCK_SECOND)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "a credential lives between 300s and 3600s");
    *ret_until = until;
    return 0;
}

/* Local servers ask for no password; the token is there so that whoever wants one gets one. */
int local_credentials(local_call *call, lb_error *err)
{
    char token[37], project[64] = "", branch[64] = "", endpoint[64] = "";
    int64_t until = 0;
    const char *name = doc_text_or(call->body, "endpoint", "");
    LOCAL_PROJECT p = {.lock = -1};
    if (strcmp(call->request->method, "POST") != 0)
        return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s credentials'", call->request->method);
    if (!*name)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                            "Field 'endpoint' is required, expected non-default value (not \"\")!");
    int r = read_lifetime(call, &until, err);
    if (r < 0)
        return r;
    if (sscanf(name, "projects/%63[a-z0-9-]/branches/%63[a-z0-9-]/endpoints/%63[a-z0-9-]", project, branch, endpoint) !=
        3)
        return local_refuse(err, 404, "NOT_FOUND", "resource not found");
    r = local_look(call->cluster, project, &p, err);
    if (r < 0)
        return r;
    if (!p.d)
        return local_missing(err, "project");
    if (!local_branch(&p, branch))
        return local_missing(err, "branch");
    if (strcmp(endpoint, "primary") != 0)
        return local_missing(err, "endpoint");
    local_uuid(token);
    call->reply = json_object_new_object();
    doc_set_text(call->reply, "token", token);
    doc_set_time(call->reply, "expire_time", until);
    return 0;
}
