#include "targets.h"

#include "json.h"
#include "nearest.h"
#include "pattern.h"

#define MOST_PAGES 1000 /* of one listing: a server that never ends a list is not followed for ever */

/* ---- the tool ---- */

static void put_object(void *object)
{
    (void)json_object_put(object); /* says only whether it was the last reference */
}

/* One page of a list; NULL after a failure. It lives as long as the run. */
static struct json_object *read_page(lb_ctx *ctx, const char *path, const char *token, lb_error *err)
{
    const char *query = token ? lb_printf(ctx, "page_size=100&page_token=%s", token) : NULL, *reply = NULL;
    if (token && !query) {
        (void)lb_out_of_memory(err); /* the NULL says it */
        return NULL;
    }
    if (lb_control(ctx, &(lb_request){.method = "GET", .path = path, .query = query}, &reply, err) < 0)
        return NULL;
    struct json_object *page = json_parse(reply, strlen(reply), err);
    if (page && lb_defer(ctx, put_object, page) < 0) {
        put_object(page);
        (void)lb_out_of_memory(err); /* the NULL says it */
        return NULL;
    }
    return page;
}

typedef int (*take_item)(lb_ctx *ctx, struct json_object *item, const char *parent, lb_error *err);

static int each_item(lb_ctx *ctx, const char *path, const char *list, take_item take, const char *parent, lb_error *err)
{
    const char *token = NULL;
    for (int pages = 0; pages < MOST_PAGES; pages++) {
        struct json_object *items = NULL, *page = read_page(ctx, path, token, err);
        if (!page)
            return err->code;
        bool has_items = json_object_object_get_ex(page, list, &items) && json_object_is_type(items, json_type_array);
        for (size_t i = 0; has_items && i < json_object_array_length(items); i++) {
            int r = take(ctx, json_object_array_get_idx(items, i), parent, err);
            if (r < 0)
                return r;
        }
        token = json_get_text(page, "next_page_token");
        if (!token || !*token)
            return 0;
    }
    return lb_fail(err, LB_ERR_LIMIT, NULL, "the list of %s does not end within %d pages", path, MOST_PAGES);
}

static int take_branch(lb_ctx *ctx, struct json_object *item, const char *project, lb_error *err)
{
    struct json_object *status = NULL;
    const char *branch = json_get_text(item, "branch_id");
    (void)json_object_object_get_ex(item, "status", &status); /* absent is fine */
    branch = branch || !status ? branch : json_get_text(status, "branch_id");
    if (!branch)
        return lb_skipped(ctx, lb_printf(ctx, "a branch of %s", project), "it has no branch_id", err);
    bool guarded = !status || json_get_bool(status, "is_protected") || json_get_bool(status, "default");
    int r = lb_append(ctx, "targets",
                      LB_ARGS(lb_text("project", project), lb_text("branch", branch),
                              lb_text("class", guarded ? "production" : "shared")),
                      err);
    return r < 0 ? r : lb_examined(ctx, "branches", 1, err);
}

static int take_project(lb_ctx *ctx, struct json_object *item, const char *parent, lb_error *err)
{
    const char *project = json_get_text(item, "project_id");
    (void)parent; /* projects have none */
    if (!project)
        return lb_skipped(ctx, "a project", "it has no project_id", err);
    const char *path = lb_printf(ctx, "projects/%s/branches", project);
    return path ? each_item(ctx, path, "branches", take_branch, project, err) : lb_out_of_memory(err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    int r = lb_examined(ctx, "branches", 0, err);
    return r < 0 ? r : each_item(ctx, "projects", "projects", take_project, NULL, err);
}

static const lb_tool targets_tool = {.size = sizeof targets_tool, .risk = LB_RISK_LOW, .workspace = true, .run = run};

const lb_plugin targets_plugin = {
    .magic = LB_ABI_MAGIC,
    .abi_major = LB_ABI_MAJOR,
    .abi_minor = LB_ABI_MINOR,
    .size = sizeof targets_plugin,
    .kind = LB_KIND_TOOL,
    .name = TARGETS_TOOL,
    .version = LB_PLUGIN_VERSION,
    .summary = "lists the branches that there are",
    .ops = &targets_tool,
};

/* ---- choosing ---- */

static bool may_be(const manifest_target *t, const char *project, const char *branch)
{
    if (!t->pattern)
        return (!project || strcmp(t->project, project) == 0) && (!branch || strcmp(t->branch, branch) == 0);
    return (!project || pattern_matches(t->project, project)) && (!branch || pattern_matches(t->branch, branch));
}

bool targets_are_needed(const manifest *m, const char *project, const char *branch)
{
    bool has_pattern = false, is_named = false, is_classed = false;
    for (size_t i = 0; i < m->target_count; i++) {
        const manifest_target *t = &m->targets[i];
        if (!may_be(t, project, branch))
            continue;
        has_pattern = has_pattern || t->pattern;
        is_named = is_named || !t->pattern;
        is_classed = is_classed || t->branch_class;
    }
    return has_pattern && (!project || !branch || !(is_named || is_classed));
}

bool targets_may_wake(const manifest *m, const lb_target *target)
{
    bool wakes = false;
    for (size_t i = 0; target->project && target->branch && i < m->target_count; i++)
        if (may_be(&m->targets[i], target->project, target->branch))
            wakes = m->targets[i].wake;
    return wakes;
}

lb_branch_class targets_class_of(const manifest *m, const char *project, const char *branch, lb_branch_class otherwise)
{
    lb_branch_class branch_class = otherwise;
    for (size_t i = 0; i < m->target_count; i++)
        if (may_be(&m->targets[i], project, branch) && m->targets[i].branch_class)
            branch_class = m->targets[i].branch_class;
    return branch_class;
}

static lb_branch_class class_by_name(const char *name)
{
    return name && strcmp(name, "shared") == 0 ? LB_BRANCH_SHARED : LB_BRANCH_PRODUCTION;
}

/* Does the manifest look after this branch? The last entry that classes it counts. */
static bool is_ours(const manifest *m, const char *project, const char *branch, lb_branch_class *class_of_branch)
{
    bool ours = false;
    for (size_t i = 0; i < m->target_count; i++) {
        if (!may_be(&m->targets[i], project, branch))
            continue;
        ours = true;
        if (m->targets[i].branch_class)
            *class_of_branch = m->targets[i].branch_class;
    }
    return ours;
}

bool targets_have_patterns(const manifest *m)
{
    for (size_t i = 0; i < m->target_count; i++)
        if (m->targets[i].pattern)
            return true;
    return false;
}

static bool is_named(const manifest *m, const char *project, const char *branch)
{
    for (size_t i = 0; i < m->target_count; i++)
        if (!m->targets[i].pattern && may_be(&m->targets[i], project, branch))
            return true;
    return false;
}

static void each_named(const manifest *m, void (*each)(void *state, const lb_target *target), void *state)
{
    for (size_t i = 0; i < m->target_count; i++) {
        const manifest_target *t = &m->targets[i];
        bool is_first = !t->pattern;
        for (size_t k = 0; k < i && is_first; k++)
            is_first = m->targets[k].pattern || !may_be(&m->targets[k], t->project, t->branch);
        lb_target target = {t->project, t->branch, LB_BRANCH_PRODUCTION};
        if (is_first && is_ours(m, t->project, t->branch, &target.branch_class))
            each(state, &target);
    }
}

static struct json_object *listed_targets(struct json_object *run_document)
{
    return json_get_list(json_get_object(run_document, "result"), "targets");
}

void targets_each(const manifest *m, const char *document, void (*each)(void *state, const lb_target *target),
                  void *state)
{
    lb_error ignored;
    JSON_AUTO *run_document = document ? json_parse(document, strlen(document), &ignored) : NULL;
    struct json_object *targets = listed_targets(run_document);
    each_named(m, each, state);
    for (size_t i = 0; targets && i < json_object_array_length(targets); i++) {
        struct json_object *item = json_object_array_get_idx(targets, i);
        const char *p = json_get_text(item, "project"), *b = json_get_text(item, "branch");
        lb_target target = {p, b, class_by_name(json_get_text(item, "class"))};
        if (p && b && !is_named(m, p, b) && is_ours(m, p, b, &target.branch_class))
            each(state, &target);
    }
}

bool targets_lack(const char *document, const char *project, const char *branch)
{
    lb_error ignored;
    JSON_AUTO *run_document = json_parse(document, strlen(document), &ignored);
    struct json_object *targets = listed_targets(run_document);
    bool sees_project = false;
    for (size_t i = 0; targets && i < json_object_array_length(targets); i++) {
        struct json_object *item = json_object_array_get_idx(targets, i);
        const char *p = json_get_text(item, "project"), *b = json_get_text(item, "branch");
        if (!p || !b || strcmp(p, project) != 0)
            continue;
        if (strcmp(b, branch) == 0)
            return false;
        sees_project = true;
    }
    return sees_project;
}

/* Of what the manifest looks after: the project that was meant, or, where the project is there, the branch. */
static int refuse_name(const manifest *m, struct json_object *targets, const char *project, const char *branch,
                       lb_error *err)
{
    char hint[128];
    size_t count = 0, most = targets ? json_object_array_length(targets) : 0;
    const char **names = base_alloc((most + 1) * sizeof *names);
    bool has_project = !project;
    lb_branch_class ignored;
    for (size_t i = 0; i < most && !has_project; i++) {
        const char *p = json_get_text(json_object_array_get_idx(targets, i), "project");
        has_project = p && strcmp(p, project) == 0;
    }
    for (size_t i = 0; i < most; i++) {
        struct json_object *item = json_object_array_get_idx(targets, i);
        const char *p = json_get_text(item, "project"), *b = json_get_text(item, "branch");
        if (p && b && is_ours(m, p, b, &ignored) && (!has_project || !project || strcmp(p, project) == 0))
            names[count++] = has_project ? b : p;
    }
    const char *wanted = has_project ? branch : project, *nearest = wanted ? nearest_name(wanted, names, count) : NULL;
    if (nearest)
        (void)snprintf(hint, sizeof hint, "did you mean --%s %.63s?", has_project ? "branch" : "project", nearest);
    free(names);
    return lb_fail(err, LB_ERR_NOT_FOUND,
                   nearest ? hint
                           : "lbops target ls lists those that are there, and [[targets]] of the manifest those to run "
                             "on",
                   "there is no branch %s/%s to run on", project ? project : "*", branch ? branch : "*");
}

int targets_choose(const manifest *m, const char *document, const char *project, const char *branch,
                   targets_choice *ret_choice, lb_error *err)
{
    char found[256] = "";
    size_t count = 0, used = 0;
    targets_choice choice = {0};
    JSON_AUTO *run_document = json_parse(document, strlen(document), err);
    if (!run_document)
        return err->code;
    struct json_object *targets = listed_targets(run_document);
    for (size_t i = 0; targets && i < json_object_array_length(targets); i++) {
        struct json_object *item = json_object_array_get_idx(targets, i);
        const char *p = json_get_text(item, "project"), *b = json_get_text(item, "branch");
        lb_branch_class branch_class = class_by_name(json_get_text(item, "class"));
        if (!p || !b || (project && strcmp(p, project) != 0) || (branch && strcmp(b, branch) != 0) ||
            !is_ours(m, p, b, &branch_class))
            continue;
        if (used < sizeof found)
            used += (size_t)snprintf(found + used, sizeof found - used, "%s--project %s --branch %s",
                                     count ? ", " : "one of: ", p, b);
        if (count++ == 0)
            choice = (targets_choice){base_strdup(p), base_strdup(b), branch_class};
    }
    if (count == 1) {
        *ret_choice = choice;
        return 0;
    }
    free(choice.project);
    free(choice.branch);
    if (count)
        return lb_fail(err, LB_ERR_INVALID, found, "the names leave %zu branches", count);
    return refuse_name(m, targets, project, branch, err);
}
