/* approved.h: carrying out what a person has approved, as a run of its own. [worker] */
#ifndef LBOPS_HOST_APPROVED_H
#define LBOPS_HOST_APPROVED_H

#include <lbops/lbops.h>

#define APPROVED_TOOL "lbops_approved"

/* A tool that comes with the host and that only the supervisor can ask for: neither the command line nor a tool's call
 * finds it. A request has this tool's name, the path "", the target of the approval (project NULL: the workspace), the
 * approver as its actor and as its reason the approver's words, and the arguments
 *   approval     the document, as it was asked (approval_doc.h)
 *   approval_id  what it is called
 * Its result has
 *   "executed"     true: exactly the stored changes were carried out, in this run
 *   "moved"        true: something that they touch is not as it was, and nothing was executed; then
 *   "difference"   [{"object","part","before","now"}] and
 *   "fingerprint"  as it is now,
 *   "document"     the approval document with that fingerprint and its hash: what a person is to be asked now
 * A failed execution is an error of the run; the changes list says how each one stands. */
extern const lb_plugin approved_plugin;

#endif
