/* Which events are worth an alert, and which ends one. */
#include "serve_alerting.h"

#include <lbops/rehearsal.h>
#include <math.h>

#define ABOUT_MOST (EVENT_PAYLOAD / 2) /* of an event that goes into another one */

const char *const serve_severities[] = {"none", "info", "warning", "critical"};

severity serve_severity(const char *name)
{
    for (severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
        if (name && strcmp(name, serve_severities[s]) == 0)
            return s;
    return SEVERITY_WARNING;
}

static const char *text_of(struct json_object *payload, const char *name)
{
    const char *text = json_get_text(payload, name);
    return text ? text : "?";
}

static double number_of(struct json_object *payload, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(payload, name, &value) && value ? json_object_get_double(value) : NAN;
}

/* A metric that is past its limit, or well inside it again. An alert is about a metric and, where there is one, the
 * table or other object that it is about, with the database that has it: another one may have a table of that name.
 * Whose else it could be is the target's. */
static void judge_threshold(alerting *a, struct json_object *payload, bool is_over)
{
    const char *metric = text_of(payload, "metric"), *table = json_get_text(payload, "table");
    const char *schema = json_get_text(payload, "schema"), *line = json_get_text(payload, "text");
    const char *object = table ? table : json_get_text(payload, "object");
    const char *database = json_get_text(payload, "database");
    a->resolves = is_over;
    a->severity = serve_severity(json_get_text(payload, "level"));
    a->key = base_printf("%s/%s%s%s%s%s", metric, database ? database : "", database ? "/" : "",
                         table && schema ? schema : "", table && schema ? "." : "", object ? object : "");
    a->text = line ? base_strdup(line)
                   : base_printf("%s is %s its limit%s%s", metric, is_over ? "back inside" : "past",
                                 object ? " on " : "", object ? object : "");
    a->metric = base_strdup(metric);
    a->object =
        object ? base_printf("%s%s%s", table && schema ? schema : "", table && schema ? "." : "", object) : NULL;
    a->action = base_strdup(json_get_text(payload, "action"));
    a->value = number_of(payload, "value");
    a->threshold = number_of(payload, "threshold");
    a->remind_s = number_of(payload, "remind_s");
}

/* Something was done about a metric that is past its limit, or why nothing could be. */
static void judge_treatment(alerting *a, const event *e, struct json_object *payload)
{
    judge_threshold(a, payload, false);
    a->is_treating = true;
    a->said = base_strdup(text_of(payload, "text"));
    a->treated = serve_treatment(e, payload);
}

/* A cause that needs a person. */
static void judge_issue(alerting *a, struct json_object *payload, bool is_over)
{
    const char *issue = text_of(payload, "issue"), *object = text_of(payload, "object");
    const char *line = json_get_text(payload, "text");
    a->resolves = is_over;
    a->severity = serve_severity(json_get_text(payload, "severity"));
    a->key = base_printf("issue/%s/%s", issue, object);
    a->text = line ? base_strdup(line) : base_printf("%s of %s%s", issue, object, is_over ? " is over" : "");
    a->object = base_strdup(object);
    a->action = base_strdup(json_get_text(payload, "done"));
    a->remind_s = number_of(payload, "remind_s");
}

/* Somebody has taken an alert on. */
static void judge_word(alerting *a, struct json_object *payload)
{
    const char *until = json_get_text(payload, "until"), *name = text_of(payload, "name");
    BUF_AUTO by = BUF_INIT(EVENT_PAYLOAD);
    a->is_acknowledging = a->is_keyed = true;
    a->key = base_strdup(text_of(payload, "alert_id"));
    a->said = base_printf("acknowledged by %s%s%.19s%s (%s)", name, until ? " until " : "", until ? until : "",
                          until ? "Z" : "", text_of(payload, "reason"));
    buf_putc(&by, '{');
    json_member_string(&by, "by", name);
    json_member_string(&by, "because", text_of(payload, "reason"));
    json_key(&by, "at");
    json_time(&by, a->at);
    if (until)
        json_member_string(&by, "until", until);
    buf_putc(&by, '}');
    a->acknowledged = base_strdup(buf_text(&by));
}

/* A pair of tables has one alert for each matter, whichever check has found it. */
static void judge_pair(alerting *a, struct json_object *payload, bool is_over)
{
    const char *check = text_of(payload, "check"), *line = json_get_text(payload, "text");
    const char *source = text_of(payload, "source"), *target = text_of(payload, "target");
    const char *pair = json_get_text(payload, "pair");
    a->resolves = is_over;
    a->severity = serve_severity(json_get_text(payload, "level"));
    a->key = base_printf("sync/%s/%s/%s", check, source, target);
    a->text = line ? base_strdup(line)
                   : base_printf("%s and %s: %s %s", source, target, check, is_over ? "is in order" : "differs");
    a->metric = base_strdup(check);
    a->object = pair ? base_strdup(pair) : base_printf("%s and %s", source, target);
    a->value = number_of(payload, strcmp(check, "freshness") == 0 ? "lag_seconds" : "drift");
    a->threshold = strcmp(check, "freshness") == 0 ? number_of(payload, "limit_seconds") : NAN;
}

/* Days of the bill that do not fit: the alert is a branch's, though the whole workspace is looked at. */
static void judge_cost(alerting *a, struct json_object *payload, bool is_over)
{
    const char *account = text_of(payload, "account"), *line = json_get_text(payload, "text");
    a->project = base_strdup(json_get_text(payload, "project_id"));
    a->branch = base_strdup(json_get_text(payload, "branch_id"));
    a->resolves = is_over;
    a->severity = serve_severity(json_get_text(payload, "level"));
    a->key = base_strdup(a->project ? "cost/" : "cost/unattributed");
    a->text = line ? base_strdup(line) : base_printf("what %s costs is %s", account, is_over ? "usual" : "not usual");
    a->metric = base_strdup("cost");
    a->object = base_strdup(account);
    a->value = number_of(payload, "cost");
    a->threshold = number_of(payload, "expected");
}

/* Monitoring sees nothing of a target: one alert, however many tools look there. */
static void judge_sight(alerting *a, const event *e, struct json_object *payload)
{
    const char *where = e->project ? e->branch : "the workspace";
    double lasted = number_of(payload, "lasted_s");
    a->resolves = strcmp(e->kind, "target.unseen") != 0;
    a->severity = serve_severity(json_get_text(payload, "level"));
    a->key = base_strdup("unseen/");
    a->text =
        strcmp(e->kind, "target.left") == 0
            ? base_printf("monitoring does not look at %s any more, which it could not see for %.0f s", where, lasted)
        : a->resolves ? base_printf("monitoring sees %s again, after %.0f s", where, lasted)
                      : base_printf("monitoring cannot see %s: %s has failed %lld times in a row, %s", where,
                                    text_of(payload, "tool"), (long long)json_get_i64(payload, "times", 0),
                                    text_of(payload, "reason"));
}

static void judge_service(alerting *a, struct json_object *payload, bool is_up)
{
    const char *name = text_of(payload, "service");
    a->severity = json_get_i64(payload, "restarts", 0) < SERVICE_FAILS ? SEVERITY_WARNING : SEVERITY_CRITICAL;
    a->resolves = is_up;
    a->key = base_printf(SERVICE_ALERT "%s", name);
    a->text = is_up ? base_printf("the %s service works again", name)
                    : base_printf("the %s service is down: %s", name, text_of(payload, "reason"));
}

static void judge_service_gone(alerting *a, struct json_object *payload)
{
    const char *name = text_of(payload, "service");
    a->severity = SEVERITY_WARNING;
    a->resolves = true;
    a->key = base_printf(SERVICE_ALERT "%s", name);
    a->text = base_printf("over, as the manifest names no %s service any more", name);
}

static void judge_suspension(alerting *a, struct json_object *payload, bool is_over)
{
    const char *tool = text_of(payload, "tool"), *by = json_get_text(payload, "by"), *why = text_of(payload, "reason");
    a->severity = SEVERITY_WARNING;
    a->resolves = is_over;
    a->key = base_printf("suspended/%s", tool);
    a->text = is_over ? base_printf("%s may run again", tool)
              : by    ? base_printf("%s is suspended by %s: %s", tool, by, why)
                      : base_printf("%s crashes and is suspended: %s", tool, why);
}

static void judge_approval_end(alerting *a, const event *e, struct json_object *payload)
{
    const char *id = text_of(payload, "approval_id"), *group = json_get_text(payload, "group");
    const char *what = group ? group : id, *status = text_of(payload, "status");
    a->severity = SEVERITY_INFO;
    a->resolves = true;
    a->key = base_printf("approval/%s", id);
    if (strcmp(e->kind, "approval.decided") == 0)
        a->text = base_printf("%s %s: %s", text_of(payload, "by"), text_of(payload, "decision"), what);
    else if (strcmp(e->kind, "approval.expired") == 0)
        a->text = base_printf(json_get_bool(payload, "replaced") ? "a newer request took its place: %s"
                                                                 : "nobody decided in time: %s",
                              what);
    else if (strcmp(status, "unknown") == 0)
        a->text = base_printf("it was begun and its end is not known: %s", what);
    else
        a->text = base_printf("%s: %s", status, what);
}

/* What goes wrong there was planted. */
static bool is_rehearsed(const event *e)
{
    return e->project && e->branch && strncmp(e->branch, LB_REHEARSAL_BRANCH, strlen(LB_REHEARSAL_BRANCH)) == 0;
}

static bool judge(alerting *a, const event *e, struct json_object *payload)
{
    if (strcmp(e->kind, "threshold.breached") == 0 || strcmp(e->kind, "threshold.cleared") == 0) {
        judge_threshold(a, payload, e->kind[10] == 'c');
    } else if (strcmp(e->kind, "threshold.treated") == 0) {
        judge_treatment(a, e, payload);
    } else if (strncmp(e->kind, "issue.", 6) == 0 || strncmp(e->kind, "awake.", 6) == 0) {
        judge_issue(a, payload, e->kind[6] == 'r');
    } else if (strncmp(e->kind, "sync.drift_", 11) == 0) {
        judge_pair(a, payload, e->kind[11] == 'c');
    } else if (strcmp(e->kind, "cost.anomaly") == 0 || strcmp(e->kind, "cost.normal") == 0) {
        judge_cost(a, payload, e->kind[5] == 'n');
    } else if (strcmp(e->kind, "person.acknowledged") == 0) {
        judge_word(a, payload);
    } else if (strcmp(e->kind, "reminder.due") == 0) {
        a->is_reminding = a->is_keyed = true;
        a->from = base_strdup(json_get_text(payload, "from"));
        a->key = base_strdup(text_of(payload, "alert_id"));
    } else if (strcmp(e->kind, "service.down") == 0 || strcmp(e->kind, "service.up") == 0) {
        judge_service(a, payload, e->kind[8] == 'u');
    } else if (strcmp(e->kind, "service.gone") == 0) {
        judge_service_gone(a, payload);
    } else if (strcmp(e->kind, "target.gone") == 0) {
        a->resolves = a->is_keyed = true;
        a->severity = serve_severity(json_get_text(payload, "severity"));
        a->key = base_strdup(text_of(payload, "alert_id"));
        a->text = base_strdup(text_of(payload, "text"));
    } else if (strcmp(e->kind, "branch.deleted") == 0) {
        a->ends_all = true;
        a->branch = base_strdup(text_of(payload, "branch_id"));
    } else if (strncmp(e->kind, "target.", 7) == 0) {
        judge_sight(a, e, payload);
    } else if (strcmp(e->kind, "tool.suspended") == 0 || strcmp(e->kind, "tool.resumed") == 0) {
        judge_suspension(a, payload, e->kind[5] == 'r');
    } else if (strcmp(e->kind, "history.thinned") == 0) {
        a->severity = SEVERITY_CRITICAL;
        a->key = base_strdup("history/thinned");
        a->text = base_strdup("history cannot be written, and metrics are being thinned");
    } else if (strcmp(e->kind, "approval.requested") == 0) {
        a->severity = SEVERITY_INFO;
        a->key = base_printf("approval/%s", text_of(payload, "approval_id"));
        a->text = base_printf("waits for a person: %s", text_of(payload, "group"));
    } else if (strncmp(e->kind, "approval.", 9) == 0) {
        judge_approval_end(a, e, payload);
    } else {
        return false;
    }
    return true;
}

/* Two branches have two alerts. */
static void add_place(alerting *a)
{
    char *key = base_printf("%s@%s/%s", a->key, a->project, a->branch ? a->branch : "");
    free(a->key);
    a->key = key;
}

bool serve_judge(alerting *a, const event *e, struct json_object *payload)
{
    if (is_rehearsed(e) || !judge(a, e, payload))
        return false;
    if (!a->project)
        a->project = base_strdup(e->project);
    if (!a->branch)
        a->branch = base_strdup(e->branch);
    if (a->project && a->key && !a->is_keyed)
        add_place(a);
    a->kind = base_strdup(e->kind);
    a->tool = base_strdup(e->tool);
    return true;
}

char *serve_describe(const event *e)
{
    if (e->line_length <= ABOUT_MOST)
        return base_printf("%.*s", (int)e->line_length, e->line);
    return base_printf("{\"seq\":%llu,\"kind\":\"%s\",\"run_id\":\"%s\"}", (unsigned long long)e->seq, e->kind,
                       e->run_id ? e->run_id : ""); /* neither has anything to escape */
}

void serve_alerting_done(alerting *a)
{
    char *const texts[] = {a->key,     a->text,   a->document, a->change, a->kind,   a->tool,
                           a->project, a->branch, a->metric,   a->object, a->action, a->acknowledged,
                           a->said,    a->line,   a->from,     a->teller, a->treated};
    for (size_t i = 0; i < LB_COUNT(texts); i++)
        free(texts[i]);
    buf_done(&a->hears);
    buf_done(&a->knew);
    buf_done(&a->told);
}
