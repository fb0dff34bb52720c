#include "alert_route.h"

#include "clock.h"
#include "pattern.h"

#include <ctype.h>

#define DAY_MINUTES 1440
#define EVERY_DAY   UINT32_C(0x7f)

typedef struct route {
    const manifest_alert_route *given;
    uint32_t days;
    int from, until; /* minutes of the day; both 0: all of it */
    zone *zone;
} route;

struct alert_routes {
    const manifest *m;
    route *items;
    size_t count;
};

/* ---- reading days and hours ---- */

int alert_days_parse(const char *text, uint32_t *ret_days, lb_error *err)
{
    static const char hint[] = "such as mon-fri or sat,sun";
    cron c;
    lb_error why;
    LB_AUTO_FREE char *line = base_printf("0 0 * * %s", text);
    if (!*text || text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ,-")] != '\0')
        return lb_fail(err, LB_ERR_INVALID, hint, "\"%.40s\" names no days", text);
    if (cron_parse(line, &c, &why) < 0)
        return lb_fail(err, LB_ERR_INVALID, hint, "%s", why.message);
    *ret_days = c.weekdays & EVERY_DAY;
    return 0;
}

/* "08:30" at *p. -1: none. */
static int take_minutes(const char **p)
{
    const char *t = *p;
    for (int i = 0; i < 5; i++)
        if (i == 2 ? t[i] != ':' : !isdigit((unsigned char)t[i])) /* stops at the NUL */
            return -1;
    int hours = (t[0] - '0') * 10 + t[1] - '0', minutes = (t[3] - '0') * 10 + t[4] - '0';
    *p += 5;
    return hours <= 24 && minutes <= 59 && hours * 60 + minutes <= DAY_MINUTES ? hours * 60 + minutes : -1;
}

int alert_hours_parse(const char *text, int *ret_from, int *ret_until, lb_error *err)
{
    const char *p = text;
    int from = take_minutes(&p), until = from >= 0 && *p == '-' ? (p++, take_minutes(&p)) : -1;
    if (from < 0 || until < 0 || *p || from == DAY_MINUTES)
        return lb_fail(err, LB_ERR_INVALID, "such as 08:00-18:00 or 22:00-06:00", "\"%.40s\" is no span of hours",
                       text);
    if (from == until)
        return lb_fail(err, LB_ERR_INVALID, "leave hours out for the whole day", "hours \"%.40s\" are none", text);
    *ret_from = from;
    *ret_until = until;
    return 0;
}

/* ---- from new to free ---- */

static int compile(const manifest *m, const manifest_alert_route *given, route *into, lb_error *err)
{
    *into = (route){.given = given, .days = EVERY_DAY};
    int r = given->days ? alert_days_parse(given->days, &into->days, err) : 0;
    if (r == 0 && given->hours)
        r = alert_hours_parse(given->hours, &into->from, &into->until, err);
    return r < 0 ? r : zone_open(given->timezone ? given->timezone : m->timezone, &into->zone, err);
}

int alert_routes_new(const manifest *m, alert_routes **ret_routes, lb_error *err)
{
    alert_routes *r = base_alloc(sizeof *r);
    r->m = m;
    r->items = base_alloc((m->alert_route_count + 1) * sizeof *r->items);
    for (size_t i = 0; i < m->alert_route_count; i++) {
        int code = compile(m, &m->alert_routes[i], &r->items[r->count++], err);
        if (code < 0) {
            (void)alert_routes_free(r); /* gives NULL */
            return code;
        }
    }
    *ret_routes = r;
    return 0;
}

alert_routes *alert_routes_free(alert_routes *r)
{
    for (size_t i = 0; r && i < r->count; i++)
        r->items[i].zone = zone_free(r->items[i].zone);
    if (r)
        free(r->items);
    free(r);
    return NULL;
}

/* ---- who hears ---- */

static bool is_open(const route *r, int64_t at)
{
    int64_t seconds = at / CLOCK_SECOND, until;
    int64_t local = seconds + zone_offset(r->zone, seconds, &until);
    int64_t day = local / 86400;
    int minute = (int)(local % 86400 / 60), weekday = (int)((day + 4) % 7); /* 1970 began on a Thursday */
    bool is_past_midnight = r->until <= r->from && r->until > 0 && minute < r->until;
    if (r->from == 0 && r->until == 0)
        return r->days >> weekday & 1;
    if (is_past_midnight)
        return r->days >> (weekday + 6) % 7 & 1; /* it began the day before */
    if (r->until <= r->from)
        return minute >= r->from && r->days >> weekday & 1;
    return minute >= r->from && minute < r->until && r->days >> weekday & 1;
}

/* What is about the workspace as a whole is everybody's. */
static bool is_about(const char *pattern, const char *name)
{
    return !pattern || !name || pattern_matches(pattern, name);
}

static bool takes(const route *r, const alert_about *about)
{
    return about->severity >= r->given->severity && is_about(r->given->project, about->project) &&
           is_about(r->given->branch, about->branch) && is_open(r, about->at);
}

static bool names(const route *r, const char *name)
{
    for (char *const *to = r->given->to; to && *to; to++)
        if (strcmp(*to, name) == 0)
            return true;
    return false;
}

void alert_routes_each(const alert_routes *r, const alert_about *about, void (*hears)(void *state, const char *name),
                       void *state)
{
    LB_AUTO_FREE bool *taken = base_alloc((r->count + 1) * sizeof *taken);
    bool is_taken = false;
    for (int otherwise = 0; otherwise <= 1 && !is_taken; otherwise++)
        for (size_t i = 0; i < r->count; i++) {
            taken[i] = r->items[i].given->otherwise == otherwise && takes(&r->items[i], about);
            is_taken = is_taken || taken[i];
        }
    for (size_t s = 0; s < r->m->service_count; s++) {
        const manifest_service *service = &r->m->services[s];
        bool does_hear = !is_taken;
        if (service->kind != LB_KIND_ALERT)
            continue;
        for (size_t i = 0; i < r->count && !does_hear; i++)
            does_hear = taken[i] && names(&r->items[i], service->name);
        if (does_hear)
            hears(state, service->name);
    }
}
