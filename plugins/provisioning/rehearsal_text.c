/* The report for people, as Markdown that a comment can carry: no connection, no rows, and nothing of a statement that
 * would be read as markup. */
#include "rehearsal.h"

#include <stdio.h>
#include <stdlib.h>

#define LISTED    10
#define CODE_MOST 1000

/* As code in a table: a line, without what ends either. Mentions and HTML are nothing in code. */
void rehearsal_put_code(FILE *out, const char *text, size_t most)
{
    (void)fputc('`', out); /* into memory, as all of it */
    for (; text && *text && most; text++, most--)
        (void)fputc(*text == '`' ? '\'' : *text == '|' ? '/' : *text == '\n' || *text == '\r' ? ' ' : *text, out);
    (void)fputc('`', out);
}

/* A block whose fence no text ends: lines that begin with one are moved in by a blank. */
void rehearsal_put_block(FILE *out, const char *text)
{
    (void)fputs("```text\n", out);
    for (const char *line = text ? text : ""; *line;) {
        size_t length = strcspn(line, "\n");
        (void)fprintf(out, "%s%.*s\n", strncmp(line, "```", 3) == 0 ? " " : "", (int)length, line);
        line += length + (line[length] == '\n');
    }
    (void)fputs("```\n\n", out);
}

static void put_bytes(FILE *out, int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    (void)fprintf(out, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static void put_verdict(FILE *out, const rehearsal *s)
{
    (void)fprintf(out, "## Migration rehearsal: %s", s->reason_count ? "failed" : "passed");
    if (s->warning_count)
        (void)fprintf(out, ", with %zu warning(s)", s->warning_count);
    (void)fputs("\n\n", out);
    for (size_t i = 0; i < s->reason_count; i++)
        rehearsal_put_block(out, s->reasons[i]);
    (void)fprintf(out, "%lld migration(s) in %.0f ms, log ", (long long)s->applied, (double)s->took_us / 1000);
    put_bytes(out, s->log_bytes);
    (void)fputs(s->workload.ran ? " with the workload's share" : "", out);
    if (s->log_alone >= 0) {
        (void)fputs(", alone ", out);
        put_bytes(out, s->log_alone);
    }
    (void)fputs(", temporary files ", out);
    put_bytes(out, s->temp_bytes);
    (void)fputs(s->size_after < s->size_before ? ", database smaller by " : ", database larger by ", out);
    put_bytes(out, s->size_after < s->size_before ? s->size_before - s->size_after : s->size_after - s->size_before);
    (void)fprintf(out, ", %lld session(s) blocked.\n\n", (long long)s->watched.blocked);
}

static void put_locks(FILE *out, const rehearsal *s)
{
    if (!s->watched.lock_count) {
        (void)fputs("### Locks\n\nNone lasted long enough to be seen from outside.\n\n", out);
        return;
    }
    (void)fputs("### Locks\n\n| relation | lock | held, ms | blocked sessions | longest wait, ms |\n"
                "|---|---|---|---|---|\n",
                out);
    for (size_t i = 0; i < s->watched.lock_count && i < 2 * (size_t)LISTED; i++) {
        const rehearsal_lock *l = &s->watched.locks[i];
        (void)fputs("| ", out);
        rehearsal_put_code(out, l->relation, CODE_MOST);
        (void)fprintf(out, " | %s | %.0f to %.0f | %lld | %.0f |\n", l->mode, (double)l->least_us / 1000,
                      (double)l->most_us / 1000, (long long)l->blocked, (double)l->longest_us / 1000);
    }
    (void)fputc('\n', out);
}

static void put_waits(FILE *out, const rehearsal *s, bool is_migration, const char *title)
{
    size_t put = 0;
    for (size_t i = 0; i < s->watched.wait_count && put < LISTED; i++) {
        const rehearsal_wait *w = &s->watched.waits[i];
        if (w->is_migration != is_migration)
            continue;
        if (!put++)
            (void)fprintf(out, "### %s\n\n| session | waited, ms | for | statement |\n|---|---|---|---|\n", title);
        (void)fprintf(out, "| %lld ", (long long)w->pid);
        rehearsal_put_code(out, w->application, CODE_MOST);
        (void)fprintf(out, " | %.0f | %s on ", (double)w->waited_us / 1000, w->mode);
        rehearsal_put_code(out, w->relation, CODE_MOST);
        (void)fputs(" | ", out);
        rehearsal_put_code(out, w->query ? w->query : "not known", CODE_MOST);
        (void)fputs(" |\n", out);
    }
    (void)fputs(put ? "\n" : "", out);
}

static void put_predictions(FILE *out, const rehearsal *s)
{
    if (!s->confirmed && !s->proven && !s->refuted && !s->not_exercised)
        return;
    (void)fprintf(
        out, "### Foretold\n\n%lld confirmed, %lld spared by what was proven, %lld refuted, %lld not exercised.\n\n",
        (long long)s->confirmed, (long long)s->proven, (long long)s->refuted, (long long)s->not_exercised);
}

static void put_hazards(FILE *out, const rehearsal *s)
{
    if (s->warnings_say) {
        (void)fputs("### To be heeded\n\n", out);
        rehearsal_put_block(out, s->warnings_say);
    }
    if (!s->spared_say)
        return;
    (void)fputs("### Foretold, and not so here\n\n", out);
    rehearsal_put_block(out, s->spared_say);
}

static int put_file(rehearsal *s, void *arg, const char *change, const rehearsal_relation *r, lb_error *err)
{
    FILE *out = arg;
    (void)s; /* the file says it all */
    (void)fprintf(out, "- %s: ", change);
    rehearsal_put_code(out, r->name, CODE_MOST);
    (void)fputs(" (", out);
    put_bytes(out, r->bytes);
    (void)fputs(")\n", out);
    return ferror(out) ? lb_out_of_memory(err) : 0;
}

static void put_program(FILE *out, const char *title, const rehearsal_program *p)
{
    if (!p->line)
        return;
    (void)fprintf(out, "### %s: %s\n\n", title, p->failed ? "failed" : p->ran ? "ok" : "not run");
    rehearsal_put_code(out, p->line, CODE_MOST);
    (void)fputs("\n\n", out);
    if (p->failed)
        rehearsal_put_block(out, p->said);
}

static void put_rest(FILE *out, rehearsal *s)
{
    lb_error ignored;
    (void)fputs("### Files\n\n", out);
    if (rehearsal_each_file(s, put_file, out, &ignored) < 0)
        return; /* out knows it */
    (void)fputs("\n### Schema\n\n", out);
    rehearsal_put_block(out, s->diff);
    rehearsal_put_again(out, s);
    const char *grade = rehearsal_rollback_grade(s->rollback);
    (void)fprintf(out, "### Rollback: %s%s%s%s\n\n", rehearsal_rollback_name(s->rollback), grade ? " (" : "",
                  grade ? grade : "", grade ? ")" : "");
    if (s->rollback_says)
        rehearsal_put_block(out, s->rollback_says);
    rehearsal_put_generated(out, s);
    const char *other_way = rehearsal_other_way_back(s);
    if (other_way)
        (void)fprintf(out, "Instead of it %s\n\n", other_way);
    if (s->rows_compared || s->rows_left_out)
        (void)fprintf(out, "Rows of %zu table(s) were compared, of %zu not.\n\n", s->rows_compared, s->rows_left_out);
    put_program(out, "Test", &s->test);
    put_program(out, "Workload", &s->workload);
    rehearsal_put_limits(out, s);
}

const char *rehearsal_text(rehearsal *s)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    put_verdict(out, s);
    rehearsal_put_coverage(out, s);
    put_hazards(out, s);
    put_locks(out, s);
    put_waits(out, s, false, "Who waited for the migration");
    put_waits(out, s, true, "What the migration waited for");
    rehearsal_put_statements(out, s);
    rehearsal_put_notices(out, s);
    put_predictions(out, s);
    rehearsal_put_work(out, s);
    put_rest(out, s);
    bool is_whole = !ferror(out);
    is_whole = fclose(out) == 0 && is_whole;
    const char *kept = is_whole ? lb_printf(s->ctx, "%s", text) : NULL;
    free(text);
    return kept;
}
