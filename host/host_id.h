/* host_id.h: who a supervisor is to others that share its state: the machine's boot, the process and when it started.
 */
#ifndef LBOPS_HOST_HOST_ID_H
#define LBOPS_HOST_HOST_ID_H

#include "base.h"

#define HOST_ID_TEXT 160

/* "HOSTNAME.BOOT.PIDNS.PID.STARTED" of this process. */
void host_id_own(char id[HOST_ID_TEXT]);

typedef enum host_life { HOST_ALIVE, HOST_DEAD, HOST_ELSEWHERE } host_life;

/* ELSEWHERE: another machine, boot or pid namespace; only its lease can tell. */
host_life host_id_life(const char *id);

#endif
