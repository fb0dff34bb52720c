/* The whole chain, from the oldest line that is kept to the newest. */
#include "event_read.h"

static void count_event(event_verified *v, const event *e)
{
    v->count++;
    v->first = v->first ? v->first : e->seq;
    v->last = e->seq;
}

int event_verify(const char *dir, void (*found)(void *state, const lb_error *brk), void *state,
                 event_verified *ret_result, lb_error *err)
{
    const event_read_options options = {.verify = true};
    event_verified v = {0};
    event_reader *r;
    event e;
    int code = event_reader_new(dir, &options, &r, err);
    if (code < 0)
        return code;
    while ((code = event_reader_next(r, 0, &e, err)) != 0) {
        if (code == 1) {
            count_event(&v, &e);
        } else if (code == LB_ERR_CONFLICT) {
            v.breaks++;
            found(state, err);
        } else {
            break;
        }
    }
    v.segments = event_reader_segments(r);
    (void)snprintf(v.head, sizeof v.head, "%s", event_reader_head(r)); /* of that very length */
    (void)event_reader_free(r);                                        /* gives NULL */
    *ret_result = v;
    return code;
}
