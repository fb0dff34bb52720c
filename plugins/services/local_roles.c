/* Roles and databases of a branch. */
#include "local_objects.h"

#include <sql/local/say_alter_owner.h>
#include <sql/local/say_create_database.h>
#include <sql/local/say_drop_database.h>
#include <sql/local/say_drop_owned.h>
#include <sql/local/say_drop_role.h>
#include <sql/local/say_grant.h>
#include <sql/local/say_reassign.h>
#include <sql/local/say_role.h>

#define SUPERUSER "DATABRICKS_SUPERUSER"

static const char *truth(bool flag)
{
    return flag ? "true" : "false";
}

/* ---- roles ---- */

static bool is_superuser(doc *status)
{
    doc *list = doc_at(status, "membership_roles");
    for (size_t i = 0; i < doc_length(list); i++)
        if (strcmp(json_object_get_string(doc_item(list, i)), SUPERUSER) == 0)
            return true;
    return false;
}

static int check_membership(doc *list, lb_error *err)
{
    if (!json_object_is_type(list, json_type_array))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "membership_roles is a list");
    for (size_t i = 0; i < doc_length(list); i++)
        if (!json_object_is_type(doc_item(list, i), json_type_string) ||
            strcmp(json_object_get_string(doc_item(list, i)), SUPERUSER) != 0)
            return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "membership_roles can only hold " SUPERUSER);
    return 0;
}

/* Without a password there is no difference between the methods but whether one may log in. */
static int take_method(doc *status, doc *spec, lb_error *err)
{
    static const char *const methods[] = {"LAKEBASE_OAUTH_V1", "PG_PASSWORD_SCRAM_SHA_256", "NO_LOGIN"};
    const char *identity = doc_text_or(spec, "identity_type", "IDENTITY_TYPE_UNSPECIFIED");
    const char *method =
        doc_text_or(spec, "auth_method", strcmp(identity, "IDENTITY_TYPE_UNSPECIFIED") == 0 ? methods[1] : methods[0]);
    bool known = false;
    for (size_t i = 0; i < LB_COUNT(methods); i++)
        known = known || strcmp(methods[i], method) == 0;
    if (!known)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "auth_method '%s' is unknown", method);
    doc_set_text(status, "identity_type", identity);
    doc_set_text(status, "auth_method", method);
    return 0;
}

static void take_attribute(doc *status, doc *spec, const char *path)
{
    doc_set_flag(status, path, doc_flag(spec, path));
}

static int run_role(local_call *call, const local_project *p, doc *entry, doc *status, bool makes, lb_error *err)
{
    const char *const params[] = {truth(makes),
                                  doc_text(status, "postgres_role"),
                                  truth(!doc_is(status, "auth_method", "NO_LOGIN")),
                                  truth(doc_flag(status, "attributes.createdb")),
                                  truth(doc_flag(status, "attributes.createrole")),
                                  truth(doc_flag(status, "attributes.bypassrls"))};
    int r = local_say_and_run(call, p, entry, LOCAL_DATABASE, &local_say_role_sql, params, err);
    if (r == LB_ERR_SQL && strcmp(err->sqlstate, "42710") == 0)
        return local_refuse(err, 400, "BAD_REQUEST", "role with that name already exists");
    return r;
}

static int run_grant(local_call *call, const local_project *p, doc *entry, doc *status, bool grants, lb_error *err)
{
    const char *const params[] = {truth(grants), doc_text(status, "postgres_role")};
    return local_say_and_run(call, p, entry, LOCAL_DATABASE, &local_say_grant_sql, params, err);
}

static int create_role(local_call *call, const local_project *p, doc *entry, doc *object, lb_error *err)
{
    doc *status = doc_at(object, "status"), *spec = doc_at(call->body, "spec"),
        *members = doc_at(spec, "membership_roles");
    doc_set_text(status, "postgres_role", doc_text_or(spec, "postgres_role", doc_text(object, "role_id")));
    int r = take_method(status, spec, err);
    if (r >= 0 && members)
        r = check_membership(members, err);
    if (r < 0)
        return r;
    take_attribute(status, spec, "attributes.createdb");
    take_attribute(status, spec, "attributes.createrole");
    take_attribute(status, spec, "attributes.bypassrls");
    doc_set(status, "membership_roles", members ? doc_copy(members) : json_object_new_array());
    r = run_role(call, p, entry, status, true, err);
    return r >= 0 && is_superuser(status) ? run_grant(call, p, entry, status, true, err) : r;
}

static int update_role(local_call *call, const local_project *p, doc *entry, doc *object, const char *mask,
                       lb_error *err)
{
    static const char *const attributes[] = {"attributes.createdb", "attributes.createrole", "attributes.bypassrls"};
    doc *status = doc_at(object, "status"), *spec = doc_at(call->body, "spec"),
        *members = doc_at(spec, "membership_roles");
    bool whole = local_masked(mask, "spec.attributes"), known = whole || local_masked(mask, "spec.membership_roles");
    int r = 0;
    for (size_t i = 0; i < LB_COUNT(attributes); i++) {
        LB_AUTO_FREE char *field = base_printf("spec.%s", attributes[i]);
        if (!whole && !local_masked(mask, field))
            continue;
        known = true;
        take_attribute(status, spec, attributes[i]);
    }
    if (!known)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "unknown or unchangeable field in update_mask: '%s'",
                            mask);
    if (local_masked(mask, "spec.membership_roles")) {
        r = check_membership(members, err);
        if (r >= 0)
            doc_set(status, "membership_roles", doc_copy(members));
        if (r >= 0)
            r = run_grant(call, p, entry, status, is_superuser(status), err);
    }
    return r < 0 ? r : run_role(call, p, entry, status, false, err);
}

static int remove_role(local_call *call, const local_project *p, doc *entry, doc *object, lb_error *err)
{
    const char *const name = doc_text(object, "status.postgres_role");
    LB_AUTO_FREE char *heir = local_query(call, "reassign_owned_to");
    doc *to = heir ? local_find_role(entry, heir) : NULL;
    if (strcmp(name, LOCAL_SUPERUSER) == 0)
        return local_refuse(err, 400, "BAD_REQUEST", "cannot delete the owner of the branch");
    if (heir && !to)
        return local_refuse(err, 404, "NOT_FOUND", "role not found; role_id:\"%s\"", heir);
    const char *const both[] = {name, to ? doc_text(to, "status.postgres_role") : ""};
    int r = to ? local_say_and_run(call, p, entry, LOCAL_DATABASE, &local_say_reassign_sql, both, err) : 0;
    if (r >= 0 && to) /* what is left are rights */
        r = local_say_and_run(call, p, entry, LOCAL_DATABASE, &local_say_drop_owned_sql, both, err);
    if (r >= 0)
        r = local_say_and_run(call, p, entry, LOCAL_DATABASE, &local_say_drop_role_sql, both, err);
    if (r == LB_ERR_SQL && strcmp(err->sqlstate, "2BP01") == 0)
        return local_refuse(err, 400, "BAD_REQUEST", "the role owns objects: give reassign_owned_to");
    return r;
}

int local_roles(local_call *call, lb_error *err)
{
    static const local_object roles = {.list = "roles",
                                       .id_name = "role_id",
                                       .what = "role",
                                       .kind = "Role",
                                       .create = create_role,
                                       .update = update_role,
                                       .remove = remove_role};
    return local_objects(call, &roles, err);
}

/* ---- databases ---- */

/* The Postgres name of the role that a spec names. NULL: err. */
static const char *owner_of(doc *entry, doc *spec, lb_error *err)
{
    const char *name = doc_text_or(spec, "role", "");
    doc *role = local_find_role(entry, name);
    if (!*name)
        (void)local_refuse(err, 400, "INVALID_PARAMETER_VALUE",
                           "Field 'database.spec.role' is required, expected non-default value (not \"\")!");
    else if (!role)
        (void)local_refuse(err, 404, "NOT_FOUND", "role not found; role_id:\"%s\"",
                           strrchr(name, '/') ? strrchr(name, '/') + 1 : name); /* the NULL says it */
    return role ? doc_text(role, "status.postgres_role") : NULL;
}

static int create_database(local_call *call, const local_project *p, doc *entry, doc *object, lb_error *err)
{
    doc *status = doc_at(object, "status"), *spec = doc_at(call->body, "spec");
    const char *owner = owner_of(entry, spec, err);
    if (!owner)
        return err->code;
    const char *const params[] = {doc_text_or(spec, "postgres_database", doc_text(object, "database_id")), owner};
    doc_set_text(status, "postgres_database", params[0]);
    doc_set_text(status, "role", doc_text(spec, "role"));
    int r = local_say_and_run(call, p, entry, "postgres", &local_say_create_database_sql, params, err);
    if (r == LB_ERR_SQL && strcmp(err->sqlstate, "42P04") == 0)
        return local_refuse(err, 400, "BAD_REQUEST", "database with that name already exists");
    return r;
}

static int update_database(local_call *call, const local_project *p, doc *entry, doc *object, const char *mask,
                           lb_error *err)
{
    doc *status = doc_at(object, "status"), *spec = doc_at(call->body, "spec");
    if (strcmp(mask, "spec.role") != 0)
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "unknown or unchangeable field in update_mask: '%s'",
                            mask);
    const char *owner = owner_of(entry, spec, err);
    if (!owner)
        return err->code;
    const char *const params[] = {doc_text(status, "postgres_database"), owner};
    int r = local_say_and_run(call, p, entry, "postgres", &local_say_alter_owner_sql, params, err);
    if (r >= 0)
        doc_set_text(status, "role", doc_text(spec, "role"));
    return r;
}

static int remove_database(local_call *call, const local_project *p, doc *entry, doc *object, lb_error *err)
{
    const char *const params[] = {doc_text(object, "status.postgres_database")};
    return local_say_and_run(call, p, entry, "postgres", &local_say_drop_database_sql, params, err);
}

int local_databases(local_call *call, lb_error *err)
{
    static const local_object databases = {.list = "databases",
                                           .id_name = "database_id",
                                           .what = "database",
                                           .kind = "Database",
                                           .create = create_database,
                                           .update = update_database,
                                           .remove = remove_database};
    return local_objects(call, &databases, err);
}
