/* A group that yields: while it is executed somebody looks whether others have come, and then it is cancelled. */
#include "door.h"
#include "log.h"

typedef struct door_yield {
    lb_yield wish;
    lb_watch *watch; /* while it is executed; NULL: nobody looks */
    bool happened;
} door_yield;

int door_group_yield(lb_group *group, const lb_yield *wish, lb_error *err)
{
    const lb_statement *statement = wish->statement;
    if (group->decided)
        return lb_fail(err, LB_ERR_INVALID, "say so before lb_apply", "the group \"%s\" is decided already",
                       group->title);
    if (statement->kind != LB_STATEMENT_READ || !statement->column_count || statement->columns[0].type != LB_BOOL ||
        wish->looks < 1)
        return lb_fail(err, LB_ERR_INVALID, "ask a read whose first column is boolean, for one look or more",
                       "%s does not say whether others go first", statement->name);
    door_yield *y = arena_alloc(group->run->memory, sizeof *y);
    const lb_value *kept = y ? arena_values(group->run->memory, wish->args ? wish->args : LB_NO_ARGS) : NULL;
    if (!kept)
        return lb_out_of_memory(err);
    *y = (door_yield){.wish = {.statement = statement, .args = kept, .every_us = wish->every_us, .looks = wish->looks}};
    group->yield = y;
    return 0;
}

bool door_group_yielded(const lb_group *group)
{
    return group->yield && group->yield->happened;
}

/* What cannot be watched is done all the same: that nobody looks is no reason to leave the work. */
void door_yield_begin(lb_group *group)
{
    door_yield *y = group->yield;
    lb_error err;
    if (y && run_watch_yield(group->run, &y->wish, &y->watch, &err) < 0)
        log_line(LB_LOG_WARN, group->run->request->tool, "nobody looks while the group \"%s\" is executed: %s",
                 group->title, err.message);
}

int door_yield_end(lb_group *group, int r, lb_error *err)
{
    door_yield *y = group->yield;
    if (!y || !y->watch)
        return r;
    bool others_came = run_watch_stop(y->watch);
    y->watch = NULL;
    if (!others_came || r != LB_ERR_CANCELLED || run_is_cancelled())
        return r; /* it may have come to its end in the same moment */
    y->happened = true;
    return lb_fail(err, LB_ERR_CONFLICT, "try it again when there is less to do",
                   "the group \"%s\" was cancelled while it was executed: others go first", group->title);
}
