/* setup_cicd_pipeline: GitHub Actions workflows, in the working copy of a repository, that give each pull request a
 * branch of the database, replay on the target what was merged, and sweep what stays behind. What people have made of
 * them is theirs: it is shown, and never overwritten. Of what the repository needs besides, variables are set where we
 * may; secrets are told.
 */
#include "cicd_needs.h"
#include "workflow.h"
#include "workflow_access.h"
#include "workflow_close.h"
#include "workflow_fetch.h"
#include "workflow_keep.h"
#include "workflow_pr.h"
#include "workflow_sweep.h"

#include "fs.h"

#include <errno.h>
#include <sys/stat.h>

#define FOLDER     ".github/workflows"
#define FILE_LIMIT ((size_t)1024 * 1024)

struct args {
    const char *dir, *migrations, *manifest_file, *source_branch, *target_branch, *git_branch, *test_command;
    const char *auth, *runner, *environment, *uc_catalog, *project_catalog;
    const char *repository, *service, *project_id, *lbops_url, *lbops_sha256;
    lb_texts uc_readers;
    bool only_migrations, trial;
};

static const lb_param params[] = {
    LB_PARAM(struct args, dir, LB_TEXT, NULL, "the working copy of the repository", .required = true),
    LB_PARAM(struct args, migrations, LB_TEXT, "migrations", "its directory of migrations"),
    LB_PARAM(struct args, manifest_file, LB_TEXT, "lbops.toml", "its manifest"),
    LB_PARAM(struct args, source_branch, LB_TEXT, "staging", "what a pull request's branch is made from"),
    LB_PARAM(struct args, target_branch, LB_TEXT, "production", "where merged migrations are replayed"),
    LB_PARAM(struct args, git_branch, LB_TEXT, "main", "what has to be merged into for that"),
    LB_PARAM(struct args, test_command, LB_TEXT, NULL, "what tests a branch at $DATABASE_URL; without it nothing does"),
    LB_PARAM(struct args, only_migrations, LB_BOOL, "true", "leave pull requests alone that change no migration"),
    LB_PARAM(struct args, trial, LB_BOOL, "true",
             "also try migrations out on a branch of their own: locks, way back, second run"),
    LB_PARAM(struct args, auth, LB_TEXT, "oauth", "how to log in: a service principal or a token",
             .choices = "oauth|token"),
    LB_PARAM(struct args, runner, LB_TEXT, "ubuntu-24.04", "what the jobs run on"),
    LB_PARAM(struct args, environment, LB_TEXT, "lakebase-production", "GitHub's environment of the target"),
    LB_PARAM(struct args, uc_catalog, LB_TEXT, NULL,
             "the history's catalog of Unity Catalog, whose permissions are kept too"),
    LB_PARAM(struct args, project_catalog, LB_TEXT, NULL,
             "the catalog that stands for the target; without it, the project's name with _ for -"),
    LB_PARAM(struct args, uc_readers, LB_LIST_OF(LB_TEXT), NULL, "who may read it"),
    LB_PARAM(struct args, repository, LB_TEXT, NULL, "owner/name on GitHub: its variables are set where we may"),
    LB_PARAM(struct args, service, LB_TEXT, "github", "the web service of the manifest that has it"),
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the variable LAKEBASE_PROJECT"),
    LB_PARAM(struct args, lbops_url, LB_TEXT, NULL,
             "the variable LBOPS_URL: where the archive of this program lies; the workflow names it, too, for forks"),
    LB_PARAM(struct args, lbops_sha256, LB_TEXT, NULL, "the variable LBOPS_SHA256: the archive's digest"),
    LB_PARAMS_END,
};

/* ---- what is written ---- */

static int check(const struct args *args, lb_error *err)
{
    const struct {
        const char *what, *text;
    } words[] = {{"--migrations", args->migrations},       {"--manifest_file", args->manifest_file},
                 {"--source_branch", args->source_branch}, {"--target_branch", args->target_branch},
                 {"--git_branch", args->git_branch},       {"--runner", args->runner},
                 {"--environment", args->environment},     {"--project_id", args->project_id}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].text && workflow_check_word(words[i].what, words[i].text, err) < 0)
            return err->code;
    if (args->test_command && !args->test_command[strspn(args->test_command, " \t\n")])
        return lb_fail(err, LB_ERR_INVALID, "leave it out where there are no tests", "--test_command is empty");
    if (args->uc_readers.count && !args->uc_catalog)
        return lb_fail(err, LB_ERR_INVALID, "give --uc_catalog too", "--uc_readers may read no catalog");
    if (args->project_catalog && !args->uc_catalog)
        return lb_fail(err, LB_ERR_INVALID, "give --uc_catalog too",
                       "--project_catalog is kept with the history's catalog, which is not named");
    return 0;
}

/* The readers as the JSON that a list of a tool's is given in, itself a scalar of YAML. */
static int quote_readers(lb_ctx *ctx, const char **ret_scalar, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *json = "[";
    for (size_t i = 0; json && i < args->uc_readers.count; i++) {
        const char *one = NULL;
        if (workflow_quote(ctx, "--uc_readers", args->uc_readers.items[i], &one, err) < 0)
            return err->code;
        json = lb_printf(ctx, "%s%s%s", json, i ? ", " : "", one);
    }
    json = json ? lb_printf(ctx, "%s]", json) : NULL;
    return json ? workflow_quote(ctx, "--uc_readers", json, ret_scalar, err) : lb_out_of_memory(err);
}

/* Forks see no variables, so the workflow has to say where the archive lies; an address that lets its bearer in does
 * not belong there. */
static bool names_archive(const struct args *args)
{
    return args->lbops_url && args->lbops_sha256 && !strpbrk(args->lbops_url, "?@");
}

static int render(lb_ctx *ctx, const char *source, const char **ret_sealed, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *test = "", *catalog = "", *project_catalog = "", *readers = "", *text = NULL;
    int r = args->test_command ? workflow_quote(ctx, "--test_command", args->test_command, &test, err) : 0;
    if (r >= 0 && args->uc_catalog)
        r = workflow_quote(ctx, "--uc_catalog", args->uc_catalog, &catalog, err);
    if (r >= 0 && args->project_catalog)
        r = workflow_quote(ctx, "--project_catalog", args->project_catalog, &project_catalog, err);
    if (r >= 0)
        r = quote_readers(ctx, &readers, err);
    if (r < 0)
        return r;
    const workflow_value values[] = {{"FETCH", workflow_fetch, true},
                                     {"ACCESS", workflow_access, true},
                                     {"KEEP", workflow_keep, true},
                                     {"MIGRATIONS", args->migrations, false},
                                     {"MANIFEST", args->manifest_file, false},
                                     {"SOURCE_BRANCH", args->source_branch, false},
                                     {"TARGET_BRANCH", args->target_branch, false},
                                     {"GIT_BRANCH", args->git_branch, false},
                                     {"RUNNER", args->runner, false},
                                     {"ENVIRONMENT", args->environment, false},
                                     {"TEST_COMMAND", test, false},
                                     {"UC_CATALOG", catalog, false},
                                     {"PROJECT_CATALOG", project_catalog, false},
                                     {"UC_READERS", readers, false},
                                     {"LBOPS_URL", args->lbops_url, false},
                                     {"LBOPS_SHA256", args->lbops_sha256, false},
                                     {NULL, NULL, false}};
    bool is_oauth = strcmp(args->auth, "oauth") == 0;
    const workflow_flag flags[] = {{"paths", args->only_migrations},
                                   {"forks", names_archive(args)},
                                   {"no-forks", !names_archive(args)},
                                   {"trial", args->trial},
                                   {"test", args->test_command != NULL},
                                   {"catalog", args->uc_catalog},
                                   {"project-catalog", args->project_catalog},
                                   {"oauth", is_oauth},
                                   {"token", !is_oauth},
                                   {NULL, false}};
    r = workflow_render(ctx, source, values, flags, &text, err);
    *ret_sealed = r < 0 ? NULL : workflow_seal(ctx, text);
    return r < 0 || *ret_sealed ? r : lb_out_of_memory(err);
}

/* ---- the files ---- */

/* Nothing on the way may be a link: it would lead out of the repository. */
static int check_place(lb_ctx *ctx, lb_error *err)
{
    static const char *const inside[] = {"/.github", "/" FOLDER, "/" FOLDER "/lakebase-pr.yml",
                                         "/" FOLDER "/lakebase-pr-close.yml", "/" FOLDER "/lakebase-sweep.yml"};
    const struct args *args = ctx->args;
    struct stat st;
    const char *git = lb_printf(ctx, "%s/.git", args->dir);
    if (!git)
        return lb_out_of_memory(err);
    if (stat(git, &st) != 0)
        return lb_fail(err, LB_ERR_INVALID, "give the folder that has .git in it", "%s is no working copy: %s",
                       args->dir, strerror(errno));
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        const char *path = lb_printf(ctx, "%s%s", args->dir, inside[i]);
        if (!path)
            return lb_out_of_memory(err);
        if (lstat(path, &st) == 0 && !(i < 2 ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)))
            return lb_fail(err, LB_ERR_CONFLICT, "move it out of the way", "%s is no plain %s", path,
                           i < 2 ? "folder" : "file");
    }
    return 0;
}

/* *ret_text NULL: there is none. */
static int read_file(lb_ctx *ctx, const char *path, const char **ret_text, lb_error *err)
{
    LB_AUTO_FREE char *text = NULL;
    size_t length = 0;
    struct stat st;
    *ret_text = NULL;
    if (lstat(path, &st) != 0 && errno == ENOENT)
        return 0;
    int r = fs_read(path, FILE_LIMIT, &text, &length, err);
    if (r < 0)
        return r;
    *ret_text = lb_printf(ctx, "%s", text);
    return *ret_text ? 0 : lb_out_of_memory(err);
}

static int write_file(lb_ctx *ctx, const char *path, const char *text, bool replaces, const char *diff,
                      lb_outcome *ret_outcome, lb_error *err)
{
    lb_group *group = NULL;
    int r =
        lb_group_open(ctx,
                      LB_GROUP(.title = lb_printf(ctx, "%s the workflow %s", replaces ? "update" : "add", path),
                               .reason = replaces ? "we wrote it, nobody has touched it, and it would be another now"
                                                  : "pull requests are to be tested on a branch of the database",
                               .evidence = LB_ARGS(lb_text("diff", diff)),
                               .undo = replaces ? "git checkout the file" : "remove the file"),
                      &group, err);
    if (r >= 0)
        r = lb_change_file(ctx, group, path, text, err);
    return r < 0 ? r : lb_apply(ctx, group, ret_outcome, err);
}

static int put_workflow(lb_ctx *ctx, const char *name, const char *source, const char *member, lb_error *err)
{
    static const char *const states[] = {"", "missing", "same", "old", "edited", "foreign"};
    const struct args *args = ctx->args;
    const char *sealed = NULL, *there = NULL, *diff = NULL;
    lb_outcome outcome = LB_REFUSED;
    const char *path = lb_printf(ctx, "%s/" FOLDER "/%s", args->dir, name);
    if (!path)
        return lb_out_of_memory(err);
    int r = render(ctx, source, &sealed, err);
    if (r >= 0)
        r = read_file(ctx, path, &there, err);
    if (r < 0)
        return r;
    workflow_state state = workflow_look(there, sealed);
    bool writes = state == WORKFLOW_MISSING || state == WORKFLOW_OLD;
    if (there && state != WORKFLOW_SAME && !(diff = workflow_diff(ctx, there, sealed)))
        return lb_out_of_memory(err);
    if (writes)
        r = write_file(ctx, path, sealed, there != NULL, diff, &outcome, err);
    else if (state != WORKFLOW_SAME)
        r = lb_skipped(ctx, path,
                       "a person has written it: the difference shows what would be written; take "
                       "over by hand what is wanted of it, or delete the file to have it written anew",
                       err);
    if (r >= 0)
        r = lb_append(ctx, "files",
                      LB_ARGS(lb_text("file", path), lb_text("found", states[state]),
                              lb_bool("written", writes && outcome == LB_APPLIED), lb_text("diff", diff)),
                      err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_text(member, sealed)), err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    cicd_needs needs = {.repository = args->repository,
                        .service = args->service,
                        .project_id = args->project_id,
                        .lbops_url = args->lbops_url,
                        .lbops_sha256 = args->lbops_sha256,
                        .environment = args->environment,
                        .is_oauth = strcmp(args->auth, "oauth") == 0};
    int r = check(args, err);
    if (r >= 0)
        r = check_place(ctx, err);
    if (r >= 0)
        r = cicd_needs_look(ctx, &needs, err);
    if (r >= 0)
        r = put_workflow(ctx, "lakebase-pr.yml", workflow_pr, "create_branch_yaml", err);
    if (r >= 0)
        r = put_workflow(ctx, "lakebase-pr-close.yml", workflow_close, "delete_branch_yaml", err);
    if (r >= 0)
        r = put_workflow(ctx, "lakebase-sweep.yml", workflow_sweep, "sweep_yaml", err);
    if (r >= 0)
        r = lb_result(
            ctx,
            LB_ARGS(lb_text("forks_note",
                            names_archive(args)
                                ? "the migrations of their pull requests are judged, with no secret"
                                : "they see no variables: their migrations are judged where --lbops_url, with "
                                  "no login in it, and --lbops_sha256 are given, for the workflow to name them")),
            err);
    return r < 0 ? r : cicd_needs_meet(ctx, &needs, err);
}

LB_TOOL(setup_cicd_pipeline, "writes the workflows that give each pull request a branch", .agent = "provisioning",
        .risk = LB_RISK_LOW, .workspace = true, LB_TOOL_ARGS(struct args, params), .run = run);
