/* runs.h: a stage for runs in real worker processes: a state directory of its own, a supervisor, and what became of
 * each run. LBOPS_PROGRAM, LBOPS_PLUGINS and LBOPS_HOSTILE say where the program and the plugins are. */
#ifndef LBOPS_TESTS_RUNS_H
#define LBOPS_TESTS_RUNS_H

#include "scratch.h"

#include "fs.h"
#include "json.h"
#include "supervisor.h"

#include <ev.h>

#define STAGE_ENDINGS 64
#define ARGS(...)     ((const char *const[]){__VA_ARGS__, NULL}) /* "name", "value", ... */
#define NO_ARGS       ((const char *const[]){NULL})

/* One run that was asked for, and its end. */
typedef struct ending {
    char id[ID_TEXT];
    int count; /* how often it ended: once */
    run_status status;
    lb_error error;
    char *document;
    alone_sight sight;
    double began, ms;
} ending;

typedef struct stage {
    char *dir; /* everything that it writes */
    manifest *manifest;
    struct ev_loop *loop;
    supervisor *supervisor;
    ending endings[STAGE_ENDINGS];
    size_t count;
    size_t log_lines;
    char last_log[256];
    int64_t alone_since; /* what runs are told of their target */
    lb_error err;
} stage;

/* settings: TOML lines for [limits]; more: further tables. The usual stage has one worker, a grace period of a second
 * and never suspends a tool. False: stage->err. A stage may be opened again on the directory of a closed one. */
bool stage_open(stage *s, const char *settings, const char *more);
bool stage_reopen(stage *s, const char *settings, const char *more); /* the directory is kept */
void stage_stop(stage *s);                                           /* ends the supervisor, keeps the directory */
void stage_close(stage *s);

/* Asks for a run; NULL when it is refused (stage->err). */
ending *stage_ask(stage *s, const char *tool, const char *branch, const char *const *args);
ending *stage_ask_plan(stage *s, const char *tool, const char *const *args);

/* Lets the loop run until the run has ended or the time is over. False: it has not ended. */
bool stage_wait(stage *s, const ending *e, double seconds);
void stage_turn(stage *s, double seconds); /* the loop for so long */

ending *stage_run(stage *s, const char *tool, const char *const *args);              /* asks and waits; never NULL */
const char *stage_text(const ending *e, const char *path, char *text, size_t bytes); /* "result.pid", in the document */
int64_t stage_number(const ending *e, const char *path);
pid_t stage_worker(const stage *s, size_t index);

/* The run ended once as said, the book has one row for it, a healthy run works afterwards, and nothing is left of it.
 */
void expect(stage *s, const ending *e, run_status status, int code, const char *message);
void expect_healthy(stage *s);
void expect_no_strangers(const stage *s); /* descendants of this process that are no workers */

size_t rows_with(const stage *s, const char *table,
                 const char *part); /* visible rows of the outbox that hold the text */
bool outbox_is_whole(const stage *s, const char *table,
                     bool tmp_allowed); /* each visible file has the rows its head says */
size_t open_descriptors(void);
bool is_marked(const char *mark); /* some process has it on its command line */
double seconds_now(void);

#endif
