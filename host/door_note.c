/* What is written down of a group that a person has approved: by then the tool that proposed it is gone. */
#include "door.h"

/* The row without the table's own time, which is when the change is made, with room for that. NULL: no memory. */
static lb_value *without_time(run_state *run, const table_def *def, const lb_value *values, size_t *ret_count)
{
    size_t count = 0, kept = 0;
    while (values[count].type != LB_END)
        count++;
    lb_value *row = arena_alloc(run->memory, (count + 2) * sizeof *row);
    for (size_t i = 0; row && i < count; i++)
        if (!def->partition_time || !values[i].name || strcmp(values[i].name, def->partition_time) != 0)
            row[kept++] = values[i];
    if (row)
        row[kept] = (lb_value){.type = LB_END};
    *ret_count = kept;
    return row;
}

static const lb_value *with_time(run_state *run, const table_def *def, const lb_value *values)
{
    size_t count = 0;
    lb_value *row = without_time(run, def, values, &count);
    if (row && def->partition_time) {
        row[count++] = lb_time(def->partition_time, session_clock(run->worker->sessions));
        row[count] = (lb_value){.type = LB_END};
    }
    return row;
}

int door_add_note(lb_group *group, const approval_note *note, lb_error *err)
{
    run_state *run = group->run;
    if (group->note_count == APPROVAL_NOTES)
        return lb_fail(err, LB_ERR_LIMIT, "make several groups", "more than %d notes of one group", APPROVAL_NOTES);
    door_note *n = arena_alloc(run->memory, sizeof *n);
    if (!n)
        return lb_out_of_memory(err);
    n->note = (approval_note){.is_event = note->is_event,
                              .name = arena_strdup(run->memory, note->name),
                              .values = arena_values(run->memory, note->values)};
    if (!n->note.name || !n->note.values)
        return lb_out_of_memory(err);
    *group->last_note = n;
    group->last_note = &n->next;
    group->note_count++;
    return 0;
}

static int check_open(const lb_group *group, lb_error *err)
{
    return group->decided ? lb_fail(err, LB_ERR_INVALID, "note it before lb_apply",
                                    "the group \"%s\" is decided already", group->title)
                          : 0;
}

/* Whoever writes it can no longer ask what was meant: a row that would not do is refused now. */
static int check_row(run_state *run, const char *table, const lb_value *values, const lb_value **ret_row, lb_error *err)
{
    const table_def *def = table_find(table);
    BUF_AUTO line = BUF_INIT(TABLE_ROW_MAX + 1);
    if (!def)
        return lb_fail(err, LB_ERR_NOT_FOUND, "see the list of history tables in the docs", "no history table %s",
                       table);
    size_t count = 0;
    const lb_value *row = with_time(run, def, values);
    *ret_row = without_time(run, def, values, &count);
    if (!row || !*ret_row)
        return lb_out_of_memory(err);
    return table_encode(def, row, &run->request->target, run->request->id, &line, err);
}

int door_group_record(lb_group *group, const char *table, const lb_value *values, lb_error *err)
{
    const lb_value *row = NULL;
    int r = check_open(group, err);
    if (r >= 0)
        r = run_check_record(group->run, table, err);
    if (r >= 0)
        r = check_row(group->run, table, values, &row, err);
    if (r < 0)
        return r;
    const approval_note note = {.name = table, .values = row};
    return door_add_note(group, &note, err);
}

int door_group_emit(lb_group *group, const char *event, const lb_value *payload, lb_error *err)
{
    int r = check_open(group, err);
    if (r >= 0)
        r = run_check_event(group->run, event, payload, err);
    if (r < 0)
        return r;
    const approval_note note = {.is_event = true, .name = event, .values = payload ? payload : LB_NO_ARGS};
    return door_add_note(group, &note, err);
}

int door_write_notes(lb_group *group, lb_error *err)
{
    run_state *run = group->run;
    int r = 0;
    for (const door_note *n = group->notes; n && r >= 0; n = n->next) {
        const approval_note *note = &n->note;
        const table_def *def = note->is_event ? NULL : table_find(note->name);
        const lb_value *row = def ? with_time(run, def, note->values) : note->values;
        if (!row)
            return lb_out_of_memory(err);
        r = note->is_event ? run_put_event(run, note->name, row, err) : run_put_record(run, note->name, row, err);
    }
    return r;
}
