/* What can be judged from the manifest's text once all of it is read: timezones and schedules, and what stands between
 * keys and between tables. */
#include "manifest_internal.h"
#include "nearest.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>

void reader_report(manifest_reader *reader, manifest_place place, bool warning, int code, const char *hint,
                   const char *fmt, ...)
{
    char message[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args); /* a long message is cut, not lost */
    va_end(args);
    manifest_problem_add(reader->problems, place, warning, code, hint, "%s", message);
}

/* ---- timezones and schedules ---- */

/* The zone of the same area whose name is nearest, into `nearest`; false: none. */
static bool find_nearest_zone(const char *name, char *nearest, size_t size)
{
    const char *slash = strrchr(name, '/'), *word = slash ? slash + 1 : name;
    int area = slash ? (int)(slash - name) : 0;
    LB_AUTO_FREE char *directory = base_printf("%s/%.*s", ZONE_DIRECTORY, area, name);
    DIR *listing = opendir(directory);
    name_list names = {0};
    if (!listing)
        return false;
    for (struct dirent *entry; (entry = readdir(listing));)
        if (entry->d_name[0] != '.')
            name_list_add(&names, base_strdup(entry->d_name));
    const char *found = nearest_name(word, names.items, names.count);
    if (found)
        (void)snprintf(nearest, size, "did you mean %.*s%s%s?", area, name, area ? "/" : "", found); /* cut, not lost */
    for (size_t i = 0; i < names.count; i++)
        base_free(&names.items[i]);
    name_list_done(&names);
    (void)closedir(listing); /* only read */
    return found != NULL;
}

static bool is_zone_name(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_+-/", *p)) /* no dot: no way up or out */
            return false;
    return isalpha((unsigned char)*name) && strlen(name) < 64;
}

int zone_check(const char *name, lb_error *err)
{
    char magic[4] = "", hint[128];
    if (strcmp(name, "UTC") == 0)
        return 0;
    if (!is_zone_name(name))
        return lb_fail(err, LB_ERR_INVALID, "such as UTC or Europe/Berlin", "\"%.64s\" is no name of a timezone", name);
    LB_AUTO_FREE char *path = base_printf("%s/%s", ZONE_DIRECTORY, name);
    LB_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0 && read(fd, magic, sizeof magic) == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0) {
        zone *z = NULL;
        int r = zone_open(name, &z, err);
        (void)zone_free(z); /* gives NULL */
        return r;
    }
    if (access(ZONE_DIRECTORY, F_OK) != 0)
        return lb_fail(err, LB_ERR_NOT_FOUND, "install tzdata, or use UTC",
                       "timezone %s: this machine knows no timezones", name);
    return lb_fail(err, LB_ERR_NOT_FOUND,
                   find_nearest_zone(name, hint, sizeof hint) ? hint : "such as UTC or Europe/Berlin",
                   "there is no timezone %s", name);
}

int schedule_check(const char *text, lb_error *err)
{
    static const int64_t some_day =
        INT64_C(1767225600000000); /* the day does not matter, only that it is the same one */
    cron parsed;
    if (!*text)
        return 0;
    int r = cron_parse(text, &parsed, err);
    if (r == 0 && cron_next_utc(&parsed, some_day) == INT64_MAX)
        r = lb_fail(err, LB_ERR_INVALID, "no month it names has that day", "schedule \"%.64s\" never comes", text);
    return r;
}

/* ---- secrets and parameters ---- */

static bool has_secret(const manifest *m, const char *name)
{
    for (size_t i = 0; i < m->secret_count; i++)
        if (strcmp(m->secrets[i].name, name) == 0)
            return true;
    return false;
}

void reader_need_secret(manifest_reader *reader, manifest_place place, const char *what, const char *secret)
{
    char hint[128];
    name_list names = {0};
    if (has_secret(reader->m, secret))
        return;
    for (size_t i = 0; i < reader->m->secret_count; i++)
        name_list_add(&names, reader->m->secrets[i].name);
    reader_report(reader, place, false, LB_ERR_NOT_FOUND,
                  name_list_hint(&names, secret, "write it under [secrets]", hint, sizeof hint),
                  "%s: there is no secret %s", what, secret);
    name_list_done(&names);
}

static void verify_service(manifest_reader *reader, const manifest_service *service)
{
    for (size_t i = 0; i < service->params.count; i++) {
        const manifest_param *param = &service->params.items[i];
        if (param->secret)
            reader_need_secret(reader, param->place, param->name, param->secret);
    }
}

void reader_refuse_secrets(manifest_reader *reader, const manifest_params *params, const char *tool)
{
    for (size_t i = 0; i < params->count; i++)
        if (params->items[i].secret)
            reader_report(reader, params->items[i].place, false, LB_ERR_INVALID,
                          "arguments of tools are shown in plans and in the history; secrets go to services",
                          "%s cannot take the secret %s as its %s", tool, params->items[i].secret,
                          params->items[i].name);
}

/* ---- tables ---- */

static void verify_limits(manifest_reader *reader)
{
    const manifest_limits *limits = &reader->m->limits;
    if (limits->run_memory_mb + limits->result_mb >= limits->worker_memory_mb)
        reader_report(reader, (manifest_place){.file = reader->m->path}, false, LB_ERR_INVALID,
                      "raise worker_memory_mb, or lower run_memory_mb or result_mb",
                      "[limits] a run (%d MB and %d MB of result) does not fit into a worker of %d MB",
                      limits->run_memory_mb, limits->result_mb, limits->worker_memory_mb);
}

bool reader_is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void verify_target(manifest_reader *reader, size_t index)
{
    const manifest_target *target = &reader->m->targets[index];
    if (!target->project || !target->branch)
        return; /* said already */
    if (!target->pattern && (strpbrk(target->project, "*?") || strpbrk(target->branch, "*?")))
        reader_report(reader, target->place, false, LB_ERR_INVALID, "add pattern = true",
                      "[[targets]] %s/%s looks like a pattern", target->project, target->branch);
    for (size_t i = 0; i < index; i++) {
        const manifest_target *earlier = &reader->m->targets[i];
        if (!reader_is_same(earlier->project, target->project) || !reader_is_same(earlier->branch, target->branch))
            continue;
        reader_report(reader, target->place, false, LB_ERR_CONFLICT, "keep one of them",
                      "[[targets]] %s/%s is there twice, see line %d", target->project, target->branch,
                      earlier->place.line);
        return;
    }
}

static bool is_placeholder(const char *text, size_t length)
{
    static const char prefix[] = "payload.";
    return length > strlen(prefix) && strncmp(text, prefix, strlen(prefix)) == 0;
}

/* {payload.KEY} is the only thing in braces that means something; {branch} is most likely meant to. */
static void verify_template(manifest_reader *reader, const manifest_param *param)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyz_.0123456789";
    for (const char *p = param->text; p && (p = strchr(p, '{')); p++) {
        size_t length = strspn(p + 1, word);
        if (!isalpha((unsigned char)p[1]) || p[1 + length] != '}' || is_placeholder(p + 1, length))
            continue;
        reader_report(reader, param->place, false, LB_ERR_INVALID,
                      "write {payload.KEY}, KEY being a key of the event's payload", "%s: {%.*s} stands for nothing",
                      param->name, (int)(length < 100 ? length : 100), p + 1);
    }
}

static const manifest_agent *find_agent(const manifest *m, const char *name)
{
    for (size_t i = 0; i < m->agent_count; i++)
        if (strcmp(m->agents[i].name, name) == 0)
            return &m->agents[i];
    return NULL;
}

static void refuse_agent(manifest_reader *reader, const char *header, manifest_place place, const char *agent)
{
    char hint[128];
    name_list names = {0};
    for (size_t i = 0; i < reader->m->agent_count; i++)
        name_list_add(&names, reader->m->agents[i].name);
    reader_report(reader, place, false, LB_ERR_NOT_FOUND, name_list_hint(&names, agent, NULL, hint, sizeof hint),
                  "%s there is no agent %s", header, agent);
    name_list_done(&names);
}

const manifest_tool *reader_find_tool(manifest_reader *reader, const char *header, manifest_place place,
                                      const char *agent, const char *tool)
{
    const manifest *m = reader->m;
    const manifest_tool *found = manifest_find_tool(m, agent, tool, NULL);
    char hint[128];
    name_list names = {0};
    if (found)
        return found;
    if (agent && !find_agent(m, agent)) {
        refuse_agent(reader, header, place, agent);
        return NULL;
    }
    for (size_t i = 0; i < m->agent_count; i++)
        for (size_t k = 0; k < m->agents[i].tool_count; k++)
            if (!agent || strcmp(m->agents[i].name, agent) == 0)
                name_list_add(&names, m->agents[i].tools[k].name);
    const char *advice = name_list_hint(&names, tool, "add it to an agent's tools", hint, sizeof hint);
    if (agent)
        reader_report(reader, place, false, LB_ERR_NOT_FOUND, advice, "%s the agent %s has no tool %s", header, agent,
                      tool);
    else
        reader_report(reader, place, false, LB_ERR_NOT_FOUND, advice, "%s no agent has the tool %s", header, tool);
    name_list_done(&names);
    return NULL;
}

static void verify_subscription(manifest_reader *reader, const manifest_subscription *subscription)
{
    if (subscription->tool)
        (void)reader_find_tool(reader, "[[subscriptions]]", subscription->place, NULL,
                               subscription->tool); /* for its problem */
    reader_refuse_secrets(reader, &subscription->params, subscription->tool ? subscription->tool : "a tool");
    for (size_t i = 0; i < subscription->params.count; i++)
        verify_template(reader, &subscription->params.items[i]);
}

static bool is_date(const char *text)
{
    static const char form[] = "0000-00-00";
    size_t i = 0;
    while (text[i] && form[i] && (form[i] == '-' ? text[i] == '-' : isdigit((unsigned char)text[i]) != 0))
        i++;
    return !text[i] && !form[i] && strcmp(text + 5, "01-00") > 0 && strcmp(text + 5, "12-32") < 0 && text[8] < '4';
}

static void verify_threshold(manifest_reader *reader, size_t index)
{
    const manifest_threshold *threshold = &reader->m->thresholds[index];
    double gap = threshold->critical - threshold->warning; /* NaN where one is missing */
    if (!threshold->metric)
        return; /* said already */
    if (isnan(threshold->warning) && isnan(threshold->critical))
        reader_report(reader, threshold->place, false, LB_ERR_INVALID, "give warning, critical or both",
                      "[[thresholds]] %s has no limit", threshold->metric);
    else if (threshold->below ? gap > 0 : gap < 0)
        reader_report(reader, threshold->place, false, LB_ERR_INVALID,
                      threshold->below ? "with below = true, critical is the lower one"
                                       : "critical is the higher one, unless below = true",
                      "[[thresholds]] %s turns critical (%g) before it warns (%g)", threshold->metric,
                      threshold->critical, threshold->warning);
    if (threshold->set_on && !is_date(threshold->set_on))
        reader_report(reader, threshold->place, false, LB_ERR_INVALID, "a day, such as 2026-01-31",
                      "[[thresholds]] %s: set_on \"%.40s\" is no day", threshold->metric, threshold->set_on);
    for (size_t i = 0; i < index; i++) {
        const manifest_threshold *earlier = &reader->m->thresholds[i];
        if (!reader_is_same(earlier->metric, threshold->metric) ||
            !reader_is_same(earlier->project, threshold->project) ||
            !reader_is_same(earlier->branch, threshold->branch) || earlier->below != threshold->below)
            continue;
        reader_report(reader, threshold->place, false, LB_ERR_CONFLICT, "keep one of them",
                      "[[thresholds]] %s is there twice for the same targets, see line %d", threshold->metric,
                      earlier->place.line);
        return;
    }
}

bool reader_is_blank(const char *text)
{
    return !text || !text[strspn(text, " \t\r\n")];
}

static void verify_rule(manifest_reader *reader, const manifest_rule *rule)
{
    if (rule->decision == MANIFEST_EXECUTE && !rule->loosen)
        reader_report(reader, rule->place, false, LB_ERR_INVALID, "if that is meant, add loosen = true and a reason",
                      "[[gate]] a rule that executes without asking is looser than the gate's own table");
    if (rule->loosen && reader_is_blank(rule->reason))
        reader_report(reader, rule->place, false, LB_ERR_INVALID, "say why in reason = \"...\"; lbops check prints it",
                      "[[gate]] a rule that loosens has no reason");
}

static void verify_job(manifest_reader *reader, size_t index)
{
    const manifest_job *job = &reader->m->jobs[index];
    if (index == MANIFEST_MOST_JOBS)
        reader_report(reader, job->place, false, LB_ERR_LIMIT, NULL, "more than %d jobs", MANIFEST_MOST_JOBS);
    for (size_t i = 0; job->name && i < index; i++)
        if (reader_is_same(reader->m->jobs[i].name, job->name)) {
            reader_report(reader, job->place, false, LB_ERR_CONFLICT, "give it another name",
                          "there are two jobs %s, the first in line %d", job->name, reader->m->jobs[i].place.line);
            return;
        }
}

void manifest_verify(manifest_reader *reader)
{
    const manifest *m = reader->m;
    verify_limits(reader);
    for (size_t i = 0; i < m->service_count; i++)
        verify_service(reader, &m->services[i]);
    for (size_t i = 0; i < m->target_count; i++)
        verify_target(reader, i);
    for (size_t i = 0; i < m->agent_count; i++)
        for (size_t k = 0; k < m->agents[i].tool_count; k++)
            reader_refuse_secrets(reader, &m->agents[i].tools[k].params, m->agents[i].tools[k].name);
    for (size_t i = 0; i < m->subscription_count; i++)
        verify_subscription(reader, &m->subscriptions[i]);
    for (size_t i = 0; i < m->threshold_count; i++)
        verify_threshold(reader, i);
    for (size_t i = 0; i < m->rule_count; i++)
        verify_rule(reader, &m->rules[i]);
    for (size_t i = 0; i < m->job_count; i++)
        verify_job(reader, i);
    manifest_verify_sites(reader);
    manifest_verify_alerts(reader);
    manifest_verify_daemon(reader);
}
