/* The control plane of the emulated workspace: life cycles and faults. */
#define LAKE_HOSTS "names"
#include "lake_bench.h"

#include <poll.h>

LAKE_SETTINGS("operation_s=0.1", "settle_s=0.15", "page_size=2");

static const char no_expiry[] =
    "{\"spec\":{\"source_branch\":\"projects/shop/branches/production\",\"no_expiry\":true}}";

static const char *text(const char *path)
{
    const char *found = rest_json_text(answer, path);
    return found ? found : "(none)";
}

/* ---- life cycles ---- */

static void makes_a_project(void)
{
    start();
    make_project();
    ASSERT_TEXT(text("name"), "projects/shop");
    ASSERT_TEXT(text("status.default_branch"), "projects/shop/branches/production");
    must("GET", "projects/shop/branches/production/endpoints/primary", NULL, NULL);
    CU_ASSERT(!rest_json_text(answer, "status.pending_state"));
    CU_ASSERT(control("POST", "projects", "project_id=shop", "{\"spec\":{}}") == LB_ERR_CONFLICT);
    ASSERT_CONTAINS(err.message, "(ALREADY_EXISTS, request ");
    CU_ASSERT(control("POST", "projects", "project_id=Bad_Id", "{\"spec\":{}}") == LB_ERR_INVALID);
    CU_ASSERT(control("GET", "projects/nothing", NULL, NULL) == LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "projects/nothing: project id not found");
    finish();
}

static void branches_come_and_go(void)
{
    start();
    for (int i = 1; i <= 3; i++) {
        LB_AUTO_FREE char *query = base_printf("branch_id=b%d", i);
        must("POST", "projects/shop/branches", query, no_expiry);
        ASSERT_TEXT(text("status.current_state"), "READY");
        CU_ASSERT(!rest_json_text(answer, "status.pending_state"));
    }
    forget_calls();
    must("GET", "projects/shop/branches", NULL, NULL); /* two to a page, and all of them come */
    CU_ASSERT(rest_json_count(rest_json_at(answer, "branches")) == 4 && !rest_json_text(answer, "next_page_token"));
    CU_ASSERT(calls("GET", "/branches$") == 2);
    must("GET", "projects/shop/branches", "page_size=1", NULL); /* a page is what is asked for here */
    CU_ASSERT(rest_json_count(rest_json_at(answer, "branches")) == 1 && rest_json_text(answer, "next_page_token"));
    must("PATCH", "projects/shop/branches/b1", "update_mask=spec.expiration", "{\"spec\":{\"ttl\":\"7200s\"}}");
    CU_ASSERT(rest_json_text(answer, "status.expire_time") != NULL);
    for (int i = 1; i <= 3; i++) {
        LB_AUTO_FREE char *path = base_printf("projects/shop/branches/b%d", i);
        must("DELETE", path, "purge=true", NULL);
        CU_ASSERT(json_object_object_length(answer) == 0);
        CU_ASSERT(control("GET", path, NULL, NULL) == LB_ERR_NOT_FOUND);
    }
    CU_ASSERT(control("DELETE", "projects/shop/branches/production", NULL, NULL) < 0);
    must("POST", "projects/shop/branches", "branch_id=soft", no_expiry);
    must("DELETE", "projects/shop/branches/soft", NULL, NULL); /* it only waits to be purged then */
    must("POST", "projects/shop/branches/soft/undelete", NULL, NULL);
    must("DELETE", "projects/shop/branches/soft", "purge=true", NULL);
    finish();
}

static void endpoints_and_roles(void)
{
    static const char *const none[] = {"ro", "primary"};
    start();
    must("POST", "projects/shop/branches/production/endpoints", "endpoint_id=ro",
         "{\"spec\":{\"endpoint_type\":\"ENDPOINT_TYPE_READ_ONLY\",\"autoscaling_limit_min_cu\":0.5,"
         "\"autoscaling_limit_max_cu\":1,\"suspend_timeout_duration\":\"300s\"}}");
    ASSERT_TEXT(text("status.endpoint_type"), "ENDPOINT_TYPE_READ_ONLY");
    must("GET", "projects/shop/branches/production/endpoints", NULL, NULL);
    CU_ASSERT(rest_json_count(rest_json_at(answer, "endpoints")) == LB_COUNT(none));
    must("DELETE", "projects/shop/branches/production/endpoints/ro", NULL, NULL); /* at once: 409 until it is settled */
    must("POST", "projects/shop/branches/production/roles", "role_id=reader",
         "{\"spec\":{\"postgres_role\":\"reader\",\"auth_method\":\"NO_LOGIN\"}}");
    ASSERT_TEXT(text("status.postgres_role"), "reader");
    must("GET", "projects/shop/branches/production/roles", NULL, NULL);
    CU_ASSERT(rest_json_count(rest_json_at(answer, "roles")) >= 2);
    must("DELETE", "projects/shop/branches/production/roles/reader", NULL, NULL);
    finish();
}

/* ---- what is refused here ---- */

static void refuses_what_is_no_call(void)
{
    static const char *const paths[] = {
        "", "/projects", "projects/", "projects//x", "projects/../x", "projects/a b", "projects/x?y=1", "projects/%2e"};
    start();
    for (size_t i = 0; i < LB_COUNT(paths); i++)
        CU_ASSERT(control("GET", paths[i], NULL, NULL) == LB_ERR_INVALID);
    CU_ASSERT(control("GET", "projects", "a=b c", NULL) == LB_ERR_INVALID);
    CU_ASSERT(control("PUT", "projects", NULL, NULL) == LB_ERR_UNSUPPORTED);
    CU_ASSERT(control("PATCH", "projects/shop", "update_mask=spec", "{") == LB_ERR_INVALID);
    CU_ASSERT(control("PATCH", "projects/shop", "update_mask=spec", "[]") == LB_ERR_INVALID);
    CU_ASSERT(control("POST", "credentials", NULL, "{\"endpoint\":\"x\"}") == LB_ERR_DENIED);
    finish();
}

static void refuses_static_passwords(void)
{
    probe_reset();
    CU_ASSERT(open_lake(&(wishes){.password = "planted-secret"}) == LB_ERR_DENIED);
    ASSERT_CONTAINS(err.message, "a static database password is refused: it would never expire");
    CU_ASSERT(!strstr(err.message, "planted"));
    CU_ASSERT(open_lake(&(wishes){.via = "not-an-address"}) == LB_ERR_INVALID);
    CU_ASSERT(open_lake(&(wishes){.via = "127.0.0.1:x"}) == LB_ERR_INVALID);
}

/* ---- authentication ---- */

static void authenticates(void)
{
    start_with(&(wishes){.token = ready("pat")});
    must("GET", "projects/shop", NULL, NULL);
    tell("POST", "tokens/revoke", "{\"kind\":\"workspace\"}"); /* other people's */
    must("GET", "projects/shop", NULL, NULL);
    finish();
    start_with(&(wishes){.client_secret = "planted-secret"});
    CU_ASSERT(control("GET", "projects/shop", NULL, NULL) == LB_ERR_DENIED);
    ASSERT_CONTAINS(err.message, "the workspace refuses the service principal");
    CU_ASSERT(!strstr(err.message, "planted") && !strstr(err.hint, "planted"));
    finish();
    start_with(&(wishes){.token = "dapi-planted-secret"});
    CU_ASSERT(control("GET", "projects/shop", NULL, NULL) == LB_ERR_DENIED);
    ASSERT_CONTAINS(err.message, "refuses the personal access token");
    finish();
}

static void renews_a_revoked_token(void)
{
    start();
    must("GET", "projects/shop", NULL, NULL);
    tell("POST", "tokens/revoke", "{\"kind\":\"workspace\"}");
    forget_calls();
    must("POST", "projects/shop/branches", "branch_id=late", no_expiry);
    CU_ASSERT(calls("POST", "/oidc/") == 1 && calls("POST", "/branches$") == 2);
    must("DELETE", "projects/shop/branches/late", "purge=true", NULL);
    finish();
}

static void renews_ahead_of_the_end(void)
{
    settings("{\"token_s\":2}");
    start();
    must("GET", "projects/shop", NULL, NULL);
    forget_calls();
    int64_t until = clock_monotonic() + 5 * CLOCK_SECOND;
    size_t asked = 0;
    while (clock_monotonic() < until) {
        must("GET", "projects/shop", NULL, NULL);
        asked++;
        (void)poll(NULL, 0, 10); /* not every instant: it is time that has to pass */
    }
    struct json_object *refused = emulate("GET", "requests?path=projects", NULL);
    struct json_object *list = rest_json_at(refused, "requests");
    for (size_t i = 0; i < rest_json_count(list); i++)
        CU_ASSERT(rest_json_number(json_object_array_get_idx(list, i), "status", 0) == 200);
    json_object_put(refused);
    size_t tokens = calls("POST", "/oidc/");
    CU_ASSERT(asked > 10 && tokens >= 2 && tokens <= 4);
    finish();
    settings("{\"token_s\":3600}");
}

/* ---- faults ---- */

static void survives_what_passes(void)
{
    start();
    fault(
        "{\"kind\":\"status\",\"status\":429,\"retry_after\":0,\"count\":2,\"match\":{\"path\":\"/projects/shop$\"}}");
    fault("{\"kind\":\"status\",\"status\":503,\"retry_after\":\"0\",\"count\":1,\"match\":{\"path\":\"/projects/"
          "shop$\"}}");
    fault("{\"kind\":\"reset\",\"count\":1,\"match\":{\"path\":\"/projects/shop$\"}}");
    fault("{\"kind\":\"cut\",\"bytes\":20,\"count\":1,\"match\":{\"path\":\"/projects/shop$\"}}");
    fault("{\"kind\":\"html\",\"count\":1,\"match\":{\"path\":\"/projects/shop$\"}}");
    fault("{\"kind\":\"empty\",\"status\":503,\"count\":1,\"match\":{\"path\":\"/projects/shop$\"}}");
    fault("{\"kind\":\"mutate\",\"unknown_fields\":true,\"int_as_text\":true,\"count\":0,\"match\":{\"path\":\"/"
          "postgres/\"}}");
    must("GET", "projects/shop", NULL, NULL);
    ASSERT_TEXT(text("name"), "projects/shop");
    CU_ASSERT(rest_json_number(answer, "status.pg_version", 0) == 17);
    finish();
    start();
    fault("{\"kind\":\"redirect\",\"match\":{\"path\":\"/projects/shop$\"}}");
    CU_ASSERT(control("GET", "projects/shop", NULL, NULL) == LB_ERR_UNREACHABLE);
    ASSERT_CONTAINS(err.hint, "private link");
    finish();
}

static void ends_in_time(void)
{
    start();
    fault("{\"kind\":\"hang\",\"match\":{\"path\":\"/projects/shop$\"}}");
    int64_t began = clock_monotonic();
    CU_ASSERT(control_by(probe_soon(1), "GET", "projects/shop", NULL, NULL) == LB_ERR_TIMEOUT);
    CU_ASSERT(clock_monotonic() - began < 20 * CLOCK_SECOND);
    finish();
}

/* Carried out, and the answer lost: it is found by its name, and made once. */
static void finds_what_it_made(void)
{
    start();
    fault("{\"kind\":\"reset\",\"when\":\"after\",\"match\":{\"method\":\"POST\",\"path\":\"/branches$\"}}");
    forget_calls();
    must("POST", "projects/shop/branches", "branch_id=lost", no_expiry);
    ASSERT_TEXT(text("name"), "projects/shop/branches/lost");
    ASSERT_TEXT(text("status.current_state"), "READY");
    CU_ASSERT(calls("POST", "/branches$") == 1);
    ASSERT_CONTAINS(buf_text(&probe.log), "the answer to its creation was lost, but it was made");
    fault("{\"kind\":\"reset\",\"match\":{\"method\":\"POST\",\"path\":\"/branches$\"}}"); /* this one was not */
    must("POST", "projects/shop/branches", "branch_id=lost2", no_expiry);
    CU_ASSERT(calls("POST", "/branches$") == 3);
    fault("{\"kind\":\"reset\",\"when\":\"after\",\"match\":{\"method\":\"DELETE\",\"path\":\"/branches/lost$\"}}");
    must("DELETE", "projects/shop/branches/lost", "purge=true", NULL);
    must("DELETE", "projects/shop/branches/lost2", "purge=true", NULL);
    tell("POST", "clock", "{\"advance_s\":60}");
    fault("{\"kind\":\"reset\",\"when\":\"before\",\"match\":{\"method\":\"POST\",\"path\":\"/projects$\"}}");
    CU_ASSERT(control("POST", "projects", "project_id=shop", "{\"spec\":{}}") == LB_ERR_CONFLICT);
    ASSERT_TEXT(err.message, "projects/shop exists already"); /* and it is not ours */
    finish();
}

static void tells_failed_operations(void)
{
    start();
    fault("{\"kind\":\"operation_fail\",\"match\":{\"method\":\"CREATE\",\"path\":\"branches/broken$\"}}");
    CU_ASSERT(control("POST", "projects/shop/branches", "branch_id=broken", no_expiry) == LB_ERR_CONFLICT);
    ASSERT_CONTAINS(err.message, "the operation failed: ");
    fault("{\"kind\":\"operation_hang\",\"match\":{\"method\":\"CREATE\",\"path\":\"branches/slow$\"}}");
    CU_ASSERT(control_by(probe_soon(1), "POST", "projects/shop/branches", "branch_id=slow", no_expiry) ==
              LB_ERR_TIMEOUT);
    ASSERT_CONTAINS(err.hint, "it goes on without us: GET projects/shop/branches/slow/operations/");
    tell("POST", "operations/release", "{}");
    for (int i = 0; i < 2; i++) {
        const char *path = i ? "projects/shop/branches/slow" : "projects/shop/branches/broken";
        if (control("GET", path, NULL, NULL) == 0)
            must("DELETE", path, "purge=true", NULL);
    }
    finish();
}

/* ---- names ---- */

/* Databases that share an address are told apart by the name that TLS sends. */
static void reaches_by_name(void)
{
    start();
    must_connect(&production);
    must_read("SELECT 1 AS n", "n\n1\n");
    finish();
}

static void resolves_by_its_deadline(void)
{
    /* Without an address given, the name is looked up, and this one is nobody's. */
    start_with(&(wishes){.via = ""});
    int64_t began = clock_monotonic();
    CU_ASSERT(lakebase->connect(state, &production, "bench", probe_soon(3), &session, &err) < 0);
    ASSERT_CONTAINS(err.message, "ep-");
    CU_ASSERT(clock_monotonic() - began < 20 * CLOCK_SECOND);
    finish();
}

LAKE_SUITE(lakebase_control, TEST(makes_a_project), TEST(reaches_by_name), TEST(resolves_by_its_deadline),
           TEST(branches_come_and_go), TEST(endpoints_and_roles), TEST(refuses_what_is_no_call),
           TEST(refuses_static_passwords), TEST(authenticates), TEST(renews_a_revoked_token),
           TEST(renews_ahead_of_the_end), TEST(survives_what_passes), TEST(ends_in_time), TEST(finds_what_it_made),
           TEST(tells_failed_operations))
