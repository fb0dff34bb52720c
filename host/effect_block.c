#include "effect_block.h"

#include "effect_tree.h"

#include <pg_query.h>
#ifdef LBOPS_SANITIZED
#include <sanitizer/lsan_interface.h>
#endif

/* How the parser says what an expression's text is: a statement, an expression, or an assignment. */
enum { MODE_STATEMENT = 0, MODE_EXPRESSION = 2, MODE_ASSIGNMENT = 3 };

typedef struct walker {
    void (*visit)(void *state, const block_piece *piece);
    void *state;
    const char *loop_ends, *guard_ends; /* where the outermost one that was open last ends */
    uint32_t line;
    bool failed;
} walker;

static bool word_in(const char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static void hand_on(walker *w, block_piece_kind kind, const char *sql, const char *at)
{
    const block_piece piece = {
        .kind = kind, .sql = sql, .line = w->line, .in_loop = at < w->loop_ends, .is_guarded = at < w->guard_ends};
    w->visit(w->state, &piece);
}

/* What follows := or = of an assignment; NULL where there is neither. Targets may have subscripts with anything in
 * them, so the target is judged along: it becomes a list of two expressions. */
static char *as_select(const char *text, int mode)
{
    const char *sign = mode >= MODE_ASSIGNMENT ? strstr(text, ":=") : NULL;
    if (mode < MODE_ASSIGNMENT)
        return base_printf("SELECT %s", text);
    if (!sign)
        sign = strchr(text, '=');
    if (!sign)
        return NULL;
    const char *value = sign + (*sign == ':' ? 2 : 1);
    size_t target = (size_t)(sign - text);
    return memchr(text, '[', target) ? base_printf("SELECT %.*s, %s", (int)target, text, value)
                                     : base_printf("SELECT %s", value);
}

static char *query_of(tree expression)
{
    tree query = tree_get(expression, "query");
    char *text = query.at ? base_alloc((size_t)(tree_end(query) - query.at) + 1) : NULL;
    if (text)
        (void)tree_exact(query, text); /* how long it is does not matter */
    return text;
}

static void take_expression(walker *w, tree expression)
{
    int mode = (int)tree_number(tree_get(expression, "parseMode"));
    LB_AUTO_FREE char *text = query_of(expression), *select = NULL;
    if (text && mode == MODE_STATEMENT)
        hand_on(w, BLOCK_STATEMENT, text, expression.at);
    else if (text && (select = as_select(text, mode)))
        hand_on(w, BLOCK_EXPRESSION, select, expression.at);
    else
        w->failed = true;
}

/* The expression is evaluated, which is a piece of its own, and then what it gave is run. */
static void take_dynamic(walker *w, tree query)
{
    LB_AUTO_FREE char *text = query_of(tree_node(query, "PLpgSQL_expr"));
    if (text)
        hand_on(w, BLOCK_DYNAMIC, text, query.at);
    else
        w->failed = true;
}

static const char *const dynamic_nodes[] = {"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors", NULL};
static const char *const loop_nodes[] = {
    "PLpgSQL_stmt_loop", "PLpgSQL_stmt_while",     "PLpgSQL_stmt_fori",    "PLpgSQL_stmt_fors",
    "PLpgSQL_stmt_forc", "PLpgSQL_stmt_foreach_a", "PLpgSQL_stmt_dynfors", NULL};
static const char *const ending_nodes[] = {"PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback", NULL};

static bool guards(const char *key, tree value)
{
    return strcmp(key, "PLpgSQL_stmt_if") == 0 || strcmp(key, "PLpgSQL_stmt_case") == 0 ||
           (strcmp(key, "PLpgSQL_stmt_block") == 0 && tree_has(tree_get(value, "exceptions")));
}

static void take_node(walker *w, const char *key, tree value)
{
    tree line = tree_get(value, "lineno");
    if (line.at)
        w->line = (uint32_t)tree_number(line);
    if (word_in(loop_nodes, key) && value.at >= w->loop_ends)
        w->loop_ends = tree_end(value);
    if (guards(key, value) && value.at >= w->guard_ends)
        w->guard_ends = tree_end(value);
    if (word_in(ending_nodes, key))
        hand_on(w, BLOCK_COMMITS, "", value.at);
    else if (word_in(dynamic_nodes, key))
        take_dynamic(w, tree_get(value, "query"));
    else if (strcmp(key, "dynquery") == 0)
        take_dynamic(w, value);
    else if (strcmp(key, "PLpgSQL_expr") == 0)
        take_expression(w, value);
}

static void walk(walker *w, tree root)
{
    char key[64];
    tree value;
    const char *end = tree_end(root);
    for (const char *p = root.at; tree_next_key(p, end, key, sizeof key, &value); p = value.at)
        take_node(w, key, value);
}

/* libpg_query 17 forgets one byte of each block that does not parse, which only a leak checker minds. */
static PgQueryPlpgsqlParseResult parse(const char *definition)
{
#ifdef LBOPS_SANITIZED
    __lsan_disable();
#endif
    PgQueryPlpgsqlParseResult parsed = pg_query_parse_plpgsql(definition);
#ifdef LBOPS_SANITIZED
    __lsan_enable();
#endif
    return parsed;
}

bool block_walk(const char *definition, void (*visit)(void *state, const block_piece *piece), void *state)
{
    PgQueryPlpgsqlParseResult parsed = parse(definition);
    const char *root = parsed.plpgsql_funcs ? strchr(parsed.plpgsql_funcs, '{') : NULL;
    walker w = {.visit = visit, .state = state};
    bool is_read = !parsed.error && root;
    if (is_read)
        walk(&w, (tree){root});
    pg_query_free_plpgsql_parse_result(parsed);
    return is_read && !w.failed;
}
