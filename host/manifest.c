#include "manifest_internal.h"
#include "self.h"

#include <ctype.h>
#include <limits.h>
#include <sys/stat.h>

/* ---- problems ---- */

void manifest_problems_done(manifest_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        base_free(&problems->items[i].place.file);
    free(problems->items);
    *problems = (manifest_problems){0};
}

bool manifest_has_errors(const manifest_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (!problems->items[i].warning)
            return true;
    return false;
}

/* A manifest's text may hold anything; what is shown on a terminal may not. */
static void make_printable(char *text)
{
    for (char *p = text; *p; p++)
        if (iscntrl((unsigned char)*p))
            *p = '?';
}

static bool comes_after(manifest_place a, manifest_place b)
{
    return a.line != b.line ? a.line > b.line : a.column > b.column;
}

static manifest_problem *insert_problem(manifest_problems *problems, manifest_place place)
{
    BASE_PUSH(problems->items, problems->count, problems->capacity);
    size_t at = problems->count++;
    for (; at > 0 && comes_after(problems->items[at - 1].place, place); at--)
        problems->items[at] = problems->items[at - 1];
    place.file = base_strdup(place.file ? place.file : "");
    problems->items[at] = (manifest_problem){.place = place};
    return &problems->items[at];
}

void manifest_problem_add(manifest_problems *problems, manifest_place place, bool warning, int code, const char *hint,
                          const char *fmt, ...)
{
    if (problems->count > MANIFEST_MOST_PROBLEMS)
        return;
    if (problems->count == MANIFEST_MOST_PROBLEMS) {
        manifest_problem *last = insert_problem(problems, (manifest_place){place.file, 0, 0});
        (void)lb_fail(&last->error, LB_ERR_LIMIT, "mend these first; is it the right file?",
                      "more than %d problems, the rest is not listed", MANIFEST_MOST_PROBLEMS); /* its code is in it */
        return;
    }
    manifest_problem *problem = insert_problem(problems, place);
    char message[sizeof problem->error.message];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args); /* a long message is cut, not lost */
    va_end(args);
    (void)lb_fail(&problem->error, code, hint, "%s", message); /* its code is in it */
    problem->warning = warning;
    make_printable(problem->error.message);
    make_printable(problem->error.hint);
}

void manifest_problem_text(const manifest_problem *problem, buf *b)
{
    buf_puts(b, problem->place.file);
    if (problem->place.line > 0)
        buf_printf(b, ":%d:%d", problem->place.line, problem->place.column);
    buf_printf(b, ": %s: %s", problem->warning ? "warning" : "error", problem->error.message);
    if (problem->error.hint[0])
        buf_printf(b, " (%s)", problem->error.hint);
    buf_putc(b, '\n');
}

/* ---- the object ---- */

void manifest_params_done(manifest_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        free(params->items[i].name);
        free(params->items[i].text);
        free(params->items[i].secret);
    }
    free(params->items);
    *params = (manifest_params){0};
}

static void free_tools(manifest_agent *agent)
{
    for (size_t i = 0; i < agent->tool_count; i++) {
        free(agent->tools[i].name);
        schema_free_fields(&schema_tool, &agent->tools[i]);
    }
    free(agent->tools);
}

static void free_list(manifest *m, const schema_list *list)
{
    char *items;
    size_t count;
    memcpy(&items, (char *)m + list->items_offset, sizeof items);
    memcpy(&count, (char *)m + list->count_offset, sizeof count);
    for (size_t i = 0; i < count; i++)
        schema_free_fields(list->table, items + i * list->table->size);
    free(items);
}

manifest *manifest_free(manifest *m)
{
    if (!m)
        return NULL;
    for (size_t i = 0; i < m->agent_count; i++) {
        free_tools(&m->agents[i]);
        free(m->agents[i].name);
        schema_free_fields(&schema_agent, &m->agents[i]);
    }
    for (size_t i = 0; i < m->service_count; i++) {
        manifest_params_done(&m->services[i].params);
        free(m->services[i].name);
        schema_free_fields(m->services[i].kind == LB_KIND_ALERT ? &schema_alert : &schema_service, &m->services[i]);
    }
    for (size_t i = 0; i < m->secret_count; i++) {
        free(m->secrets[i].name);
        schema_free_fields(&schema_secret, &m->secrets[i]);
    }
    for (size_t i = 0; i < m->site_count; i++) {
        free(m->sites[i].name);
        schema_free_fields(&schema_site, &m->sites[i]);
    }
    for (size_t i = 0; i < schema_list_count; i++)
        free_list(m, &schema_lists[i]);
    free(m->agents);
    free(m->services);
    free(m->secrets);
    free(m->sites);
    for (size_t i = 0; i < schema_section_count; i++)
        schema_free_fields(schema_sections[i].table, (char *)m + schema_sections[i].offset);
    free(m->path);
    free(m->directory);
    free(m);
    return NULL;
}

const manifest_service *manifest_find_service(const manifest *m, lb_kind kind)
{
    for (size_t i = 0; i < m->service_count; i++)
        if (m->services[i].kind == kind)
            return &m->services[i];
    return NULL;
}

const manifest_tool *manifest_find_tool(const manifest *m, const char *agent, const char *tool, const char **ret_agent)
{
    for (size_t i = 0; i < m->agent_count; i++) {
        const manifest_agent *a = &m->agents[i];
        if (agent && strcmp(agent, a->name) != 0)
            continue;
        for (size_t k = 0; k < a->tool_count; k++) {
            if (strcmp(a->tools[k].name, tool) != 0)
                continue;
            if (ret_agent)
                *ret_agent = a->name;
            return &a->tools[k];
        }
    }
    return NULL;
}

/* ---- paths ---- */

/* The manifest's directory is a real one, so that what climbs out of it may be shortened: messages are full of paths.
 */
char *manifest_absolute(const manifest *m, const char *path)
{
    if (*path == '/')
        return base_strdup(path);
    size_t kept = strlen(m->directory);
    while (kept && *m->directory == '/' && (strncmp(path, "../", 3) == 0 || strncmp(path, "./", 2) == 0)) {
        bool climbs = path[1] == '.';
        while (climbs && kept && m->directory[--kept] != '/')
            ;
        path += climbs ? 3 : 2;
    }
    return base_printf("%.*s/%s", (int)kept, m->directory, path);
}

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *manifest_default_plugin_dir(void)
{
    char program[PATH_MAX];
    (void)snprintf(program, sizeof program, "%s", self_path()); /* a path fits */
    for (int i = 0; i < 2; i++) {                               /* the file's name, then bin */
        char *slash = strrchr(program, '/');
        if (slash)
            *slash = '\0';
    }
    char *built = base_printf("%s/plugins", program), *installed = base_printf("%s/lib/lbops/plugins", program);
    bool take_installed = !is_directory(built) && is_directory(installed);
    free(take_installed ? built : installed);
    return take_installed ? installed : built;
}

/* ---- what was loosened ---- */

static void loosened_rule(const manifest_rule *rule, buf *b)
{
    static const char *const decisions[] = {
        [MANIFEST_EXECUTE] = "executes", [MANIFEST_ASK] = "asks", [MANIFEST_REFUSE] = "is refused"};
    static const char *const effects[] = {"any change", "an additive change", "a disruptive change",
                                          "a destructive change"};
    static const char *const classes[] = {"any", "a throwaway", "a shared", "a production"};
    buf_printf(b, "%s:%d: %s", rule->place.file, rule->place.line, effects[rule->effect]);
    if (rule->tool)
        buf_printf(b, " of %s", rule->tool);
    buf_printf(b, " on %s branch", classes[rule->branch_class]);
    if (rule->project || rule->branch)
        buf_printf(b, " (%s/%s)", rule->project ? rule->project : "*", rule->branch ? rule->branch : "*");
    buf_printf(b, " %s: %s\n", decisions[rule->decision], rule->reason);
}

static void loosened_routine(const manifest_routine *routine, buf *b)
{
    buf_printf(b, "%s:%d: %s of %s/%s is routine on a shared branch: %s\n", routine->place.file, routine->place.line,
               routine->what == MANIFEST_EXPIRY ? "the expiry" : "a reset", routine->project ? routine->project : "*",
               routine->branch, routine->reason);
}

void manifest_loosened(const manifest *m, buf *b)
{
    for (size_t i = 0; i < m->rule_count; i++)
        if (m->rules[i].loosen)
            loosened_rule(&m->rules[i], b);
    for (size_t i = 0; i < m->routine_count; i++)
        loosened_routine(&m->routines[i], b);
    for (size_t i = 0; i < m->site_count; i++)
        if (m->sites[i].allow_plain)
            buf_printf(b, "%s:%d: the web service %s is called without TLS\n", m->sites[i].place.file,
                       m->sites[i].place.line, m->sites[i].name);
    for (size_t i = 0; i < m->agent_count; i++) {
        const manifest_agent *agent = &m->agents[i];
        for (size_t k = 0; k < agent->tool_count; k++)
            if (agent->tools[k].needs_approval == 0)
                buf_printf(b, "%s:%d: tool %s of agent %s needs no approval of its own\n", agent->tools[k].place.file,
                           agent->tools[k].place.line, agent->tools[k].name, agent->name);
    }
}
