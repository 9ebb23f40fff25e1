/* SPDX-License-Identifier: GPL-2.0 */
/* Names of this host, its boot and this run, as every line of output carries them. */
#ifndef HALFOPEN_SYS_HOST_H
#define HALFOPEN_SYS_HOST_H

#include <stdbool.h>

/* Is this a container: was process 1, as we see it, started by another system? */
bool host__is_container(void);

struct host {
	char name[65];
	char kernel[65];	/* release */
	char machine[65];	/* architecture */
	char boot_id[40], run_id[40];
};

void host__read(struct host *host);

#endif
