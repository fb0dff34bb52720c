/* capture_schema_diff: how the schemas of two branches differ, and the SQL that leads from one to the other. Either
 * side can also be a snapshot that read_schema wrote. */
#include "schema_report.h"

struct args {
    const char *source_branch, *target_branch;
    const char *from, *to, *file, *output;
    lb_texts schemas, exclude_schemas, kinds, renamed;
    bool privileges, online;
};

static const lb_param params[] = {
    LB_PARAM(struct args, source_branch, LB_TEXT, NULL, "the branch to start from; none given: the run's own"),
    LB_PARAM(struct args, target_branch, LB_TEXT, NULL, "the branch to arrive at; none given: the run's own"),
    LB_PARAM(struct args, from, LB_TEXT, NULL, "a snapshot to start from, instead of a branch"),
    LB_PARAM(struct args, to, LB_TEXT, NULL, "a snapshot to arrive at, instead of a branch"),
    LB_PARAM(struct args, schemas, LB_LIST_OF(LB_TEXT), NULL, "only these schemas; none given: all"),
    LB_PARAM(struct args, exclude_schemas, LB_LIST_OF(LB_TEXT), NULL, "schemas to leave out"),
    LB_PARAM(struct args, kinds, LB_LIST_OF(LB_TEXT), NULL, "only differences of these kinds (table, column ...)"),
    LB_PARAM(struct args, renamed, LB_LIST_OF(LB_TEXT), NULL,
             "what is known to have another name, as BEFORE=AFTER (public.t.mail=public.t.email): its rows are kept"),
    LB_PARAM(struct args, privileges, LB_BOOL, "true", "owners and grants too"),
    LB_PARAM(struct args, online, LB_BOOL, "false", "indexes concurrently, constraints checked after they are added"),
    LB_PARAM(struct args, output, LB_TEXT, "text", "what the result holds", .choices = "text|sql|json|all"),
    LB_PARAM(struct args, file, LB_TEXT, NULL, "also write the SQL to this file"),
    LB_PARAMS_END,
};

static int check(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    if ((args->from && args->source_branch) || (args->to && args->target_branch))
        return lb_fail(err, LB_ERR_INVALID, "give a branch or a snapshot for each side", "a side is given twice");
    if (!args->from && !args->source_branch && !args->to && !args->target_branch)
        return lb_fail(err, LB_ERR_INVALID, "--source_branch NAME, or --from FILE", "there is nothing to compare with");
    for (size_t i = 0; i < args->kinds.count; i++)
        if (!schema_kind_is_known(args->kinds.items[i]))
            return lb_fail(err, LB_ERR_INVALID, "table, column, index, constraint, foreign_key, view, function ...",
                           "'%.60s' is no kind of object", args->kinds.items[i]);
    return 0;
}

/* On a server that was given, a branch is the database of its name, and one that has none is another database: a slip
 * of the pen must not be compared. On branches of a Lakebase the databases have the same name. */
static int check_place(lb_ctx *ctx, const char *branch, const schema_model *other, lb_error *err)
{
    const char *own = lb_run_target(ctx)->branch;
    schema_place place = {0};
    int r = schema_find_place(ctx, &place, err);
    if (r < 0 || !own || !other->database || strcmp(own, place.database) != 0 ||
        strcmp(other->database, place.database) == 0)
        return r;
    if (strcmp(other->database, branch) != 0)
        return lb_fail(err, LB_ERR_NOT_FOUND, "name a database of the server", "there is no database %.80s", branch);
    return 0;
}

/* Through the sibling tool, which has that branch as its target. */
static int read_branch(lb_ctx *ctx, const char *branch, const schema_filter *filter, schema_model **ret_model,
                       lb_error *err)
{
    const lb_target *own = lb_run_target(ctx);
    const lb_target other = {.project = own->project, .branch = branch, .branch_class = own->branch_class};
    const char *json = NULL;
    if (!branch || (own->branch && strcmp(branch, own->branch) == 0))
        return schema_read(ctx, filter, ret_model, err);
    int r = lb_call(ctx, "read_schema", &other, LB_NO_ARGS, &json, err);
    if (r >= 0)
        r = schema_load(ctx, json, filter, ret_model, err);
    return r < 0 ? r : check_place(ctx, branch, *ret_model, err);
}

static int read_side(lb_ctx *ctx, const char *branch, const char *file, const schema_filter *filter,
                     schema_model **ret_model, lb_error *err)
{
    const char *own = lb_run_target(ctx)->branch, *json = NULL;
    int r = 0;
    if (file)
        r = schema_read_file(ctx, file, &json, err);
    if (r >= 0)
        r = file ? schema_load(ctx, json, filter, ret_model, err) : read_branch(ctx, branch, filter, ret_model, err);
    return r < 0 ? lb_wrap(err, file ? file : branch ? branch : own ? own : "the run's branch") : 0;
}

static int write_script(lb_ctx *ctx, const schema_diff *d, const schema_names *names, const char *script, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    if (!args->file || !d->step_count)
        return 0;
    int r =
        lb_group_open(ctx,
                      LB_GROUP(.title = lb_printf(ctx, "write %s", args->file),
                               .reason = lb_printf(ctx, "the SQL from %s to %s was asked for", names->from, names->to),
                               .evidence = LB_ARGS(lb_i64("statements", d->step_count)), .undo = "remove the file"),
                      &group, err);
    if (r >= 0)
        r = lb_change_file(ctx, group, args->file, script, err);
    return r < 0 ? r : lb_apply(ctx, group, &outcome, err);
}

static const char *name_side(lb_ctx *ctx, const char *branch, const char *file)
{
    const char *own = lb_run_target(ctx)->branch;
    return file ? file : branch ? branch : own ? own : "the run's branch";
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const schema_filter filter = {.schemas = &args->schemas,
                                  .exclude_schemas = &args->exclude_schemas,
                                  .kinds = &args->kinds,
                                  .renamed = &args->renamed,
                                  .privileges = args->privileges,
                                  .online = args->online};
    const schema_names names = {.from = name_side(ctx, args->source_branch, args->from),
                                .to = name_side(ctx, args->target_branch, args->to)};
    schema_model *from = NULL, *to = NULL;
    schema_diff *diff = NULL;
    const char *script = NULL;
    int r = check(ctx, err);
    if (r >= 0)
        r = read_side(ctx, args->source_branch, args->from, &filter, &from, err);
    if (r >= 0)
        r = read_side(ctx, args->target_branch, args->to, &filter, &to, err);
    if (r >= 0)
        r = schema_compare(from, to, &diff, err);
    if (r >= 0)
        r = schema_script(diff, names.from, names.to, &script, err);
    if (r >= 0)
        r = schema_report(ctx, diff, &names, args->output, script, err);
    return r < 0 ? r : write_script(ctx, diff, &names, script, err);
}

LB_TOOL(capture_schema_diff, "how the schemas of two branches differ, as text and as SQL", .agent = "provisioning",
        .risk = LB_RISK_LOW, .timeout_s = 300, LB_TOOL_ARGS(struct args, params), .calls = LB_NAMES("read_schema"),
        .run = run);
