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

/* Past a literal or a quoted name; a doubled quote is inside. */
static const char *skip_quoted(const char *p)
{
    const char quote = *p++;
    for (; *p; p++)
        if (*p == quote && *++p != quote)
            break;
    return p;
}

/* "catalog"."schema"."name" */
static bool is_full_name(const char *p)
{
    for (int part = 1; part < LAKE_NAME_PARTS; part++) {
        p = skip_quoted(p);
        if (p[0] != '.' || p[1] != '"')
            return false;
        p++;
    }
    return true;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* catalog.schema.name, without quotes, as people write it: how long it is, or 0. */
static size_t plain_length(const char *p)
{
    const char *from = p;
    for (int part = 0; part < LAKE_NAME_PARTS; part++) {
        if (part && *p++ != '.')
            return 0;
        if (!is_word(*p))
            return 0;
        while (is_word(*p))
            p++;
    }
    return (size_t)(p - from);
}

/* A word behind which a table's name stands. */
static bool begins_tables(const char *word, size_t length)
{
    return length == 4 && (strncasecmp(word, "from", 4) == 0 || strncasecmp(word, "join", 4) == 0);
}

char *lake_translate(const char *text)
{
    delta_text out = {0};
    bool of_tables = false;
    for (const char *p = text; *p;) {
        const char *from = p;
        if (*p == '\'' || *p == '"') {
            bool named = *p == '"' && is_full_name(p);
            p = skip_quoted(p);
            if (!named) {
                delta_text_put(&out, from, (size_t)(p - from));
                continue;
            }
            for (int part = 1; part < LAKE_NAME_PARTS; part++)
                p = skip_quoted(p + 1);
            delta_text_puts(&out, "\"" LAKE_PREFIX);
            from++;
        } else if (is_word(*p)) {
            while (is_word(*p))
                p++;
            if (of_tables && plain_length(from)) {
                delta_text_puts(&out, LAKE_PREFIX);
                p = from + plain_length(from);
            }
            of_tables = begins_tables(from, (size_t)(p - from));
            if (p - from == 9 && strncasecmp(from, "transform", 9) == 0)
                delta_text_puts(&out, "list_");
        } else {
            p++;
        }
        delta_text_put(&out, from, (size_t)(p - from));
    }
    return out.data ? out.data : delta_strdup("");
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
