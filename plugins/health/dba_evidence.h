/* dba_evidence.h: what the tools of a topic answer, as exhibits: figures, findings, what was left out, what failed. */
#ifndef LBOPS_HEALTH_DBA_EVIDENCE_H
#define LBOPS_HEALTH_DBA_EVIDENCE_H

#include "dba_topics.h"

#define DBA_EXHIBITS      64
#define DBA_TOOLS         16
#define DBA_NAMED         4 /* tables of one question */
#define DBA_NAMED_OBJECTS 64

typedef struct dba_exhibit {
    const char *tool, *object, *kind, *fix; /* the last three of findings */
    double confidence;                      /* negative: it is no finding */
    const char *sql;                        /* a statement that it is about, or NULL */
    const char *shown;                      /* to people in place of what a model is told, as it has the SQL; or NULL */
} dba_exhibit;

typedef struct dba_named {
    const char *table, *name;               /* with its schema, and alone */
    const char *objects[DBA_NAMED_OBJECTS]; /* as findings call it and its indexes */
    size_t count;
} dba_named;

typedef struct dba_evidence {
    lb_ctx *ctx;
    dba_span span;
    char words[DBA_TEXT];       /* of the question, for names of tables and settings in it */
    const char *query_id;       /* that the question names, or NULL */
    dba_named named[DBA_NAMED]; /* dba_named.c: the tables that it names */
    size_t named_count;
    const char *qualified; /* schema.table as the question has it, or NULL */
    bool is_qualified, is_looked_for;
    lb_exhibit exhibits[DBA_EXHIBITS + 1]; /* ends with an id that is NULL */
    dba_exhibit about[DBA_EXHIBITS];
    size_t count;
    struct {
        const char *name;
        struct json_object *result; /* NULL: it failed */
    } tools[DBA_TOOLS];
    size_t tool_count, answered;
} dba_evidence;

/* One more exhibit, as long as there is room; what was said already is not said again. */
LB_MUST_CHECK int dba_add(dba_evidence *e, const char *says, double weight, const lb_value *facts,
                          const dba_exhibit *about, lb_error *err);

/* Asks the tools of a topic. order: 0 for the topic that comes first. A tool is asked once for all topics; that one
 * fails is evidence too, and no error. */
LB_MUST_CHECK int dba_gather(dba_evidence *e, const dba_topic *topic, size_t order, lb_error *err);

#endif
