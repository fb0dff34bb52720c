/* program.h: the program as its users start it: with words, with descriptors of several kinds, on a terminal or not. */
#ifndef LBOPS_TESTS_PROGRAM_H
#define LBOPS_TESTS_PROGRAM_H

#include "scratch.h"

#include "fs.h"
#include "json.h"

typedef enum outlet { OUTLET_PIPE, OUTLET_CLOSED, OUTLET_FULL, OUTLET_TERMINAL } outlet;

/* How to start it. Zeroed: both streams into pipes. */
typedef struct circumstances {
    outlet out, err;
    int signal_after_ms, signal; /* sent to the program alone, so long after it has begun to hear it */
    bool twice;                  /* and again right after that */
    const char *state_dir;       /* LBOPS_STATE_DIR, or NULL */
    const char *directory;       /* to start in; NULL: here */
} circumstances;

typedef struct answer {
    int code; /* exit code, or -signal; -1000: it did not end in 90 s */
    char *out, *err;
    double seconds;
} answer;

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The caller ends it with answer_done. answer_auto does that by itself. */
answer start_program(const circumstances *how, const char *const *words);
void answer_done(answer *a);
#define ANSWER LB_CLEANUP(answer_done) answer

answer lbops(const char *const *words); /* in the usual circumstances */

/* A directory with a manifest for the hostile plugins, the shipped ones and the mock transport. */
char *workspace_new(void);
char *workspace_with_grace(int seconds); /* the time between asking a run to stop and killing it */
void workspace_put(const char *dir, const char *name, const char *text);

/* In a workspace: -m and the path of its manifest before the words. */
answer in_workspace_how(const circumstances *how, const char *dir, const char *const *words);
answer in_workspace(const char *dir, const char *const *words);
bool exists(const char *dir, const char *name);

/* The text of outer.name, or of name where outer is NULL; and how long a list is. */
const char *text_at(struct json_object *object, const char *outer, const char *name);
size_t length_at(struct json_object *object, const char *name);

/* The one JSON document that the text is, or NULL. A line feed behind it is fine, anything else is not. */
struct json_object *one_document(const char *text);
void expect_code(const answer *a, int code); /* prints what it said when it differs */

#endif
