/* effect.h: what a change does, found by parsing it and not by trusting the tool. Anything that is not understood
 * counts as destructive. */
#ifndef LBOPS_HOST_EFFECT_H
#define LBOPS_HOST_EFFECT_H

#include "base.h"

typedef enum effect {
    EFFECT_READ = 0,    /* changes nothing */
    EFFECT_ADDITIVE,    /* creates or maintains */
    EFFECT_DISRUPTIVE,  /* strong lock on a table in use, ends sessions, REINDEX, VACUUM FULL, settings */
    EFFECT_DESTRUCTIVE, /* loses data or structure */
} effect;

typedef struct effect_verdict {
    effect effect;
    bool always_asks; /* DROP INDEX and REINDEX outside throwaway branches; only an explicit loosening says otherwise */
    bool ends_sessions;  /* the only disruption is ending sessions: the SOP's rules may cover it */
    bool in_transaction; /* may run inside a transaction block */
    uint32_t statements;
    char why[160]; /* "drops index public.orders_old_idx" */
} effect_verdict;

const char *effect_name(effect e); /* "read", "additive", "disruptive", "destructive" */
bool effect_parse(const char *name, effect *ret_effect);

/* One or several SQL statements, as the server would get them ($1 ... allowed). Text that does not parse:
 * LB_ERR_INVALID with the parser's message; nothing is executed then. */
LB_MUST_CHECK int effect_of_sql(const char *sql, effect_verdict *ret_verdict, lb_error *err);

/* A call of the control plane. */
void effect_of_control(const lb_request *request, effect_verdict *ret_verdict);

/* A call to a web service, of which nothing is known but the method: what adds or edits is additive, since such a
 * service keeps its own record of it; what deletes, and what cannot be told from the path, is destructive. */
void effect_of_http(const char *service, const lb_request *request, effect_verdict *ret_verdict);

/* A file (replaces: it exists with another content), a program. */
void effect_of_file(bool replaces, effect_verdict *ret_verdict);
void effect_of_lake(const char *table, bool is_view, effect_verdict *ret_verdict);
void effect_of_lake_merge(const char *table, effect_verdict *ret_verdict);
void effect_of_lake_expect(const char *table, effect_verdict *ret_verdict);
void effect_of_exec(const char *const *argv, effect_verdict *ret_verdict);

#endif
