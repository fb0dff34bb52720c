/* check --online: each alert service is opened once, in a place that goes again, to see whether it could be: its
 * secrets, its settings. Nothing is sent, and nothing outside is touched, so that a receiver's word is not known. */
#include "cli_online.h"

#include "clock.h"
#include "json.h"
#include "service_start.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <unistd.h>

#define LONGEST_S 40.0

typedef struct opening {
    struct online_alerts *all;
    const manifest_service *named;
    service *service;
    bool ended;
    lb_error error; /* code 0: it opened */
} opening;

struct online_alerts {
    const cli *c;
    struct ev_loop *loop;
    opening *items;
    size_t count, pending;
};

/* ---- opening ---- */

static void end_one(opening *o, const lb_error *why)
{
    if (o->ended)
        return;
    o->ended = true;
    o->error = why ? *why : (lb_error){.code = 0};
    if (--o->all->pending == 0)
        ev_break(o->all->loop, EVBREAK_ALL);
}

static void on_up(void *state, service *s, wire_reader *greeting)
{
    (void)s, (void)greeting; /* it says nothing */
    end_one(state, NULL);
}

/* It would be started again: once is enough here. */
static void on_down(void *state, service *s, const lb_error *why, int failures)
{
    (void)s, (void)failures;
    end_one(state, why);
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int events)
{
    const online_alerts *all = timer->data;
    lb_error late;
    (void)loop, (void)events;
    (void)lb_fail(&late, LB_ERR_TIMEOUT, NULL, "it was not open within %.0f s", LONGEST_S);
    for (size_t i = 0; i < all->count; i++)
        end_one(&all->items[i], &late);
}

static void start_one(opening *o, const char *place)
{
    const cli *c = o->all->c;
    const service_wish wish = {.manifest = c->manifest,
                               .registry = c->registry,
                               .loop = o->all->loop,
                               .kind = LB_KIND_ALERT,
                               .named = o->named,
                               .passive = true,
                               .state_dir = place,
                               .log_level = c->log_level,
                               .hooks = {.state = o, .up = on_up, .down = on_down}};
    lb_error err;
    o->all->pending++;
    if (service_start_named(&wish, &o->service, &err) < 0)
        end_one(o, &err);
    else if (!o->service)
        end_one(o, NULL); /* no such plugin: that is said of the manifest */
}

/* What services of ours leave: files, and no folders. */
static void remove_place(const char *place)
{
    DIR *folder = opendir(place);
    for (struct dirent *e; folder && (e = readdir(folder));)
        (void)unlinkat(dirfd(folder), e->d_name, 0); /* "." and ".." are none */
    if (folder)
        (void)closedir(folder);
    (void)rmdir(place); /* what a plugin of others has left stays in the folder for such things */
}

static void wait_for_all(online_alerts *all)
{
    ev_timer late;
    ev_timer_init(&late, on_late, LONGEST_S, 0);
    late.data = all;
    ev_timer_start(all->loop, &late);
    if (all->pending)
        (void)ev_run(all->loop, 0); /* ends through end_one */
    ev_timer_stop(all->loop, &late);
}

/* One after the other: they may be of one plugin, whose places would have to differ. */
static int open_one(opening *o, lb_error *err)
{
    const char *folder = getenv("TMPDIR");
    LB_AUTO_FREE char *place = base_printf("%s/lbops-check.XXXXXX", folder && *folder ? folder : "/tmp");
    if (!mkdtemp(place))
        return lb_fail(err, LB_ERR_IO, "set TMPDIR to a folder that can be written", "cannot make %s: %s", place,
                       strerror(errno));
    start_one(o, place);
    wait_for_all(o->all);
    o->service = service_free(o->service); /* gives NULL */
    remove_place(place);
    return 0;
}

int online_alerts_open(const cli *c, struct ev_loop *loop, online_alerts **ret_alerts, lb_error *err)
{
    const manifest *m = c->manifest;
    online_alerts *all = base_alloc(sizeof *all);
    *all = (online_alerts){.c = c, .loop = loop, .items = base_alloc((m->service_count + 1) * sizeof *all->items)};
    *ret_alerts = all;
    int r = 0;
    for (size_t i = 0; i < m->service_count && r == 0; i++) {
        if (m->services[i].kind != LB_KIND_ALERT)
            continue;
        opening *o = &all->items[all->count++];
        *o = (opening){.all = all, .named = &m->services[i]};
        r = open_one(o, err);
    }
    return r;
}

online_alerts *online_alerts_free(online_alerts *all)
{
    if (all)
        free(all->items);
    free(all);
    return NULL;
}

/* ---- telling ---- */

void online_alerts_text(const online_alerts *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const opening *o = &all->items[i];
        (void)printf("  alerts, %s (%s): ", o->named->name, o->named->plugin);
        if (!o->error.code)
            (void)puts("opens; nothing was sent");
        else
            (void)printf("%sfailed%s: %s\n%s%s%s", cli_style(all->c, "31"), cli_style(all->c, "0"), o->error.message,
                         o->error.hint[0] ? "    hint: " : "", o->error.hint, o->error.hint[0] ? "\n" : "");
    }
}

void online_alerts_json(const online_alerts *all, buf *out)
{
    json_key(out, "alerts");
    buf_putc(out, '[');
    for (size_t i = 0; i < all->count; i++) {
        const opening *o = &all->items[i];
        json_comma(out);
        buf_putc(out, '{');
        json_member_string(out, "name", o->named->name);
        json_member_string(out, "plugin", o->named->plugin);
        json_member_string(out, "status", o->error.code ? "failed" : "ok");
        online_error_json(out, &o->error);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

int online_alerts_code(const online_alerts *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].error.code)
            return error_exit_code(all->items[i].error.code);
    return 0;
}
