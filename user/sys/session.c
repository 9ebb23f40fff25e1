// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/session.h"

/* PROC_PID_INIT_INO of linux/proc_ns.h: the first pid namespace's, on every host. */
#define FIRST_PID_NAMESPACE 0xEFFFFFFCU

static void move_to_root(const char *mount)
{
	char path[4200];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", mount);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, "0", 1);
	close(fd);
}

void session__leave(void)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;

	while (f && (m = getmntent(f)))
		if (!strcmp(m->mnt_type, "cgroup2") ||
		    (!strcmp(m->mnt_type, "cgroup") && strstr(m->mnt_opts, "name=")))
			move_to_root(m->mnt_dir);
	if (f)
		endmntent(f);
}

/* A line of /proc/self/cgroup is ID:CONTROLLERS:PATH. */
void session__cgroup(char *path, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[4200], *controllers, *group;

	path[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		controllers = strchr(line, ':');
		group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group || (strncmp(controllers, "::", 2) && strncmp(controllers, ":name=", 6)))
			continue;
		group++;
		group[strcspn(group, "\n")] = '\0';
		if (strcmp(group, "/"))
			snprintf(path, size, "%s", group);
	}
	if (f)
		fclose(f);
}

bool session__is_in_container(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino != FIRST_PID_NAMESPACE;
}
