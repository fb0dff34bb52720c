#include "compose.h"

#include "bind.h"
#include "definition.h"
#include "nearest.h"
#include "quote.h"
#include "variant.h"

/* A statement's text without its bound values; the effect classifier takes no more either. */
#define TEXT_LIMIT    ((size_t)1024 * 1024)
#define DISPLAY_LIMIT ((size_t)64 * 1024 * 1024)
#define BOUND_LIMIT   65535 /* $n is 16 bits in the protocol */

struct slot {
    const lb_value *arg;
    int bound; /* index among the bound values, or -1 */
};

typedef struct composer {
    const lb_statement *statement;
    const lb_statement_variant *variant;
    struct slot *slots; /* by parameter */
    arena *memory;
    buf run; /* text since the last bound value */
    bool after_value;
    bool has_definition;
    compose_piece *pieces;
    uint32_t piece_count, param_count;
    const char **params, **param_types;
    bool asks;        /* a question to history or lakehouse: values go as they are, */
    lb_value *values; /* in place of the two */
    lb_type *types;
} composer;

static bool is_composed(lb_type type)
{
    lb_type element = LB_ELEMENT(type);
    return element == LB_IDENT || element == LB_SQLTYPE || element == LB_SQL || element == LB_DEFINITION;
}

/* ---- arguments ---- */

static int find_param(const lb_statement *statement, const char *name)
{
    for (uint32_t i = 0; i < statement->param_count; i++)
        if (strcmp(statement->params[i].name, name) == 0)
            return (int)i;
    return -1;
}

static int fail_unknown(const lb_statement *statement, const char *name, lb_error *err)
{
    char hint[sizeof err->hint] = "it has no parameters";
    const char *names[64] = {NULL};
    size_t count = statement->param_count < LB_COUNT(names) ? statement->param_count : LB_COUNT(names), length = 0;
    for (size_t i = 0; i < count; i++) {
        names[i] = statement->params[i].name;
        if (length < sizeof hint)
            length += (size_t)snprintf(hint + length, sizeof hint - length, "%s%s", i ? ", " : "it has: ", names[i]);
    }
    const char *nearest = nearest_name(name, names, count);
    if (nearest)
        (void)snprintf(hint, sizeof hint, "did you mean %s?", nearest); /* a parameter's name fits */
    return lb_fail(err, LB_ERR_INVALID, hint, "%s has no parameter \"%.80s\"", statement->name, name);
}

static int match_args(composer *c, const lb_value *args, lb_error *err)
{
    const lb_statement *s = c->statement;
    for (const lb_value *arg = args; arg && arg->type != LB_END; arg++) {
        if (!arg->name)
            return lb_fail(err, LB_ERR_INVALID, "name each argument", "%s was given an argument without a name",
                           s->name);
        int index = find_param(s, arg->name);
        if (index < 0)
            return fail_unknown(s, arg->name, err);
        if (c->slots[index].arg)
            return lb_fail(err, LB_ERR_INVALID, "give it once", "%s was given the parameter %s twice", s->name,
                           arg->name);
        c->slots[index].arg = arg;
    }
    for (uint32_t i = 0; i < s->param_count; i++)
        if (!c->slots[i].arg)
            return lb_fail(err, LB_ERR_INVALID, "a nullable parameter is given as lb_null",
                           "%s misses the parameter %s", s->name, s->params[i].name);
    return 0;
}

static int check_piece_of_sql(const composer *c, const lb_sql *sql, lb_error *err)
{
    if (!sql)
        return lb_fail(err, LB_ERR_INVALID, "make it with lb_compose", "it is sql without a statement");
    if (c->statement->kind != LB_STATEMENT_CHANGE && sql->statement->kind == LB_STATEMENT_CHANGE)
        return lb_fail(err, LB_ERR_INVALID, "only a change takes another change", "%s is a change",
                       sql->statement->name);
    return 0;
}

/* One composed item, not yet written: is it there and of the right kind? What it says is checked when it is written. */
static int check_composed_item(const composer *c, lb_type type, const lb_value *item, lb_error *err)
{
    if (item->type != type)
        return lb_fail(err, LB_ERR_INVALID, NULL, "it is %s, not %s", bind_type_name(item->type), bind_type_name(type));
    if (type == LB_SQL)
        return check_piece_of_sql(c, item->v.sql, err);
    if (!item->v.text)
        return lb_fail(err, LB_ERR_INVALID, NULL, "%s without its text", bind_type_name(type));
    return 0;
}

static int check_composed(const composer *c, const lb_statement_param *param, const lb_value *arg, lb_error *err)
{
    if (arg->type == LB_NULL)
        return param->nullable ? 0 : lb_fail(err, LB_ERR_INVALID, "give a value", "it is null");
    if (!(param->type & LB_LIST))
        return check_composed_item(c, param->type, arg, err);
    if (arg->type != param->type)
        return lb_fail(err, LB_ERR_INVALID, NULL, "it is %s, not %s", bind_type_name(arg->type),
                       bind_type_name(param->type));
    if (!arg->count && !param->nullable)
        return lb_fail(err, LB_ERR_INVALID, "give at least one item", "the list is empty");
    if (arg->count && !arg->v.items)
        return lb_fail(err, LB_ERR_INVALID, NULL, "a list of %u items without the items", (unsigned)arg->count);
    for (uint32_t i = 0; i < arg->count; i++)
        if (check_composed_item(c, LB_ELEMENT(param->type), &arg->v.items[i], err) < 0)
            return err->code;
    return 0;
}

/* A list of literals is empty text, which no grammar takes; as a bound array it is fine. */
static int check_literal_list(const composer *c, const lb_value *arg, lb_error *err)
{
    if (!c->variant->bindable && (arg->type & LB_LIST) && !arg->count)
        return lb_fail(err, LB_ERR_INVALID, "give at least one item", "the list is empty");
    return 0;
}

static int fail_param(const composer *c, uint32_t index, lb_error *err)
{
    char what[120];
    (void)snprintf(what, sizeof what, "%s, parameter %s", c->statement->name, c->statement->params[index].name);
    return lb_wrap(err, what);
}

static int check_args(composer *c, lb_error *err)
{
    for (uint32_t i = 0; i < c->statement->param_count; i++) {
        const lb_statement_param *param = &c->statement->params[i];
        int r = is_composed(param->type) ? check_composed(c, param, c->slots[i].arg, err)
                                         : bind_check(param, c->slots[i].arg, err);
        if (r >= 0 && !is_composed(param->type))
            r = check_literal_list(c, c->slots[i].arg, err);
        if (r < 0)
            return fail_param(c, i, err);
    }
    return 0;
}

/* ---- writing ---- */

/* What we write stays a token of its own: next to anything but structure it gets a blank. So a minus before a negative
 * number makes no comment, and U& before a literal no other literal. */
static void separate_front(composer *c, bool identifier)
{
    if (!c->run.length && !c->after_value)
        return;
    char last = c->run.length ? c->run.data[c->run.length - 1] : '0';
    if (!strchr(identifier ? " \n\t(,[:." : " \n\t(,[:", last))
        buf_putc(&c->run, ' ');
}

static void put_text(composer *c, const char *text, bool after_param, bool after_identifier)
{
    if (after_param && *text && !strchr(after_identifier ? " \n\t),;:]." : " \n\t),;:]", *text))
        buf_putc(&c->run, ' ');
    buf_puts(&c->run, text);
    c->after_value = c->after_value && !*text;
}

static int end_piece(composer *c, int param, const char *literal, lb_error *err)
{
    if (c->run.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "give shorter lists, or split the work",
                       "%s: the statement's text is too long", c->statement->name);
    const char *text = arena_strndup(c->memory, buf_text(&c->run), c->run.length);
    if (!text)
        return lb_out_of_memory(err);
    c->pieces[c->piece_count++] = (compose_piece){.text = text, .param = param, .literal = literal};
    buf_clear(&c->run);
    c->after_value = param >= 0;
    return 0;
}

static int put_literal(composer *c, const lb_statement_param *param, const lb_value *arg, bind_place place,
                       const char **ret_literal, lb_error *err)
{
    BUF_AUTO literal = BUF_INIT(DISPLAY_LIMIT);
    bind_literal(&literal, param, arg, place);
    if (literal.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "give less at once", "the value is too long");
    const char *copy = arena_strndup(c->memory, buf_text(&literal), literal.length);
    if (!copy)
        return lb_out_of_memory(err);
    *ret_literal = copy;
    return 0;
}

static void bind_asked(composer *c, const lb_value *value, lb_type type)
{
    c->values[c->param_count] = *value;
    c->values[c->param_count].name = NULL;
    c->types[c->param_count++] = type;
}

/* A value of a question to the history keeps its type; a list stands as one value after the other. */
static int put_asked(composer *c, uint32_t index, lb_error *err)
{
    const lb_value *arg = c->slots[index].arg;
    lb_type element = LB_ELEMENT(c->statement->params[index].type);
    bool is_new = c->slots[index].bound < 0, is_list = (arg->type & LB_LIST) != 0;
    uint32_t count = is_list ? arg->count : 1;
    if (is_new)
        c->slots[index].bound = (int)c->param_count;
    for (uint32_t i = 0; i < count; i++) {
        if (is_new)
            bind_asked(c, is_list ? &arg->v.items[i] : arg, element);
        buf_printf(&c->run, "%s$%d", i ? ", " : "", c->slots[index].bound + (int)i + 1);
    }
    if (!count)
        buf_puts(&c->run, bind_empty_list(element));
    if (c->run.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "give shorter lists", "%s: the statement's text is too long",
                       c->statement->name);
    return 0;
}

/* A value: bound once however often it is used, or written out where the server binds nothing. */
static int put_value(composer *c, uint32_t index, lb_error *err)
{
    const lb_statement_param *param = &c->statement->params[index];
    const lb_value *arg = c->slots[index].arg;
    const char *literal = NULL;
    separate_front(c, false);
    if (c->asks)
        return put_asked(c, index, err);
    if (put_literal(c, param, arg, c->variant->bindable ? BIND_EXPRESSION : BIND_UTILITY, &literal, err) < 0)
        return err->code;
    if (!c->variant->bindable) {
        buf_puts(&c->run, literal);
        return 0;
    }
    if (c->slots[index].bound < 0) {
        if (bind_text(arg, c->memory, &c->params[c->param_count], err) < 0)
            return err->code;
        c->param_types[c->param_count] = param->pgtype;
        c->slots[index].bound = (int)c->param_count;
        bind_asked(c, arg, param->type);
        if (arg->type == LB_TEXT)
            c->values[c->param_count - 1].v.text = c->params[c->param_count - 1]; /* it lives as long as we do */
    }
    return end_piece(c, c->slots[index].bound, literal, err);
}

static int check_asked(const composer *c, const lb_sql *sql, lb_error *err)
{
    for (uint32_t i = 0; c->asks && i < sql->param_count; i++)
        if (sql->types[i] & LB_LIST)
            return lb_fail(err, LB_ERR_INVALID, "make the list a parameter of the question",
                           "%s has a list, which a question cannot take over", sql->statement->name);
    return 0;
}

/* The pieces of another composed text, with its bound values taken over behind ours. */
static int put_sql(composer *c, const lb_sql *sql, lb_error *err)
{
    uint32_t base = c->param_count;
    c->has_definition = c->has_definition || sql->has_definition;
    separate_front(c, false);
    if (check_asked(c, sql, err) < 0)
        return err->code;
    for (uint32_t i = 0; c->variant->bindable && i < sql->param_count; i++) {
        c->params[c->param_count] = sql->params[i];
        c->param_types[c->param_count] = sql->param_types[i];
        bind_asked(c, &sql->values[i], sql->types[i]);
    }
    for (uint32_t i = 0; i < sql->piece_count; i++) {
        const compose_piece *piece = &sql->pieces[i];
        buf_puts(&c->run, piece->text);
        if (piece->param < 0)
            continue;
        if (c->asks)
            buf_printf(&c->run, "$%u", base + (uint32_t)piece->param + 1);
        else if (!c->variant->bindable)
            buf_puts(&c->run, piece->literal);
        else if (end_piece(c, (int)base + piece->param, piece->literal, err) < 0)
            return err->code;
    }
    return 0;
}

static int put_composed_item(composer *c, const lb_value *item, lb_error *err)
{
    if (item->type == LB_SQL)
        return put_sql(c, item->v.sql, err);
    separate_front(c, item->type == LB_IDENT);
    if (item->type == LB_IDENT)
        return c->asks ? quote_always(&c->run, item->v.text, err) : quote_ident(&c->run, item->v.text, err);
    c->has_definition = c->has_definition || item->type == LB_DEFINITION;
    int r = item->type == LB_DEFINITION ? definition_check(item->v.text, err) : quote_check_type(item->v.text, err);
    if (r == 0)
        buf_puts(&c->run, item->v.text);
    return r;
}

static int put_param(composer *c, uint32_t index, lb_error *err)
{
    const lb_value *arg = c->slots[index].arg;
    lb_type type = c->statement->params[index].type;
    if (!is_composed(type))
        return put_value(c, index, err);
    if (arg->type == LB_NULL)
        return 0;
    if (!(type & LB_LIST))
        return put_composed_item(c, arg, err);
    for (uint32_t i = 0; i < arg->count; i++) {
        if (i)
            buf_puts(&c->run, ", ");
        if (put_composed_item(c, &arg->v.items[i], err) < 0)
            return err->code;
    }
    return 0;
}

static int put_parts(composer *c, lb_error *err)
{
    bool after_param = false, after_identifier = false;
    for (const lb_statement_part *part = c->variant->parts;; part++) {
        put_text(c, part->text, after_param, after_identifier);
        if (part->param < 0)
            return end_piece(c, -1, NULL, err);
        uint32_t index = (uint32_t)part->param;
        if (put_param(c, index, err) < 0)
            return err->code == LB_ERR_NO_MEMORY ? err->code : fail_param(c, index, err);
        after_param = true;
        after_identifier = LB_ELEMENT(c->statement->params[index].type) == LB_IDENT;
    }
}

/* ---- the result ---- */

static const char *render(const composer *c, bool literals, lb_error *err)
{
    BUF_AUTO text = BUF_INIT(DISPLAY_LIMIT);
    for (uint32_t i = 0; i < c->piece_count; i++) {
        buf_puts(&text, c->pieces[i].text);
        if (c->pieces[i].param < 0)
            continue;
        if (literals)
            buf_puts(&text, c->pieces[i].literal);
        else
            buf_printf(&text, "$%d", c->pieces[i].param + 1);
    }
    const char *copy = text.overflow ? NULL : arena_strndup(c->memory, buf_text(&text), text.length);
    if (text.overflow)
        (void)lb_fail(err, LB_ERR_LIMIT, "give less at once", "%s: the statement's text is too long",
                      c->statement->name);
    else if (!copy)
        (void)lb_out_of_memory(err);
    return copy;
}

static int finish(const composer *c, const lb_sql **ret_sql, lb_error *err)
{
    struct lb_sql *sql = arena_alloc(c->memory, sizeof *sql);
    if (!sql)
        return lb_out_of_memory(err);
    const char *text = render(c, false, err);
    const char *display = text && c->param_count && !c->asks ? render(c, true, err) : text;
    if (!text || !display)
        return err->code;
    if (c->has_definition && c->statement->kind != LB_STATEMENT_FRAGMENT && definition_check_statement(text, err) < 0)
        return lb_wrap(err, c->statement->name);
    *sql = (struct lb_sql){.statement = c->statement,
                           .text = text,
                           .params = c->params,
                           .param_types = c->param_types,
                           .values = c->values,
                           .types = c->types,
                           .param_count = c->param_count,
                           .display = display,
                           .pieces = c->pieces,
                           .piece_count = c->piece_count,
                           .has_definition = c->has_definition};
    *ret_sql = sql;
    return 0;
}

static void count_sql(const lb_value *value, size_t *pieces, size_t *params)
{
    for (uint32_t i = 0; (value->type & LB_LIST) && i < value->count; i++)
        count_sql(&value->v.items[i], pieces, params);
    if (value->type == LB_SQL) {
        *pieces += value->v.sql->piece_count;
        *params += value->v.sql->param_count;
    }
}

/* Room for all pieces and bound values that the parts can make. */
static int make_room(composer *c, lb_error *err)
{
    size_t pieces = 1, params = 0;
    for (const lb_statement_part *part = c->variant->parts; part->param >= 0; part++) {
        pieces++;
        params += c->asks && (c->slots[part->param].arg->type & LB_LIST) ? c->slots[part->param].arg->count : 1;
        count_sql(c->slots[part->param].arg, &pieces, &params);
    }
    if (params > BOUND_LIMIT)
        return lb_fail(err, LB_ERR_LIMIT, "split the work", "%s: more than %d bound values", c->statement->name,
                       BOUND_LIMIT);
    c->pieces = arena_alloc(c->memory, pieces * sizeof *c->pieces);
    c->params = arena_alloc(c->memory, (params + 1) * sizeof *c->params);
    c->param_types = arena_alloc(c->memory, (params + 1) * sizeof *c->param_types);
    c->values = arena_alloc(c->memory, (params + 1) * sizeof *c->values);
    c->types = arena_alloc(c->memory, (params + 1) * sizeof *c->types);
    if (!c->pieces || !c->params || !c->param_types || !c->values || !c->types)
        return lb_out_of_memory(err);
    return 0;
}

static int run_composer(composer *c, const lb_value *args, const lb_sql **ret_sql, lb_error *err)
{
    size_t count = c->statement->param_count;
    c->slots = arena_alloc(c->memory, (count + 1) * sizeof *c->slots);
    if (!c->slots)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        c->slots[i].bound = -1;
    int r = match_args(c, args, err);
    if (r >= 0)
        r = check_args(c, err);
    if (r >= 0)
        r = make_room(c, err);
    if (r >= 0)
        r = put_parts(c, err);
    return r < 0 ? r : finish(c, ret_sql, err);
}

int compose(const lb_statement *statement, const lb_value *args, int server_major, arena *memory,
            const lb_sql **ret_sql, lb_error *err)
{
    const lb_statement_variant *variant = variant_find(statement, server_major, err);
    if (!variant)
        return err->code;
    composer c = {.statement = statement,
                  .variant = variant,
                  .memory = memory,
                  .run = BUF_INIT(TEXT_LIMIT),
                  .asks = statement->kind == LB_STATEMENT_HISTORY || statement->kind == LB_STATEMENT_LAKE};
    int r = run_composer(&c, args, ret_sql, err);
    buf_done(&c.run);
    return r;
}
