/* Programs that are lent the branch's connection: in their environment, where no log and no list of processes shows it.
 * One that goes on beside the run writes to a file without a name, so that it never waits for somebody who reads. */
#include "door.h"

#include "environment.h"
#include "fs.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PUT_LIMIT    64 /* variables of libpq */
#define OUTPUT_LIMIT ((size_t)1024 * 1024)
#define GRACE        (5 * CLOCK_SECOND)
#define LOOK_US      2000

struct door_program {
    bool is_beside;
    pid_t pid; /* 0: it does not run */
    int output;
    const char *password; /* that it was lent; NULL: none */
};

int door_change_program(lb_group *group, const lb_program *program, lb_error *err)
{
    change *c = door_new_change(group, CHANGE_EXEC, err);
    if (!c)
        return err->code;
    int r = door_take_argv(c, program->argv, err);
    if (r < 0)
        return r;
    c->program = arena_alloc(group->run->memory, sizeof *c->program);
    if (!c->program)
        return lb_out_of_memory(err);
    *c->program = (struct door_program){.is_beside = program->beside, .output = -1};
    return door_join(c, err);
}

bool door_is_beside(const change *c)
{
    return c->program && c->program->is_beside;
}

int door_check_lasting(const lb_group *group, lb_error *err)
{
    for (const change *c = group->first; c; c = c->next)
        if (c->program)
            return lb_fail(err, LB_ERR_UNSUPPORTED,
                           "run it on a branch of the class throwaway ([[targets]] of the manifest says which are)",
                           "%s needs the branch's connection, and so cannot wait for an approval", c->argv[0]);
    return 0;
}

/* ---- the environment ---- */

typedef struct lent {
    arena *memory;
    char **variables;
    size_t count;
} lent;

static int put(void *arg, const char *name, const char *value)
{
    lent *l = arg;
    if (l->count == PUT_LIMIT || !(l->variables[l->count] = arena_printf(l->memory, "%s=%s", name, value)))
        return LB_ERR_NO_MEMORY;
    l->count++;
    return 0;
}

static const char *lent_password(const lent *l)
{
    static const char name[] = "PGPASSWORD=";
    for (size_t i = 0; i < l->count; i++)
        if (strncmp(l->variables[i], name, sizeof name - 1) == 0 && l->variables[i][sizeof name - 1])
            return l->variables[i] + sizeof name - 1;
    return NULL;
}

/* What a program says goes into results and errors; one that prints its environment is no way out for a password. */
void door_hide_password(const change *c, buf *output)
{
    const char *password = c->program ? c->program->password : NULL;
    size_t length = password ? strlen(password) : 0;
    for (char *p = output->data;
         length && p && (p = memmem(p, output->length - (size_t)(p - output->data), password, length)); p += length)
        memset(p, '*', length); /* a NUL ends nothing here: environments are printed with them */
}

int door_lend(const change *c, char ***ret_environment, lb_error *err)
{
    run_state *run = c->group->run;
    lent l = {.memory = run->memory, .variables = arena_alloc(run->memory, PUT_LIMIT * sizeof(char *))};
    char **clean = environment_clean(run->memory);
    size_t kept = 0;
    if (!l.variables || !clean)
        return lb_out_of_memory(err);
    *ret_environment = clean;
    if (!c->program)
        return 0;
    int r = run_session(run, err);
    if (r >= 0)
        r = session_lend(run->session, put, &l, err);
    if (r < 0)
        return r;
    while (clean[kept])
        kept++;
    char **all = arena_alloc(run->memory, (kept + l.count + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    memcpy(all, clean, kept * sizeof *all);
    memcpy(all + kept, l.variables, l.count * sizeof *all);
    c->program->password = lent_password(&l);
    *ret_environment = all;
    return 0;
}

/* ---- beside the run ---- */

static void close_output(struct door_program *p)
{
    base_close(&p->output);
    p->output = -1;
}

/* For the end of a run that did not end it. */
static void end_at_once(void *arg)
{
    struct door_program *p = arg;
    int status;
    if (p->pid > 0) {
        (void)kill(-p->pid, SIGKILL); /* gone already is fine */
        while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    p->pid = 0;
    close_output(p);
}

int door_run_beside(change *c, lb_error *err)
{
    struct door_program *p = c->program;
    char **environment = NULL;
    int r = door_lend(c, &environment, err);
    if (r < 0)
        return r;
    p->output = memfd_create("lbops-program", MFD_CLOEXEC);
    if (p->output < 0)
        return fs_fail(err, errno, "make a file for the output of", c->argv[0]);
    if (arena_defer(c->group->run->memory, end_at_once, p) < 0) {
        close_output(p);
        return lb_out_of_memory(err);
    }
    pid_t pid = 0;
    r = door_spawn(c, p->output, environment, &pid, err);
    p->pid = r < 0 ? 0 : pid;
    return r;
}

static int take_output(change *c, buf *output, lb_error *err)
{
    off_t end = lseek(c->program->output, 0, SEEK_END);
    off_t from = end > (off_t)OUTPUT_LIMIT ? end - (off_t)OUTPUT_LIMIT : 0; /* the last of it says most */
    char chunk[4096];
    for (ssize_t n; from < end && (n = pread(c->program->output, chunk, sizeof chunk, from)) > 0; from += n)
        buf_put(output, chunk, (size_t)n);
    door_hide_password(c, output);
    c->group->reply = arena_strdup(c->group->run->memory, buf_text(output));
    return c->group->reply ? 0 : lb_out_of_memory(err);
}

/* It is asked to end, and made to when it does not. True: it had ended before. */
static bool wait_for_end(struct door_program *p, int *status)
{
    if (waitpid(p->pid, status, WNOHANG) == p->pid)
        return true;
    (void)kill(-p->pid, SIGTERM); /* it may go this very moment */
    for (int64_t until = clock_monotonic() + GRACE; clock_monotonic() < until;) {
        if (waitpid(p->pid, status, WNOHANG) == p->pid)
            return false;
        (void)usleep(LOOK_US); /* a signal ends it early, which is fine */
    }
    (void)kill(-p->pid, SIGKILL); /* as above */
    while (waitpid(p->pid, status, 0) < 0 && errno == EINTR)
        continue;
    return false;
}

static int end_one(change *c, lb_error *err)
{
    struct door_program *p = c->program;
    BUF_AUTO output = BUF_INIT(OUTPUT_LIMIT + 4096);
    int status = 0;
    bool was_over = wait_for_end(p, &status);
    (void)kill(-p->pid, SIGKILL); /* what it has started and left behind */
    p->pid = 0;
    int r = take_output(c, &output, err);
    close_output(p);
    return r < 0 || !was_over ? r : door_judge_exit(c, status, &output, err);
}

bool door_program_runs(const lb_group *group)
{
    for (const change *c = group->first; c; c = c->next) {
        siginfo_t ended = {.si_pid = 0};
        if (c->program && c->program->pid > 0 &&
            waitid(P_PID, (id_t)c->program->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && !ended.si_pid)
            return true;
    }
    return false;
}

int door_program_end(lb_group *group, lb_error *err)
{
    lb_error other;
    int failed = 0;
    for (change *c = group->first; c; c = c->next) {
        if (!c->program || c->program->pid <= 0)
            continue;
        int r = end_one(c, failed ? &other : err);
        failed = failed ? failed : r;
    }
    return failed < 0 ? failed : 0;
}
