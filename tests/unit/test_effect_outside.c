#include "effect.h"
#include "suite.h"

/* Calls of the control plane, files and programs. */

#define READS    EFFECT_READ
#define ADDS     EFFECT_ADDITIVE
#define DISRUPTS EFFECT_DISRUPTIVE
#define DESTROYS EFFECT_DESTRUCTIVE

/* ---- outside SQL ---- */

static void check_control(const char *method, const char *path, const char *query, const char *body, effect expected)
{
    effect_verdict v;
    effect_of_control(&(lb_request){.method = method, .path = path, .query = query, .body = body}, &v);
    if (v.effect != expected)
        printf("\n    %s %s?%s %s: %s (%s)\n", method, path, query ? query : "", body ? body : "",
               effect_name(v.effect), v.why);
    CU_ASSERT_EQUAL(v.effect, expected);
    CU_ASSERT_TRUE(v.why[0] != '\0');
    CU_ASSERT_FALSE(v.always_asks || v.ends_sessions);
}

static void check_http(const char *method, const char *path, effect expected)
{
    effect_verdict v;
    effect_of_http("github", &(lb_request){.method = method, .path = path, .body = "{}"}, &v);
    CU_ASSERT_EQUAL(v.effect, expected);
    ASSERT_CONTAINS(v.why, "github: ");
}

static void judges_calls_of_web_services(void)
{
    check_http("GET", "repos/acme/shop", READS);
    check_http("POST", "repos/acme/shop/issues/2/comments", ADDS);
    check_http("PATCH", "repos/acme/shop/issues/comments/7", ADDS);
    check_http("PUT", "repos/acme/shop/contents/README.md", ADDS);
    check_http("DELETE", "repos/acme/shop/issues/comments/7", DESTROYS);
    check_http("POST", "graphql", DESTROYS);
    check_http("POST", "api/chat.delete", DESTROYS);
    check_http("POST", "projects/7/purge-artifacts", DESTROYS);
    check_http("POST", "projects/7:remove", DESTROYS);
    check_http("TRACE", "x", DESTROYS);
}

static void judges_control_calls(void)
{
    check_control("GET", "projects/shop/branches", "page_size=100", NULL, READS);
    check_control("POST", "credentials", NULL, "{}", READS);
    check_control("POST", "projects/shop/branches", "branch_id=ci-1", "{}", ADDS);
    check_control("POST", "projects", "project_id=shop", "{}", ADDS);
    check_control("POST", "projects/shop/branches/ci/endpoints", "endpoint_id=ro", "{}", ADDS);
    check_control("POST", "projects/shop/branches/ci", NULL, "{}", DESTROYS);
    check_control("POST", "unity-catalog/catalogs", NULL, "{\"name\":\"ops\"}", ADDS);
    check_control("POST", "unity-catalog/schemas", NULL, "{\"name\":\"ops\"}", ADDS);
    check_control("POST", "unity-catalog/volumes", NULL, "{\"name\":\"ops\"}", ADDS);
    check_control("PATCH", "unity-catalog/permissions/catalog/ops", NULL, "{\"changes\":[]}", DISRUPTS);
    check_control("DELETE", "unity-catalog/catalogs/ops", NULL, NULL, DESTROYS);
    check_control("POST", "projects/shop/branches", "branch_id=ci&replace_existing=true", "{}", DISRUPTS);
    check_control("POST", "projects/shop/branches", "branch_id=ci&replace_existing=false", "{}", ADDS);
    check_control("POST", "projects/shop/undelete", NULL, "{}", ADDS);
    check_control("POST", "projects/shop/branches/ci:reset", NULL, "{}", DESTROYS);
    check_control("POST", "projects/shop/branches/ci/restore", NULL, "{}", DESTROYS);
    check_control("POST", "jobs/delete", NULL, "{}", DESTROYS);
    check_control("POST", "sql/statements", NULL, "{}", DESTROYS);
    check_control("POST", "projects/shop/branches/ci:reset?x=/branches", NULL, "{}", DESTROYS);
    check_control("DELETE", "projects/shop/branches/ci", "purge=true", NULL, DESTROYS);
    check_control("PUT", "permissions/x", NULL, "{}", DESTROYS);
    check_control("get", "projects", NULL, NULL, DESTROYS);
    check_control(NULL, NULL, NULL, NULL, DESTROYS);
}

static void judges_patches_by_their_fields(void)
{
    const char *branch = "projects/shop/branches/ci";
    check_control("PATCH", branch, "update_mask=spec.is_protected", "{\"spec\":{\"is_protected\":true}}", ADDS);
    check_control("PATCH", branch, "update_mask=spec.is_protected", "{\"spec\":{\"is_protected\":false}}", DISRUPTS);
    check_control("PATCH", branch, "update_mask=spec.is_protected", "{\"spec\":{}}", DISRUPTS);
    check_control("PATCH", branch, "update_mask=spec.is_protected%2Cspec.expiration",
                  "{\"spec\":{\"is_protected\":true,\"no_expiry\":true}}", ADDS);
    check_control("PATCH", branch, "update_mask=spec.expiration", "{\"spec\":{\"ttl\":\"60s\"}}", DESTROYS);
    check_control("PATCH", branch, "update_mask=spec", "{\"spec\":{\"ttl\":\"60s\"}}", DESTROYS);
    check_control("PATCH", branch, "update_mask=*", "{\"spec\":{\"is_protected\":true}}", DISRUPTS);
    check_control("PATCH", branch, NULL, "{\"spec\":{\"expire_time\":\"2026-01-01T00:00:00Z\"}}", DESTROYS);
    check_control("PATCH", branch, "update_mask=spec.custom_tags", "{\"spec\":{\"custom_tags\":[]}}", ADDS);
    check_control("PATCH", branch, "x=1&update_mask=spec.custom_tags,spec.autoscaling_limit_max_cu", "{\"spec\":{}}",
                  DISRUPTS);
    check_control("PATCH", "projects/shop", "update_mask=spec.history_retention_duration", "{\"spec\":{}}", DESTROYS);
    check_control("PATCH", branch, "update_mask=spec.is_protected", "{broken", DESTROYS);
    check_control("PATCH", branch, "update_mask=spec.is_protected", NULL, DESTROYS);
    check_control("PATCH", branch, "update_mask=", "{\"spec\":{}}", DISRUPTS);
}

static void judges_files_and_programs(void)
{
    effect_verdict v;
    effect_of_file(false, &v);
    CU_ASSERT_EQUAL(v.effect, EFFECT_ADDITIVE);
    effect_of_file(true, &v);
    CU_ASSERT_EQUAL(v.effect, EFFECT_DISRUPTIVE);
    effect_of_exec((const char *const[]){"/usr/lib/postgresql/17/bin/pg_dump", "-Fc", NULL}, &v);
    CU_ASSERT_EQUAL(v.effect, EFFECT_ADDITIVE);
    ASSERT_TEXT(v.why, "runs pg_dump");
    effect_of_exec((const char *const[]){"pg_restore", NULL}, &v);
    CU_ASSERT_EQUAL(v.effect, EFFECT_DESTRUCTIVE);
    effect_of_exec((const char *const[]){"sh", "-c", "pg_dump", NULL}, &v);
    CU_ASSERT_EQUAL(v.effect, EFFECT_DESTRUCTIVE);
    effect_of_exec((const char *const[]){NULL}, &v);
    CU_ASSERT_EQUAL(v.effect, EFFECT_DESTRUCTIVE);
}

SUITE(effect_outside, TEST(judges_control_calls), TEST(judges_calls_of_web_services),
      TEST(judges_patches_by_their_fields), TEST(judges_files_and_programs))
