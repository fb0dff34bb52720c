#include "arena.h"

#include <stdalign.h>

/* Most runs need little: the first block is small, the next ones are not. A run that needed much gets large ones, which
 * malloc takes from the kernel as they are: what of them is not used takes no memory, and nothing is zeroed twice. */
#define FIRST_BYTES ((size_t)4 * 1024)
#define BLOCK_BYTES ((size_t)64 * 1024)
#define LARGE_BYTES ((size_t)1024 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t used, capacity;
    alignas(max_align_t) char memory[];
};

struct arena_cleanup {
    struct arena_cleanup *next;
    void (*fn)(void *);
    void *arg;
};

void arena_init(arena *a, size_t limit)
{
    *a = (arena){.limit = limit};
}

static void run_cleanups(arena *a)
{
    while (a->cleanups) {
        struct arena_cleanup *c = a->cleanups;
        a->cleanups = c->next;
        c->fn(c->arg);
    }
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_done(arena *a)
{
    run_cleanups(a);
    free_blocks(a->blocks);
    *a = (arena){.limit = a->limit};
}

void arena_reset(arena *a)
{
    run_cleanups(a);
    struct arena_block *kept = a->blocks;
    if (kept && kept->capacity <= BLOCK_BYTES) {
        free_blocks(kept->next);
        memset(kept->memory, 0, kept->used);
        kept->next = NULL;
        kept->used = 0;
    } else {
        free_blocks(kept);
        kept = NULL;
    }
    *a = (arena){.blocks = kept, .limit = a->limit, .fail_at = a->fail_at};
}

static struct arena_block *add_block(arena *a, size_t bytes)
{
    size_t usual = !a->blocks ? FIRST_BYTES : a->used < LARGE_BYTES ? BLOCK_BYTES : LARGE_BYTES;
    size_t capacity = bytes > usual ? bytes : usual;
    if (capacity > SIZE_MAX / 2) /* no object is that large, and the sum below would wrap */
        return NULL;
    struct arena_block *block = calloc(1, sizeof *block + capacity);
    if (!block)
        return NULL;
    block->capacity = capacity;
    block->next = a->blocks;
    a->blocks = block;
    return block;
}

void *arena_alloc(arena *a, size_t bytes)
{
    size_t aligned = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (a->fail_at && ++a->asked == a->fail_at)
        return NULL;
    if (aligned < bytes || (a->limit && (aligned > a->limit || a->used > a->limit - aligned)))
        return NULL;
    struct arena_block *block = a->blocks;
    if (!block || block->capacity - block->used < aligned)
        block = add_block(a, aligned);
    if (!block)
        return NULL;
    void *memory = block->memory + block->used;
    block->used += aligned;
    a->used += aligned;
    return memory;
}

char *arena_strndup(arena *a, const char *text, size_t length)
{
    char *copy = arena_alloc(a, length + 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(arena *a, const char *text)
{
    return arena_strndup(a, text, strlen(text));
}

char *arena_printf(arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = length < 0 ? NULL : arena_alloc(a, (size_t)length + 1);
    if (text)
        (void)vsnprintf(text, (size_t)length + 1, fmt, again); /* measured above */
    va_end(again);
    return text;
}

int arena_defer(arena *a, void (*fn)(void *), void *arg)
{
    struct arena_cleanup *c = arena_alloc(a, sizeof *c);
    if (!c)
        return LB_ERR_NO_MEMORY;
    *c = (struct arena_cleanup){.next = a->cleanups, .fn = fn, .arg = arg};
    a->cleanups = c;
    return 0;
}

static const lb_value *copy_items(arena *a, const lb_value *items, size_t count);

static bool copy_value(arena *a, const lb_value *from, lb_value *to)
{
    *to = *from;
    if (from->name && !(to->name = arena_strdup(a, from->name)))
        return false;
    if (from->type & LB_LIST)
        return (to->v.items = copy_items(a, from->v.items, from->count)) != NULL;
    switch (from->type) {
    case LB_TEXT:
    case LB_IDENT:
    case LB_JSON:
    case LB_NUMERIC:
    case LB_SQLTYPE:
    case LB_DEFINITION:
    case LB_SECRET:
        return !from->v.text || (to->v.text = arena_strdup(a, from->v.text)) != NULL;
    case LB_OBJECT:
        return (to->v.items = arena_values(a, from->v.items)) != NULL;
    default:
        return true;
    }
}

static const lb_value *copy_items(arena *a, const lb_value *items, size_t count)
{
    lb_value *copy = arena_alloc(a, (count + 1) * sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (!copy_value(a, &items[i], &copy[i]))
            return NULL;
    return copy;
}

const lb_value *arena_values(arena *a, const lb_value *values)
{
    size_t count = 0;
    while (values[count].type != LB_END)
        count++;
    return copy_items(a, values, count);
}
