#include "health_branch.h"
#include "branch_memory.h"
#include "health_blind.h"

#include <string.h>

static void put_object(void *object)
{
    json_object_put(object);
}

static bool has_alerts(struct json_object *memory)
{
    struct json_object *alerts = NULL, *blind = NULL;
    return memory && ((json_object_object_get_ex(memory, "alerts", &alerts) && json_object_array_length(alerts)) ||
                      json_object_object_get_ex(memory, "blind", &blind));
}

static int end_alert(lb_ctx *ctx, const health_entry *entry, lb_error *err)
{
    const health_alert_rule *rule = &health_alert_rules[entry->id];
    const char *text = lb_printf(ctx, "%s%s%s was of a branch that is gone: another one has its name now", rule->title,
                                 entry->object ? " of " : "", entry->object ? entry->object : "");
    return lb_emit(ctx, "threshold.cleared",
                   LB_ARGS(lb_text("metric", rule->metric), lb_null("value"), lb_text("schema", entry->schema),
                           lb_text("table", entry->table), lb_text("object", entry->table ? NULL : entry->object),
                           lb_text("database", entry->database), lb_time("since", entry->alert.since),
                           lb_text("text", text)),
                   err);
}

static int end_all(lb_ctx *ctx, struct json_object *memory, lb_error *err)
{
    const health_reading old = {.before = memory};
    health_book book;
    int r = health_book_load(ctx, &old, &book, err);
    for (size_t i = 0; r >= 0 && i < book.count; i++)
        if (book.entries[i].alert.told != HEALTH_NORMAL)
            r = end_alert(ctx, &book.entries[i], err);
    return r < 0 ? r : health_end_sight(ctx, &old, err);
}

int health_same_branch(lb_ctx *ctx, const char **before, const char **ret_uid, lb_error *err)
{
    struct json_object *memory = *before ? json_tokener_parse(*before) : NULL;
    if (memory && lb_defer(ctx, put_object, memory) < 0)
        return lb_out_of_memory(err);
    const char *known = branch_uid_in(memory);
    *ret_uid = has_alerts(memory) ? branch_uid(ctx) : NULL;
    if (!known || !*ret_uid || strcmp(known, *ret_uid) == 0)
        return 0;
    *before = NULL;
    return end_all(ctx, memory, err);
}

int health_note_branch(lb_ctx *ctx, health_reading *reading, const char *uid, lb_error *err)
{
    if (!has_alerts(reading->next)) {
        json_object_object_del(reading->next, BRANCH_UID);
        return 0;
    }
    uid = uid ? uid : branch_uid(ctx);
    return uid ? branch_put_uid(reading->next, uid, err) : 0;
}
