/* What must not be written into a document that many people read and that a store keeps for a year.
 *
 * Nobody can tell a secret from another text by looking at it, so this looks at the names beside it: members of
 * documents, options of statements, keywords of connection strings, options and variables of command lines. The host's
 * own rule is simpler: a change takes a reference to a secret. This is the net below it. */
#include "approval_doc.h"
#include "effect_tree.h"
#include "json.h"

#include <pg_query.h>

static bool ends_with(const char *text, size_t length, const char *end)
{
    size_t tail = strlen(end);
    return length >= tail && strncasecmp(text + length - tail, end, tail) == 0;
}

static bool is_secret_name(const char *name, size_t length)
{
    static const char *const ends[] = {"password",    "passwd",     "passphrase",    "secret",
                                       "private_key", "api_key",    "access_token",  "refresh_token",
                                       "id_token",    "auth_token", "authorization", "credential"};
    for (size_t i = 0; i < LB_COUNT(ends); i++)
        if (ends_with(name, length, ends[i]))
            return true;
    return length == strlen("token") && strncasecmp(name, "token", length) == 0;
}

/* name=value anywhere in a text, as connection strings, queries and command lines have it, and the user:password@ of an
 * address. A value that begins like a reference (${PASSWORD}, <password>) is none. */
static const char *in_text(const char *text)
{
    static const char marks[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    for (const char *p = text; *p;) {
        size_t length = strspn(p, marks);
        bool is_given = length && p[length] == '=' && p[length + 1] && !strchr("${<[ \t\r\n", p[length + 1]);
        if (is_given && is_secret_name(p, length))
            return "a keyword of a connection string";
        p += length ? length : 1;
    }
    for (const char *p = strstr(text, "://"); p; p = strstr(p + 3, "://")) {
        size_t host = strcspn(p + 3, "/?# \t\r\n'\""), user = strcspn(p + 3, ":@");
        if (user < host && p[3 + user] == ':' && memchr(p + 3 + user, '@', host - user))
            return "an address with a password";
    }
    return strstr(text, "PRIVATE KEY-----") ? "a private key" : NULL;
}

/* A text that was set, which an empty one or a reference's object is not. */
static bool is_set(struct json_object *value)
{
    return json_object_is_type(value, json_type_string) && json_object_get_string_len(value) > 0;
}

static const char *in_json(struct json_object *value)
{
    const char *found = NULL;
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; !found && i < json_object_array_length(value); i++)
            found = in_json(json_object_array_get_idx(value, i));
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, name, member)
        {
            if (is_set(member) && is_secret_name(name, strlen(name)))
                return "a member of the request's body";
            found = found ? found : in_json(member);
        }
    } else if (json_object_is_type(value, json_type_string)) {
        found = in_text(json_object_get_string(value));
    }
    return found;
}

static const char *in_body(const char *body)
{
    lb_error ignored;
    JSON_AUTO *document = json_parse(body, strlen(body), &ignored);
    return document ? in_json(document) : in_text(body);
}

/* In the parser's tree: an option with a value that is not null (PASSWORD of a role, OPTIONS of a user mapping), and
 * what a string constant holds. A column that is called password is none. */
static const char *in_tree(const char *parsed)
{
    char key[64], text[4096];
    const char *found = NULL;
    tree root = {parsed}, value;
    const char *end = tree_end(root);
    for (const char *p = root.at; !found && tree_next_key(p, end, key, sizeof key, &value); p = value.at) {
        if (strcmp(key, "sval") == 0 || strcmp(key, "conninfo") == 0) {
            tree_text(value, text, sizeof text);
            found = in_text(text);
        } else if (strcmp(key, "DefElem") == 0) {
            tree_text(tree_get(value, "defname"), text, sizeof text);
            bool is_given = tree_has(tree_path(tree_get(value, "arg"), "String", "sval"));
            found = is_given && is_secret_name(text, strlen(text)) ? "an option of the statement" : NULL;
        }
    }
    return found;
}

static const char *in_values(const lb_value *values)
{
    const char *found = NULL;
    for (; values && values->type != LB_END && !found; values++) {
        if (LB_ELEMENT(values->type) == LB_SECRET)
            return "an argument";
        bool has_text = values->type == LB_TEXT || values->type == LB_JSON;
        if (has_text && values->name && is_secret_name(values->name, strlen(values->name)))
            return "an argument named like one";
        found = has_text ? in_text(values->v.text) : values->type == LB_OBJECT ? in_values(values->v.items) : NULL;
    }
    return found;
}

static const char *in_sql(const approval_change *c)
{
    PgQueryParseResult parsed = pg_query_parse(c->sql.text);
    const char *found = parsed.error || !parsed.parse_tree ? in_text(c->sql.text) : in_tree(parsed.parse_tree);
    pg_query_free_parse_result(parsed);
    found = found ? found : in_values(c->sql.args);
    for (uint32_t i = 0; !found && i < c->sql.param_count; i++)
        found = c->sql.params[i] ? in_text(c->sql.params[i]) : NULL;
    return found;
}

static const char *in_argv(const char *const *argv)
{
    for (; *argv; argv++) {
        const char *found = in_text(*argv);
        if (!found && argv[0][0] == '-' && argv[1] && is_secret_name(argv[0], strlen(argv[0])))
            found = "an option of the program";
        if (found)
            return found;
    }
    return NULL;
}

const char *approval_secret_in(const approval_change *c)
{
    const char *found = NULL;
    switch (c->kind) {
    case CHANGE_SQL:
        return in_sql(c);
    case CHANGE_API:
        found = c->request.query ? in_text(c->request.query) : NULL;
        return found || !c->request.body ? found : in_body(c->request.body);
    case CHANGE_FILE:
        return in_text(c->content);
    case CHANGE_EXEC:
        return in_argv(c->argv);
    case CHANGE_LAKE:
        return in_sql(c);
    }
    return NULL;
}
