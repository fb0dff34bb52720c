/* A policy from a file. It takes the place of the one that is built in, whole: what a file does not say is not there,
 * and what nobody knows is an error, so that a slip never opens a door. */
#include "branch_policy.h"

#include <errno.h>
#include <json-c/json.h>

#define FILE_LIMIT ((size_t)256 * 1024)

static int fail_at(lb_error *err, const char *where, const char *what)
{
    return lb_fail(err, LB_ERR_INVALID, "nothing is done with a policy that is not understood", "branch policy: %s: %s",
                   where, what);
}

/* ---- members ---- */

static int take_text(struct json_object *value, const char *where, char *into, size_t size, lb_error *err)
{
    if (!json_object_is_type(value, json_type_string))
        return fail_at(err, where, "is no text");
    const char *text = json_object_get_string(value);
    if (strlen(text) >= size || strlen(text) != (size_t)json_object_get_string_len(value))
        return fail_at(err, where, "is too long");
    (void)snprintf(into, size, "%s", text); /* fits */
    return 0;
}

/* A list of texts becomes "a|b". */
static int take_list(struct json_object *value, const char *where, char *into, size_t size, lb_error *err)
{
    if (!json_object_is_type(value, json_type_array))
        return fail_at(err, where, "is no list");
    into[0] = '\0';
    for (size_t i = 0, used = 0; i < json_object_array_length(value); i++) {
        char item[BRANCH_NAME] = "";
        int r = take_text(json_object_array_get_idx(value, i), where, item, sizeof item, err);
        if (r < 0)
            return r;
        if (!*item || strchr(item, '|'))
            return fail_at(err, where, "has an empty text, or one with a |");
        used += (size_t)snprintf(into + used, size - used, "%s%s", i ? "|" : "", item);
        if (used >= size)
            return fail_at(err, where, "is too long");
    }
    return 0;
}

static int take_ttl(struct json_object *value, const char *where, int64_t *ret_seconds, lb_error *err)
{
    char text[24];
    int r = take_text(value, where, text, sizeof text, err);
    int64_t seconds = r < 0 ? -1 : branch_ttl_parse(text);
    if (r < 0)
        return r;
    if (seconds < 0 || seconds > BRANCH_LONGEST)
        return fail_at(err, where, "is no time of at most 30 days, nor never");
    *ret_seconds = seconds;
    return 0;
}

static int take_protection(struct json_object *value, const char *where, branch_protection *ret, lb_error *err)
{
    static const char *const names[] = {"none", "policy", "platform"};
    char text[24];
    int r = take_text(value, where, text, sizeof text, err);
    for (size_t i = 0; r >= 0 && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], text) == 0) {
            *ret = (branch_protection)i;
            return 0;
        }
    return r < 0 ? r : fail_at(err, where, "is none, policy or platform");
}

static int take_number(struct json_object *value, const char *where, int64_t least, int64_t most, int64_t *ret,
                       lb_error *err)
{
    int64_t number = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : least - 1;
    if (number < least || number > most)
        return fail_at(err, where, "is no number that can be meant");
    *ret = number;
    return 0;
}

static int take_share(struct json_object *value, const char *where, double *ret, lb_error *err)
{
    double share = json_object_is_type(value, json_type_double) || json_object_is_type(value, json_type_int)
                       ? json_object_get_double(value)
                       : -1;
    if (!(share > 0 && share <= 1))
        return fail_at(err, where, "is no share between 0 and 1");
    *ret = share;
    return 0;
}

/* ---- kinds ---- */

static int take_kind_member(branch_kind *kind, const char *name, struct json_object *value, lb_error *err)
{
    if (strcmp(name, "id") == 0)
        return take_text(value, "id", kind->id, sizeof kind->id, err);
    if (strcmp(name, "kind") == 0)
        return take_text(value, "kind", kind->kind, sizeof kind->kind, err);
    if (strcmp(name, "doc") == 0)
        return take_text(value, "doc", kind->doc, sizeof kind->doc, err);
    if (strcmp(name, "patterns") == 0)
        return take_list(value, "patterns", kind->patterns, sizeof kind->patterns, err);
    if (strcmp(name, "parents") == 0)
        return take_list(value, "parents", kind->parents, sizeof kind->parents, err);
    if (strcmp(name, "reset_from") == 0)
        return take_list(value, "reset_from", kind->reset_from, sizeof kind->reset_from, err);
    if (strcmp(name, "ttl") == 0)
        return take_ttl(value, "ttl", &kind->ttl_s, err);
    if (strcmp(name, "longest") == 0)
        return take_ttl(value, "longest", &kind->longest_s, err);
    if (strcmp(name, "protection") == 0)
        return take_protection(value, "protection", &kind->protection, err);
    return fail_at(err, name, "is no member of a kind");
}

static int check_kind(const branch_policy *policy, const branch_kind *kind, lb_error *err)
{
    if (!*kind->id || !*kind->kind || !*kind->patterns)
        return fail_at(err, *kind->kind ? kind->kind : "a kind", "needs id, kind and patterns");
    if (kind->ttl_s < 0)
        return fail_at(err, kind->kind, "needs a ttl: a time, or never");
    if (kind->ttl_s && kind->protection != BRANCH_NONE)
        return fail_at(err, kind->kind, "cannot be protected and expire");
    if (kind->longest_s < kind->ttl_s)
        return fail_at(err, kind->kind, "has a ttl above its longest one");
    for (const branch_kind *other = policy->kinds; other < kind; other++)
        if (strcmp(other->id, kind->id) == 0 || strcmp(other->kind, kind->kind) == 0)
            return fail_at(err, kind->kind, "has an id or a name that is there already");
    return 0;
}

static int take_kind(branch_policy *policy, struct json_object *object, lb_error *err)
{
    branch_kind *kind = &policy->kinds[policy->count];
    if (!json_object_is_type(object, json_type_object) || policy->count == BRANCH_KINDS)
        return fail_at(err, "kinds", "is no list of at most 32 objects");
    *kind = (branch_kind){.ttl_s = -1, .longest_s = -1};
    json_object_object_foreach(object, name, value)
    {
        int r = take_kind_member(kind, name, value, err);
        if (r < 0)
            return r;
    }
    if (kind->longest_s < 0)
        kind->longest_s = kind->ttl_s;
    int r = check_kind(policy, kind, err);
    policy->count += r >= 0;
    return r;
}

/* A branch that others are made from must not expire: nothing can be made from one that does. */
static int check_parents(const branch_policy *policy, lb_error *err)
{
    for (size_t i = 0; i < policy->count; i++) {
        for (const char *p = policy->kinds[i].parents; *p; p += strcspn(p, "|"), p += *p == '|') {
            lb_error ignored;
            char name[BRANCH_NAME];
            (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(p, "|"), p); /* was short enough when read */
            const branch_kind *parent = branch_kind_of_name(policy, name, &ignored);
            if (!parent)
                return fail_at(err, name, "is a parent that no kind knows");
            if (parent->ttl_s)
                return fail_at(err, name, "is a parent and has a ttl: nothing can be made from a branch that expires");
        }
    }
    return 0;
}

/* ---- the whole ---- */

static int take_limit(branch_policy *policy, const char *name, struct json_object *value, lb_error *err)
{
    if (strcmp(name, "unarchived") == 0)
        return take_number(value, name, 1, 500, &policy->most_unarchived, err);
    if (strcmp(name, "branches") == 0)
        return take_number(value, name, 1, 500, &policy->most_branches, err);
    if (strcmp(name, "warning") == 0)
        return take_share(value, name, &policy->warning, err);
    if (strcmp(name, "critical") == 0)
        return take_share(value, name, &policy->critical, err);
    return fail_at(err, name, "is no limit");
}

static int take_limits(branch_policy *policy, struct json_object *limits, lb_error *err)
{
    if (!json_object_is_type(limits, json_type_object))
        return fail_at(err, "limits", "is no object");
    json_object_object_foreach(limits, name, value)
    {
        int r = take_limit(policy, name, value, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int take_kinds(branch_policy *policy, struct json_object *kinds, lb_error *err)
{
    if (!json_object_is_type(kinds, json_type_array) || !json_object_array_length(kinds))
        return fail_at(err, "kinds", "is no list, or an empty one");
    for (size_t i = 0; i < json_object_array_length(kinds); i++) {
        int r = take_kind(policy, json_object_array_get_idx(kinds, i), err);
        if (r < 0)
            return r;
    }
    return check_parents(policy, err);
}

static int take_all(branch_policy *policy, struct json_object *root, lb_error *err)
{
    struct json_object *kinds = NULL;
    if (!json_object_is_type(root, json_type_object) || !json_object_object_get_ex(root, "kinds", &kinds))
        return fail_at(err, "the file", "is no object with kinds");
    json_object_object_foreach(root, name, value)
    {
        int r = 0;
        if (strcmp(name, "limits") == 0)
            r = take_limits(policy, value, err);
        else if (strcmp(name, "kinds") != 0)
            r = fail_at(err, name, "is neither limits nor kinds");
        if (r < 0)
            return r;
    }
    return take_kinds(policy, kinds, err);
}

int branch_policy_parse(const char *text, size_t length, branch_policy *ret_policy, lb_error *err)
{
    enum json_tokener_error problem = json_tokener_success;
    struct json_tokener *parser = json_tokener_new();
    if (!parser)
        return lb_out_of_memory(err);
    json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = json_tokener_parse_ex(parser, text, (int)length);
    problem = json_tokener_get_error(parser);
    size_t at = json_tokener_get_parse_end(parser);
    json_tokener_free(parser);
    branch_policy_default(ret_policy);
    ret_policy->count = 0;
    int r = root && problem == json_tokener_success && strspn(text + at, " \t\r\n") == length - at
                ? take_all(ret_policy, root, err)
                : lb_fail(err, LB_ERR_INVALID, "nothing is done with a policy that is not understood",
                          "branch policy: no JSON, from byte %zu on", at);
    (void)json_object_put(root); /* NULL is fine */
    return r;
}

int branch_policy_load(const char *path, branch_policy *ret_policy, lb_error *err)
{
    if (!path) {
        branch_policy_default(ret_policy);
        return 0;
    }
    char *text = calloc(1, FILE_LIMIT + 1);
    FILE *file = fopen(path, "re");
    if (!file || !text) {
        int r =
            lb_fail(err, LB_ERR_IO, "nothing is done without a policy", "branch policy %s: %s", path, strerror(errno));
        free(text);
        if (file)
            (void)fclose(file); /* was only read */
        return r;
    }
    size_t length = fread(text, 1, FILE_LIMIT + 1, file);
    bool whole = feof(file) && !ferror(file);
    (void)fclose(file); /* was only read */
    text[length < FILE_LIMIT ? length : FILE_LIMIT] = '\0';
    int r = whole && strlen(text) == length
                ? branch_policy_parse(text, length, ret_policy, err)
                : lb_fail(err, LB_ERR_INVALID, NULL, "branch policy: cannot be read, or has more than 256 kB");
    if (r >= 0)
        (void)snprintf(ret_policy->source, sizeof ret_policy->source, "%s", path); /* cut */
    free(text);
    return r < 0 ? lb_wrap(err, path) : 0;
}

const branch_policy *branch_policy_of_run(lb_ctx *ctx, const char *path, lb_error *err)
{
    branch_policy *policy = lb_alloc(ctx, sizeof *policy);
    if (!policy)
        (void)lb_out_of_memory(err); /* the NULL says it */
    return policy && branch_policy_load(path, policy, err) >= 0 ? policy : NULL;
}
