#include "cost_usage.h"

#include "branch_json.h"
#include "branch_plane.h"

#include <math.h>
#include <sql/cost/usage.h>
#include <stdlib.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)

/* ---- who is who: the bill has identifiers, people have names ---- */

typedef struct place {
    const char *uid, *project, *branch; /* branch NULL: the project itself */
} place;

typedef struct places {
    place *items;
    size_t count, room;
} places;

static int add_place(lb_ctx *ctx, places *all, place p, lb_error *err)
{
    if (all->count == all->room) {
        size_t room = 2 * all->room + 16;
        place *grown = lb_alloc(ctx, room * sizeof *grown);
        if (!grown)
            return lb_out_of_memory(err);
        if (all->count)
            memcpy(grown, all->items, all->count * sizeof *grown);
        all->items = grown;
        all->room = room;
    }
    if (p.uid && *p.uid)
        all->items[all->count++] = p;
    return 0;
}

static const char *endpoint_uid(lb_ctx *ctx, const char *project, const char *branch)
{
    lb_error ignored; /* a branch without a compute is on no bill for one */
    const plane_endpoint *e = NULL;
    return plane_read_endpoint(ctx, project, branch, &e, &ignored) >= 0 && e ? e->uid : NULL;
}

static int add_project(lb_ctx *ctx, places *all, const char *project, lb_error *err)
{
    const plane_project *p = NULL;
    plane_branches branches;
    int r = plane_read_project(ctx, project, &p, err);
    if (r < 0 || !p || p->is_deleted)
        return r;
    r = add_place(ctx, all, (place){p->uid, project, NULL}, err);
    if (r >= 0)
        r = plane_list_branches(ctx, project, &branches, err);
    for (size_t i = 0; r >= 0 && i < branches.count; i++) {
        const char *branch = branches.items[i].id;
        r = add_place(ctx, all, (place){branches.items[i].uid, project, branch}, err);
        if (r >= 0 && !branches.items[i].is_deleted)
            r = add_place(ctx, all, (place){endpoint_uid(ctx, project, branch), project, branch}, err);
    }
    return r;
}

static int read_places(lb_ctx *ctx, places *all, lb_error *err)
{
    lb_texts projects;
    int r = plane_list_projects(ctx, &projects, err);
    for (size_t i = 0; r >= 0 && i < projects.count; i++)
        r = add_project(ctx, all, projects.items[i], err);
    return r < 0 ? lb_wrap(err, "names of projects and branches") : 0;
}

static const place *find(const places *all, const char *uid)
{
    for (size_t i = 0; uid && i < all->count; i++)
        if (strcmp(all->items[i].uid, uid) == 0)
            return &all->items[i];
    return NULL;
}

/* ---- lines ---- */

static const char *member(struct json_object *d, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(d, name, &found) && found ? json_object_get_string(found) : NULL;
}

/* "effective_list":{"default":"0.4"}, or without it "default". */
static double price_in(struct json_object *pricing)
{
    struct json_object *effective = NULL;
    const char *text = NULL;
    if (json_object_object_get_ex(pricing, "effective_list", &effective))
        text = member(effective, "default");
    text = text ? text : member(pricing, "default");
    return text ? strtod(text, NULL) : NAN;
}

static struct json_object *parsed(lb_ctx *ctx, const char *text)
{
    lb_error ignored; /* what is no JSON says nothing */
    return text ? branch_json_keep(ctx, text, &ignored) : NULL;
}

static void name_places(const places *all, struct json_object *metadata, cost_line *line)
{
    const char *endpoint = member(metadata, "endpoint_id"), *branch = member(metadata, "branch_id");
    const char *project = member(metadata, "project_id"), *instance = member(metadata, "database_instance_id");
    const place *b = find(all, branch), *e = find(all, endpoint), *p = find(all, project);
    line->resource = endpoint ? endpoint : instance ? instance : branch ? branch : project;
    line->branch = b ? b->branch : e ? e->branch : NULL;
    line->project = b ? b->project : e ? e->project : p ? p->project : NULL;
}

static uint64_t hash_on(uint64_t hash, const char *text)
{
    for (const char *c = text ? text : "\1"; *c; c++) /* none is not the same as an empty one */
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    return hash * UINT64_C(1099511628211); /* its end */
}

static uint64_t record_of(const cost_usage_row *row)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)(row->day / DAY_US);
    const char *const texts[] = {row->workspace_id, row->product,  row->sku_name, row->usage_type,
                                 row->usage_unit,   row->metadata, row->features};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash = hash_on(hash, texts[i]);
    return hash;
}

static void take(lb_ctx *ctx, const places *all, const cost_usage_row *row, cost_line *line)
{
    struct json_object *features = parsed(ctx, row->features), *lakebase = NULL;
    const char *storage = NULL;
    if (json_object_object_get_ex(features, "lakebase", &lakebase))
        storage = member(lakebase, "storage_type");
    *line = (cost_line){.day = row->day / DAY_US,
                        .workspace = row->workspace_id,
                        .product = row->product,
                        .sku = row->sku_name,
                        .type = storage ? storage : row->usage_type,
                        .unit = row->usage_unit,
                        .record = record_of(row),
                        .quantity = row->quantity,
                        .price = price_in(parsed(ctx, row->pricing)),
                        .records = row->records};
    name_places(all, parsed(ctx, row->metadata), line);
}

double cost_of(const cost_line *line)
{
    return isnan(line->price) ? 0 : line->quantity * line->price;
}

/* What is missing is no failure of ours: not every workspace has billing tables, or lets us read them. */
static bool is_absence(int code)
{
    return code == LB_ERR_NOT_FOUND || code == LB_ERR_UNSUPPORTED || code == LB_ERR_DENIED;
}

int cost_read(lb_ctx *ctx, const cost_source *source, cost_bill *ret_bill, const char **ret_why, lb_error *err)
{
    const cost_usage_args wanted = {.catalog = source->catalog,
                                    .schema = source->schema,
                                    .usage = source->usage,
                                    .prices = source->prices,
                                    .currency = source->currency,
                                    .since = source->since};
    cost_usage_row row;
    lb_rows *rows = NULL;
    places all = {.items = NULL};
    *ret_bill = (cost_bill){.lines = NULL};
    *ret_why = NULL;
    int r = cost_usage(ctx, &wanted, &rows, err);
    if (is_absence(r)) {
        *ret_why = lb_printf(ctx, "no billing tables can be read: %s", err->message);
        return *ret_why ? 0 : lb_out_of_memory(err);
    }
    if (r >= 0)
        r = read_places(ctx, &all, err);
    if (r < 0)
        return r;
    cost_line *lines = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *lines);
    if (!lines)
        return lb_out_of_memory(err);
    for (cost_line *line = lines; cost_usage_next(ctx, rows, &row); line++, ret_bill->count++) {
        take(ctx, &all, &row, line);
        line->part = line > lines && line[-1].record == line->record ? line[-1].part + 1 : 0;
    }
    ret_bill->lines = lines;
    return 0;
}
