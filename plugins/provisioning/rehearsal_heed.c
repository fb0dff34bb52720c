/* What is left of the judge's findings once the migration was run: a danger that was confirmed carries its measure, one
 * that the server's own files and locks speak against is a danger no more, and what nobody saw stays as it was. */
#include "parsed.h"
#include "rehearsal.h"

#define LISTED_MOST 40

/* Rules whose danger is a lock, and what is done to the table under it. A type that leaves every file in place has
 * changed no value either. */
static bool is_about_work(const char *rule, const char *severity)
{
    return strcmp(severity, "blocking-lock") == 0 || strcmp(rule, "column-type") == 0 ||
           strcmp(rule, "column-type-narrow") == 0;
}

static bool is_spared(const char *outcome)
{
    return strcmp(outcome, "refuted") == 0 || strcmp(outcome, "proven") == 0;
}

static const rehearsal_lock *find_lock(const rehearsal *s, const rehearsal_seen *seen)
{
    for (size_t i = 0; seen->measured && i < s->watched.lock_count; i++)
        if (strcmp(s->watched.locks[i].relation, seen->relation) == 0 &&
            strcmp(s->watched.locks[i].mode, seen->measured) == 0)
            return &s->watched.locks[i];
    return NULL;
}

/* What was measured, as far as there is something to say. NULL: nothing. */
static const char *measure_of(rehearsal *s, const rehearsal_seen *seen, const char *why)
{
    const rehearsal_lock *lock = find_lock(s, seen);
    const char *work = seen->was_rewritten ? ", rewritten" : seen->was_read ? ", read whole" : "";
    const char *no_work = !seen->has_work || seen->was_rewritten ? ""
                          : seen->was_read                       ? ", not rewritten"
                                                                 : ", neither read whole nor rewritten";
    if (!seen->measured)
        return why;
    const char *held = seen->held_us < 0 ? lb_printf(s->ctx, "%s on %s", seen->measured, seen->relation)
                                         : lb_printf(s->ctx, "%s on %s for %.0f ms", seen->measured, seen->relation,
                                                     (double)seen->held_us / 1000);
    const char *waits = lock && lock->blocked ? lb_printf(s->ctx, "; %lld session(s) waited, the longest %.0f ms",
                                                          (long long)lock->blocked, (double)lock->longest_us / 1000)
                                              : "";
    return held && waits ? lb_printf(s->ctx, "%s%s%s%s%s%s", held, work, no_work, waits, why ? "; the server: " : "",
                                     why ? why : "")
                         : NULL;
}

static const char *add_line(rehearsal *s, const char *lines, const char *line)
{
    return lb_printf(s->ctx, "%s%s\n", lines ? lines : "", line);
}

/* A finding with a reason why it may be is heard, and told no more. */
int rehearsal_heed(rehearsal *s, struct json_object *finding, const rehearsal_seen *seen, lb_error *err)
{
    parsed *evidence = parsed_member(finding, "evidence");
    const char *rule = parsed_text(evidence, "rule"), *severity = parsed_text(evidence, "severity"),
               *file = parsed_text(evidence, "file"), *allowed = parsed_text(evidence, "allowed_because");
    int64_t statement = parsed_number(evidence, "statement");
    const char *why = rehearsal_why(s, file, statement), *measure = measure_of(s, seen, why);
    if (!*rule || strcmp(severity, "notice") == 0)
        return 0;
    bool spared = is_about_work(rule, severity) && is_spared(seen->outcome);
    bool warns = !spared && !*allowed;
    const char *line =
        lb_printf(s->ctx, "%s, statement %lld: %s (%s%s%s): %s", file, (long long)statement, rule, seen->outcome,
                  measure ? ": " : "", measure ? measure : "", parsed_text(finding, "reason"));
    if (!line)
        return lb_out_of_memory(err);
    if (warns && s->warning_count++ < LISTED_MOST)
        s->warnings_say = add_line(s, s->warnings_say, line);
    if (spared && s->spared_count++ < LISTED_MOST)
        s->spared_say = add_line(s, s->spared_say, line);
    return lb_append(s->ctx, "hazards",
                     LB_ARGS(lb_text("rule", rule), lb_text("severity", severity), lb_text("file", file),
                             lb_i64("statement", statement), lb_text("outcome", seen->outcome),
                             lb_text("measured", measure), lb_bool("warns", warns),
                             lb_text("allowed_because", *allowed ? allowed : NULL)),
                     err);
}

/* ---- coverage ---- */

static bool is_unread(const char *rule)
{
    static const char *const rules[] = {"code-not-analysed", "syntax-error", "needs-newer-server"};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strcmp(rules[i], rule) == 0)
            return true;
    return false;
}

static bool is_same_statement(parsed *a, parsed *b)
{
    return parsed_number(a, "statement") == parsed_number(b, "statement") &&
           strcmp(parsed_text(a, "file"), parsed_text(b, "file")) == 0;
}

/* Each statement once, whatever hides in it. */
static bool is_first_of_its_own(parsed *findings, size_t at)
{
    parsed *own = parsed_member(parsed_item(findings, at), "evidence");
    for (size_t i = 0; i < at; i++) {
        parsed *evidence = parsed_member(parsed_item(findings, i), "evidence");
        if (is_unread(parsed_text(evidence, "rule")) && is_same_statement(evidence, own))
            return false;
    }
    return true;
}

/* A file that does not parse has no statements that were counted. */
int rehearsal_tell_coverage(rehearsal *s, lb_error *err)
{
    parsed *findings = parsed_member(s->migrated, "findings");
    int64_t read = parsed_number(parsed_member(s->migrated, "examined"), "statements"), left_out = 0;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < parsed_length(findings); i++) {
        parsed *evidence = parsed_member(parsed_item(findings, i), "evidence");
        const char *rule = parsed_text(evidence, "rule"), *file = parsed_text(evidence, "file");
        int64_t statement = parsed_number(evidence, "statement");
        if (!is_unread(rule) || !is_first_of_its_own(findings, i))
            continue;
        const char *line = lb_printf(s->ctx, "%s, statement %lld: %s", file, (long long)statement, rule);
        if (!line)
            return lb_out_of_memory(err);
        if (left_out++ < LISTED_MOST)
            s->unread_say = add_line(s, s->unread_say, line);
        read -= statement > 0 && read > 0;
        r = lb_append(s->ctx, "not_analysed",
                      LB_ARGS(lb_text("file", file), lb_i64("statement", statement), lb_text("why", rule)), err);
    }
    s->analysed = read;
    s->not_analysed = left_out;
    return r < 0 ? r
                 : lb_result(s->ctx,
                             LB_ARGS(lb_object("coverage",
                                               LB_ARGS(lb_i64("analysed", read), lb_i64("not_analysed", left_out)))),
                             err);
}

void rehearsal_put_coverage(FILE *out, const rehearsal *s)
{
    if (!s->analysed && !s->not_analysed)
        return;
    (void)fprintf(out, "Statements: %lld analysed, %lld not analysed%s.\n\n", (long long)s->analysed,
                  (long long)s->not_analysed, s->not_analysed ? ", so that only this run says what they do" : "");
    if (s->unread_say)
        rehearsal_put_block(out, s->unread_say);
}
