/* approval_mock: a policy in place of people, for tests: approves or denies by the tool's name after a while, and fails
 * as often as it is told to. It remembers nothing from one open to the next, as the contract allows. */
#include "service_ground.h"

#include <lbops/approval.h>

#include <fnmatch.h>
#include <stdlib.h>
#include <time.h>

struct settings {
    lb_texts approve, deny;
    int64_t delay_ms, fail_first;
    const char *by, *because;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, approve, LB_LIST_OF(LB_TEXT), NULL,
             "patterns of tools (* and ?) whose changes it approves"),
    LB_PARAM(struct settings, deny, LB_LIST_OF(LB_TEXT), NULL,
             "patterns of tools that it denies, before it looks there"),
    LB_PARAM(struct settings, delay_ms, LB_I64, "0", "time it thinks", .min = "0", .max = "3600000"),
    LB_PARAM(struct settings, fail_first, LB_I64, "0", "so many calls fail first, as if nobody could be reached",
             .min = "0"),
    LB_PARAM(struct settings, by, LB_TEXT, "mock", "who decides"),
    LB_PARAM(struct settings, because, LB_TEXT, "the policy of the mock", "the reason that is given"),
    LB_PARAMS_END,
};

typedef enum verdict { IGNORE, APPROVE, DENY } verdict;

typedef struct pending {
    char *id;
    int64_t revision;
    verdict verdict;
    int64_t due;
    bool handed_over;
} pending;

typedef struct channel {
    const lb_service_host *host;
    char **approve, **deny; /* NULL-terminated */
    char *by, *because;
    int64_t delay, failures;
    pending *items;
    size_t count, capacity;
} channel;

/* ---- opening ---- */

static void free_texts(char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++)
        free(texts[i]);
    free(texts);
}

static void close_channel(void *state)
{
    channel *c = state;
    for (size_t i = 0; i < c->count; i++)
        free(c->items[i].id);
    free(c->items);
    free_texts(c->approve);
    free_texts(c->deny);
    free(c->by);
    free(c->because);
    free(c);
}

static char **copy_texts(const lb_texts *texts)
{
    char **copy = calloc(texts->count + 1, sizeof *copy);
    for (size_t i = 0; copy && i < texts->count; i++) {
        copy[i] = strdup(texts->items[i]);
        if (!copy[i]) {
            free_texts(copy);
            return NULL;
        }
    }
    return copy;
}

static int open_channel(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                        void **ret_state, lb_error *err)
{
    const struct settings *settings = args;
    (void)state_dir; /* nothing is kept */
    (void)deadline;  /* and nothing waits here */
    channel *c = calloc(1, sizeof *c);
    if (!c)
        return lb_out_of_memory(err);
    c->host = host;
    c->approve = copy_texts(&settings->approve);
    c->deny = copy_texts(&settings->deny);
    c->by = strdup(settings->by);
    c->because = strdup(settings->because);
    c->delay = settings->delay_ms * 1000;
    c->failures = settings->fail_first;
    if (!c->approve || !c->deny || !c->by || !c->because) {
        close_channel(c);
        return lb_out_of_memory(err);
    }
    *ret_state = c;
    return 0;
}

/* ---- calls ---- */

static int begin(channel *c, int64_t deadline, lb_error *err)
{
    if (service_check_time(c->host, deadline, err) < 0)
        return err->code;
    if (c->failures == 0)
        return 0;
    c->failures--;
    return lb_fail(err, LB_ERR_UNREACHABLE, "try again", "the mock fails on demand, %lld more times",
                   (long long)c->failures);
}

static bool matches(char *const *patterns, const char *tool)
{
    for (; *patterns; patterns++)
        if (fnmatch(*patterns, tool, 0) == 0)
            return true;
    return false;
}

static verdict judge(const channel *c, struct json_object *document)
{
    struct json_object *tool = NULL;
    const char *name = json_object_object_get_ex(document, "tool", &tool) ? json_object_get_string(tool) : "";
    return !name || matches(c->deny, name) ? DENY : matches(c->approve, name) ? APPROVE : IGNORE;
}

static pending *find(channel *c, const char *id)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->items[i].id, id) == 0)
            return &c->items[i];
    return NULL;
}

static pending *add(channel *c, const char *id)
{
    if (c->count == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 8;
        pending *items = realloc(c->items, capacity * sizeof *items);
        if (!items)
            return NULL;
        c->items = items;
        c->capacity = capacity;
    }
    c->items[c->count] = (pending){.id = strdup(id)};
    return c->items[c->count].id ? &c->items[c->count++] : NULL;
}

static int publish(void *state, const char *id, int64_t revision, const char *document, int64_t deadline, lb_error *err)
{
    channel *c = state;
    struct json_object *object = NULL;
    if (begin(c, deadline, err) < 0 || service_check_approval(id, revision, document, &object, err) < 0)
        return err->code;
    pending *item = find(c, id);
    if (!item)
        item = add(c, id);
    if (item && item->revision < revision) {
        item->revision = revision;
        item->verdict = judge(c, object);
        item->due = c->host->now() + c->delay;
        item->handed_over = false;
    }
    (void)json_object_put(object); /* says whether it was the last one */
    return item ? 0 : lb_out_of_memory(err);
}

static int settle(void *state, const char *id, const char *outcome, int64_t deadline, lb_error *err)
{
    channel *c = state;
    if (begin(c, deadline, err) < 0 || service_check_settling(id, outcome, err) < 0)
        return err->code;
    pending *item = find(c, id);
    if (item) {
        free(item->id);
        *item = c->items[--c->count];
    }
    return 0;
}

/* ---- collecting ---- */

static int64_t wall_clock(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail */
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int hand_over(channel *c, int (*take)(void *arg, const lb_decision *decision, lb_error *err), void *arg,
                     lb_error *err)
{
    int count = 0;
    int64_t now = c->host->now();
    for (size_t i = 0; i < c->count; i++) {
        pending *item = &c->items[i];
        if (item->verdict == IGNORE || item->handed_over || item->due > now)
            continue;
        const lb_decision decision = {.size = sizeof decision,
                                      .id = item->id,
                                      .revision = item->revision,
                                      .approved = item->verdict == APPROVE,
                                      .by = c->by,
                                      .because = c->because,
                                      .at = wall_clock()};
        int r = take(arg, &decision, err);
        if (r < 0)
            return r;
        item->handed_over = true;
        count++;
    }
    return count;
}

static int64_t next_due(const channel *c, int64_t deadline)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->items[i].verdict != IGNORE && !c->items[i].handed_over && c->items[i].due < deadline)
            deadline = c->items[i].due;
    return deadline;
}

static int collect(void *state, int64_t deadline, int (*take)(void *arg, const lb_decision *decision, lb_error *err),
                   void *arg, lb_error *err)
{
    channel *c = state;
    int r = begin(c, deadline, err);
    if (r == 0)
        r = hand_over(c, take, arg, err);
    if (r != 0)
        return r;
    service_rest_until(c->host, next_due(c, deadline));
    return c->host->cancelled() ? lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled") : hand_over(c, take, arg, err);
}

LB_APPROVAL(approval_mock, "a policy in place of people, for tests", .params = params, .param_size = sizeof(lb_param),
            .args_size = sizeof(struct settings), .open = open_channel, .close = close_channel, .publish = publish,
            .settle = settle, .collect = collect);
