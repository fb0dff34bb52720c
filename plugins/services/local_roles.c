/* Roles and databases of a branch. */
#include "local.h"

int local_roles(local_call *call, lb_error *err)
{
    return local_refuse(err, 501, "NOT_IMPLEMENTED", "roles of a local branch are made with SQL: %s",
                        call->request->path);
}

int local_databases(local_call *call, lb_error *err)
{
    return local_refuse(err, 501, "NOT_IMPLEMENTED", "databases of a local branch are made with SQL: %s",
                        call->request->path);
}
