/* A layout, carried out. */
#include "branch_layout.h"

static int keep(lb_ctx *ctx, branch_names *names, const char *name, lb_error *err)
{
    const char *kept = lb_printf(ctx, "%s", name);
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? names->capacity * 2 : 32;
        lb_value *grown = lb_alloc(ctx, capacity * sizeof *grown);
        if (!grown)
            return lb_out_of_memory(err);
        if (names->count)
            memcpy(grown, names->items, names->count * sizeof *grown);
        names->items = grown;
        names->capacity = capacity;
    }
    if (!kept)
        return lb_out_of_memory(err);
    names->items[names->count++] = lb_text(NULL, kept);
    return 0;
}

static int tell(branch_layout *l, const char *name, const branch_kind *kind, bool created, const char *differs,
                lb_error *err)
{
    l->made += created;
    int r = keep(l->ctx, &l->names, name, err);
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

/* ---- schemas ---- */

static int add_schema(void *state, const char *name, lb_error *err)
{
    branch_layout *l = state;
    return keep(l->ctx, &l->schemas, name, err);
}

static int make_schemas(branch_layout *l, const char *branch, lb_error *err)
{
    const char *json = NULL;
    int r = lb_call(l->ctx, "branch_schemas", &(lb_target){.project = l->project, .branch = branch},
                    LB_ARGS(lb_list("schemas", LB_TEXT, l->schemas.items, l->schemas.count)), &json, err);
    l->made += r >= 0 && !strstr(json, "\"made\":0");
    return r;
}

/* A compute that somebody disabled does not wake up by itself. */
static bool is_asleep(const branch_layout *l, const char *branch, int r)
{
    lb_error ignored;
    const plane_endpoint *endpoint = NULL;
    return r == LB_ERR_SUSPENDED && plane_read_endpoint(l->ctx, l->project, branch, &endpoint, &ignored) >= 0 &&
           endpoint && !endpoint->is_disabled;
}

/* Nobody's compute is woken for this: a run that comes when it is awake does what is left. */
static int pass_over(branch_layout *l, const char *branch, lb_error *err)
{
    const char *name = lb_printf(l->ctx, "%s/%s", l->project, branch);
    l->asleep++;
    return name ? lb_skipped(l->ctx, name,
                             "asleep: whether it has all schemas is not known; run this again while it is awake "
                             "(lbops target dsn wakes it, with --wake)",
                             err)
                : lb_out_of_memory(err);
}

int branch_layout_schemas(branch_layout *l, lb_error *err)
{
    l->schemas.count = 0;
    if (!*l->pattern->schemas || l->fresh)
        return 0;
    int r = branch_pattern_each(l->pattern->schemas, &l->words, add_schema, l, err);
    if (r < 0)
        return r;
    r = make_schemas(l, "production", err);
    l->root_sleeps = is_asleep(l, "production", r);
    return l->root_sleeps ? pass_over(l, "production", err) : r;
}

/* A branch where that fails is no reason to leave the others; the run fails at its end, unless it only sleeps. */
static int add_schemas(branch_layout *l, const char *branch, lb_error *err)
{
    int r = l->schemas.count ? make_schemas(l, branch, err) : 0;
    if (r >= 0 || r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY || lb_cancelled(l->ctx))
        return r;
    if (is_asleep(l, branch, r))
        return pass_over(l, branch, err);
    const char *name = lb_printf(l->ctx, "%s/%s", l->project, branch),
               *why = lb_printf(l->ctx, "whether it has all schemas is not known: %s%s", err->message,
                                r == LB_ERR_SUSPENDED ? "; enable it" : "");
    l->lacking++;
    return name && why ? lb_skipped(l->ctx, name, why, err) : lb_out_of_memory(err);
}

/* ---- a branch ---- */

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
    if (r >= 0 && made.branch && (!made.created || l->root_sleeps))
        r = add_schemas(l, name, err);
    return r < 0 ? r : tell(l, name, kind, made.created, made.differs, err);
}
