/* What the state knows: runs, suspensions, requests for approval; and what people say to these. */
#include "desk_internal.h"

#include "service_state.h"

#define MOST_ITEMS 10000
#define RUNS_SHOWN 50 /* of those that have ended, where nobody says how many */

bool desk_has_book(desk_call *call)
{
    lb_error error;
    if (supervisor_book(call->desk->supervisor))
        return true;
    (void)lb_fail(&error, LB_ERR_UNSUPPORTED, "install the plugin state_sqlite, or name one under [services.state]",
                  "there is no state service, so nothing is remembered");
    desk_error(call, &error);
    return false;
}

void desk_say_doc(desk_call *call, const lb_state_doc *doc)
{
    BUF_AUTO item = BUF_INIT((size_t)32 * 1024 * 1024);
    size_t length = strlen(doc->body);
    buf_putc(&item, '{');
    json_member_string(&item, "id", doc->key);
    json_member_string(&item, "status", doc->status);
    json_key(&item, "at");
    json_time(&item, doc->at);
    if (length > 2) {
        buf_putc(&item, ',');
        buf_put(&item, doc->body + 1, length - 1); /* its own members, and its bracket */
    } else {
        buf_putc(&item, '}');
    }
    desk_say(call, "item", buf_text(&item));
    call->said++;
}

/* Whoever asks for one by its id is not told of nothing: it is there, or that is an error. */
static void end_named(desk_call *call, const char *what, const char *hint)
{
    static const char *const narrowing[] = {"status", "tool", "since"};
    const char *id = json_get_text(call->request, "id");
    bool is_narrow = false;
    lb_error error;
    for (size_t i = 0; i < LB_COUNT(narrowing); i++)
        is_narrow = is_narrow || json_object_object_get_ex(call->request, narrowing[i], NULL);
    if (!id || call->said) {
        desk_end(call, 0);
        return;
    }
    (void)lb_fail(&error, LB_ERR_NOT_FOUND, hint, "there is no %s %.80s%s", what, id, is_narrow ? " that fits" : "");
    desk_error(call, &error);
}

/* False: that has ended the call. */
static bool say_docs(desk_call *call, wire_reader *docs, const lb_error *error)
{
    lb_state_doc doc;
    if (error)
        desk_error(call, error);
    while (!error && state_get_doc(docs, &doc))
        desk_say_doc(call, &doc);
    return !error;
}

static void on_docs(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    desk_call *call = tag;
    (void)owner;
    if (say_docs(call, docs, error))
        desk_end(call, 0);
}

static void on_approvals(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    desk_call *call = tag;
    (void)owner;
    if (say_docs(call, docs, error))
        end_named(call, "approval", "lbops approvals --all lists them");
}

static void list(desk_call *call, const lb_state_query *query, state_listed listed)
{
    book *b = supervisor_book(call->desk->supervisor);
    state_list(book_state(b), query, listed, call->desk, call);
}

static uint32_t limit_of(const desk_call *call, int64_t fallback)
{
    int64_t limit = json_get_i64(call->request, "limit", fallback);
    return limit > 0 && limit <= MOST_ITEMS ? (uint32_t)limit : MOST_ITEMS;
}

/* True: as many runs as were asked for have been said. The state does not know the tool of a run, so it gives all. */
static bool say_runs(desk_call *call, wire_reader *docs)
{
    const char *tool = json_get_text(call->request, "tool");
    lb_state_doc doc;
    lb_error ignored;
    while (state_get_doc(docs, &doc)) {
        JSON_AUTO *body = tool ? json_parse(doc.body, strlen(doc.body), &ignored) : NULL;
        const char *its = body ? json_get_text(body, "tool") : NULL;
        if (tool && (!its || strcmp(its, tool) != 0))
            continue;
        desk_say_doc(call, &doc);
        if (tool && call->said >= limit_of(call, RUNS_SHOWN))
            return true;
    }
    return false;
}

static void on_ended(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    desk_call *call = tag;
    (void)owner;
    if (error) {
        desk_error(call, error);
        return;
    }
    (void)say_runs(call, docs); /* the limit ends it as the end of the list does */
    end_named(call, "run", "lbops runs lists the newest; those of over a week ago are in the history: tool_runs");
}

/* Those under way first, then those that have ended. */
static void on_running(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    desk_call *call = tag;
    bool is_narrow = json_get_text(call->request, "tool");
    const lb_state_query ended = {.size = sizeof ended,
                                  .space = BOOK_RUNS,
                                  .key_prefix = json_get_text(call->request, "id"),
                                  .status = json_get_text(call->request, "status"),
                                  .at_from = json_get_i64(call->request, "since", 0),
                                  .newest_first = true,
                                  .limit = is_narrow ? MOST_ITEMS : limit_of(call, RUNS_SHOWN)};
    (void)owner;
    if (error)
        desk_error(call, error);
    else if (say_runs(call, docs))
        desk_end(call, 0);
    else
        state_list(book_state(supervisor_book(call->desk->supervisor)), &ended, on_ended, call->desk, call);
}

void desk_runs(desk_call *call)
{
    const char *status = json_get_text(call->request, "status");
    const lb_state_query running = {.size = sizeof running,
                                    .space = BOOK_RUNNING,
                                    .key_prefix = json_get_text(call->request, "id"),
                                    .status = status,
                                    .at_from = json_get_i64(call->request, "since", 0),
                                    .newest_first = true};
    if (desk_has_book(call))
        state_list(book_state(supervisor_book(call->desk->supervisor)), &running, on_running, call->desk, call);
}

void desk_suspended(desk_call *call)
{
    const lb_state_query q = {.size = sizeof q, .space = SUSPEND_SPACE, .status = "suspended"};
    if (supervisor_book(call->desk->supervisor))
        list(call, &q, on_docs);
    else
        desk_end(call, 0);
}

static void on_suspended(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    desk_call *call = tag;
    supervisor *s = owner;
    (void)failed, (void)version;
    if (error) {
        desk_error(call, error);
        return;
    }
    const char *tool = json_get_text(call->request, "tool"), *by = json_get_text(call->request, "name");
    const char *because = json_get_text(call->request, "reason");
    suspend_by_person(supervisor_suspended(s), tool, by, because); /* a list on its way did not have it yet */
    supervisor_event(s, "tool.suspended", NULL, NULL,
                     LB_ARGS(lb_text("tool", tool), lb_text("by", by), lb_text("reason", because)));
    desk_end(call, 0);
}

/* After the list of suspensions is in, for a supervisor that has just started. */
static void suspend(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    desk_call *call = tag;
    supervisor *s = owner;
    const char *tool = json_get_text(call->request, "tool");
    if (error) {
        desk_error(call, error);
        return;
    }
    state_client *state = book_state(supervisor_book(s));
    suspend_take(supervisor_suspended(s), docs);
    suspend_by_person(supervisor_suspended(s), tool, json_get_text(call->request, "name"),
                      json_get_text(call->request, "reason"));
    state_begin(state, on_suspended, s, call);
    suspend_put(supervisor_suspended(s), state, tool);
    state_end(state);
}

void desk_suspend(desk_call *call)
{
    supervisor *s = call->desk->supervisor;
    const lb_state_query q = {.size = sizeof q, .space = SUSPEND_SPACE};
    lb_error error;
    if (!json_get_text(call->request, "tool") || !json_get_text(call->request, "name") ||
        !json_get_text(call->request, "reason")) {
        (void)lb_fail(&error, LB_ERR_INVALID, NULL, "a tool is suspended by its name, by somebody, and for a reason");
        desk_error(call, &error);
        return;
    }
    if (desk_has_book(call))
        state_list(book_state(supervisor_book(s)), &q, suspend, s, call);
}

static void on_resumed(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    desk_call *call = tag;
    (void)failed, (void)version;
    if (error) {
        desk_error(call, error);
        return;
    }
    lb_error gone;
    int again = suspend_resume(supervisor_suspended(owner), json_get_text(call->request, "tool"), &gone);
    (void)again; /* 0: a list that was on its way still had it */
    supervisor_event(owner, "tool.resumed", NULL, NULL, LB_ARGS(lb_text("tool", json_get_text(call->request, "tool"))));
    desk_end(call, 0);
}

/* After the list of suspensions is in, for a supervisor that has just started. */
static void resume(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    desk_call *call = tag;
    supervisor *s = owner;
    lb_error gone;
    const char *tool = json_get_text(call->request, "tool");
    if (!error)
        suspend_take(supervisor_suspended(s), docs);
    if (!error && suspend_resume(supervisor_suspended(s), tool ? tool : "", &gone) < 0)
        error = &gone;
    if (error) {
        desk_error(call, error);
        return;
    }
    state_client *state = book_state(supervisor_book(s));
    state_begin(state, on_resumed, s, call);
    suspend_put(supervisor_suspended(s), state, tool);
    state_end(state);
}

void desk_resume(desk_call *call)
{
    supervisor *s = call->desk->supervisor;
    const lb_state_query q = {.size = sizeof q, .space = SUSPEND_SPACE};
    if (desk_has_book(call))
        state_list(book_state(supervisor_book(s)), &q, resume, s, call);
}

void desk_approvals(desk_call *call)
{
    const char *id = json_get_text(call->request, "id");
    const lb_state_query q = {.size = sizeof q,
                              .space = APPROVALS_SPACE,
                              .key_prefix = id,
                              .status = id || json_get_bool(call->request, "all") ? NULL : "pending",
                              .limit = limit_of(call, MOST_ITEMS)};
    if (desk_has_book(call))
        list(call, &q, on_approvals);
}

static void on_decided(void *owner, void *tag, approval_decided decided, const char *record, const lb_error *error)
{
    desk_call *call = tag;
    (void)owner;
    if (error) {
        desk_error(call, error);
        return;
    }
    desk_say(call, "result", record);
    if (decided != APPROVAL_EXECUTING) /* else its run says the rest */
        desk_end(call, decided == APPROVAL_HALF ? 3 : 0);
}

void desk_decide(desk_call *call, bool approve)
{
    const approval_decision decision = {.id = json_get_text(call->request, "id"),
                                        .approve = approve,
                                        .name = call->name,
                                        .reason = call->reason,
                                        .via = call->via,
                                        .watch = desk_watch(call)};
    if (desk_has_book(call))
        approvals_decide(supervisor_approvals(call->desk->supervisor), &decision, on_decided, call->desk, call);
}
