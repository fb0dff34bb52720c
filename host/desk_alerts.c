/* What is wrong: the alerts that the state knows, with what events have said of them since, and those that nobody has
 * been told of yet. */
#include "desk_internal.h"

#include "serve_untold.h"

#define SHOWN 10000

typedef struct listing {
    desk_call *call;
    untold *news;
} listing;

static void end(listing *l)
{
    l->news = untold_free(l->news);
    free(l);
}

static void say_known(const listing *l, const lb_state_doc *doc)
{
    LB_AUTO_FREE char *body = untold_update(l->news, doc);
    lb_state_doc now = *doc;
    if (body)
        now.body = body;
    desk_say_doc(l->call, &now);
}

static void say_untold(const listing *l)
{
    BUF_AUTO item = BUF_INIT(SIZE_MAX / 4);
    for (; untold_next(l->news, &item); buf_clear(&item))
        desk_say(l->call, "item", buf_text(&item));
}

static void on_known(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    listing *l = tag;
    lb_state_doc doc;
    (void)owner;
    while (!error && state_get_doc(docs, &doc))
        say_known(l, &doc);
    if (!error)
        say_untold(l);
    desk_call *call = l->call;
    end(l);
    if (error)
        desk_error(call, error);
    else
        desk_end(call, 0);
}

static void on_untold(void *owner, void *tag, untold *news, const lb_error *error)
{
    desk_call *call = tag;
    const lb_state_query q = {.size = sizeof q,
                              .space = "alert",
                              .status = json_get_bool(call->request, "all") ? NULL : "open",
                              .newest_first = true,
                              .limit = SHOWN};
    (void)owner;
    if (error) {
        (void)untold_free(news); /* gives NULL */
        desk_error(call, error);
        return;
    }
    listing *l = base_alloc(sizeof *l);
    *l = (listing){.call = call, .news = news};
    state_list(book_state(supervisor_book(call->desk->supervisor)), &q, on_known, call->desk, l);
}

void desk_alerts(desk_call *call)
{
    if (desk_has_book(call))
        untold_find(supervisor_book(call->desk->supervisor), call->desk->manifest->state_dir, on_untold, call->desk,
                    call);
}
