// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mounts.h"

bool mounts__find(const char *type, char *path, size_t size)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	bool found = false;
	char line[4096];

	if (!f)
		return false;
	while (!found && getmntent_r(f, &entry, line, sizeof(line))) {
		found = !strcmp(entry.mnt_type, type);
		if (found)
			snprintf(path, size, "%s", entry.mnt_dir);
	}
	endmntent(f);
	return found;
}

/* How much of `path` lies on the way to where this is mounted; 0: it is mounted elsewhere. */
static size_t covered(const char *path, const char *mounted)
{
	size_t length = strlen(mounted);

	if (!strcmp(mounted, "/"))
		return 1;
	return !strncmp(path, mounted, length) && (path[length] == '/' || !path[length]) ? length
											 : 0;
}

/* proc_pid_mountinfo(5): what is mounted later on the same place hides what was there. */
int mounts__source(const char *pid, const char *path, char *source, size_t size)
{
	char file[64], device[32], root[1024], mounted[1024], *line = NULL;
	size_t best = 0, room = 0, length;
	FILE *f;

	snprintf(file, sizeof(file), "/proc/%s/mountinfo", pid);
	f = fopen(file, "re");
	if (!f)
		return -errno;
	while (getline(&line, &room, f) > 0) {
		if (sscanf(line, "%*s %*s %31s %1023s %1023s", device, root, mounted) != 3)
			continue;
		length = covered(path, mounted);
		if (!length || length < best)
			continue;
		best = length;
		snprintf(source, size, "%s%s/%s", device, strcmp(root, "/") ? root : "",
			 path + length + (path[length] == '/'));
	}
	free(line);
	fclose(f);
	return best ? 0 : -ENOENT;
}
