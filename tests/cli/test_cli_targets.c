/* Targets by pattern: the control plane says which branches there are. */
#include "program.h"

static const char manifest_text[] =
    "[workspace]\nname = \"patterns\"\n[services.transport]\nplugin = \"transport_mock\"\nfixtures = \"fixtures\"\n"
    "[[targets]]\nproject = \"sh*\"\nbranch = \"*\"\npattern = true\n"
    "[[targets]]\nproject = \"lab\"\nbranch = \"ci-*\"\npattern = true\nclass = \"throwaway\"\n";

/* Two pages of projects, and in one project two pages of branches. */
static const char control_text[] =
    "[{\"method\": \"GET\", \"path\": \"projects\", \"query\": \"page_size=100&page_token=two\","
    "  \"reply\": {\"projects\": [{\"project_id\": \"lab\"}]}},"
    " {\"method\": \"GET\", \"path\": \"projects\","
    "  \"reply\": {\"projects\": [{\"project_id\": \"shop\"}, {\"name\": \"nameless\"}], \"next_page_token\": "
    "\"two\"}},"
    " {\"method\": \"GET\", \"path\": \"projects/shop/branches\", \"query\": \"page_size=100&page_token=more\","
    "  \"reply\": {\"branches\": [{\"branch_id\": \"dev\", \"status\": {\"is_protected\": false}}], "
    "\"next_page_token\": \"\"}},"
    " {\"method\": \"GET\", \"path\": \"projects/shop/branches\","
    "  \"reply\": {\"branches\": [{\"status\": {\"branch_id\": \"production\", \"is_protected\": true}}],"
    "            \"next_page_token\": \"more\"}},"
    " {\"method\": \"GET\", \"path\": \"projects/lab/branches\","
    "  \"reply\": {\"branches\": [{\"branch_id\": \"ci-7\", \"status\": {\"default\": true}}, {\"branch_id\": "
    "\"other\"}]}}]";

static char *stage_new(const char *control)
{
    lb_error err;
    char *dir = workspace_new();
    LB_AUTO_FREE char *fixtures = base_printf("%s/fixtures", dir);
    CU_ASSERT_FATAL(fs_make_dirs(fixtures, &err) >= 0);
    workspace_put(dir, "patterns.toml", manifest_text);
    workspace_put(dir, "fixtures/control.json", control);
    return dir;
}

/* A plan to vacuum a table; its decision tells the class that the branch was taken for. */
static answer plan_on(const char *dir, const char *project, const char *branch)
{
    LB_AUTO_FREE char *path = base_printf("%s/patterns.toml", dir);
    const char *words[16] = {"-m", path, "--json", "run", "example_vacuum", "--table", "t", "--plan"};
    size_t count = 8;
    if (project) {
        words[count++] = "--project";
        words[count++] = project;
    }
    if (branch) {
        words[count++] = "--branch";
        words[count++] = branch;
    }
    words[count] = NULL;
    return lbops(words);
}

static void expect_target(const answer *a, const char *project, const char *branch, const char *class_name)
{
    expect_code(a, 0);
    JSON_AUTO *document = one_document(a->out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    ASSERT_TEXT(text_at(document, "target", "project"), project);
    ASSERT_TEXT(text_at(document, "target", "branch"), branch);
    LB_AUTO_FREE char *decision = base_printf("additive on %s", class_name);
    ASSERT_CONTAINS(a->out, decision);
}

static void a_name_that_leaves_one_branch_is_enough(void)
{
    SCRATCH dir = stage_new(control_text);
    ANSWER dev = plan_on(dir, NULL, "dev");
    expect_target(&dev, "shop", "dev", "shared");
}

static void protection_gives_the_class(void)
{
    SCRATCH dir = stage_new(control_text);
    ANSWER named = plan_on(dir, "shop", "production"), half = plan_on(dir, NULL, "production");
    expect_target(&named, "shop", "production", "production");
    expect_target(&half, "shop", "production", "production");
}

static void the_manifest_class_wins(void)
{
    SCRATCH dir = stage_new(control_text);
    ANSWER a = plan_on(dir, "lab", NULL);
    expect_target(&a, "lab", "ci-7", "throwaway");
}

static void several_branches_are_named(void)
{
    SCRATCH dir = stage_new(control_text);
    ANSWER a = plan_on(dir, "shop", NULL);
    expect_code(&a, 2);
    ASSERT_CONTAINS(a.err, "the names leave 2 branches");
    ASSERT_CONTAINS(a.err, "--project shop --branch production, --project shop --branch dev");
    CU_ASSERT_PTR_NULL(strstr(a.err, "other"));
}

static void a_branch_that_is_not_there(void)
{
    SCRATCH dir = stage_new(control_text);
    ANSWER a = plan_on(dir, "shop", "gone");
    expect_code(&a, 1);
    ASSERT_CONTAINS(a.err, "there is no branch shop/gone");
}

static void a_name_that_is_nearly_there_is_told(void)
{
    SCRATCH dir = stage_new(control_text);
    ANSWER project = plan_on(dir, "shpo", "dev"), branch = plan_on(dir, "shop", "prodution"),
           other = plan_on(dir, "shop", "gone");
    expect_code(&branch, 1);
    ASSERT_CONTAINS(project.err, "there is no branch shpo/dev to run on");
    ASSERT_CONTAINS(project.err, "did you mean --project shop?");
    ASSERT_CONTAINS(branch.err, "did you mean --branch production?");
    ASSERT_CONTAINS(other.err, "lbops target ls lists those that are there");
}

/* Of a manifest without patterns, which nobody has to be asked about. */
static void a_name_that_the_manifest_nearly_has_is_told(void)
{
    SCRATCH dir = workspace_new();
    ANSWER project = in_workspace(dir, WORDS("run", "looks", "--project", "shpo")),
           other = in_workspace(dir, WORDS("run", "looks", "--project", "bank"));
    expect_code(&project, 2);
    ASSERT_CONTAINS(project.err, "looks needs a target, and the manifest has none called shpo");
    ASSERT_CONTAINS(project.err, "did you mean --project shop?");
    ASSERT_CONTAINS(other.err, "one of: --project shop");
}

static void a_tool_of_the_workspace_takes_no_target(void)
{
    SCRATCH dir = workspace_new();
    ANSWER project = in_workspace(dir, WORDS("run", "noop", "--project", "shop")),
           branch = in_workspace(dir, WORDS("run", "noop", "--branch", "production")),
           own = in_workspace(dir, WORDS("run", "monitor_branch_count", "--project", "bank")),
           given = in_workspace(dir, WORDS("run", "noop", "--dsn", "postgresql://nowhere/none"));
    expect_code(&project, 2);
    ASSERT_CONTAINS(project.err, "noop works on the workspace as a whole and takes no --project");
    ASSERT_CONTAINS(project.err, "leave project and branch out");
    expect_code(&branch, 2);
    ASSERT_CONTAINS(branch.err, "takes no --branch");
    expect_code(&own, 2);
    ASSERT_CONTAINS(own.err, "did you mean --project_id bank?");
    expect_code(&given, 0);
}

static void a_control_plane_that_fails(void)
{
    SCRATCH dir = stage_new("[{\"method\": \"GET\", \"path\": \"projects\", \"error\": {\"code\": \"unreachable\","
                            " \"message\": \"nobody answers\"}}]");
    ANSWER a = plan_on(dir, NULL, "dev");
    CU_ASSERT(a.code != 0);
    ASSERT_CONTAINS(a.err, "cannot list the branches: ");
    ASSERT_CONTAINS(a.err, "nobody answers");
}

SUITE(command_line_targets, TEST(a_name_that_leaves_one_branch_is_enough), TEST(protection_gives_the_class),
      TEST(the_manifest_class_wins), TEST(several_branches_are_named), TEST(a_branch_that_is_not_there),
      TEST(a_name_that_is_nearly_there_is_told), TEST(a_name_that_the_manifest_nearly_has_is_told),
      TEST(a_tool_of_the_workspace_takes_no_target), TEST(a_control_plane_that_fails))
