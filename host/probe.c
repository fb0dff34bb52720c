/* The probe: a child that opens plugin files one after the other and prints what they say about themselves. Foreign
 * code runs here, so nothing is expected of it: not that it leaves our descriptors alone, and not that it returns.
 * [probe] */
#include "load.h"
#include "prober.h"
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define CPU_SECONDS   60
#define ADDRESS_SPACE ((rlim_t)1 << 30)
#define PATH_BYTES    8192

/* A descriptor and what it stood for when we began. */
typedef struct held_file {
    int fd;
    dev_t device;
    ino_t inode;
} held_file;

enum { QUESTIONS, ANSWERS, INPUT, OUTPUT, ERRORS, FILE_COUNT };

typedef struct probe {
    held_file files[FILE_COUNT];
    buf input;
} probe;

static bool hold(held_file *file, int fd)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return false;
    *file = (held_file){fd, st.st_dev, st.st_ino};
    return true;
}

/* Takes the channel out of the plugins' way: what they read is empty and what they print goes nowhere. */
static bool take_files(probe *p)
{
    int questions = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), answers = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
        return false;
#ifndef LBOPS_SANITIZED /* there the reports of the sanitizers must come through */
    if (dup2(nothing, STDERR_FILENO) < 0)
        return false;
#endif
    base_close(&nothing);
    return hold(&p->files[QUESTIONS], questions) && hold(&p->files[ANSWERS], answers) &&
           hold(&p->files[INPUT], STDIN_FILENO) && hold(&p->files[OUTPUT], STDOUT_FILENO) &&
           hold(&p->files[ERRORS], STDERR_FILENO);
}

/* Ends the probe when a plugin has touched our descriptors: in a worker it would have taken the worker's. */
static void check_files(const probe *p)
{
    for (size_t i = 0; i < FILE_COUNT; i++) {
        struct stat st;
        const held_file *file = &p->files[i];
        if (fstat(file->fd, &st) != 0 || st.st_dev != file->device || st.st_ino != file->inode)
            _exit(PROBE_EXIT_FILES);
    }
}

static void lower_limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max < value ? limit.rlim_max : value;
    limit.rlim_max = limit.rlim_cur;
    (void)setrlimit(resource, &limit); /* lowering is always allowed */
}

/* A plugin that crashes must be seen to crash, and one that spins must not outlive its parent. */
static void confine(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    for (size_t i = 0; i < LB_COUNT(crashes); i++)
        (void)signal(crashes[i], SIG_DFL); /* sanitizers put handlers there; cannot fail for these */
    lower_limit(RLIMIT_CORE, 0);
    lower_limit(RLIMIT_CPU, CPU_SECONDS);
#ifndef LBOPS_SANITIZED /* ASan reserves terabytes */
    lower_limit(RLIMIT_AS, ADDRESS_SPACE);
#endif
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a second net: end of input is the first */
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);    /* cannot fail with these arguments */
}

static void answer(const probe *p, const buf *text)
{
    const char *at = text->data;
    size_t left = text->length;
    while (left) {
        ssize_t n = write(p->files[ANSWERS].fd, at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            _exit(PROBE_EXIT_FILES);
        at += n;
        left -= (size_t)n;
    }
}

static void answer_line(const probe *p, const char *mark, const char *text)
{
    BUF_AUTO line = BUF_INIT(PATH_BYTES + 64);
    buf_printf(&line, "%s\t%s\n", mark, text);
    answer(p, &line);
}

/* A field of a line: what could end it becomes a blank, and so does what the reader would not take for text. */
static void put_field(buf *line, const char *text)
{
    bool plain = params_is_line(text, strlen(text));
    for (const char *c = text; *c; c++)
        buf_putc(line, (unsigned char)*c < 0x20 || *c == 0x7f || (!plain && (unsigned char)*c >= 0x80) ? ' ' : *c);
}

static void answer_refusal(const probe *p, const lb_error *refusal)
{
    BUF_AUTO line = BUF_INIT(4096);
    buf_printf(&line, "bad\t%d\t", refusal->code);
    put_field(&line, refusal->message);
    buf_putc(&line, '\t');
    put_field(&line, refusal->hint);
    buf_putc(&line, '\n');
    answer(p, &line);
}

static void describe(const probe *p, const char *path)
{
    lb_error refusal;
    const lb_plugin *plugin = NULL;
    LB_AUTO_FREE char *name = load_name_of(path);
    BUF_AUTO line = BUF_INIT(SPEC_JSON_MAX);
    answer_line(p, "begin", path);
    int r = load_open(path, &plugin, &refusal);
    check_files(p);
    if (r == 0) {
        answer_line(p, "open", path);
        r = load_check(plugin, name, &refusal);
    }
    if (r == 0) {
        buf_puts(&line, "ok\t");
        spec_write(&line, plugin, path);
        buf_putc(&line, '\n');
        if (line.overflow)
            r = lb_fail(&refusal, LB_ERR_LIMIT, "give it fewer or shorter texts",
                        "plugin %.64s describes itself at too great length", name);
    }
    if (r < 0)
        answer_refusal(p, &refusal);
    else
        answer(p, &line);
}

/* The next path from the questions: 1, or 0 at their end, or -1. */
static int next_path(probe *p, char path[PATH_BYTES])
{
    for (;;) {
        const char *end = p->input.length ? memchr(p->input.data, '\n', p->input.length) : NULL;
        if (end) {
            size_t length = (size_t)(end - p->input.data);
            memcpy(path, p->input.data, length);
            path[length] = '\0';
            buf_drop_front(&p->input, length + 1);
            return 1;
        }
        char chunk[PATH_BYTES];
        size_t room = p->input.limit - p->input.length;
        ssize_t n = room ? read(p->files[QUESTIONS].fd, chunk, room < sizeof chunk ? room : sizeof chunk) : -1;
        if (n < 0 && room && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? 0 : -1;
        buf_put(&p->input, chunk, (size_t)n);
    }
}

int probe_main(void)
{
    probe p = {.input = BUF_INIT(PATH_BYTES - 1)};
    char path[PATH_BYTES];
    if (!take_files(&p))
        return 1;
    confine();
    int more;
    while ((more = next_path(&p, path)) > 0)
        describe(&p, path);
    buf_done(&p.input);
    return more < 0 ? 1 : 0;
}
