#include "alert_digest.h"

#include "clock.h"
#include "json.h"

#include <stdlib.h>

#define MOST_GROUPS 18 /* as many facts as a message shows, and what is said about all of them */

/* Those of one kind at one place that are equally bad. */
typedef struct group {
    const alert_digest_item *first;
    size_t count, over;
    size_t place; /* of the first */
} group;

void alert_digest_done(alert_digest *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const alert_digest_item *it = &d->items[i];
        const char *const texts[] = {it->key, it->what, it->where, it->text, it->severity};
        for (size_t k = 0; k < LB_COUNT(texts); k++)
            free((char *)(uintptr_t)texts[k]); /* copies of our own */
    }
    free(d->items);
    *d = (alert_digest){0};
}

/* It becomes a part of a message: one line. */
static char *one_line(const char *text)
{
    char *copy = base_strdup(text ? text : "");
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = ' ';
    return copy;
}

static bool waits(const alert_digest_item *item, const char *key)
{
    return !item->is_over && !item->is_end && strcmp(item->key, key) == 0;
}

static bool has_untold(const alert_digest *d, const char *key)
{
    for (size_t i = 0; i < d->count; i++)
        if (waits(&d->items[i], key) && !d->items[i].is_told)
            return true;
    return false;
}

void alert_digest_add(alert_digest *d, const alert_digest_item *item)
{
    bool is_told = item->is_told && !has_untold(d, item->key);
    BASE_PUSH(d->items, d->count, d->capacity);
    d->items[d->count++] = (alert_digest_item){.seq = item->seq,
                                               .key = base_strdup(item->key ? item->key : ""),
                                               .what = one_line(item->what),
                                               .where = one_line(item->where),
                                               .text = one_line(item->text),
                                               .severity = base_strdup(item->severity ? item->severity : "warning"),
                                               .is_end = item->is_end,
                                               .is_told = is_told,
                                               .at = item->at};
}

void alert_digest_tell(alert_digest *d, const char *key)
{
    for (size_t i = 0; i < d->count; i++)
        if (waits(&d->items[i], key))
            d->items[i].is_told = true;
}

bool alert_digest_end(alert_digest *d, const char *key)
{
    bool found = false, told = false;
    for (size_t i = 0; i < d->count; i++) {
        alert_digest_item *item = &d->items[i];
        if (!waits(item, key))
            continue;
        item->is_over = found = true;
        told = told || item->is_told;
    }
    return found && !told;
}

/* ---- the message ---- */

static int badness(const char *severity)
{
    return strcmp(severity, "critical") == 0 ? 3 : strcmp(severity, "warning") == 0 ? 2 : 1;
}

static bool belongs(const group *g, const alert_digest_item *item)
{
    return strcmp(g->first->what, item->what) == 0 && strcmp(g->first->where, item->where) == 0 &&
           strcmp(g->first->severity, item->severity) == 0;
}

/* The worst first, then the most; as they came where that is equal. */
static int compare(const void *a, const void *b)
{
    const group *x = a, *y = b;
    int worse = badness(y->first->severity) - badness(x->first->severity);
    if (worse)
        return worse;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static size_t gather(const alert_digest *d, group *groups)
{
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++) {
        size_t k = 0;
        if (d->items[i].is_end)
            continue;
        while (k < count && !belongs(&groups[k], &d->items[i]))
            k++;
        if (k == count)
            groups[count++] = (group){.first = &d->items[i], .place = i};
        groups[k].count++;
        groups[k].over += d->items[i].is_over;
    }
    qsort(groups, count, sizeof *groups, compare);
    return count;
}

static void put_group(buf *b, const group *g)
{
    const alert_digest_item *i = g->first;
    LB_AUTO_FREE char *name = base_printf("%s: %s%s%s", i->severity, i->what, *i->where ? " on " : "", i->where);
    BUF_AUTO value = BUF_INIT((size_t)64 * 1024);
    if (g->count > 1)
        buf_printf(&value, "%zu times, the first: ", g->count);
    buf_printf(&value, "%.300s", i->text);
    if (g->over)
        buf_printf(&value, g->count == 1 ? " (over again)" : " (%zu of them over again)", g->over);
    json_member_string(b, name, buf_text(&value));
}

const char *alert_digest_put(const alert_digest *d, int above, int seconds, buf *text, buf *document)
{
    LB_AUTO_FREE group *groups = base_alloc((d->count + 1) * sizeof *groups);
    size_t count = gather(d, groups), rest = 0, critical = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        all += groups[i].count;
        critical += badness(groups[i].first->severity) == 3 ? groups[i].count : 0;
    }
    for (size_t i = MOST_GROUPS; i < count; i++)
        rest += groups[i].count;
    buf_clear(text);
    buf_printf(text, "%zu alert%s in one message, %zu critical: %s%s%s first", all, all == 1 ? "" : "s", critical,
               groups[0].first->what, *groups[0].first->where ? " on " : "", groups[0].first->where);
    buf_clear(document);
    buf_puts(document, "{\"kind\":\"alert.digest\",\"payload\":{");
    LB_AUTO_FREE char *why = base_printf("more than %d messages in %d s: the rest is told together", above, seconds);
    json_member_string(document, "digest", why);
    for (size_t i = 0; i < count && i < MOST_GROUPS; i++)
        put_group(document, &groups[i]);
    if (rest) {
        LB_AUTO_FREE char *more = base_printf("%zu more of %zu other kinds or places", rest, count - MOST_GROUPS);
        json_member_string(document, "and", more);
    }
    buf_puts(document, "}}");
    return groups[0].first->severity;
}
