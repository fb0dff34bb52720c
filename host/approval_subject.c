/* When are two approvals about the same thing, and does the second one bring anything new? */
#include "approval_value.h"
#include "clock.h"
#include "effect_objects.h"
#include "json.h"

#include <math.h>
#include <pg_query.h>

/* ---- the subject ----
 *
 * A denial stands for the finding, and the finding comes again with other figures: a later cutoff, a larger size. So
 * the subject leaves out what differs from run to run and keeps what names things:
 * - the tool and the branch: another tool, or another branch, is another question;
 * - of SQL the shape of the statement as the server's parser sees it, with tables, columns and indexes and without
 *   constants, and of its arguments those that name or choose something: texts, identifiers, integers (ids, such as
 *   that of a session), flags. Not timestamps, fractions, exact decimals and documents: those are measures;
 * - of a control-plane call method, path and query, not its body: an expiry or a size in there is a measure too;
 * - of a file its path, of a program its name and arguments.
 * - where the evidence names one, the database, of which a branch may have several: the same statement in another one
 *   is another question.
 * Title, reason and all else in the evidence are for people and full of figures. Where the rule is wrong it is wrong
 * towards asking once more: a finding that is not recognised is proposed again, none is silently taken for one that was
 * denied. */

static bool names_something(lb_type type)
{
    lb_type element = LB_ELEMENT(type);
    return element == LB_TEXT || element == LB_IDENT || element == LB_I64 || element == LB_BOOL ||
           element == LB_SQLTYPE || element == LB_DEFINITION;
}

static void add_arguments(sha256 *s, const lb_value *args)
{
    for (; args && args->type != LB_END; args++)
        if (names_something(args->type)) {
            const lb_value one[] = {*args, {.type = LB_END}};
            approval_hash_values(s, one);
        }
}

/* The parser's shape takes t2025 and t2026 for one: it leaves digits out of names. */
static void add_objects(sha256 *s, const char *sql)
{
    arena memory;
    lb_error ignored; /* what cannot be read has its text for a shape */
    effect_objects objects = {0};
    arena_init(&memory, 0);
    if (effect_objects_of_sql(sql, &memory, &objects, &ignored) >= 0)
        for (size_t i = 0; i < objects.count; i++) {
            approval_hash_text(s, objects.items[i].kind);
            approval_hash_text(s, objects.items[i].schema);
            approval_hash_text(s, objects.items[i].name);
        }
    arena_done(&memory);
}

static void add_sql(sha256 *s, const approval_change *c)
{
    PgQueryFingerprintResult shape = pg_query_fingerprint(c->sql.text);
    approval_hash_text(s, shape.error ? c->sql.text : shape.fingerprint_str);
    pg_query_free_fingerprint_result(shape);
    add_objects(s, c->sql.text);
    add_arguments(s, c->sql.args);
}

static void add_database(sha256 *s, const char *evidence)
{
    lb_error ignored;
    JSON_AUTO *document = evidence ? json_parse(evidence, strlen(evidence), &ignored) : NULL;
    const char *database = document ? json_get_text(document, "database") : NULL;
    if (database)
        approval_hash_text(s, database);
}

void approval_subject(const approval *a, char subject[SHA256_TEXT])
{
    sha256 s;
    sha256_init(&s);
    approval_hash_text(&s, "lbops subject 1");
    approval_hash_text(&s, a->tool);
    approval_hash_text(&s, a->target.project);
    approval_hash_text(&s, a->target.branch);
    add_database(&s, a->evidence);
    for (size_t i = 0; i < a->change_count; i++) {
        const approval_change *c = &a->changes[i];
        approval_hash_text(&s, change_kind_name(c->kind));
        if (c->kind == CHANGE_SQL)
            add_sql(&s, c);
        if (c->kind == CHANGE_LAKE) {
            approval_hash_text(&s, c->lake.catalog);
            approval_hash_text(&s, c->lake.schema);
            approval_hash_text(&s, c->lake.name);
        }
        if (c->service)
            approval_hash_text(&s, c->service);
        approval_hash_text(&s, c->request.method);
        approval_hash_text(&s, c->request.path);
        approval_hash_text(&s, c->request.query);
        approval_hash_text(&s, c->path);
        for (const char *const *arg = c->argv; arg && *arg; arg++)
            approval_hash_text(&s, *arg);
    }
    sha256_end_text(&s, subject);
}

/* ---- the evidence ---- */

#define SAME_SHARE 0.2 /* of the larger number */

static bool is_number(struct json_object *value)
{
    return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
}

static bool same_number(double a, double b)
{
    double larger = fmax(fabs(a), fabs(b));
    return a == b || fabs(a - b) <= SAME_SHARE * larger;
}

/* A date at least; a bare number is no time to anybody. */
static bool is_time(const char *text)
{
    int64_t at;
    return strlen(text) >= strlen("2026-01-31") && clock_parse(text, &at);
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0 || (is_time(a) && is_time(b));
}

static bool same_value(struct json_object *a, struct json_object *b);

/* What changes by being looked at, such as how often a table has been read: it is told, and decides nothing. */
#define NOT_COMPARED "not_compared"

static bool same_members(struct json_object *a, struct json_object *b)
{
    if (json_object_object_length(a) != json_object_object_length(b))
        return false;
    json_object_object_foreach(a, name, value)
    {
        struct json_object *other = NULL;
        if (!json_object_object_get_ex(b, name, &other) ||
            (strcmp(name, NOT_COMPARED) != 0 && !same_value(value, other)))
            return false;
    }
    return true;
}

static bool same_items(struct json_object *a, struct json_object *b)
{
    size_t count = json_object_array_length(a);
    bool same = count == json_object_array_length(b);
    for (size_t i = 0; same && i < count; i++)
        same = same_value(json_object_array_get_idx(a, i), json_object_array_get_idx(b, i));
    return same;
}

static bool same_value(struct json_object *a, struct json_object *b)
{
    if (is_number(a) && is_number(b))
        return same_number(json_object_get_double(a), json_object_get_double(b));
    if (json_object_get_type(a) != json_object_get_type(b))
        return false;
    switch (json_object_get_type(a)) {
    case json_type_object:
        return same_members(a, b);
    case json_type_array:
        return same_items(a, b);
    case json_type_string:
        return same_text(json_object_get_string(a), json_object_get_string(b));
    case json_type_boolean:
        return json_object_get_boolean(a) == json_object_get_boolean(b);
    default:
        return true; /* both are null */
    }
}

bool approval_evidence_same(const char *before, const char *now)
{
    lb_error ignored;
    JSON_AUTO *a = json_parse(before, strlen(before), &ignored);
    JSON_AUTO *b = json_parse(now, strlen(now), &ignored);
    return a && b && same_value(a, b);
}
