/* Manifests as files, and the secrets they refer to. */
#include "fs.h"
#include "unit/manifest_text.h"

#include <sys/stat.h>

static char directory[64], file[80]; /* of the running test */

static void make_file(const char *text, size_t length, unsigned mode)
{
    lb_error err;
    (void)snprintf(directory, sizeof directory, "/tmp/lbops-manifest-XXXXXX"); /* fits */
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
    (void)snprintf(file, sizeof file, "%s/file", directory); /* fits */
    CU_ASSERT_EQUAL_FATAL(fs_write_durable(file, text, length, 0600, &err), 0);
    CU_ASSERT_EQUAL_FATAL(chmod(file, (mode_t)mode), 0);
}

static void drop_file(void)
{
    CU_ASSERT_EQUAL(unlink(file), 0);
    CU_ASSERT_EQUAL(rmdir(directory), 0);
}

/* ---- files ---- */

static void check_unreadable(const char *path, int code, const char *message)
{
    manifest *m = NULL;
    manifest_problems problems = {0};
    CU_ASSERT_EQUAL(manifest_read(path, &m, &problems), code);
    CU_ASSERT_PTR_NULL(m);
    CU_ASSERT_EQUAL_FATAL(problems.count, 1);
    ASSERT_TEXT(problems.items[0].place.file, path);
    CU_ASSERT_EQUAL(problems.items[0].place.line, 0);
    ASSERT_CONTAINS(problems.items[0].error.message, message);
    CU_ASSERT_TRUE(problems.items[0].error.hint[0] != '\0');
    manifest_problems_done(&problems);
}

static void refuses_what_is_no_file(void)
{
    check_unreadable("/tmp", LB_ERR_IO, "Is a directory");
    check_unreadable("/nonexistent/dev.toml", LB_ERR_NOT_FOUND, "cannot open /nonexistent/dev.toml");
    if (geteuid() != 0) { /* root reads everything */
        make_file(HEAD, strlen(HEAD), 0);
        check_unreadable(file, LB_ERR_DENIED, "Permission denied");
        drop_file();
    }
}

static void starts_paths_where_the_manifest_lies(void)
{
    char state[96];
    manifest *m = NULL;
    manifest_problems problems = {0};
    make_file(HEAD, strlen(HEAD), 0600);
    (void)snprintf(state, sizeof state, "%s/.lbops", directory); /* fits */
    CU_ASSERT_EQUAL_FATAL(manifest_read(file, &m, &problems), 0);
    ASSERT_TEXT(m->path, file);
    ASSERT_TEXT(m->directory, directory);
    ASSERT_TEXT(m->state_dir, state);
    manifest_free(m);
    manifest_problems_done(&problems);
    drop_file();
}

/* ---- secrets ---- */

static manifest *with_secret_file(const char *content, size_t length, unsigned mode, manifest_problems *problems)
{
    char text[256];
    make_file(content, length, mode);
    (void)snprintf(text, sizeof text, "%s[secrets]\npg = { file = \"%s\" }\n", HEAD, file); /* fits */
    return parse(text, problems);
}

static void reads_secrets_when_asked(void)
{
    manifest_problems problems = {0};
    lb_error err = {0};
    char *value = NULL;
    manifest *m = with_secret_file("hunter2\n", 8, 0600, &problems);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    CU_ASSERT_EQUAL(manifest_secret_value(m, "pg", &value, &err), 0);
    ASSERT_TEXT(value, "hunter2");
    manifest_secret_free(value);
    CU_ASSERT_EQUAL(manifest_secret_value(m, "other", &value, &err), LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "there is no secret other");
    CU_ASSERT_EQUAL_FATAL(chmod(file, 0640), 0); /* it is checked each time */
    CU_ASSERT_EQUAL(manifest_secret_value(m, "pg", &value, &err), LB_ERR_DENIED);
    ASSERT_CONTAINS(err.message, "mode 0640");
    manifest_free(m);
    drop_file();

    (void)setenv("LBOPS_TEST_SECRET", "from the environment", 1);
    m = parse_good(HEAD "[secrets]\npg = { env = \"LBOPS_TEST_SECRET\" }\n");
    CU_ASSERT_EQUAL(manifest_secret_value(m, "pg", &value, &err), 0);
    ASSERT_TEXT(value, "from the environment");
    manifest_secret_free(value);
    (void)setenv("LBOPS_TEST_SECRET", "", 1);
    CU_ASSERT_EQUAL(manifest_secret_value(m, "pg", &value, &err), LB_ERR_NOT_FOUND);
    ASSERT_CONTAINS(err.message, "is empty");
    manifest_free(m);
    (void)unsetenv("LBOPS_TEST_SECRET");
    manifest_secret_free(NULL);
}

static void check_secret_file(const char *content, size_t length, unsigned mode, int code, const char *message)
{
    manifest_problems problems = {0};
    manifest *m = with_secret_file(content, length, mode, &problems);
    CU_ASSERT_PTR_NULL(m);
    CU_ASSERT_EQUAL_FATAL(problems.count, 1);
    CU_ASSERT_EQUAL(problems.items[0].error.code, code);
    ASSERT_CONTAINS(problems.items[0].error.message, message);
    manifest_problems_done(&problems);
    manifest_free(m);
    drop_file();
}

static void refuses_secrets_that_others_see(void)
{
    check_secret_file("x", 1, 0644, LB_ERR_DENIED, "mode 0644: others have access");
    check_secret_file("x", 1, 0620, LB_ERR_DENIED, "mode 0620");
    check_secret_file("", 0, 0600, LB_ERR_INVALID, "is empty");
    LB_AUTO_FREE char *large = base_alloc(70000);
    memset(large, 'x', 70000);
    check_secret_file(large, 70000, 0600, LB_ERR_LIMIT, "longer than 65536 bytes");
}

static void refuses_secrets_that_are_no_text(void)
{
    static const struct {
        const char *content;
        size_t length;
        const char *message;
    } cases[] = {{"a\0b", 3, "holds a NUL byte"}, {"\n", 1, "is empty"}, {"\r\n", 2, "is empty"}};
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        manifest_problems problems = {0};
        lb_error err = {0};
        char *value = NULL;
        manifest *m = with_secret_file(cases[i].content, cases[i].length, 0400, &problems);
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        CU_ASSERT_EQUAL(manifest_secret_value(m, "pg", &value, &err), LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, cases[i].message);
        CU_ASSERT_PTR_NULL(value);
        manifest_free(m);
        drop_file();
    }
}

SUITE(secrets, TEST(refuses_what_is_no_file), TEST(starts_paths_where_the_manifest_lies),
      TEST(reads_secrets_when_asked), TEST(refuses_secrets_that_others_see), TEST(refuses_secrets_that_are_no_text))
