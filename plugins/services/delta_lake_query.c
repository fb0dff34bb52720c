/* Questions to the lakehouse. Each gets a DuckDB of its own, with what it names and nothing else (delta_lake_views.c),
 * closed in before it runs. A question is in Databricks' words: what DuckDB calls otherwise is given to it as macros.
 */
#include "delta_live.h"

#include <ctype.h>
#include <unistd.h>

/* Of Databricks SQL, for DuckDB. A macro cannot take a lambda, so `transform` is renamed in the text. */
static const char *const macros[] = {
    "CREATE MACRO conv(digits, from_base, to_base) AS CAST(CAST('0x' || digits AS UBIGINT) AS VARCHAR)",
    "CREATE MACRO unix_micros(t) AS epoch_us(t)",
    "CREATE MACRO unix_date(d) AS date_diff('day', DATE '1970-01-01', d)",
    "CREATE MACRO array_join(l, s) AS array_to_string(l, s)",
};

/* ---- the text ---- */

/* What is open in a question: the whole of it, and each bracket. */
typedef struct clause {
    bool is_query;     /* FROM is a clause here; in a call it stands between arguments */
    bool is_begun;     /* something has stood here */
    bool lists_tables; /* behind a comma is a table */
    bool wants_table;  /* what comes is one */
} clause;

typedef struct translation {
    delta_text out;
    clause *open;
    size_t count, capacity;
    bool is_distinct; /* IS DISTINCT FROM: that is no clause either */
} translation;

/* Past a literal or a quoted name; a doubled quote is inside. */
static const char *skip_quoted(const char *p, bool has_escapes)
{
    const char quote = *p++;
    for (; *p; p++)
        if (has_escapes && *p == '\\' && p[1])
            p++;
        else if (*p == quote && *++p != quote)
            break;
    return p;
}

/* Past a comment, which may have others inside; p: there is none. */
static const char *skip_comment(const char *p)
{
    if (strncmp(p, "--", 2) == 0)
        return p + strcspn(p, "\n");
    int depth = 0;
    do {
        bool opens = strncmp(p, "/*", 2) == 0, closes = depth > 0 && strncmp(p, "*/", 2) == 0;
        depth += opens - closes;
        p += opens || closes ? 2 : depth > 0;
    } while (*p && depth > 0);
    return p;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* catalog.schema.name, each of them plain or in quotes: how long that is, or 0. */
static size_t name_length(const char *p, bool only_quoted)
{
    const char *from = p;
    for (int part = 0; part < LAKE_NAME_PARTS; part++) {
        if (part && *p++ != '.')
            return 0;
        const char *begun = p;
        if (*p == '"')
            p = skip_quoted(p, false);
        else if (!only_quoted)
            while (is_word(*p))
                p++;
        if (p == begun)
            return 0;
    }
    return (size_t)(p - from);
}

static bool is_one_of(const char *words, const char *word, size_t length)
{
    for (const char *p = words; *p; p += strspn(p, " ")) {
        size_t other = strcspn(p, " ");
        if (other == length && strncasecmp(p, word, length) == 0)
            return true;
        p += other;
    }
    return false;
}

static clause *here(translation *t)
{
    return &t->open[t->count - 1];
}

static void begin(translation *t, clause c)
{
    DELTA_PUSH(t->open, t->count, t->capacity);
    t->open[t->count++] = c;
}

/* Something stands here, whatever it is. */
static void pass(translation *t)
{
    here(t)->is_begun = true;
    here(t)->wants_table = false;
    t->is_distinct = false;
}

static void take_word(translation *t, const char *word, size_t length)
{
    clause *c = here(t);
    bool is_from = is_one_of("from", word, length) && !t->is_distinct && (c->is_query || !c->is_begun);
    pass(t);
    t->is_distinct = is_one_of("distinct", word, length);
    if (is_from || is_one_of("join", word, length))
        *c = (clause){.is_query = true, .is_begun = true, .lists_tables = true, .wants_table = true};
    else if (is_one_of("select with", word, length))
        c->is_query = true;
    if (is_one_of("select values where group having order limit offset union intersect except window qualify fetch",
                  word, length))
        c->lists_tables = false;
}

static void take_sign(translation *t, char sign)
{
    clause *c = here(t);
    t->is_distinct = t->is_distinct && isspace((unsigned char)sign);
    if (strchr("([{", sign)) { /* tables that are joined, or a question of its own */
        const clause inner = {.lists_tables = c->wants_table, .wants_table = c->wants_table};
        pass(t);
        begin(t, inner);
    } else if (strchr(")]}", sign)) {
        t->count -= t->count > 1;
    } else if (sign == ',') {
        c->wants_table = c->lists_tables;
    }
}

static const char *take_name(translation *t, const char *p, size_t length)
{
    bool is_quoted = *p == '"';
    delta_text_puts(&t->out, is_quoted ? "\"" LAKE_PREFIX : LAKE_PREFIX);
    delta_text_put(&t->out, p + is_quoted, length - is_quoted);
    pass(t);
    return p + length;
}

/* One word, sign, literal, name or comment. */
static const char *take_next(translation *t, const char *p)
{
    const char *from = p, *behind = skip_comment(p);
    size_t length = name_length(p, !here(t)->wants_table);
    if (behind > p) {
        p = behind;
    } else if (length) {
        return take_name(t, p, length);
    } else if (*p == '\'' || *p == '"') {
        p = skip_quoted(p, false);
        pass(t);
    } else if (is_word(*p)) {
        while (is_word(*p))
            p++;
        if (p - from == 1 && (*from == 'e' || *from == 'E') && *p == '\'')
            p = skip_quoted(p, true);
        take_word(t, from, (size_t)(p - from));
        if (is_one_of("transform", from, (size_t)(p - from)))
            delta_text_puts(&t->out, "list_");
    } else {
        take_sign(t, *p++);
    }
    delta_text_put(&t->out, from, (size_t)(p - from));
    return p;
}

char *lake_translate(const char *text)
{
    translation t = {.count = 0};
    begin(&t, (clause){.is_query = true});
    for (const char *p = text; *p;)
        p = take_next(&t, p);
    free(t.open);
    return t.out.data ? t.out.data : delta_strdup("");
}

/* ---- the question ---- */

static int close_in(const delta_local *local, delta_engine *engine, lb_error *err)
{
    DELTA_TEXT allowed = {0};
    delta_text_puts(&allowed, "SET allowed_directories = [");
    delta_text_literal(&allowed, local->lake_root);
    delta_text_puts(&allowed, "]");
    const char *const statements[] = {allowed.data, "SET enable_external_access = false",
                                      "SET lock_configuration = true"};
    int r = 0;
    for (size_t i = 0; r == 0 && i < DELTA_COUNT(statements); i++)
        r = delta_run(engine, statements[i], NULL, 0, 0, NULL, err);
    return r;
}

int lake_teach(delta_engine *engine, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < DELTA_COUNT(macros); i++)
        r = delta_run(engine, macros[i], NULL, 0, 0, NULL, err);
    return r;
}

static int answer(delta_local *local, delta_engine *engine, delta_live *live, const lb_delta_question *question,
                  const lb_delta_sink *sink, bool *ret_cut, lb_error *err)
{
    int r = lake_teach(engine, err);
    if (r == 0)
        r = lake_show(local, engine, live, question->text, err);
    if (r == 0)
        r = close_in(local, engine, err);
    return r < 0 ? r : delta_answer(engine, question, sink, ret_cut, err);
}

int lake_local_query(void *state, const lb_delta_question *question, const lb_delta_sink *sink, bool *ret_cut,
                     lb_error *err)
{
    delta_local *local = state;
    DELTA_AUTO_FREE char *temp_dir = lake_temp_dir(local), *text = lake_translate(question->text);
    const delta_engine_options options = {
        .memory_mb = local->settings.memory_mb, .threads = local->settings.threads, .temp_dir = temp_dir};
    delta_engine *engine = NULL;
    lb_delta_question translated = *question;
    translated.text = text;
    delta_live *live = delta_live_new(local, question->deadline);
    int r = delta_engine_open(local->host, &options, &engine, err);
    if (r == 0)
        r = answer(local, engine, live, &translated, sink, ret_cut, err);
    (void)delta_engine_free(engine); /* gives NULL, as does the next */
    (void)delta_live_free(live);
    (void)rmdir(temp_dir); /* where nothing was spilled it is not there */
    return r;
}
