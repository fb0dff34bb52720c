/* cli.h: what the verbs of the command line share. A verb prints its answer to stdout, everything else to stderr, and
 * returns the exit code: 0 ok, 1 the run failed, 2 usage or manifest, 3 waiting for approval, 4 cannot reach the
 * target, 5 internal. */
#ifndef LBOPS_HOST_CLI_H
#define LBOPS_HOST_CLI_H

#include "supervisor.h"

#define EXIT_USAGE 2

typedef struct cli {
    const char *manifest_path; /* -m, or NULL */
    bool json, quiet;
    bool colour;     /* of stdout */
    bool err_colour; /* of stderr, where progress and errors go */
    bool err_is_terminal;
    lb_level log_level;
    manifest *manifest;
    registry *registry;
} cli;

typedef struct cli_verb {
    const char *name, *usage, *summary, *help;
    int (*run)(cli *c, int argc, char **argv); /* argv[0] is the verb */
    bool hidden;
} cli_verb;

extern const cli_verb cli_verbs[]; /* ends with a verb without a name */

/* Prints an error the way the caller wants it and returns its exit code. */
int cli_fail(const cli *c, const lb_error *err);
LB_PRINTF(4, 5) int cli_usage(const cli *c, const cli_verb *verb, const char *hint, const char *fmt, ...);
/* A word that a verb does not take; or it is among those that need a value ("--agent --html"), and has none. */
int cli_refuse_word(const cli *c, const char *verb, const char *word, const char *valued);
const cli_verb *cli_find_verb(const char *name);
/* What people say for a moment: a time, or a span ("90s", "15m", "1h", "7d") that ends now. */
bool cli_since(const char *text, int64_t *ret_moment);
bool cli_until(const char *text, int64_t *ret_moment); /* a time, or a span that begins now */
#define CLI_LIMIT_MOST INT64_C(1000000)
bool cli_count(const char *text, int64_t most, int64_t *ret_count); /* a number from 1 on */
int cli_verb_help(const cli *c, const cli_verb *verb);

typedef enum cli_load_kind {
    CLI_STRICT,   /* a manifest that is found and has no error */
    CLI_DEFAULTS, /* embedded defaults where there is no manifest and none was named */
    CLI_ALL,      /* a manifest as far as it can be read, to say all that is wrong with it */
    CLI_GIVEN     /* embedded defaults unless one was named: the server is given on the command line */
} cli_load_kind;

/* Loads manifest and registry into c; prints every problem. 0, or the exit code. */
int cli_load(cli *c, cli_load_kind kind);
void cli_unload(cli *c);
void cli_print_problems(const cli *c, const manifest_problems *problems);
int cli_read_manifest(cli *c, cli_load_kind kind, manifest_problems *problems); /* without the registry */
int cli_load_registry(cli *c);

/* "\033[1m" and its like for stdout, or "" without colour. */
const char *cli_style(const cli *c, const char *sgr);

/* cli_tame.c: a document that is about to be printed for people, without what would steer their terminal or begin a
 * line of its own. */
void cli_tame(struct json_object *document);
void cli_show_lines(const char *text, int column); /* a text whose further lines stand below its first */
/* How a person goes on, as it has to be typed here: with the manifest that was named. Showing it ends the line. */
void cli_put_command(const cli *c, const char *text, buf *into);
void cli_show_command(const cli *c, const char *text);

/* The person at the keyboard, for the audit log. */
const char *cli_user(void);

/* cli_desk.c: asks the daemon that serves the manifest's state directory, or, where there is none, a desk of our own.
 */
struct json_object;
typedef struct cli_takers {
    void *state;
    void (*document)(cli *c, void *state, struct json_object *document); /* a run's; each may be NULL */
    void (*item)(cli *c, void *state, struct json_object *item);
    void (*result)(cli *c, void *state, struct json_object *result);
} cli_takers;

typedef enum cli_ask_kind {
    CLI_ASK_LOOK, /* needs no worker */
    CLI_ASK_RUN,
    CLI_ASK_CYCLE, /* runs whose events are brought to those who follow them */
    CLI_ASK_HERE,  /* a run that no daemon can do for us */
    CLI_ASK_DAEMON /* what only a daemon can answer */
} cli_ask_kind;

/* Returns the exit code. what: shown as the progress before anything else is known. */
int cli_ask(cli *c, const char *request, const char *what, cli_ask_kind kind, const cli_takers *takers);

int cli_init(cli *c, int argc, char **argv);
int cli_check(cli *c, int argc, char **argv);
int cli_selftest(cli *c, int argc, char **argv);
int cli_tools(cli *c, int argc, char **argv);
int cli_run(cli *c, int argc, char **argv);
int cli_question(cli *c, int argc, char **argv);
int cli_events(cli *c, int argc, char **argv);
int cli_sql(cli *c, int argc, char **argv);
int cli_dashboard(cli *c, int argc, char **argv);
int cli_report(cli *c, int argc, char **argv);
int cli_serve(cli *c, int argc, char **argv);
int cli_status(cli *c, int argc, char **argv);
int cli_log(cli *c, int argc, char **argv);
int cli_runs(cli *c, int argc, char **argv);
int cli_approvals(cli *c, int argc, char **argv);
int cli_approve(cli *c, int argc, char **argv);
int cli_deny(cli *c, int argc, char **argv);
int cli_alerts(cli *c, int argc, char **argv);
int cli_ack(cli *c, int argc, char **argv);
int cli_cycle(cli *c, int argc, char **argv);
int cli_jobs(cli *c, int argc, char **argv);
int cli_job(cli *c, int argc, char **argv);
int cli_jobs_bundle(cli *c, int argc, char **argv); /* argv[1] is bundle */
int cli_target(cli *c, int argc, char **argv);
int cli_plugin(cli *c, int argc, char **argv);
int cli_completion(cli *c, int argc, char **argv);
int cli_ready(cli *c, int argc, char **argv);
int cli_help(cli *c, int argc, char **argv);
int cli_version(cli *c, int argc, char **argv);

/* cli_online.c: looks at every branch of the manifest and prints what each lacks; with --json into the buf, as one
 * object. The exit code. */
int cli_online(cli *c, buf *json);

/* How a run is carried out for the command line (cli_run.c). */
typedef struct cli_course {
    run_ask ask;
    bool own;     /* a tool that comes with the host */
    bool lists;   /* the control plane is asked for the branch and its class first */
    bool goes_on; /* also where it has no such branch: then as production */
    bool here;    /* no daemon can do it for us */
    void (*show)(const cli *c, const char *document); /* without --json; NULL: cli_show_run */
} cli_course;

/* Runs it, shows it, and returns the exit code. */
int cli_carry_out(cli *c, const cli_course *course);

/* A run as `lbops run` takes it, argv[1] is the tool; show as above. */
int cli_run_shown(cli *c, int argc, char **argv, void (*show)(const cli *c, const char *document));

/* cli_show.c: a run's document for people. */
void cli_show_run(const cli *c, const char *document);

#endif
