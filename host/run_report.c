/* What a run reports: records, events, and the result document with its findings and coverage. */
#include "run_state.h"

#include "event_kinds.h"
#include "json.h"

#include <math.h>

/* Of records in memory. A sync when they are full costs less than as much fresh memory. */
#define BATCH_BYTES ((size_t)2 * 1024 * 1024)

static const char *const host_members[] = {"examined", "skipped", "findings"};

int run_check_record(const run_state *run, const char *table, lb_error *err)
{
    return run_declares(run->tool->writes, table)
               ? 0
               : lb_fail(err, LB_ERR_INVALID, "name it in the plugin's .writes",
                         "%s does not declare that it writes %s", run->request->tool, table);
}

int run_record(lb_ctx *ctx, const char *table, const lb_value *values, lb_error *err)
{
    int r = run_check_record(run_of(ctx), table, err);
    return r < 0 ? r : run_put_record(run_of(ctx), table, values, err);
}

int run_put_record(run_state *run, const char *table, const lb_value *values, lb_error *err)
{
    if (run->records >= run->worker->setup->run_records)
        return lb_fail(err, LB_ERR_LIMIT, "record less, or raise [limits] run_records",
                       "more than %u records in one run", run->worker->setup->run_records);
    if (!run->batch)
        run->batch = outbox_batch_new(run->worker->setup->outbox_dir, run->request->id, BATCH_BYTES);
    int r = outbox_add(run->batch, table, values, &run->request->target, err);
    if (r >= 0)
        run->records++;
    return r;
}

static int check_event_name(const char *event, lb_error *err)
{
    size_t length = strlen(event);
    if (length == 0 || length > 63 || strspn(event, "abcdefghijklmnopqrstuvwxyz0123456789_.") != length)
        return lb_fail(err, LB_ERR_INVALID, "use lower case, digits, '_' and '.'", "\"%.63s\" cannot name an event",
                       event);
    return 0;
}

static int put_event(const run_state *run, const char *id, const char *event, const lb_value *payload, buf *out,
                     lb_error *err)
{
    char at[CLOCK_TEXT];
    const run_request *q = run->request;
    clock_format(clock_now(), at);
    buf_putc(out, '{');
    json_member_string(out, "id", id);
    json_member_string(out, "type", event);
    json_member_string(out, "at", at);
    json_member_string(out, "run_id", q->id);
    json_member_string(out, "tool", q->tool);
    json_member_string(out, "project", q->target.project);
    json_member_string(out, "branch", q->target.branch);
    json_key(out, "payload");
    int r = json_named(out, payload ? payload : LB_NO_ARGS, err);
    buf_putc(out, '}');
    return r < 0 ? lb_wrap(err, event) : 0;
}

int run_check_event(const run_state *run, const char *event, const lb_value *payload, lb_error *err)
{
    int r = check_event_name(event, err);
    if (r < 0)
        return r;
    if (!run_declares(run->tool->emits, event))
        return lb_fail(err, LB_ERR_INVALID, "name it in the plugin's .emits", "%s does not declare the event %s",
                       run->request->tool, event);
    return event_kind_check(event, payload, err);
}

int run_emit(lb_ctx *ctx, const char *event, const lb_value *payload, lb_error *err)
{
    int r = run_check_event(run_of(ctx), event, payload, err);
    return r < 0 ? r : run_put_event(run_of(ctx), event, payload, err);
}

int run_put_event(run_state *run, const char *event, const lb_value *payload, lb_error *err)
{
    if (run->events >= run->worker->setup->run_events)
        return lb_fail(err, LB_ERR_LIMIT, "emit less, or raise [limits] run_events", "more than %u events in one run",
                       run->worker->setup->run_events);
    char id[ID_TEXT];
    id_new(id);
    BUF_AUTO text = BUF_INIT((size_t)1024 * 1024);
    int r = put_event(run, id, event, payload, &text, err);
    if (r < 0)
        return r;
    if (text.overflow)
        return run_frame_fail(err, event);
    size_t room = (size_t)run->worker->setup->result_mb * 1024 * 1024 - 2; /* brackets */
    if (text.length + 1 > room - run->worker->event_bytes)
        return lb_fail(err, LB_ERR_LIMIT, "emit less, or raise [limits] result_mb",
                       "the events of one run are larger than %u MB", run->worker->setup->result_mb);
    run->worker->event_bytes += text.length + 1;
    run->events++;
    if (run->request->plan)
        return 0; /* nothing happened that others could hear of */
    BUF_AUTO frame = BUF_INIT((size_t)2 * 1024 * 1024);
    size_t mark = wire_begin(&frame, WIRE_EVENT);
    wire_put_str(&frame, run->root->id);
    wire_put_str(&frame, buf_text(&text));
    wire_end(&frame, mark);
    run->worker->channel.send(run->worker->channel.state, &frame);
    return 0;
}

static int claim_name(run_state *run, const char *name, lb_error *err)
{
    for (size_t i = 0; i < LB_COUNT(host_members); i++)
        if (strcmp(host_members[i], name) == 0)
            return lb_fail(err, LB_ERR_INVALID, "use lb_report, lb_examined and lb_skipped",
                           "the result's \"%s\" is the host's to write", name);
    if (!json_is_utf8(name, strlen(name)))
        return lb_fail(err, LB_ERR_INVALID, NULL, "the name of a member of the result is not UTF-8");
    for (size_t i = 0; i < run->name_count; i++)
        if (strcmp(run->names[i], name) == 0)
            return lb_fail(err, LB_ERR_INVALID, "give each member once", "the result has \"%s\" already", name);
    if (run->name_count == RUN_NAMES)
        return lb_fail(err, LB_ERR_LIMIT, "use lb_append for many things of one kind",
                       "the result has more than %d members", RUN_NAMES);
    const char *copy = arena_strdup(run->memory, name);
    if (!copy)
        return lb_out_of_memory(err);
    run->names[run->name_count++] = copy;
    return 0;
}

/* Undoes a half-written append, so that a failed call leaves the result as it was. */
static int written_or_undone(buf *b, size_t before, int r, const char *what, lb_error *err)
{
    if (r >= 0 && !b->overflow)
        return 0;
    if (r >= 0)
        r = lb_fail(err, LB_ERR_LIMIT, "report less, or raise [limits] result_mb", "the result is larger than %zu MB",
                    b->limit >> 20);
    b->overflow = false;
    b->length = before;
    if (b->data)
        b->data[before] = '\0';
    return r == LB_ERR_LIMIT ? r : lb_wrap(err, what);
}

/* ---- what came of it ---- */

/* A line of its own, or how it ended and why. */
static const char *const telling[RUN_SAID] = {"text", "verdict", "status", "reason"};

static void note_said(run_state *run, const lb_value *v)
{
    for (size_t i = 0; v->name && v->type == LB_TEXT && i < RUN_SAID; i++)
        if (strcmp(v->name, telling[i]) == 0)
            run->said[i] = arena_strdup(run->memory, v->v.text); /* no memory: the result has it all the same */
}

const char *run_said(const run_state *run)
{
    const char *line = run->said[0] ? run->said[0] : run->said[1], *status = run->said[2];
    const char *reason = !line && run->said[3] ? run->said[3] : "";
    char *said = run->worker->said; /* it outlives the run's memory */
    if (!line && !status)
        return NULL;
    (void)snprintf(said, sizeof run->worker->said, "%s%s%s", line ? line : status, *reason ? ": " : "", reason);
    size_t length = strcspn(said, "\n"), most = sizeof run->worker->said - 1;
    bool may_be_cut = length == most; /* in the middle of a character */
    while (may_be_cut && length && ((unsigned char)said[length - 1] & 0xC0) == 0x80)
        length--;
    if (may_be_cut && length && (unsigned char)said[length - 1] >= 0xC0)
        length--;
    said[length] = '\0';
    return said;
}

int run_result(lb_ctx *ctx, const lb_value *values, lb_error *err)
{
    run_state *run = run_of(ctx);
    size_t names = run->name_count, before = run->members.length;
    int r = 0;
    for (const lb_value *v = values; v->type != LB_END && r >= 0; v++)
        r = v->name ? claim_name(run, v->name, err) : lb_fail(err, LB_ERR_INVALID, NULL, "a member has no name");
    if (r >= 0) {
        if (run->members.length)
            buf_putc(&run->members, ',');
        buf part = BUF_INIT(run->members.limit);
        r = json_members(&part, values, err);
        if (r >= 0 && part.overflow)
            run->members.overflow = true;
        buf_put(&run->members, buf_text(&part), part.length);
        buf_done(&part);
    }
    r = written_or_undone(&run->members, before, r, "result", err);
    if (r < 0)
        run->name_count = names;
    for (const lb_value *v = values; v->type != LB_END && r >= 0; v++)
        note_said(run, v);
    return r;
}

static run_list *find_list(run_state *run, const char *name)
{
    run_list *list = run->lists;
    while (list && strcmp(list->name, name) != 0)
        list = list->next;
    return list;
}

/* The list of that name, made on its first use; NULL after a failure. */
static run_list *open_list(run_state *run, const char *name, bool is_host, lb_error *err)
{
    run_list *list = find_list(run, name);
    if (list || (!is_host && claim_name(run, name, err) < 0))
        return list;
    list = arena_alloc(run->memory, sizeof *list);
    if (!list) {
        (void)lb_out_of_memory(err); /* the NULL says it */
        return NULL;
    }
    *list = (run_list){.name = is_host ? name : run->names[run->name_count - 1],
                       .items = BUF_INIT(run->members.limit),
                       .next = run->lists};
    run->lists = list;
    return list;
}

static int append_to(run_state *run, const char *name, bool is_host, const lb_value *values, lb_error *err)
{
    run_list *list = open_list(run, name, is_host, err);
    if (!list)
        return err->code;
    size_t before = list->items.length;
    if (before)
        buf_putc(&list->items, ',');
    int r = json_named(&list->items, values, err);
    return written_or_undone(&list->items, before, r, name, err);
}

int run_append(lb_ctx *ctx, const char *list, const lb_value *values, lb_error *err)
{
    for (size_t i = 0; i < LB_COUNT(host_members); i++)
        if (strcmp(host_members[i], list) == 0)
            return claim_name(run_of(ctx), list, err); /* says why not */
    return append_to(run_of(ctx), list, false, values, err);
}

/* The confidence: the sum of the terms' points, held between 0 and 1, and a label at 0.8 and 0.5. */
static int confidence_of(run_state *run, const lb_term *terms, lb_value *ret_confidence, lb_error *err)
{
    size_t count = 0;
    double sum = 0;
    while (terms[count].name)
        count++;
    lb_value *items = arena_alloc(run->memory, (count + 1) * sizeof *items);
    lb_value *pair = arena_alloc(run->memory, (count * 3 + 4) * sizeof *pair);
    if (!items || !pair)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++, pair += 3) {
        if (!isfinite(terms[i].points))
            return lb_fail(err, LB_ERR_INVALID, NULL, "the confidence term %s is not a number", terms[i].name);
        sum += terms[i].points;
        pair[0] = lb_text("name", terms[i].name);
        pair[1] = lb_f64("points", terms[i].points);
        items[i] = lb_object(NULL, pair);
    }
    double value = sum < 0 ? 0 : sum > 1 ? 1 : round(sum * 1000) / 1000;
    pair[0] = lb_f64("value", value);
    pair[1] = lb_text("label", value >= 0.8 ? "high" : value >= 0.5 ? "medium" : "low");
    pair[2] = lb_list("terms", LB_OBJECT, items, count);
    *ret_confidence = lb_object("confidence", pair);
    return 0;
}

#define BETWEEN ";\n"

/* The steps as psql reads them: thousands, for a tree of partitions, which are put together once. */
static const char *join_steps(run_state *run, const lb_sql *const *steps, uint32_t count)
{
    size_t length = 0, at = 0;
    for (uint32_t i = 0; i < count; i++)
        length += strlen(run_sql_text(steps[i])) + strlen(BETWEEN);
    char *text = arena_alloc(run->memory, length + 1);
    for (uint32_t i = 0; text && i < count; i++)
        at += (size_t)snprintf(text + at, length + 1 - at, "%s%s", i ? BETWEEN : "", run_sql_text(steps[i]));
    return text;
}

static int fix_of(run_state *run, const lb_finding *finding, const char **ret_text, lb_error *err)
{
    uint32_t count = LB_HAS(finding, lb_finding, step_count) ? finding->step_count : 0;
    *ret_text = finding->fix ? run_sql_text(finding->fix) : NULL;
    if (finding->fix || !count)
        return 0;
    *ret_text = join_steps(run, finding->steps, count);
    return *ret_text ? 0 : lb_out_of_memory(err);
}

int run_finding(lb_ctx *ctx, const lb_finding *finding, lb_error *err)
{
    run_state *run = run_of(ctx);
    const char *fix = NULL;
    lb_value confidence;
    if (!finding->object || !finding->kind || !finding->reason)
        return lb_fail(err, LB_ERR_INVALID, "fill .object, .kind and .reason",
                       "a finding does not say what it is about");
    if (!finding->evidence || finding->evidence->type == LB_END)
        return lb_fail(err, LB_ERR_INVALID, "give the figures to check it by", "the finding on %s carries no evidence",
                       finding->object);
    if (!finding->terms || !finding->terms->name)
        return lb_fail(err, LB_ERR_INVALID, "give .terms: the confidence is their sum",
                       "the finding on %s does not say how sure it is", finding->object);
    int r = confidence_of(run, finding->terms, &confidence, err);
    if (r >= 0)
        r = fix_of(run, finding, &fix, err);
    if (r < 0)
        return r;
    lb_value impact = finding->impact ? lb_object("impact", finding->impact) : lb_null("impact");
    r = append_to(run, "findings", true,
                  LB_ARGS(lb_text("object", finding->object), lb_text("kind", finding->kind),
                          lb_text("reason", finding->reason), lb_object("evidence", finding->evidence), confidence,
                          impact, lb_text("fix", fix)),
                  err);
    if (r >= 0)
        run->findings++;
    return r;
}

int run_examined(lb_ctx *ctx, const char *what, int64_t count, lb_error *err)
{
    run_state *run = run_of(ctx);
    if (count < 0)
        return lb_fail(err, LB_ERR_INVALID, NULL, "cannot have examined %lld %s", (long long)count, what);
    run_coverage *coverage = run->coverage;
    while (coverage && strcmp(coverage->what, what) != 0)
        coverage = coverage->next;
    if (!coverage) {
        coverage = arena_alloc(run->memory, sizeof *coverage);
        const char *copy = arena_strdup(run->memory, what);
        if (!coverage || !copy)
            return lb_out_of_memory(err);
        *coverage = (run_coverage){.what = copy, .next = run->coverage};
        run->coverage = coverage;
    }
    coverage->count += count;
    run->has_coverage = true;
    return 0;
}

int run_skipped(lb_ctx *ctx, const char *object, const char *reason, lb_error *err)
{
    run_state *run = run_of(ctx);
    if (!object || !reason || !*reason)
        return lb_fail(err, LB_ERR_INVALID, "say what and why", "something was skipped without a reason");
    int r = append_to(run, "skipped", true, LB_ARGS(lb_text("object", object), lb_text("reason", reason)), err);
    if (r >= 0)
        run->has_coverage = true;
    return r;
}

static void put_list(run_state *run, buf *into, const char *name)
{
    run_list *list = find_list(run, name);
    json_key(into, name);
    buf_putc(into, '[');
    if (list)
        buf_put(into, buf_text(&list->items), list->items.length);
    buf_putc(into, ']');
}

int run_document(run_state *run, buf *into, lb_error *err)
{
    buf_putc(into, '{');
    json_key(into, "examined");
    buf_putc(into, '{');
    for (run_coverage *c = run->coverage; c; c = c->next)
        json_member_i64(into, c->what, c->count);
    buf_putc(into, '}');
    put_list(run, into, "skipped");
    if (run->findings || (run->tool && run->tool->detector))
        put_list(run, into, "findings");
    if (run->members.length) {
        json_comma(into);
        buf_put(into, buf_text(&run->members), run->members.length);
    }
    for (size_t i = 0; i < run->name_count; i++)
        if (find_list(run, run->names[i]))
            put_list(run, into, run->names[i]);
    buf_putc(into, '}');
    if (into->overflow)
        return lb_fail(err, LB_ERR_LIMIT, "report less, or raise [limits] result_mb",
                       "the result is larger than %zu MB", into->limit >> 20);
    return 0;
}

void run_report_done(run_state *run)
{
    buf_done(&run->members);
    for (run_list *list = run->lists; list; list = list->next)
        buf_done(&list->items);
}
