/* event_stage.h: a log of events in a directory of its own, and a loop to run it on. */
#ifndef LBOPS_TESTS_EVENT_STAGE_H
#define LBOPS_TESTS_EVENT_STAGE_H

#include "scratch.h"
#include "unit/suite.h"

#include "event_log.h"
#include "event_read.h"
#include "event_segment.h"
#include "fs.h"

typedef struct event_stage {
    struct ev_loop *loop;
    event_log *log;
    event_log_options options;
    event_log_found found;
    uint64_t durable, wanted; /* the loop is left when `wanted` is durable */
    int troubles, recoveries, rooms;
    lb_error trouble;
    ev_timer limit;
    bool is_late;
} event_stage;

static inline void stage_durable(void *state, uint64_t seq)
{
    event_stage *s = state;
    CU_ASSERT(seq > s->durable);
    s->durable = seq;
    if (s->wanted && seq >= s->wanted)
        ev_break(s->loop, EVBREAK_ALL);
}

static inline void stage_trouble(void *state, const lb_error *error)
{
    event_stage *s = state;
    if (error) {
        s->troubles++;
        s->trouble = *error;
        ev_break(s->loop, EVBREAK_ALL);
    } else {
        s->recoveries++;
    }
}

static inline void stage_room(void *state)
{
    event_stage *s = state;
    s->rooms++;
    ev_break(s->loop, EVBREAK_ALL);
}

static inline void stage_is_late(struct ev_loop *loop, ev_timer *timer, int events)
{
    event_stage *s = timer->data;
    (void)events;
    s->is_late = true;
    ev_break(loop, EVBREAK_ALL);
}

static inline event_stage *stage_new(const char *dir)
{
    event_stage *s = base_alloc(sizeof *s);
    s->loop = ev_loop_new(EVFLAG_AUTO);
    s->options =
        (event_log_options){.loop = s->loop, .dir = dir, .hooks = {s, stage_durable, stage_trouble, stage_room}};
    return s;
}

static inline int stage_try_open(event_stage *s, lb_error *err)
{
    s->durable = 0;
    return event_log_open(&s->options, &s->log, &s->found, err);
}

static inline void stage_open(event_stage *s)
{
    lb_error err;
    int r = stage_try_open(s, &err);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL_FATAL(r, 0);
}

/* Turns the loop until something happens that ends it. */
static inline void stage_run(event_stage *s)
{
    ev_timer_init(&s->limit, stage_is_late, 60, 0);
    s->limit.data = s;
    ev_timer_start(s->loop, &s->limit);
    (void)ev_run(s->loop, 0); /* ends by ev_break */
    ev_timer_stop(s->loop, &s->limit);
    CU_ASSERT_FALSE(s->is_late);
}

static inline void stage_until_durable(event_stage *s, uint64_t seq)
{
    s->wanted = seq;
    while (s->durable < seq && !s->is_late)
        stage_run(s);
}

static inline void stage_close(event_stage *s)
{
    s->log = event_log_free(s->log);
}

static inline event_stage *stage_free(event_stage *s)
{
    stage_close(s);
    ev_loop_destroy(s->loop);
    free(s);
    return NULL;
}

static inline uint64_t stage_add_kind(event_stage *s, const char *kind, const char *payload)
{
    lb_error err;
    uint64_t seq = 0;
    const event e = {.kind = kind, .run_id = "01RUN", .tool = "t", .project = "p", .branch = "b", .payload = payload};
    int r = event_log_add(s->log, &e, &seq, &err);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL(r, 0);
    return seq;
}

/* So many events, all durable. */
static inline void stage_add(event_stage *s, uint64_t count)
{
    uint64_t last = 0;
    for (uint64_t i = 0; i < count; i++)
        last = stage_add_kind(s, "step.taken", "{\"number\":1}");
    stage_until_durable(s, last);
}

/* ---- what came of it ---- */

static inline void keep_first_break(void *state, const lb_error *brk)
{
    lb_error *first = state;
    if (!first->code)
        *first = *brk;
}

static inline event_verified verified(const char *dir, lb_error *ret_first_break)
{
    event_verified v = {0};
    lb_error err;
    *ret_first_break = (lb_error){0};
    CU_ASSERT_EQUAL(event_verify(dir, keep_first_break, ret_first_break, &v, &err), 0);
    return v;
}

/* The chain holds from event 1 to `last`. */
static inline void expect_whole(const char *dir, uint64_t last)
{
    lb_error brk;
    event_verified v = verified(dir, &brk);
    if (v.breaks)
        printf("\n    %s\n", brk.message);
    CU_ASSERT_EQUAL(v.breaks, 0);
    CU_ASSERT_EQUAL(v.count, last);
    CU_ASSERT_EQUAL(v.last, last);
}

/* Not inline: gcc 12 takes what fs_read gives for the local that it is given through. */
LB_UNUSED static __attribute__((noinline)) char *segment_text(const char *dir, uint64_t first, size_t *ret_length)
{
    lb_error err;
    char *text = NULL;
    LB_AUTO_FREE char *path = event_segment_path(dir, first);
    CU_ASSERT_EQUAL_FATAL(fs_read(path, (size_t)256 * 1024 * 1024, &text, ret_length, &err), 0);
    return text;
}

static inline void write_segment(const char *dir, uint64_t first, const char *text, size_t length)
{
    lb_error err;
    LB_AUTO_FREE char *path = event_segment_path(dir, first);
    CU_ASSERT_EQUAL_FATAL(fs_write_durable(path, text, length, 0600, &err), 0);
}

/* The start of a line of a text, from 1. */
static inline char *line_of(char *text, int number)
{
    while (--number)
        text = strchr(text, '\n') + 1;
    return text;
}

static inline size_t segment_count(const char *dir)
{
    LB_AUTO_FREE uint64_t *firsts = NULL;
    size_t count = 0;
    lb_error err;
    CU_ASSERT_EQUAL(event_segments(dir, &firsts, &count, &err), 0);
    return count;
}

#endif
