/* A person takes an alert on. That is an event, as what opens and ends alerts is: they stay in order, and whoever makes
 * alerts of events notes it, also after a crash. */
#include "desk_internal.h"

#include "clock.h"
#include "serve_untold.h"

#include <string.h>

#define SHOWN 200 /* of those that begin alike */

typedef struct word {
    desk_call *call;
    char *payload;
} word;

static void on_kept(void *owner, void *tag, const lb_error *error)
{
    word *w = tag;
    (void)owner;
    if (error) {
        desk_error(w->call, error);
    } else {
        desk_say(w->call, "result", w->payload);
        desk_end(w->call, 0);
    }
    free(w->payload);
    free(w);
}

static void put_word(const desk_call *call, const char *key, buf *payload)
{
    int64_t until = json_get_i64(call->request, "until", 0);
    buf_putc(payload, '{');
    json_member_string(payload, "alert_id", key);
    json_member_string(payload, "name", call->name);
    json_member_string(payload, "reason", call->reason);
    json_member_string(payload, "via", call->via);
    if (until) {
        json_key(payload, "until");
        json_time(payload, until);
    }
    buf_putc(payload, '}');
}

static void keep_word(desk_call *call, const char *key, const char *project, const char *branch)
{
    lb_error error;
    chronicle *c = supervisor_chronicle(call->desk->supervisor);
    BUF_AUTO payload = BUF_INIT(EVENT_PAYLOAD);
    put_word(call, key, &payload);
    const event e = {
        .kind = "person.acknowledged", .project = project, .branch = branch, .payload = buf_text(&payload)};
    if (payload.overflow)
        (void)lb_fail(&error, LB_ERR_LIMIT, "say it shorter", "a name or a reason that long cannot be kept");
    if (payload.overflow || chronicle_add(c, &e, NULL, &error) < 0) {
        desk_error(call, &error);
        return;
    }
    word *w = base_alloc(sizeof *w);
    *w = (word){.call = call, .payload = base_strdup(buf_text(&payload))};
    chronicle_wait(c, on_kept, call->desk, w);
}

static void keep_known(desk_call *call, const lb_state_doc *doc)
{
    lb_error error;
    JSON_AUTO *alert = json_parse(doc->body, strlen(doc->body), &error);
    keep_word(call, doc->key, json_get_text(alert, "project"), json_get_text(alert, "branch"));
}

static void refuse(desk_call *call, size_t count)
{
    const char *key = json_get_text(call->request, "id");
    lb_error none;
    (void)lb_fail(&none, count ? LB_ERR_INVALID : LB_ERR_NOT_FOUND, "lbops alerts lists them with their keys",
                  count ? "%s is the beginning of more than one open alert" : "there is no open alert %s", key);
    desk_error(call, &none);
}

/* Of those that nobody has been told of: whoever tells them hears of the word after them. */
static void on_untold(void *owner, void *tag, untold *news, const lb_error *error)
{
    desk_call *call = tag;
    const char *key = NULL, *project = NULL, *branch = NULL;
    (void)owner;
    size_t count = error ? 0 : untold_named(news, json_get_text(call->request, "id"), &key, &project, &branch);
    if (error)
        desk_error(call, error);
    else if (count == 1)
        keep_word(call, key, project, branch);
    else
        refuse(call, count);
    (void)untold_free(news); /* gives NULL */
}

/* One that is open, by its key or as much of it as only one begins with. */
static void on_open(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    desk_call *call = tag;
    const char *key = json_get_text(call->request, "id");
    lb_state_doc doc, found = {.key = NULL};
    size_t count = 0;
    bool is_it = false;
    (void)owner;
    if (error) {
        desk_error(call, error);
        return;
    }
    while (!is_it && state_get_doc(docs, &doc)) {
        is_it = strcmp(doc.key, key) == 0;
        found = doc;
        count++;
    }
    if (is_it || count == 1)
        keep_known(call, &found);
    else if (count)
        refuse(call, count);
    else
        untold_find(supervisor_book(call->desk->supervisor), call->desk->manifest->state_dir, on_untold, call->desk,
                    call);
}

void desk_ack(desk_call *call)
{
    lb_error error;
    const char *key = json_get_text(call->request, "id");
    const lb_state_query q = {.size = sizeof q, .space = "alert", .key_prefix = key, .status = "open", .limit = SHOWN};
    book *b = supervisor_book(call->desk->supervisor);
    int64_t until = json_get_i64(call->request, "until", 0);
    int r = 0;
    if (!b)
        r = lb_fail(&error, LB_ERR_UNSUPPORTED, "install the plugin state_sqlite, or name one under [services.state]",
                    "there is no state service, so no alert is known");
    else if (!key || !*key || !call->name || !*call->name || !call->reason || !*call->reason)
        r = lb_fail(&error, LB_ERR_INVALID, "give the alert's key, a name and a reason",
                    "nobody, or nothing, is named, or no reason is given");
    else if (until && until <= clock_now())
        r = lb_fail(&error, LB_ERR_INVALID, "give a time that is to come", "that time is over already");
    if (r < 0)
        desk_error(call, &error);
    else
        state_list(book_state(b), &q, on_open, call->desk, call);
}
