/* read_schema: the schema of a database as one document, to compare with another one now or later. */
#include "schema.h"

#define ATTRS_MAX 100

struct args {
    lb_texts schemas, exclude_schemas;
};

static const lb_param params[] = {
    LB_PARAM(struct args, schemas, LB_LIST_OF(LB_TEXT), NULL, "only these schemas; none given: all"),
    LB_PARAM(struct args, exclude_schemas, LB_LIST_OF(LB_TEXT), NULL, "schemas to leave out"),
    LB_PARAMS_END,
};

typedef struct writing {
    lb_ctx *ctx;
    int64_t objects;
} writing;

static bool is_among(const lb_texts *names, const char *name)
{
    for (size_t i = 0; name && i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static bool is_wanted(const struct args *args, const char *schema)
{
    return !is_among(&args->exclude_schemas, schema) &&
           (!schema || !args->schemas.count || is_among(&args->schemas, schema));
}

/* Names and values in turn; what has no value is left out. */
static uint32_t pack(const schema_row *row, lb_value *items)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i + 1 < row->attr_count && count + 1 < ATTRS_MAX; i += 2)
        if (row->attrs[i + 1].type == LB_TEXT) {
            items[count++] = lb_text(NULL, row->attrs[i].v.text);
            items[count++] = lb_text(NULL, row->attrs[i + 1].v.text);
        }
    return count;
}

static int put_row(void *state, const schema_row *row, lb_error *err)
{
    writing *w = state;
    lb_value attrs[ATTRS_MAX];
    const lb_value key[] = {lb_i64(NULL, row->key.catalog), lb_i64(NULL, row->key.object), lb_i64(NULL, row->key.part)};
    const lb_value up[] = {lb_i64(NULL, row->up_key.catalog), lb_i64(NULL, row->up_key.object),
                           lb_i64(NULL, row->up_key.part)};
    if (!is_wanted(w->ctx->args, row->schema))
        return 0;
    w->objects++;
    uint32_t count = pack(row, attrs);
    return lb_append(w->ctx, "objects",
                     LB_ARGS(lb_text("kind", row->kind), lb_text("schema", row->schema),
                             lb_text("address", row->address), lb_text("name", row->name),
                             lb_list("key", LB_I64, key, 3), lb_list("up", LB_I64, up, 3),
                             lb_list("attrs", LB_TEXT, attrs, count)),
                     err);
}

static int put_edge(void *state, schema_key a, schema_key b, const char *via, lb_error *err)
{
    const writing *w = state;
    const lb_value ends[] = {lb_i64(NULL, a.catalog),  lb_i64(NULL, a.object), lb_i64(NULL, a.part),
                             lb_i64(NULL, b.catalog),  lb_i64(NULL, b.object), lb_i64(NULL, b.part),
                             lb_i64(NULL, via != NULL)};
    return lb_append(w->ctx, "edges", LB_ARGS(lb_list("needs", LB_I64, ends, 7)), err);
}

static int put_commit(void *state, schema_commit commit, lb_error *err)
{
    const writing *w = state;
    const lb_value pair[] = {lb_i64(NULL, commit.xid), lb_i64(NULL, commit.at)};
    return lb_append(w->ctx, "commits", LB_ARGS(lb_list("at", LB_I64, pair, 2)), err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    writing w = {.ctx = ctx};
    schema_place place = {0};
    int major = 0;
    int r = lb_server_version(ctx, &major, err);
    if (r >= 0)
        r = schema_find_place(ctx, &place, err);
    if (r >= 0)
        r = lb_result(ctx,
                      LB_ARGS(lb_i64("schema_version", SCHEMA_VERSION), lb_i64("server_version", major),
                              lb_text("database", place.database), lb_text("system_identifier", place.system),
                              lb_i64("database_oid", place.database_oid)),
                      err);
    if (r >= 0)
        r = schema_each_commit(ctx, &place, put_commit, &w, err);
    if (r >= 0)
        r = schema_each(ctx, put_row, put_edge, &w, err);
    return r < 0 ? r : lb_examined(ctx, "objects", w.objects, err);
}

LB_TOOL(read_schema, "the schema of a database as one document, to compare with another", .agent = "provisioning",
        .risk = LB_RISK_LOW, .timeout_s = 300, LB_TOOL_ARGS(struct args, params), .run = run);
