/* provision_with_governance: from an empty workspace to a governed project, as one plan of the other tools. Each step
 * takes over what is there and makes what is missing, so this one can be run again at any time: what stands is found,
 * what is left is done. A step that fails holds back only those that need it. */
#include "branch_pattern.h"
#include "branch_plane.h"
#include "branch_policy.h"
#include "governance.h"

struct args {
    const char *project_name, *domain, *environment, *branching_pattern, *tags, *budget_policy_id, *policy, *options;
    const char *uc_catalog, *isolation, *repository, *migrations, *test_command;
    lb_texts tenants, developers, readers, operators;
};

static const lb_param params[] = {
    LB_PARAM(struct args, project_name, LB_TEXT, NULL, "the project's name; without it, by domain and environment"),
    LB_PARAM(struct args, domain, LB_TEXT, NULL, "whose data it is, such as shop"),
    LB_PARAM(struct args, environment, LB_TEXT, "prod", "which world it belongs to",
             .choices = "dev|staging|prod|production|test|qa|local"),
    LB_PARAM(struct args, branching_pattern, LB_TEXT, "multi_env_pipeline", "how its branches are laid out",
             .choices = BRANCH_PATTERNS),
    LB_PARAM(struct args, tenants, LB_LIST_OF(LB_TEXT), NULL, "who shares the project or has one each"),
    LB_PARAM(struct args, developers, LB_LIST_OF(LB_TEXT), NULL, "of per_developer: who they are"),
    LB_PARAM(struct args, isolation, LB_TEXT, "pattern", "how tenants are kept apart inside a project",
             .choices = "pattern|none|column|schema"),
    LB_PARAM(struct args, operators, LB_LIST_OF(LB_TEXT), NULL, "by column: roles that work for all tenants"),
    LB_PARAM(struct args, uc_catalog, LB_TEXT, "ops_catalog", "the catalog of the history"),
    LB_PARAM(struct args, readers, LB_LIST_OF(LB_TEXT), NULL, "who may read the catalogs, the project's too"),
    LB_PARAM(struct args, repository, LB_TEXT, NULL, "a working copy, from / on: workflows and agents' rules go there"),
    LB_PARAM(struct args, migrations, LB_TEXT, "migrations", "its directory of migrations"),
    LB_PARAM(struct args, test_command, LB_TEXT, NULL, "what tests a branch at $DATABASE_URL"),
    LB_PARAM(struct args, tags, LB_JSON, NULL, "labels of a new project, such as {\"team\":\"dba\"}"),
    LB_PARAM(struct args, budget_policy_id, LB_TEXT, NULL, "who pays for a new project"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAM(struct args, options, LB_JSON, NULL,
             "more arguments of single steps, such as {\"configure_rls\": {\"tenant_column\": \"org\"}}"),
    LB_PARAMS_END,
};

#define MOST_PROJECTS 64

typedef struct plan {
    lb_ctx *ctx;
    const char *projects[MOST_PROJECTS];
    bool is_there[MOST_PROJECTS]; /* and not only planned */
    size_t project_count;
    governance steps;
} plan;

/* ---- the steps ---- */

/* Values without the ones that were not given. */
static void drop_null(lb_value *values)
{
    size_t kept = 0;
    for (size_t i = 0; values[i].type != LB_END; i++)
        if (values[i].type != LB_NULL && !((values[i].type & LB_LIST) && !values[i].count))
            values[kept++] = values[i];
    values[kept] = (lb_value){.type = LB_END};
}

static lb_value list_of(lb_ctx *ctx, const char *name, const lb_texts *texts)
{
    lb_value *items = lb_alloc(ctx, (texts->count + 1) * sizeof *items);
    for (size_t i = 0; items && i < texts->count; i++)
        items[i] = lb_text(NULL, texts->items[i]);
    return items ? lb_list(name, LB_TEXT, items, texts->count) : lb_null(name);
}

static int keep_projects(plan *p, struct json_object *result, lb_error *err)
{
    const plane_project *found = NULL;
    struct json_object *list = governance_member(result, "projects", json_type_array);
    int r = 0;
    for (size_t i = 0; r >= 0 && list && i < json_object_array_length(list); i++) {
        if (p->project_count == MOST_PROJECTS)
            return lb_fail(err, LB_ERR_LIMIT, "provision them in several runs", "more than %d projects", MOST_PROJECTS);
        const char *name = governance_text(json_object_array_get_idx(list, i), "project_id");
        r = plane_read_project(p->ctx, name, &found, err);
        p->is_there[p->project_count] = found && !found->is_deleted;
        p->projects[p->project_count++] = name;
    }
    return r;
}

static int provision(plan *p, lb_error *err)
{
    const struct args *a = p->ctx->args;
    struct json_object *result = NULL;
    lb_value args[] = {lb_text("project_name", a->project_name),
                       lb_text("domain", a->domain),
                       lb_text("environment", a->environment),
                       lb_text("branching_pattern", a->branching_pattern),
                       list_of(p->ctx, "tenants", &a->tenants),
                       list_of(p->ctx, "developers", &a->developers),
                       lb_json("tags", a->tags),
                       lb_text("budget_policy_id", a->budget_policy_id),
                       lb_text("policy", a->policy),
                       {.type = LB_END}};
    drop_null(args);
    int r = governance_take(&p->steps, &(governance_step){.tool = "provision_lakebase_project", .args = args}, &result,
                            err);
    return r < 0 || !result ? r : keep_projects(p, result, err);
}

static int make_ops_catalog(plan *p, lb_error *err)
{
    const struct args *a = p->ctx->args;
    struct json_object *result = NULL;
    lb_value args[] = {lb_text("catalog", a->uc_catalog), list_of(p->ctx, "readers", &a->readers), {.type = LB_END}};
    drop_null(args);
    return governance_take(&p->steps, &(governance_step){.tool = "create_ops_catalog", .args = args}, &result, err);
}

static int integrate(plan *p, const char *project, lb_error *err)
{
    const struct args *a = p->ctx->args;
    struct json_object *result = NULL;
    lb_value args[] = {lb_text("project_id", project), list_of(p->ctx, "readers", &a->readers), {.type = LB_END}};
    drop_null(args);
    return governance_take(
        &p->steps, &(governance_step){.tool = "setup_unity_catalog_integration", .project = project, .args = args},
        &result, err);
}

/* How tenants are kept apart in one project; NULL: not at all. */
static const char *isolation_of(const struct args *a)
{
    const branch_pattern *pattern = branch_pattern_find(a->branching_pattern);
    if (!a->tenants.count || strcmp(a->isolation, "none") == 0)
        return NULL;
    if (strcmp(a->isolation, "pattern") != 0)
        return a->isolation;
    return pattern && *pattern->schemas ? "schema" : NULL;
}

static int part(plan *p, const char *project, const char *isolation, lb_error *err)
{
    const struct args *a = p->ctx->args;
    struct json_object *result = NULL;
    const lb_target target = {.project = project, .branch = "production"};
    lb_value args[] = {lb_text("isolation", isolation),
                       list_of(p->ctx, "tenants", &a->tenants),
                       list_of(p->ctx, "operators", &a->operators),
                       {.type = LB_END}};
    drop_null(args);
    return governance_take(
        &p->steps, &(governance_step){.tool = "configure_rls", .project = project, .target = &target, .args = args},
        &result, err);
}

static int govern(plan *p, size_t i, lb_error *err)
{
    const char *isolation = isolation_of(p->ctx->args);
    int r = p->is_there[i] ? integrate(p, p->projects[i], err)
                           : governance_leave(&p->steps, "setup_unity_catalog_integration", p->projects[i], err);
    if (r < 0 || !isolation)
        return r;
    return p->is_there[i] ? part(p, p->projects[i], isolation, err)
                          : governance_leave(&p->steps, "configure_rls", p->projects[i], err);
}

/* What is nearest to a release, of the branches that the pattern has. */
static const char *source_of(const branch_pattern *pattern)
{
    return branch_policy_lists(pattern->branches, "staging")       ? "staging"
           : branch_policy_lists(pattern->branches, "development") ? "development"
                                                                   : "production";
}

static int write_workflows(plan *p, lb_error *err)
{
    const struct args *a = p->ctx->args;
    struct json_object *result = NULL;
    lb_value args[] = {lb_text("dir", a->repository),
                       lb_text("migrations", a->migrations),
                       lb_text("source_branch", source_of(branch_pattern_find(a->branching_pattern))),
                       lb_text("test_command", a->test_command),
                       lb_text("project_id", p->project_count ? p->projects[0] : NULL),
                       lb_text("uc_catalog", a->uc_catalog),
                       list_of(p->ctx, "uc_readers", &a->readers),
                       {.type = LB_END}};
    drop_null(args);
    return governance_take(&p->steps, &(governance_step){.tool = "setup_cicd_pipeline", .args = args}, &result, err);
}

/* One repository is told of one project: where each tenant has one, of the first. */
static int tell_agents(plan *p, lb_error *err)
{
    const struct args *a = p->ctx->args;
    struct json_object *result = NULL;
    lb_value args[] = {lb_text("directory", a->repository),
                       lb_text("project_id", p->projects[0]),
                       lb_text("policy", a->policy),
                       {.type = LB_END}};
    drop_null(args);
    return governance_take(
        &p->steps, &(governance_step){.tool = "setup_ai_agent_branching", .project = p->projects[0], .args = args},
        &result, err);
}

static int prepare_repository(plan *p, lb_error *err)
{
    const struct args *a = p->ctx->args;
    if (!a->repository)
        return 0;
    int r = write_workflows(p, err);
    if (r < 0 || !p->project_count)
        return r;
    return p->is_there[0] ? tell_agents(p, err)
                          : governance_leave(&p->steps, "setup_ai_agent_branching", p->projects[0], err);
}

/* What an argument of this tool says, and on what a step acts, is not for the options to say otherwise. */
static int choose(plan *p, lb_error *err)
{
    const struct args *a = p->ctx->args;
    const char *no_repository = a->repository ? NULL : "give --repository, or leave it out";
    const governance_kind kinds[] = {
        {"provision_lakebase_project",
         LB_NAMES("project_name", "domain", "environment", "branching_pattern", "tenants", "policy"), NULL},
        {"create_ops_catalog", LB_NAMES("catalog"), NULL},
        {"setup_unity_catalog_integration", LB_NAMES("project_id"), NULL},
        {"configure_rls", LB_NAMES("isolation", "tenants"),
         isolation_of(a) ? NULL : "give --tenants and --isolation column or schema, or leave it out"},
        {"setup_cicd_pipeline", LB_NAMES("dir", "project_id", "uc_catalog"), no_repository},
        {"setup_ai_agent_branching", LB_NAMES("directory", "project_id", "policy"), no_repository},
    };
    return governance_choose(&p->steps, kinds, sizeof kinds / sizeof kinds[0], a->options, err);
}

/* Without a project nothing else is begun: there would be nothing to govern. */
static int leave_the_rest(plan *p, lb_error *err)
{
    const struct args *a = p->ctx->args;
    int r = governance_leave(&p->steps, "create_ops_catalog", NULL, err);
    if (r >= 0)
        r = governance_leave(&p->steps, "setup_unity_catalog_integration", NULL, err);
    if (r >= 0 && isolation_of(a))
        r = governance_leave(&p->steps, "configure_rls", NULL, err);
    if (r >= 0 && a->repository)
        r = governance_leave(&p->steps, "setup_cicd_pipeline", NULL, err);
    return r < 0 || !a->repository ? r : governance_leave(&p->steps, "setup_ai_agent_branching", NULL, err);
}

static int take_all(plan *p, lb_error *err)
{
    int r = provision(p, err);
    if (r < 0 || p->steps.failed.code)
        return r < 0 ? r : leave_the_rest(p, err);
    r = make_ops_catalog(p, err);
    for (size_t i = 0; r >= 0 && i < p->project_count; i++)
        r = govern(p, i, err);
    return r < 0 ? r : prepare_repository(p, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *a = ctx->args;
    plan *p = lb_alloc(ctx, sizeof *p);
    if (!p)
        return lb_out_of_memory(err);
    *p = (plan){.ctx = ctx, .steps = {.ctx = ctx, .stands = "", .left = ""}};
    if (!a->domain && !a->project_name)
        return lb_fail(err, LB_ERR_INVALID, "give --domain, or --project_name", "the project has no name");
    if (a->repository && *a->repository != '/')
        return lb_fail(err, LB_ERR_INVALID, "such as --repository \"$PWD\"", "%s does not begin with /", a->repository);
    int r = choose(p, err);
    if (r >= 0)
        r = take_all(p, err);
    return r < 0 ? r : governance_end(&p->steps, err);
}

LB_TOOL(provision_with_governance, "a project with its branches, catalogs, tenants and pipeline, as one plan",
        .agent = "provisioning", .risk = LB_RISK_LOW, .workspace = true, LB_TOOL_ARGS(struct args, params),
        .calls = LB_NAMES("provision_lakebase_project", "create_ops_catalog", "setup_unity_catalog_integration",
                          "configure_rls", "setup_cicd_pipeline", "setup_ai_agent_branching"),
        .run = run);
