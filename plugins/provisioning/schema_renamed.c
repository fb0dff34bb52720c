/* schema_renamed.c: the present schema as it will be behind the RENAME: with the new names in whatever the server
 * prints of it. A text that is not met so counts as another one, and is made again. */
#include "schema_kinds.h"

/* ---- new names in old texts ---- */

static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           c == '"' || (unsigned char)c >= 0x80;
}

/* CREATE INDEX mail ON t (mail): the first one is the index's own. */
static bool names_itself(const char *text, const char *at)
{
    static const char *const words[] = {"INDEX ", "CONCURRENTLY ", "CONSTRAINT ", "TRIGGER ", "POLICY ", "STATISTICS "};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if ((size_t)(at - text) >= strlen(words[i]) && strncmp(at - strlen(words[i]), words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

/* Whole words only. */
static bool stands_alone(const char *text, const char *at, const char *word)
{
    size_t length = strlen(word);
    bool begins = at == text || !is_of_name(word[0]) || !is_of_name(at[-1]);
    return begins && (!is_of_name(word[length - 1]) || !is_of_name(at[length]));
}

/* Between single quotes, of which a doubled one is two. */
static bool is_literal(const char *text, const char *at)
{
    bool within = false;
    for (; text < at; text++)
        within = within != (*text == '\'');
    return within;
}

static const char *reword(lb_ctx *ctx, const char *text, const char *before, const char *after)
{
    const char *p = text;
    while ((p = strstr(p, before))) {
        size_t at = (size_t)(p - text);
        if (!stands_alone(text, p, before) || names_itself(text, p) || is_literal(text, p)) {
            p++;
            continue;
        }
        text = lb_printf(ctx, "%.*s%s%s", (int)at, text, after, p + strlen(before));
        if (!text)
            return NULL;
        p = text + at + strlen(after);
    }
    return text;
}

enum texts {
    TEXTS_SHOWN = 0,  /* what is compared only: a word that is left there makes a thing anew, and does no harm */
    TEXTS_CARRIED = 1 /* what statements are made of, too */
};

/* People's own texts do not follow a name. */
static bool is_printed(const schema_object *o, const char *attr)
{
    bool is_body = schema_is_kind(o, "function") || schema_is_kind(o, "procedure");
    return strcmp(attr, "comment") != 0 && !(is_body && strcmp(attr, "definition") == 0);
}

static int reword_object(lb_ctx *ctx, schema_object *o, enum texts which, const char *before, const char *after,
                         lb_error *err)
{
    schema_attr *attrs = lb_alloc(ctx, (o->attr_count + 1) * sizeof *attrs);
    if (!attrs)
        return lb_out_of_memory(err);
    for (uint32_t i = 0; i < o->attr_count; i++) {
        attrs[i] = o->attrs[i];
        bool is_drop = strncmp(attrs[i].name, "drop", 4) == 0;
        if ((which == TEXTS_CARRIED || !is_drop) && is_printed(o, attrs[i].name))
            attrs[i].value = reword(ctx, attrs[i].value, before, after);
        if (!attrs[i].value)
            return lb_out_of_memory(err);
    }
    o->attrs = attrs;
    if (which == TEXTS_CARRIED)
        o->address = reword(ctx, o->address, before, after);
    return o->address ? 0 : lb_out_of_memory(err);
}

/* ---- the present schema behind the RENAME ---- */

static int reword_all(schema_model *m, const char *before, const char *after, lb_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < m->count && r >= 0; i++)
        r = reword_object(m->ctx, &m->objects[i], TEXTS_CARRIED, before, after, err);
    return r;
}

static int reword_users(schema_model *m, uint32_t index, const char *before, const char *after, lb_error *err)
{
    int r = 0;
    for (uint32_t i = m->user_from[index]; i < m->user_from[index + 1] && r >= 0; i++)
        r = reword_object(m->ctx, &m->objects[m->edges[m->users[i]].a], TEXTS_SHOWN, before, after, err);
    return r;
}

/* A view keeps the old name for its own column, and prints "t.email AS mail" then: it is left for the comparison. */
static bool keeps_names(const schema_object *o)
{
    return schema_is_kind(o, "view") || schema_is_kind(o, "matview") || schema_is_kind(o, "view_column");
}

static int reword_users_of_column(schema_model *m, uint32_t index, const char *before, const char *after, lb_error *err)
{
    int r = 0;
    for (uint32_t i = m->user_from[index]; i < m->user_from[index + 1] && r >= 0; i++) {
        schema_object *user = &m->objects[m->edges[m->users[i]].a];
        r = keeps_names(user) ? 0 : reword_object(m->ctx, user, TEXTS_SHOWN, before, after, err);
    }
    return r;
}

static void take_name(schema_diff *d, uint32_t from, uint32_t to)
{
    d->from->objects[from].address = d->to->objects[to].address;
    d->from->objects[from].name = d->to->objects[to].name;
}

/* Of schema.name, each in quotes where it needs them. */
static const char *without_schema(const char *identity)
{
    bool in_quotes = false;
    for (const char *p = identity; *p; p++) {
        in_quotes = in_quotes != (*p == '"');
        if (*p == '.' && !in_quotes)
            return p + 1;
    }
    return identity;
}

/* The server leaves the schema out where the session finds the table without it. */
static int rename_table(schema_diff *d, const schema_rename *rename, lb_error *err)
{
    schema_model *m = d->from;
    const char *was = schema_identity(&rename->was), *is = schema_identity(&d->to->objects[rename->to]);
    int r = reword_all(m, was, is, err);
    if (r >= 0)
        r = reword_users(m, rename->from, without_schema(was), without_schema(is), err);
    for (uint32_t i = m->part_from[rename->from]; i < m->part_from[rename->from + 1] && r >= 0; i++)
        r = reword_users(m, m->parts[i], without_schema(was), without_schema(is), err);
    take_name(d, rename->from, rename->to);
    return r;
}

/* A right on a column is a part of its table. */
static int rename_in_rights(schema_model *m, uint32_t table, const char *before, const char *after, lb_error *err)
{
    int r = 0;
    for (uint32_t i = m->part_from[table]; i < m->part_from[table + 1] && r >= 0; i++)
        if (m->objects[m->parts[i]].kind->traits & KIND_PRIVILEGE)
            r = reword_object(m->ctx, &m->objects[m->parts[i]], TEXTS_CARRIED, before, after, err);
    return r;
}

static int rename_column(schema_diff *d, const schema_rename *rename, lb_error *err)
{
    schema_model *m = d->from;
    schema_object *column = &m->objects[rename->from];
    const char *table = schema_identity(&m->objects[column->up]);
    const char *was = schema_identity(column), *is = schema_identity(&d->to->objects[rename->to]);
    size_t skipped = strlen(table) + 1; /* both begin with the name of the table */
    const char *before = lb_printf(d->ctx, "(%s) ON ", was + skipped),
               *after = lb_printf(d->ctx, "(%s) ON ", is + skipped);
    if (!before || !after)
        return lb_out_of_memory(err);
    int r = reword_all(m, was, is, err);
    if (r >= 0)
        r = reword_object(d->ctx, column, TEXTS_SHOWN, was + skipped, is + skipped, err);
    if (r >= 0)
        r = reword_users_of_column(m, rename->from, was + skipped, is + skipped, err);
    if (r >= 0)
        r = rename_in_rights(m, column->up, before, after, err);
    take_name(d, rename->from, rename->to);
    return r;
}

/* What the statement takes; its other attributes are of no use to it. */
static int keep_new_name(schema_diff *d, schema_rename *rename, lb_error *err)
{
    schema_attr *attr = lb_alloc(d->ctx, sizeof *attr);
    if (!attr)
        return lb_out_of_memory(err);
    *attr = (schema_attr){.name = "new_name", .value = d->to->objects[rename->to].name};
    rename->is_inherited = schema_get(&rename->was, "inherited") != NULL;
    rename->was.attrs = attr;
    rename->was.attr_count = 1;
    return 0;
}

/* Tables come first, and columns have their names then. */
int schema_take_renames(schema_diff *d, lb_error *err)
{
    int r = schema_model_copy(d->from, &d->from, err);
    for (uint32_t i = 0; i < d->rename_count && r >= 0; i++) {
        schema_rename *rename = &d->renames[i];
        r = schema_is_kind(&rename->was, "table") ? rename_table(d, rename, err) : rename_column(d, rename, err);
        if (r >= 0)
            r = keep_new_name(d, rename, err);
    }
    return r < 0 ? r : schema_index_addresses(d->from, err);
}
