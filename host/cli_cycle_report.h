/* cli_cycle_report.h: what came of a cycle, from the documents of its runs: one JSON object, as text and as a page. */
#ifndef LBOPS_HOST_CLI_CYCLE_REPORT_H
#define LBOPS_HOST_CLI_CYCLE_REPORT_H

#include "cli.h"
#include "json.h"

typedef struct cycle_report cycle_report;

/* by_tool: what became of each tool of the agents is part of it; a job is about its own few. */
cycle_report *cycle_report_new(const manifest *m, bool by_tool);
cycle_report *cycle_report_free(cycle_report *r);
void cycle_report_add(cycle_report *r, struct json_object *document);
/* result: what the cycle said at its end. The report belongs to r. */
struct json_object *cycle_report_end(cycle_report *r, struct json_object *result);

/* Of one run's document. */
int64_t cycle_report_findings(struct json_object *document);
int64_t cycle_report_changes(struct json_object *document);

/* cli_cycle_tools.c: a list of the agents' tools, each with its outcome (ran, without_work, waiting, failed, skipped,
 * not_in_cycle) and why. The end gives the agents with their counts. */
struct json_object *cycle_tools_new(const manifest *m);
void cycle_tools_take(struct json_object *list, struct json_object *document);
struct json_object *cycle_tools_end(struct json_object *list, struct json_object *result);

/* cli_cycle_lines.c: what has come so far, phase by phase on each branch, to standard output. */
typedef struct cycle_lines cycle_lines;
cycle_lines *cycle_lines_new(const cli *c);
void cycle_lines_take(cycle_lines *lines, struct json_object *document);
cycle_lines *cycle_lines_end(cycle_lines *lines); /* prints what is left, and gives NULL */

/* cli_cycle_show.c */
void cycle_report_print(const cli *c, struct json_object *report, bool says_why);
LB_MUST_CHECK int cycle_report_page(struct json_object *report, const char *path, lb_error *err);

#endif
