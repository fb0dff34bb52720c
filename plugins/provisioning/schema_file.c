/* schema_file.c: a schema from the document that read_schema answers with. It may be many megabytes, so it is read in
 * one pass, without a tree of it. */
#include "schema_kinds.h"

#include <stdlib.h>

#define DEPTH_MAX 40
#define ATTRS_MAX 100

typedef struct reader {
    lb_ctx *ctx;
    const char *begin, *p;
    const char *why; /* the first trouble */
    int depth;
} reader;

static bool fails(reader *r, const char *why)
{
    r->why = r->why ? r->why : why;
    return false;
}

static void skip_blanks(reader *r)
{
    while (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r')
        r->p++;
}

static bool takes(reader *r, char c)
{
    skip_blanks(r);
    if (*r->p != c)
        return false;
    r->p++;
    return true;
}

/* ---- texts ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool read_unit(reader *r, unsigned *ret_unit)
{
    unsigned unit = 0;
    for (int i = 0; i < 4; i++, r->p++) {
        int digit = hex_digit(*r->p);
        if (digit < 0)
            return fails(r, "a bad escape");
        unit = unit * 16 + (unsigned)digit;
    }
    *ret_unit = unit;
    return true;
}

static size_t put_utf8(char *out, unsigned point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length; i-- > 1; point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(heads[length] | point);
    return length;
}

/* Behind the backslash. A text of six characters gives four bytes at most. */
static bool read_escape(reader *r, char *out, size_t *length)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned unit = 0, low = 0;
    const char *simple = *r->p ? strchr(from, *r->p) : NULL;
    if (simple) {
        out[(*length)++] = to[simple - from];
        r->p++;
        return true;
    }
    if (*r->p++ != 'u' || !read_unit(r, &unit) || !unit)
        return fails(r, "a bad escape");
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (r->p[0] != '\\' || r->p[1] != 'u')
            return fails(r, "half a character");
        r->p += 2;
        if (!read_unit(r, &low) || low < 0xdc00 || low > 0xdfff)
            return fails(r, "half a character");
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    *length += put_utf8(out + *length, unit);
    return true;
}

static const char *text_end(const char *p)
{
    while (*p && *p != '"')
        p += *p == '\\' && p[1] ? 2 : 1;
    return p;
}

static bool read_text(reader *r, const char **ret_text)
{
    if (!takes(r, '"'))
        return fails(r, "a text is missing");
    const char *end = text_end(r->p);
    char *out = *end ? lb_alloc(r->ctx, (size_t)(end - r->p) + 1) : NULL;
    size_t length = 0;
    if (!out)
        return fails(r, *end ? "out of memory" : "a text does not end");
    while (r->p < end) {
        if (*r->p != '\\')
            out[length++] = *r->p++;
        else if (r->p++, !read_escape(r, out, &length))
            return false;
    }
    r->p = end + 1;
    *ret_text = out;
    return true;
}

/* ---- the rest of JSON ---- */

static bool read_number(reader *r, int64_t *ret_number)
{
    skip_blanks(r);
    char *end;
    *ret_number = strtoll(r->p, &end, 10);
    if (end == r->p)
        return fails(r, "a number is missing");
    r->p = end;
    return true;
}

static bool reads_null(reader *r)
{
    skip_blanks(r);
    if (strncmp(r->p, "null", 4) != 0)
        return false;
    r->p += 4;
    return true;
}

/* Whatever stands there. */
static bool skip_value(reader *r)
{
    int depth = 0;
    do {
        skip_blanks(r);
        if (*r->p == '"') {
            const char *end = text_end(r->p + 1);
            if (!*end)
                return fails(r, "a text does not end");
            r->p = end + 1;
        } else if (*r->p == '{' || *r->p == '[') {
            depth++;
            r->p++;
        } else if (*r->p == '}' || *r->p == ']') {
            depth--;
            r->p++;
        } else if (*r->p) {
            r->p += strcspn(r->p + 1, " \n\t\r\"{}[],:") + 1;
        } else {
            return fails(r, "the document ends early");
        }
    } while (depth > 0);
    return true;
}

/* Each member of the object: 1, none left: 0, trouble: -1. */
static int next_member(reader *r, bool *first, const char **ret_name)
{
    if (takes(r, '}'))
        return 0;
    if (!*first && !takes(r, ','))
        return fails(r, "a comma is missing") ? 0 : -1;
    *first = false;
    if (!read_text(r, ret_name) || !takes(r, ':'))
        return fails(r, "a member without a value") ? 0 : -1;
    return 1;
}

static int next_item(reader *r, bool *first)
{
    if (takes(r, ']'))
        return 0;
    if (!*first && !takes(r, ','))
        return fails(r, "a comma is missing") ? 0 : -1;
    *first = false;
    return 1;
}

/* ---- rows and edges ---- */

static bool read_numbers(reader *r, int64_t *numbers, int count)
{
    bool first = true;
    if (!takes(r, '['))
        return fails(r, "a list is missing");
    for (int i = 0; i < count; i++)
        if (next_item(r, &first) != 1 || !read_number(r, &numbers[i]))
            return fails(r, "a list is too short");
    return takes(r, ']') || fails(r, "a list is too long");
}

static bool read_attrs(reader *r, lb_value *items, schema_row *row)
{
    bool first = true;
    int more = 0;
    if (!takes(r, '['))
        return fails(r, "a list is missing");
    while ((more = next_item(r, &first)) == 1) {
        const char *text = NULL;
        if (row->attr_count == ATTRS_MAX)
            return fails(r, "an object has too many attributes");
        if (!read_text(r, &text))
            return false;
        items[row->attr_count++] = lb_text(NULL, text);
    }
    row->attrs = items;
    return more == 0;
}

static bool read_text_or_null(reader *r, const char **ret_text)
{
    return reads_null(r) || read_text(r, ret_text);
}

static schema_key key_of(const int64_t *numbers)
{
    return (schema_key){.catalog = numbers[0], .object = numbers[1], .part = numbers[2]};
}

static bool read_member(reader *r, const char *name, schema_row *row, lb_value *attrs)
{
    static const char *const texts[] = {"kind", "schema", "address", "name"};
    const char **places[] = {&row->kind, &row->schema, &row->address, &row->name};
    int64_t numbers[3] = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(name, texts[i]) == 0)
            return read_text_or_null(r, places[i]);
    if (strcmp(name, "attrs") == 0)
        return read_attrs(r, attrs, row);
    bool is_key = strcmp(name, "key") == 0;
    if (!is_key && strcmp(name, "up") != 0)
        return skip_value(r);
    if (!read_numbers(r, numbers, 3))
        return false;
    *(is_key ? &row->key : &row->up_key) = key_of(numbers);
    return true;
}

static bool read_object(reader *r, schema_model *m, lb_error *err)
{
    lb_value attrs[ATTRS_MAX];
    schema_row row = {0};
    const char *name = "";
    bool first = true;
    int more = 0;
    if (!takes(r, '{'))
        return fails(r, "an object is missing");
    while ((more = next_member(r, &first, &name)) == 1)
        if (!read_member(r, name, &row, attrs))
            return false;
    if (more < 0 || !row.kind || !row.address)
        return fails(r, "an object without kind or address");
    return schema_model_add(m, &row, err) >= 0;
}

static bool read_edge(reader *r, schema_model *m, lb_error *err)
{
    const char *name = "";
    int64_t n[7] = {0};
    bool first = true;
    if (!takes(r, '{') || next_member(r, &first, &name) != 1 || !read_numbers(r, n, 7) || !takes(r, '}'))
        return fails(r, "an edge is not seven numbers");
    return schema_model_edge(m, key_of(n), key_of(n + 3), n[6] != 0, err) >= 0;
}

static bool read_commit(reader *r, schema_model *m, lb_error *err)
{
    const char *name = "";
    int64_t n[2] = {0};
    bool first = true;
    if (!takes(r, '{') || next_member(r, &first, &name) != 1 || !read_numbers(r, n, 2) || !takes(r, '}'))
        return fails(r, "a commit is not two numbers");
    return schema_model_commit(m, (schema_commit){n[0], n[1]}, err) >= 0;
}

static bool read_commits(reader *r, schema_model *m, lb_error *err)
{
    bool first = true;
    int more = 0;
    if (!takes(r, '['))
        return fails(r, "a list is missing");
    while ((more = next_item(r, &first)) == 1)
        if (!read_commit(r, m, err))
            return false;
    return more == 0;
}

static bool read_list(reader *r, schema_model *m, bool edges, lb_error *err)
{
    bool first = true;
    int more = 0;
    if (!edges && m->buckets)
        return fails(r, "objects stand behind edges");
    if (edges && !m->buckets && schema_model_index(m, err) < 0)
        return false;
    if (!takes(r, '['))
        return fails(r, "a list is missing");
    while ((more = next_item(r, &first)) == 1)
        if (!(edges ? read_edge(r, m, err) : read_object(r, m, err)))
            return false;
    return more == 0;
}

/* What another version did not read would count as gone. */
static bool read_version(reader *r, bool *ret_found)
{
    int64_t version = 0;
    if (!read_number(r, &version))
        return false;
    *ret_found = true;
    return version == SCHEMA_VERSION ? true : fails(r, "it is one of another version, and has to be read anew");
}

/* The document of a run holds that of the schema as its result. */
static bool read_document(reader *r, schema_model *m, bool *ret_found, lb_error *err)
{
    const char *name = "";
    bool first = true, good = true;
    int more = 0;
    if (++r->depth > DEPTH_MAX || !takes(r, '{'))
        return fails(r, "it is no JSON object");
    while (good && (more = next_member(r, &first, &name)) == 1) {
        bool objects = strcmp(name, "objects") == 0, edges = strcmp(name, "edges") == 0;
        if (strcmp(name, "result") == 0)
            good = read_document(r, m, ret_found, err);
        else if (objects || edges)
            good = read_list(r, m, edges, err);
        else if (strcmp(name, "commits") == 0)
            good = read_commits(r, m, err);
        else if (strcmp(name, "schema_version") == 0)
            good = read_version(r, ret_found);
        else if (strcmp(name, "database") == 0)
            good = read_text_or_null(r, &m->database);
        else if (strcmp(name, "system_identifier") == 0)
            good = read_text_or_null(r, &m->system);
        else if (strcmp(name, "database_oid") == 0)
            good = read_number(r, &m->database_oid);
        else
            good = skip_value(r);
    }
    return good && more == 0;
}

int schema_load(lb_ctx *ctx, const char *json, const schema_filter *filter, schema_model **ret_model, lb_error *err)
{
    reader r = {.ctx = ctx, .begin = json, .p = json};
    schema_model *m = schema_model_new(ctx, filter);
    bool found = false;
    if (!m)
        return lb_out_of_memory(err);
    *err = (lb_error){0};
    if (!read_document(&r, m, &found, err))
        return err->code < 0
                   ? err->code
                   : lb_fail(err, LB_ERR_INVALID, "lbops --json run read_schema writes one",
                             "no snapshot of a schema: %s at byte %td", r.why ? r.why : "it is broken", r.p - r.begin);
    if (!found)
        return lb_fail(err, LB_ERR_INVALID, "lbops --json run read_schema writes one", "no snapshot of a schema");
    if (!m->buckets && schema_model_index(m, err) < 0)
        return err->code;
    *ret_model = m;
    return schema_model_finish(m, err);
}
