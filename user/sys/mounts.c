// SPDX-License-Identifier: GPL-2.0
#include <mntent.h>
#include <stdio.h>
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
