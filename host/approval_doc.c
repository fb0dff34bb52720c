#include "approval_doc.h"

const char *change_kind_name(change_kind kind)
{
    static const char *const names[] = {"sql", "api", "file", "exec"};
    return names[kind];
}
