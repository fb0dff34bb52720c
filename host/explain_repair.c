#include "explain_repair.h"

#include "buf.h"
#include "compose.h"

#include <ctype.h>
#include <sql/host/explain_extract.h>
#include <sql/host/explain_typed.h>
#include <stdlib.h>

#define EDITS_MOST 100
#define TEXT_MOST  ((size_t)1024 * 1024)
#define ANY_SERVER 17 /* the pieces are the same for each */

typedef struct edit {
    size_t from, length;
    const char *put;
} edit;

typedef struct repair {
    const char *text;
    size_t base;
    arena *memory;
    edit edits[EDITS_MOST];
    size_t count;
} repair;

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

/* Where in the text a node stands that has a place; NULL: nowhere. */
static const char *place_of(const repair *r, tree node)
{
    tree location = tree_get(node, "location");
    int64_t at = tree_number(location) - (int64_t)r->base;
    return at >= 0 && (size_t)at < strlen(r->text) ? r->text + at : NULL;
}

/* Behind $1; NULL: something else stands there. */
static const char *past_parameter(const char *p)
{
    if (!p || *p != '$' || !isdigit((unsigned char)p[1]))
        return NULL;
    for (p++; isdigit((unsigned char)*p); p++)
        ;
    return p;
}

static const char *past_blanks(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Behind the word; NULL: it is another one. */
static const char *past_word(const char *p, const char *word)
{
    size_t length = strlen(word);
    return strncasecmp(p, word, length) == 0 && !is_word(p[length]) ? p + length : NULL;
}

static void add(repair *r, const char *from, const char *to, const char *put)
{
    if (r->count < EDITS_MOST)
        r->edits[r->count] = (edit){.from = (size_t)(from - r->text), .length = (size_t)(to - from), .put = put};
    r->count++;
}

/* ---- interval $1, interval $1 day, date $2 ---- */

/* Behind one field of an interval, or where it would stand; NULL: more than one, which is left alone. */
static const char *past_field(const char *p)
{
    static const char *const fields[] = {"year", "month", "day", "hour", "minute", "second"};
    const char *field = past_blanks(p), *end = NULL;
    for (size_t i = 0; i < LB_COUNT(fields) && !end; i++)
        end = past_word(field, fields[i]);
    if (!end)
        return p;
    const char *next = past_blanks(end);
    return *next == '(' || past_word(next, "to") ? NULL : end;
}

static int look_at_cast(repair *r, tree cast, lb_error *err)
{
    tree arg = tree_node(tree_get(cast, "arg"), "ParamRef");
    const char *type = place_of(r, tree_get(cast, "typeName")), *parameter = place_of(r, arg);
    const char *end = past_parameter(parameter);
    const lb_sql *sql = NULL;
    if (!tree_has(arg) || !type || !end || type >= parameter)
        return 0;
    const char *field = past_word(type, "interval") || strncasecmp(type, "interval(", 9) == 0 ? past_field(end) : end;
    if (!field)
        return 0;
    const char *value = arena_strndup(r->memory, parameter, (size_t)(end - parameter));
    const char *name = arena_printf(r->memory, "%.*s%.*s", (int)(parameter - type), type, (int)(field - end), end);
    if (!value || !name)
        return lb_out_of_memory(err);
    int code = compose(&host_explain_typed_sql, LB_ARGS(lb_definition("value", value), lb_definition("type", name)),
                       ANY_SERVER, r->memory, &sql, err);
    if (code == LB_ERR_INVALID)
        return 0; /* the server will say what it thinks of it */
    if (code >= 0)
        add(r, type, field, sql->text);
    return code;
}

/* ---- generate_series($1, $2) ---- */

/* Numbers, or the server would not have known which function is meant then either; a type of theirs stood in the text.
 */
static int look_at_series(repair *r, tree call, lb_error *err)
{
    tree name = tree_first(tree_get(call, "funcname")), args = tree_get(call, "args");
    const lb_sql *sql = NULL;
    const char *value = NULL, *first = NULL, *end = NULL;
    for (tree next = tree_next(name); tree_has(next); next = tree_next(name)) /* behind the schema */
        name = next;
    if (!tree_is(tree_get(tree_node(name, "String"), "sval"), "generate_series"))
        return 0;
    for (tree arg = tree_first(args); tree_has(arg); arg = tree_next(arg))
        if (!past_parameter(place_of(r, tree_node(arg, "ParamRef"))))
            return 0; /* its type tells those of the others */
    first = place_of(r, tree_node(tree_first(args), "ParamRef"));
    end = past_parameter(first);
    value = end ? arena_strndup(r->memory, first, (size_t)(end - first)) : NULL;
    if (!value)
        return end ? lb_out_of_memory(err) : 0;
    int code = compose(&host_explain_typed_sql, LB_ARGS(lb_definition("value", value), lb_definition("type", "int4")),
                       ANY_SERVER, r->memory, &sql, err);
    if (code >= 0)
        add(r, first, end, sql->text);
    return code;
}

/* ---- extract($1 from x) ---- */

static int look_at_extract(repair *r, tree call, lb_error *err)
{
    const char *name = place_of(r, call),
               *parameter = place_of(r, tree_node(tree_first(tree_get(call, "args")), "ParamRef"));
    const char *open = name ? past_word(name, "extract") : NULL, *end = past_parameter(parameter);
    const lb_sql *sql = NULL;
    if (!open || !end || *past_blanks(open) != '(')
        return 0;
    const char *from = past_blanks(end), *behind = past_word(from, "from");
    if (!behind)
        return 0;
    int code = compose(&host_explain_extract_sql, LB_NO_ARGS, ANY_SERVER, r->memory, &sql, err);
    if (code >= 0) {
        add(r, name, open, sql->text);
        add(r, from, behind, ",");
    }
    return code;
}

/* ---- all of it ---- */

static int look_at_call(repair *r, tree call, lb_error *err)
{
    int code = look_at_extract(r, call, err);
    return code < 0 ? code : look_at_series(r, call, err);
}

static int by_place(const void *a, const void *b)
{
    size_t x = ((const edit *)a)->from, y = ((const edit *)b)->from;
    return (x > y) - (x < y);
}

static int apply(repair *r, const char **ret_text, lb_error *err)
{
    BUF_AUTO b = BUF_INIT(TEXT_MOST);
    size_t at = 0;
    qsort(r->edits, r->count, sizeof *r->edits, by_place);
    for (size_t i = 0; i < r->count; i++) {
        const edit *e = &r->edits[i];
        buf_printf(&b, "%.*s%s", (int)(e->from - at), r->text + at, e->put);
        at = e->from + e->length;
    }
    buf_puts(&b, r->text + at);
    if (b.overflow)
        return lb_fail(err, LB_ERR_LIMIT, NULL, "the statement is too long to explain");
    *ret_text = arena_strdup(r->memory, buf_text(&b));
    return *ret_text ? 0 : lb_out_of_memory(err);
}

int explain_repair(const char *text, tree statement, size_t base, arena *memory, const char **ret_text, lb_error *err)
{
    char key[32];
    tree value;
    int code = 0;
    repair *r = arena_alloc(memory, sizeof *r);
    if (!r)
        return lb_out_of_memory(err);
    *r = (repair){.text = text, .base = base, .memory = memory};
    *ret_text = text;
    const char *end = tree_end(statement);
    for (const char *at = statement.at; code >= 0 && tree_next_key(at, end, key, sizeof key, &value); at = value.at)
        code = strcmp(key, "TypeCast") == 0   ? look_at_cast(r, value, err)
               : strcmp(key, "FuncCall") == 0 ? look_at_call(r, value, err)
                                              : 0;
    return code < 0 || !r->count || r->count > EDITS_MOST ? code : apply(r, ret_text, err);
}
