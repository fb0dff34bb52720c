#include "approved_holds.h"

#include "json.h"
#include "pattern.h"

#include <sql/host/unnamed_lines.h>

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

/* A line that names nothing is misspelt, and holds nothing of what it was meant to hold. */
static int check_names(const holding *h, const worker_set *set, const char *list, const lb_texts *lines, lb_error *err)
{
    host_unnamed_lines_row row;
    lb_rows *rows = NULL;
    int r = lines->count && h->run->request->target.project
                ? host_unnamed_lines(&h->run->ctx, &(host_unnamed_lines_args){.lines = *lines}, &rows, err)
                : 0;
    if (r < 0 || !rows || !host_unnamed_lines_next(&h->run->ctx, rows, &row))
        return r;
    return lb_fail(err, LB_ERR_INVALID,
                   "write it as schema.table, in the case in which the server keeps it, with a * at the end for any "
                   "rest; take the line out if the table has gone, or give it to a schedule of that branch",
                   "%s of %s names %s, and there is no such table", list, set->where, row.line);
}

static int check_list(const holding *h, const worker_set *set, const param_arg *list, lb_error *err)
{
    JSON_AUTO *given = json_parse(list->text, strlen(list->text), err);
    if (!given)
        return lb_wrap(err, list->name);
    size_t count = json_object_is_type(given, json_type_array) ? json_object_array_length(given) : 0;
    const char **items = arena_alloc(h->run->memory, (count + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    lb_texts lines = {items, 0};
    int r = 0;
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const char *line = json_object_get_string(json_object_array_get_idx(given, i));
        if (!line)
            continue;
        items[lines.count++] = line;
        r = check_line(h, set, list->name, line, err);
    }
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
