/* The Data API: which schemas it shows, to whom browsers may tell of it, and that it can act as the tenants. Where the
 * control plane has none there is nothing to do, and that is said. */
#include "branch_json.h"
#include "branch_plane.h"
#include "rls.h"

#include <sql/rls/api_roles.h>
#include <sql/rls/join_role.h>

#define AUTHENTICATOR "authenticator" /* the platform's role that the Data API logs in as */

typedef struct api {
    const char *path;             /* of the database's Data API; NULL: the control plane has no such database */
    struct json_object *document; /* NULL: it is not enabled */
    bool unknown;                 /* the control plane knows of no Data API at all */
} api;

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_is_type(found, json_type_string)
               ? json_object_get_string(found)
               : NULL;
}

/* ---- what is there ---- */

static struct json_object *read_json(rls_work *w, const char *path, lb_error *err)
{
    const char *reply = NULL;
    if (!path)
        (void)lb_out_of_memory(err); /* the NULL says it */
    else if (lb_control(w->ctx, &(lb_request){.method = "GET", .path = path}, &reply, err) >= 0)
        return branch_json_keep(w->ctx, reply, err);
    return NULL;
}

static bool is_absent(const lb_error *err)
{
    return err->code == LB_ERR_NOT_FOUND || err->code == LB_ERR_UNSUPPORTED;
}

static const char *find_database(const rls_work *w, struct json_object *list)
{
    struct json_object *items = NULL, *status = NULL;
    (void)json_object_object_get_ex(list, "databases", &items); /* without one there is none */
    for (size_t i = 0; items && i < json_object_array_length(items); i++) {
        struct json_object *one = json_object_array_get_idx(items, i);
        const char *name =
            json_object_object_get_ex(one, "status", &status) ? text_of(status, "postgres_database") : NULL;
        if (name && strcmp(name, w->database) == 0)
            return text_of(one, "name");
    }
    return NULL;
}

static int find_api(rls_work *w, api *ret, lb_error *err)
{
    const lb_target *target = lb_run_target(w->ctx);
    *ret = (api){.path = NULL};
    struct json_object *list =
        read_json(w, lb_printf(w->ctx, "projects/%s/branches/%s/databases", target->project, target->branch), err);
    if (!list)
        return is_absent(err) ? 0 : err->code;
    const char *database = find_database(w, list);
    ret->path = database ? lb_printf(w->ctx, "%s/data-api", database) : NULL;
    if (!ret->path)
        return 0;
    ret->document = read_json(w, ret->path, err);
    if (ret->document)
        return 0;
    ret->unknown = err->code == LB_ERR_UNSUPPORTED; /* not found: its database was there a moment ago, so it is off */
    return is_absent(err) ? 0 : err->code;
}

/* ---- lists of the document ---- */

static struct json_object *list_of(const api *a, const char *field)
{
    struct json_object *status = NULL, *found = NULL;
    return a->document && json_object_object_get_ex(a->document, "status", &status) &&
                   json_object_object_get_ex(status, field, &found) && json_object_is_type(found, json_type_array)
               ? found
               : NULL;
}

static bool holds(struct json_object *list, const char *text)
{
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), text) == 0)
            return true;
    return false;
}

static bool wants(const lb_texts *wanted, const char *text)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (strcmp(wanted->items[i], text) == 0)
            return true;
    return false;
}

static size_t count_missing(const api *a, const char *field, const lb_texts *wanted)
{
    size_t missing = 0;
    for (size_t i = 0; i < wanted->count; i++)
        missing += !holds(list_of(a, field), wanted->items[i]);
    return missing;
}

/* What is there stays; what is missing comes behind it. */
static bool put_list(const api *a, const char *field, const lb_texts *wanted, struct json_object *spec)
{
    struct json_object *list = json_object_new_array(), *there = list_of(a, field);
    bool ok = branch_json_add(spec, field, list);
    for (size_t i = 0; ok && there && i < json_object_array_length(there); i++)
        ok = json_object_array_add(list, json_object_get(json_object_array_get_idx(there, i))) == 0;
    for (size_t i = 0; ok && i < wanted->count; i++)
        if (!holds(there, wanted->items[i]))
            ok = json_object_array_add(list, json_object_new_string(wanted->items[i])) == 0;
    return ok;
}

/* ---- what is surplus ---- */

static int tell_list(rls_work *w, const api *a, const char *field, const lb_texts *wanted, const char *kind,
                     const char *reason, lb_error *err)
{
    struct json_object *list = list_of(a, field);
    int r = 0;
    for (size_t i = 0; r >= 0 && list && i < json_object_array_length(list); i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(list, i));
        bool is_wide = strcmp(text, "*") == 0;
        if (is_wide || (wanted->count && !wants(wanted, text)))
            r = lb_report(w->ctx,
                          LB_FINDING(.object = a->path, .kind = is_wide ? "any_origin" : kind,
                                     .reason = is_wide ? "pages of every origin may ask the Data API" : reason,
                                     .evidence = LB_ARGS(lb_text(field, text)),
                                     .terms = LB_TERMS({"read_from_control_plane", 0.9})),
                          err);
    }
    return r;
}

/* ---- what is done ---- */

static int apply_settings(rls_work *w, const api *a, lb_error *err)
{
    const rls_wish *wish = w->wish;
    const lb_texts *schemas = &wish->exposed_schemas, *origins = &wish->cors_origins;
    size_t missing = count_missing(a, "db_schemas", schemas),
           strange = count_missing(a, "server_cors_allowed_origins", origins);
    struct json_object *body = branch_json_object(w->ctx), *spec = json_object_new_object();
    lb_outcome outcome = LB_REFUSED;
    if (!missing && !strange) {
        (void)json_object_put(spec); /* NULL is fine */
        return 0;
    }
    bool ok = branch_json_add(body, "spec", spec);
    if (missing)
        ok = ok && put_list(a, "db_schemas", schemas, spec);
    if (strange)
        ok = ok && put_list(a, "server_cors_allowed_origins", origins, spec);
    const plane_change change = {
        .title = a->document ? "show more by the Data API" : "enable the Data API",
        .reason = "tenants' rows are read through it, by the policies",
        .undo = a->document ? "set its schemas and origins as they were" : "disable it",
        .request = {.method = a->document ? "PATCH" : "POST",
                    .path = a->path,
                    .query = !a->document ? NULL
                             : !missing   ? "update_mask=spec.server_cors_allowed_origins"
                             : strange    ? "update_mask=spec.db_schemas,spec.server_cors_allowed_origins"
                                          : "update_mask=spec.db_schemas",
                    .body = ok ? branch_json_text(w->ctx, body) : NULL}};
    int r = change.request.body ? plane_apply(w->ctx, &change, &outcome, err) : lb_out_of_memory(err);
    w->waits = w->waits || outcome == LB_WAITING;
    return r;
}

/* Who asks is acted as, so its role has to be one that the Data API may take. A plan makes neither, and shows it. */
static int let_act(rls_work *w, lb_error *err)
{
    const char **roles = lb_alloc(w->ctx, (w->tenant_count + 1) * sizeof *roles);
    rls_api_roles_row row;
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    lb_rows *rows = NULL;
    size_t count = 0;
    if (!roles)
        return lb_out_of_memory(err);
    int r = rls_api_roles(w->ctx, &(rls_api_roles_args){.roles = w->roles, .planned = lb_plans(w->ctx)}, &rows, err);
    while (r >= 0 && count < w->tenant_count && rls_api_roles_next(w->ctx, rows, &row))
        if (!row.api_may_act_is_null && !row.api_may_act)
            roles[count++] = row.role;
    if (r < 0 || !count)
        return r;
    r = lb_group_open(w->ctx,
                      LB_GROUP(.title = "let the Data API act as tenants",
                               .reason = "it takes the role of who asks, and needs to be a member of it",
                               .evidence = LB_ARGS(lb_i64("roles", (int64_t)count)), .undo = "revoke the membership",
                               .atomic = true),
                      &group, err);
    if (r >= 0)
        r = rls_join_role(w->ctx, group, &(rls_join_role_args){.roles = {roles, count}, .member = AUTHENTICATOR}, err);
    if (r >= 0)
        r = lb_apply(w->ctx, group, &outcome, err);
    w->waits = w->waits || outcome == LB_WAITING;
    return r;
}

/* Why the Data API stays as it is; NULL: it need not. */
static const char *why_not_yet(const rls_work *w)
{
    if (w->waits)
        return "what keeps tenants apart waits for a person: run this again when it is decided";
    if (strcmp(w->wish->isolation, "schema") != 0 && !w->tables.count)
        return "no table was found to keep tenants apart in, so nothing is shown";
    return w->gap;
}

int rls_expose(rls_work *w, lb_error *err)
{
    const rls_wish *wish = w->wish;
    const char *why = why_not_yet(w);
    bool is_wanted = wish->exposed_schemas.count || wish->cors_origins.count;
    api a;
    int r = find_api(w, &a, err);
    if (r < 0)
        return lb_wrap(err, "Data API");
    if (!a.path || a.unknown)
        return lb_skipped(w->ctx, "Data API", "the control plane here has none", err);
    if (!a.document && !wish->exposed_schemas.count) /* without a list it would show public */
        return lb_skipped(w->ctx, "Data API", "it is not enabled; --exposed_schemas does that", err);
    if (r >= 0)
        r = tell_list(w, &a, "db_schemas", &wish->exposed_schemas, "surplus_schema",
                      "the Data API shows a schema that is not among those given", err);
    if (r >= 0)
        r = tell_list(w, &a, "server_cors_allowed_origins", &wish->cors_origins, "surplus_origin",
                      "pages of an origin that is not among those given may ask the Data API", err);
    if (r >= 0 && why)
        return lb_skipped(w->ctx, "Data API", why, err);
    if (r >= 0 && is_wanted)
        r = apply_settings(w, &a, err);
    if (r >= 0)
        r = let_act(w, err);
    return r < 0 ? lb_wrap(err, "Data API") : lb_result(w->ctx, LB_ARGS(lb_text("data_api", a.path)), err);
}
