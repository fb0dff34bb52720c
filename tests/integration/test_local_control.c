/* The control plane of a local Lakebase: the same documents, states, limits and refusals as the platform's. One cluster
 * serves all tests, which leave it as they found it. */
#include "harness/local_cluster.h"

/* ---- beginning and end ---- */

static void begin(void)
{
    cluster_start(major);
    CU_ASSERT(call("GET", "projects/p", NULL, NULL) == 0);
    ASSERT_TEXT(doc_text(answer, "name"), "projects/p");
    CU_ASSERT(doc_i64(answer, "status.pg_version", 0) == major);
    ASSERT_TEXT(doc_text(answer, "status.default_branch"), "projects/p/branches/production");
    CU_ASSERT(call("GET", "projects/p/branches/production", NULL, NULL) == 0);
    ASSERT_TEXT(doc_text(answer, "status.current_state"), "INIT");
    ASSERT_TEXT(doc_text(answer, "status.pending_state"), "READY");
    CU_ASSERT(call("DELETE", "projects/p/branches/production", NULL, NULL) != 0); /* whatever state it is in */
    UNTIL(call("GET", "projects/p/branches/production", NULL, NULL) == 0 &&
          doc_is(answer, "status.current_state", "READY"));
    CU_ASSERT(doc_at(answer, "status.pending_state") == NULL);
    LB_AUTO_FREE char *version = base_printf("%lld", (long long)major);
    ASSERT_TEXT(ask("production", "SELECT current_setting('server_version_num')::int / 10000"), version);
    ASSERT_TEXT(ask("production", "SELECT current_database()"), "databricks_postgres");
    ASSERT_TEXT(ask("production", "SELECT count(*) > 0 FROM pg_stat_statements"), "t");
}

static void end(void)
{
    cluster_stop();
}

/* ---- refusals ---- */

static const struct {
    const char *method, *path, *query, *body;
    int code;
    const char *says;
} refusals[] = {
    {"POST", "projects", NULL, "{}", LB_ERR_INVALID,
     "status 400 INVALID_PARAMETER_VALUE: Field 'project_id' is required, expected non-default value (not \"\")!"},
    {"POST", "projects", "project_id=Bad_One", "{}", LB_ERR_INVALID, "got 'Bad_One'."},
    {"POST", "projects", "project_id=p", "{}", LB_ERR_CONFLICT,
     "status 409 ALREADY_EXISTS: project with such id already exists in the workspace"},
    {"GET", "projects/none", NULL, NULL, LB_ERR_NOT_FOUND, "status 404 NOT_FOUND: project id not found"},
    {"GET", "projects/none/branches/b", NULL, NULL, LB_ERR_NOT_FOUND, "project id not found"},
    {"GET", "projects/p/branches/none", NULL, NULL, LB_ERR_NOT_FOUND, "branch id not found"},
    {"GET", "projects/p/branches/none/endpoints/e", NULL, NULL, LB_ERR_NOT_FOUND, "branch id not found"},
    {"GET", "projects/p/branches/production/endpoints/e", NULL, NULL, LB_ERR_NOT_FOUND, "endpoint id not found"},
    {"GET", "projects/p/operations/0-0", NULL, NULL, LB_ERR_NOT_FOUND, "operation id not found"},
    {"GET", "projects/../x", NULL, NULL, LB_ERR_NOT_FOUND, "resource not found"},
    {"GET", "projects/p/branches/production/operations/../../../projects/p", NULL, NULL, LB_ERR_NOT_FOUND, "404"},
    {"GET", "nothing", NULL, NULL, LB_ERR_UNSUPPORTED, "No API found for 'GET nothing'"},
    {"GET", "projects/p/branches/production/databases/databricks-postgres/data-api", NULL, NULL, LB_ERR_UNSUPPORTED,
     "No API found"},
    {"GET", "projects/p/branches/production/databases/databricks-postgres/others", NULL, NULL, LB_ERR_NOT_FOUND,
     "resource not found"},
    {"POST", "projects/p/branches", "branch_id=b", "{", LB_ERR_INVALID, "MALFORMED_REQUEST"},
    {"POST", "projects/p/branches", NULL, "{}", LB_ERR_INVALID, "Field 'branch_id' is required"},
    {"POST", "projects/p/branches", "branch_id=b-", "{}", LB_ERR_INVALID, "Field branch_id must match pattern"},
    {"POST", "projects/p/branches", "branch_id=production", "{\"spec\":{\"no_expiry\":true}}", LB_ERR_CONFLICT,
     "branch with such id already exists"},
    {"POST", "projects/p/branches", "branch_id=b", "{}", LB_ERR_INVALID,
     "exactly one of 'ttl', 'expire_time' or 'no_expiry' is required"},
    {"POST", "projects/p/branches", "branch_id=b", "{\"spec\":{\"ttl\":\"60s\",\"no_expiry\":true}}", LB_ERR_INVALID,
     "exactly one of"},
    {"POST", "projects/p/branches", "branch_id=b", "{\"spec\":{\"no_expiry\":false}}", LB_ERR_INVALID,
     "'no_expiry' can only be true"},
    {"POST", "projects/p/branches", "branch_id=b", "{\"spec\":{\"ttl\":\"2592600s\"}}", LB_ERR_INVALID, "30 days"},
    {"POST", "projects/p/branches", "branch_id=b", "{\"spec\":{\"ttl\":\"-1s\"}}", LB_ERR_INVALID, "ttl must be"},
    {"POST", "projects/p/branches", "branch_id=b", "{\"spec\":{\"expire_time\":\"2001-01-01T00:00:00Z\"}}",
     LB_ERR_INVALID, "expired already"},
    {"POST", "projects/p/branches", "branch_id=b",
     "{\"spec\":{\"no_expiry\":true,\"source_branch\":\"projects/p/branches/none\"}}", LB_ERR_NOT_FOUND,
     "branch id not found"},
    {"POST", "projects/p/branches", "branch_id=b",
     "{\"spec\":{\"no_expiry\":true,\"source_branch_time\":\"2001-01-01T00:00:00Z\"}}", LB_ERR_INVALID,
     "outside the history"},
    {"POST", "projects/p/branches", "branch_id=b",
     "{\"spec\":{\"no_expiry\":true,\"source_branch_time\":\"2099-01-01T00:00:00Z\"}}", LB_ERR_INVALID,
     "outside the history"},
    {"POST", "projects/p/branches", "branch_id=b",
     "{\"spec\":{\"no_expiry\":true,\"source_branch_lsn\":\"0/"
     "0\",\"source_branch_time\":\"2099-01-01T00:00:00Z\"}}",
     LB_ERR_INVALID, "only one of"},
    {"DELETE", "projects/p/branches/production", "purge=true", NULL, LB_ERR_INVALID,
     "status 400 BAD_REQUEST: Cannot delete root branch 'projects/p/branches/production'. Root branches cannot be "
     "deleted independently."},
    {"DELETE", "projects/p/branches/production/endpoints/primary", NULL, NULL, LB_ERR_INVALID,
     "Read-write endpoints cannot be deleted."},
    {"PATCH", "projects/p/branches/production", NULL, "{\"spec\":{\"is_protected\":true}}", LB_ERR_INVALID,
     "update_mask"},
    {"PATCH", "projects/p/branches/production", "update_mask=spec.source_branch", "{\"spec\":{}}", LB_ERR_INVALID,
     "unknown or unchangeable field"},
    {"PATCH", "projects/p/branches/production", "update_mask=spec.expiration", "{\"spec\":{\"ttl\":\"9000000s\"}}",
     LB_ERR_INVALID, "30 days"},
    {"PATCH", "projects/p/branches/production", "update_mask=spec.expiration", "{\"spec\":{\"ttl\":\"9000s\"}}",
     LB_ERR_INVALID, "the default branch cannot expire"},
    {"PATCH", "projects/p/branches/production/endpoints/primary", "update_mask=spec.suspension",
     "{\"spec\":{\"suspend_timeout_duration\":\"0s\"}}", LB_ERR_INVALID, "suspend_timeout_duration must be between"},
    {"PATCH", "projects/p/branches/production/endpoints/primary", "update_mask=spec.settings",
     "{\"spec\":{\"settings\":{\"pg_settings\":{\"listen_addresses\":\"*\"}}}}", LB_ERR_INVALID, "cannot be set"},
    {"POST", "projects/p/branches/production/endpoints", "endpoint_id=ro",
     "{\"spec\":{\"endpoint_type\":\"ENDPOINT_TYPE_READ_ONLY\"}}", LB_ERR_UNSUPPORTED, "no read replicas"},
    {"GET", "projects/p/branches/production/endpoints", "page_size=5", NULL, LB_ERR_INVALID, "page_size"},
    {"GET", "projects", "page_token=x", NULL, LB_ERR_INVALID, "page_token"},
    {"POST", "credentials", NULL, "{\"endpoint\":\"projects/p/branches/production/endpoints/e\"}", LB_ERR_NOT_FOUND,
     "endpoint id not found"},
    {"POST", "credentials", NULL, "{\"endpoint\":\"projects/p/branches/production/endpoints/primary\",\"ttl\":\"10s\"}",
     LB_ERR_INVALID, "between 300s and 3600s"},
};

static void refuses_with_the_platforms_codes(void)
{
    for (size_t i = 0; i < LB_COUNT(refusals); i++) {
        int r = call(refusals[i].method, refusals[i].path, refusals[i].query, refusals[i].body);
        if (r != refusals[i].code)
            printf("\n    %s %s: %d, not %d\n", refusals[i].method, refusals[i].path, r, refusals[i].code);
        CU_ASSERT(r == refusals[i].code);
        ASSERT_CONTAINS(err.message, refusals[i].says);
    }
    CU_ASSERT(call("GET", "projects/p/branches", NULL, NULL) == 0 && doc_length(doc_at(answer, "branches")) == 1);
}

/* ---- life of branches ---- */

static void a_branch_from_the_present(void)
{
    void *busy = NULL;
    CU_ASSERT_FATAL(connect_to("production", &busy) == 0); /* people are connected, in a transaction, with a lock */
    CU_ASSERT(run_in(busy, "CREATE TABLE before (n int)", false) == 0);
    CU_ASSERT(run_in(busy, "INSERT INTO before VALUES (1)", false) == 0);
    CU_ASSERT(local->begin(busy, probe_soon(60), &err) == 0);
    CU_ASSERT(run_in(busy, "INSERT INTO before VALUES (2)", false) == 0);
    CU_ASSERT(call("POST", "projects/p/branches", "branch_id=dev", "{\"spec\":{\"no_expiry\":true}}") == 0);
    CU_ASSERT(!doc_flag(answer, "done"));
    ASSERT_CONTAINS(doc_text(answer, "name"), "projects/p/branches/dev/operations/");
    expect(finish_operation(), "POST", "dev");
    ASSERT_TEXT(doc_text(answer, "response.status.current_state"), "READY");
    ASSERT_TEXT(doc_text(answer, "response.status.source_branch"), "projects/p/branches/production");
    CU_ASSERT(doc_text(answer, "response.status.source_branch_lsn") != NULL);
    CU_ASSERT(doc_i64(answer, "response.status.logical_size_bytes", 0) > 1000000);
    ASSERT_TEXT(ask("dev", "SELECT array_agg(n) FROM before"), "{1}"); /* what was not committed is not there */
    CU_ASSERT(run_on("dev", "INSERT INTO before VALUES (7)") == 0);
    CU_ASSERT(local->finish(busy, true, probe_soon(60), &err) == 0); /* nobody has ended the session */
    CU_ASSERT(run_in(busy, "SELECT array_agg(n ORDER BY n) FROM before", true) == 0);
    ASSERT_CONTAINS(buf_text(&rows.text), "{1,2}");
    local->disconnect(busy);
    CU_ASSERT(call("GET", "projects/p/branches/dev/endpoints", NULL, NULL) == 0);
    doc *endpoint = doc_item(doc_at(answer, "endpoints"), 0);
    ASSERT_TEXT(doc_text(endpoint, "endpoint_id"), "primary");
    ASSERT_TEXT(doc_text(endpoint, "status.current_state"), "ACTIVE");
    ASSERT_CONTAINS(doc_text(endpoint, "status.hosts.host"), directory);
}

static void protection_children_and_defaults(void)
{
    must("PATCH", "projects/p/branches/dev", "update_mask=spec.is_protected", "{\"spec\":{\"is_protected\":true}}");
    CU_ASSERT(call("DELETE", "projects/p/branches/dev", "purge=true", NULL) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "status 400 BAD_REQUEST: cannot delete protected branch");
    CU_ASSERT(call("PATCH", "projects/p/branches/production", "update_mask=spec.is_protected",
                   "{\"spec\":{\"is_protected\":true}}") == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "at most one protected branch");
    CU_ASSERT(call("DELETE", "projects/p", "purge=true", NULL) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "protected branch");
    must("PATCH", "projects/p/branches/dev", "update_mask=spec.is_protected", "{\"spec\":{\"is_protected\":false}}");
    MAKE("leaf", "\"source_branch\":\"projects/p/branches/dev\",\"ttl\":\"3600s\"");
    CU_ASSERT(doc_time(answer, "response.status.expire_time") > clock_now() + 3500 * CLOCK_SECOND);
    CU_ASSERT(call("DELETE", "projects/p/branches/dev", "purge=true", NULL) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "which has children");
    CU_ASSERT(call("PATCH", "projects/p/branches/dev", "update_mask=spec.expiration",
                   "{\"spec\":{\"ttl\":\"9000s\"}}") == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "a branch with children cannot expire");
    CU_ASSERT(call("POST", "projects/p/branches", "branch_id=below",
                   "{\"spec\":{\"source_branch\":\"projects/p/branches/leaf\",\"ttl\":\"60s\"}}") == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "which expires");
    must("DELETE", "projects/p/branches/leaf", "purge=true", NULL);
    CU_ASSERT(call("GET", "projects/p/branches/leaf", NULL, NULL) == LB_ERR_NOT_FOUND);
}

static void points_in_time(void)
{
    char then[CLOCK_TEXT];
    CU_ASSERT(run_on("production", "CREATE TABLE log (n int)") == 0);
    CU_ASSERT(run_on("production", "INSERT INTO log VALUES (1)") == 0);
    LB_AUTO_FREE char *lsn = base_strdup(ask("production", "SELECT pg_current_wal_insert_lsn()"));
    clock_format(clock_now(), then);
    pause_ms(5);
    CU_ASSERT(run_on("production", "INSERT INTO log VALUES (2)") == 0);
    LB_AUTO_FREE char *by_time = base_printf("{\"spec\":{\"ttl\":\"600s\",\"source_branch_time\":\"%s\"}}", then);
    LB_AUTO_FREE char *by_lsn = base_printf("{\"spec\":{\"ttl\":\"600s\",\"source_branch_lsn\":\"%s\"}}", lsn);
    must("POST", "projects/p/branches", "branch_id=earlier", by_time);
    ASSERT_TEXT(doc_text(answer, "response.status.source_branch_time"), then);
    must("POST", "projects/p/branches", "branch_id=place", by_lsn);
    ASSERT_TEXT(ask("earlier", "SELECT array_agg(n) FROM log"), "{1}");
    ASSERT_TEXT(ask("place", "SELECT array_agg(n) FROM log"), "{1}");
    CU_ASSERT(run_on("earlier", "INSERT INTO log VALUES (9)") == 0); /* it is no standby */
    ASSERT_TEXT(ask("production", "SELECT array_agg(n ORDER BY n) FROM log"), "{1,2}");
    clock_format(clock_now(), then); /* a moment after which nothing has been committed */
    LB_AUTO_FREE char *just_now = base_printf("{\"spec\":{\"ttl\":\"600s\",\"source_branch_time\":\"%s\"}}", then);
    must("POST", "projects/p/branches", "branch_id=now", just_now);
    ASSERT_TEXT(ask("now", "SELECT array_agg(n ORDER BY n) FROM log"), "{1,2}");
    must("DELETE", "projects/p/branches/earlier", "purge=true", NULL);
    must("DELETE", "projects/p/branches/place", "purge=true", NULL);
    must("DELETE", "projects/p/branches/now", "purge=true", NULL);
}

static void soft_deletion_and_pages(void)
{
    MAKE("soft", "\"no_expiry\":true");
    must("DELETE", "projects/p/branches/soft", NULL, NULL);
    CU_ASSERT(call("GET", "projects/p/branches/soft", NULL, NULL) == 0);
    ASSERT_TEXT(doc_text(answer, "status.current_state"), "DELETED");
    CU_ASSERT(doc_time(answer, "status.purge_time") > clock_now() + 6 * 24 * 3600 * CLOCK_SECOND);
    CU_ASSERT(run_on("soft", "SELECT 1") == LB_ERR_NOT_FOUND);
    CU_ASSERT(call("GET", "projects/p/branches", NULL, NULL) == 0 && doc_length(doc_at(answer, "branches")) == 2);
    CU_ASSERT(call("GET", "projects/p/branches", "page_size=2&show_deleted=true", NULL) == 0);
    CU_ASSERT(doc_length(doc_at(answer, "branches")) == 2);
    LB_AUTO_FREE char *next =
        base_printf("page_size=2&show_deleted=true&page_token=%s", doc_text_or(answer, "next_page_token", ""));
    CU_ASSERT(call("GET", "projects/p/branches", next, NULL) == 0);
    CU_ASSERT(doc_length(doc_at(answer, "branches")) == 1 && !doc_text(answer, "next_page_token"));
    CU_ASSERT(call("POST", "projects/p/branches", "branch_id=soft", "{\"spec\":{\"no_expiry\":true}}") ==
              LB_ERR_CONFLICT);
    must("POST", "projects/p/branches/soft/undelete", NULL, "{}");
    CU_ASSERT(run_on("soft", "SELECT 1") == LB_ERR_SUSPENDED);
    wakes = true;
    ASSERT_TEXT(ask("soft", "SELECT array_agg(n ORDER BY n) FROM log"), "{1,2}");
    wakes = false;
    must("DELETE", "projects/p/branches/soft", "purge=true", NULL);
    CU_ASSERT(count_entries("branches/p", false) == 2 && count_entries("trash", false) == 0);
}

static void the_cap_on_unarchived_branches(void)
{
    LOCAL_PROJECT p = {.lock = -1};
    const local_cluster c = {.host = &cluster_host, .path = directory};
    CU_ASSERT_FATAL(local_open(&c, "p", &p, &err) == 0);
    for (int i = 0; i < 8; i++) { /* records are enough to be counted */
        LB_AUTO_FREE char *name = base_printf("full-%d", i);
        doc *entry = local_new_entry(doc_at(p.d, "project"), name, clock_now());
        doc_set_text(entry, "branch.status.current_state", "READY");
        doc_set(entry, "branch.status.pending_state", NULL);
        doc_set_text(entry, "source.directory", "none");
        (void)json_object_array_add(doc_at(p.d, "branches"), entry);
    }
    CU_ASSERT(local_save(&p, &err) == 0);
    local_close(&p);
    CU_ASSERT(call("POST", "projects/p/branches", "branch_id=more", "{\"spec\":{\"no_expiry\":true}}") == LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, "status 429 RESOURCE_LIMIT_EXCEEDED: the project has 10 unarchived branches");
    CU_ASSERT_FATAL(local_open(&c, "p", &p, &err) == 0); /* an archived one leaves room */
    doc_set_text(local_branch(&p, "full-0"), "branch.status.current_state", "ARCHIVED");
    CU_ASSERT(local_save(&p, &err) == 0);
    local_close(&p);
    MAKE("more", "\"ttl\":\"600s\"");
    must("DELETE", "projects/p/branches/more", "purge=true", NULL);
    for (int i = 0; i < 8; i++) {
        LB_AUTO_FREE char *path = base_printf("projects/p/branches/full-%d", i);
        must("DELETE", path, "purge=true", NULL);
    }
}

static void what_expires_goes(void)
{
    char soon[CLOCK_TEXT];
    MAKE("brief", "\"ttl\":\"600s\"");
    LB_AUTO_FREE char *uid = uid_of("brief");
    ASSERT_TEXT(ask("brief", "SELECT 1"), "1"); /* from here on we are its user */
    clock_format(clock_now() + CLOCK_SECOND, soon);
    LB_AUTO_FREE char *body = base_printf("{\"spec\":{\"expire_time\":\"%s\"}}", soon);
    must("PATCH", "projects/p/branches/brief", "update_mask=spec.expiration", body);
    CU_ASSERT_PTR_NOT_NULL_FATAL(uid);
    UNTIL(!has_file(uid, "server")); /* the keeper itself sees to it */
    CU_ASSERT(call("GET", "projects/p/branches/brief", NULL, NULL) == LB_ERR_NOT_FOUND);
    MAKE("brief", "\"ttl\":\"600s\"");
    must("PATCH", "projects/p/branches/brief", "update_mask=spec.expiration", "{\"spec\":{\"no_expiry\":true}}");
    CU_ASSERT(call("GET", "projects/p/branches/brief", NULL, NULL) == 0 && !doc_text(answer, "status.expire_time"));
    LOCAL_PROJECT p = {.lock = -1};
    const local_cluster c = {.host = &cluster_host, .path = directory};
    CU_ASSERT_FATAL(local_open(&c, "p", &p, &err) == 0); /* it expired while nobody was there */
    doc_set_time(local_branch(&p, "brief"), "branch.status.expire_time", clock_now() - CLOCK_SECOND);
    CU_ASSERT(local_save(&p, &err) == 0);
    local_close(&p);
    CU_ASSERT(call("GET", "projects/p/branches/brief", NULL, NULL) == LB_ERR_NOT_FOUND);
    CU_ASSERT(count_entries("branches/p", false) == 2);
}

static void archived_by_disuse(void)
{
    LOCAL_PROJECT p = {.lock = -1};
    const local_cluster c = {.host = &cluster_host, .path = directory};
    UNTIL(call("GET", "projects/p", NULL, NULL) == 0); /* nothing is under way */
    MAKE("old", "\"no_expiry\":true");
    LB_AUTO_FREE char *uid = uid_of("old");
    UNTIL(!is_locked(uid)); /* its keeper has gone */
    CU_ASSERT_FATAL(local_open(&c, "p", &p, &err) == 0);
    doc_set_text(local_branch(&p, "old"), "branch.create_time", "2025-01-01T00:00:00Z");
    doc_set_text(local_primary(local_branch(&p, "old")), "status.last_active_time", "2025-01-02T00:00:00Z");
    CU_ASSERT(local_save(&p, &err) == 0);
    local_close(&p);
    CU_ASSERT(call("GET", "projects/p/branches/old", NULL, NULL) == 0);
    ASSERT_TEXT(doc_text(answer, "status.current_state"), "ARCHIVED");
    CU_ASSERT(run_on("old", "SELECT 1") == LB_ERR_SUSPENDED);
    wakes = true;
    ASSERT_TEXT(ask("old", "SELECT 1"), "1");
    wakes = false;
    CU_ASSERT(call("GET", "projects/p/branches/old", NULL, NULL) == 0);
    ASSERT_TEXT(doc_text(answer, "status.current_state"), "READY");
    must("DELETE", "projects/p/branches/old", "purge=true", NULL);
}

/* ---- roles and databases ---- */

#define OWNER "projects/p/branches/dev/roles/ops"

static void roles_and_databases(void)
{
    CU_ASSERT(call("GET", "projects/p/branches/dev/roles", NULL, NULL) == 0);
    ASSERT_TEXT(doc_text(doc_item(doc_at(answer, "roles"), 0), "name"), "projects/p/branches/dev/roles/postgres");
    must("POST", "projects/p/branches/dev/roles", "role_id=ops",
         "{\"spec\":{\"postgres_role\":\"o'p\\\"s\",\"identity_type\":\"SERVICE_PRINCIPAL\","
         "\"membership_roles\":[\"DATABRICKS_SUPERUSER\"],\"attributes\":{\"createdb\":true}}}");
    ASSERT_TEXT(doc_text(answer, "response.status.auth_method"), "LAKEBASE_OAUTH_V1");
    ASSERT_TEXT(ask("dev", "SELECT rolcreatedb AND NOT rolcreaterole AND pg_has_role(oid, 'pg_monitor', 'member') FROM "
                           "pg_roles WHERE rolname = 'o''p\"s'"),
                "t");
    CU_ASSERT(call("POST", "projects/p/branches/dev/roles", "role_id=ops", "{}") == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "status 400 BAD_REQUEST: role with that name already exists");
    CU_ASSERT(call("POST", "projects/p/branches/dev/roles", "role_id=other",
                   "{\"spec\":{\"postgres_role\":\"postgres\"}}") == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "role with that name already exists");
    must("PATCH", "projects/p/branches/dev/roles/ops", "update_mask=spec.attributes.createrole,spec.membership_roles",
         "{\"spec\":{\"membership_roles\":[],\"attributes\":{\"createrole\":true}}}");
    ASSERT_TEXT(ask("dev", "SELECT rolcreatedb AND rolcreaterole AND NOT pg_has_role(oid, 'pg_monitor', 'member') FROM "
                           "pg_roles WHERE rolname = 'o''p\"s'"),
                "t");
    CU_ASSERT(call("POST", "projects/p/branches/dev/databases", "database_id=app", "{}") == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "Field 'database.spec.role' is required");
    CU_ASSERT(call("POST", "projects/p/branches/dev/databases", "database_id=app",
                   "{\"spec\":{\"role\":\"projects/p/branches/dev/roles/nobody\"}}") == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "role not found; role_id:\"nobody\"");
    must("POST", "projects/p/branches/dev/databases", "database_id=app",
         "{\"spec\":{\"postgres_database\":\"app_db\",\"role\":\"" OWNER "\"}}");
    ASSERT_TEXT(ask("dev", "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app_db'"), "o'p\"s");
    MAKE("heir", "\"source_branch\":\"projects/p/branches/dev\",\"ttl\":\"600s\""); /* it has them as well */
    CU_ASSERT(call("GET", "projects/p/branches/heir/databases/app", NULL, NULL) == 0);
    ASSERT_TEXT(doc_text(answer, "status.role"), "projects/p/branches/heir/roles/ops");
    ASSERT_TEXT(ask("heir", "SELECT count(*) FROM pg_database WHERE datname = 'app_db'"), "1");
    must("DELETE", "projects/p/branches/heir", "purge=true", NULL);
    CU_ASSERT(call("DELETE", "projects/p/branches/dev/roles/ops", NULL, NULL) == LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "reassign_owned_to");
    must("PATCH", "projects/p/branches/dev/databases/app", "update_mask=spec.role",
         "{\"spec\":{\"role\":\"projects/p/branches/dev/roles/postgres\"}}");
    must("DELETE", "projects/p/branches/dev/databases/app", NULL, NULL);
    must("DELETE", "projects/p/branches/dev/roles/ops", "reassign_owned_to=projects/p/branches/dev/roles/postgres",
         NULL);
    ASSERT_TEXT(ask("dev", "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'o%'"), "0");
    CU_ASSERT(call("GET", "projects/p/branches/dev/roles/ops", NULL, NULL) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "role id not found");
    CU_ASSERT(call("DELETE", "projects/p/branches/dev/roles/postgres", NULL, NULL) == LB_ERR_INVALID);
}

/* ---- computes ---- */

static const char *compute_state(const char *branch)
{
    LB_AUTO_FREE char *path = base_printf("projects/p/branches/%s/endpoints/primary", branch);
    return call("GET", path, NULL, NULL) == 0 ? doc_text_or(answer, "status.current_state", "") : "";
}

static void suspends_and_wakes(void)
{
    CU_ASSERT(run_on("dev", "SELECT 'remembered'") == 0);
    ASSERT_TEXT(ask("dev", "SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'INSERT INTO before%'"), "1");
    must("PATCH", "projects/p/branches/dev/endpoints/primary", "update_mask=spec.suspension",
         "{\"spec\":{\"suspend_timeout_duration\":\"1s\"}}");
    LB_AUTO_FREE char *uid = uid_of("dev");
    ASSERT_TEXT(ask("dev", "SELECT 1"), "1"); /* so that there is something to suspend */
    UNTIL(strcmp(compute_state("dev"), "IDLE") == 0);
    UNTIL(server_of(uid) == 0);
    woken_for = 0;
    CU_ASSERT(run_on("dev", "SELECT 1") == LB_ERR_SUSPENDED);
    ASSERT_CONTAINS(err.message, "the compute of p/dev is suspended");
    CU_ASSERT(server_of(uid) == 0); /* it was left asleep */
    CU_ASSERT_EQUAL(woken_for, 0);
    wakes = true;
    ASSERT_TEXT(ask("dev", "SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'INSERT INTO before%'"), "0");
    wakes = false;
    CU_ASSERT_EQUAL(woken_for, CLOCK_SECOND); /* its timeout */
    ASSERT_TEXT(compute_state("dev"), "ACTIVE");
    must("PATCH", "projects/p/branches/dev/endpoints/primary", "update_mask=spec.suspension",
         "{\"spec\":{\"no_suspension\":true}}");
    must("PATCH", "projects/p/branches/dev/endpoints/primary", "update_mask=spec.disabled",
         "{\"spec\":{\"disabled\":true}}");
    wakes = true;
    CU_ASSERT(run_on("dev", "SELECT 1") == LB_ERR_SUSPENDED);
    ASSERT_CONTAINS(err.message, "is disabled");
    must("PATCH", "projects/p/branches/dev/endpoints/primary", "update_mask=spec.disabled,spec.settings",
         "{\"spec\":{\"disabled\":false,\"settings\":{\"pg_settings\":{\"work_mem\":\"7MB\"}}}}");
    ASSERT_TEXT(ask("dev", "SHOW work_mem"), "7MB");
    wakes = false;
}

static void credentials_and_projects(void)
{
    CU_ASSERT(call("POST", "credentials", NULL,
                   "{\"endpoint\":\"projects/p/branches/production/endpoints/primary\",\"ttl\":\"600s\"}") == 0);
    CU_ASSERT(doc_text(answer, "token") != NULL && doc_time(answer, "expire_time") > clock_now() + 590 * CLOCK_SECOND);
    must("PATCH", "projects/p", "update_mask=spec.display_name,spec.history_retention_duration",
         "{\"spec\":{\"display_name\":\"P\",\"history_retention_duration\":\"172800s\"}}");
    ASSERT_TEXT(doc_text(answer, "response.status.display_name"), "P");
    must("POST", "projects", "project_id=q",
         "{\"spec\":{\"display_name\":\"Q\"},\"initial_branch_spec\":{\"is_protected\":true}}");
    ASSERT_TEXT(doc_text(answer, "response.status.display_name"), "Q");
    CU_ASSERT(call("GET", "projects", "page_size=1", NULL) == 0);
    CU_ASSERT(doc_length(doc_at(answer, "projects")) == 1 && doc_text(answer, "next_page_token"));
    CU_ASSERT(call("DELETE", "projects/q", "purge=true", NULL) == LB_ERR_INVALID);
    must("PATCH", "projects/q/branches/production", "update_mask=spec.is_protected",
         "{\"spec\":{\"is_protected\":false}}");
    must("DELETE", "projects/q", NULL, NULL);
    CU_ASSERT(call("GET", "projects", NULL, NULL) == 0 && doc_length(doc_at(answer, "projects")) == 1);
    CU_ASSERT(call("POST", "projects", "project_id=q", "{}") == LB_ERR_CONFLICT);
    must("DELETE", "projects/q", "purge=true", NULL);
    CU_ASSERT(call("GET", "projects/q", NULL, NULL) == LB_ERR_NOT_FOUND);
    CU_ASSERT(count_entries("branches", false) == 1 && count_entries("trash", false) == 0);
}

CLUSTER_SUITE(local_control, EACH(begin), EACH(refuses_with_the_platforms_codes), EACH(a_branch_from_the_present),
              EACH(protection_children_and_defaults), EACH(points_in_time), EACH(soft_deletion_and_pages),
              EACH(the_cap_on_unarchived_branches), EACH(what_expires_goes), EACH(archived_by_disuse),
              EACH(roles_and_databases), EACH(suspends_and_wakes), EACH(credentials_and_projects), EACH(end))
