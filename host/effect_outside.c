#include "effect.h"

#include "effect_rules.h"
#include "json.h"

#include <ctype.h>

/* What changes outside SQL do: calls of the control plane, files, programs. */

static void verdict_set(effect_verdict *v, effect e, const char *what, const char *about)
{
    *v = (effect_verdict){.effect = e, .in_transaction = false, .statements = 1};
    if (snprintf(v->why, sizeof v->why, "%s %s", what, about) >= (int)sizeof v->why)
        tree_trim(v->why);
}

/* ---- the control plane ---- */

/* POST by the last word of its path: collections take a new member, the others are verbs. */
static const struct {
    const char *word;
    effect effect;
    const char *what;
} posts[] = {
    {"credentials", EFFECT_READ, "issues a credential:"},
    {"projects", EFFECT_ADDITIVE, "creates in"},
    {"branches", EFFECT_ADDITIVE, "creates in"},
    {"endpoints", EFFECT_ADDITIVE, "creates in"},
    {"databases", EFFECT_ADDITIVE, "creates in"},
    {"roles", EFFECT_ADDITIVE, "creates in"},
    {"snapshots", EFFECT_ADDITIVE, "creates in"},
    {"data-api", EFFECT_ADDITIVE, "creates"},
    {"catalogs", EFFECT_ADDITIVE, "creates in"},
    {"schemas", EFFECT_ADDITIVE, "creates in"},
    {"volumes", EFFECT_ADDITIVE, "creates in"},
    {"synced_tables", EFFECT_ADDITIVE, "creates in"},
    {"cdf-configs", EFFECT_ADDITIVE, "creates in"},
    {"undelete", EFFECT_ADDITIVE, "brings back"},
    {"create", EFFECT_ADDITIVE, "creates:"},
    {"start", EFFECT_ADDITIVE, "starts:"},
    {"resume", EFFECT_ADDITIVE, "starts:"},
    {"run-now", EFFECT_DISRUPTIVE, "runs:"},
    {"stop", EFFECT_DISRUPTIVE, "stops:"},
    {"suspend", EFFECT_DISRUPTIVE, "stops:"},
    {"restart", EFFECT_DISRUPTIVE, "restarts:"},
    {"cancel", EFFECT_DISRUPTIVE, "cancels:"},
    {"update", EFFECT_DISRUPTIVE, "changes:"},
    {"reset", EFFECT_DESTRUCTIVE, "resets:"},
    {"restore", EFFECT_DESTRUCTIVE, "restores over:"},
    {"delete", EFFECT_DESTRUCTIVE, "deletes:"},
};

/* The byte that %41 stands for, or a negative number where these are not two hex digits. */
static int percent_byte(const char *digits)
{
    int byte = 0;
    for (int i = 0; i < 2; i++) {
        char digit = (char)tolower((unsigned char)digits[i]);
        if (!isxdigit((unsigned char)digit))
            return -1;
        byte = byte * 16 + (digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return byte;
}

/* A member of the query, percent-decoded; false where it is not there. */
static bool query_get(const char *query, const char *name, char *ret_value, size_t size)
{
    size_t length = strlen(name);
    for (const char *p = query ? query : ""; *p; p += strcspn(p, "&"), p += *p == '&') {
        if (strncmp(p, name, length) != 0 || p[length] != '=')
            continue;
        size_t n = 0;
        for (const char *c = p + length + 1; *c && *c != '&' && n + 1 < size; c++) {
            int byte = *c == '%' ? percent_byte(c + 1) : -1;
            ret_value[n++] = byte > 0 ? (char)byte : *c;
            c += byte > 0 ? 2 : 0;
        }
        ret_value[n] = '\0';
        return true;
    }
    return false;
}

static void post_verdict(const lb_request *request, const char *path, effect_verdict *v)
{
    const char *word = path;
    for (const char *p = path; *p; p++)
        if ((*p == '/' || *p == ':') && p[1])
            word = p + 1;
    char replace[8];
    bool replaces =
        query_get(request->query, "replace_existing", replace, sizeof replace) && strcmp(replace, "false") != 0;
    for (size_t i = 0; i < LB_COUNT(posts); i++) {
        if (strcmp(posts[i].word, word) != 0)
            continue;
        if (replaces && posts[i].effect == EFFECT_ADDITIVE)
            verdict_set(v, EFFECT_DISRUPTIVE, "creates or changes in", path);
        else
            verdict_set(v, posts[i].effect, posts[i].what, path);
        return;
    }
    verdict_set(v, EFFECT_DESTRUCTIVE, "not understood: POST", path);
}

/* ---- PATCH: by the fields it changes ---- */

typedef struct patch {
    effect_verdict *verdict;
    const char *path;
    struct json_object *spec; /* or NULL */
} patch;

static void patch_raise(patch *p, effect e, const char *what)
{
    if (!p->verdict->why[0] || e > p->verdict->effect)
        verdict_set(p->verdict, e, what, p->path);
}

static bool spec_is(const patch *p, const char *field, bool expected)
{
    struct json_object *value = NULL;
    return p->spec && json_object_object_get_ex(p->spec, field, &value) &&
           json_object_is_type(value, json_type_boolean) && (json_object_get_boolean(value) != 0) == expected;
}

/* An expiry is a deletion that comes later; a shorter history is one of backups. */
static void patch_field(patch *p, const char *field)
{
    if (strcmp(field, "is_protected") == 0 && spec_is(p, "is_protected", true))
        patch_raise(p, EFFECT_ADDITIVE, "protects");
    else if (strcmp(field, "is_protected") == 0)
        patch_raise(p, EFFECT_DISRUPTIVE, "takes the protection from");
    else if ((strcmp(field, "expiration") == 0 || strcmp(field, "no_expiry") == 0) && spec_is(p, "no_expiry", true))
        patch_raise(p, EFFECT_ADDITIVE, "takes the expiry from");
    else if (strcmp(field, "expiration") == 0 || strcmp(field, "ttl") == 0 || strcmp(field, "expire_time") == 0)
        patch_raise(p, EFFECT_DESTRUCTIVE, "sets when to delete");
    else if (strcmp(field, "history_retention_duration") == 0)
        patch_raise(p, EFFECT_DESTRUCTIVE, "changes how far back can be restored of");
    else if (strcmp(field, "custom_tags") == 0 || strcmp(field, "labels") == 0 || strcmp(field, "tags") == 0)
        patch_raise(p, EFFECT_ADDITIVE, "labels");
    else
        patch_raise(p, EFFECT_DISRUPTIVE, "changes settings of");
}

static void patch_all_of_spec(patch *p)
{
    patch_raise(p, EFFECT_DISRUPTIVE, "changes settings of");
    if (!p->spec)
        return;
    json_object_object_foreach(p->spec, key, value)
    {
        (void)value; /* patch_field looks it up */
        patch_field(p, key);
    }
}

static void patch_mask(patch *p, char *mask)
{
    char *rest = mask;
    for (char *field; (field = strsep(&rest, ","));) {
        while (isspace((unsigned char)*field))
            field++;
        if (strcmp(field, "*") == 0 || strcmp(field, "spec") == 0)
            patch_all_of_spec(p);
        else
            patch_field(p, strncmp(field, "spec.", 5) == 0 ? field + 5 : field);
    }
}

static void patch_verdict(const lb_request *request, const char *path, effect_verdict *v)
{
    char mask[512];
    lb_error err;
    JSON_AUTO *body = request->body ? json_parse(request->body, strlen(request->body), &err) : NULL;
    if (!json_object_is_type(body, json_type_object)) {
        verdict_set(v, EFFECT_DESTRUCTIVE, "not understood: PATCH without a JSON object of", path);
        return;
    }
    struct json_object *spec = NULL;
    if (!json_object_object_get_ex(body, "spec", &spec) || !json_object_is_type(spec, json_type_object))
        spec = NULL;
    *v = (effect_verdict){.effect = EFFECT_READ};
    patch p = {v, path, spec};
    if (query_get(request->query, "update_mask", mask, sizeof mask) && strlen(mask) + 1 < sizeof mask)
        patch_mask(&p, mask);
    else
        patch_all_of_spec(&p);
}

void effect_of_control(const lb_request *request, effect_verdict *ret_verdict)
{
    const char *method = request->method ? request->method : "(no method)", *path = request->path ? request->path : "";
    if (strcmp(method, "GET") == 0)
        verdict_set(ret_verdict, EFFECT_READ, "reads", path);
    else if (strcmp(method, "DELETE") == 0)
        verdict_set(ret_verdict, EFFECT_DESTRUCTIVE, "deletes", path);
    else if (strpbrk(path, "?#%"))
        verdict_set(ret_verdict, EFFECT_DESTRUCTIVE, "not understood: a path with a query or escapes:", path);
    else if (strcmp(method, "POST") == 0)
        post_verdict(request, path, ret_verdict);
    else if (strcmp(method, "PATCH") == 0)
        patch_verdict(request, path, ret_verdict);
    else
        verdict_set(ret_verdict, EFFECT_DESTRUCTIVE, "not understood:", method);
}

/* ---- web services ---- */

/* By the last word of the path: some services delete by POST, and behind one address of GraphQL stands everything. */
static bool may_delete(const char *path)
{
    static const char *const words[] = {"delete", "remove", "destroy", "purge", "reset", "graphql"};
    const char *word = path;
    for (const char *p = path; *p; p++)
        if (strchr("/:.", *p) && p[1])
            word = p + 1;
    for (size_t i = 0; i < LB_COUNT(words); i++)
        if (strncasecmp(words[i], word, strlen(words[i])) == 0)
            return true;
    return false;
}

void effect_of_http(const char *service, const lb_request *request, effect_verdict *ret_verdict)
{
    static const struct {
        const char *method;
        effect effect;
        const char *what;
    } methods[] = {
        {"GET", EFFECT_READ, "reads"},
        {"POST", EFFECT_ADDITIVE, "posts to"},
        {"PUT", EFFECT_ADDITIVE, "writes"},
        {"PATCH", EFFECT_ADDITIVE, "edits"},
        {"DELETE", EFFECT_DESTRUCTIVE, "deletes"},
    };
    char about[160];
    (void)snprintf(about, sizeof about, "%.63s: %.90s", service, request->path); /* cut */
    for (size_t i = 0; i < LB_COUNT(methods); i++) {
        if (strcmp(methods[i].method, request->method) != 0)
            continue;
        if (methods[i].effect == EFFECT_ADDITIVE && may_delete(request->path))
            verdict_set(ret_verdict, EFFECT_DESTRUCTIVE, "may delete by", about);
        else
            verdict_set(ret_verdict, methods[i].effect, methods[i].what, about);
        return;
    }
    verdict_set(ret_verdict, EFFECT_DESTRUCTIVE, "not understood:", about);
}

/* ---- files and programs ---- */

void effect_of_file(bool replaces, effect_verdict *ret_verdict)
{
    verdict_set(ret_verdict, replaces ? EFFECT_DISRUPTIVE : EFFECT_ADDITIVE, replaces ? "replaces" : "writes",
                "a file");
}

void effect_of_lake(const char *table, bool is_view, effect_verdict *ret_verdict)
{
    verdict_set(ret_verdict, EFFECT_ADDITIVE,
                is_view ? "makes in the lakehouse the view" : "appends rows in the lakehouse to", table);
}

/* Rows that are there become others, or go. */
void effect_of_lake_merge(const char *table, effect_verdict *ret_verdict)
{
    verdict_set(ret_verdict, EFFECT_DESTRUCTIVE, "changes rows in the lakehouse of", table);
}

void effect_of_lake_expect(const char *table, effect_verdict *ret_verdict)
{
    verdict_set(ret_verdict, EFFECT_READ, "looks in the lakehouse at", table);
}

/* A program can do anything; these are known to leave the database as it is and to write what they were made for. */
void effect_of_exec(const char *const *argv, effect_verdict *ret_verdict)
{
    static const char *const known[] = {"pg_dump",         "pg_dumpall", "pg_isready", "pg_basebackup",
                                        "pg_verifybackup", "pg_amcheck", "pg_config",  "pg_controldata"};
    const char *program = argv && argv[0] ? argv[0] : "";
    const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;
    for (size_t i = 0; i < LB_COUNT(known); i++)
        if (strcmp(known[i], name) == 0) {
            verdict_set(ret_verdict, EFFECT_ADDITIVE, "runs", name);
            return;
        }
    verdict_set(ret_verdict, EFFECT_DESTRUCTIVE,
                "runs a program, which cannot be seen through:", name[0] ? name : "(none)");
}
