/* local_objects.h: what roles and databases of a branch share: a list in the branch's record, and statements that the
 * branch's own server has quoted. [worker] */
#ifndef LBOPS_SERVICES_LOCAL_OBJECTS_H
#define LBOPS_SERVICES_LOCAL_OBJECTS_H

#include "local.h"

/* One kind of thing below a branch. The functions do the work on the server; they get the thing's document. */
typedef struct local_object {
    const char *list, *id_name, *what; /* "roles", "role_id", "role" */
    const char *kind;                  /* "Role" */
    int (*create)(local_call *call, const local_project *p, doc *entry, doc *object, lb_error *err);
    int (*update)(local_call *call, const local_project *p, doc *entry, doc *object, const char *mask, lb_error *err);
    int (*remove)(local_call *call, const local_project *p, doc *entry, doc *object, lb_error *err);
} local_object;

int local_objects(local_call *call, const local_object *kind, lb_error *err);

/* By its id in the branch's record; NULL: there is none. */
doc *local_find_object(doc *entry, const local_object *kind, const char *id);
/* By a full name such as projects/p/branches/b/roles/r. */
doc *local_find_role(doc *entry, const char *name);

/* Asks the server for a statement (a SELECT with one column) and runs what it says, in a database. */
LB_MUST_CHECK int local_say_and_run(local_call *call, const local_project *p, doc *entry, const char *database,
                                    const lb_statement *statement, const char *const *params, lb_error *err);

#endif
