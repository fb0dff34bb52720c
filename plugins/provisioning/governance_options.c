/* What people say of single steps of a plan: arguments by the name of the step's tool. */
#include "governance.h"

/* ---- as values ---- */

/* A text as it is, anything else as JSON, null as if it were not given: the form in which a tool's parameters are
 * parsed. */
static lb_value value_of(lb_ctx *ctx, const char *name, struct json_object *value)
{
    const char *text = json_object_is_type(value, json_type_string)
                           ? json_object_get_string(value)
                           : json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
    return value ? lb_text(name, lb_printf(ctx, "%s", text)) : lb_null(name);
}

static bool is_plain_text(struct json_object *value)
{
    return !json_object_is_type(value, json_type_string) ||
           strlen(json_object_get_string(value)) == (size_t)json_object_get_string_len(value);
}

int governance_merge(const governance *g, const char *tool, const lb_value *args, const lb_value **ret_args,
                     lb_error *err)
{
    struct json_object *own = g->options ? governance_member(g->options, tool, json_type_object) : NULL;
    size_t count = 0, kept = 0;
    *ret_args = args;
    if (!own)
        return 0;
    while (args[count].type != LB_END)
        count++;
    lb_value *all = lb_alloc(g->ctx, (count + (size_t)json_object_object_length(own) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        if (!json_object_object_get_ex(own, args[i].name, NULL))
            all[kept++] = args[i];
    json_object_object_foreach(own, name, value) all[kept++] = value_of(g->ctx, name, value);
    *ret_args = all;
    return 0;
}

/* ---- before anything is begun ---- */

static int check_parameter(const governance_kind *kind, const char *name, struct json_object *value, lb_error *err)
{
    for (const char *const *decided = kind->decided; *decided; decided++)
        if (strcmp(*decided, name) == 0)
            return lb_fail(err, LB_ERR_INVALID, "leave it out there: the plan's own arguments say it",
                           "--options: %s of %s follows from the plan", name, kind->tool);
    return is_plain_text(value) ? 0
                                : lb_fail(err, LB_ERR_INVALID, "leave the NUL out",
                                          "--options: %s of %s has a NUL in it", name, kind->tool);
}

static int check_step(governance *g, const governance_kind *kind, struct json_object *own, lb_error *err)
{
    const lb_value *args = NULL;
    int r = 0;
    if (!json_object_is_type(own, json_type_object))
        return lb_fail(err, LB_ERR_INVALID, "an object of its parameters and their values",
                       "--options: what is said of %s is no object", kind->tool);
    json_object_object_foreach(own, name, value) r = r < 0 ? r : check_parameter(kind, name, value, err);
    if (r >= 0 && kind->missing)
        return lb_fail(err, LB_ERR_INVALID, kind->missing, "--options: this plan does not take the step %s",
                       kind->tool);
    if (r >= 0)
        r = governance_merge(g, kind->tool, LB_NO_ARGS, &args, err);
    return r < 0 || lb_call_check(g->ctx, kind->tool, args, err) >= 0 ? r : lb_wrap(err, "--options");
}

static int no_such_step(governance *g, const governance_kind *kinds, size_t count, const char *name, lb_error *err)
{
    const char *all = kinds[0].tool;
    for (size_t i = 1; all && i < count; i++)
        all = lb_printf(g->ctx, "%s, %s", all, kinds[i].tool);
    return lb_fail(err, LB_ERR_INVALID, all, "--options: the plan has no step %.80s", name);
}

int governance_choose(governance *g, const governance_kind *kinds, size_t count, const char *options, lb_error *err)
{
    int r = 0;
    if (!options)
        return 0;
    g->options = branch_json_keep(g->ctx, options, err);
    if (!g->options || !json_object_is_type(g->options, json_type_object))
        return lb_fail(err, LB_ERR_INVALID, "such as {\"configure_rls\": {\"tenant_column\": \"org\"}}",
                       "--options is no object");
    json_object_object_foreach(g->options, tool, own)
    {
        const governance_kind *kind = NULL;
        for (size_t i = 0; i < count; i++)
            kind = strcmp(kinds[i].tool, tool) == 0 ? &kinds[i] : kind;
        if (r >= 0)
            r = kind ? check_step(g, kind, own, err) : no_such_step(g, kinds, count, tool, err);
    }
    return r;
}
