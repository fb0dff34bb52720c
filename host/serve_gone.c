/* Alerts about a branch that is not there any more: nobody will look there again and see that all is well, so they end
 * with that reason. A branch is gone when somebody of ours says so (branch.deleted), or when the control plane lists
 * others of its project and not it, and the manifest does not name it. That monitoring cannot see a branch has an end
 * of its own (target.left). What waits there for a person expires with it. */
#include "serve_internal.h"

static bool is_gone(const serve *s, const char *project, const char *branch)
{
    return s->listing && !serve_find_target(s, project, branch) && targets_lack(s->listing, project, branch);
}

void serve_gone_find(serve *s, void (*listed)(void *owner, void *tag, wire_reader *docs, const lb_error *error),
                     void *tag)
{
    const lb_state_query q = {.size = sizeof q, .space = ALERT_SPACE, .status = "open"};
    state_list(book_state(supervisor_book(s->supervisor)), &q, listed, s, tag);
}

static int put_end(serve *s, const lb_state_doc *doc, struct json_object *alert, const event *cause, lb_error *err)
{
    const char *severity = json_get_text(alert, "severity"), *what = json_get_text(alert, "text");
    BUF_AUTO payload = BUF_INIT(EVENT_PAYLOAD);
    LB_AUTO_FREE char *text = base_printf("over, as %s/%s is not there any more: %s", json_get_text(alert, "project"),
                                          json_get_text(alert, "branch"), what ? what : doc->key);
    buf_putc(&payload, '{');
    json_member_string(&payload, "alert_id", doc->key);
    json_member_string(&payload, "severity", severity ? severity : "warning");
    json_member_string(&payload, "text", text);
    buf_putc(&payload, '}');
    const event e = {.kind = "target.gone",
                     .project = json_get_text(alert, "project"),
                     .branch = json_get_text(alert, "branch"),
                     .depth = cause ? cause->depth + 1 : 0,
                     .cause = cause ? cause->seq : 0,
                     .payload = buf_text(&payload)};
    return chronicle_add(supervisor_chronicle(s->supervisor), &e, NULL, err);
}

/* cause NULL: of all branches that are gone; else of the one that it names. An alert that is told to end twice ends
 * once. */
bool serve_gone_tell(serve *s, wire_reader *docs, const event *cause)
{
    lb_state_doc doc;
    lb_error error;
    while (state_get_doc(docs, &doc)) {
        JSON_AUTO *alert = json_parse(doc.body, strlen(doc.body), &error);
        const char *project = json_get_text(alert, "project"), *branch = json_get_text(alert, "branch");
        if (!project || !branch || strncmp(doc.key, "unseen/", 7) == 0)
            continue;
        if (cause ? !cause->project || strcmp(project, cause->project) != 0 || strcmp(branch, cause->branch) != 0
                  : !is_gone(s, project, branch))
            continue;
        int r = put_end(s, &doc, alert, cause, &error);
        if (r == LB_ERR_LIMIT)
            return false;
        if (r < 0)
            log_error("alert", &error);
    }
    return true;
}

static bool is_gone_for_approvals(void *state, const char *project, const char *branch)
{
    return is_gone(state, project, branch);
}

/* Without room they end after the next listing. */
static void on_open(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    serve *s = owner;
    (void)tag;
    if (!error && !s->is_draining)
        (void)serve_gone_tell(s, docs, NULL);
}

void serve_gone_listed(serve *s)
{
    serve_gone_find(s, on_open, NULL);
    approvals_leave_each(supervisor_approvals(s->supervisor), is_gone_for_approvals, s);
}

void serve_gone_approvals(serve *s, const event *deleted, struct json_object *payload)
{
    const char *project = json_get_text(payload, "project_id"), *branch = json_get_text(payload, "branch_id");
    if (!project)
        project = deleted->project;
    if (project && branch)
        approvals_leave(supervisor_approvals(s->supervisor), project, branch, deleted->at);
}
