#include "dba_named.h"

#include <sql/health/named_tables.h>

#include <ctype.h>
#include <string.h>

#define NAME 130 /* a schema and a table */

/* ---- the text ---- */

static size_t ident_at(const char *at)
{
    size_t length = 0;
    if (isalpha((unsigned char)*at) || *at == '_')
        while (isalnum((unsigned char)at[length]) || at[length] == '_')
            length++;
    return length;
}

/* The next schema.table in the text, at *ret_from; 0: there is no more. Whose schema is the server's own is a view or a
 * setting. */
static size_t next_qualified(const char *text, const char **ret_from)
{
    for (const char *at = text; *at;) {
        bool is_begin = at == text || !(isalnum((unsigned char)at[-1]) || strchr("_.@/", at[-1]));
        size_t schema = is_begin ? ident_at(at) : 0;
        size_t name = schema && at[schema] == '.' ? ident_at(at + schema + 1) : 0;
        size_t whole = schema + 1 + name;
        if (name && schema > 1 && name > 1 && whole < NAME && strncasecmp(at, "pg_", 3) != 0 && at[whole] != '.') {
            *ret_from = at;
            return whole;
        }
        at += schema ? schema : 1;
    }
    return 0;
}

static bool has(const dba_evidence *e, const char *before, const char *name, const char *behind)
{
    char wanted[2 * NAME];
    int length = snprintf(wanted, sizeof wanted, " %s%s%s ", before, name, behind);
    for (int i = 0; i < length && (size_t)length < sizeof wanted; i++)
        wanted[i] = (char)tolower((unsigned char)wanted[i]);
    return (size_t)length < sizeof wanted && strstr(e->words, wanted);
}

/* A word may be a table's name and mean something else: it has to stand where one does. */
static bool is_meant(const dba_evidence *e, const char *schema, const char *name)
{
    static const char *const before[] = {"table ", "tables ", "on ", "of ", "in ", "for ", "from ", "does ", "is "};
    char whole[NAME];
    int length = snprintf(whole, sizeof whole, "%s ", schema);
    if (length > 0 && (size_t)length < sizeof whole && has(e, whole, name, ""))
        return true;
    if (e->is_qualified)
        return false;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (has(e, before[i], name, ""))
            return true;
    return has(e, "", name, " table");
}

/* ---- the server ---- */

static int add_object(dba_evidence *e, const health_named_tables_row *row, lb_error *err)
{
    dba_named *last = e->named_count ? &e->named[e->named_count - 1] : NULL;
    const char *table = lb_printf(e->ctx, "%s.%s", row->schema, row->name);
    const char *object = lb_printf(e->ctx, "%s", row->object);
    if (!table || !object)
        return lb_out_of_memory(err);
    if (!last || strcmp(last->table, table) != 0) {
        if (e->named_count == DBA_NAMED)
            return 0;
        last = &e->named[e->named_count++];
        *last = (dba_named){.table = table, .name = lb_printf(e->ctx, "%s", row->name)};
    }
    if (last->count < DBA_NAMED_OBJECTS)
        last->objects[last->count++] = object;
    return last->name ? 0 : lb_out_of_memory(err);
}

int dba_find_named(dba_evidence *e, const char *question, lb_error *err)
{
    const health_named_tables_args wanted = {.words = e->words};
    health_named_tables_row row;
    lb_rows *rows = NULL;
    lb_error why = {0};
    const char *from = NULL;
    size_t length = next_qualified(question, &from);
    e->is_qualified = length > 0;
    e->qualified = length ? lb_printf(e->ctx, "%.*s", (int)length, from) : NULL;
    int r = health_named_tables(e->ctx, &wanted, &rows, &why);
    while (r >= 0 && health_named_tables_next(e->ctx, rows, &row))
        if (is_meant(e, row.schema, row.name))
            r = add_object(e, &row, &why);
    e->is_looked_for = r >= 0;
    if (r != LB_ERR_CANCELLED && r != LB_ERR_NO_MEMORY)
        return 0; /* those who are asked next will say what is wrong */
    *err = why;
    return r;
}

const char *dba_without_named(const dba_evidence *e, const char *question)
{
    char *copy = lb_alloc(e->ctx, strlen(question) + 1);
    if (!copy)
        return NULL;
    memcpy(copy, question, strlen(question) + 1);
    for (char *at = copy; *at;) {
        size_t length = ident_at(at);
        for (size_t i = 0; i < e->named_count; i++)
            if (length && strlen(e->named[i].name) == length && strncasecmp(at, e->named[i].name, length) == 0)
                memset(at, ' ', length);
        at += length ? length : 1;
    }
    return copy;
}

/* ---- what the answer is about ---- */

bool dba_is_named(const dba_evidence *e, const char *object)
{
    for (size_t i = 0; i < e->named_count; i++)
        for (size_t k = 0; k < e->named[i].count; k++) {
            const char *mine = e->named[i].objects[k];
            size_t length = strlen(mine);
            if (strncmp(object, mine, length) == 0 && (!object[length] || strchr("( .", object[length])))
                return true;
        }
    return false;
}

const char *dba_named_list(const dba_evidence *e)
{
    const char *list = e->named_count ? e->named[0].table : "";
    for (size_t i = 1; i < e->named_count && list; i++)
        list = lb_printf(e->ctx, "%s, %s", list, e->named[i].table);
    return list;
}

static int say(dba_evidence *e, const char *text, double weight, lb_error *err)
{
    return text ? dba_add(e, text, weight, NULL, &(dba_exhibit){.tool = DBA_SIZES, .confidence = -1}, err)
                : lb_out_of_memory(err);
}

int dba_say_scope(dba_evidence *e, const dba_topic *topic, double weight, lb_error *err)
{
    const dba_source *first = &topic->sources[0];
    if (strcmp(first->tool, DBA_SIZES) == 0)
        return 0; /* it says so itself */
    if (!e->named_count)
        return e->qualified && e->is_looked_for
                   ? say(e, lb_printf(e->ctx, "there is no table %s here: this is about all of them", e->qualified),
                         weight, err)
                   : 0;
    if (dba_is_by_table(first))
        return 0;
    const char *list = dba_named_list(e);
    return say(
        e,
        list ? lb_printf(e->ctx, "of %s, this is about the whole database and not only about %s", topic->name, list)
             : NULL,
        weight, err);
}
