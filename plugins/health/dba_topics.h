/* dba_topics.h: what a person can ask about, the tools that know, and how their results become sentences. Pure logic.
 */
#ifndef LBOPS_HEALTH_DBA_TOPICS_H
#define LBOPS_HEALTH_DBA_TOPICS_H

#include <lbops/tool.h>

#include <json-c/json.h>

#define DBA_TOPICS_MOST 3 /* that one question is about */
#define DBA_ENOUGH      3 /* points from which it is about one */
#define DBA_LINES       2
#define DBA_BILL        "cost_attribution" /* no tool, but the table of history that keeps the bill; likewise ... */
#define DBA_CHANGES     "audit_log"
#define DBA_APPROVALS   "approval_history"
#define DBA_FAILURES    "tool_runs"
#define DBA_SIZES       "pg_class" /* ... and what the server itself has */
#define DBA_SETTINGS    "pg_settings"
#define DBA_TEXT        1024 /* room for the words of a question */

/* Words of a question, in lower case: "index*" is each word that begins so, "run out" one after the other. */
typedef struct dba_word {
    const char *pattern; /* NULL ends a list */
    int points;
} dba_word;

/* A sentence from a result: {name} is a member, {name.other} one of that, {name%} a part as percent, {name#} bytes,
 * {name:row|rows} the figure with its word and {?name:is|are} the word alone. Where one is missing there is no
 * sentence. list: one for each element of that member; NULL: one of the whole. */
typedef struct dba_line {
    const char *list, *text;
} dba_line;

typedef struct dba_source {
    const char *tool;
    const char *kinds; /* of findings that tell of this topic, a blank after each; NULL: all */
    const char *clear; /* what it means that there are none; NULL: nothing */
    dba_line lines[DBA_LINES];
} dba_source;

typedef struct dba_topic {
    const char *name;
    const char *example; /* a question of this topic */
    const char *task;    /* what a model is asked to say */
    const dba_word *words;
    dba_source sources[2];
} dba_topic;

extern const dba_topic dba_topics[];
extern const size_t dba_topic_count;

typedef enum dba_subject {
    DBA_NO_DATABASE, /* about something else */
    DBA_UNKNOWN,     /* about databases, but no topic that there is */
    DBA_KNOWN
} dba_subject;

typedef struct dba_class {
    dba_subject subject;
    struct {
        const dba_topic *topic;
        int points;
    } topics[DBA_TOPICS_MOST]; /* most points first */
    size_t count;
    bool wants_change; /* it asks to do something */
    bool is_doubtful;  /* words in it say that it is about something else, as long as they are no tables' names */
} dba_class;

dba_class dba_classify(const char *question);

/* " why is my query slow ": letters, digits and _ in lower case, one blank around each word. */
void dba_words(const char *question, char into[DBA_TEXT]);

/* The days that a question means, and of what; without a word of that, the seven days before this one. */
typedef struct dba_span {
    int64_t days, hours; /* hours: 0, or it means so many up to now */
    bool with_today, whole_project;
} dba_span;

dba_span dba_span_of(const char *question);

/* The queryid that a question names, or NULL in *ret_id. */
LB_MUST_CHECK int dba_query_id(lb_ctx *ctx, const char *question, const char **ret_id, lb_error *err);

int dba_bytes(char *into, size_t size, double bytes); /* "1.5 GB"; as snprintf */

/* Fills a line from a result; false: a member is missing, or it is longer than the room. */
bool dba_fill(const char *text, struct json_object *result, char *into, size_t size);

/* Is what it finds about tables or their indexes, one by one? */
bool dba_is_by_table(const dba_source *source);

/* Does a finding of that kind tell of the source's topic? */
bool dba_is_of(const dba_source *source, const char *kind);

#endif
