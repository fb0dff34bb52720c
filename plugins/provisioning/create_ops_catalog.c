/* create_ops_catalog: where the history lives in Unity Catalog: catalog, schema, the volume that outbox files go
 * through, and who may read. Its tables are the history service's to make, from the one definition that there is, when
 * it first writes; what this run records has it do so. Where there is no Unity Catalog the history is at home, and that
 * is all. */
#include "branch_json.h"
#include "branch_plane.h"

struct args {
    const char *catalog, *schema, *volume;
    lb_texts readers;
};

static const lb_param params[] = {
    LB_PARAM(struct args, catalog, LB_TEXT, "ops_catalog", "the catalog, as [services.delta] has it"),
    LB_PARAM(struct args, schema, LB_TEXT, "lakebase_ops", "the schema in it"),
    LB_PARAM(struct args, volume, LB_TEXT, "outbox", "the volume in the schema"),
    LB_PARAM(struct args, readers, LB_LIST_OF(LB_TEXT), NULL, "groups, mail addresses or client ids that may read"),
    LB_PARAMS_END,
};

#define COMMENT "the history of LakebaseOps"

/* ---- what is there ---- */

/* What is missing in Unity Catalog, told from a workspace that has none. */
static bool is_missing(const lb_error *err)
{
    return err->code == LB_ERR_NOT_FOUND && strstr(err->message, "DOES_NOT_EXIST");
}

/* NULL after a failure, and where there is nothing: err says which. */
static struct json_object *find(lb_ctx *ctx, const char *path, const char *query, lb_error *err)
{
    const char *reply = NULL;
    if (!path)
        (void)lb_out_of_memory(err); /* the NULL says it */
    else if (lb_control(ctx, &(lb_request){.method = "GET", .path = path, .query = query}, &reply, err) >= 0)
        return branch_json_keep(ctx, reply, err);
    return NULL;
}

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_is_type(found, json_type_string)
               ? json_object_get_string(found)
               : NULL;
}

/* ---- what is made ---- */

static int change(lb_ctx *ctx, const char *title, const char *reason, const char *undo, const lb_request *request,
                  lb_outcome *ret_outcome, lb_error *err)
{
    const plane_change c = {.title = title, .reason = reason, .undo = undo, .request = *request};
    return request->body ? plane_apply(ctx, &c, ret_outcome, err) : lb_out_of_memory(err);
}

/* `parts`: the body's names; what is there stays as it is. */
static int need(lb_ctx *ctx, const char *kind, const char *full_name, const char *parts, const char *grant,
                lb_error *err)
{
    lb_outcome outcome = LB_APPLIED;
    bool there = find(ctx, lb_printf(ctx, "unity-catalog/%s/%s", kind, full_name), NULL, err) != NULL;
    if (!there && !is_missing(err))
        return err->code;
    const lb_request request = {.method = "POST",
                                .path = lb_printf(ctx, "unity-catalog/%s", kind),
                                .body = lb_printf(ctx, "{%s,\"comment\":\"" COMMENT "\"}", parts)};
    int r = there ? 0
                  : change(ctx, lb_printf(ctx, "create the %.*s %s", (int)strlen(kind) - 1, kind, full_name),
                           "the history lives in it", "drop it while it is empty", &request, &outcome, err);
    if (r == LB_ERR_DENIED)
        (void)snprintf(err->hint, sizeof err->hint, "it takes a grant: %s", grant); /* cut */
    return r < 0 ? r
                 : lb_append(ctx, "objects",
                             LB_ARGS(lb_text("kind", kind), lb_text("name", full_name),
                                     lb_bool("created", !there && outcome == LB_APPLIED)),
                             err);
}

static int need_places(lb_ctx *ctx, lb_error *err)
{
    const struct args *a = ctx->args;
    int r = need(ctx, "catalogs", a->catalog, lb_printf(ctx, "\"name\":\"%s\"", a->catalog),
                 "CREATE CATALOG ON METASTORE", err);
    if (r >= 0)
        r = need(ctx, "schemas", lb_printf(ctx, "%s.%s", a->catalog, a->schema),
                 lb_printf(ctx, "\"name\":\"%s\",\"catalog_name\":\"%s\"", a->schema, a->catalog),
                 "USE CATALOG, CREATE SCHEMA ON CATALOG", err);
    if (r >= 0)
        r = need(ctx, "volumes", lb_printf(ctx, "%s.%s.%s", a->catalog, a->schema, a->volume),
                 lb_printf(ctx,
                           "\"name\":\"%s\",\"catalog_name\":\"%s\",\"schema_name\":\"%s\",\"volume_type\":\"MANAGED\"",
                           a->volume, a->catalog, a->schema),
                 "USE SCHEMA, CREATE VOLUME ON SCHEMA", err);
    return r;
}

/* ---- who may read ---- */

static bool holds(struct json_object *grants, const char *who, const char *privilege)
{
    struct json_object *list = NULL;
    (void)json_object_object_get_ex(grants, "privilege_assignments", &list); /* nobody: none */
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i), *privileges = NULL;
        const char *principal = text_of(one, "principal");
        (void)json_object_object_get_ex(one, "privileges", &privileges); /* as above */
        for (size_t k = 0;
             principal && strcmp(principal, who) == 0 && privileges && k < json_object_array_length(privileges); k++)
            if (strcmp(json_object_get_string(json_object_array_get_idx(privileges, k)), privilege) == 0)
                return true;
    }
    return false;
}

static const char *grant_body(lb_ctx *ctx, struct json_object *grants, const char *who, const char *const *wanted)
{
    struct json_object *body = branch_json_object(ctx), *changes = json_object_new_array(),
                       *one = json_object_new_object(), *add = json_object_new_array();
    size_t missing = 0;
    bool ok = branch_json_add(body, "changes", changes) && one && json_object_array_add(changes, one) == 0 &&
              branch_json_add_text(one, "principal", who) && branch_json_add(one, "add", add);
    for (; ok && *wanted; wanted++)
        if (!holds(grants, who, *wanted)) {
            ok = json_object_array_add(add, json_object_new_string(*wanted)) == 0;
            missing++;
        }
    return !ok ? NULL : missing ? branch_json_text(ctx, body) : "";
}

static int grant(lb_ctx *ctx, const char *kind, const char *name, const char *who, const char *const *wanted,
                 lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    const char *path = lb_printf(ctx, "unity-catalog/permissions/%s/%s", kind, name);
    struct json_object *grants = find(ctx, path, NULL, err);
    const char *body = grants ? grant_body(ctx, grants, who, wanted) : NULL;
    if (!body)
        return grants ? lb_out_of_memory(err) : err->code;
    if (!*body)
        return 0; /* has all of them */
    const lb_request request = {.method = "PATCH", .path = path, .body = body};
    int r = change(ctx, lb_printf(ctx, "let %s read the %s %s", who, kind, name), "dashboards and people read it",
                   "revoke what was granted", &request, &outcome, err);
    return r < 0 ? r
                 : lb_append(ctx, "grants",
                             LB_ARGS(lb_text("principal", who), lb_text("kind", kind), lb_text("name", name),
                                     lb_bool("granted", outcome == LB_APPLIED)),
                             err);
}

static int need_readers(lb_ctx *ctx, lb_error *err)
{
    static const char *const of_catalog[] = {"USE_CATALOG", NULL}, *const of_schema[] = {"USE_SCHEMA", "SELECT", NULL};
    const struct args *a = ctx->args;
    const char *schema = lb_printf(ctx, "%s.%s", a->catalog, a->schema);
    int r = schema ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && !lb_plans(ctx) && i < a->readers.count; i++) {
        r = grant(ctx, "catalog", a->catalog, a->readers.items[i], of_catalog, err);
        if (r >= 0)
            r = grant(ctx, "schema", schema, a->readers.items[i], of_schema, err);
    }
    return r;
}

/* ---- the run ---- */

static int count_tables(lb_ctx *ctx, int64_t *ret_count, lb_error *err)
{
    const struct args *a = ctx->args;
    struct json_object *page = NULL, *tables = NULL;
    const char *token = NULL, *query = NULL;
    do {
        query = lb_printf(ctx, "catalog_name=%s&schema_name=%s&omit_columns=true&max_results=0%s%s", a->catalog,
                          a->schema, token ? "&page_token=" : "", token ? token : "");
        page = query ? find(ctx, "unity-catalog/tables", query, err) : NULL;
        if (!page)
            return query ? err->code : lb_out_of_memory(err);
        if (json_object_object_get_ex(page, "tables", &tables))
            *ret_count += (int64_t)json_object_array_length(tables);
        token = text_of(page, "next_page_token");
    } while (token && *token);
    return 0;
}

static int check_names(const struct args *a, lb_error *err)
{
    const char *const names[] = {a->catalog, a->schema, a->volume};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!*names[i] || names[i][strspn(names[i], "abcdefghijklmnopqrstuvwxyz0123456789_-")])
            return lb_fail(err, LB_ERR_INVALID, "lower-case letters, digits, _ and -",
                           "\"%.80s\" cannot be a name of it", names[i]);
    return 0;
}

static int tell(lb_ctx *ctx, bool unity, int64_t tables, lb_error *err)
{
    const struct args *a = ctx->args;
    int r = lb_record(ctx, "lakebase_metrics",
                      LB_ARGS(lb_text("metric_name", "ops_catalog_tables"), lb_f64("metric_value", (double)tables),
                              lb_text("unit", "count"), lb_time("snapshot_timestamp", lb_now(ctx))),
                      err);
    return r < 0 ? r
                 : lb_result(
                       ctx,
                       LB_ARGS(lb_bool("unity_catalog", unity), lb_text("catalog", a->catalog),
                               lb_text("schema", a->schema), lb_i64("tables", tables),
                               lb_text("details", unity ? "its tables are made by the history service when it first "
                                                          "writes to each"
                                                        : "no Unity Catalog here: the history is at home, and its "
                                                          "service makes the tables when it first writes to each")),
                       err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *a = ctx->args;
    int64_t tables = 0;
    int r = check_names(a, err);
    if (r < 0)
        return r;
    bool there = find(ctx, lb_printf(ctx, "unity-catalog/catalogs/%s", a->catalog), NULL, err) != NULL;
    bool none = !there && !is_missing(err) && (err->code == LB_ERR_NOT_FOUND || err->code == LB_ERR_UNSUPPORTED);
    if (none)
        return tell(ctx, false, 0, err);
    r = need_places(ctx, err);
    if (r >= 0)
        r = need_readers(ctx, err);
    if (r >= 0 && !lb_plans(ctx))
        r = count_tables(ctx, &tables, err);
    return r < 0 ? r : tell(ctx, true, tables, err);
}

LB_TOOL(create_ops_catalog, "makes what the history needs in Unity Catalog", .agent = "provisioning",
        .risk = LB_RISK_LOW, .workspace = true, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("lakebase_metrics"), .run = run);
