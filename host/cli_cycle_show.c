/* The report of a cycle for people: as text, and as a page with the look of the dashboards. */
#include "cli_cycle_report.h"
#include "cmd_dashboard.h"

#define SHOWN_MOST 20 /* of a list, in text */

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return object && json_object_object_get_ex(object, name, &value) && value ? json_object_get_string(value) : NULL;
}

static const char *shown(struct json_object *object, const char *name)
{
    const char *text = text_of(object, name);
    return text ? text : "-";
}

static size_t length_of(struct json_object *report, const char *list)
{
    struct json_object *items = json_get_list(report, list);
    return items ? json_object_array_length(items) : 0;
}

static struct json_object *item_of(struct json_object *report, const char *list, size_t i)
{
    return json_object_array_get_idx(json_get_list(report, list), i);
}

static long long total(struct json_object *report, const char *name)
{
    return (long long)json_get_i64(json_get_object(report, "totals"), name, 0);
}

/* ---- text ---- */

static void print_phases(const cli *c, struct json_object *report)
{
    (void)printf("\n%s%-20s %6s %6s %8s %8s %8s %9s %8s%s\n", cli_style(c, "1"), "phase", "runs", "ok", "failed",
                 "skipped", "waiting", "findings", "changes", cli_style(c, "0"));
    for (size_t i = 0; i < length_of(report, "phases"); i++) {
        struct json_object *p = item_of(report, "phases", i);
        if (!length_of(report, "agents") && json_get_i64(p, "runs", 0) == 0)
            continue; /* a job is about one of them, mostly */
        (void)printf("%-20s %6s %6s %8s %8s %8s %9s %8s\n", shown(p, "name"), shown(p, "runs"), shown(p, "ok"),
                     shown(p, "failed"), shown(p, "skipped"), shown(p, "pending_approval"), shown(p, "findings"),
                     shown(p, "changes"));
    }
}

static void print_agents(const cli *c, struct json_object *report)
{
    if (length_of(report, "agents"))
        (void)printf("\n%s%-20s %6s %6s %8s %8s %9s %9s %12s%s\n", cli_style(c, "1"), "agent", "tools", "ran", "failed",
                     "waiting", "no work", "skipped", "not in cycle", cli_style(c, "0"));
    for (size_t i = 0; i < length_of(report, "agents"); i++) {
        struct json_object *agent = item_of(report, "agents", i);
        (void)printf("%-20s %6s %6s %8s %8s %9s %9s %12s\n", shown(agent, "agent"), shown(agent, "tools"),
                     shown(agent, "ran"), shown(agent, "failed"), shown(agent, "waiting"), shown(agent, "without_work"),
                     shown(agent, "skipped"), shown(agent, "not_in_cycle"));
    }
}

static bool is_told(struct json_object *tool, const char *outcome, const char *why)
{
    const char *reason = text_of(tool, "why");
    return strcmp(shown(tool, "outcome"), outcome) == 0 && !json_get_bool(tool, "helper") && reason &&
           (!why || strcmp(reason, why) == 0);
}

/* Tools with one reason stand together. */
static void print_reasons(const cli *c, struct json_object *report, const char *outcome, const char *title)
{
    size_t count = length_of(report, "tools"), told = 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *tool = item_of(report, "tools", i);
        const char *why = text_of(tool, "why");
        bool is_first = is_told(tool, outcome, NULL);
        for (size_t k = 0; k < i && is_first; k++)
            is_first = !is_told(item_of(report, "tools", k), outcome, why);
        if (!is_first)
            continue;
        if (!told++)
            (void)printf("\n%s%s%s\n", cli_style(c, "1"), title, cli_style(c, "0"));
        (void)printf(" ");
        for (size_t k = i; k < count; k++)
            if (is_told(item_of(report, "tools", k), outcome, why))
                (void)printf(" %s", shown(item_of(report, "tools", k), "tool"));
        (void)printf("\n      %s\n", why);
    }
}

static void print_more(struct json_object *report, const char *list)
{
    size_t count = length_of(report, list);
    if (count > SHOWN_MOST)
        (void)printf("  and %zu more\n", count - SHOWN_MOST);
}

static void print_requests(const cli *c, struct json_object *report)
{
    size_t count = length_of(report, "asked");
    if (count)
        (void)printf("\n%sWaiting for a person:%s\n", cli_style(c, "1"), cli_style(c, "0"));
    for (size_t i = 0; i < count && i < SHOWN_MOST; i++) {
        struct json_object *item = item_of(report, "asked", i);
        const char *title = text_of(item, "title");
        (void)printf("  %s (%s)\n      %s\n", title ? title : shown(item, "tool"), shown(item, "target"),
                     shown(item, "command"));
    }
    print_more(report, "asked");
}

static void print_failures(const cli *c, struct json_object *report)
{
    size_t count = length_of(report, "failed");
    if (count)
        (void)printf("\n%sFailed:%s\n", cli_style(c, "31"), cli_style(c, "0"));
    for (size_t i = 0; i < count && i < SHOWN_MOST; i++) {
        struct json_object *item = item_of(report, "failed", i);
        const char *hint = text_of(item, "hint");
        (void)printf("  %s on %s: %s\n", shown(item, "tool"), shown(item, "target"), shown(item, "message"));
        if (hint)
            (void)printf("      hint: %s\n", hint);
    }
    print_more(report, "failed");
}

static void print_skipped(const cli *c, struct json_object *report)
{
    size_t count = length_of(report, "skipped");
    if (count)
        (void)printf("\n%sWere skipped:%s\n", cli_style(c, "1"), cli_style(c, "0"));
    for (size_t i = 0; i < count && i < SHOWN_MOST; i++) {
        struct json_object *item = item_of(report, "skipped", i);
        const char *target = text_of(item, "target");
        (void)printf("  %s%s%s: %s\n", shown(item, "tool"), target ? " on " : "", target ? target : "",
                     shown(item, "message"));
    }
    print_more(report, "skipped");
}

void cycle_report_print(const cli *c, struct json_object *report, bool says_why)
{
    cli_tame(report);
    print_phases(c, report);
    print_agents(c, report);
    if (says_why) {
        print_reasons(c, report, "not_in_cycle", "Not in this cycle:");
        print_reasons(c, report, "without_work", "Found nothing to work on:");
    }
    print_skipped(c, report);
    print_failures(c, report);
    print_requests(c, report);
    (void)printf(
        "\n%lld runs: %lld ok, %lld failed, %lld skipped, %lld wait for approval; %lld changes, %lld findings\n",
        total(report, "runs"), total(report, "ok"), total(report, "failed"), total(report, "skipped"),
        total(report, "pending_approval"), total(report, "changed"), total(report, "findings"));
    if (total(report, "begun_before"))
        (void)printf("%lld runs had begun before the cycle was cut short, and were not begun again\n",
                     total(report, "begun_before"));
    struct json_object *totals = json_get_object(report, "totals");
    if (json_get_bool(totals, "interrupted"))
        cli_show_command(c, json_get_text(totals, "cycle_id")
                                ? "it was ended before it was through: lbops cycle --resume goes on with it"
                                : "it was ended before it was through");
    if (!says_why && length_of(report, "agents"))
        (void)puts("--why says why a tool is not in the cycle, or found nothing to work on; so do --json and --html");
    (void)printf("%lld records went to the history, in %s\n", total(report, "records"), shown(report, "history"));
}

/* ---- the page ---- */

#define CELL(name, unit, title)                                                                                        \
    {                                                                                                                  \
        name, unit, title, DASH_CELL                                                                                   \
    }
#define COUNTS                                                                                                         \
    CELL("runs", "count", "Runs"), CELL("ok", "count", "Ok"), CELL("failed", "count", "Failed"),                       \
        CELL("skipped", "count", "Skipped"), CELL("pending_approval", "count", "Waiting"),                             \
        CELL("findings", "count", "Findings"), CELL("changes", "count", "Changes"),                                    \
        CELL("records", "count", "Records")
#define COUNT_COLUMNS 8

/* A list of the report and how it is drawn; the name is its place on the page. */
static const dash_query cards[] = {
    {.name = "failed",
     .set_title = "Failed",
     .title = "What failed, and why",
     .empty = "Nothing failed.",
     .chart = DASH_TABLE,
     .columns = {CELL("tool", "name", "Tool"), CELL("target", "name", "Branch"), CELL("status", "status", "Status"),
                 CELL("message", "text", "What it said"), CELL("hint", "text", "What to do")},
     .column_count = 5},
    {.name = "asked",
     .set_title = "Waiting",
     .title = "What waits for you",
     .empty = "No change waits for a decision.",
     .chart = DASH_TABLE,
     .columns = {CELL("title", "text", "Change"), CELL("target", "name", "Branch"), CELL("tool", "name", "Tool"),
                 CELL("command", "code", "To let it happen")},
     .column_count = 4},
    {.name = "fixed",
     .set_title = "Changed",
     .title = "What was changed",
     .empty = "Nothing was changed.",
     .chart = DASH_TABLE,
     .columns = {CELL("group", "text", "Change"), CELL("target", "name", "Branch"), CELL("tool", "name", "Tool"),
                 CELL("effect", "status", "Effect"), CELL("statement", "code", "Statement")},
     .column_count = 5},
    {.name = "found",
     .set_title = "Found",
     .title = "What was found",
     .empty = "Nothing to complain about.",
     .chart = DASH_TABLE,
     .columns = {CELL("object", "text", "Object"), CELL("target", "name", "Branch"), CELL("kind", "name", "Finding"),
                 CELL("confidence", "name", "Confidence"), CELL("reason", "text", "Why"),
                 CELL("fix", "code", "Remedy")},
     .column_count = 6},
    {.name = "provisioned",
     .set_title = "Provisioned",
     .title = "Branches that came, went or changed",
     .empty = "None came and none went.",
     .chart = DASH_TABLE,
     .columns = {CELL("what", "text", "What"), CELL("project_id", "name", "Project"),
                 CELL("branch_id", "name", "Branch"), CELL("reason", "text", "Why")},
     .column_count = 4},
    {.name = "archived",
     .set_title = "Archived",
     .title = "Rows that left for the archive",
     .empty = "No rows left: `lbops run identify_cold_data` says what could.",
     .chart = DASH_TABLE,
     .columns = {CELL("target", "name", "Branch"), CELL("table", "name", "Table"), CELL("rows", "count", "Rows"),
                 CELL("bytes", "bytes", "Space"), CELL("delta_table", "name", "Where they are")},
     .column_count = 5},
    {.name = "phases",
     .set_title = "Phases",
     .title = "Phases",
     .chart = DASH_TABLE,
     .columns = {CELL("name", "text", "Phase"), COUNTS},
     .column_count = 1 + COUNT_COLUMNS},
    {.name = "targets",
     .set_title = "Branches",
     .title = "Branches",
     .empty = "No branch was looked at.",
     .chart = DASH_TABLE,
     .columns = {CELL("target", "name", "Branch"), COUNTS},
     .column_count = 1 + COUNT_COLUMNS},
    {.name = "agents",
     .set_title = "Agents",
     .title = "Agents, and what became of their tools",
     .chart = DASH_TABLE,
     .columns = {CELL("agent", "name", "Agent"), CELL("tools", "count", "Tools"), CELL("ran", "count", "Ran"),
                 CELL("failed", "count", "Failed"), CELL("waiting", "count", "Waiting"),
                 CELL("without_work", "count", "Found no work"), CELL("skipped", "count", "Skipped"),
                 CELL("not_in_cycle", "count", "Not in the cycle"), CELL("helpers", "count", "Helpers besides")},
     .column_count = 9},
    {.name = "tools",
     .set_title = "Tools",
     .title = "Every tool",
     .chart = DASH_TABLE,
     .columns = {CELL("tool", "name", "Tool"), CELL("agent", "name", "Agent"), CELL("outcome", "status", "Outcome"),
                 CELL("runs", "count", "Runs"), CELL("why", "text", "Why")},
     .column_count = 5},
    {.name = "skipped",
     .set_title = "Skipped",
     .title = "What was skipped",
     .empty = "Nothing was skipped.",
     .chart = DASH_TABLE,
     .columns = {CELL("tool", "name", "Tool"), CELL("target", "name", "Branch"), CELL("message", "text", "Why")},
     .column_count = 3},
};

static const dash_query numbers = {.name = "totals",
                                   .title = "Totals",
                                   .chart = DASH_NUMBERS,
                                   .columns = {{"failed", "count", "Runs that failed", DASH_BAD},
                                               {"pending_approval", "count", "Runs that wait for you", DASH_WARN},
                                               {"ok", "count", "Runs that did their work", DASH_VALUE},
                                               {"findings", "count", "Findings", DASH_VALUE},
                                               {"changed", "count", "Changes", DASH_VALUE},
                                               {"records", "count", "Records of history", DASH_VALUE}},
                                   .column_count = 6};

/* A list of objects as an answer with the query's columns. */
static void put_card(buf *out, const dash_query *q, struct json_object *const *items, size_t count)
{
    const char *names[DASH_COLUMNS];
    cli_answer answer = {.columns = q->column_count, .names = names};
    for (uint32_t i = 0; i < q->column_count; i++)
        names[i] = q->columns[i].name;
    answer.cells = base_alloc((count * q->column_count + 1) * sizeof *answer.cells);
    for (size_t r = 0; r < count; r++)
        for (uint32_t i = 0; i < q->column_count; i++)
            answer.cells[answer.count++] = text_of(items[r], q->columns[i].name);
    dash_card(out, q, 0, true, &answer);
    free(answer.cells);
}

static void put_list(buf *out, const dash_query *q, struct json_object *report)
{
    size_t count = length_of(report, q->name);
    struct json_object **items = base_alloc((count + 1) * sizeof(struct json_object *));
    for (size_t i = 0; i < count; i++)
        items[i] = item_of(report, q->name, i);
    put_card(out, q, items, count);
    free(items);
}

static void put_verdict(buf *out, struct json_object *report)
{
    long long failed = total(report, "failed"), asked = (long long)length_of(report, "asked");
    if (failed)
        buf_printf(out, "<b>%lld of %lld runs failed</b>", failed, total(report, "runs"));
    else if (asked)
        buf_printf(out, "<b>%lld %s for you</b>", asked, asked == 1 ? "change waits" : "changes wait");
    else
        buf_puts(out, "<b>All is done</b>");
    buf_printf(out, "<span>%lld runs on %lld branches in ", total(report, "runs"), total(report, "branches"));
    dash_figure(out, "ms", (double)json_get_i64(report, "duration_ms", 0));
    buf_puts(out, "; the history lies in <code>");
    dash_text(out, text_of(report, "history"));
    buf_puts(out, "</code>.</span>");
}

int cycle_report_page(struct json_object *report, const char *path, lb_error *err)
{
    BUF_AUTO page = BUF_INIT(DASH_PAGE_MOST);
    BUF_AUTO verdict = BUF_INIT((size_t)64 * 1024);
    dash_section sections[LB_COUNT(cards)];
    struct json_object *totals = json_get_object(report, "totals");
    put_verdict(&verdict, report);
    dash_page_begin(&page, "LakebaseOps: a cycle", text_of(report, "workspace"), text_of(report, "finished_at"),
                    total(report, "failed")      ? "bad"
                    : length_of(report, "asked") ? "warn"
                                                 : "good",
                    buf_text(&verdict));
    put_card(&page, &numbers, &totals, 1);
    for (size_t i = 0; i < LB_COUNT(cards); i++)
        sections[i] = (dash_section){cards[i].name, cards[i].set_title};
    dash_page_links(&page, sections, LB_COUNT(cards));
    buf_puts(&page, "<div class=\"cards first\">\n");
    for (size_t i = 0; i < LB_COUNT(cards); i++)
        put_list(&page, &cards[i], report);
    buf_puts(&page, "</div>\n");
    dash_page_end(&page,
                  "Written by <code>lbops cycle --html</code>. All times are UTC. What is wrong now and what has "
                  "changed over time: <code>lbops dashboard --html FILE</code>.");
    return dash_page_write(path, &page, err);
}
