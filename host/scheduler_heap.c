/* The entries that wait for a time, the earliest on top. */
#include "scheduler_internal.h"

static void put(table *t, size_t at, heap_item item)
{
    t->heap[at] = item;
    t->entries[item.entry].heap_at = (uint32_t)at;
}

static void sift_up(table *t, size_t at, heap_item item)
{
    for (; at > 0 && t->heap[(at - 1) / 2].due > item.due; at = (at - 1) / 2)
        put(t, at, t->heap[(at - 1) / 2]);
    put(t, at, item);
}

static void sift_down(table *t, size_t at, heap_item item)
{
    for (size_t child; (child = 2 * at + 1) < t->heap_count; at = child) {
        if (child + 1 < t->heap_count && t->heap[child + 1].due < t->heap[child].due)
            child++;
        if (t->heap[child].due >= item.due)
            break;
        put(t, at, t->heap[child]);
    }
    put(t, at, item);
}

static void settle(table *t, size_t at, heap_item item)
{
    if (at > 0 && t->heap[(at - 1) / 2].due > item.due)
        sift_up(t, at, item);
    else
        sift_down(t, at, item);
}

void heap_set(table *t, uint32_t index)
{
    entry *e = &t->entries[index];
    heap_item item = {e->due, index};
    if (e->due == NEVER) {
        size_t at = e->heap_at;
        if (at == NO_HEAP)
            return;
        e->heap_at = NO_HEAP;
        t->heap_count--;
        if (at < t->heap_count)
            settle(t, at, t->heap[t->heap_count]);
    } else if (e->heap_at == NO_HEAP) {
        t->heap_count++;
        sift_up(t, t->heap_count - 1, item);
    } else {
        settle(t, e->heap_at, item);
    }
}

void heap_rebuild(table *t)
{
    t->heap_count = 0;
    for (size_t i = 0; i < t->entry_count; i++) {
        t->entries[i].heap_at = NO_HEAP;
        if (t->entries[i].due != NEVER)
            put(t, t->heap_count++, (heap_item){t->entries[i].due, (uint32_t)i});
    }
    for (size_t i = t->heap_count / 2; i-- > 0;)
        sift_down(t, i, t->heap[i]);
}
