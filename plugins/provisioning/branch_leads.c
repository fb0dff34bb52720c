/* What a new branch has brought along that leads out of it: it is told, since only people know whether a copy may. */
#include "branch_json.h"
#include "branch_life.h"

static const struct {
    const char *kind, *reason;
} leads[] = {
    {"subscription", "the branch fetches what its source is sent, and moves the publisher's slot on"},
    {"foreign_server", "what the branch writes to these foreign tables is written where its source's are"},
    {"cron_job", "the branch executes the jobs of its source a second time"},
};

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_is_type(found, json_type_string)
               ? json_object_get_string(found)
               : "";
}

static int tell_one(lb_ctx *ctx, const char *branch, struct json_object *one, lb_error *err)
{
    const char *kind = text_of(one, "kind"), *reason = "it leads out of the branch";
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++)
        if (strcmp(leads[i].kind, kind) == 0)
            reason = leads[i].reason;
    return lb_report(
        ctx,
        LB_FINDING(.object = text_of(one, "name"), .kind = lb_printf(ctx, "outside_%s", kind), .reason = reason,
                   .evidence = LB_ARGS(lb_text("branch", branch), lb_text("detail", text_of(one, "detail"))),
                   .terms = LB_TERMS({"read_from_catalogue", 0.9})),
        err);
}

static int tell_all(lb_ctx *ctx, const char *branch, struct json_object *result, lb_error *err)
{
    struct json_object *outside = NULL, *unseen = NULL;
    int r = 0;
    (void)json_object_object_get_ex(result, "outside", &outside); /* none: nothing leads out */
    (void)json_object_object_get_ex(result, "unseen", &unseen);   /* none: all was seen */
    for (size_t i = 0; r >= 0 && outside && i < json_object_array_length(outside); i++)
        r = tell_one(ctx, branch, json_object_array_get_idx(outside, i), err);
    for (size_t i = 0; r >= 0 && unseen && i < json_object_array_length(unseen); i++) {
        struct json_object *one = json_object_array_get_idx(unseen, i);
        r = lb_skipped(ctx, lb_printf(ctx, "%s: %s", branch, text_of(one, "kind")), text_of(one, "why"), err);
    }
    return r;
}

int branch_tell_outside(lb_ctx *ctx, const char *project, const char *branch, lb_error *err)
{
    const char *text = NULL, *name = lb_printf(ctx, "%s/%s", project, branch);
    int r = lb_call(ctx, BRANCH_FACTS_TOOL, &(lb_target){.project = project, .branch = branch},
                    LB_ARGS(lb_bool("outside", true)), &text, err);
    struct json_object *result = r < 0 ? NULL : branch_json_keep(ctx, text, err);
    if (!name)
        return lb_out_of_memory(err);
    if (result)
        return tell_all(ctx, name, result, err);
    if (lb_cancelled(ctx))
        return err->code;
    return lb_skipped(ctx, name, lb_printf(ctx, "nobody could look what leads out of it: %s", err->message), err);
}
