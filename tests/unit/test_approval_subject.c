/* What counts as the same finding, the same evidence, the same object, and a secret. */
#include "suite.h"

#include "approval_doc.h"

static arena memory; /* of the whole program: nothing here is much */

/* ---- the subject ---- */

static const char *subject_of(const char *tool, const char *branch, const approval_change *c)
{
    char *subject = arena_alloc(&memory, SHA256_TEXT);
    const approval a = {.tool = tool, .target = {"shop", branch, LB_BRANCH_SHARED}, .changes = c, .change_count = 1};
    approval_subject(&a, subject);
    return subject;
}

static const char *subject_of_sql(const char *text, const lb_value *args)
{
    const approval_change c = {.kind = CHANGE_SQL, .sql = {.name = "x/y", .text = text, .args = args}};
    return subject_of("t", "main", &c);
}

static void the_subject_is_the_finding(void)
{
    const char *drop = subject_of_sql("DROP INDEX public.a", NULL);
    ASSERT_TEXT(subject_of_sql("DROP  INDEX  public.a", NULL), drop);
    CU_ASSERT(strcmp(subject_of_sql("DROP INDEX public.b", NULL), drop) != 0);
    CU_ASSERT(strcmp(subject_of_sql("DROP INDEX audit.a", NULL), drop) != 0);
    CU_ASSERT(strcmp(subject_of_sql("CREATE INDEX i ON public.orders_2025 (a)", NULL),
                     subject_of_sql("CREATE INDEX i ON public.orders_2026 (a)", NULL)) != 0);
    const char *first = subject_of_sql("DELETE FROM t WHERE at < $1", LB_ARGS(lb_time("before", 1)));
    ASSERT_TEXT(subject_of_sql("DELETE FROM t WHERE at < $1", LB_ARGS(lb_time("before", 2))), first);
    ASSERT_TEXT(subject_of_sql("DELETE FROM t WHERE at < $1", LB_ARGS(lb_time("before", 1), lb_f64("share", 0.5))),
                first);
    ASSERT_TEXT(subject_of_sql("DELETE FROM t WHERE size < 7", NULL),
                subject_of_sql("DELETE FROM t WHERE size < 9", NULL));
    const char *ends = subject_of_sql("SELECT pg_terminate_backend($1)", LB_ARGS(lb_i64("pid", 4711)));
    CU_ASSERT(strcmp(subject_of_sql("SELECT pg_terminate_backend($1)", LB_ARGS(lb_i64("pid", 4712))), ends) != 0);
    const approval_change c = {.kind = CHANGE_API, .request = {"DELETE", "projects/p/branches/b", NULL, NULL}};
    approval_change sized = {.kind = CHANGE_API, .request = {"PATCH", "projects/p", NULL, "{\"max\":4}"}};
    const char *api = subject_of("t", "main", &c), *patch = subject_of("t", "main", &sized);
    CU_ASSERT(strcmp(subject_of("u", "main", &c), api) != 0);
    CU_ASSERT(strcmp(subject_of("t", "dev", &c), api) != 0);
    sized.request.body = "{\"max\":8}";
    ASSERT_TEXT(subject_of("t", "main", &sized), patch);
}

static const char *subject_in(const char *evidence)
{
    static const approval_change drop = {.kind = CHANGE_SQL, .sql = {.name = "x/y", .text = "DROP INDEX public.a"}};
    char *subject = arena_alloc(&memory, SHA256_TEXT);
    const approval a = {.tool = "t",
                        .target = {"shop", "main", LB_BRANCH_SHARED},
                        .evidence = evidence,
                        .changes = &drop,
                        .change_count = 1};
    approval_subject(&a, subject);
    return subject;
}

static void another_database_is_another_finding(void)
{
    const char *none = subject_in(NULL), *books = subject_in("{\"database\":\"books\",\"reads\":7}");
    ASSERT_TEXT(subject_in("{\"reads\":7}"), none);
    ASSERT_TEXT(subject_in("{\"database\":null}"), none);
    ASSERT_TEXT(subject_in("{\"reads\":9,\"database\":\"books\"}"), books);
    CU_ASSERT(strcmp(books, none) != 0);
    CU_ASSERT(strcmp(subject_in("{\"database\":\"shop\",\"reads\":7}"), books) != 0);
}

/* ---- the evidence ---- */

static void expect_evidence(const char *a, const char *b, bool same)
{
    if (approval_evidence_same(a, b) != same || approval_evidence_same(b, a) != same)
        printf("\n    %s and %s\n", a, b);
    CU_ASSERT_EQUAL(approval_evidence_same(a, b), same);
    CU_ASSERT_EQUAL(approval_evidence_same(b, a), same);
}

static void evidence_is_the_same_within_a_fifth(void)
{
    expect_evidence("{}", "{}", true);
    expect_evidence("{\"n\":100}", "{\"n\":100}", true);
    expect_evidence("{\"n\":100}", "{\"n\":120}", true);
    expect_evidence("{\"n\":100}", "{\"n\":126}", false);
    expect_evidence("{\"n\":100}", "{\"n\":80}", true);
    expect_evidence("{\"n\":100}", "{\"n\":79}", false);
    expect_evidence("{\"n\":1}", "{\"n\":1.1}", true);
    expect_evidence("{\"n\":0}", "{\"n\":0.0}", true);
    expect_evidence("{\"n\":0}", "{\"n\":1}", false);
    expect_evidence("{\"n\":-5}", "{\"n\":5}", false);
    expect_evidence("{\"n\":1e300}", "{\"n\":-1e300}", false);
    expect_evidence("{\"n\":\"NaN\"}", "{\"n\":1}", false);
    expect_evidence("{\"n\":\"NaN\"}", "{\"n\":\"NaN\"}", true);
}

static void evidence_differs_in_texts_and_members(void)
{
    expect_evidence("{\"t\":\"a\"}", "{\"t\":\"b\"}", false);
    expect_evidence("{\"t\":\"100\"}", "{\"t\":\"101\"}", false);
    expect_evidence("{\"f\":true}", "{\"f\":false}", false);
    expect_evidence("{\"a\":1}", "{\"a\":1,\"b\":1}", false);
    expect_evidence("{\"a\":1,\"b\":null}", "{\"a\":1,\"c\":null}", false);
    expect_evidence("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true);
    expect_evidence("{\"a\":[1,2]}", "{\"a\":[1,2,3]}", false);
    expect_evidence("{\"a\":[10,{\"x\":\"y\"}]}", "{\"a\":[11,{\"x\":\"y\"}]}", true);
    expect_evidence("{\"a\":1}", "{\"a\":\"1\"}", false);
    expect_evidence("{\"a\":{}}", "{\"a\":[]}", false);
    expect_evidence("{\"not_compared\":{\"reads\":1}}", "{\"not_compared\":{\"reads\":9}}", true);
    expect_evidence("{\"a\":[{\"not_compared\":null}]}", "{\"a\":[{\"not_compared\":{\"reads\":9}}]}", true);
    expect_evidence("{\"not_compared\":1}", "{}", false);
    expect_evidence("nonsense", "nonsense", false);
}

static void of_a_time_counts_whether_there_is_one(void)
{
    expect_evidence("{\"last\":\"2026-01-01T00:00:00Z\"}", "{\"last\":\"2026-02-01T10:00:00.5Z\"}", true);
    expect_evidence("{\"last\":null}", "{\"last\":\"2026-02-01T10:00:00Z\"}", false);
    expect_evidence("{\"last\":null}", "{\"last\":null}", true);
    expect_evidence("{\"last\":\"never\"}", "{\"last\":\"2026-02-01T10:00:00Z\"}", false);
    expect_evidence("{\"last\":\"2026-02-01 x\"}", "{\"last\":\"2026-02-01 y\"}", false);
}

/* ---- secrets ---- */

static void expect_sql(const char *text, const char *param, bool secret)
{
    const char *const one[] = {param}, *const types_of_one[] = {"text"};
    const approval_change c = {.kind = CHANGE_SQL,
                               .sql = {.name = "x/y",
                                       .text = text,
                                       .params = one,
                                       .param_types = types_of_one,
                                       .param_count = param ? 1 : 0,
                                       .args = LB_NO_ARGS}};
    if ((approval_secret_in(&c) != NULL) != secret)
        printf("\n    %s: %s\n", text, approval_secret_in(&c) ? approval_secret_in(&c) : "nothing");
    CU_ASSERT_EQUAL(approval_secret_in(&c) != NULL, secret);
}

static void secrets_in_sql(void)
{
    expect_sql("ALTER ROLE app PASSWORD 'hunter2'", NULL, true);
    expect_sql("ALTER ROLE app PASSWORD NULL", NULL, false);
    expect_sql("CREATE USER MAPPING FOR app SERVER s OPTIONS (user 'a', password 'hunter2')", NULL, true);
    expect_sql("CREATE SUBSCRIPTION s CONNECTION 'host=h password=hunter2' PUBLICATION p", NULL, true);
    expect_sql("CREATE SUBSCRIPTION s CONNECTION 'postgres://u:hunter2@h/d' PUBLICATION p", NULL, true);
    expect_sql("CREATE SUBSCRIPTION s CONNECTION 'host=h passfile=/etc/p' PUBLICATION p", NULL, false);
    expect_sql("UPDATE t SET a = $1", "password=hunter2", true);
    expect_sql("UPDATE t SET a = $1 WHERE token=$2", "harmless", false);
    expect_sql("DELETE FROM sessions WHERE password='x'", NULL, false); /* a comparison, not a connection */
    expect_sql("DROP TABLE passwords", NULL, false);
}

static void expect_call(const char *query, const char *body, bool secret)
{
    const approval_change c = {.kind = CHANGE_API, .request = {"POST", "projects", query, body}};
    if ((approval_secret_in(&c) != NULL) != secret)
        printf("\n    %s %s\n", query ? query : "", body ? body : "");
    CU_ASSERT_EQUAL(approval_secret_in(&c) != NULL, secret);
}

static void secrets_in_calls(void)
{
    expect_call(NULL, "{\"spec\":{\"password\":\"hunter2\"}}", true);
    expect_call(NULL, "{\"spec\":[{\"client_secret\":\"x\"}]}", true);
    expect_call(NULL, "{\"spec\":{\"password\":null,\"secret\":\"\",\"enable_pg_native_login\":false}}", false);
    expect_call("page_token=abc&branch_id=b", "{\"spec\":{\"ttl\":\"3600s\"}}", false);
    expect_call("access_token=abc", NULL, true);
    expect_call(NULL, "{\"uri\":\"postgres://u:p@h/d\"}", true);
    expect_call(NULL, "{\"uri\":\"https://host:443/path@x\"}", false);
}

static void secrets_in_files_and_programs(void)
{
    static const struct {
        const char *content;
        bool secret;
    } files[] = {{"host=h\npassword=hunter2\n", true},
                 {"password=${PASSWORD}\n", false},
                 {"-----BEGIN RSA PRIVATE KEY-----\n", true},
                 {"CREATE TABLE t (password text);\n", false}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const approval_change c = {.kind = CHANGE_FILE, .path = "/x", .content = files[i].content};
        CU_ASSERT_EQUAL(approval_secret_in(&c) != NULL, files[i].secret);
    }
    static const char *const bad[][4] = {{"psql", "postgres://u:hunter2@h/d", NULL},
                                         {"env", "PGPASSWORD=hunter2", "psql", NULL},
                                         {"tool", "--password", "hunter2", NULL},
                                         {"tool", "--client-secret=hunter2", NULL}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const approval_change c = {.kind = CHANGE_EXEC, .argv = bad[i]};
        CU_ASSERT_PTR_NOT_NULL(approval_secret_in(&c));
    }
    static const char *const dump[] = {"pg_dump", "--file", "x.dump", NULL};
    const approval_change good = {.kind = CHANGE_EXEC, .argv = dump};
    CU_ASSERT_PTR_NULL(approval_secret_in(&good));
}

static void secrets_in_arguments(void)
{
    static const lb_value secret[] = {{.name = "x", .type = LB_SECRET, .v.text = "hunter2"}, {.type = LB_END}};
    const approval_change c = {.kind = CHANGE_SQL, .sql = {.name = "x", .text = "VACUUM t", .args = secret}};
    CU_ASSERT_PTR_NOT_NULL(approval_secret_in(&c));
}

/* ---- the fingerprint ---- */

static fingerprint print_of(const char *const *parts)
{
    fingerprint f = {0};
    fingerprint_object *object = fingerprint_add(&f, &memory, "relation", "public.t");
    for (; parts && *parts; parts += 2)
        CU_ASSERT_EQUAL_FATAL(fingerprint_add_part(object, &memory, parts[0], parts[1]), 0);
    fingerprint_seal(&f);
    return f;
}

static void expect_difference(const char *const *before, const char *const *now, const char *expected)
{
    fingerprint a = print_of(before), b = print_of(now);
    BUF_AUTO text = BUF_INIT(4096);
    fingerprint_difference(&text, &a, &b);
    ASSERT_TEXT(buf_text(&text), expected);
    CU_ASSERT_EQUAL(strcmp(a.hash, b.hash) == 0, strcmp(expected, "[]") == 0);
}

static void differences_are_told_by_part(void)
{
    static const char *const one[] = {"oid", "1", "owner", "ada", NULL},
                             *const turned[] = {"owner", "ada", "oid", "1", NULL},
                             *const other[] = {"oid", "1", "owner", "bob", NULL}, *const less[] = {"oid", "1", NULL};
    expect_difference(one, turned, "[]");
    expect_difference(one, other, "[{\"object\":\"public.t\",\"part\":\"owner\",\"before\":\"ada\",\"now\":\"bob\"}]");
    expect_difference(one, less, "[{\"object\":\"public.t\",\"part\":\"owner\",\"before\":\"ada\",\"now\":null}]");
    expect_difference(less, one, "[{\"object\":\"public.t\",\"part\":\"owner\",\"before\":null,\"now\":\"ada\"}]");
    expect_difference(NULL, one, "[{\"object\":\"public.t\",\"part\":\"object\",\"before\":null,\"now\":\"exists\"}]");
    expect_difference(one, NULL, "[{\"object\":\"public.t\",\"part\":\"object\",\"before\":\"exists\",\"now\":null}]");
    expect_difference(NULL, NULL, "[]");
}

static const char *hash_of_document(const char *json)
{
    lb_error err = {0};
    char *hash = arena_alloc(&memory, SHA256_TEXT);
    fingerprint f = {0};
    fingerprint_object *object = fingerprint_add(&f, &memory, "api", "projects/p");
    CU_ASSERT_EQUAL_FATAL(fingerprint_add_document(object, &memory, json, &err), 0);
    fingerprint_seal(&f);
    memcpy(hash, f.hash, SHA256_TEXT);
    return hash;
}

static void what_moves_by_itself_is_left_out(void)
{
    const char *base = hash_of_document("{\"uid\":\"u\",\"status\":{\"is_protected\":false,\"source_branch\":\"b\"}}");
    ASSERT_TEXT(
        hash_of_document("{\"status\":{\"source_branch\":\"b\",\"is_protected\":false,\"current_state\":\"READY\","
                         "\"pending_state\":\"X\",\"logical_size_bytes\":7},\"update_time\":\"2026-01-01T00:00:00Z\","
                         "\"last_active_time\":\"x\",\"etag\":\"y\",\"uid\":\"u\"}"),
        base);
    static const char *const moved[] = {
        "{\"uid\":\"v\",\"status\":{\"is_protected\":false,\"source_branch\":\"b\"}}",
        "{\"uid\":\"u\",\"status\":{\"is_protected\":true,\"source_branch\":\"b\"}}",
        "{\"uid\":\"u\",\"status\":{\"is_protected\":false,\"source_branch\":\"c\"}}",
        "{\"uid\":\"u\",\"status\":{\"is_protected\":false,\"source_branch\":\"b\",\"expire_time\":\"2026-01-01T00:00:"
        "00Z\"}}",
        "{\"uid\":\"u\",\"status\":{\"is_protected\":false,\"source_branch\":\"b\"},\"delete_time\":\"2026-01-01T00:00:"
        "00Z\"}",
        "{\"uid\":\"u\",\"status\":{\"is_protected\":false,\"source_branch\":\"b\",\"tags\":[\"x\"]}}"};
    for (size_t i = 0; i < sizeof moved / sizeof moved[0]; i++)
        CU_ASSERT(strcmp(hash_of_document(moved[i]), base) != 0);
    CU_ASSERT(strcmp(hash_of_document("{}"), FINGERPRINT_ABSENT) != 0);
}

SUITE(approval_subject, TEST(the_subject_is_the_finding), TEST(another_database_is_another_finding),
      TEST(evidence_is_the_same_within_a_fifth), TEST(evidence_differs_in_texts_and_members),
      TEST(of_a_time_counts_whether_there_is_one), TEST(secrets_in_sql), TEST(secrets_in_calls),
      TEST(secrets_in_files_and_programs), TEST(secrets_in_arguments), TEST(differences_are_told_by_part),
      TEST(what_moves_by_itself_is_left_out))
