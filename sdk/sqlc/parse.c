/* parse.c: the header of a catalogue file, and where its variants begin and end. */
#include "fs.h"
#include "json.h"
#include "nearest.h"
#include "sqlc.h"

/* One line of the header at work: what is left of it. */
typedef struct line {
    const char *p, *end;
} line;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(line *l)
{
    while (l->p < l->end && is_blank(*l->p))
        l->p++;
}

/* The next word of the line, or NULL. */
static const char *take_word(sqlc *c, line *l)
{
    skip_blanks(l);
    const char *begin = l->p;
    while (l->p < l->end && !is_blank(*l->p))
        l->p++;
    return l->p > begin ? sqlc_strndup(c, begin, (size_t)(l->p - begin)) : NULL;
}

static const char *take_rest(sqlc *c, line *l)
{
    skip_blanks(l);
    while (l->end > l->p && is_blank(l->end[-1]))
        l->end--;
    return sqlc_strndup(c, l->p, (size_t)(l->end - l->p));
}

static size_t offset_of(const sql_statement *s, const line *l)
{
    return (size_t)(l->p - s->file.text);
}

const char *kind_name(lb_statement_kind kind)
{
    return kind == LB_STATEMENT_READ      ? "read"
           : kind == LB_STATEMENT_CHANGE  ? "change"
           : kind == LB_STATEMENT_HISTORY ? "history"
           : kind == LB_STATEMENT_LAKE    ? "lake"
           : kind == LB_STATEMENT_REST    ? "rest"
                                          : "fragment";
}

char *server_text(sqlc *c, unsigned from, unsigned to)
{
    if (from == to)
        return sqlc_printf(c, "%u", from);
    return to == SQLC_LAST_PG ? sqlc_printf(c, "%u-", from) : sqlc_printf(c, "%u-%u", from, to);
}

/* ---- the single keys ----------------------------------------------------------------------------------------------
 */

static bool take_version(const char **p, unsigned *ret_version)
{
    unsigned version = 0, digits = 0;
    for (; **p >= '0' && **p <= '9' && digits < 3; (*p)++, digits++)
        version = version * 10 + (unsigned)(**p - '0');
    *ret_version = version;
    return digits && version >= SQLC_FIRST_PG && version < SQLC_LAST_PG;
}

/* "15-18", "17", "17-" */
static bool read_versions(sqlc *c, const sql_statement *s, line *l, unsigned *ret_from, unsigned *ret_to)
{
    size_t offset = offset_of(s, l);
    const char *text = take_rest(c, l), *p = text;
    unsigned from, to;
    bool good = take_version(&p, &from);
    to = from;
    if (good && *p == '-') {
        p++;
        to = SQLC_LAST_PG;
        good = !*p || take_version(&p, &to);
    }
    if (!good || *p || from > to) {
        sqlc_problem(c, &s->file, offset, "write major versions as 15-18, 17 or 17-", "'%s' is no range of versions",
                     text);
        return false;
    }
    *ret_from = from;
    *ret_to = to;
    return true;
}

static void read_server(sqlc *c, sql_statement *s, line *l)
{
    if (s->from)
        sqlc_problem(c, &s->file, offset_of(s, l), NULL, "server: stands here a second time");
    s->server_offset = offset_of(s, l);
    (void)read_versions(c, s, l, &s->from, &s->to); /* what is wrong has been reported */
}

static void read_kind(sqlc *c, sql_statement *s, line *l)
{
    static const char *const names[] = {"read",    "change", "fragment",
                                        "history", "lake",   "rest"}; /* in the order of their numbers */
    size_t offset = offset_of(s, l);
    const char *text = take_rest(c, l);
    if (s->kind)
        sqlc_problem(c, &s->file, offset, NULL, "kind: stands here a second time");
    for (size_t i = 0; i < LB_COUNT(names); i++)
        if (strcmp(names[i], text) == 0)
            s->kind = (lb_statement_kind)(i + 1);
    if (!s->kind) {
        const char *nearest = nearest_name(text, names, LB_COUNT(names));
        sqlc_problem(c, &s->file, offset,
                     nearest ? sqlc_printf(c, "did you mean %s?", nearest)
                             : "read, change, fragment, history, lake or rest",
                     "'%s' is no kind of statement", text);
        s->kind = LB_STATEMENT_FRAGMENT; /* asks least of the rest */
    }
}

static void read_summary(sqlc *c, sql_statement *s, line *l)
{
    size_t offset = offset_of(s, l);
    const char *text = take_rest(c, l);
    if (s->summary)
        sqlc_problem(c, &s->file, offset, "more goes into '-- note:' lines", "summary: stands here a second time");
    else if (!*text)
        sqlc_problem(c, &s->file, offset, "say in one line what the statement gives", "the summary is empty");
    s->summary = text;
}

static void read_example(sqlc *c, sql_statement *s, line *l)
{
    s->example_offset = offset_of(s, l);
    s->example = take_rest(c, l);
    if (!strstr(s->example, ":fragment"))
        sqlc_problem(c, &s->file, s->example_offset, "as in: SELECT 1 FROM t WHERE :fragment",
                     "the example does not say where :fragment stands");
}

static void read_note(sqlc *c, sql_statement *s, line *l)
{
    (void)c, (void)s, (void)l; /* a note is for people */
}

/* ---- params and columns -------------------------------------------------------------------------------------------
 */

static const char *read_name(sqlc *c, const sql_statement *s, line *l, const char *what)
{
    skip_blanks(l);
    size_t offset = offset_of(s, l);
    const char *name = take_word(c, l);
    if (!name)
        sqlc_problem(c, &s->file, offset, "write: -- param NAME TYPE, -- column NAME TYPE", "a %s without a name",
                     what);
    else if (!name_is_good(name))
        sqlc_problem(c, &s->file, offset, "letters a-z, digits and _, at most 63", "'%s' is no name for a %s", name,
                     what);
    else if (name_is_reserved(name))
        sqlc_problem(c, &s->file, offset, "it becomes a member of a C struct: choose another word",
                     "the %s %s cannot be named like a word of C", what, name);
    return name;
}

static const type_info *read_type(sqlc *c, const sql_statement *s, line *l, const char *name, bool *ret_list)
{
    skip_blanks(l);
    size_t offset = offset_of(s, l);
    char *word = NULL;
    const char *taken = take_word(c, l);
    if (!taken) {
        sqlc_problem(c, &s->file, offset, "write: NAME TYPE", "%s has no type", name);
        return NULL;
    }
    size_t length = strlen(taken);
    *ret_list = length > 2 && strcmp(taken + length - 2, "[]") == 0;
    word = sqlc_strndup(c, taken, *ret_list ? length - 2 : length);
    const type_info *info = type_find(word);
    if (info)
        return info;
    const char *nearest = type_nearest(word);
    sqlc_problem(c, &s->file, offset,
                 nearest ? sqlc_printf(c, "did you mean %s%s?", nearest, *ret_list ? "[]" : "")
                         : "text integer number boolean timestamp json numeric identifier sqltype sql definition",
                 "%s: '%s' is no type of the catalogue", name, taken);
    return NULL;
}

static void read_as(sqlc *c, const sql_statement *s, line *l, sql_param *p)
{
    skip_blanks(l);
    size_t offset = offset_of(s, l);
    const char *pgtype = take_word(c, l);
    if (!pgtype || type_is_composed(p->info)) {
        sqlc_problem(c, &s->file, offset, "write: as oid", pgtype ? "%s has no type on the server" : "%s: as what?",
                     p->name);
    } else if (!type_takes_pgtype(p->info, pgtype)) {
        const char *nearest = type_nearest_pgtype(p->info, pgtype);
        sqlc_problem(c, &s->file, offset,
                     nearest ? sqlc_printf(c, "did you mean %s?", nearest) : "name the type of one item",
                     "%s: %s does not go to the server as %s", p->name, p->info->name, pgtype);
    } else {
        p->pgtype = pgtype;
    }
}

static void read_like(sqlc *c, const sql_statement *s, line *l, sql_param *p)
{
    size_t offset = offset_of(s, l);
    p->like = take_rest(c, l);
    if (!*p->like)
        sqlc_problem(c, &s->file, offset, "write: like TEXT", "%s: like what?", p->name);
    if (!type_is_composed(p->info))
        sqlc_problem(c, &s->file, offset, "only what is written into the text needs an example", "%s is a value",
                     p->name);
}

static void read_param_rest(sqlc *c, const sql_statement *s, line *l, sql_param *p)
{
    static const char *const words[] = {"as", "null", "like"};
    for (;;) {
        skip_blanks(l);
        size_t offset = offset_of(s, l);
        const char *word = take_word(c, l);
        if (!word)
            return;
        if (strcmp(word, "as") == 0) {
            read_as(c, s, l, p);
        } else if (strcmp(word, "null") == 0) {
            p->nullable = true;
        } else if (strcmp(word, "like") == 0) {
            read_like(c, s, l, p);
            return;
        } else {
            const char *nearest = nearest_name(word, words, LB_COUNT(words));
            sqlc_problem(c, &s->file, offset,
                         nearest ? sqlc_printf(c, "did you mean %s?", nearest) : "as, null or like",
                         "%s: '%s' is not known here", p->name, word);
        }
    }
}

static void read_param(sqlc *c, sql_statement *s, line *l)
{
    sql_param p = {.offset = offset_of(s, l)};
    p.name = read_name(c, s, l, "parameter");
    p.info = p.name ? read_type(c, s, l, p.name, &p.list) : NULL;
    for (size_t i = 0; p.name && i < s->param_count; i++)
        if (strcmp(s->params[i].name, p.name) == 0)
            sqlc_problem(c, &s->file, p.offset, NULL, "the parameter %s is declared twice", p.name);
    if (!p.name)
        return;
    if (!p.info) {
        p.info = type_find("text"); /* so that its uses count */
        p.pgtype = p.info->pgtype;
    } else {
        p.pgtype = p.info->pgtype;
        read_param_rest(c, s, l, &p);
        if (p.nullable && type_is_composed(p.info) && p.info->type != LB_SQL && p.info->type != LB_DEFINITION)
            sqlc_problem(c, &s->file, p.offset, "only sql, definitions and values can be left out",
                         "the %s %s cannot be null", p.info->name, p.name);
    }
    s->params[s->param_count++] = p;
}

static void read_column(sqlc *c, sql_statement *s, line *l)
{
    sql_column column = {.offset = offset_of(s, l)};
    column.name = read_name(c, s, l, "column");
    column.info = column.name ? read_type(c, s, l, column.name, &column.list) : NULL;
    for (size_t i = 0; column.name && i < s->column_count; i++)
        if (strcmp(s->columns[i].name, column.name) == 0)
            sqlc_problem(c, &s->file, column.offset, NULL, "the column %s is declared twice", column.name);
    if (!column.name)
        return;
    if (column.info) {
        skip_blanks(l);
        size_t offset = offset_of(s, l);
        const char *rest = take_rest(c, l);
        column.nullable = strcmp(rest, "null") == 0;
        if (*rest && !column.nullable)
            sqlc_problem(c, &s->file, offset, "only null may follow the type", "%s: '%s' is not known here",
                         column.name, rest);
        if (type_is_composed(column.info))
            sqlc_problem(c, &s->file, column.offset, "what the server sends is text", "the column %s cannot be %s",
                         column.name, column.info->name);
    } else {
        column.info = type_find("text");
    }
    s->columns[s->column_count++] = column;
}

/* ---- lines --------------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    bool colon;
    void (*read)(sqlc *c, sql_statement *s, line *l);
} keys[] = {
    {"summary", true, read_summary}, {"kind", true, read_kind}, {"server", true, read_server},
    {"example", true, read_example}, {"note", true, read_note}, {"param", false, read_param},
    {"column", false, read_column},
};

static void report_key(sqlc *c, const sql_statement *s, size_t offset, const char *word)
{
    const char *names[LB_COUNT(keys) + 1];
    for (size_t i = 0; i < LB_COUNT(keys); i++)
        names[i] = keys[i].name;
    names[LB_COUNT(keys)] = "variant";
    const char *nearest = nearest_name(word, names, LB_COUNT(names));
    sqlc_problem(c, &s->file, offset,
                 nearest ? sqlc_printf(c, "did you mean %s?", nearest)
                         : "a remark is a '-- note:' line, or stands below the first line of SQL",
                 "'%s' is no line of the header", word);
}

static void read_header_line(sqlc *c, sql_statement *s, line l)
{
    l.p += 2;
    skip_blanks(&l);
    size_t offset = offset_of(s, &l), length = 0;
    while (l.p + length < l.end && !is_blank(l.p[length]) && l.p[length] != ':')
        length++;
    if (!length && l.p == l.end)
        return;
    const char *word = sqlc_strndup(c, l.p, length);
    l.p += length;
    bool colon = l.p < l.end && *l.p == ':';
    l.p += colon;
    skip_blanks(&l);
    for (size_t i = 0; i < LB_COUNT(keys); i++) {
        if (strcmp(keys[i].name, word) != 0)
            continue;
        if (keys[i].colon != colon)
            sqlc_problem(c, &s->file, offset, sqlc_printf(c, "write: -- %s%s ...", word, keys[i].colon ? ":" : ""),
                         "%s is written %s a colon", word, colon ? "without" : "with");
        keys[i].read(c, s, &l);
        return;
    }
    report_key(c, s, offset, word);
}

static void add_variant(sql_statement *s, sql_variant v)
{
    if (s->variant_count)
        s->variants[s->variant_count - 1].end = v.offset;
    v.end = s->file.length;
    s->variants[s->variant_count++] = v;
}

static void read_variant_line(sqlc *c, sql_statement *s, line l)
{
    sql_variant v = {.offset = offset_of(s, &l), .begin = (size_t)(l.end - s->file.text)};
    l.p += strlen("-- variant:");
    skip_blanks(&l);
    (void)read_versions(c, s, &l, &v.from, &v.to); /* what is wrong has been reported */
    add_variant(s, v);
}

static bool starts(const line *l, const char *with)
{
    size_t length = strlen(with);
    return (size_t)(l->end - l->p) >= length && memcmp(l->p, with, length) == 0;
}

/* Each line gives one param, column or variant at most. */
static void make_room(sqlc *c, sql_statement *s)
{
    size_t lines = 2;
    for (size_t i = 0; i < s->file.length; i++)
        lines += s->file.text[i] == '\n';
    s->params = sqlc_alloc(c, lines * sizeof *s->params);
    s->columns = sqlc_alloc(c, lines * sizeof *s->columns);
    s->variants = sqlc_alloc(c, lines * sizeof *s->variants);
}

static void read_lines(sqlc *c, sql_statement *s)
{
    const char *end = s->file.text + s->file.length;
    bool header = true, stray = false;
    for (line l = {.p = s->file.text}; l.p < end; l.p = l.end + 1) {
        l.end = memchr(l.p, '\n', (size_t)(end - l.p));
        l.end = l.end ? l.end : end;
        line word = l;
        skip_blanks(&word);
        if (starts(&l, "-- variant:")) {
            if (stray) {
                sqlc_problem(c, &s->file, s->variants[0].offset, "begin with a '-- variant:' line",
                             "SQL stands before the first variant");
                s->variant_count = 0;
            }
            header = stray = false;
            read_variant_line(c, s, l);
        } else if (header && starts(&l, "--")) {
            read_header_line(c, s, l);
        } else if (header && word.p < word.end) {
            header = false;
            stray = true;
            add_variant(s, (sql_variant){.offset = offset_of(s, &word), .begin = offset_of(s, &l)});
        }
    }
    if (!s->variant_count)
        add_variant(s, (sql_variant){.offset = s->file.length, .begin = s->file.length});
}

/* ---- files --------------------------------------------------------------------------------------------------------
 */

static void drop_carriage_returns(char *text, size_t *length)
{
    size_t kept = 0;
    for (size_t i = 0; i < *length; i++)
        if (text[i] != '\r' || text[i + 1] != '\n')
            text[kept++] = text[i];
    text[kept] = '\0';
    *length = kept;
}

static bool read_file(sqlc *c, source *file)
{
    lb_error err;
    LB_AUTO_FREE char *text = NULL;
    if (fs_read(file->path, SQLC_FILE_MAX, &text, &file->length, &err) < 0) {
        sqlc_problem(c, file, 0, err.hint, "%s", err.message);
        return false;
    }
    if (strlen(text) != file->length) {
        sqlc_problem(c, file, strlen(text), NULL, "a NUL byte in the file");
        return false;
    }
    if (!json_is_utf8(text, file->length)) {
        sqlc_problem(c, file, 0, "save the file as UTF-8", "the file is not UTF-8");
        return false;
    }
    drop_carriage_returns(text, &file->length);
    file->text = sqlc_strndup(c, text, file->length);
    return true;
}

sql_statement *sqlc_parse(sqlc *c, const char *name)
{
    sql_statement *s = sqlc_alloc(c, sizeof *s);
    const char *slash = strchr(name, '/');
    s->file.path = sqlc_printf(c, "%s/%s.sql", c->root, name);
    s->full_name = sqlc_strndup(c, name, strlen(name));
    s->family = sqlc_strndup(c, name, slash ? (size_t)(slash - name) : 0);
    s->name = slash ? s->full_name + (slash - name) + 1 : "";
    if (!name_is_good(s->family) || !name_is_good(s->name)) {
        sqlc_problem(c, &s->file, 0, "files are FAMILY/NAME.sql, both of a-z, 0-9 and _",
                     "'%s' is no name of a statement", name);
        return NULL;
    }
    s->c_name = sqlc_printf(c, "%s_%s", s->family, s->name);
    if (!read_file(c, &s->file))
        return NULL;
    make_room(c, s);
    read_lines(c, s);
    for (size_t i = 0; i < s->variant_count; i++)
        text_cut(c, s, &s->variants[i]);
    return s;
}
