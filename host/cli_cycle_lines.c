/* What people see while a cycle goes on: a line for each phase that a branch has behind it, and one for each failure.
 */
#include "cli_cycle_report.h"

#include "phase.h"

typedef struct phase_line {
    char *place;
    size_t phase;
    int64_t runs, findings, changes, waiting, skipped, failed;
    double ms;
} phase_line;

struct cycle_lines {
    const cli *c;
    phase_line *items; /* one for each branch: the phase that it is in */
    size_t count, capacity;
};

cycle_lines *cycle_lines_new(const cli *c)
{
    cycle_lines *lines = base_alloc(sizeof *lines);
    lines->c = c;
    return lines;
}

static void print_count(int64_t count, const char *one, const char *several)
{
    if (count)
        (void)printf("  %lld %s", (long long)count, count == 1 ? one : several);
}

static void print_line(const cycle_lines *lines, const phase_line *line)
{
    const char *colour = line->failed ? "31" : line->waiting ? "33" : "32";
    if (!line->runs)
        return;
    (void)printf("%s%-17s%s  %-30s %3lld %s %8.1f s", cli_style(lines->c, colour), phase_name(line->phase),
                 cli_style(lines->c, "0"), line->place, (long long)line->runs, line->runs == 1 ? "tool " : "tools",
                 line->ms / 1000);
    print_count(line->findings, "finding", "findings");
    print_count(line->changes, "change", "changes");
    print_count(line->waiting, "waits for a person", "wait for a person");
    print_count(line->skipped, "skipped", "skipped");
    print_count(line->failed, "failed", "failed");
    (void)putchar('\n');
    (void)fflush(stdout); /* as it comes: a cycle takes its time */
}

static phase_line *line_of(cycle_lines *lines, const char *place, size_t phase)
{
    phase_line *line = NULL;
    for (size_t i = 0; i < lines->count && !line; i++)
        line = strcmp(lines->items[i].place, place) == 0 ? &lines->items[i] : NULL;
    if (!line) {
        BASE_PUSH(lines->items, lines->count, lines->capacity);
        line = &lines->items[lines->count++];
        *line = (phase_line){.place = base_strdup(place), .phase = phase};
    }
    if (line->phase != phase) {
        print_line(lines, line);
        *line = (phase_line){.place = line->place, .phase = phase};
    }
    return line;
}

static void print_failure(const cycle_lines *lines, const char *tool, const char *place, struct json_object *document)
{
    struct json_object *error = json_get_object(document, "error");
    const char *message = json_get_text(error, "message");
    (void)printf("%s%-17s%s  %-30s %s%s%s\n", cli_style(lines->c, "31"), json_get_text(document, "status"),
                 cli_style(lines->c, "0"), place, tool, message ? ": " : "", message ? message : "");
    (void)fflush(stdout); /* nobody should have to wait for bad news */
}

void cycle_lines_take(cycle_lines *lines, struct json_object *document)
{
    struct json_object *target = json_get_object(document, "target"), *took = NULL;
    const char *tool = json_get_text(document, "tool"), *status = json_get_text(document, "status");
    LB_AUTO_FREE char *place =
        target ? base_printf("%s/%s", json_get_text(target, "project"), json_get_text(target, "branch"))
               : base_strdup("workspace");
    if (!tool || !status)
        return;
    phase_line *line = line_of(lines, place, phase_of(lines->c->manifest, json_get_text(document, "agent"), tool));
    bool waits = strcmp(status, "pending_approval") == 0, is_skipped = strcmp(status, "skipped") == 0;
    bool is_failed = !waits && !is_skipped && strcmp(status, "ok") != 0;
    line->runs++;
    line->waiting += waits;
    line->skipped += is_skipped;
    line->failed += is_failed;
    line->findings += cycle_report_findings(document);
    line->changes += cycle_report_changes(document);
    if (json_object_object_get_ex(document, "duration_ms", &took))
        line->ms += json_object_get_double(took);
    if (is_failed)
        print_failure(lines, tool, place, document);
}

cycle_lines *cycle_lines_end(cycle_lines *lines)
{
    for (size_t i = 0; lines && i < lines->count; i++) {
        print_line(lines, &lines->items[i]);
        free(lines->items[i].place);
    }
    if (lines)
        free(lines->items);
    free(lines);
    return NULL;
}
