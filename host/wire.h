/* wire.h: frames between the supervisor and its workers.
 *
 * A stream socket carries frames: length (u32, of what follows), type (u16), then typed fields in the order both sides
 * know. The reader must end exactly at the end of its frame; anything else is a defect or an attack and ends that peer.
 * A stream and not a packet socket, since a result may be larger than a packet. */
#ifndef LBOPS_HOST_WIRE_H
#define LBOPS_HOST_WIRE_H

#include "buf.h"

#define WIRE_HEAD        6
#define WIRE_FRAME_LIMIT ((size_t)64 * 1024 * 1024)

typedef enum wire_type {
    /* supervisor to worker */
    WIRE_SETUP = 1,
    WIRE_RUN = 2,
    /* supervisor to service */
    WIRE_SERVICE = 3,
    WIRE_ASK_SERVICE = 4,
    /* supervisor to worker: what the history answers; the number of the question comes first */
    WIRE_HISTORY_PIECE = 5,
    WIRE_HISTORY_END = 6,
    /* worker to supervisor */
    WIRE_READY = 64,
    WIRE_LOG = 65,
    WIRE_PROGRESS = 66,
    WIRE_CHANGE = 67,
    WIRE_EVENT = 68,
    WIRE_CALLED = 69, /* a run that this run called has ended */
    WIRE_DONE = 70,
    WIRE_ASK = 71,     /* a group of changes waits for a person */
    WIRE_HISTORY = 72, /* a question to the history */
    WIRE_LAKE = 73,    /* the same to the lakehouse, whose verb comes first; answered as the history answers */
    /* service to supervisor; WIRE_LOG too, with level and text alone */
    WIRE_OPENED = 80,
    WIRE_ANSWER = 81,
    WIRE_NEWS = 82,
    WIRE_PIECE = 83 /* of an answer, before its end */
} wire_type;

/* Writing: wire_begin gives a mark that wire_end needs. */
size_t wire_begin(buf *out, wire_type type);
void wire_put_u32(buf *out, uint32_t number);
void wire_put_i64(buf *out, int64_t number);
void wire_put_bool(buf *out, bool flag);
void wire_put_str(buf *out, const char *text); /* NULL is kept as NULL */
void wire_end(buf *out, size_t mark);

/* Reading. A getter past the end or a malformed field sets `bad` and gives zero, so that a reader checks once. Texts
 * point into the frame. */
typedef struct wire_reader {
    const unsigned char *p, *end;
    bool bad;
} wire_reader;

uint32_t wire_get_u32(wire_reader *r);
int64_t wire_get_i64(wire_reader *r);
bool wire_get_bool(wire_reader *r);
const char *wire_get_str(wire_reader *r);      /* may be NULL */
const char *wire_get_required(wire_reader *r); /* "" and bad when it was NULL */
bool wire_done(const wire_reader *r);
void wire_put_rest(buf *out, wire_reader *r); /* what is left of one frame, as it is, into another */

/* The frame at the start of data: 1 and its type, reader and size in bytes; 0 when more bytes are needed; -1 when it
 * cannot be a frame. */
int wire_frame(const char *data, size_t length, wire_type *ret_type, wire_reader *ret_reader, size_t *ret_size);

/* Blocking, for the worker's side of the socket. EINTR is retried. 0, or -1 with errno (EPIPE for a closed peer). */
int wire_send_all(int fd, const buf *out);

#endif
