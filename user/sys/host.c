// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "sys/host.h"

static void read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");

	line[0] = '\0';
	if (!f)
		return;
	if (fgets(line, size, f))
		line[strcspn(line, "\n")] = '\0';
	fclose(f);
}

/* The first PID namespace has this inode (PROC_PID_INIT_INO of linux/proc_ns.h). */
#define HOST_PID_NAMESPACE 0xEFFFFFFCU

bool host__is_container(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino != HOST_PID_NAMESPACE;
}

void host__read(struct host *host)
{
	struct utsname uts;

	uname(&uts);
	snprintf(host->name, sizeof(host->name), "%s", uts.nodename);
	snprintf(host->kernel, sizeof(host->kernel), "%s", uts.release);
	snprintf(host->machine, sizeof(host->machine), "%s", uts.machine);
	read_line("/proc/sys/kernel/random/boot_id", host->boot_id, sizeof(host->boot_id));
	read_line("/proc/sys/kernel/random/uuid", host->run_id, sizeof(host->run_id));
}
