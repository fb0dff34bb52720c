/* What is done about a planted incident. Procedures of low risk are run as they are; what a person would be asked is
 * done in his place, under the same rules, as nobody is asked about a rehearsal. */
#include "heal_remedy.h"
#include "health_sessions.h"
#include "incident.h"

#include <json-c/json.h>
#include <sql/rehearsal/incident_drop_slot.h>

#define PERSON ", in a person's place"

static const char *member(lb_ctx *ctx, struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(from, name, &found) && found ? lb_printf(ctx, "%s", json_object_get_string(found))
                                                                  : NULL;
}

static int run_procedure(incident *x, const cause_found *c, incident_cure *cure, lb_error *err)
{
    const char *answer = NULL;
    lb_value args[5] = {lb_text("issue_type", x->kind->issue), lb_bool("anyway", true)};
    size_t count = 2;
    if (c->table) {
        args[count++] = lb_text("schema", c->schema);
        args[count++] = lb_text("table", c->table);
    }
    args[count].type = LB_END;
    int r = lb_call(x->ctx, "execute_low_risk_sop", NULL, args, &answer, err);
    if (r < 0)
        return r;
    struct json_object *document = json_tokener_parse(answer);
    const char *action = member(x->ctx, document, "action"), *status = member(x->ctx, document, "status");
    *cure = (incident_cure){.action = action ? action : "execute_low_risk_sop",
                            .status = status ? status : "unknown",
                            .reason = member(x->ctx, document, "reason")};
    (void)json_object_put(document); /* says only whether it was the last reference */
    return 0;
}

static const health_session *session_of(const health_sessions *all, int64_t pid)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->rows[i].pid == pid)
            return &all->rows[i];
    return NULL;
}

static int end_session(incident *x, const cause_found *c, incident_cure *cure, lb_error *err)
{
    const health_kept nobody = {.users = {NULL, 0}};
    const heal_remedy *remedy = heal_remedy_of(c);
    health_sessions all = {0};
    int r = health_read_sessions(x->ctx, &all, err);
    const health_session *s = r < 0 ? NULL : session_of(&all, c->pid);
    if (r < 0)
        return r;
    cure->action = lb_printf(x->ctx, "%s" PERSON, remedy ? remedy->action : "end the session");
    const char *kept = s ? health_protection(s, &nobody) : NULL;
    cure->reason = kept ? lb_printf(x->ctx, "the session may not be ended: %s", kept)
                   : s  ? NULL
                        : "it has gone by itself";
    cure->status = cure->reason ? "not_possible" : "executed";
    if (cure->reason || !s)
        return 0;
    const connections_end_session_args wanted = health_ending(s);
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    r = lb_group_open(x->ctx,
                      LB_GROUP(.title = lb_printf(x->ctx, "end session %lld of a rehearsal", (long long)s->pid),
                               .reason = c->reason, .undo = "none is needed: the branch is thrown away"),
                      &group, err);
    if (r >= 0)
        r = connections_end_session(x->ctx, group, &wanted, err);
    if (r >= 0)
        r = lb_apply(x->ctx, group, &outcome, err);
    if (r >= 0 && outcome != LB_APPLIED)
        cure->status = "refused";
    return r;
}

int incident_treat(incident *x, const cause_found *cause, incident_cure *ret_cure, lb_error *err)
{
    *ret_cure = (incident_cure){.status = "nothing_to_do"};
    switch (x->kind->way) {
    case INCIDENT_END_SESSION:
        return end_session(x, cause, ret_cure, err);
    case INCIDENT_PROCEDURE:
        return run_procedure(x, cause, ret_cure, err);
    case INCIDENT_DROP_SLOT:
        *ret_cure = (incident_cure){.action = "drop the slot" PERSON, .status = "executed"};
        return incident_change(x->ctx, "drop the slot that nobody reads", &rehearsal_incident_drop_slot_sql,
                               LB_ARGS(lb_text("name", INCIDENT_SLOT)), err);
    case INCIDENT_NOTHING:
        return 0;
    }
    return 0;
}
