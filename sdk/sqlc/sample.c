/* sample.c: statements with something in place of their parameters, so that the server's parser can judge them. */
#include "sqlc.h"

#include <json-c/json.h>
#include <pg_query.h>

#define TREE_DEPTH   4096
#define COMBINATIONS 5000

/* What a piece of SQL may be. The first that parses in its place will do; `like` in the file says it better. */
static const char *const guesses[] = {
    "x",           "1",   "SELECT 1",    "x int4", "AND true",          "WHERE true",      "ORDER BY x",
    "INCLUDE (x)", "(x)", "USING btree", "FROM x", "ADD COLUMN x int4", "fillfactor = 70", "WITH (fillfactor = 70)"};

/* Where bytes of the sample come from: from `out` on they stand in the file at `in`, or all stand for the parameter
 * there. */
typedef struct span {
    size_t out, in;
    bool is_param;
} span;

/* How values stand in a sample. The library's parser takes $n in places where the server's wants a string constant, as
 * behind INTERVAL; a cast around it is refused there by both. */
typedef enum form { FORM_BOUND, FORM_STRICT, FORM_LITERAL } form;

typedef struct attempt {
    const sql_statement *statement;
    const sql_variant *variant;
    form form;
    size_t *choices; /* by parameter: an index into guesses */
    int left_out;    /* a nullable piece of SQL, or -1 */
    buf text;
    span *spans;
    size_t span_count;
    struct json_object *tree; /* NULL: it does not parse */
    char *message;            /* the parser's, then */
    size_t offset;            /* of the trouble, in the file */
} attempt;

static bool is_guessed(const sql_param *p)
{
    return p->info->type == LB_SQL && !p->like;
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

static void put_repeated(buf *b, const char *text, bool twice)
{
    buf_puts(b, text);
    if (twice)
        buf_printf(b, ", %s", text);
}

/* $n counts values alone, as the composer does. */
static int ordinal(const sql_statement *s, int index)
{
    int n = 1;
    for (int i = 0; i < index; i++)
        n += !type_is_composed(s->params[i].info);
    return n;
}

static void put_param(attempt *a, int index)
{
    const sql_param *p = &a->statement->params[index];
    if (p->like) {
        if (index != a->left_out)
            buf_puts(&a->text, p->like);
    } else if (p->info->type == LB_SQL) {
        if (index != a->left_out)
            buf_puts(&a->text, guesses[a->choices[index]]);
    } else if (p->info->type == LB_IDENT) {
        buf_printf(&a->text, p->list ? "\"%s_1\", \"%s_2\"" : "\"%s\"", p->name, p->name);
    } else if (type_is_composed(p->info) || a->form == FORM_LITERAL) {
        if (index != a->left_out)
            put_repeated(&a->text, p->info->literal, p->list);
    } else if (a->form == FORM_STRICT) {
        buf_printf(&a->text, "CAST($%d AS %s)", ordinal(a->statement, index), p->pgtype);
    } else {
        buf_printf(&a->text, "$%d", ordinal(a->statement, index));
    }
}

static void add_span(attempt *a, size_t in, bool is_param)
{
    a->spans[a->span_count++] = (span){.out = a->text.length, .in = in, .is_param = is_param};
}

static void put_variant(attempt *a)
{
    const sql_variant *v = a->variant;
    for (size_t i = 0; i < v->piece_count; i++) {
        const sql_piece *piece = &v->pieces[i];
        add_span(a, piece->begin, false);
        buf_put(&a->text, a->statement->file.text + piece->begin, piece->end - piece->begin);
        if (piece->param < 0)
            continue;
        add_span(a, piece->param_offset, true);
        put_param(a, piece->param);
    }
}

static void write_attempt(attempt *a)
{
    static const char mark[] = ":fragment";
    const sql_statement *s = a->statement;
    const char *hole = s->example ? strstr(s->example, mark) : NULL;
    buf_clear(&a->text);
    a->span_count = 0;
    if (!hole) {
        put_variant(a);
        return;
    }
    add_span(a, s->example_offset, false);
    buf_put(&a->text, s->example, (size_t)(hole - s->example));
    put_variant(a);
    add_span(a, s->example_offset + (size_t)(hole - s->example) + strlen(mark), false);
    buf_puts(&a->text, hole + strlen(mark));
}

/* ---- parsing ------------------------------------------------------------------------------------------------------
 */

/* The parser counts characters from 1. */
static size_t byte_of_character(const char *text, int position)
{
    size_t i = 0;
    for (int seen = 1; text[i] && seen < position; seen++)
        do
            i++;
        while (((unsigned char)text[i] & 0xC0) == 0x80);
    return i;
}

static size_t file_offset(const attempt *a, size_t out)
{
    const span *found = &a->spans[0];
    for (size_t i = 0; i < a->span_count && a->spans[i].out <= out; i++)
        found = &a->spans[i];
    return found->is_param ? found->in : found->in + (out - found->out);
}

static struct json_object *read_tree(const char *json)
{
    struct json_tokener *tokener = json_tokener_new_ex(TREE_DEPTH);
    if (!tokener)
        return NULL;
    struct json_object *tree = json_tokener_parse_ex(tokener, json, -1);
    json_tokener_free(tokener);
    return tree;
}

static bool try(sqlc *c, attempt *a)
{
    write_attempt(a);
    PgQueryParseResult parsed = pg_query_parse(buf_text(&a->text));
    if (parsed.error) {
        size_t out = byte_of_character(buf_text(&a->text), parsed.error->cursorpos);
        a->offset = parsed.error->cursorpos > 0 ? file_offset(a, out) : a->variant->begin;
        a->message = sqlc_strndup(c, parsed.error->message, strlen(parsed.error->message));
    } else {
        a->tree = read_tree(parsed.parse_tree);
        if (!a->tree) {
            a->offset = a->variant->begin;
            a->message = sqlc_printf(c, "the statement is nested too deeply");
        }
    }
    pg_query_free_parse_result(parsed);
    return a->tree != NULL;
}

/* The next combination of guesses; false after the last. */
static bool next_combination(attempt *a)
{
    for (size_t i = 0; i < a->statement->param_count; i++) {
        if (!is_guessed(&a->statement->params[i]))
            continue;
        if (++a->choices[i] < LB_COUNT(guesses))
            return true;
        a->choices[i] = 0;
    }
    return false;
}

/* After a failure the message is the first attempt's, which the guesses have least to do with. */
static bool try_all(sqlc *c, attempt *a, form wanted)
{
    char *message = NULL;
    size_t offset = 0, tries = 0;
    a->form = wanted;
    memset(a->choices, 0, (a->statement->param_count + 1) * sizeof *a->choices);
    do {
        if (try(c, a))
            return true;
        offset = message ? offset : a->offset;
        message = message ? message : a->message;
    } while (++tries < COMBINATIONS && next_combination(a));
    a->message = message;
    a->offset = offset;
    return false;
}

struct json_object *tree_member(struct json_object *node, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_is_type(node, json_type_object) || !json_object_object_get_ex(node, name, &value))
        return NULL;
    return value;
}

const char *tree_kind(struct json_object *tree)
{
    struct json_object *statements = tree_member(tree, "stmts");
    if (!statements || !json_object_array_length(statements))
        return NULL;
    struct json_object *statement = tree_member(json_object_array_get_idx(statements, 0), "stmt");
    json_object_object_foreach(statement, key, value)
    {
        return value ? key : NULL;
    }
    return NULL;
}

/* These take $n; all others are utility statements, whose grammar wants constants. */
static bool binds(struct json_object *tree)
{
    static const char *const kinds[] = {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"};
    const char *kind = tree_kind(tree);
    for (size_t i = 0; kind && i < LB_COUNT(kinds); i++)
        if (strcmp(kinds[i], kind) == 0)
            return true;
    return false;
}

static void drop_tree(attempt *a)
{
    (void)json_object_put(a->tree); /* says only whether it was the last reference */
    a->tree = NULL;
}

/* ---- the search ---------------------------------------------------------------------------------------------------
 */

static void report(sqlc *c, const attempt *a)
{
    const char *hint = NULL;
    for (size_t i = 0; i < a->statement->param_count; i++)
        if (is_guessed(&a->statement->params[i]))
            hint = sqlc_printf(c, "say what may stand there: -- param %s sql like TEXT", a->statement->params[i].name);
    sqlc_problem(c, &a->statement->file, a->offset, hint, "%s", a->message);
}

static void try_left_out(sqlc *c, attempt *a)
{
    struct json_object *tree = a->tree;
    for (size_t i = 0; i < a->statement->param_count; i++) {
        const sql_param *p = &a->statement->params[i];
        if (!type_is_composed(p->info) || !p->nullable)
            continue;
        a->tree = NULL;
        a->left_out = (int)i;
        if (!try(c, a))
            sqlc_problem(c, &a->statement->file, p->offset, "it composes to nothing when it is null",
                         "without %s the statement does not parse: %s", p->name, a->message);
        drop_tree(a);
    }
    a->left_out = -1;
    a->tree = tree;
}

static bool fail_bound(sqlc *c, attempt *a, size_t offset)
{
    sqlc_problem(c, &a->statement->file, offset, "write a cast, as in :text::interval, and (:list)[1] for an item",
                 "the server takes no bound value here");
    drop_tree(a);
    return false;
}

static bool find_strict(sqlc *c, attempt *a)
{
    struct json_object *tree = a->tree;
    a->tree = NULL;
    a->form = FORM_STRICT;
    bool good = try(c, a);
    drop_tree(a);
    a->form = FORM_BOUND;
    a->tree = tree;
    return good || fail_bound(c, a, a->offset);
}

static bool find(sqlc *c, attempt *a, sql_variant *v)
{
    bool bound = try_all(c, a, FORM_BOUND);
    v->bindable = a->statement->kind == LB_STATEMENT_FRAGMENT || (bound && binds(a->tree));
    if (v->bindable && bound)
        return find_strict(c, a);
    size_t offset = a->offset;
    drop_tree(a);
    if (!try_all(c, a, FORM_LITERAL)) {
        report(c, a);
        return false;
    }
    return bound || !binds(a->tree) || fail_bound(c, a, offset);
}

struct json_object *sample_find(sqlc *c, const sql_statement *s, sql_variant *v)
{
    attempt a = {.statement = s, .variant = v, .left_out = -1, .text = BUF_INIT(SQLC_TEXT_MAX)};
    a.choices = sqlc_alloc(c, (s->param_count + 1) * sizeof *a.choices);
    a.spans = sqlc_alloc(c, (v->piece_count * 2 + 2) * sizeof *a.spans);
    if (s->kind == LB_STATEMENT_FRAGMENT && !s->example) {
        v->bindable = true;
        write_attempt(&a);
    } else if (find(c, &a, v)) {
        try_left_out(c, &a);
        write_attempt(&a);
    }
    v->sample = sqlc_strndup(c, buf_text(&a.text), a.text.length);
    buf_done(&a.text);
    return a.tree;
}
