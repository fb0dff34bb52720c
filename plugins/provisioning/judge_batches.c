/* "-- lbops:batches 5000" above a statement: it is to be executed in batches of rows. What that can be done with is a
 * plain UPDATE or DELETE of one table, which is cut before its condition. */
#include "judge_internal.h"

#include <lbops/sqltext.h>

#include <ctype.h>

#define MARK       "lbops:batches"
#define ROWS_FIRST 1000 /* where the author says nothing */

/* ---- the text of a statement ---- */

/* Its WHERE, or its end. Below the brackets there is no other one, but for a column of that name. */
static const char *find_where(const char *text)
{
    int depth = 0;
    bool is_member = false;
    for (const char *p = text; p && *p;) {
        const char *behind = lb_sql_skip(p);
        depth += *p == '(' || *p == '[';
        depth -= *p == ')' || *p == ']';
        if (!depth && !is_member && behind == p + 5 && strncasecmp(p, "where", 5) == 0)
            return p;
        if (!isspace((unsigned char)*p))
            is_member = *p == '.';
        p = behind;
    }
    return text + strlen(text);
}

bool judge_cut(const char *text, arena *memory, const char **ret_head, const char **ret_condition)
{
    char *copy = arena_strdup(memory, text);
    *ret_head = *ret_condition = copy;
    if (!copy)
        return false;
    lb_sql_blank_comments(copy);
    size_t head = (size_t)(find_where(copy) - copy);
    *ret_condition = copy[head] ? copy + head + 5 : "true";
    *ret_head = arena_strndup(memory, copy, head);
    return *ret_head != NULL;
}

/* ---- what it can be done with ---- */

static bool has_parameter(tree inside)
{
    const char *end = tree_end(inside);
    char key[64];
    tree value;
    for (const char *p = inside.at; tree_next_key(p, end, key, sizeof key, &value); p = value.at)
        if (strcmp(key, "ParamRef") == 0 || strcmp(key, "CurrentOfExpr") == 0)
            return true;
    return false;
}

/* What to write instead; NULL: it is a plain one. */
static const char *what_is_not_plain(tree node)
{
    tree update = tree_node(node, "UpdateStmt"), s = tree_has(update) ? update : tree_node(node, "DeleteStmt");
    if (!tree_has(s))
        return "the mark above an UPDATE or a DELETE; leave it out above anything else";
    if (tree_has(tree_get(s, "withClause")))
        return "the statement without WITH: a subquery in its WHERE or SET";
    if (tree_has(tree_get(s, "fromClause")))
        return "the statement without FROM: a subquery in its WHERE or SET";
    if (tree_has(tree_get(s, "usingClause")))
        return "the statement without USING: a subquery in its WHERE";
    if (tree_has(tree_get(s, "returningList")))
        return "the statement without RETURNING: nobody reads the rows";
    if (!tree_true(tree_path(s, "relation", "inh")))
        return "the statement without ONLY";
    if (is_catalogue(tree_get(s, "relation")))
        return "the statement without the mark: it changes a catalog";
    return has_parameter(s) ? "values instead of $1, and no CURRENT OF: batches have no cursor" : NULL;
}

/* ---- marks ---- */

/* Rows for the first batch; 0: that is no number of rows. */
static int64_t rows_of(const char *mark)
{
    const char *p = mark + strlen(MARK), *end = p + strcspn(p, "\r\n");
    char *behind = NULL;
    p += strspn(p, " \t");
    if (p == end)
        return ROWS_FIRST;
    long rows = isdigit((unsigned char)*p) ? strtol(p, &behind, 10) : 0;
    return behind && behind + strspn(behind, " \t") == end && rows <= JUDGE_BATCH_MOST ? rows : 0;
}

/* The word behind "--", where that is the mark and stands in a line of its own or behind something. */
static const char *mark_at(const char *comment)
{
    size_t length = strlen(MARK);
    if (strncmp(comment, "--", 2) != 0)
        return NULL;
    const char *p = comment + 2 + strspn(comment + 2, " \t");
    return strncmp(p, MARK, length) == 0 && (!p[length] || isspace((unsigned char)p[length])) ? p : NULL;
}

static bool has_its_line(const char *text, const char *comment)
{
    while (comment > text && (comment[-1] == ' ' || comment[-1] == '\t'))
        comment--;
    return comment == text || comment[-1] == '\n';
}

/* The statement that stands behind that place, unless the place is inside of one; the count: there is none. */
static size_t statement_below(const script *s, size_t offset)
{
    for (size_t i = 0; i < s->count; i++) {
        script_range range = s->items[i].range;
        if (offset < range.offset)
            return i;
        if (offset < range.offset + range.length)
            break;
    }
    return s->count;
}

static void take_mark(judging *j, judged *items, const char *comment, const char *mark)
{
    size_t offset = (size_t)(comment - j->text.text), at = statement_below(&j->text, offset);
    int64_t rows = rows_of(mark);
    const char *instead = !has_its_line(j->text.text, comment) ? "the mark in a line of its own, above the statement"
                          : at == j->text.count                ? "the mark directly above the statement that it is for"
                          : !rows                              ? "a number of rows behind it, from 1 to 10000, or none"
                                                               : what_is_not_plain(j->text.items[at].node);
    j->number = at < j->text.count ? (uint32_t)at + 1 : 0;
    j->place = script_place_of(j->text.text, offset);
    if (instead)
        judging_hazard(j, JUDGE_BATCHES_MARK, "the mark", instead);
    else
        items[at].batch_rows = rows;
}

void judge_batch_marks(judging *j, judged *items)
{
    for (const char *p = j->text.text; p && *p; p = lb_sql_skip(p)) {
        const char *mark = mark_at(p);
        if (mark)
            take_mark(j, items, p, mark);
    }
}
