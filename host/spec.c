#include "spec.h"

#include "cron.h"
#include "json.h"

static const char *const kinds[] = {
    [LB_KIND_TOOL] = "tool",   [LB_KIND_TRANSPORT] = "transport", [LB_KIND_DELTA] = "delta",
    [LB_KIND_ALERT] = "alert", [LB_KIND_APPROVAL] = "approval",   [LB_KIND_STATE] = "state",
    [LB_KIND_MODEL] = "model", [LB_KIND_HTTP] = "http",
};
static const char *const risks[] = {[LB_RISK_LOW] = "low", [LB_RISK_MEDIUM] = "medium", [LB_RISK_HIGH] = "high"};

static const char *name_at(const char *const *names, size_t count, unsigned index)
{
    return index < count && names[index] ? names[index] : "unknown";
}

const char *spec_kind_name(lb_kind kind)
{
    return name_at(kinds, LB_COUNT(kinds), (unsigned)kind);
}

const char *spec_risk_name(lb_risk risk)
{
    return name_at(risks, LB_COUNT(risks), (unsigned)risk);
}

bool spec_is_event(const char *name)
{
    char before = '.';
    size_t length = strnlen(name, PARAM_NAME_MAX + 1);
    if (!length || length > PARAM_NAME_MAX || name[length - 1] == '.')
        return false;
    for (size_t i = 0; i < length; before = name[i++]) {
        bool first = before == '.', letter = name[i] >= 'a' && name[i] <= 'z';
        bool later = (name[i] >= '0' && name[i] <= '9') || name[i] == '_' || name[i] == '.';
        if (!letter && (first || !later))
            return false;
    }
    return true;
}

bool spec_is_need(const char *text)
{
    static const char *const sorts[] = {"extension ", "role "};
    size_t length = strnlen(text, PARAM_NAME_MAX + 11);
    if (strncmp(text, "version ", 8) == 0)
        return length > 8 && length < 11 && strspn(text + 8, "0123456789") == length - 8;
    for (size_t i = 0; i < LB_COUNT(sorts); i++) {
        size_t kind = strlen(sorts[i]);
        if (strncmp(text, sorts[i], kind) == 0)
            return length > kind && length <= kind + PARAM_NAME_MAX &&
                   strspn(text + kind, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length - kind;
    }
    return false;
}

static void free_names(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

/* The rows' texts are the spec's own, though lb_param holds them as const. */
static void free_text(const char *text)
{
    union {
        const char *read;
        char *own;
    } pointer = {text};
    free(pointer.own);
}

static void free_rows(lb_param *rows)
{
    for (lb_param *row = rows; row && row->name; row++) {
        free_text(row->name);
        free_text(row->fallback);
        free_text(row->doc);
        free_text(row->choices);
        free_text(row->min);
        free_text(row->max);
        free_text(row->env);
    }
    free(rows);
}

plugin_spec *spec_free(plugin_spec *spec)
{
    if (!spec)
        return NULL;
    free(spec->path);
    free(spec->name);
    free(spec->version);
    free(spec->summary);
    free_rows(spec->params);
    free(spec->agent);
    free(spec->schedule);
    free_names(spec->writes);
    free_names(spec->emits);
    free_names(spec->calls);
    free_names(spec->needs);
    free(spec);
    return NULL;
}
