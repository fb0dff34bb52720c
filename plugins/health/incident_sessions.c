/* The sessions of a planted incident: pgbench holds them, beside the run, with the branch's connection. */
#include "incident.h"

#include <sql/rehearsal/incident_sessions.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COMES_IN_US INT64_C(60000000)

static void remove_file(void *path)
{
    (void)unlink(path); /* gone already is fine */
}

static int put_script(const incident *x, const incident_crew *crew, int fd, lb_error *err)
{
    const lb_sql *says = NULL;
    FILE *out = fdopen(fd, "w");
    int r = lb_compose(x->ctx, crew->says, LB_NO_ARGS, &says, err);
    if (!out) {
        (void)close(fd); /* nothing was written */
        return r < 0 ? r : lb_out_of_memory(err);
    }
    if (r >= 0)
        (void)fprintf(out, "%s%s;\n\\sleep %lld s\n%s", crew->in_transaction ? "BEGIN;\n" : "",
                      lb_sql_text(x->ctx, says), crew->waits ? 0LL : (long long)x->stays_s,
                      crew->in_transaction ? "END;\n" : "");
    bool is_whole = !ferror(out);
    is_whole = fclose(out) == 0 && is_whole;
    return r < 0 || is_whole ? r
                             : lb_fail(err, LB_ERR_TOOL, "TMPDIR names the directory for it",
                                       "the script of a session cannot be written: %s", strerror(errno));
}

/* It holds statements that anybody may read, and goes with the run. */
static int write_script(const incident *x, const incident_crew *crew, char **ret_path, lb_error *err)
{
    const char *base = getenv("TMPDIR");
    const char *pattern = lb_printf(x->ctx, "%s/lbops-rehearsed-XXXXXX", base && *base == '/' ? base : "/tmp");
    char *path = pattern ? lb_alloc(x->ctx, strlen(pattern) + 1) : NULL;
    if (!path)
        return lb_out_of_memory(err);
    memcpy(path, pattern, strlen(pattern) + 1);
    int fd = mkstemp(path);
    if (fd < 0)
        return lb_fail(err, LB_ERR_TOOL, "TMPDIR names the directory for it", "cannot make %s: %s", path,
                       strerror(errno));
    *ret_path = path;
    if (lb_defer(x->ctx, remove_file, path) < 0) {
        remove_file(path);
        (void)close(fd); /* nothing was written */
        return lb_out_of_memory(err);
    }
    return put_script(x, crew, fd, err);
}

static int start(incident *x, const incident_crew *crew, const char *script, lb_error *err)
{
    const char *name = lb_printf(x->ctx, "application_name=%s", crew->application);
    const char *count = lb_printf(x->ctx, "%lld", (long long)crew->sessions);
    const char *plain[] = {"pgbench", "-n", "-c", count, "-j", "1", "-t", "1", "-f", script, name, NULL};
    const char *as[] = {"pgbench", "-n", "-c",        count, "-j",   "1",  "-t",
                        "1",       "-U", "rehearsed", "-f",  script, name, NULL};
    lb_group **group = &x->programs[x->program_count];
    lb_outcome outcome = LB_REFUSED;
    if (!name || !count)
        return lb_out_of_memory(err);
    int r =
        lb_group_open(x->ctx,
                      LB_GROUP(.title = lb_printf(x->ctx, "hold sessions for the incident %s", x->kind->name),
                               .reason = "it is rehearsed on a branch of its own", .undo = "the branch is thrown away"),
                      group, err);
    if (r >= 0)
        r = lb_change_program(x->ctx, *group, LB_PROGRAM(.argv = x->is_superuser ? as : plain, .beside = true), err);
    if (r >= 0)
        r = lb_apply(x->ctx, *group, &outcome, err);
    if (r >= 0 && outcome != LB_APPLIED)
        r = lb_fail(err, LB_ERR_DENIED, "see the gate's rules for the branch", "the gate did not let sessions be held");
    x->program_count += r >= 0;
    return r;
}

static bool are_there(const incident_crew *crew, const rehearsal_incident_sessions_row *seen)
{
    int64_t ready = crew->waits ? seen->waiting : crew->in_transaction ? seen->in_transaction : seen->idle;
    return ready >= crew->sessions;
}

/* pgbench says why it ended, at its own end. */
static int ended(const incident *x, lb_error *err)
{
    lb_error why;
    lb_group *group = x->programs[x->program_count - 1];
    int r = lb_program_end(x->ctx, group, &why);
    return lb_fail(err, LB_ERR_TOOL, "try pgbench by hand against the branch",
                   "the sessions ended before they began: %s", r < 0 ? why.message : lb_group_reply(x->ctx, group));
}

static int await(incident *x, const incident_crew *crew, int64_t *ret_pid, lb_error *err)
{
    const rehearsal_incident_sessions_args wanted = {.application = crew->application};
    const struct timespec pause = {.tv_nsec = 20000000};
    int64_t until = lb_time_left(x->ctx) - COMES_IN_US;
    for (;;) {
        rehearsal_incident_sessions_row seen = {0};
        lb_rows *rows = NULL;
        int r = rehearsal_incident_sessions(x->ctx, &wanted, &rows, err);
        if (r < 0)
            return r;
        if (rehearsal_incident_sessions_next(x->ctx, rows, &seen) && are_there(crew, &seen)) {
            *ret_pid = seen.pid;
            return 0;
        }
        if (!lb_program_runs(x->ctx, x->programs[x->program_count - 1]))
            return ended(x, err);
        if (lb_cancelled(x->ctx) || lb_time_left(x->ctx) < until)
            return lb_fail(err, LB_ERR_TIMEOUT, NULL, "%lld of %lld sessions have come", (long long)seen.sessions,
                           (long long)crew->sessions);
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
    }
}

int incident_call_in(incident *x, const incident_crew *crew, int64_t *ret_pid, lb_error *err)
{
    char *script = NULL;
    int r = write_script(x, crew, &script, err);
    if (r >= 0)
        r = start(x, crew, script, err);
    if (r >= 0)
        r = await(x, crew, ret_pid, err);
    if (script)
        remove_file(script);
    return r;
}
