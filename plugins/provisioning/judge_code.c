/* Code inside of statements: DO runs it now, CREATE FUNCTION keeps it for later. */
#include "judge_internal.h"

#include "effect_block.h"

#include <pg_query.h>

typedef struct code {
    judging *j;
    uint32_t first_line; /* of the file, where the body begins */
} code;

static void judge_texts(judging *j, const char *sql)
{
    lb_error ignored;
    PgQueryParseResult parsed = effect_check_text(sql, &ignored) < 0 ? (PgQueryParseResult){0} : pg_query_parse(sql);
    tree statements = tree_get((tree){parsed.parse_tree ? parsed.parse_tree : "{}"}, "stmts");
    const char *outer = j->source;
    j->source = sql;
    for (tree s = tree_first(statements); s.at; s = tree_next(s))
        judging_statement(j, tree_get(s, "stmt"));
    if (parsed.error || !parsed.parse_tree)
        judging_hazard(j, JUDGE_OPAQUE_CODE, sql, NULL);
    j->source = outer;
    pg_query_free_parse_result(parsed);
}

static bool is_constant(const char *expression)
{
    return expression[0] == '\'' && strchr(expression + 1, '\'') == expression + strlen(expression) - 1;
}

static void take_piece(void *state, const block_piece *piece)
{
    const code *c = state;
    judging *j = c->j;
    script_place outer = j->place;
    bool was_guarded = j->is_guarded;
    if (piece->line)
        j->place = (script_place){c->first_line + piece->line - 1, 1};
    j->in_loop = piece->in_loop;
    j->is_guarded = was_guarded || piece->is_guarded;
    if (piece->kind == BLOCK_DYNAMIC && is_constant(piece->sql)) {
        const char *text = arena_strndup(j->memory, piece->sql + 1, strlen(piece->sql) - 2);
        j->out_of_memory |= !text;
        judge_texts(j, text ? text : "");
    } else if (piece->kind == BLOCK_DYNAMIC) {
        judging_hazard(j, JUDGE_OPAQUE_CODE, piece->sql, NULL);
    } else if (piece->kind != BLOCK_COMMITS) {
        judge_texts(j, piece->sql);
    }
    j->place = outer;
    j->is_guarded = was_guarded;
    j->in_loop = false;
}

static const char *text_of(judging *j, tree text)
{
    char *copy = text.at ? arena_alloc(j->memory, (size_t)(tree_end(text) - text.at) + 1) : NULL;
    if (copy)
        (void)tree_exact(text, copy); /* how long it is does not matter */
    return copy;
}

/* A DO has its text, a function a list of one or two. */
static tree body_of(tree option)
{
    tree arg = tree_get(option, "arg"), list = tree_path(arg, "List", "items");
    return tree_path(tree_has(list) ? tree_first(list) : arg, "String", "sval");
}

static void check_definer(judging *j, tree s)
{
    bool is_definer = option_is_on(tree_get(s, "options"), "security"), has_path = false;
    for (tree item = tree_first(tree_get(s, "options")); item.at; item = tree_next(item)) {
        tree set = tree_path(tree_get(tree_node(item, "DefElem"), "arg"), "VariableSetStmt", "name");
        has_path = has_path || tree_is(set, "search_path");
    }
    if (is_definer && !has_path)
        judging_hazard(j, JUDGE_DEFINER_PATH, label_of(tree_get(s, "funcname")).text, NULL);
}

void judge_code(judging *j, tree s, bool runs)
{
    lb_error ignored;
    tree options = tree_get(s, runs ? "args" : "options"), as = option_get(options, "as");
    tree said = tree_path(tree_get(option_get(options, "language"), "arg"), "String", "sval");
    const char *body = text_of(j, body_of(as)), *definition = j->source;
    label language = tree_has(said) ? label_of(said) : (label){"plpgsql"};
    size_t at = (size_t)tree_number(tree_get(as, "location"));
    code c = {.j = j, .first_line = j->place.line};
    if (!j->in_block && at)
        c.first_line = script_place_of(j->text.text, at).line;
    bool was_in_block = j->in_block, was_in_body = j->in_body;
    j->in_block = true;
    j->in_body = was_in_body || !runs;
    if (!body) /* BEGIN ATOMIC: parsed by the server, and run when it is called */
        (void)0;
    else if (strcmp(language.text, "sql") == 0)
        judge_texts(j, body);
    else if (strcmp(language.text, "plpgsql") != 0 || effect_check_text(body, &ignored) < 0 ||
             !block_walk(definition, take_piece, &c))
        judging_hazard(j, JUDGE_OPAQUE_CODE, runs ? "DO" : label_of(tree_get(s, "funcname")).text, NULL);
    j->in_block = was_in_block;
    j->in_body = was_in_body;
    if (!runs)
        check_definer(j, s);
}
