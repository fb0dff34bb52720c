/* service_people.h: what supervisor and the services that reach people (approval, alert) say to each other.
 *
 * Approval. PUBLISH: id, revision, document. SETTLE: id, outcome. No answer but the error. News: id, revision,
 * approved, by, because, at: a decision; it comes again until the request is settled. Alert. SEND: id, key, change,
 * severity, text, document, at. Answer: outcome, microseconds to wait, why. */
#ifndef LBOPS_HOST_SERVICE_PEOPLE_H
#define LBOPS_HOST_SERVICE_PEOPLE_H

#include "wire.h"

#include <lbops/alert.h>
#include <lbops/approval.h>

typedef enum approval_verb { APPROVAL_PUBLISH = 1, APPROVAL_SETTLE = 2 } approval_verb;
typedef enum alert_verb { ALERT_SEND = 1 } alert_verb;

void people_put_note(buf *out, const lb_alert_note *note);

#endif
