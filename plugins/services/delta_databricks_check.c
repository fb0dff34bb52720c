/* What a question may be. The warehouse parses and runs it, with rights that go further than the history; so before it
 * is sent its signs are looked at here, and what is not plainly a question to tables of the history's schema is
 * refused:
 *
 *   - one statement, which begins with SELECT, WITH, SHOW, DESCRIBE or DESC;
 *   - no word that changes anything outside of a name (WITH ... INSERT INTO is a statement, too);
 *   - where a table stands (after FROM and JOIN, and after a comma there) a name of one part, SCHEMA.NAME or
 *     CATALOG.SCHEMA.NAME of the history: no other schema, no path (parquet.`/...`), no table function that reads;
 *   - no function that reaches out of the tables, whatever else it is called for;
 *   - nothing whose reading depends on a setting or a version of the warehouse: comments in brackets, a backslash
 * before a quote or in double quotes, signs beyond ASCII outside of quotes.
 *
 * Refusing too much costs somebody a rewording; taking too much would cost more. */
#include "delta_databricks.h"

#include <strings.h>

#define DEPTH_MOST 200

typedef enum kind { END, WORD, QUOTED, TEXT, SIGN } kind;

typedef struct token {
    kind kind;
    const char *at;
    size_t length;
} token;

/* One level of parentheses. */
typedef struct level {
    bool query;    /* SELECT stands in it: FROM is the clause, not a word of a function's arguments */
    bool begun;    /* it is past its first word */
    bool tables;   /* we are in the list of tables */
    bool expected; /* the next name is one */
    bool taken;    /* the last name was one: what follows may be its alias, which has no dots */
} level;

typedef struct check {
    const char *catalog, *schema;
    const char *at;
    token now, next;
    level levels[DEPTH_MOST];
    size_t depth;
    delta_text *out; /* the question as it is sent; what lies before `copied` is in it */
    const char *copied;
    char problem[200];
} check;

LB_PRINTF(2, 3) static bool refuse(check *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (!c->problem[0])
        (void)vsnprintf(c->problem, sizeof c->problem, fmt, args); /* a long one is cut */
    va_end(args);
    return false;
}

/* ---- signs ---- */

static bool is_letter(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_blank(const char *p)
{
    for (;; p++) {
        if (p[0] == '-' && p[1] == '-')
            p += strcspn(p, "\n");
        if (!*p || !strchr(" \t\r\n\f\v", *p))
            return p;
    }
}

/* The length of a quoted thing with its quotes, or 0 when it does not end. Whether a backslash before a quote keeps it
 * from being the end is a matter of settings: *ret_unclear. */
static size_t quoted_length(const char *p, bool escapes, bool *ret_unclear)
{
    *ret_unclear = false;
    for (const char *q = p + 1; *q; q++) {
        if (escapes && *q == '\\' && q[1]) {
            *ret_unclear |= q[1] == *p;
            q++;
        } else if (*q == *p) {
            *ret_unclear |= !escapes && *p != '`' && q[-1] == '\\';
            return (size_t)(q - p) + 1;
        }
    }
    return 0;
}

static bool read_quoted(check *c, token *t, const char *p, bool raw)
{
    bool unclear;
    t->kind = *p == '`' ? QUOTED : TEXT;
    t->length = quoted_length(p, t->kind == TEXT && !raw, &unclear);
    if (!t->length)
        return refuse(c, "a quote is not closed");
    if (unclear || (*p == '"' && memchr(p, '\\', t->length)))
        return refuse(c, "a backslash cannot stand before a quote here, nor in double quotes");
    return true;
}

static bool read_token(check *c, token *t)
{
    const char *p = skip_blank(c->at);
    *t = (token){.kind = SIGN, .at = p, .length = 1};
    if (!*p) {
        *t = (token){.kind = END, .at = p};
    } else if (p[0] == '/' && p[1] == '*') {
        return refuse(c, "comments in /* */ cannot be used here");
    } else if ((*p == 'r' || *p == 'R') && (p[1] == '\'' || p[1] == '"')) {
        t->at = ++p;
        if (!read_quoted(c, t, p, true))
            return false;
    } else if (strchr("'\"`", *p)) {
        if (!read_quoted(c, t, p, false))
            return false;
    } else if ((unsigned char)*p >= 0x80) {
        return refuse(c, "signs beyond ASCII need quotes");
    } else if (is_letter(*p) || is_digit(*p)) {
        t->kind = WORD; /* a name may begin with a digit; a number that is taken for one does no harm */
        while (is_letter(p[t->length]) || is_digit(p[t->length]))
            t->length++;
    }
    c->at = t->at + t->length;
    return true;
}

static bool advance(check *c)
{
    c->now = c->next;
    return read_token(c, &c->next);
}

static bool is_sign(const token *t, char sign)
{
    return t->kind == SIGN && t->length == 1 && *t->at == sign;
}

static bool is_word(const token *t, const char *word)
{
    return t->kind == WORD && strlen(word) == t->length && strncasecmp(word, t->at, t->length) == 0;
}

static bool is_any(const token *t, const char *const *words)
{
    for (; *words; words++)
        if (is_word(t, *words))
            return true;
    return false;
}

/* ---- names ---- */

typedef struct name {
    token parts[4];
    size_t count; /* beyond 4: more than are kept */
} name;

static bool is_part(const token *t, const char *expected)
{
    size_t quote = t->kind == QUOTED;
    return t->length - 2 * quote == strlen(expected) &&
           strncasecmp(t->at + quote, expected, t->length - 2 * quote) == 0;
}

/* From the token that is now; afterwards its last part is now. */
static bool read_name(check *c, name *n)
{
    *n = (name){.count = 0};
    for (;;) {
        if (n->count < DELTA_COUNT(n->parts))
            n->parts[n->count] = c->now;
        n->count++;
        if (c->now.kind == QUOTED && memchr(c->now.at, '/', c->now.length))
            return refuse(c, "a path is no history table");
        if (!is_sign(&c->next, '.'))
            return true;
        if (!advance(c))
            return false;
        if (c->next.kind != WORD && c->next.kind != QUOTED)
            return true; /* t.* */
        if (!advance(c))
            return false;
    }
}

/* The history's full name is the same everywhere: what it is called here is put in its place. */
static bool is_full_name(check *c, const name *n)
{
    bool here = n->count >= 3 && is_part(&n->parts[0], c->catalog) && is_part(&n->parts[1], c->schema);
    if (here || n->count < 3 || !is_part(&n->parts[0], BRICKS_CATALOG) || !is_part(&n->parts[1], BRICKS_SCHEMA))
        return here;
    delta_text_put(c->out, c->copied, (size_t)(n->parts[0].at - c->copied));
    bricks_identifier(c->out, c->catalog);
    delta_text_puts(c->out, ".");
    bricks_identifier(c->out, c->schema);
    delta_text_puts(c->out, ".");
    c->copied = n->parts[2].at;
    return true;
}

static bool check_table(check *c, const name *n)
{
    bool ours =
        n->count == 1 || (n->count == 2 && is_part(&n->parts[0], c->schema)) || (n->count == 3 && is_full_name(c, n));
    if (ours)
        return true;
    return refuse(c, "'%.*s%s' is no history table", (int)(n->parts[0].length < 100 ? n->parts[0].length : 100),
                  n->parts[0].at, n->count > 1 ? "..." : "");
}

/* ---- functions and words ---- */

/* Those that may stand where a table does. */
static const char *const table_functions[] = {"range",  "explode",    "explode_outer", "posexplode", "stack",
                                              "inline", "json_tuple", "values",        NULL};

/* Files, secrets, networks, models, other people's code. */
static const char *const reaching[] = {
    "read_files",          "read_kafka",    "read_kinesis",    "read_pubsub", "read_pulsar",       "read_statestore",
    "read_state_metadata", "remote_query",  "http_request",    "secret",      "try_secret",        "list_secrets",
    "java_method",         "reflect",       "try_reflect",     "identifier",  "cloud_files_state", "event_log",
    "vector_search",       "table_changes", "input_file_name", NULL};

static const char *const changing[] = {"insert",   "update",  "delete", "merge",   "create",  "drop",      "alter",
                                       "truncate", "copy",    "grant",  "revoke",  "call",    "execute",   "optimize",
                                       "vacuum",   "refresh", "begin",  "declare", "restore", "transform", NULL};

static bool check_function(check *c, const name *n, bool as_table)
{
    const token *t = &n->parts[0];
    if (n->count != 1 || t->kind != WORD)
        return refuse(c, "a function of a schema cannot be called here");
    bool fits = as_table ? is_any(t, table_functions) : !is_any(t, reaching);
    bool asks = t->length > 3 && strncasecmp(t->at, "ai_", 3) == 0; /* a model, at a price */
    return fits && !asks
               ? true
               : refuse(c, "the function '%.*s' cannot be used here", (int)(t->length < 100 ? t->length : 100), t->at);
}

/* Words after which the list of tables is over. */
static const char *const after_tables[] = {
    "where",   "group",   "having",     "order", "limit",  "union",  "intersect", "except", "minus", "window",
    "qualify", "cluster", "distribute", "sort",  "select", "offset", "on",        "using",  NULL};

static void take_word(check *c, level *l)
{
    bool first = !l->begun;
    l->begun = true;
    if (is_word(&c->now, "select") || is_word(&c->now, "with"))
        l->query = true;
    if (is_word(&c->now, "join") || (is_word(&c->now, "from") && (l->query || first))) {
        l->query = l->tables = l->expected = true;
    } else if (is_any(&c->now, after_tables)) {
        bool of_join = is_word(&c->now, "on") || is_word(&c->now, "using");
        l->tables = l->tables && of_join; /* a comma after a join's condition is still one between tables */
        l->expected = false;
    }
}

/* Words that are refused wherever they can be one. */
static bool check_word(check *c)
{
    bool names = c->next.kind == WORD || c->next.kind == QUOTED || is_sign(&c->next, '(');
    if (c->now.kind != WORD || is_sign(&c->next, '.') || is_sign(&c->next, ','))
        return true;
    if (is_any(&c->now, changing))
        return refuse(c, "the history can be asked and not changed");
    if (is_word(&c->now, "table") && names)
        return refuse(c, "only tables by name can be asked");
    if (is_word(&c->now, "using") && c->next.kind == TEXT)
        return refuse(c, "a program cannot be run here");
    return true;
}

/* A name that is a function's where a parenthesis follows, else a table's, a column's or a word of the language. */
static bool take_name(check *c)
{
    static const char *const no_name[] = {"select", "with", "from", "lateral", NULL};
    level *l = &c->levels[c->depth];
    const token first = c->now;
    name n;
    if (!check_word(c))
        return false;
    if (l->expected && is_any(&c->now, no_name) && !is_sign(&c->next, '.')) {
        take_word(c, l);
        return true;
    }
    if (!read_name(c, &n))
        return false;
    bool called = is_sign(&c->next, '(');
    if (l->taken && n.count > 1)
        return refuse(c, "only tables by name can be asked"); /* STREAM other.table */
    l->taken = false;
    if (l->expected) {
        l->expected = false;
        l->begun = l->taken = true;
        return called ? check_function(c, &n, true) : check_table(c, &n);
    }
    if (called && !check_function(c, &n, false))
        return false;
    if (n.count > 2 && !is_full_name(c, &n))
        return refuse(c, "a name of %zu parts is none of the history", n.count);
    if (n.count == 1 && first.kind == WORD)
        take_word(c, l);
    l->begun = true;
    return true;
}

/* $1 is the platform's :p1. */
static void take_marker(check *c)
{
    if (c->next.kind != WORD || c->next.at != c->now.at + 1 || !is_digit(*c->next.at))
        return;
    delta_text_put(c->out, c->copied, (size_t)(c->now.at - c->copied));
    delta_text_puts(c->out, ":" BRICKS_MARKER);
    c->copied = c->next.at;
}

static bool take_sign(check *c)
{
    level *l = &c->levels[c->depth];
    l->taken = false;
    if (is_sign(&c->now, '$'))
        take_marker(c);
    if (is_sign(&c->now, '(')) {
        if (c->depth + 1 == DEPTH_MOST)
            return refuse(c, "the question is nested too deeply");
        bool joined = l->expected; /* FROM (a JOIN b), or a question of its own */
        l->expected = false;
        l->begun = true;
        c->levels[++c->depth] = (level){.query = joined, .tables = joined, .expected = joined};
        return true;
    }
    if (l->expected)
        return refuse(c, "there is no name of a table where one should be");
    l->begun = true;
    if (is_sign(&c->now, ')')) {
        if (c->depth == 0)
            return refuse(c, "a parenthesis is not opened");
        c->depth--;
    } else if (is_sign(&c->now, ',')) {
        l->expected = l->tables;
    } else if (is_sign(&c->now, ';')) {
        return c->next.kind == END || refuse(c, "one question at a time");
    }
    return true;
}

/* ---- statements ---- */

static bool check_query(check *c)
{
    for (; c->now.kind != END;) {
        bool is_name = c->now.kind == WORD || c->now.kind == QUOTED;
        if (!(is_name ? take_name(c) : take_sign(c)) || !advance(c))
            return false;
    }
    return c->depth == 0 || refuse(c, "a parenthesis is not closed");
}

/* SHOW TABLES; SHOW COLUMNS IN t; DESCRIBE [TABLE] [EXTENDED] t; DESCRIBE HISTORY|DETAIL t */
static bool check_look(check *c)
{
    static const char *const words[] = {"table",   "extended", "formatted", "history", "detail",
                                        "columns", "in",       "from",      NULL};
    bool shows = is_word(&c->now, "show");
    name n;
    if (!advance(c))
        return false;
    if (shows && is_word(&c->now, "tables"))
        return advance(c) && (c->now.kind == END || refuse(c, "SHOW TABLES shows those of the history"));
    if (shows && !is_word(&c->now, "columns"))
        return refuse(c, "only TABLES and COLUMNS can be shown here");
    while (is_any(&c->now, words))
        if (!advance(c))
            return false;
    if (c->now.kind != WORD && c->now.kind != QUOTED)
        return refuse(c, "there is no name of a table");
    if (!read_name(c, &n) || !check_table(c, &n) || !advance(c))
        return false;
    return c->now.kind == END || refuse(c, "something stands after the table's name");
}

int bricks_check_question(const char *catalog, const char *schema, const char *text, char **ret_text, lb_error *err)
{
    delta_text out = {0};
    check *c = delta_alloc(sizeof *c);
    DELTA_AUTO_FREE void *owned = c;
    (void)owned; /* frees it at the end */
    *c = (check){.catalog = catalog, .schema = schema, .at = text, .copied = text, .out = &out};
    bool ok = advance(c); /* fills what comes next; once more, and the first word is now */
    if (ok)
        ok = advance(c);
    if (ok && (is_word(&c->now, "select") || is_word(&c->now, "with")))
        ok = check_query(c);
    else if (ok && (is_word(&c->now, "show") || is_word(&c->now, "describe") || is_word(&c->now, "desc")))
        ok = check_look(c);
    else if (ok)
        ok = refuse(c, "the history can be asked and not changed");
    if (ok) {
        delta_text_puts(&out, c->copied);
        *ret_text = out.data;
        return 0;
    }
    delta_text_done(&out);
    return lb_fail(err, LB_ERR_DENIED, "ask with one SELECT over the history tables", "%s", c->problem);
}
