#include "manifest_internal.h"

#define AT(type, field) .offset = offsetof(type, field)
#define TABLE(type, rows)                                                                                              \
    .fields = (rows), .count = LB_COUNT(rows), .size = sizeof(type), .place_offset = offsetof(type, place)

/* In the order of lb_branch_class, of effect from additive on, of manifest_decision, and of manifest_site_kind. */
static const char *const classes[] = {"throwaway", "shared", "production", NULL};
static const char *const effects[] = {"additive", "disruptive", "destructive", NULL};
static const char *const decisions[] = {"execute", "ask", "refuse", NULL};
static const char *const window_kinds[] = {"allow", "pause", NULL};
static const char *const routines[] = {"expiry", "reset", NULL};
static const char *const seconds[] = {"never", "destructive", "always", NULL};
static const char *const site_kinds[] = {"json", "github", NULL};
static const char *const severities[] = {"info", "warning", "critical", NULL};
static const char *const phases[] = {"foundation",    "index and vacuum", "sync and branches",
                                     "cold archival", "AI operations",    NULL};
static const char *const catch_ups[] = {"once", "never", NULL};

static const schema_field workspace_fields[] = {
    {"name", FIELD_LABEL, AT(manifest, name), .required = true, .doc = "what people and history call this workspace"},
    {"state_dir", FIELD_PATH, AT(manifest, state_dir), .fallback = ".lbops",
     .doc = "where runs, approvals and the outbox live; LBOPS_STATE_DIR wins over it"},
    {"timezone", FIELD_ZONE, AT(manifest, timezone), .fallback = "UTC", .doc = "the zone that schedules are read in"},
    {"plugins", FIELD_PATHS, AT(manifest, plugin_dirs),
     .doc = "directories of plugins, the first one wins; without it, plugins/ beside the program"},
    {"lock_file", FIELD_PATH, AT(manifest, lock_file),
     .doc = "a file that pins each plugin to the hash of its content"},
};
static const schema_table schema_workspace = {
    .header = "[workspace]",
    .doc = "What this file describes, and where its state lives. Relative paths start at the manifest's directory.",
    .fields = workspace_fields,
    .count = LB_COUNT(workspace_fields),
};

#define LIMIT(key, low, high, dflt, text)                                                                              \
    {                                                                                                                  \
#key, FIELD_INT, AT(manifest_limits, key), .min = (low), .max = (high), .fallback = (dflt), .doc = (text)      \
    }

static const schema_field limit_fields[] = {
    LIMIT(workers, 1, 256, "2", "worker processes"),
    LIMIT(worker_memory_mb, 128, 1 << 20, "1024", "address space of a worker"),
    LIMIT(run_memory_mb, 1, 1 << 16, "256", "memory that one run may use"),
    LIMIT(result_mb, 1, 1024, "16", "size of one run's result document"),
    LIMIT(run_events, 1, 1000000, "10000", "events that one run may emit"),
    LIMIT(run_records, 1, 1000000000, "1000000", "history records that one run may write"),
    LIMIT(run_timeout_s, 1, 86400, "300", "time for a run whose tool and manifest entry say nothing"),
    LIMIT(grace_s, 0, 600, "5", "time between asking a run to stop and killing it"),
    LIMIT(recycle_runs, 1, 1000000000, "10000", "runs after which a worker is replaced"),
    LIMIT(crashes_to_suspend, 1, 1000, "3", "crashes after which a tool is suspended"),
    LIMIT(connection_idle_s, 0, 3600, "60", "time after which an idle connection is closed"),
    LIMIT(outbox_mb, 1, 1 << 20, "1024", "records that may wait for the delta service"),
};
static const schema_table schema_limits = {
    .header = "[limits]",
    .doc = "Bounds that keep one tool from harming the others.",
    .fields = limit_fields,
    .count = LB_COUNT(limit_fields),
};

static const schema_field timing_fields[] = {
    {"spread_s", FIELD_INT, AT(manifest_timing, spread_s), .min = 0, .max = 86400, .fallback = "300",
     .doc = "how far the runs of one schedule are spread over the targets, at most its period; 0 starts all at once"},
    {"catch_up", FIELD_CHOICE, AT(manifest_timing, catch_up), .choices = catch_ups, .fallback = "once",
     .doc = "what could not start in time runs once, late, or never"},
    {"backoff_max_s", FIELD_INT, AT(manifest_timing, backoff_max_s), .min = 1, .max = 604800, .fallback = "3600",
     .doc = "most time between two starts of what keeps failing; it doubles from the schedule's own"},
    {"drain_s", FIELD_INT, AT(manifest_timing, drain_s), .min = 0, .max = 86400, .fallback = "30",
     .doc = "time that runs are given to end when the daemon is told to stop"},
    {"awake_min", FIELD_INT, AT(manifest_timing, awake_min), .min = 0, .max = 1440, .fallback = "0",
     .doc = "minutes a day (UTC) that schedules may keep the compute of each target awake when nobody else does: past "
            "that, what comes more often than every six hours is skipped until somebody else comes, even where the "
            "target says wake; 0: no such budget"},
};
static const schema_table schema_timing = {
    .header = "[schedule]",
    .doc = "How the daemon keeps its schedules.",
    .fields = timing_fields,
    .count = LB_COUNT(timing_fields),
};

static const schema_field event_fields[] = {
    {"chain_limit", FIELD_INT, AT(manifest_events, chain_limit), .min = 1, .max = 1000, .fallback = "8",
     .doc = "how many runs may follow from one another by events before the chain is cut"},
    {"keep_days", FIELD_INT, AT(manifest_events, keep_days), .min = 1, .max = 36500, .fallback = "90",
     .doc = "days after which the log forgets"},
    {"segment_mb", FIELD_INT, AT(manifest_events, segment_mb), .min = 1, .max = 4096, .fallback = "16",
     .doc = "size at which the log begins a new file"},
};
static const schema_table schema_events = {
    .header = "[events]",
    .doc = "The log of events, and what follows from them.",
    .fields = event_fields,
    .count = LB_COUNT(event_fields),
};

static const schema_field approval_fields[] = {
    {"expires_h", FIELD_INT, AT(manifest_approvals, expires_h), .min = 1, .max = 8760, .fallback = "72",
     .doc = "hours after which what nobody decided expires"},
    {"second_person", FIELD_CHOICE, AT(manifest_approvals, second_person), .choices = seconds, .fallback = "never",
     .doc = "for what two people must approve"},
    {"approvers", FIELD_TEXTS, AT(manifest_approvals, approvers),
     .doc = "names of those who may approve and deny; without it, anybody"},
};
static const schema_table schema_approvals = {
    .header = "[approvals]",
    .doc = "How what the gate asks for is decided.",
    .fields = approval_fields,
    .count = LB_COUNT(approval_fields),
};

static const schema_field reminder_fields[] = {
    {"remind_critical_s", FIELD_INT, AT(manifest_reminders, remind_critical_s), .min = 0, .max = 31536000,
     .fallback = "14400", .doc = "seconds after which a critical alert that is still open is told again; 0: never"},
    {"remind_warning_s", FIELD_INT, AT(manifest_reminders, remind_warning_s), .min = 0, .max = 31536000,
     .fallback = "86400", .doc = "likewise a warning"},
};
static const schema_table schema_reminders = {
    .header = "[alerts]",
    .doc = "When people are reminded of an alert of which nobody who sees it says when.",
    .fields = reminder_fields,
    .count = LB_COUNT(reminder_fields),
};

static const schema_field model_fields[] = {
    {"forbid", FIELD_BOOL, AT(manifest_models, forbid), .fallback = "false",
     .doc = "true: nothing leaves for a model, whatever [services.model] says; only one that stays here is asked"},
};
static const schema_table schema_models = {
    .header = "[model]",
    .doc = "What a model may be asked. Which one answers stands in [services.model]; without it, model_rules does.",
    .fields = model_fields,
    .count = LB_COUNT(model_fields),
};

#define SECTION(name, rows, member)                                                                                    \
    {                                                                                                                  \
        (name), &(rows), offsetof(manifest, member)                                                                    \
    }

const schema_section schema_sections[] = {
    {"workspace", &schema_workspace, 0},
    SECTION("limits", schema_limits, limits),
    SECTION("schedule", schema_timing, schedule),
    SECTION("events", schema_events, events),
    SECTION("approvals", schema_approvals, approvals),
    SECTION("alerts", schema_reminders, alerts),
    SECTION("model", schema_models, models),
};
const size_t schema_section_count = LB_COUNT(schema_sections);

static const schema_field service_fields[] = {
    {"plugin", FIELD_NAME, AT(manifest_service, plugin), .required = true,
     .doc = "the plugin that provides the service"},
};
const schema_table schema_service = {
    .header = "[services.KIND]",
    .doc = "A service behind a fixed interface; KIND is transport, delta, approval, state, model or http. Any "
           "other key is a parameter of the plugin; one that holds a secret is written { secret = \"NAME\" }.",
    TABLE(manifest_service, service_fields),
    .params_offset = offsetof(manifest_service, params),
};

static const schema_field alert_fields[] = {
    {"plugin", FIELD_NAME, AT(manifest_service, plugin), .required = true,
     .doc = "the plugin that tells people: alert_slack, alert_pagerduty, alert_email ..."},
    {"digest_above", FIELD_INT, AT(manifest_service, digest_above), .min = 0, .max = 10000, .fallback = "20",
     .doc = "so many messages go out one by one; what is more is folded into one digest. 0: never"},
    {"digest_s", FIELD_INT, AT(manifest_service, digest_s), .min = 1, .max = 86400, .fallback = "120",
     .doc = "in so many seconds; a digest waits no longer than that"},
    {"retry_most_s", FIELD_INT, AT(manifest_service, retry_most_s), .min = 1, .max = 86400, .fallback = "300",
     .doc = "of an alert service: the longest pause, in seconds, before what was not taken is sent again"},
    {"digest_critical", FIELD_BOOL, AT(manifest_service, digest_critical), .fallback = "false",
     .doc = "critical alerts are folded as well; without it they always go out, as ends of alerts do"},
    {"second", FIELD_NAME, AT(manifest_service, second),
     .doc = "the alert service that hears of what this one could not deliver, and says so"},
    {"second_after_s", FIELD_INT, AT(manifest_service, second_after_s), .min = 1, .max = 86400, .fallback = "120",
     .doc = "once this one has failed for so many seconds; of what it refuses for good, at once"},
};
const schema_table schema_alert = {
    .header = "[services.alert.NAME]",
    .doc = "An alert service; any number of them, each with a name, a process and a queue of its own. A single one may "
           "be written as [services.alert] and is then called alert. Any other key is a parameter of the plugin.",
    TABLE(manifest_service, alert_fields),
    .params_offset = offsetof(manifest_service, params),
};

static const schema_field alert_route_fields[] = {
    {"to", FIELD_TEXTS, AT(manifest_alert_route, to), .required = true, .doc = "names of alert services"},
    {"severity", FIELD_CHOICE, AT(manifest_alert_route, severity), .choices = severities,
     .doc = "alerts that are so bad or worse; without it, all"},
    {"project", FIELD_PATTERN, AT(manifest_alert_route, project), .doc = "pattern of the projects; without it, all"},
    {"branch", FIELD_PATTERN, AT(manifest_alert_route, branch), .doc = "pattern of the branches; without it, all"},
    {"days", FIELD_TEXT, AT(manifest_alert_route, days),
     .doc = "such as mon-fri or sat,sun; of hours past midnight, the day on which they begin"},
    {"hours", FIELD_TEXT, AT(manifest_alert_route, hours), .doc = "such as 08:00-18:00 or 22:00-06:00"},
    {"timezone", FIELD_ZONE, AT(manifest_alert_route, timezone),
     .doc = "of days and hours; without it, the workspace's"},
    {"otherwise", FIELD_BOOL, AT(manifest_alert_route, otherwise), .fallback = "false",
     .doc = "takes what no other route has taken"},
};
static const schema_table schema_alert_route = {
    .header = "[[alert_routes]]",
    .doc =
        "Which alerts go to which services: to those of every route that matches. Without routes, all go to all. What "
        "no route takes goes to every service, unless a route says otherwise. An end goes to whoever heard of the "
        "beginning.",
    TABLE(manifest_alert_route, alert_route_fields),
};

static const schema_field secret_fields[] = {
    {"env", FIELD_TEXT, AT(manifest_secret, env), .doc = "the environment variable that holds it"},
    {"file", FIELD_PATH, AT(manifest_secret, file), .doc = "the file that holds it, ours and mode 0600"},
};
const schema_table schema_secret = {
    .header = "[secrets] NAME = { ... }",
    .doc = "Where a secret is found; one of the two. The secret itself never stands in a manifest.",
    TABLE(manifest_secret, secret_fields),
};

static const schema_field site_fields[] = {
    {"url", FIELD_TEXT, AT(manifest_site, url), .required = true,
     .doc = "where it is, such as https://api.github.com; what a tool asks for stands below it"},
    {"kind", FIELD_CHOICE, AT(manifest_site, kind), .choices = site_kinds, .fallback = "json",
     .doc =
         "which headers its calls carry; json: a bearer token and no others; github: the version of its API as well"},
    {"token", FIELD_SECRET, AT(manifest_site, token),
     .doc = "{ secret = \"NAME\" }: sent with each call; without it, calls have none"},
    {"ca", FIELD_PATH, AT(manifest_site, ca), .doc = "certificates to trust, PEM, instead of the system's"},
    {"allow_plain", FIELD_BOOL, AT(manifest_site, allow_plain), .fallback = "false",
     .doc = "the url may be http on this machine itself, for tests; `lbops check` lists it"},
};
const schema_table schema_site = {
    .header = "[http.NAME]",
    .doc = "A web service that tools may call by that name, and that reaches nowhere else.",
    TABLE(manifest_site, site_fields),
};

static const schema_field target_fields[] = {
    {"project", FIELD_PATTERN, AT(manifest_target, project), .required = true, .doc = "the project's name"},
    {"branch", FIELD_PATTERN, AT(manifest_target, branch), .required = true, .doc = "the branch's name"},
    {"pattern", FIELD_BOOL, AT(manifest_target, pattern), .fallback = "false",
     .doc = "the names are patterns with * and ?, resolved against the control plane"},
    {"class", FIELD_CHOICE, AT(manifest_target, branch_class), .choices = classes,
     .doc = "how careful to be; without it production, or for a pattern what the branch's protection says"},
    {"wake", FIELD_BOOL, AT(manifest_target, wake), .fallback = "false",
     .doc = "routine collection may wake a suspended compute"},
};
static const schema_table schema_target = {
    .header = "[[targets]]",
    .doc = "A branch that the agents look after.",
    TABLE(manifest_target, target_fields),
};

static const schema_field agent_fields[] = {
    {"mission", FIELD_TEXT, AT(manifest_agent, mission), .doc = "what the agent is for, in a sentence"},
    {"tools", FIELD_TOOLS, .doc = "names of its tools"},
    {"helpers", FIELD_TOOLS, .doc = "names of tools that its tools call: they run for these, and are in no cycle"},
    {"tool", FIELD_TABLES, .doc = "tables of single tools, see below; a tool that has one need not be listed"},
    {"cycle", FIELD_NAMES, AT(manifest_agent, cycle),
     .doc = "the order of its tools in a cycle, within a phase: phases come first, see `phase`; without it, as listed"},
};
const schema_table schema_agent = {
    .header = "[agents.NAME]",
    .doc = "A named set of tools.",
    TABLE(manifest_agent, agent_fields),
};

static const schema_field tool_fields[] = {
    {"schedule", FIELD_CRON, AT(manifest_tool, schedule),
     .doc = "five-field cron, @hourly and the like, or @every 30s; \"\" switches the tool's own schedule off"},
    {"timeout_s", FIELD_INT, AT(manifest_tool, timeout_s), .min = 1, .max = 86400, .doc = "time for one run"},
    {"needs_approval", FIELD_TRISTATE, AT(manifest_tool, needs_approval),
     .doc = "asks for every disruptive or destructive change; without it, as the tool says"},
    {"disabled", FIELD_BOOL, AT(manifest_tool, disabled), .fallback = "false", .doc = "the tool never runs"},
    {"window", FIELD_LABEL, AT(manifest_tool, window),
     .doc = "its schedule starts it only while a window of this name is open"},
    {"phase", FIELD_CHOICE, AT(manifest_tool, phase), .choices = phases,
     .doc = "its phase of the cycle; without it, by its name"},
    {"aside", FIELD_TEXT, AT(manifest_tool, aside), .doc = "why the agent's cycle leaves it out, for the report"},
    {"params", FIELD_PARAMS, AT(manifest_tool, params), .doc = "values for the tool's parameters"},
};
const schema_table schema_tool = {
    .header = "[agents.NAME.tool.TOOL]",
    .doc = "Overrides for one tool of an agent.",
    TABLE(manifest_tool, tool_fields),
};

static const schema_field schedule_fields[] = {
    {"tool", FIELD_NAME, AT(manifest_schedule, tool), .required = true, .doc = "the tool that runs"},
    {"cron", FIELD_CRON, AT(manifest_schedule, cron), .required = true,
     .doc = "five-field cron, @hourly and the like, or @every 30s, in the workspace's timezone"},
    {"agent", FIELD_NAME, AT(manifest_schedule, agent), .doc = "the agent it runs for; without it, the first with it"},
    {"name", FIELD_LABEL, AT(manifest_schedule, name),
     .doc = "tells it from the tool's other schedules; without it, its params do"},
    {"params", FIELD_PARAMS, AT(manifest_schedule, params),
     .doc = "values for the tool's parameters; the others are as the agent's entry says"},
    {"project", FIELD_PATTERN, AT(manifest_schedule, project), .doc = "pattern of the projects; without it, all"},
    {"branch", FIELD_PATTERN, AT(manifest_schedule, branch), .doc = "pattern of the branches; without it, all"},
    {"window", FIELD_LABEL, AT(manifest_schedule, window), .doc = "starts only while a window of this name is open"},
};
static const schema_table schema_schedule = {
    .header = "[[schedules]]",
    .doc = "One more schedule of a tool, with parameters of its own or for some of the targets. The tool's own stays. "
           "Of several with the same name, or with none and the same params, the first that fits a target holds there.",
    TABLE(manifest_schedule, schedule_fields),
};

static const schema_field window_fields[] = {
    {"name", FIELD_LABEL, AT(manifest_window, name), .required = true,
     .doc = "what tools and schedules call it; several windows may have one name"},
    {"kind", FIELD_CHOICE, AT(manifest_window, kind), .required = true, .choices = window_kinds,
     .doc = "allow: what names the window starts only while it is open, and what came due before waits for it, once; "
            "pause: while it is open, no schedule starts anything on its targets"},
    {"opens", FIELD_CRON, AT(manifest_window, opens), .required = true, .doc = "five-field cron: when it opens"},
    {"lasts_min", FIELD_INT, AT(manifest_window, lasts_min), .required = true, .min = 1, .max = 44640,
     .doc = "minutes that it stays open"},
    {"timezone", FIELD_ZONE, AT(manifest_window, timezone), .doc = "of opens; without it, the workspace's"},
    {"project", FIELD_PATTERN, AT(manifest_window, project), .doc = "pattern of the projects; without it, all"},
    {"branch", FIELD_PATTERN, AT(manifest_window, branch), .doc = "pattern of the branches; without it, all"},
};
static const schema_table schema_window = {
    .header = "[[windows]]",
    .doc = "A time in which scheduled runs may start, or may not. What runs already is left alone.",
    TABLE(manifest_window, window_fields),
};

static const schema_field routine_fields[] = {
    {"what", FIELD_CHOICE, AT(manifest_routine, what), .required = true, .choices = routines,
     .doc = "expiry: deleting a branch whose time is over; reset: putting it back to its parent"},
    {"branch", FIELD_PATTERN, AT(manifest_routine, branch), .required = true, .doc = "pattern of the branches"},
    {"project", FIELD_PATTERN, AT(manifest_routine, project), .doc = "pattern of the projects; without it, all"},
    {"reason", FIELD_TEXT, AT(manifest_routine, reason), .required = true, .doc = "why; `lbops check` prints it"},
};
static const schema_table schema_routine = {
    .header = "[[routine]]",
    .doc = "What the branch policy declares routine on shared branches: the gate does not ask for it there.",
    TABLE(manifest_routine, routine_fields),
};

static const schema_field subscription_fields[] = {
    {"event", FIELD_EVENT, AT(manifest_subscription, event), .required = true,
     .doc = "the event, such as branch.created, or a pattern, such as branch.*"},
    {"tool", FIELD_NAME, AT(manifest_subscription, tool), .required = true, .doc = "the tool that runs then"},
    {"params", FIELD_PARAMS, AT(manifest_subscription, params),
     .doc = "values for its parameters; {payload.KEY} stands for a value of the event"},
};
static const schema_table schema_subscription = {
    .header = "[[subscriptions]]",
    .doc = "A tool that runs when another one reports an event.",
    TABLE(manifest_subscription, subscription_fields),
};

static const schema_field threshold_fields[] = {
    {"metric", FIELD_LABEL, AT(manifest_threshold, metric), .required = true, .doc = "the metric's name"},
    {"warning", FIELD_NUMBER, AT(manifest_threshold, warning), .doc = "limit for a warning"},
    {"critical", FIELD_NUMBER, AT(manifest_threshold, critical), .doc = "limit for a critical alert"},
    {"below", FIELD_BOOL, AT(manifest_threshold, below), .fallback = "false",
     .doc = "a breach is a value under the limit, not over it"},
    {"project", FIELD_PATTERN, AT(manifest_threshold, project), .doc = "pattern of the projects; without it, all"},
    {"branch", FIELD_PATTERN, AT(manifest_threshold, branch), .doc = "pattern of the branches; without it, all"},
    {"set_by", FIELD_TEXT, AT(manifest_threshold, set_by), .doc = "who chose these limits; alerts say it"},
    {"set_on", FIELD_TEXT, AT(manifest_threshold, set_on), .doc = "when, such as 2026-01-31"},
    {"reason", FIELD_TEXT, AT(manifest_threshold, reason), .doc = "why these and no others"},
};
static const schema_table schema_threshold = {
    .header = "[[thresholds]]",
    .doc = "When a metric is worth an alert. At least one of the two limits is there.",
    TABLE(manifest_threshold, threshold_fields),
};

static const schema_field rule_fields[] = {
    {"tool", FIELD_PATTERN, AT(manifest_rule, tool), .doc = "pattern of the tools; without it, all"},
    {"project", FIELD_PATTERN, AT(manifest_rule, project), .doc = "pattern of the projects; without it, all"},
    {"branch", FIELD_PATTERN, AT(manifest_rule, branch), .doc = "pattern of the branches; without it, all"},
    {"effect", FIELD_CHOICE, AT(manifest_rule, effect), .choices = effects,
     .doc = "what the change does; without it, any"},
    {"class", FIELD_CHOICE, AT(manifest_rule, branch_class), .choices = classes,
     .doc = "the branch's class; without it, any"},
    {"decision", FIELD_CHOICE, AT(manifest_rule, decision), .required = true, .choices = decisions,
     .doc = "what happens to such a change"},
    {"loosen", FIELD_BOOL, AT(manifest_rule, loosen), .fallback = "false",
     .doc = "the rule may be weaker than the built-in table; `lbops check` lists it"},
    {"reason", FIELD_TEXT, AT(manifest_rule, reason), .doc = "why; required with loosen"},
};
static const schema_table schema_rule = {
    .header = "[[gate]]",
    .doc = "A rule of the gate. The strictest rule that matches wins.",
    TABLE(manifest_rule, rule_fields),
};

static const schema_field job_fields[] = {
    {"name", FIELD_NAME, AT(manifest_job, name), .required = true, .doc = "what `lbops job` calls it"},
    {"tools", FIELD_NAMES, AT(manifest_job, tools), .required = true,
     .doc = "its tools in order; each runs on all of its targets before the next begins"},
    {"cron", FIELD_CRON, AT(manifest_job, cron), .required = true,
     .doc = "when it is to run, for what runs it: five-field cron, in the workspace's timezone"},
    {"timeout_s", FIELD_INT, AT(manifest_job, timeout_s), .min = 1, .max = 86400, .fallback = "3600",
     .doc = "time for all of it"},
    {"summary", FIELD_TEXT, AT(manifest_job, summary), .doc = "what it does, in a line"},
};
static const schema_table schema_job = {
    .header = "[[jobs]]",
    .doc = "Tools that `lbops job NAME` runs once, for cron, systemd timers or a workspace's own jobs. Seven come with "
           "the program (`lbops jobs`); one of the same name takes its place.",
    TABLE(manifest_job, job_fields),
};

#define LIST(name, rows, member, counter)                                                                              \
    {                                                                                                                  \
        (name), &(rows), offsetof(manifest, member), offsetof(manifest, counter)                                       \
    }

const schema_list schema_lists[] = {
    LIST("targets", schema_target, targets, target_count),
    LIST("schedules", schema_schedule, schedules, schedule_count),
    LIST("windows", schema_window, windows, window_count),
    LIST("subscriptions", schema_subscription, subscriptions, subscription_count),
    LIST("thresholds", schema_threshold, thresholds, threshold_count),
    LIST("gate", schema_rule, rules, rule_count),
    LIST("routine", schema_routine, routines, routine_count),
    LIST("alert_routes", schema_alert_route, alert_routes, alert_route_count),
    LIST("jobs", schema_job, jobs, job_count),
};
const size_t schema_list_count = LB_COUNT(schema_lists);

static const char *kind_text(field_kind kind)
{
    static const char *const names[] = {
        [FIELD_TEXT] = "text",           [FIELD_LABEL] = "name",
        [FIELD_NAME] = "name",           [FIELD_PATTERN] = "text",
        [FIELD_EVENT] = "event",         [FIELD_CRON] = "schedule",
        [FIELD_ZONE] = "timezone",       [FIELD_PATH] = "path",
        [FIELD_PATHS] = "list of paths", [FIELD_NAMES] = "list of names",
        [FIELD_INT] = "integer",         [FIELD_NUMBER] = "number",
        [FIELD_BOOL] = "true or false",  [FIELD_TRISTATE] = "true or false",
        [FIELD_CHOICE] = "choice",       [FIELD_PARAMS] = "table",
        [FIELD_TOOLS] = "list of names", [FIELD_TABLES] = "tables",
        [FIELD_TEXTS] = "list of texts", [FIELD_SECRET] = "secret",
    };
    return names[kind];
}

static void reference_row(buf *b, const schema_field *field)
{
    buf_printf(b, "| `%s` | ", field->key);
    if (field->kind == FIELD_INT)
        buf_printf(b, "integer, %d to %d", field->min, field->max);
    else if (field->kind == FIELD_CHOICE)
        for (const char *const *choice = field->choices; *choice; choice++)
            buf_printf(b, "%s%s", choice == field->choices ? "" : ", ", *choice);
    else
        buf_puts(b, kind_text(field->kind));
    if (field->required)
        buf_puts(b, " | required");
    else if (field->fallback)
        buf_printf(b, " | `%s`", field->fallback);
    else
        buf_puts(b, " | ");
    buf_printf(b, " | %s |\n", field->doc);
}

void manifest_reference(buf *b)
{
    static const schema_table *const tables[] = {
        &schema_workspace, &schema_limits,    &schema_service, &schema_alert,        &schema_alert_route,
        &schema_secret,    &schema_target,    &schema_agent,   &schema_tool,         &schema_timing,
        &schema_schedule,  &schema_window,    &schema_events,  &schema_subscription, &schema_threshold,
        &schema_rule,      &schema_approvals, &schema_routine, &schema_job,          &schema_site,
        &schema_reminders, &schema_models,
    };
    for (size_t i = 0; i < LB_COUNT(tables); i++) {
        buf_printf(b, "%s### `%s`\n\n%s\n\n", i ? "\n" : "", tables[i]->header, tables[i]->doc);
        buf_puts(b, "| key | value | default | meaning |\n|---|---|---|---|\n");
        for (size_t f = 0; f < tables[i]->count; f++)
            reference_row(b, &tables[i]->fields[f]);
    }
}
