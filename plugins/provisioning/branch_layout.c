/* A layout, carried out. */
#include "branch_layout.h"

static int keep(branch_layout *l, const char *name, lb_error *err)
{
    const char *kept = lb_printf(l->ctx, "%s", name);
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 32;
        lb_value *grown = lb_alloc(l->ctx, capacity * sizeof *grown);
        if (!grown)
            return lb_out_of_memory(err);
        if (l->count)
            memcpy(grown, l->names, l->count * sizeof *grown);
        l->names = grown;
        l->capacity = capacity;
    }
    if (!kept)
        return lb_out_of_memory(err);
    l->names[l->count++] = lb_text(NULL, kept);
    return 0;
}

static int tell(branch_layout *l, const char *name, const branch_kind *kind, bool created, const char *differs,
                lb_error *err)
{
    l->made += created;
    int r = keep(l, name, err);
    if (r >= 0)
        r = lb_append(l->ctx, "branches",
                      LB_ARGS(lb_text("project_id", l->project), lb_text("branch", name), lb_text("type", kind->kind),
                              lb_text("rule", kind->id), lb_i64("ttl_seconds", kind->ttl_s),
                              lb_bool("created", created)),
                      err);
    return r < 0 || !differs ? r
                             : lb_append(l->ctx, "differences",
                                         LB_ARGS(lb_text("project_id", l->project), lb_text("branch", name),
                                                 lb_text("what", differs)),
                                         err);
}

/* What the project came with: taken over, and protected where it is not. */
static int take_root(branch_layout *l, const char *name, const branch_kind *kind, lb_error *err)
{
    const char *json = NULL;
    const plane_branch *b = NULL;
    if (l->fresh)
        return tell(l, name, kind, false, NULL, err);
    int r = plane_read_branch(l->ctx, l->project, name, &b, err);
    if (r >= 0 && !b)
        return lb_fail(err, LB_ERR_CONFLICT, "give a policy that names the root of this project",
                       "%s has no branch %s, which the others are to be made from", l->project, name);
    if (r >= 0 && !b->is_protected)
        r = lb_call(l->ctx, "protect_branch", &(lb_target){.project = l->project, .branch = name}, LB_NO_ARGS, &json,
                    err);
    if (r < 0)
        return r;
    if (json)
        l->made += strstr(json, "\"changed\":true") != NULL;
    return tell(l, name, kind, false,
                b->source       ? "is no root"
                : b->is_default ? NULL
                                : "is not the default branch",
                err);
}

int branch_layout_branch(void *state, const char *name, lb_error *err)
{
    branch_layout *l = state;
    branch_made made = {.created = false};
    const branch_kind *kind = branch_kind_of_name(l->policy, name, err);
    if (!kind)
        return err->code;
    if (!*kind->parents)
        return take_root(l, name, kind, err);
    const branch_order order = {.project = l->project,
                                .wish = {.name = name},
                                .reason = lb_printf(l->ctx, "laid out as %s", l->pattern->name),
                                .creator_type = l->creator_type,
                                .fresh = l->fresh};
    int r = order.reason ? branch_make(l->ctx, l->policy, &order, &made, err) : lb_out_of_memory(err);
    return r < 0 ? r : tell(l, name, kind, made.created, made.differs, err);
}

static int add_schema(void *state, const char *name, lb_error *err)
{
    return keep(state, name, err);
}

int branch_layout_schemas(branch_layout *l, lb_error *err)
{
    const char *json = NULL;
    if (!*l->pattern->schemas || l->fresh)
        return 0;
    l->count = 0;
    int r = branch_pattern_each(l->pattern->schemas, &l->words, add_schema, l, err);
    if (r >= 0)
        r = lb_call(l->ctx, "branch_schemas", &(lb_target){.project = l->project, .branch = "production"},
                    LB_ARGS(lb_list("schemas", LB_TEXT, l->names, l->count)), &json, err);
    l->count = 0;
    l->made += r >= 0 && !strstr(json, "\"made\":0");
    return r;
}
