/* Plans of other tools' runs. */
#include "governance.h"

/* ---- what a step says ---- */

struct json_object *governance_member(struct json_object *object, const char *name, json_type type)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_is_type(found, type) ? found : NULL;
}

const char *governance_text(struct json_object *object, const char *name)
{
    struct json_object *found = governance_member(object, name, json_type_string);
    return found ? json_object_get_string(found) : "";
}

static bool looked_at_nothing(struct json_object *result)
{
    struct json_object *skipped = governance_member(result, "skipped", json_type_array),
                       *examined = governance_member(result, "examined", json_type_object);
    return skipped && json_object_array_length(skipped) && (!examined || !json_object_object_length(examined));
}

static const char *status_of(const governance *g, struct json_object *result)
{
    if (looked_at_nothing(result))
        return "skipped";
    if (lb_plans(g->ctx))
        return "planned";
    return lb_call_outcome(g->ctx) == LB_WAITING ? "waiting" : "done";
}

/* ---- one step ---- */

static int tell(governance *g, const governance_step *s, const char *status, const char *result, const lb_error *why,
                lb_error *err)
{
    const char *name = s->project ? lb_printf(g->ctx, "%s of %s", s->tool, s->project) : s->tool;
    bool is_left = why || strcmp(status, "waiting") == 0 || strcmp(status, "left") == 0;
    const char *list = is_left ? g->left : g->stands;
    list = name ? lb_printf(g->ctx, "%s%s%s", list, *list ? ", " : "", name) : NULL;
    if (!list)
        return lb_out_of_memory(err);
    *(is_left ? &g->left : &g->stands) = list;
    return lb_append(g->ctx, "steps",
                     LB_ARGS(lb_text("tool", s->tool), lb_text("project", s->project), lb_text("status", status),
                             lb_text("error", why ? why->message : NULL), lb_text("hint", why ? why->hint : NULL),
                             lb_json("result", result)),
                     err);
}

int governance_take(governance *g, const governance_step *s, struct json_object **ret_result, lb_error *err)
{
    const char *json = NULL;
    lb_error why = {0};
    *ret_result = NULL;
    if (lb_cancelled(g->ctx))
        return lb_fail(err, LB_ERR_CANCELLED, "run it again: what stands is found", "stopped before %s (stands: %s)",
                       s->tool, *g->stands ? g->stands : "nothing");
    const lb_value *args = NULL;
    if (governance_merge(g, s->tool, s->args, &args, err) < 0)
        return err->code;
    int r = lb_call(g->ctx, s->tool, s->target, args, &json, &why);
    if (r >= 0)
        *ret_result = branch_json_keep(g->ctx, json, err);
    if (r >= 0)
        return *ret_result ? tell(g, s, status_of(g, *ret_result), json, NULL, err) : err->code;
    if (!g->failed.code)
        g->failed = why;
    return tell(g, s, "failed", NULL, &why, err);
}

int governance_leave(governance *g, const char *tool, const char *project, lb_error *err)
{
    return tell(g, &(governance_step){.tool = tool, .project = project}, "left", NULL, NULL, err);
}

/* ---- the end ---- */

int governance_end(governance *g, lb_error *err)
{
    int r = lb_result(g->ctx,
                      LB_ARGS(lb_text("stands", g->stands), lb_text("left", g->left),
                              lb_bool("complete", !*g->left && !lb_plans(g->ctx))),
                      err);
    const lb_error *why = &g->failed;
    if (r < 0 || !why->code)
        return r;
    return lb_fail(err, why->code,
                   lb_printf(g->ctx, "%s%sthen run it again: what stands is found", why->hint, *why->hint ? "; " : ""),
                   "%s (stands: %s; left: %s)", why->message, *g->stands ? g->stands : "nothing", g->left);
}
