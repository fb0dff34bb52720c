/* create_ops_catalog: where the history lives in Unity Catalog: catalog, schema, the volume that outbox files go
 * through, and who may read. Its tables are the history service's to make, from the one definition that there is, when
 * it first writes; what this run records has it do so. Where there is no Unity Catalog the history is at home, and that
 * is all. */
#include "branch_plane.h"
#include "unity.h"

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
    bool there = unity_find(ctx, lb_printf(ctx, "unity-catalog/%s/%s", kind, full_name), NULL, err) != NULL;
    if (!there && !unity_is_missing(err))
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

/* What is only planned has no grants yet: those come with the run that makes it. */
static int let_read(lb_ctx *ctx, const unity_grant *grant, lb_error *err)
{
    int r = unity_let(ctx, grant, err);
    return r < 0 && lb_plans(ctx) && unity_is_missing(err) ? 0 : r;
}

static int need_readers(lb_ctx *ctx, lb_error *err)
{
    static const char *const of_catalog[] = {"USE_CATALOG", NULL}, *const of_schema[] = {"USE_SCHEMA", "SELECT", NULL};
    const struct args *a = ctx->args;
    const char *schema = lb_printf(ctx, "%s.%s", a->catalog, a->schema);
    int r = schema ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < a->readers.count; i++) {
        unity_grant grant = {.kind = "catalog",
                             .name = a->catalog,
                             .who = a->readers.items[i],
                             .wanted = of_catalog,
                             .reason = "dashboards and people read it"};
        r = let_read(ctx, &grant, err);
        grant.kind = "schema";
        grant.name = schema;
        grant.wanted = of_schema;
        if (r >= 0)
            r = let_read(ctx, &grant, err);
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
        page = query ? unity_find(ctx, "unity-catalog/tables", query, err) : NULL;
        if (!page)
            return query ? err->code : lb_out_of_memory(err);
        if (json_object_object_get_ex(page, "tables", &tables))
            *ret_count += (int64_t)json_object_array_length(tables);
        token = unity_text(page, "next_page_token");
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
    bool there = unity_find(ctx, lb_printf(ctx, "unity-catalog/catalogs/%s", a->catalog), NULL, err) != NULL;
    if (!there && unity_is_absent(err))
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
