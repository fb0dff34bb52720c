#include "log.h"

#include "clock.h"
#include "json.h"

#define COMPONENTS_MOST 64

static struct {
    lb_level level;
    log_format format;
    bool colour;
    struct {
        char name[64];
        lb_level level;
    } components[COMPONENTS_MOST]; /* that have a level of their own */
    size_t component_count;
} settings = {.level = LB_LOG_WARN};

static const struct {
    const char *name, *colour;
    int journal;
} levels[] = {
    [LB_LOG_ERROR] = {"error", "\033[31m", 3},
    [LB_LOG_WARN] = {"warn", "\033[33m", 4},
    [LB_LOG_INFO] = {"info", "", 6},
    [LB_LOG_DEBUG] = {"debug", "\033[2m", 7},
};

void log_setup(lb_level level, log_format format, bool colour)
{
    settings.level = level;
    settings.format = format;
    settings.colour = colour;
}

bool log_enabled(lb_level level)
{
    return level <= settings.level;
}

const char *log_level_name(lb_level level)
{
    return levels[level].name;
}

bool log_level_parse(const char *name, lb_level *ret_level)
{
    for (lb_level level = LB_LOG_ERROR; level <= LB_LOG_DEBUG; level++) {
        if (strcmp(levels[level].name, name) == 0) {
            *ret_level = level;
            return true;
        }
    }
    return false;
}

static void write_line(lb_level level, const char *component, const char *text)
{
    BUF_AUTO line = BUF_INIT(65536);
    char now[CLOCK_TEXT];
    switch (settings.format) {
    case LOG_JSON:
        clock_format(clock_now(), now);
        buf_putc(&line, '{');
        json_member_string(&line, "time", now);
        json_member_string(&line, "level", levels[level].name);
        json_member_string(&line, "component", component);
        json_member_string(&line, "message", text);
        buf_puts(&line, "}\n");
        break;
    case LOG_JOURNAL:
        buf_printf(&line, "<%d>%s: %s\n", levels[level].journal, component, text);
        break;
    case LOG_TEXT:
        buf_printf(&line, "%s%s%s %s: %s\n", settings.colour ? levels[level].colour : "", levels[level].name,
                   settings.colour ? "\033[0m" : "", component, text);
        break;
    }
    (void)!write(STDERR_FILENO, buf_text(&line), line.length); /* there is nowhere to report a dead stderr to */
}

void log_set_level(const char *component, lb_level level)
{
    if (!component) {
        settings.level = level;
        settings.component_count = 0;
        return;
    }
    for (size_t i = 0; i < settings.component_count; i++)
        if (strcmp(settings.components[i].name, component) == 0) {
            settings.components[i].level = level;
            return;
        }
    if (settings.component_count == COMPONENTS_MOST)
        return; /* more than a person sets by hand */
    (void)snprintf(settings.components[settings.component_count].name, sizeof settings.components[0].name, "%s",
                   component);
    settings.components[settings.component_count++].level = level;
}

static bool is_wanted(lb_level level, const char *component)
{
    for (size_t i = 0; i < settings.component_count; i++)
        if (strcmp(settings.components[i].name, component) == 0)
            return level <= settings.components[i].level;
    return log_enabled(level);
}

void log_line(lb_level level, const char *component, const char *fmt, ...)
{
    if (!is_wanted(level, component))
        return;
    va_list args;
    char text[4096];
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* a long line is cut */
    va_end(args);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' '; /* servers' messages reach this: no lines of their own making, no terminal codes */
    write_line(level, component, text);
}

void log_error(const char *component, const lb_error *err)
{
    log_line(LB_LOG_ERROR, component, "%s (%s)%s%s", err->message, error_name(err->code),
             err->hint[0] ? "; hint: " : "", err->hint);
}
