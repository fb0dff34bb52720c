/* setup_ai_agent_branching: tells coding agents, in the files that they read, to work on a branch of their own that
 * lives an hour. What people have written in those files is never touched; where they have edited our part, they are
 * shown the difference and decide. That an agent's branch is named and timed so is the branch policy's to enforce. */
#include "branch_life.h"
#include "branch_marked.h"

#include <errno.h>
#include <stdlib.h>

#define FILE_LIMIT ((size_t)1024 * 1024)
#define PART       "agent-branching"

struct args {
    const char *project_id, *directory, *policy;
    lb_texts files;
};

static const lb_param params[] = {
    LB_PARAM(struct args, directory, LB_TEXT, NULL, "the folder of the repository, from / on", .required = true),
    LB_PARAM(struct args, files, LB_LIST_OF(LB_TEXT), "[\"CLAUDE.md\", \"AGENTS.md\"]", "the files that agents read"),
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the project; without it, the only one"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAMS_END,
};

/* ---- what agents are told ---- */

static const char text[] =
    "## The database: work on a branch of your own\n"
    "\n"
    "The data of `%1$s` is in Databricks Lakebase, where a copy of all of it is made in seconds. Never try a change "
    "of\n"
    "schema or data anywhere else than on a copy that is yours.\n"
    "\n"
    "1. Make a branch, named by what you do, in lower-case words with hyphens:\n"
    "   `lbops run create_branch --project_id %1$s --branch_name ai-agent-TASK --creator_type agent`\n"
    "   It is made from `%2$s`, lives %3$s, and is deleted by itself (rule %4$s; %5$s is the most that can be asked "
    "for).\n"
    "2. Connect to it, and to nothing else: `lbops target dsn ai-agent-TASK --project %1$s`\n"
    "3. Write the migration as a file of the repository, and apply that file to your branch.\n"
    "4. Run the tests against your branch.\n"
    "5. Commit the file. Shared branches and production change when it has been reviewed and merged, by the pipeline.\n"
    "6. Delete the branch when you are done: `lbops target delete ai-agent-TASK --project %1$s`\n"
    "\n"
    "- Never connect to production, staging or development to change something.\n"
    "- An answer that begins with a rule (BR-...) is a refusal. Its hint says the way out; do not work around it.\n"
    "- What waits for an approval (exit code 3) waits for a person. Say so, and stop there.\n"
    "- Connection strings and tokens never go into a file, a log, a commit or a comment.\n";

static const char *const workflow[] = {"create a branch", "connect to it",        "apply the migration",
                                       "run the tests",   "commit the migration", "delete the branch"};

static const char *compose(lb_ctx *ctx, const char *project, const branch_kind *kind, const char *parent)
{
    char ttl[24], longest[24];
    branch_ttl_format(kind->ttl_s, ttl);
    branch_ttl_format(kind->longest_s, longest);
    return lb_printf(ctx, text, project, parent, ttl, kind->id, longest);
}

/* What create_branch will make an agent's branch from. */
static int find_parent(lb_ctx *ctx, const char *project, const branch_kind *kind, const char **ret_parent,
                       lb_error *err)
{
    plane_branches branches = {0};
    int r = plane_list_branches(ctx, project, &branches, err);
    const char *parent = r < 0 ? NULL : branch_parent_there(ctx, kind, &branches);
    if (!parent)
        return r < 0 ? r : lb_out_of_memory(err);
    const plane_branch *there = plane_find(&branches, parent);
    *ret_parent = parent;
    return there && !there->is_deleted
               ? 0
               : lb_report(ctx,
                           LB_FINDING(.object = lb_printf(ctx, "%s/%s", project, parent), .kind = "no_source_branch",
                                      .reason = "agents' branches are made from it, and it is not there",
                                      .evidence = LB_ARGS(lb_text("parents", kind->parents)),
                                      .terms = LB_TERMS({"listed_by_the_control_plane", 1.0})),
                           err);
}

/* ---- the files ---- */

/* *ret_text NULL: there is none. */
static int read_file(lb_ctx *ctx, const char *path, const char **ret_text, lb_error *err)
{
    FILE *file = fopen(path, "re");
    *ret_text = NULL;
    if (!file)
        return errno == ENOENT ? 0 : lb_fail(err, LB_ERR_IO, NULL, "cannot read %s: %s", path, strerror(errno));
    char *read = lb_alloc(ctx, FILE_LIMIT + 1);
    size_t length = read ? fread(read, 1, FILE_LIMIT + 1, file) : 0;
    bool failed = ferror(file) != 0;
    (void)fclose(file); /* was only read */
    if (!read)
        return lb_out_of_memory(err);
    if (failed || length > FILE_LIMIT || memchr(read, '\0', length))
        return lb_fail(err, LB_ERR_INVALID, "name another file", "%s is no text of at most 1 MB", path);
    *ret_text = read;
    return 0;
}

static int write_file(lb_ctx *ctx, const char *path, const branch_marked *m, lb_outcome *ret_outcome, lb_error *err)
{
    bool edited = m->state == BRANCH_MARKED_EDITED;
    lb_group *group = NULL;
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = lb_printf(ctx, "tell agents about branches in %s", path),
                                   .reason = edited ? "a person has edited our part: the difference shows what would go"
                                                    : "agents that know no branch of their own change shared data",
                                   .evidence = LB_ARGS(lb_text("diff", m->diff), lb_bool("edited", edited)),
                                   .undo = "take out what is between our two markers", .asks = edited),
                          &group, err);
    if (r >= 0)
        r = lb_change_file(ctx, group, path, m->content, err);
    return r < 0 ? r : lb_apply(ctx, group, ret_outcome, err);
}

static int tell_agents(lb_ctx *ctx, const char *name, const char *ours, lb_error *err)
{
    static const char *const states[] = {"", "no_part", "same", "old", "edited"};
    const struct args *args = ctx->args;
    const char *there = NULL;
    branch_marked m = {.state = BRANCH_MARKED_NONE};
    lb_outcome outcome = LB_REFUSED;
    if (!*name || strchr(name, '/'))
        return lb_fail(err, LB_ERR_INVALID, "give names of files in --directory", "\"%.80s\" is no name of a file",
                       name);
    const char *path = lb_printf(ctx, "%s/%s", args->directory, name);
    int r = path ? read_file(ctx, path, &there, err) : lb_out_of_memory(err);
    if (r >= 0)
        r = branch_marked_merge(ctx, PART, there, ours, &m, err);
    if (r < 0)
        return lb_wrap(err, name);
    bool changes = m.state != BRANCH_MARKED_SAME;
    if (changes)
        r = write_file(ctx, path, &m, &outcome, err);
    return r < 0 ? r
                 : lb_append(ctx, "files",
                             LB_ARGS(lb_text("file", path), lb_text("found", there ? states[m.state] : "no_file"),
                                     lb_bool("written", changes && outcome == LB_APPLIED),
                                     lb_text("diff", changes ? m.diff : NULL)),
                             err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *project = NULL, *parent = NULL;
    lb_value steps[sizeof workflow / sizeof workflow[0]];
    const branch_policy *policy = branch_policy_of_run(ctx, args->policy, err);
    const branch_kind *kind = policy ? branch_kind_find(policy, "agent") : NULL;
    if (!policy)
        return err->code;
    if (!kind || !kind->ttl_s)
        return branch_refuse(err, LB_ERR_INVALID, BR_UNKNOWN_NAME, "give the policy a kind \"agent\" that expires",
                             "the branch policy (%s) has no branches for agents", policy->source);
    if (*args->directory != '/')
        return lb_fail(err, LB_ERR_INVALID, "such as --directory \"$PWD\"", "%s does not begin with /",
                       args->directory);
    int r = plane_choose_project(ctx, args->project_id, &project, err);
    if (r >= 0)
        r = find_parent(ctx, project, kind, &parent, err);
    const char *ours = r < 0 ? NULL : compose(ctx, project, kind, parent);
    if (!ours)
        return r < 0 ? r : lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < args->files.count; i++)
        r = tell_agents(ctx, args->files.items[i], ours, err);
    for (size_t i = 0; i < sizeof workflow / sizeof workflow[0]; i++)
        steps[i] = lb_text(NULL, workflow[i]);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("project_id", project), lb_text("branch_prefix", "ai-agent"),
                                     lb_i64("ttl_seconds", kind->ttl_s), lb_text("rule", kind->id),
                                     lb_text("source_branch", parent),
                                     lb_list("workflow", LB_TEXT, steps, sizeof steps / sizeof steps[0])),
                             err);
}

LB_TOOL(setup_ai_agent_branching, "tells coding agents to work on branches of their own", .agent = "provisioning",
        .risk = LB_RISK_LOW, .workspace = true, LB_TOOL_ARGS(struct args, params), .run = run);
