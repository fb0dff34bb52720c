/* local_given.h: a server that is given: one project, whose branches are its databases.
 *
 * A branch is a database made from another one as its template. What the control plane has to remember of it is a
 * comment on the database: "lbops branch: " and a document, with the name, the number and the server that it was
 * written for, so that a database which was renamed, restored elsewhere or made by people is not taken for one of ours.
 * Those that are not ours are production, and no call changes or deletes them.
 *
 * A branch is made under a name that is no branch's, with a blank in it, and renamed when it is whole. Whoever changes
 * something holds a lock of the server's; what died half-way is cleared by the next one who holds it. Sessions of
 * others are never ended: what needs a database without sessions is refused, and says who is connected. Our own may be
 * ended while they idle. [worker] */
#ifndef LBOPS_SERVICES_LOCAL_GIVEN_H
#define LBOPS_SERVICES_LOCAL_GIVEN_H

#include "local_session.h"

#define GIVEN_READER "reader"        /* the endpoint of a standby */
#define GIVEN_MAKING "lbops making " /* names of what is not whole */

typedef struct local_given {
    const lb_service_host *host;
    pg_options options;
    char *project, *strategy;
    const char *reader; /* connection string of a standby; NULL: none is known */
} local_given;

/* `options` and what they point to stay the caller's. */
LB_MUST_CHECK int local_given_new(const lb_service_host *host, const local_settings *settings,
                                  const pg_options *options, local_given **ret_given, lb_error *err);
local_given *local_given_free(local_given *given);

LB_MUST_CHECK int local_given_connect(const local_given *given, const lb_target *target, const char *application,
                                      int64_t deadline, pg_session **ret_session, lb_error *err);
/* The same database on the standby. */
LB_MUST_CHECK int local_given_connect_reader(const local_given *given, const lb_target *target, const char *endpoint,
                                             const char *application, int64_t deadline, pg_session **ret_session,
                                             lb_error *err);
LB_MUST_CHECK int local_given_control(const local_given *given, const lb_request *request, int64_t deadline,
                                      doc **ret_reply, lb_error *err);

/* One call at work. The record is a project's, as local.h has it; an entry's "directory" is its database, and it has
 * besides: "foreign", "others" (sessions in the way) and "who" they are, "is_open", "is_broken". */
typedef struct given_call {
    const local_given *given;
    local_call *call;
    pg_session *session;
    local_project p;
    doc *leftovers; /* databases that were not made to their end */
} given_call;

/* ---- local_given_look.c ---- */

/* The server's databases as they are now, in place of an older look. */
LB_MUST_CHECK int given_look(given_call *c, lb_error *err);
void given_forget(given_call *c);
/* What the comment says of a branch. The caller frees. */
char *given_comment(doc *entry, int64_t oid, const char *server);
doc *given_answer(doc *entry);                           /* the branch as the control plane tells it */
doc *given_endpoint(const given_call *c, doc *entry);    /* its endpoint that writes */
doc *given_reader(doc *entry);                           /* and the one that only reads */
doc *given_entry(const given_call *c, const char *word); /* by a word of a path; NULL: there is none */

/* ---- local_given_change.c ---- */

/* For as long as the session lives. Without waiting: *ret_locked may be false. */
LB_MUST_CHECK int given_lock(given_call *c, bool waits, bool *ret_locked, lb_error *err);
/* Is there something that time or an accident left to do? */
bool given_is_due(const given_call *c);
/* Does it, as far as nobody is in the way. ret_changed: look again. */
void given_mend(given_call *c, bool *ret_changed);

LB_MUST_CHECK int given_make(given_call *c, doc *entry, doc *source, lb_error *err);
LB_MUST_CHECK int given_drop(given_call *c, doc *entry, lb_error *err);
/* Writes an entry's comment, and opens or closes the database as the branch's state wants it. */
LB_MUST_CHECK int given_save(given_call *c, doc *entry, lb_error *err);
/* Refuses when others are connected. */
LB_MUST_CHECK int given_check_free(doc *entry, lb_error *err);

#endif
