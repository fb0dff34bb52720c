/* DO: a block of code that runs at once. PL/pgSQL can be looked into; a text that is put together when it runs, and any
 * other language, cannot. */
#include "effect_block.h"
#include "effect_rules.h"
#include "effect_script.h"

#include <pg_query.h>

/* EXECUTE of a constant: the text that will run, or NULL. */
static char *constant_of(const char *expression)
{
    lb_error ignored;
    LB_AUTO_FREE char *select = base_printf("SELECT %s", expression);
    char *text = NULL;
    if (effect_check_text(select, &ignored) < 0)
        return NULL;
    PgQueryParseResult parsed = pg_query_parse(select);
    if (!parsed.error && parsed.parse_tree) {
        tree statement = tree_get(tree_first(tree_get((tree){parsed.parse_tree}, "stmts")), "stmt");
        tree target = tree_first(tree_path(statement, "SelectStmt", "targetList"));
        tree constant = tree_node(tree_path(target, "ResTarget", "val"), "A_Const");
        tree value = tree_path(constant, "sval", "sval");
        if (value.at) {
            text = base_alloc((size_t)(tree_end(value) - value.at) + 1);
            (void)tree_exact(value, text); /* how long it is does not matter */
        }
    }
    pg_query_free_parse_result(parsed);
    return text;
}

static void judge_piece(void *state, const block_piece *piece)
{
    judge *j = state;
    LB_AUTO_FREE char *constant = piece->kind == BLOCK_DYNAMIC ? constant_of(piece->sql) : NULL;
    if (piece->kind == BLOCK_COMMITS)
        j->verdict.in_transaction = false;
    else if (piece->kind != BLOCK_DYNAMIC)
        judge_text(j, piece->sql);
    else if (constant)
        judge_text(j, constant);
    else
        judge_add(j, EFFECT_DESTRUCTIVE, "runs a text that a DO block puts together, which cannot be seen through");
}

static bool is_plpgsql(tree statement)
{
    tree language = option_get(tree_get(statement, "args"), "language");
    return !language.at || tree_is(tree_path(tree_get(language, "arg"), "String", "sval"), "plpgsql");
}

bool do_rule(judge *j, tree statement)
{
    lb_error ignored;
    LB_AUTO_FREE char *source = j->source ? base_printf("%.*s", (int)j->source_length, j->source) : NULL;
    char *body = NULL;
    tree text = tree_path(tree_get(option_get(tree_get(statement, "args"), "as"), "arg"), "String", "sval");
    bool is_readable = false;
    if (text.at && source && is_plpgsql(statement)) {
        body = base_alloc((size_t)(tree_end(text) - text.at) + 1);
        (void)tree_exact(text, body); /* how long it is does not matter */
        is_readable = effect_check_text(body, &ignored) >= 0;
        free(body);
    }
    j->source = NULL; /* it holds no statement but this one */
    if (!is_readable || !block_walk(source, judge_piece, j))
        judge_add(j, EFFECT_DESTRUCTIVE, "runs a DO block, which cannot be seen through");
    return false;
}
