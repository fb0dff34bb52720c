/* A branch's entry in its project's record: the branch, its endpoint, its roles and databases. */
#include "local.h"

/* They were checked when the project got them. */
static void take_over_defaults(doc *status, doc *settings)
{
    if (!json_object_is_type(settings, json_type_object))
        return;
    json_object_object_foreach(settings, name, value)
    {
        doc_set(status, strcmp(name, "pg_settings") == 0 ? "settings.pg_settings" : name, doc_copy(value));
    }
}

static doc *new_endpoint(doc *project, const char *branch_name, int64_t now)
{
    LB_AUTO_FREE char *name = base_printf("%s/endpoints/primary", branch_name), *uid = local_uid("ep");
    doc *endpoint = json_object_new_object();
    doc_set_text(endpoint, "name", name);
    doc_set_text(endpoint, "endpoint_id", "primary");
    doc_set_text(endpoint, "parent", branch_name);
    doc_set_text(endpoint, "uid", uid);
    doc_set_time(endpoint, "create_time", now);
    doc_set_text(endpoint, "status.endpoint_id", "primary");
    doc_set_text(endpoint, "status.endpoint_type", "ENDPOINT_TYPE_READ_WRITE");
    doc_set_text(endpoint, "status.current_state", "INIT");
    doc_set_text(endpoint, "status.pending_state", "ACTIVE");
    doc_set_flag(endpoint, "status.disabled", false);
    doc_set(endpoint, "status.settings", json_object_new_object());
    take_over_defaults(doc_at(endpoint, "status"), doc_at(project, "status.default_endpoint_settings"));
    return endpoint;
}

/* What initdb and the keeper make. */
static void put_first_objects(doc *entry, const char *branch_name)
{
    LB_AUTO_FREE char *role = base_printf("%s/roles/%s", branch_name, LOCAL_SUPERUSER);
    LB_AUTO_FREE char *database = base_printf("%s/databases/databricks-postgres", branch_name);
    doc *r = json_object_new_object(), *d = json_object_new_object(), *roles = json_object_new_array(),
        *databases = json_object_new_array();
    doc_set_text(r, "name", role);
    doc_set_text(r, "role_id", LOCAL_SUPERUSER);
    doc_set_text(r, "parent", branch_name);
    doc_set_text(r, "status.role_id", LOCAL_SUPERUSER);
    doc_set_text(r, "status.postgres_role", LOCAL_SUPERUSER);
    doc_set_text(r, "status.identity_type", "IDENTITY_TYPE_UNSPECIFIED");
    doc_set_text(r, "status.auth_method", "PG_PASSWORD_SCRAM_SHA_256");
    doc_set_text(d, "name", database);
    doc_set_text(d, "database_id", "databricks-postgres");
    doc_set_text(d, "parent", branch_name);
    doc_set_text(d, "status.database_id", "databricks-postgres");
    doc_set_text(d, "status.postgres_database", LOCAL_DATABASE);
    doc_set_text(d, "status.role", role);
    (void)json_object_array_add(roles, r); /* fails without memory alone */
    (void)json_object_array_add(databases, d);
    doc_set(entry, "roles", roles);
    doc_set(entry, "databases", databases);
}

/* The end of a full name, behind the branch's, under another branch. */
static void move_name(doc *object, const char *path, const char *from, const char *to)
{
    const char *name = doc_text(object, path);
    size_t length = strlen(from);
    if (!name || strncmp(name, from, length) != 0)
        return;
    LB_AUTO_FREE char *moved = base_printf("%s%s", to, name + length);
    doc_set_text(object, path, moved);
}

/* A child has what its parent has now. One that is made from a point in time may find some of it missing. */
void local_inherit(doc *entry, doc *source, const char *list)
{
    const char *from = doc_text(source, "branch.name"), *to = doc_text(entry, "branch.name");
    doc *copy = doc_copy(doc_at(source, list));
    for (size_t i = 0; i < doc_length(copy); i++) {
        move_name(doc_item(copy, i), "name", from, to);
        move_name(doc_item(copy, i), "parent", from, to);
        move_name(doc_item(copy, i), "status.role", from, to);
    }
    doc_set(entry, list, copy);
}

doc *local_new_entry(doc *project, const char *branch, int64_t now)
{
    LB_AUTO_FREE char *name = base_printf("%s/branches/%s", doc_text(project, "name"), branch), *uid = local_uid("br");
    doc *entry = json_object_new_object(), *endpoints = json_object_new_array(), *b = json_object_new_object();
    doc_set(entry, "branch", b);
    doc_set_text(b, "name", name);
    doc_set_text(b, "branch_id", branch);
    doc_set_text(b, "parent", doc_text(project, "name"));
    doc_set_text(b, "uid", uid);
    doc_set_time(b, "create_time", now);
    doc_set_time(b, "update_time", now);
    doc_set_text(b, "status.branch_id", branch);
    doc_set_text(b, "status.current_state", "INIT");
    doc_set_text(b, "status.pending_state", "READY");
    doc_set_time(b, "status.state_change_time", now);
    doc_set_flag(b, "status.default", false);
    doc_set_flag(b, "status.is_protected", false);
    doc_set_i64(b, "status.logical_size_bytes", 0);
    doc_set_text(entry, "directory", uid);
    (void)json_object_array_add(endpoints, new_endpoint(project, name, now)); /* fails without memory alone */
    doc_set(entry, "endpoints", endpoints);
    put_first_objects(entry, name);
    return entry;
}
