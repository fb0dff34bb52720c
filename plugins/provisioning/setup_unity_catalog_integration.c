/* setup_unity_catalog_integration: a project's database as a catalog of Unity Catalog, by a name that both sides tell
 * from one another's, with its readers, and a look whether audit and lineage can be read. What is there is taken over,
 * what is missing made, what is surplus told. Where there is no Unity Catalog there is nothing to do. */
#include "branch_plane.h"
#include "unity.h"

struct args {
    const char *project_id, *source_branch, *database, *uc_catalog, *domain;
    lb_texts readers, auditors;
};

static const lb_param params[] = {
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the project; without it, the only one"),
    LB_PARAM(struct args, source_branch, LB_TEXT, "production", "the branch whose database it is"),
    LB_PARAM(struct args, database, LB_TEXT, "databricks_postgres", "the database"),
    LB_PARAM(struct args, uc_catalog, LB_TEXT, NULL, "the catalog; without it, the project's name with _ for -"),
    LB_PARAM(struct args, domain, LB_TEXT, NULL,
             "whose data it is, as Unity Catalog has it; without it, by the project"),
    LB_PARAM(struct args, readers, LB_LIST_OF(LB_TEXT), NULL, "groups, mail addresses or client ids that may read it"),
    LB_PARAM(struct args, auditors, LB_LIST_OF(LB_TEXT), NULL, "who is to be able to read audit and lineage"),
    LB_PARAMS_END,
};

typedef struct work {
    lb_ctx *ctx;
    const char *project, *catalog, *branch_name; /* the last with its path */
    const char *aligned;                         /* what the catalog would be called by the project */
    bool created, is_there;
} work;

/* ---- names: words of Unity Catalog have _ where those of Lakebase have - ---- */

static const char *translate(lb_ctx *ctx, const char *text, char from, char into)
{
    const char *copy = lb_printf(ctx, "%s", text);
    char *p = copy ? lb_alloc(ctx, strlen(copy) + 1) : NULL;
    for (size_t i = 0; p && copy[i]; i++)
        p[i] = copy[i] == from ? into : copy[i];
    return p;
}

static int tell_name(work *w, const char *kind, const char *object, const char *expected, const char *reason,
                     lb_error *err)
{
    return lb_report(w->ctx,
                     LB_FINDING(.object = object, .kind = kind, .reason = reason,
                                .evidence = LB_ARGS(lb_text("project", w->project), lb_text("expected", expected)),
                                .terms = LB_TERMS({"names_compared", 0.9})),
                     err);
}

/* shop_prod, shop and prod of shop-prod. */
static int map_names(work *w, lb_error *err)
{
    const struct args *a = w->ctx->args;
    const char *end = strrchr(w->project, '-');
    const char *own = lb_printf(w->ctx, "%.*s", end ? (int)(end - w->project) : (int)strlen(w->project), w->project);
    const char *domain = own ? translate(w->ctx, own, '-', '_') : NULL;
    w->aligned = translate(w->ctx, w->project, '-', '_');
    w->catalog = a->uc_catalog ? a->uc_catalog : w->aligned;
    if (!w->catalog || !domain)
        return lb_out_of_memory(err);
    if (!*w->catalog || w->catalog[strspn(w->catalog, "abcdefghijklmnopqrstuvwxyz0123456789_")])
        return lb_fail(err, LB_ERR_INVALID, "lower-case letters, digits and _", "%.80s cannot be the name of a catalog",
                       w->catalog);
    int r = strcmp(w->catalog, w->aligned) == 0
                ? 0
                : tell_name(w, "name_not_aligned", w->catalog, w->aligned,
                            "the catalog is not named as the project is, with _ for -", err);
    if (r >= 0 && a->domain && strcmp(translate(w->ctx, a->domain, '-', '_'), domain) != 0)
        r = tell_name(w, "domain_not_aligned", w->project, a->domain,
                      "the project's name does not begin with the domain, and end with an environment behind it", err);
    return r < 0 ? r
                 : lb_result(w->ctx,
                             LB_ARGS(lb_text("lakebase_project", w->project), lb_text("uc_catalog", w->catalog),
                                     lb_text("uc_domain", a->domain ? translate(w->ctx, a->domain, '-', '_') : domain),
                                     lb_text("environment", end ? end + 1 : NULL),
                                     lb_bool("naming_alignment", strcmp(w->catalog, w->aligned) == 0)),
                             err);
}

/* ---- the catalog ---- */

/* One that stands for another database is somebody's: it is not ours to take. */
static int check_same(work *w, struct json_object *document, lb_error *err)
{
    const struct args *a = w->ctx->args;
    struct json_object *status = NULL;
    (void)json_object_object_get_ex(document, "status", &status); /* without one it is another's */
    const char *branch = status ? unity_text(status, "branch") : NULL,
               *database = status ? unity_text(status, "postgres_database") : NULL;
    if (branch && database && strcmp(branch, w->branch_name) == 0 && strcmp(database, a->database) == 0)
        return 0;
    return lb_fail(err, LB_ERR_CONFLICT, "choose another --uc_catalog, or unregister that one first",
                   "catalog %s stands for %s of %s", w->catalog, database ? database : "a database",
                   branch ? branch : "another branch");
}

static int register_it(work *w, lb_error *err)
{
    const struct args *a = w->ctx->args;
    lb_outcome outcome = LB_REFUSED;
    struct json_object *body = branch_json_object(w->ctx), *spec = json_object_new_object();
    bool ok = branch_json_add(body, "spec", spec) && branch_json_add_text(spec, "branch", w->branch_name) &&
              branch_json_add_text(spec, "postgres_database", a->database) &&
              branch_json_add(spec, "create_database_if_missing", json_object_new_boolean(false));
    const plane_change change = {
        .title = lb_printf(w->ctx, "register %s of %s as catalog %s", a->database, w->branch_name, w->catalog),
        .reason = "its tables are found, read and guarded in Unity Catalog like all others",
        .undo = "unregister it: the database stays as it is",
        .request = {.method = "POST",
                    .path = "catalogs",
                    .query = lb_printf(w->ctx, "catalog_id=%s", w->catalog),
                    .body = ok ? branch_json_text(w->ctx, body) : NULL}};
    if (!change.request.body)
        return lb_out_of_memory(err);
    int r = plane_apply(w->ctx, &change, &outcome, err);
    if (r == LB_ERR_DENIED)
        (void)snprintf(err->hint, sizeof err->hint, "it takes a grant: CREATE CATALOG ON METASTORE"); /* short */
    w->created = w->is_there = r >= 0 && outcome == LB_APPLIED;
    return r;
}

static int need_catalog(work *w, lb_error *err)
{
    struct json_object *document = unity_find(w->ctx, lb_printf(w->ctx, "catalogs/%s", w->catalog), NULL, err);
    if (document) {
        w->is_there = true;
        return check_same(w, document, err);
    }
    if (err->code != LB_ERR_NOT_FOUND)
        return err->code;
    struct json_object *other =
        unity_find(w->ctx, lb_printf(w->ctx, "unity-catalog/catalogs/%s", w->catalog), NULL, err);
    if (other)
        return lb_fail(err, LB_ERR_CONFLICT, "choose another --uc_catalog",
                       "catalog %s is there, and is none of Lakebase (%s)", w->catalog,
                       unity_text(other, "catalog_type") ? unity_text(other, "catalog_type") : "unknown");
    return unity_is_missing(err) ? register_it(w, err) : err->code;
}

/* ---- who may read it ---- */

static bool wants(const lb_texts *wanted, const char *text)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (strcmp(wanted->items[i], text) == 0)
            return true;
    return false;
}

static int tell_surplus(work *w, lb_error *err)
{
    const struct args *a = w->ctx->args;
    struct json_object *list = NULL, *privileges = NULL;
    struct json_object *grants =
        unity_find(w->ctx, lb_printf(w->ctx, "unity-catalog/permissions/catalog/%s", w->catalog), NULL, err);
    int r = grants ? 0 : err->code;
    (void)json_object_object_get_ex(grants, "privilege_assignments", &list); /* nobody: none */
    for (size_t i = 0; r >= 0 && list && i < json_object_array_length(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        const char *who = unity_text(one, "principal");
        if (!who || wants(&a->readers, who) || !json_object_object_get_ex(one, "privileges", &privileges))
            continue;
        r = lb_report(w->ctx,
                      LB_FINDING(.object = w->catalog, .kind = "surplus_grant",
                                 .reason = lb_printf(w->ctx, "%s has rights on it and is not among the readers", who),
                                 .evidence = LB_ARGS(lb_text("principal", who),
                                                     lb_json("privileges", json_object_to_json_string(privileges))),
                                 .terms = LB_TERMS({"read_from_unity_catalog", 0.9})),
                      err);
    }
    return r;
}

static int need_readers(work *w, lb_error *err)
{
    static const char *const wanted[] = {"USE_CATALOG", "USE_SCHEMA", "SELECT", NULL};
    const struct args *a = w->ctx->args;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < a->readers.count; i++)
        r = unity_let(w->ctx,
                      &(unity_grant){.kind = "catalog",
                                     .name = w->catalog,
                                     .who = a->readers.items[i],
                                     .wanted = wanted,
                                     .reason = "the tables of the database are for them to read"},
                      err);
    return r < 0 || !a->readers.count ? r : tell_surplus(w, err);
}

/* ---- the run ---- */

/* *ret_skipped: there is no one project that could be meant, which is said. */
static int find_project(work *w, bool *ret_skipped, lb_error *err)
{
    const struct args *a = w->ctx->args;
    lb_texts all = {NULL, 0};
    *ret_skipped = false;
    w->project = a->project_id;
    int r = w->project ? 0 : plane_list_projects(w->ctx, &all, err);
    if (r < 0 || w->project)
        return r;
    *ret_skipped = all.count != 1;
    if (all.count == 1)
        w->project = all.items[0];
    else
        r = lb_skipped(w->ctx, "projects",
                       all.count ? "there are several: --project_id says which" : "the workspace has none yet", err);
    return r;
}

static int find_branch(work *w, lb_error *err)
{
    const struct args *a = w->ctx->args;
    const plane_branch *branch = NULL;
    int r = plane_read_branch(w->ctx, w->project, a->source_branch, &branch, err);
    if (r >= 0 && !branch)
        return lb_fail(err, LB_ERR_NOT_FOUND, "provision_lakebase_project makes projects, create_branch branches",
                       "there is no branch %s of a project %s", a->source_branch, w->project);
    w->branch_name = lb_printf(w->ctx, "projects/%s/branches/%s", w->project, a->source_branch);
    return r >= 0 && !w->branch_name ? lb_out_of_memory(err) : r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    work *w = lb_alloc(ctx, sizeof *w);
    if (!w)
        return lb_out_of_memory(err);
    w->ctx = ctx;
    if (!unity_find(ctx, "unity-catalog/catalogs/system", NULL, err) && unity_is_absent(err))
        return lb_skipped(ctx, "Unity Catalog", "the workspace here has none", err);
    bool skipped = false;
    int r = find_project(w, &skipped, err);
    if (r < 0 || skipped)
        return r;
    r = find_branch(w, err);
    if (r >= 0)
        r = map_names(w, err);
    if (r >= 0)
        r = need_catalog(w, err);
    if (r >= 0 && w->is_there)
        r = need_readers(w, err);
    if (r >= 0)
        r = unity_check_system(ctx, w->catalog, &((const struct args *)ctx->args)->auditors, err);
    return r < 0 ? lb_wrap(err, "Unity Catalog")
                 : lb_result(ctx, LB_ARGS(lb_bool("registered", w->is_there), lb_bool("created", w->created)), err);
}

LB_TOOL(setup_unity_catalog_integration, "makes a project's database a catalog of Unity Catalog, with its readers",
        .agent = "provisioning", .risk = LB_RISK_LOW, .workspace = true, .detector = true,
        LB_TOOL_ARGS(struct args, params), .run = run);
