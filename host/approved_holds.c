#include "approved_holds.h"

#include "json.h"
#include "nearest.h"
#include "pattern.h"

#include <sql/host/unnamed_lines.h>
#include <strings.h>

/* The tool looked at its lists when it asked; a person may have put a table there since, and a hold stands above an
 * approval. Which schedule's parameters the tool ran with is not asked: the next one runs with another's. */

typedef struct holding {
    run_state *run;
    const approval *a;
    struct json_object *lists, *tables;
} holding;

static bool holds(const char *line, const char *table)
{
    size_t length = strlen(line);
    bool is_prefix = length && line[length - 1] == '*';
    for (const char *p = table; p; p = strchr(p, '.') ? strchr(p, '.') + 1 : NULL) /* with its schema, and without */
        if (is_prefix ? strncmp(line, p, length - 1) == 0 : strcmp(line, p) == 0)
            return true;
    return false;
}

static int check_line(const holding *h, const worker_set *set, const char *list, const char *line, lb_error *err)
{
    for (size_t i = 0; i < json_object_array_length(h->tables); i++) {
        const char *table = json_object_get_string(json_object_array_get_idx(h->tables, i));
        if (table && holds(line, table))
            return lb_fail(err, LB_ERR_DENIED, "take it out of that list when the hold has ended, or deny this one",
                           "%s is held: %s of %s has %s", table, list, set->where, line);
    }
    return 0;
}

/* The table at stake that a line may have been meant for. */
static const char *meant(const holding *h, const char *line)
{
    size_t length = strlen(line);
    const char *word =
        arena_printf(h->run->memory, "%.*s", (int)(length && line[length - 1] == '*' ? length - 1 : length), line);
    for (size_t i = 0; word && *word && i < json_object_array_length(h->tables); i++) {
        const char *table = json_object_get_string(json_object_array_get_idx(h->tables, i));
        const char *names[] = {table, table ? strchr(table, '.') : NULL};
        names[1] += names[1] != NULL; /* without its schema */
        bool is_same = table && (strcasecmp(word, table) == 0 || (names[1] && strcasecmp(word, names[1]) == 0));
        if (is_same || (table && nearest_name(word, names, LB_COUNT(names))))
            return table;
    }
    return NULL;
}

/* A line that names nothing may be misspelt, and held nothing of what it was meant to hold; or its table is another
 * target's, as the manifest's parameters are for all of them. */
static int check_names(const holding *h, const worker_set *set, const char *list, const lb_texts *lines, lb_error *err)
{
    host_unnamed_lines_row row;
    lb_rows *rows = NULL;
    int r = lines->count && h->run->request->target.project
                ? host_unnamed_lines(&h->run->ctx, &(host_unnamed_lines_args){.lines = *lines}, &rows, err)
                : 0;
    while (r >= 0 && rows && host_unnamed_lines_next(&h->run->ctx, rows, &row)) {
        const char *table = meant(h, row.line);
        if (table)
            r = lb_fail(err, LB_ERR_INVALID,
                        "write it as schema.table, in the case in which the server keeps it, with a * at the end for "
                        "any rest; take the line out if the table has gone, or give it to a schedule of that branch",
                        "%s of %s names %s, and there is no such table: did you mean %s?", list, set->where, row.line,
                        table);
    }
    return r;
}

/* A list of one may be given as it is. */
static int read_lines(run_state *run, const param_arg *list, lb_texts *ret_lines, lb_error *err)
{
    const char *text = list->text + strspn(list->text, " \t\r\n");
    JSON_AUTO *given = *text == '[' ? json_parse(text, strlen(text), err) : NULL;
    if (*text == '[' && !given)
        return lb_wrap(err, list->name);
    size_t count = given ? json_object_array_length(given) : 1;
    const char **items = arena_alloc(run->memory, (count + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        const char *line = given ? json_object_get_string(json_object_array_get_idx(given, i)) : list->text;
        items[i] = arena_strdup(run->memory, line ? line : "");
        if (!items[i])
            return lb_out_of_memory(err);
    }
    *ret_lines = (lb_texts){items, count};
    return 0;
}

static int check_list(const holding *h, const worker_set *set, const param_arg *list, lb_error *err)
{
    lb_texts lines = {NULL, 0};
    int r = read_lines(h->run, list, &lines, err);
    for (size_t i = 0; r >= 0 && i < lines.count; i++)
        r = check_line(h, set, list->name, lines.items[i], err);
    return r < 0 ? r : check_names(h, set, list->name, &lines, err);
}

static bool is_listed(struct json_object *lists, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(lists); i++) {
        const char *list = json_object_get_string(json_object_array_get_idx(lists, i));
        if (list && strcmp(list, name) == 0)
            return true;
    }
    return false;
}

static bool applies(const holding *h, const worker_set *set)
{
    const lb_target *t = &h->run->request->target;
    return strcmp(set->tool, h->a->tool) == 0 &&
           (!set->project || pattern_matches(set->project, t->project ? t->project : "")) &&
           (!set->branch || pattern_matches(set->branch, t->branch ? t->branch : ""));
}

int approved_check_holds(run_state *run, const approval *a, lb_error *err)
{
    const worker_setup *setup = run->worker->setup;
    JSON_AUTO *evidence = json_parse(a->evidence, strlen(a->evidence), err);
    if (!evidence)
        return err->code;
    const holding h = {run, a, json_get_list(evidence, "held_by"), json_get_list(evidence, "tables")};
    int r = 0;
    for (size_t i = 0; h.lists && h.tables && r >= 0 && i < setup->set_count; i++) {
        const worker_set *set = &setup->sets[i];
        for (size_t k = 0; applies(&h, set) && r >= 0 && k < set->arg_count; k++)
            if (is_listed(h.lists, set->args[k].name))
                r = check_list(&h, set, &set->args[k], err);
    }
    return r;
}
