/* Proposes what it is told to, as one group: statements, calls of the control plane, files, a program. */
#include "hostile.h"

#include <sql/example/comment_on_table.h>
#include <sql/example/drop_index.h>
#include <sql/example/terminate_backend.h>

struct args {
    const char *comment, *title, *evidence, *body, *script, *web, *reads, *notes, *undone_by;
    lb_texts drops, calls, files, program;
    bool atomic, bounded;
    int64_t groups, pid, first, last;
};

static const lb_param params[] = {
    LB_PARAM(struct args, title, LB_TEXT, "a proposal", "title of the group"),
    LB_PARAM(struct args, evidence, LB_JSON, "{}", "evidence"),
    LB_PARAM(struct args, comment, LB_TEXT, NULL, "comments on the table public.orders"),
    LB_PARAM(struct args, pid, LB_I64, "0", "ends this session"),
    LB_PARAM(struct args, script, LB_TEXT, NULL, "a migration, called V1__some.sql"),
    LB_PARAM(struct args, first, LB_I64, "0", "its first statement"),
    LB_PARAM(struct args, last, LB_I64, "0", "and its last one"),
    LB_PARAM(struct args, drops, LB_LIST_OF(LB_TEXT), NULL, "indexes of public to drop"),
    LB_PARAM(struct args, calls, LB_LIST_OF(LB_TEXT), NULL, "METHOD PATH or METHOD PATH?QUERY"),
    LB_PARAM(struct args, body, LB_TEXT, NULL, "of each POST and PATCH"),
    LB_PARAM(struct args, web, LB_TEXT, NULL, "the web service that the calls go to, not the control plane"),
    LB_PARAM(struct args, reads, LB_TEXT, NULL, "reads METHOD PATH from it first"),
    LB_PARAM(struct args, files, LB_LIST_OF(LB_TEXT), NULL, "files to write"),
    LB_PARAM(struct args, program, LB_LIST_OF(LB_TEXT), NULL, "a program and its arguments"),
    LB_PARAM(struct args, notes, LB_TEXT, NULL,
             "what to write down once it is approved: this type of event of a branch"),
    LB_PARAM(struct args, undone_by, LB_TEXT, NULL, "the SQLSTATE by which it fails on purpose"),
    LB_PARAM(struct args, atomic, LB_BOOL, "false", "as one transaction"),
    LB_PARAM(struct args, bounded, LB_BOOL, "false", "within the stated rules"),
    LB_PARAM(struct args, groups, LB_I64, "1", "the same so many times"),
    LB_PARAMS_END,
};

static int add_call(lb_ctx *ctx, lb_group *group, const struct args *args, const char *call, lb_error *err)
{
    size_t method = strcspn(call, " ");
    const char *path = call + method + (call[method] == ' ');
    size_t length = strcspn(path, "?");
    const lb_request request = {.method = lb_printf(ctx, "%.*s", (int)method, call),
                                .path = lb_printf(ctx, "%.*s", (int)length, path),
                                .query = path[length] ? path + length + 1 : NULL,
                                .body = strncmp(call, "P", 1) == 0 ? args->body : NULL};
    return args->web ? lb_change_http(ctx, group, args->web, &request, err)
                     : lb_change_control(ctx, group, &request, err);
}

static int read_web(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    size_t method = strcspn(args->reads, " ");
    const char *json = NULL;
    const lb_request request = {.method = lb_printf(ctx, "%.*s", (int)method, args->reads),
                                .path = args->reads + method + (args->reads[method] == ' ')};
    int r = lb_http(ctx, args->web, &request, &json, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_json("read", json)), err);
}

static int add_sql(lb_ctx *ctx, lb_group *group, const struct args *args, lb_error *err)
{
    int r = 0;
    if (args->comment) {
        const example_comment_on_table_args comment = {.schema = "public", .table = "orders", .comment = args->comment};
        r = example_comment_on_table(ctx, group, &comment, err);
    }
    for (size_t i = 0; r >= 0 && i < args->drops.count; i++) {
        const example_drop_index_args drop = {.schema = "public", .name = args->drops.items[i]};
        r = example_drop_index(ctx, group, &drop, err);
    }
    if (r >= 0 && args->pid) {
        const example_terminate_backend_args end = {.pid = args->pid, .started = 1769900000000000};
        r = example_terminate_backend(ctx, group, &end, err);
    }
    return r;
}

static int add_program(lb_ctx *ctx, lb_group *group, const struct args *args, lb_error *err)
{
    const char **argv = lb_alloc(ctx, (args->program.count + 1) * sizeof *argv);
    if (!argv)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < args->program.count; i++)
        argv[i] = args->program.items[i];
    return lb_change_exec(ctx, group, argv, err);
}

/* Its time is wrong on purpose: when the change is made, another one counts. */
static int add_notes(lb_ctx *ctx, lb_group *group, const struct args *args, lb_error *err)
{
    int r = lb_group_record(ctx, group, "branch_lifecycle",
                            LB_ARGS(lb_text("event_id", "shop/b/1/deleted"), lb_time("event_timestamp", 0),
                                    lb_text("event_type", *args->notes ? args->notes : NULL),
                                    lb_text("project_id", "shop"), lb_text("branch_id", "b"), lb_null("branch_kind")),
                            err);
    return r < 0 ? r
                 : lb_group_emit(ctx, group, "branch.deleted",
                                 LB_ARGS(lb_text("project_id", "shop"), lb_text("branch_id", "b")), err);
}

static int propose(lb_ctx *ctx, const struct args *args, lb_outcome *ret_outcome, lb_error *err)
{
    lb_group *group = NULL;
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = args->title, .reason = "asked for by name", .undo = "there is no way back",
                                   .evidence = LB_ARGS(lb_json("figures", args->evidence)), .atomic = args->atomic,
                                   .bounded = args->bounded, .undone_by = args->undone_by),
                          &group, err);
    if (r >= 0)
        r = add_sql(ctx, group, args, err);
    if (r >= 0 && args->script)
        r = lb_change_script(ctx, group,
                             LB_SCRIPT(.name = "V1__some.sql", .text = args->script, .first = (uint32_t)args->first,
                                       .last = (uint32_t)args->last),
                             err);
    for (size_t i = 0; r >= 0 && i < args->calls.count; i++)
        r = add_call(ctx, group, args, args->calls.items[i], err);
    for (size_t i = 0; r >= 0 && i < args->files.count; i++)
        r = lb_change_file(ctx, group, args->files.items[i], "a note\n", err);
    if (r >= 0 && args->program.count)
        r = add_program(ctx, group, args, err);
    if (r >= 0 && args->notes)
        r = add_notes(ctx, group, args, err);
    return r < 0 ? r : lb_apply(ctx, group, ret_outcome, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_outcome outcome = LB_REFUSED;
    int r = args->reads ? read_web(ctx, args, err) : 0;
    for (int64_t i = 0; r >= 0 && i < args->groups; i++)
        r = propose(ctx, args, &outcome, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_i64("outcome", outcome)), err);
}

LB_TOOL(proposes, "proposes what it is told to", .agent = "hostile", .risk = LB_RISK_LOW,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("branch_lifecycle"), .emits = LB_NAMES("branch.deleted"),
        .run = run);
