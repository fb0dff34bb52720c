#include "cicd_needs.h"

#include "branch_json.h"
#include "github.h"

#define PAGES_MOST 40
#define PAGE       30 /* the most variables that one answer has */
#define VARIABLES  3
#define SECRETS    3
#define URL        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#@!$&()*+,;=%"
#define MANIFEST_LINES                                                                                                 \
    "[secrets]\ngithub_token = { env = \"GITHUB_TOKEN\" }\n\n[http.github]\nurl = \"https://api.github.com\"\n"        \
    "kind = \"github\"\ntoken = { secret = \"github_token\" }\n"

static const char *const variable_names[VARIABLES] = {"LAKEBASE_PROJECT", "LBOPS_URL", "LBOPS_SHA256"};
static const char *const oauth_secrets[SECRETS] = {"DATABRICKS_HOST", "DATABRICKS_CLIENT_ID",
                                                   "DATABRICKS_CLIENT_SECRET"};
static const char *const token_secrets[SECRETS] = {"DATABRICKS_HOST", "DATABRICKS_TOKEN", NULL};

static const char *value_of(const cicd_needs *n, size_t i)
{
    const char *const values[VARIABLES] = {n->project_id, n->lbops_url, n->lbops_sha256};
    return values[i];
}

/* ---- what is there ---- */

/* All pages of a list, as one object by name. */
static int list_all(lb_ctx *ctx, const cicd_needs *n, const char *what, struct json_object **ret_found, lb_error *err)
{
    struct json_object *list = NULL, *found = branch_json_object(ctx);
    const char *json = NULL;
    size_t count = PAGE;
    for (int number = 1; found && count == PAGE && number <= PAGES_MOST; number++) {
        const lb_request get = {.method = "GET",
                                .path = lb_printf(ctx, "repos/%s/actions/%s", n->repository, what),
                                .query = lb_printf(ctx, "per_page=%d&page=%d", PAGE, number)};
        if (!get.path || !get.query)
            return lb_out_of_memory(err);
        if (lb_http(ctx, n->service, &get, &json, err) < 0)
            return github_explain(ctx, n->service, GITHUB_SETTINGS, lb_printf(ctx, "its %s", what), err);
        struct json_object *page = branch_json_keep(ctx, json, err);
        if (!page || !json_object_object_get_ex(page, what, &list) || !json_object_is_type(list, json_type_array))
            return lb_fail(err, LB_ERR_TOOL, "is it GitHub's address?", "%s lists %s in a way of its own", n->service,
                           what);
        count = json_object_array_length(list);
        for (size_t i = 0; i < count; i++) {
            struct json_object *one = json_object_array_get_idx(list, i), *name = NULL;
            if (json_object_object_get_ex(one, "name", &name) &&
                !branch_json_add(found, json_object_get_string(name), json_object_get(one)))
                return lb_out_of_memory(err);
        }
    }
    *ret_found = found;
    return found ? 0 : lb_out_of_memory(err);
}

static int check_values(const cicd_needs *n, lb_error *err)
{
    const char *sha = n->lbops_sha256;
    if (n->lbops_url && (strncmp(n->lbops_url, "https://", 8) != 0 || n->lbops_url[strspn(n->lbops_url, URL)]))
        return lb_fail(err, LB_ERR_INVALID, "where the archive of this program lies, with https",
                       "--lbops_url cannot be '%.100s'", n->lbops_url);
    if (sha && (strlen(sha) != 64 || sha[strspn(sha, "0123456789abcdef")]))
        return lb_fail(err, LB_ERR_INVALID, "what sha256sum prints: 64 digits and small letters",
                       "--lbops_sha256 cannot be '%.100s'", sha);
    return n->repository ? github_check_repository(n->repository, err) : 0;
}

int cicd_needs_look(lb_ctx *ctx, cicd_needs *needs, lb_error *err)
{
    int r = check_values(needs, err);
    if (r < 0 || !needs->repository)
        return r;
    r = list_all(ctx, needs, "variables", &needs->variables, err);
    return r < 0 ? r : list_all(ctx, needs, "secrets", &needs->secrets, err);
}

/* ---- what is set ---- */

static const char *text_of(struct json_object *variables, const char *name)
{
    struct json_object *one = NULL, *value = NULL;
    return json_object_object_get_ex(variables, name, &one) && json_object_object_get_ex(one, "value", &value)
               ? json_object_get_string(value)
               : NULL;
}

static int set_variable(lb_ctx *ctx, const cicd_needs *n, const char *name, const char *value, const char *before,
                        bool *ret_set, lb_error *err)
{
    struct json_object *body = branch_json_object(ctx);
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    bool ok = branch_json_add_text(body, "name", name) && branch_json_add_text(body, "value", value);
    const char *base = lb_printf(ctx, "repos/%s/actions/variables", n->repository);
    const lb_request request = {.method = before ? "PATCH" : "POST",
                                .path = before && base ? lb_printf(ctx, "%s/%s", base, name) : base,
                                .body = ok ? branch_json_text(ctx, body) : NULL};
    if (!request.path || !request.body)
        return lb_out_of_memory(err);
    int r =
        lb_group_open(ctx,
                      LB_GROUP(.title = lb_printf(ctx, "set the variable %s of %s", name, n->repository),
                               .reason = "the workflows read it",
                               .evidence = LB_ARGS(lb_text("before", before), lb_text("after", value)),
                               .undo = before ? lb_printf(ctx, "set it to '%s' again", before) : "delete the variable"),
                      &group, err);
    if (r >= 0)
        r = lb_change_http(ctx, group, n->service, &request, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    *ret_set = r >= 0 && outcome == LB_APPLIED;
    return r < 0 ? github_explain(ctx, n->service, GITHUB_SETTINGS, lb_printf(ctx, "the variable %s", name), err) : 0;
}

/* ret_set: which are as wanted now; what waits, or is only planned, is not. */
static int set_variables(lb_ctx *ctx, const cicd_needs *n, bool ret_set[VARIABLES], lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && n->variables && i < VARIABLES; i++) {
        const char *value = value_of(n, i), *before = text_of(n->variables, variable_names[i]);
        ret_set[i] = before && (!value || strcmp(before, value) == 0);
        if (value && !ret_set[i])
            r = set_variable(ctx, n, variable_names[i], value, before, &ret_set[i], err);
    }
    return r;
}

/* ---- what is told ---- */

typedef struct told {
    lb_value names[SECRETS + VARIABLES], missing[SECRETS + VARIABLES], commands[2 * (SECRETS + VARIABLES)];
    size_t name_count, missing_count, command_count;
} told;

static void command(told *t, const char *text)
{
    t->commands[t->command_count++] = lb_text(NULL, text);
}

/* Nobody can see what an environment has but those who set it up, so its command is told each time. */
static void need_secret(lb_ctx *ctx, const cicd_needs *n, told *t, const char *name)
{
    const char *repo = n->repository ? lb_printf(ctx, " --repo %s", n->repository) : "";
    bool is_there = n->secrets && json_object_object_get_ex(n->secrets, name, NULL);
    t->names[t->name_count++] = lb_text(NULL, name);
    if (!is_there) {
        t->missing[t->missing_count++] = lb_text(NULL, name);
        command(t, lb_printf(ctx, "gh secret set %s%s", name, repo));
    }
    command(t, lb_printf(ctx, "gh secret set %s%s --env %s", name, repo, n->environment));
}

static void need_variable(lb_ctx *ctx, const cicd_needs *n, told *t, size_t i, bool is_set)
{
    const char *repo = n->repository ? lb_printf(ctx, " --repo %s", n->repository) : "";
    const char *name = variable_names[i], *value = value_of(n, i);
    t->names[t->name_count++] = lb_text(NULL, name);
    if (is_set)
        return;
    t->missing[t->missing_count++] = lb_text(NULL, name);
    command(t, value ? lb_printf(ctx, "gh variable set %s%s --body %s", name, repo, value)
                     : lb_printf(ctx, "gh variable set %s%s", name, repo));
}

int cicd_needs_meet(lb_ctx *ctx, const cicd_needs *needs, lb_error *err)
{
    const char *const *secrets = needs->is_oauth ? oauth_secrets : token_secrets;
    told s = {0}, v = {0};
    bool is_set[VARIABLES] = {false};
    int r = set_variables(ctx, needs, is_set, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < SECRETS && secrets[i]; i++)
        need_secret(ctx, needs, &s, secrets[i]);
    for (size_t i = 0; i < VARIABLES; i++)
        need_variable(ctx, needs, &v, i, is_set[i]);
    memcpy(s.commands + s.command_count, v.commands, v.command_count * sizeof *v.commands);
    return lb_result(ctx,
                     LB_ARGS(lb_list("secrets_required", LB_TEXT, s.names, s.name_count),
                             lb_list("variables_required", LB_TEXT, v.names, v.name_count),
                             lb_list("secrets_missing", LB_TEXT, s.missing, s.missing_count),
                             lb_list("variables_missing", LB_TEXT, v.missing, v.missing_count),
                             lb_list("commands", LB_TEXT, s.commands, s.command_count + v.command_count),
                             lb_text("manifest_lines", MANIFEST_LINES), lb_text("environment", needs->environment),
                             lb_text("environment_note",
                                     "protect it with reviewers, and give it secrets of the same names that may change "
                                     "the target: those of the repository need pull requests' branches only")),
                     err);
}
