/* fixture.h: recording: what a live transport answers becomes fixtures that transport_mock can answer from
 * (sdk/fixtures.md).
 *
 * A recording never changes what a run sees: when it cannot be kept, the run goes on and the first reason stays to be
 * asked for. Secrets are left out: arguments of type LB_SECRET and any answer that repeats one, and members of
 * control-plane documents that are named like one. Several processes may record into one directory. [worker] */
#ifndef LBOPS_HOST_FIXTURE_H
#define LBOPS_HOST_FIXTURE_H

#include "base.h"

#include <lbops/transport.h>

typedef struct fixture_recording fixture_recording;

/* The directory is made when the first answer comes. */
fixture_recording *fixture_recording_new(const char *dir);
fixture_recording *fixture_recording_free(fixture_recording *recording); /* NULL is fine */

/* The first thing that could not be recorded, or NULL. */
const lb_error *fixture_recording_failure(const fixture_recording *recording);

/* From here on, the statements of this session are recorded as the target's (a session nobody named: as any target's),
 * and the target's version as the server's. version 0: not known. */
void fixture_record_target(fixture_recording *recording, const void *session, const lb_target *target, int version);

/* As transport->execute and transport->control, and recorded. */
LB_MUST_CHECK int fixture_record_execute(fixture_recording *recording, const lb_transport *transport, void *session,
                                         const lb_command *command, const lb_sink *sink, int64_t *ret_affected,
                                         lb_error *err);
/* As `answer` does, and recorded as what the history says to a run on that target. */
typedef int (*fixture_answer)(void *arg, const lb_command *command, const lb_sink *sink, lb_error *err);
LB_MUST_CHECK int fixture_record_history(fixture_recording *recording, const lb_target *target,
                                         const lb_command *command, fixture_answer answer, void *arg,
                                         const lb_sink *sink, lb_error *err);
LB_MUST_CHECK int fixture_record_control(fixture_recording *recording, const lb_transport *transport, void *state,
                                         const lb_request *request, int64_t deadline,
                                         int (*reply)(void *arg, const char *json, lb_error *err), void *arg,
                                         lb_error *err);
/* As `call` does, and recorded as what the web service answers. */
typedef int (*fixture_call)(void *arg, const lb_request *request, int64_t deadline,
                            int (*reply)(void *arg, const char *json, lb_error *err), void *reply_arg, lb_error *err);
LB_MUST_CHECK int fixture_record_http(fixture_recording *recording, const char *service, const lb_request *request,
                                      int64_t deadline, fixture_call call, void *arg,
                                      int (*reply)(void *arg, const char *json, lb_error *err), void *reply_arg,
                                      lb_error *err);

#endif
