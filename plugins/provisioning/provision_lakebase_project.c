/* provision_lakebase_project: a project with its branches, laid out by a pattern. It takes over what there is, makes
 * what is missing, says what differs, and can be run again at any time: a run that died is finished by the next. */
#include "branch_json.h"
#include "branch_layout.h"

struct args {
    const char *project_name, *domain, *environment, *branching_pattern, *tags, *budget_policy_id, *retention, *policy,
        *creator_type;
    lb_texts tenants, developers;
    int64_t pg_version;
    double min_cu, max_cu;
};

static const lb_param params[] = {
    LB_PARAM(struct args, project_name, LB_TEXT, NULL, "its name; without it, by domain and environment"),
    LB_PARAM(struct args, domain, LB_TEXT, NULL, "whose data it is, such as shop"),
    LB_PARAM(struct args, environment, LB_TEXT, "prod", "which world it belongs to",
             .choices = "dev|staging|prod|production|test|qa|local"),
    LB_PARAM(struct args, branching_pattern, LB_TEXT, "multi_env_pipeline", "how its branches are laid out",
             .choices = BRANCH_PATTERNS),
    LB_PARAM(struct args, tenants, LB_LIST_OF(LB_TEXT), NULL, "of the multi-tenant patterns: who they are"),
    LB_PARAM(struct args, developers, LB_LIST_OF(LB_TEXT), NULL, "of per_developer: who they are"),
    LB_PARAM(struct args, pg_version, LB_I64, "0", "Postgres version of a new project; 0: the platform's choice",
             .min = "0"),
    LB_PARAM(struct args, retention, LB_TEXT, "7d", "how far back a new project can be restored, 2d to 35d"),
    LB_PARAM(struct args, min_cu, LB_F64, "0.5", "smallest compute of a new project's branches", .min = "0.5"),
    LB_PARAM(struct args, max_cu, LB_F64, "4", "largest compute of a new project's branches", .min = "0.5"),
    LB_PARAM(struct args, tags, LB_JSON, NULL, "labels of a new project, such as {\"team\":\"dba\"}"),
    LB_PARAM(struct args, budget_policy_id, LB_TEXT, NULL, "who pays for a new project"),
    LB_PARAM(struct args, creator_type, LB_TEXT, "human", "who wants it", .choices = "human|agent|ci"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAMS_END,
};

/* ---- checked before anything is done ---- */

static int check_branch(void *state, const char *name, lb_error *err)
{
    branch_layout *l = state;
    branch_verdict v;
    const branch_kind *kind = branch_kind_of_name(l->policy, name, err);
    if (!kind)
        return err->code;
    l->missing += !plane_find(&l->there, name);
    return *kind->parents ? branch_policy_judge(l->policy, &(branch_wish){.name = name}, &v, err) : 0;
}

static int check_project(void *state, const char *name, lb_error *err)
{
    branch_layout *l = state;
    const plane_project *project = NULL;
    const struct args *args = l->ctx->args;
    int r = branch_policy_judge_project(name, err);
    if (r >= 0)
        r = plane_read_project(l->ctx, name, &project, err);
    if (r >= 0 && project && project->is_deleted)
        r = branch_refuse(err, LB_ERR_CONFLICT, BR_IS_OVER, "undelete it, or purge it and run this again",
                          "the project was deleted softly, and holds its name until it is purged");
    l->there = (plane_branches){0};
    l->missing = 0;
    if (r >= 0 && project)
        r = plane_list_branches(l->ctx, name, &l->there, err);
    if (r >= 0)
        r = branch_pattern_each(l->pattern->branches, &l->words, check_branch, l, err);
    if (r >= 0)
        r = branch_policy_judge_count(l->policy, plane_unarchived(&l->there), l->there.count, l->missing, err);
    if (r >= 0 && project && args->pg_version && project->pg_version && project->pg_version != args->pg_version)
        r = lb_append(l->ctx, "differences",
                      LB_ARGS(lb_text("project_id", name), lb_text("what", "pg_version"),
                              lb_i64("wanted", args->pg_version), lb_i64("found", project->pg_version)),
                      err);
    return r < 0 ? lb_wrap(err, name) : 0;
}

static int check_words(const branch_layout *l, lb_error *err)
{
    static const struct {
        const char *word, *param;
    } lists[] = {{"{tenant}", "--tenants"}, {"{developer}", "--developers"}};
    const struct args *args = l->ctx->args;
    const size_t counts[] = {args->tenants.count, args->developers.count};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (branch_pattern_has(l->pattern, lists[i].word) && !counts[i])
            return lb_fail(err, LB_ERR_INVALID, lb_printf(l->ctx, "give %s '[\"a\",\"b\"]'", lists[i].param),
                           "the pattern %s needs %s", l->pattern->name, lists[i].param);
    if (!args->project_name && !args->domain)
        return lb_fail(err, LB_ERR_INVALID, "give --domain, or --project_name", "the project has no name");
    if (args->project_name && strstr(l->pattern->project, "{tenant}"))
        return lb_fail(err, LB_ERR_INVALID, "give --domain", "the pattern %s makes a project for each tenant",
                       l->pattern->name);
    int64_t retention = branch_ttl_parse(args->retention);
    if (retention < INT64_C(172800) || retention > INT64_C(3024000))
        return lb_fail(err, LB_ERR_INVALID, "2d to 35d", "\"%.40s\" is no retention", args->retention);
    if (args->max_cu < args->min_cu || args->max_cu - args->min_cu > 16)
        return lb_fail(err, LB_ERR_INVALID, "max_cu - min_cu is 0 to 16", "the sizes of computes do not fit");
    return 0;
}

/* ---- the project ---- */

static bool put_tags(struct json_object *spec, const char *tags)
{
    struct json_object *from = tags ? json_tokener_parse(tags) : NULL, *list = json_object_new_array();
    bool ok = branch_json_add(spec, "custom_tags", list);
    if (!json_object_is_type(from, json_type_object)) {
        (void)json_object_put(from); /* NULL is fine */
        return ok && !tags;
    }
    json_object_object_foreach(from, key, value)
    {
        struct json_object *tag = json_object_new_object();
        ok = ok && branch_json_add_text(tag, "key", key) &&
             branch_json_add_text(tag, "value", json_object_get_string(value)) &&
             json_object_array_add(list, json_object_get(tag)) == 0;
        (void)json_object_put(tag); /* the list has a reference of its own */
    }
    (void)json_object_put(from); /* as above */
    return ok;
}

static const char *body_of(lb_ctx *ctx, const char *name, lb_error *err)
{
    const struct args *args = ctx->args;
    struct json_object *body = branch_json_object(ctx), *spec = json_object_new_object(),
                       *defaults = json_object_new_object(), *branch = json_object_new_object();
    bool ok = branch_json_add(body, "spec", spec) && branch_json_add(body, "initial_branch_spec", branch) &&
              branch_json_add(branch, "is_protected", json_object_new_boolean(true)) &&
              branch_json_add(spec, "default_endpoint_settings", defaults) &&
              branch_json_add(defaults, "autoscaling_limit_min_cu", json_object_new_double(args->min_cu)) &&
              branch_json_add(defaults, "autoscaling_limit_max_cu", json_object_new_double(args->max_cu)) &&
              branch_json_add_text(defaults, "suspend_timeout_duration", "300s") &&
              branch_json_add_text(spec, "display_name", name) &&
              branch_json_add_text(spec, "budget_policy_id", args->budget_policy_id) &&
              branch_json_add_text(spec, "history_retention_duration",
                                   lb_printf(ctx, "%llds", (long long)branch_ttl_parse(args->retention)));
    if (args->pg_version)
        ok = ok && branch_json_add(spec, "pg_version", json_object_new_int64(args->pg_version));
    if (ok && args->tags && !put_tags(spec, args->tags)) {
        (void)lb_fail(err, LB_ERR_INVALID, "such as {\"team\":\"dba\"}",
                      "the tags are no object"); /* the NULL says it */
        return NULL;
    }
    const char *text = ok ? branch_json_text(ctx, body) : NULL;
    if (!text)
        (void)lb_out_of_memory(err); /* as above */
    return text;
}

static int make_project(branch_layout *l, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    lb_ctx *ctx = l->ctx;
    const struct args *args = ctx->args;
    const plane_change change = {
        .title = lb_printf(ctx, "create project %s", l->project),
        .reason = lb_printf(ctx, "laid out as %s: %s", l->pattern->name, l->pattern->doc),
        .undo = "delete the project while it is empty",
        .request = {.method = "POST",
                    .path = "projects",
                    .query = lb_printf(ctx, "project_id=%s", l->project),
                    .body = body_of(ctx, l->project, err)},
    };
    int r = change.request.body ? plane_apply(ctx, &change, &outcome, err) : err->code;
    if (r < 0 || outcome == LB_PLANNED) {
        l->fresh = r >= 0;
        return r;
    }
    if (outcome != LB_APPLIED)
        return lb_fail(err, LB_ERR_APPROVAL, "decide on it, and run this again", "the project %s is not made yet",
                       l->project);
    const branch_event event = {.project = l->project,
                                .branch = "production",
                                .type = "created",
                                .kind = "production",
                                .creator_type = args->creator_type,
                                .reason = change.reason,
                                .expires_at = LB_TIME_NONE,
                                .is_protected = true};
    l->made++;
    return branch_write_down(ctx, &event, err);
}

/* ---- all of it ---- */

static int make_all(void *state, const char *name, lb_error *err)
{
    branch_layout *l = state;
    const plane_project *project = NULL;
    l->project = lb_printf(l->ctx, "%s", name);
    l->fresh = false;
    l->made = l->lacking = l->asleep = l->names.count = 0;
    l->root_sleeps = false;
    int r = l->project ? plane_read_project(l->ctx, name, &project, err) : lb_out_of_memory(err);
    bool created = r >= 0 && !project;
    if (created)
        r = make_project(l, err);
    if (r >= 0)
        r = branch_layout_schemas(l, err);
    if (r >= 0)
        r = branch_pattern_each(l->pattern->branches, &l->words, branch_layout_branch, l, err);
    if (r >= 0)
        r = lb_append(l->ctx, "projects",
                      LB_ARGS(lb_text("project_id", l->project), lb_bool("created", created),
                              lb_i64("changes", (int64_t)l->made)),
                      err);
    if (r >= 0 && l->lacking)
        r = lb_fail(err, LB_ERR_TOOL, "what was skipped says why; run it again once that is mended",
                    "%zu branch(es) may lack a tenant's schema; all else is done", l->lacking);
    if (r < 0 || !l->made || l->asleep) /* what a branch that sleeps lacks is not complete */
        return r < 0 ? lb_wrap(err, name) : 0;
    return lb_emit(
        l->ctx, "provisioning.complete",
        LB_ARGS(lb_text("project_id", l->project), lb_list("branches", LB_TEXT, l->names.items, l->names.count)), err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    branch_layout *l = lb_alloc(ctx, sizeof *l);
    if (!l)
        return lb_out_of_memory(err);
    *l = (branch_layout){.ctx = ctx,
                         .policy = branch_policy_of_run(ctx, args->policy, err),
                         .pattern = branch_pattern_find(args->branching_pattern),
                         .creator_type = args->creator_type,
                         .words = {args->domain, args->environment, args->tenants, args->developers}};
    if (!l->policy)
        return err->code;
    const char *names = args->project_name ? args->project_name : l->pattern->project;
    int r = check_words(l, err);
    if (r >= 0)
        r = branch_pattern_each(names, &l->words, check_project, l, err);
    if (r >= 0)
        r = branch_pattern_each(names, &l->words, make_all, l, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("branching_pattern", l->pattern->name), lb_text("domain", args->domain),
                                     lb_text("environment", args->environment)),
                             err);
}

LB_TOOL(provision_lakebase_project, "sets up a project with its branches", .agent = "provisioning", .risk = LB_RISK_LOW,
        .workspace = true, LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("branch_lifecycle"),
        .emits = LB_NAMES("branch.created", "branch.deleted", "provisioning.complete"),
        .calls = LB_NAMES("branch_sessions", "branch_schemas", "protect_branch"), .run = run);
