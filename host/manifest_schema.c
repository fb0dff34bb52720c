#include "manifest_internal.h"

#define AT(type, field) .offset = offsetof(type, field)
#define TABLE(type, rows)                                                                                              \
    .fields = (rows), .count = LB_COUNT(rows), .size = sizeof(type), .place_offset = offsetof(type, place)

/* In the order of lb_branch_class, of effect from additive on, and of manifest_decision. */
static const char *const classes[] = {"throwaway", "shared", "production", NULL};
static const char *const effects[] = {"additive", "disruptive", "destructive", NULL};
static const char *const decisions[] = {"execute", "ask", "refuse", NULL};

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
const schema_table schema_workspace = {
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
const schema_table schema_limits = {
    .header = "[limits]",
    .doc = "Bounds that keep one tool from harming the others.",
    .fields = limit_fields,
    .count = LB_COUNT(limit_fields),
};

static const schema_field service_fields[] = {
    {"plugin", FIELD_NAME, AT(manifest_service, plugin), .required = true,
     .doc = "the plugin that provides the service"},
};
const schema_table schema_service = {
    .header = "[services.KIND]",
    .doc = "A service behind a fixed interface; KIND is transport, delta, alert, approval, state or model. Any other "
           "key is "
           "a parameter of the plugin; one that holds a secret is written { secret = \"NAME\" }.",
    TABLE(manifest_service, service_fields),
    .params_offset = offsetof(manifest_service, params),
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
const schema_table schema_target = {
    .header = "[[targets]]",
    .doc = "A branch that the agents look after.",
    TABLE(manifest_target, target_fields),
};

static const schema_field agent_fields[] = {
    {"mission", FIELD_TEXT, AT(manifest_agent, mission), .doc = "what the agent is for, in a sentence"},
    {"tools", FIELD_TOOLS, .doc = "names of its tools"},
    {"tool", FIELD_TABLES, .doc = "tables of single tools, see below; a tool that has one need not be listed"},
    {"cycle", FIELD_NAMES, AT(manifest_agent, cycle),
     .doc = "the order of its tools in a cycle; without it, as listed"},
};
const schema_table schema_agent = {
    .header = "[agents.NAME]",
    .doc = "A named set of tools.",
    TABLE(manifest_agent, agent_fields),
};

static const schema_field tool_fields[] = {
    {"schedule", FIELD_CRON, AT(manifest_tool, schedule),
     .doc = "five-field cron or @hourly and the like; \"\" switches the tool's own schedule off"},
    {"timeout_s", FIELD_INT, AT(manifest_tool, timeout_s), .min = 1, .max = 86400, .doc = "time for one run"},
    {"needs_approval", FIELD_TRISTATE, AT(manifest_tool, needs_approval),
     .doc = "asks for every disruptive or destructive change; without it, as the tool says"},
    {"disabled", FIELD_BOOL, AT(manifest_tool, disabled), .fallback = "false", .doc = "the tool never runs"},
    {"params", FIELD_PARAMS, AT(manifest_tool, params), .doc = "values for the tool's parameters"},
};
const schema_table schema_tool = {
    .header = "[agents.NAME.tool.TOOL]",
    .doc = "Overrides for one tool of an agent.",
    TABLE(manifest_tool, tool_fields),
};

static const schema_field subscription_fields[] = {
    {"event", FIELD_EVENT, AT(manifest_subscription, event), .required = true,
     .doc = "the event, such as branch.created, or a pattern, such as branch.*"},
    {"tool", FIELD_NAME, AT(manifest_subscription, tool), .required = true, .doc = "the tool that runs then"},
    {"params", FIELD_PARAMS, AT(manifest_subscription, params),
     .doc = "values for its parameters; {payload.KEY} stands for a value of the event"},
};
const schema_table schema_subscription = {
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
};
const schema_table schema_threshold = {
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
const schema_table schema_rule = {
    .header = "[[gate]]",
    .doc = "A rule of the gate. The strictest rule that matches wins.",
    TABLE(manifest_rule, rule_fields),
};

#define LIST(name, rows, member, counter)                                                                              \
    {                                                                                                                  \
        (name), &(rows), offsetof(manifest, member), offsetof(manifest, counter)                                       \
    }

const schema_list schema_lists[] = {
    LIST("targets", schema_target, targets, target_count),
    LIST("subscriptions", schema_subscription, subscriptions, subscription_count),
    LIST("thresholds", schema_threshold, thresholds, threshold_count),
    LIST("gate", schema_rule, rules, rule_count),
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
        &schema_workspace, &schema_limits, &schema_service,      &schema_secret,    &schema_target,
        &schema_agent,     &schema_tool,   &schema_subscription, &schema_threshold, &schema_rule,
    };
    for (size_t i = 0; i < LB_COUNT(tables); i++) {
        buf_printf(b, "%s### `%s`\n\n%s\n\n", i ? "\n" : "", tables[i]->header, tables[i]->doc);
        buf_puts(b, "| key | value | default | meaning |\n|---|---|---|---|\n");
        for (size_t f = 0; f < tables[i]->count; f++)
            reference_row(b, &tables[i]->fields[f]);
    }
}
