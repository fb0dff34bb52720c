/* What only a daemon goes by, once all of the manifest is read: schedules, windows, approvals, what is routine. */
#include "manifest_internal.h"

#define MINUTES(seconds) ((seconds) / 60)

/* ---- windows ---- */

static void verify_window(manifest_reader *reader, size_t index)
{
    const manifest_window *window = &reader->m->windows[index];
    cron opens;
    lb_error unused;
    if (!window->name || !window->opens || !window->kind)
        return; /* said already */
    if (window->lasts_min && cron_parse(window->opens, &opens, &unused) == 0 &&
        window->lasts_min >= MINUTES(cron_period_s(&opens)))
        reader_report(reader, window->place, false, LB_ERR_INVALID,
                      window->kind == MANIFEST_PAUSE ? "it would hold everything for ever; disable the tools instead"
                                                     : "leave the window out instead",
                      "[[windows]] %s opens again before its %d minutes are over", window->name, window->lasts_min);
    for (size_t i = 0; i < index; i++) {
        const manifest_window *earlier = &reader->m->windows[i];
        if (!reader_is_same(earlier->name, window->name) || !earlier->kind)
            continue;
        if (earlier->kind != window->kind)
            reader_report(reader, window->place, false, LB_ERR_CONFLICT, "give one of them another name",
                          "[[windows]] %s is an allow and a pause, see line %d", window->name, earlier->place.line);
        else if (reader_is_same(earlier->opens, window->opens) && reader_is_same(earlier->project, window->project) &&
                 reader_is_same(earlier->branch, window->branch) && reader_is_same(earlier->timezone, window->timezone))
            reader_report(reader, window->place, false, LB_ERR_CONFLICT, "keep one of them",
                          "[[windows]] %s opens twice at the same times for the same targets, see line %d",
                          window->name, earlier->place.line);
        else
            continue;
        return;
    }
}

/* A schedule or tool that names a window. */
static void verify_window_name(manifest_reader *reader, manifest_place place, const char *what, const char *name)
{
    char hint[128];
    name_list names = {0};
    const manifest_window *found = NULL;
    if (!name)
        return;
    for (size_t i = 0; i < reader->m->window_count; i++) {
        const manifest_window *window = &reader->m->windows[i];
        if (reader_is_same(window->name, name))
            found = window;
        if (window->name && window->kind == MANIFEST_ALLOW)
            name_list_add(&names, window->name);
    }
    if (!found)
        reader_report(reader, place, false, LB_ERR_NOT_FOUND,
                      name_list_hint(&names, name, "write it as [[windows]]", hint, sizeof hint),
                      "%s: there is no window %s", what, name);
    else if (found->kind == MANIFEST_PAUSE)
        reader_report(reader, place, false, LB_ERR_INVALID,
                      "a pause holds for all of its targets by itself; name a window of the kind allow",
                      "%s: the window %s is a pause", what, name);
    name_list_done(&names);
}

/* ---- schedules ---- */

static bool is_same_params(const manifest_params *a, const manifest_params *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        size_t k = 0;
        while (k < b->count && strcmp(a->items[i].name, b->items[k].name) != 0)
            k++;
        if (k == b->count || !reader_is_same(a->items[i].text, b->items[k].text))
            return false;
    }
    return true;
}

/* Two that share a key and whose targets are written the same: the second would never run. */
static bool is_hidden_by(const manifest_schedule *later, const manifest_schedule *earlier)
{
    return reader_is_same(later->agent, earlier->agent) && reader_is_same(later->tool, earlier->tool) &&
           reader_is_same(later->name, earlier->name) && reader_is_same(later->project, earlier->project) &&
           reader_is_same(later->branch, earlier->branch) &&
           (later->name || is_same_params(&later->params, &earlier->params));
}

static void verify_schedule(manifest_reader *reader, size_t index)
{
    const manifest_schedule *schedule = &reader->m->schedules[index];
    if (!schedule->tool)
        return; /* said already */
    const manifest_tool *tool =
        reader_find_tool(reader, "[[schedules]]", schedule->place, schedule->agent, schedule->tool);
    if (tool && tool->disabled)
        reader_report(reader, schedule->place, true, LB_ERR_CONFLICT, NULL,
                      "[[schedules]] %s is disabled and will not run", schedule->tool);
    reader_refuse_secrets(reader, &schedule->params, schedule->tool);
    verify_window_name(reader, schedule->place, "[[schedules]]", schedule->window);
    for (size_t i = 0; i < index; i++) {
        const manifest_schedule *earlier = &reader->m->schedules[i];
        if (!is_hidden_by(schedule, earlier))
            continue;
        reader_report(reader, schedule->place, false, LB_ERR_CONFLICT,
                      "give them names of their own, other params or other targets",
                      "[[schedules]] %s is there twice, see line %d: this one would never run", schedule->tool,
                      earlier->place.line);
        return;
    }
}

/* ---- approvals and what is routine ---- */

static void verify_approvals(manifest_reader *reader)
{
    const manifest_approvals *approvals = &reader->m->approvals;
    bool alone = approvals->approvers && approvals->approvers[0] && !approvals->approvers[1];
    for (char **name = approvals->approvers; name && *name; name++)
        if (reader_is_blank(*name))
            reader_report(reader, (manifest_place){.file = reader->m->path}, false, LB_ERR_INVALID, NULL,
                          "[approvals] approvers: a name is blank");
    if (alone && approvals->second_person != MANIFEST_SECOND_NEVER)
        reader_report(reader, (manifest_place){.file = reader->m->path}, false, LB_ERR_INVALID,
                      "name more approvers, or set second_person = \"never\"",
                      "[approvals] it takes two people, and %s is the only approver", approvals->approvers[0]);
}

static void verify_routine(manifest_reader *reader, size_t index)
{
    const manifest_routine *routine = &reader->m->routines[index];
    if (routine->reason && reader_is_blank(routine->reason))
        reader_report(reader, routine->place, false, LB_ERR_INVALID, "say why; lbops check prints it",
                      "[[routine]] its reason is blank");
    for (size_t i = 0; routine->what && routine->branch && i < index; i++) {
        const manifest_routine *earlier = &reader->m->routines[i];
        if (earlier->what != routine->what || !reader_is_same(earlier->project, routine->project) ||
            !reader_is_same(earlier->branch, routine->branch))
            continue;
        reader_report(reader, routine->place, false, LB_ERR_CONFLICT, "keep one of them",
                      "[[routine]] is there twice for the same branches, see line %d", earlier->place.line);
        return;
    }
}

void manifest_verify_daemon(manifest_reader *reader)
{
    const manifest *m = reader->m;
    char what[192];
    for (size_t i = 0; i < m->window_count; i++)
        verify_window(reader, i);
    for (size_t i = 0; i < m->agent_count; i++)
        for (size_t k = 0; k < m->agents[i].tool_count; k++) {
            const manifest_tool *tool = &m->agents[i].tools[k];
            (void)snprintf(what, sizeof what, "[agents.%.63s.tool.%.63s]", m->agents[i].name, tool->name); /* fits */
            verify_window_name(reader, tool->place, what, tool->window);
        }
    for (size_t i = 0; i < m->schedule_count; i++)
        verify_schedule(reader, i);
    for (size_t i = 0; i < m->routine_count; i++)
        verify_routine(reader, i);
    verify_approvals(reader);
}
