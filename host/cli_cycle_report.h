/* cli_cycle_report.h: what came of a cycle, from the documents of its runs: one JSON object, as text and as a page. */
#ifndef LBOPS_HOST_CLI_CYCLE_REPORT_H
#define LBOPS_HOST_CLI_CYCLE_REPORT_H

#include "cli.h"
#include "json.h"

typedef struct cycle_report cycle_report;

cycle_report *cycle_report_new(const manifest *m);
cycle_report *cycle_report_free(cycle_report *r);
void cycle_report_add(cycle_report *r, struct json_object *document);
/* result: what the cycle said at its end. The report belongs to r. */
struct json_object *cycle_report_end(cycle_report *r, struct json_object *result);

/* cli_cycle_show.c */
void cycle_report_print(const cli *c, struct json_object *report);
LB_MUST_CHECK int cycle_report_page(struct json_object *report, const char *path, lb_error *err);

#endif
