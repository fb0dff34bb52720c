/* Alert services and the routes to them. */
#include "alert_route.h"
#include "manifest_internal.h"
#include "pattern.h"

/* ---- [services.alert] and [services.alert.NAME] ---- */

static void read_alert(manifest_reader *reader, const char *name, const toml_node *node)
{
    char what[128];
    (void)snprintf(what, sizeof what,
                   strcmp(node->key, name) == 0 && strcmp(name, MANIFEST_ALERT) == 0 ? "[services.%.63s]"
                                                                                     : "[services.alert.%.63s]",
                   name); /* cut, not lost */
    if (!reader_is_table(reader, what, node))
        return;
    manifest_service *service =
        reader_append(reader, &schema_alert, node, &reader->m->services, &reader->m->service_count);
    if (!service)
        return;
    service->kind = LB_KIND_ALERT;
    service->name = base_strdup(name);
    reader_fields(reader, &schema_alert, what, node, service);
}

/* A service below it, and not a parameter such as { secret = "NAME" }. */
static const toml_node *find_named(const toml_node *node)
{
    for (size_t i = 0; i < node->v.list.count; i++) {
        const toml_node *child = &node->v.list.items[i];
        if (child->kind == TOML_TABLE && !reader_child(child, "secret"))
            return child;
    }
    return NULL;
}

void reader_alerts(manifest_reader *reader, const toml_node *node)
{
    const toml_node *named = find_named(node), *plugin = reader_child(node, "plugin");
    bool is_single = !named || (plugin && plugin->kind != TOML_TABLE);
    if (is_single && named)
        reader_report(reader, reader_key_place(reader, named), false, LB_ERR_INVALID,
                      "give the first a name as well: [services.alert.NAME]",
                      "[services.alert] is a service itself, and has [services.alert.%.63s] below it", named->key);
    else if (is_single)
        read_alert(reader, MANIFEST_ALERT, node);
    for (size_t i = 0; !is_single && i < node->v.list.count; i++)
        if (reader_is_named(reader, "alert service", &node->v.list.items[i]))
            read_alert(reader, node->v.list.items[i].key, &node->v.list.items[i]);
}

/* ---- [[alert_routes]] ---- */

static bool has_alert(const manifest *m, const char *name)
{
    for (size_t i = 0; i < m->service_count; i++)
        if (m->services[i].kind == LB_KIND_ALERT && strcmp(m->services[i].name, name) == 0)
            return true;
    return false;
}

static void need_alert(manifest_reader *reader, manifest_place place, const char *who, const char *name)
{
    char hint[128];
    name_list names = {0};
    if (has_alert(reader->m, name))
        return;
    for (size_t i = 0; i < reader->m->service_count; i++)
        if (reader->m->services[i].kind == LB_KIND_ALERT)
            name_list_add(&names, reader->m->services[i].name);
    reader_report(reader, place, false, LB_ERR_NOT_FOUND,
                  name_list_hint(&names, name, "write it as [services.alert.NAME]", hint, sizeof hint),
                  "%s there is no alert service %.63s", who, name);
    name_list_done(&names);
}

static bool has_conditions(const manifest_alert_route *r)
{
    return r->severity > 1 || r->project || r->branch || r->days || r->hours; /* everything is info or worse */
}

/* Can both be the same name? Of two patterns that is not known, and so it can. */
static bool can_meet(const char *route, const char *target, bool target_is_pattern)
{
    bool both = strpbrk(route, "*?") && target_is_pattern && strpbrk(target, "*?");
    return both || pattern_matches(route, target) || (target_is_pattern && pattern_matches(target, route));
}

/* A word of a route that fits no target is misspelt most of the time. There is nothing to hold it against where the
 * manifest names no target. */
static void verify_place(manifest_reader *reader, const manifest_alert_route *route, bool of_branch)
{
    char hint[128];
    const manifest *m = reader->m;
    name_list names = {0};
    const char *word = of_branch ? route->branch : route->project;
    bool is_met = !word || !m->target_count;
    for (size_t i = 0; i < m->target_count && !is_met; i++) {
        const manifest_target *t = &m->targets[i];
        const char *name = of_branch ? t->branch : t->project;
        if (!name || (of_branch && route->project && !can_meet(route->project, t->project, t->pattern)))
            continue;
        is_met = can_meet(word, name, t->pattern);
        name_list_add(&names, name);
    }
    if (!is_met && names.count)
        reader_report(
            reader, route->place, true, LB_ERR_NOT_FOUND,
            name_list_hint(&names, word, "name what stands under [[targets]], or a pattern of it", hint, sizeof hint),
            "[[alert_routes]] no target has %s %.63s", of_branch ? "branch" : "project", word);
    name_list_done(&names);
}

static void verify_route(manifest_reader *reader, const manifest_alert_route *route)
{
    lb_error err;
    uint32_t days;
    int from, until;
    for (char *const *to = route->to; to && *to; to++)
        need_alert(reader, route->place, "[[alert_routes]]", *to);
    verify_place(reader, route, false);
    verify_place(reader, route, true);
    if (route->days && alert_days_parse(route->days, &days, &err) < 0)
        reader_report(reader, route->place, false, err.code, err.hint, "[[alert_routes]] days: %s", err.message);
    if (route->hours && alert_hours_parse(route->hours, &from, &until, &err) < 0)
        reader_report(reader, route->place, false, err.code, err.hint, "[[alert_routes]] hours: %s", err.message);
    if (route->timezone && !route->days && !route->hours)
        reader_report(reader, route->place, true, LB_ERR_INVALID, "give days or hours, or leave it out",
                      "[[alert_routes]] a timezone without days and hours says nothing");
}

static void verify_second(manifest_reader *reader, const manifest_service *service)
{
    if (service->kind != LB_KIND_ALERT || !service->second)
        return;
    LB_AUTO_FREE char *who = base_printf("[services.alert.%.63s] second:", service->name);
    if (strcmp(service->second, service->name) == 0)
        reader_report(reader, service->place, false, LB_ERR_INVALID, "name another alert service, or leave it out",
                      "%s it is its own second", who);
    else
        need_alert(reader, service->place, who, service->second);
}

/* By a route, or where another one fails. */
static bool is_reached(const manifest *m, const manifest_service *service)
{
    for (size_t i = 0; i < m->alert_route_count; i++)
        for (char *const *to = m->alert_routes[i].to; to && *to; to++)
            if (strcmp(*to, service->name) == 0)
                return true;
    for (size_t i = 0; i < m->service_count; i++)
        if (m->services[i].second && strcmp(m->services[i].second, service->name) == 0)
            return true;
    return false;
}

/* Those that no route names hear of the rest alone, which nobody may have meant. */
static void warn_of_rest(manifest_reader *reader, const manifest_alert_route *first)
{
    const manifest *m = reader->m;
    BUF_AUTO unnamed = BUF_INIT(4096);
    for (size_t i = 0; i < m->service_count; i++)
        if (m->services[i].kind == LB_KIND_ALERT && !is_reached(m, &m->services[i]))
            buf_printf(&unnamed, "%s%s",
                       unnamed.length ? ", " : ", also to those that no route leads to: ", m->services[i].name);
    reader_report(reader, first->place, true, LB_ERR_INVALID,
                  "add [[alert_routes]] with otherwise = true and those who are to hear of the rest",
                  "[[alert_routes]] what no route takes goes to every alert service%s", buf_text(&unnamed));
}

void manifest_verify_alerts(manifest_reader *reader)
{
    const manifest *m = reader->m;
    const manifest_alert_route *first = m->alert_route_count ? &m->alert_routes[0] : NULL;
    bool is_all_taken = false;
    for (size_t i = 0; i < m->alert_route_count; i++) {
        verify_route(reader, &m->alert_routes[i]);
        is_all_taken = is_all_taken || !has_conditions(&m->alert_routes[i]);
    }
    if (first && !is_all_taken)
        warn_of_rest(reader, first);
    for (size_t i = 0; i < m->service_count; i++) {
        const manifest_service *service = &m->services[i];
        verify_second(reader, service);
        if (is_all_taken && service->kind == LB_KIND_ALERT && !is_reached(m, service))
            reader_report(reader, service->place, true, LB_ERR_CONFLICT,
                          "name it in the `to` of a route, or leave it out", "[services.alert.%s] no route leads to it",
                          service->name);
    }
}
