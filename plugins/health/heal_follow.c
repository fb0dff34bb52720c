/* What a person approves is carried out by the host, when nobody looks. The next runs do: did the number go back? What
 * did not help is taken back where that is one statement, and a person hears of it. What somebody has altered by hand
 * since is that person's, and left alone. */
#include "heal_follow.h"

#include <sql/diagnose/left.h>
#include <sql/index/drop.h>
#include <sql/vacuum/option.h>
#include <sql/vacuum/set_options.h>

#include <string.h>

static const char *key_of(lb_ctx *ctx, const heal_past *past)
{
    return lb_printf(ctx, "%s of %s", past->kind, past->object);
}

static bool is_index(const heal_past *past)
{
    return cause_named(past->kind) == CAUSE_DROPPED_INDEX;
}

/* It leaves something that stays, and that somebody can change. */
static bool leaves_something(const heal_past *past)
{
    return past->schema && past->table && (is_index(past) || cause_named(past->kind) == CAUSE_AUTOVACUUM_OFF);
}

/* "orders_customer" of public.orders_customer: an index is in its table's schema. */
static const char *index_name(const heal_past *past)
{
    size_t length = strlen(past->schema);
    bool is_there = strncmp(past->object, past->schema, length) == 0 && past->object[length] == '.';
    return is_index(past) && is_there ? past->object + length + 1 : NULL;
}

static bool ends_session(const heal_past *past)
{
    cause_id id = cause_named(past->kind);
    return id == CAUSE_IDLE_IN_TRANSACTION || id == CAUSE_LOCK_CHAIN;
}

/* Where the cause is found yet, it was in vain. */
static bool ended_nobody(const heal_following *f, const heal_past *past, const diagnose_decisions_row *d)
{
    return ends_session(past) && !d->rows_affected_is_null && d->rows_affected == 0 &&
           !cause_find(f->diagnosis, past->kind, past->object);
}

/* ---- looking ---- */

static int read_left(lb_ctx *ctx, const heal_past *past, diagnose_left_row *ret, bool *ret_is_there, lb_error *err)
{
    const diagnose_left_args wanted = {.schema = past->schema, .table = past->table, .index = index_name(past)};
    lb_rows *rows = NULL;
    int r = diagnose_left(ctx, &wanted, &rows, err);
    *ret_is_there = r >= 0 && diagnose_left_next(ctx, rows, ret);
    return r;
}

static double number_of(const heal_past *past, const diagnose_left_row *left)
{
    return is_index(past) ? (double)left->seq_scans : (double)left->due;
}

/* An index helps when it is used, and does not when its table is read whole all the same: as often as it takes for a
 * cause, as a report or a dump reads it whole whatever indexes there are. */
static void judge_index(const heal_past *past, const diagnose_left_row *left, heal_after *into)
{
    into->altered = !left->definition || !past->command || strcmp(left->definition, past->command) != 0;
    into->stands = false;
    into->went_back = left->index_scans > 0;
    double scans = number_of(past, left);
    into->is_told = (scans < past->number ? scans : scans - past->number) >= CAUSE_MANY_SCANS;
}

/* Counters that fall while nobody has vacuumed or analyzed were lost: a compute slept. */
static void judge_table(const heal_following *f, const heal_past *past, const diagnose_left_row *left, heal_after *into)
{
    into->altered = left->autovacuum != NULL;
    into->stands = cause_find(f->diagnosis, cause_rules[CAUSE_DEAD_TUPLES].kind, past->object) ||
                   cause_find(f->diagnosis, cause_rules[CAUSE_STALE_STATISTICS].kind, past->object);
    bool fell = number_of(past, left) <= past->number / 2;
    bool was_tended = !left->tended_is_null && left->tended > past->asked_at;
    into->went_back = fell && was_tended;
    into->is_told = !fell || was_tended;
}

static int look_after(const heal_following *f, const heal_past *past, heal_after *ret_after, lb_error *err)
{
    diagnose_left_row left;
    bool is_there = false;
    cause_id id = cause_named(past->kind);
    *ret_after = (heal_after){.stands = cause_find(f->diagnosis, past->kind, past->object) != NULL,
                              .went_back = id < CAUSES && !f->diagnosis->unseen[id],
                              .age = lb_now(f->ctx) - past->done_at,
                              .settle = f->settle};
    int r = leaves_something(past) ? read_left(f->ctx, past, &left, &is_there, err) : 0;
    if (r < 0 || !leaves_something(past))
        return r;
    ret_after->altered = !is_there;
    if (is_there && is_index(past))
        judge_index(past, &left, ret_after);
    else if (is_there)
        judge_table(f, past, &left, ret_after);
    return 0;
}

/* ---- telling ---- */

static int say(const heal_following *f, const heal_past *past, const char *status, const char *why, lb_error *err)
{
    return lb_append(f->ctx, "followed",
                     LB_ARGS(lb_text("cause", past->kind), lb_text("object", past->object),
                             lb_text("title", past->title), lb_text("approved_by", past->by),
                             past->done_at ? lb_time("executed_at", past->done_at) : lb_null("executed_at"),
                             lb_text("status", status), lb_text("why", why)),
                     err);
}

static int tell(const heal_following *f, const heal_past *past, const char *status, lb_error *err)
{
    return lb_emit(f->ctx, "self_heal.executed",
                   LB_ARGS(lb_text("issue", past->kind), lb_text("issue_id", key_of(f->ctx, past)),
                           lb_text("action", past->title), lb_text("status", status)),
                   err);
}

static void put_object(void *object)
{
    json_object_put(object);
}

static void put(struct json_object *into, const char *name, struct json_object *value)
{
    if (value && json_object_object_add(into, name, value) != 0)
        json_object_put(value);
}

static struct json_object *text(const char *value)
{
    return value ? json_object_new_string(value) : NULL;
}

/* As a diagnosis would have it: the cause itself may not be seen any more, what is left is that its remedy was in vain.
 */
static const char *as_diagnosis(const heal_following *f, const heal_past *past, const char *why)
{
    struct json_object *all = json_object_new_object(), *causes = json_object_new_array();
    struct json_object *cause = json_object_new_object();
    if (!all || lb_defer(f->ctx, put_object, all) < 0 || !causes || !cause) {
        json_object_put(causes);
        json_object_put(cause);
        return NULL;
    }
    put(cause, "kind", text(past->kind));
    put(cause, "object", text(past->object));
    put(cause, "schema", text(past->schema));
    put(cause, "table", text(past->table));
    put(cause, "reason", text(why));
    put(cause, "confidence", json_object_new_double(1));
    put(cause, "rank", json_object_new_int(1));
    if (json_object_array_add(causes, cause) != 0)
        json_object_put(cause);
    put(all, "causes", causes);
    put(all, "verdict", text(why));
    return json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN);
}

static int escalate(const heal_following *f, const heal_past *past, const char *why, lb_error *err)
{
    const char *answer = NULL, *diagnosis = as_diagnosis(f, past, why);
    return diagnosis ? lb_call(f->ctx, "escalate_high_risk_issue", NULL,
                               LB_ARGS(lb_text("issue", past->kind), lb_text("object", past->object),
                                       lb_json("diagnosis", diagnosis), lb_text("done", why)),
                               &answer, err)
                     : lb_out_of_memory(err);
}

/* ---- back ---- */

static int put_back(lb_ctx *ctx, const heal_past *past, lb_group *group, lb_error *err)
{
    const vacuum_option_args off = {.name = "autovacuum_enabled", .value = "off"};
    const lb_sql *option = NULL;
    if (is_index(past))
        return index_drop(ctx, group, &(index_drop_args){.schema = past->schema, .name = index_name(past)}, err);
    int r = vacuum_option_compose(ctx, &off, &option, err);
    return r < 0 ? r
                 : vacuum_set_options(ctx, group,
                                      &(vacuum_set_options_args){
                                          .schema = past->schema, .table = past->table, .options = {&option, 1}},
                                      err);
}

/* The approval has shown how it is undone; the gate says whether a person is asked for that, too. For an index one is
 * on every branch. */
static int take_back(lb_ctx *ctx, const heal_past *past, const char **ret_status, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = lb_printf(ctx, "take back: %s", past->title), .reason = "it did not help",
                                   .evidence = LB_ARGS(lb_text("cause", past->kind), lb_text("object", past->object)),
                                   .undo = past->title, .asks = is_index(past)),
                          &group, err);
    if (r >= 0)
        r = put_back(ctx, past, group, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    *ret_status = r < 0                   ? "rollback_failed"
                  : outcome == LB_APPLIED ? "rolled_back"
                  : outcome == LB_WAITING ? "rollback_waits"
                  : outcome == LB_PLANNED ? "rollback_planned"
                                          : "rollback_refused";
    bool is_grave = r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY;
    return r < 0 && !is_grave ? lb_skipped(ctx, past->title, lb_printf(ctx, "%s", err->message), err) : r;
}

/* ---- what became of it ---- */

static const char *approver(const heal_past *past)
{
    return past->by ? past->by : "somebody";
}

static int settle(heal_following *f, heal_past past, heal_state state, const char *status, const char *why,
                  lb_error *err)
{
    int r = say(f, &past, status, why, err);
    past.state = state;
    if (r >= 0 && (state == HEAL_VERIFIED || state == HEAL_FAILED))
        r = tell(f, &past, state == HEAL_VERIFIED ? "executed" : "failed", err);
    if (r >= 0 && (state == HEAL_VERIFIED || state == HEAL_FAILED))
        r = heal_note(f->memory, key_of(f->ctx, &past), true, state == HEAL_VERIFIED, err);
    if (r >= 0 && state == HEAL_FAILED)
        r = escalate(f, &past, why, err);
    heal_keep(f->memory, &past);
    f->verified += state == HEAL_VERIFIED;
    f->in_vain += state == HEAL_FAILED;
    f->by_hand += state == HEAL_UNDONE;
    return r;
}

static int give_up(heal_following *f, const heal_past *past, lb_error *err)
{
    const char *status = "escalated";
    int r = leaves_something(past) ? take_back(f->ctx, past, &status, err) : 0;
    if (r < 0)
        return r;
    const char *why = lb_printf(f->ctx, "%s, as %s had approved: it did not help%s", past->title, approver(past),
                                strcmp(status, "rolled_back") == 0      ? " and is taken back"
                                : strcmp(status, "rollback_waits") == 0 ? "; to take it back waits for approval"
                                                                        : "");
    return settle(f, *past, HEAL_FAILED, status, why, err);
}

static int follow_done(heal_following *f, const heal_past *past, lb_error *err)
{
    heal_after seen;
    int r = look_after(f, past, &seen, err);
    heal_turn turn = r < 0 ? HEAL_WAITS : heal_judge_after(&seen);
    if (r < 0)
        return r;
    if (lb_plans(f->ctx) || turn == HEAL_WAITS)
        return say(f, past, "waits", "it is carried out, and has yet to show whether it helps", err);
    if (turn == HEAL_BY_HAND)
        return settle(f, *past, HEAL_UNDONE, "changed_by_hand", "somebody has changed it since: it is left alone", err);
    return turn == HEAL_HELPED ? settle(f, *past, HEAL_VERIFIED, "verified", NULL, err) : give_up(f, past, err);
}

/* The host has carried it out meanwhile, or has failed to. */
static int follow_asked(heal_following *f, heal_past past, lb_error *err)
{
    const diagnose_decisions_row *d = heal_decision(f->memory, past.title, past.asked_at);
    diagnose_left_row left;
    bool is_there = false;
    if (!d || lb_plans(f->ctx))
        return 0;
    past.by = d->decided_by;
    if (strcmp(d->status, "failed") == 0)
        return settle(f, past, HEAL_FAILED, "escalated",
                      lb_printf(f->ctx, "%s, as %s had approved: that failed", past.title, approver(&past)), err);
    if (strcmp(d->status, "executed") != 0)
        return 0;
    if (ends_session(&past) && d->rows_affected_is_null && lb_now(f->ctx) - d->decided_at < f->settle)
        return say(f, &past, "waits", "it is carried out, and the audit log has yet to say whether somebody was ended",
                   err);
    if (ended_nobody(f, &past, d))
        return settle(f, past, HEAL_NOTHING, "nothing_to_do",
                      "nobody was ended: the session had gone or gone on by then", err);
    past.state = HEAL_DONE;
    past.done_at = d->decided_at;
    int r = is_index(&past) && leaves_something(&past) ? read_left(f->ctx, &past, &left, &is_there, err) : 0;
    if (is_there)
        past.number = number_of(&past, &left);
    heal_keep(f->memory, &past);
    return r < 0 ? r : follow_done(f, &past, err);
}

/* What has helped, and is found again: it did not go by itself. */
static int follow_settled(heal_following *f, const heal_past *past, lb_error *err)
{
    bool is_back = leaves_something(past) && cause_find(f->diagnosis, past->kind, past->object);
    return is_back && !lb_plans(f->ctx)
               ? settle(f, *past, HEAL_UNDONE, "changed_by_hand",
                        "it had helped, and somebody has changed it since: it is left alone", err)
               : 0;
}

int heal_follow(heal_following *f, lb_error *err)
{
    heal_past all[HEAL_PASTS + 1];
    size_t count = f->memory->past_count;
    int r = 0;
    memcpy(all, f->memory->pasts, sizeof all);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = all[i].state == HEAL_ASKED      ? follow_asked(f, all[i], err)
            : all[i].state == HEAL_DONE     ? follow_done(f, &all[i], err)
            : all[i].state == HEAL_VERIFIED ? follow_settled(f, &all[i], err)
                                            : 0;
    return r;
}

int heal_promise(heal_memory *m, const cause_found *c, const char *title, heal_state state, lb_error *err)
{
    heal_past past = {.state = state,
                      .title = title,
                      .kind = c->kind,
                      .object = c->object,
                      .schema = c->schema,
                      .table = c->table,
                      .command = c->command,
                      .by = state == HEAL_ASKED ? NULL : "the policy",
                      .asked_at = lb_now(m->ctx),
                      .done_at = state == HEAL_ASKED ? 0 : lb_now(m->ctx),
                      .number = -1};
    diagnose_left_row left;
    bool is_there = false;
    if (!title)
        return lb_out_of_memory(err);
    int r = leaves_something(&past) ? read_left(m->ctx, &past, &left, &is_there, err) : 0;
    if (is_there)
        past.number = number_of(&past, &left);
    heal_keep(m, &past);
    return r;
}
