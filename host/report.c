/* The document of a run, for people's programs. */
#include "supervisor.h"

#include "json.h"

static void put_target(buf *b, const lb_target *target)
{
    json_key(b, "target");
    if (!target->project) {
        buf_puts(b, "null");
        return;
    }
    buf_putc(b, '{');
    json_member_string(b, "project", target->project);
    json_member_string(b, "branch", target->branch);
    buf_putc(b, '}');
}

static void put_error(buf *b, const lb_error *error)
{
    json_key(b, "error");
    if (!error->code) {
        buf_puts(b, "null");
        return;
    }
    buf_putc(b, '{');
    json_member_string(b, "code", error_name(error->code));
    json_member_string(b, "message", error->message);
    json_member_string(b, "hint", error->hint[0] ? error->hint : NULL);
    if (error->sqlstate[0])
        json_member_string(b, "sqlstate", error->sqlstate);
    buf_putc(b, '}');
}

void report_document(buf *into, const run_outcome *outcome, const char *approvals_json)
{
    const run_request *q = outcome->request;
    const run_done *d = &outcome->done;
    buf_putc(into, '{');
    json_member_string(into, "run_id", q->id);
    if (q->parent_id)
        json_member_string(into, "parent_run_id", q->parent_id);
    json_member_string(into, "tool", q->tool);
    json_member_string(into, "agent", q->agent);
    put_target(into, &q->target);
    json_member_string(into, "mode", q->plan ? "plan" : "execute");
    json_member_string(into, "status", run_status_name(d->status));
    json_key(into, "started_at");
    json_time(into, d->started_at);
    json_key(into, "duration_ms");
    buf_printf(into, "%.3f", (double)d->duration_us / 1000);
    json_member_raw(into, "result", d->result);
    json_member_raw(into, "changes", outcome->changes);
    json_member_raw(into, "events", outcome->events);
    json_member_i64(into, "records", d->records);
    if (approvals_json)
        json_member_raw(into, "approvals", approvals_json);
    put_error(into, &d->error);
    buf_putc(into, '}');
}
