#include "cost_alarm.h"

#include "shell_word.h"

#include <json-c/json.h>
#include <string.h>
#include <time.h>

#define UNUSED_DAYS 3         /* a schedule asks each day: after that what others have opened is open to all */
#define LEAST_DAYS  COST_WEEK /* of a bill that an account has no line in, to be sure that it has none any more */

/* Remembered by the bill and its rule, which are the words of a command: {"day": when they were asked for last,
 * "accounts": {name: {"project", "branch", "is_open", "days": those that were told}}}. */
struct cost_alarms {
    lb_ctx *ctx;
    const cost_book *book;
    const char *currency, *words;
    struct json_object *memory, *known; /* known: of the accounts by these words */
    int64_t first, last;                /* of the account at hand: days that are news; last 0: none */
    double cost, expected;              /* of all of them */
    int64_t count;
};

static struct json_object *member(struct json_object *of, const char *name)
{
    struct json_object *value = NULL;
    return of && json_object_object_get_ex(of, name, &value) ? value : NULL;
}

static const char *text_in(struct json_object *of, const char *name)
{
    struct json_object *value = member(of, name);
    return value ? json_object_get_string(value) : NULL;
}

static bool put(struct json_object *into, const char *name, struct json_object *value)
{
    if (value && json_object_object_add(into, name, value) == 0)
        return true;
    (void)json_object_put(value); /* says whether it was the last one */
    return false;
}

static const char *name_of(const cost_alarms *a, const cost_account *account)
{
    return cost_name_of(a->ctx, account);
}

/* The account's entry, made where it is new. NULL: no memory. */
static struct json_object *entry_of(const cost_alarms *a, const cost_account *account)
{
    const char *name = name_of(a, account);
    struct json_object *entry = member(a->known, name);
    if (entry)
        return entry;
    entry = json_object_new_object();
    bool is_whole = entry && put(entry, "days", json_object_new_array()) &&
                    (!account->project || put(entry, "project", json_object_new_string(account->project))) &&
                    (!account->branch || put(entry, "branch", json_object_new_string(account->branch)));
    if (is_whole && put(a->known, name, json_object_get(entry))) {
        (void)json_object_put(entry); /* the list has it */
        return entry;
    }
    (void)json_object_put(entry); /* says whether it was the last one */
    return NULL;
}

static bool was_told(struct json_object *entry, int64_t day)
{
    struct json_object *days = member(entry, "days");
    for (size_t i = 0; days && i < json_object_array_length(days); i++)
        if (json_object_get_int64(json_object_array_get_idx(days, i)) == day)
            return true;
    return false;
}

static void close_memory(void *memory)
{
    (void)json_object_put(memory); /* says whether it was the last one */
}

/* %.15g: as people write numbers, and the same number when it is read again. */
static const char *words_of(lb_ctx *ctx, const cost_source *source, const cost_rule *rule)
{
    return lb_printf(ctx, "--currency %s --catalog %s --schema %s --sigmas %.15g --share %.15g --least_money %.15g",
                     shell_word(ctx, source->currency), shell_word(ctx, source->catalog),
                     shell_word(ctx, source->schema), rule->sigmas, rule->share, rule->least_money);
}

/* A list of accounts by name, which is in the memory from now on. NULL: no memory. */
static struct json_object *accounts_of(struct json_object *memory, const char *words)
{
    struct json_object *bill = member(memory, words), *accounts = member(bill, "accounts");
    if (accounts)
        return accounts;
    if (!put(memory, words, json_object_new_object()))
        return NULL;
    bill = member(memory, words);
    return put(bill, "accounts", json_object_new_object()) ? member(bill, "accounts") : NULL;
}

static bool is_unused(const cost_book *book, struct json_object *bill)
{
    struct json_object *day = member(bill, "day");
    return book->today - json_object_get_int64(day) > UNUSED_DAYS;
}

/* What was opened by words that nobody uses any more: its end is ours to tell. */
static bool take_over(const cost_alarms *a)
{
    bool is_whole = true;
    json_object_object_foreach(a->memory, words, bill)
    {
        if (strcmp(words, a->words) == 0 || !is_unused(a->book, bill) || !member(bill, "accounts"))
            continue;
        json_object_object_foreach(member(bill, "accounts"), name, entry)
        {
            struct json_object *own = member(a->known, name);
            if (!json_object_get_boolean(member(entry, "is_open")))
                continue;
            is_whole = is_whole && (own ? put(own, "is_open", json_object_new_boolean(true))
                                        : put(a->known, name, json_object_get(entry)));
        }
    }
    return is_whole;
}

int cost_alarms_open(lb_ctx *ctx, const cost_book *book, const cost_source *source, const cost_rule *rule,
                     cost_alarms **ret_alarms, lb_error *err)
{
    const char *text = NULL;
    int r = lb_recall(ctx, &text, err);
    cost_alarms *a = r < 0 ? NULL : lb_alloc(ctx, sizeof *a);
    if (!a)
        return r < 0 ? r : lb_out_of_memory(err);
    struct json_object *memory = text ? json_tokener_parse(text) : NULL;
    if (!json_object_is_type(memory, json_type_object)) {
        (void)json_object_put(memory); /* says whether it was the last one */
        memory = json_object_new_object();
    }
    if (!memory || lb_defer(ctx, close_memory, memory) < 0)
        return lb_out_of_memory(err);
    *a = (cost_alarms){
        .ctx = ctx, .book = book, .currency = source->currency, .words = words_of(ctx, source, rule), .memory = memory};
    a->known = a->words ? accounts_of(memory, a->words) : NULL;
    *ret_alarms = a;
    return a->known && take_over(a) ? 0 : lb_out_of_memory(err);
}

int cost_alarms_note(cost_alarms *a, const cost_account *account, int64_t index, const cost_judgement *j, lb_error *err)
{
    int64_t day = a->book->first_day + index;
    struct json_object *entry = entry_of(a, account), *days = member(entry, "days");
    if (!days)
        return lb_out_of_memory(err);
    if (was_told(entry, day))
        return 0;
    if (json_object_array_add(days, json_object_new_int64(day)) != 0)
        return lb_out_of_memory(err);
    a->first = a->count ? a->first : day;
    a->last = day;
    a->cost += account->days[index];
    a->expected += j->expected;
    a->count++;
    return 0;
}

/* ---- telling ---- */

static const char *date_of(lb_ctx *ctx, int64_t day)
{
    char text[16] = "";
    time_t seconds = (time_t)(day * 86400);
    struct tm t;
    if (gmtime_r(&seconds, &t))
        (void)strftime(text, sizeof text, "%Y-%m-%d", &t); /* it fits */
    return lb_printf(ctx, "%s", text);
}

static int raise_it(const cost_alarms *a, const cost_account *account, lb_error *err)
{
    const char *name = name_of(a, account), *last = date_of(a->ctx, a->last);
    const char *days = a->count == 1 ? lb_printf(a->ctx, "on %s", last)
                                     : lb_printf(a->ctx, "on %lld days from %s to %s", (long long)a->count,
                                                 date_of(a->ctx, a->first), last);
    return lb_emit(
        a->ctx, "cost.anomaly",
        LB_ARGS(lb_text("account", name), lb_text("project_id", account->project),
                lb_text("branch_id", account->branch), lb_text("level", "warning"), lb_f64("cost", a->cost),
                lb_f64("expected", a->expected), lb_text("currency", a->currency), lb_i64("days", a->count),
                lb_time("since", a->first * COST_DAY_US),
                lb_text("text", lb_printf(a->ctx, "%s cost %.2f %s %s, and %.2f is usual for the weekday%s", name,
                                          a->cost, a->currency, days, a->expected, a->count == 1 ? "" : "s")),
                lb_text("command", lb_printf(a->ctx, "lbops run track_cost_attribution --days %lld %s",
                                             (long long)(a->book->today - a->book->first_day), a->words))),
        err);
}

static int calm_it(const cost_alarms *a, const char *name, struct json_object *entry, lb_error *err)
{
    return lb_emit(a->ctx, "cost.normal",
                   LB_ARGS(lb_text("account", name), lb_text("project_id", text_in(entry, "project")),
                           lb_text("branch_id", text_in(entry, "branch")),
                           lb_text("text", lb_printf(a->ctx, "%s costs what is usual again", name))),
                   err);
}

static int set_open(struct json_object *entry, bool is_open, lb_error *err)
{
    return put(entry, "is_open", json_object_new_boolean(is_open)) ? 0 : lb_out_of_memory(err);
}

int cost_alarms_tell(cost_alarms *a, const cost_account *account, bool is_calm, lb_error *err)
{
    struct json_object *entry = member(a->known, name_of(a, account));
    bool is_new = a->count > 0, is_over = is_calm && json_object_get_boolean(member(entry, "is_open"));
    int r = is_new ? raise_it(a, account, err) : is_over ? calm_it(a, name_of(a, account), entry, err) : 0;
    if (r >= 0 && (is_new || is_over))
        r = set_open(entry, is_new, err);
    a->count = 0;
    a->cost = a->expected = 0;
    return r;
}

/* ---- the memory ---- */

static bool is_billed(const cost_alarms *a, const char *name)
{
    for (size_t i = 0; i < a->book->count; i++)
        if (strcmp(name_of(a, a->book->accounts[i]), name) == 0)
            return true;
    return false;
}

/* No run asks for days that are older. */
static void forget_old(const cost_alarms *a, struct json_object *entry)
{
    struct json_object *days = member(entry, "days");
    for (size_t i = days ? json_object_array_length(days) : 0; i-- > 0;)
        if (json_object_get_int64(json_object_array_get_idx(days, i)) < a->book->today - COST_MOST_DAYS)
            (void)json_object_array_del_idx(days, i, 1); /* it is there */
}

/* Of the accounts by these words, what the next run needs. NULL: no memory, or err says what. */
static struct json_object *keep_accounts(const cost_alarms *a, lb_error *err)
{
    bool is_long = a->book->last_day - a->book->first_day >= LEAST_DAYS;
    struct json_object *kept = json_object_new_object();
    int r = kept ? 0 : lb_out_of_memory(err);
    json_object_object_foreach(a->known, name, entry)
    {
        bool is_open = json_object_get_boolean(member(entry, "is_open"));
        forget_old(a, entry);
        if (r >= 0 && is_open && is_long && !is_billed(a, name)) {
            r = calm_it(a, name, entry, err);
            is_open = false;
        }
        struct json_object *days = member(entry, "days");
        if (r >= 0 && (is_open || (days && json_object_array_length(days))) &&
            (set_open(entry, is_open, err) < 0 || !put(kept, name, json_object_get(entry))))
            r = lb_out_of_memory(err);
    }
    if (r >= 0)
        return kept;
    (void)json_object_put(kept); /* says whether it was the last one */
    return NULL;
}

int cost_alarms_keep(cost_alarms *a, lb_error *err)
{
    struct json_object *kept = json_object_new_object(), *ours = kept ? keep_accounts(a, err) : NULL;
    struct json_object *bill = member(a->memory, a->words);
    int r = !kept ? lb_out_of_memory(err) : ours ? 0 : err->code;
    if (r >= 0 && (!put(bill, "accounts", ours) || !put(bill, "day", json_object_new_int64(a->book->today))))
        r = lb_out_of_memory(err);
    json_object_object_foreach(a->memory, words, other)
    {
        bool is_kept = !is_unused(a->book, other) && json_object_object_length(member(other, "accounts"));
        if (r >= 0 && is_kept && !put(kept, words, json_object_get(other)))
            r = lb_out_of_memory(err);
    }
    if (r >= 0)
        r = lb_remember(a->ctx, json_object_to_json_string_ext(kept, JSON_C_TO_STRING_PLAIN), err);
    (void)json_object_put(kept); /* says whether it was the last one */
    return r;
}
