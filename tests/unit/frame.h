/* frame.h: what somebody wrote, for reading. */
#ifndef LBOPS_TESTS_FRAME_H
#define LBOPS_TESTS_FRAME_H

#include "unit/suite.h"

#include "wire.h"

static inline wire_reader reader_of(const void *bytes, size_t length)
{
    const unsigned char *p = bytes;
    return (wire_reader){.p = p, .end = p + length};
}

/* The frame's reader, from the start. */
static inline wire_reader open_frame(const buf *frame, wire_type expected)
{
    wire_type type = 0;
    wire_reader r = {0};
    size_t size = 0;
    CU_ASSERT_EQUAL_FATAL(wire_frame(frame->data, frame->length, &type, &r, &size), 1);
    CU_ASSERT_EQUAL(type, expected);
    CU_ASSERT_EQUAL(size, frame->length);
    return r;
}

#endif
