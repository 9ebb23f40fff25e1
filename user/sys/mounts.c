// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sys/mounts.h"

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

/* Length of the part of `path` that is the mount point; 0: it is mounted elsewhere. */
static size_t covered(const char *path, const char *mounted)
{
	size_t length = strlen(mounted);

	if (!strcmp(mounted, "/"))
		return 1;
	return !strncmp(path, mounted, length) && (path[length] == '/' || !path[length]) ? length
											 : 0;
}

/* proc_pid_mountinfo(5): a later mount on the same place hides an earlier one. */
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

/* Decodes "\040" (a blank) in place. */
static void decode(char *path)
{
	char *to = path;
	unsigned int c;

	for (; *path; to++)
		if (*path == '\\' && strspn(path + 1, "01234567") >= 3) {
			sscanf(path + 1, "%3o", &c);
			*to = c;
			path += 4;
		} else {
			*to = *path++;
		}
	*to = '\0';
}

/* Does the path lead there? A mount that another one hides does not. */
static bool leads_to(const char *path, uint32_t inode)
{
	struct stat own, st;

	return !stat(path, &st) && !stat("/proc/self/ns/net", &own) && st.st_dev == own.st_dev &&
	       st.st_ino == inode;
}

bool mounts__of_netns(uint32_t inode, char *path, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char root[32], wanted[32], *line = NULL;
	bool found = false;
	size_t room = 0;

	if (!f)
		return false;
	snprintf(wanted, sizeof(wanted), "net:[%" PRIu32 "]", inode);
	while (!found && getline(&line, &room, f) > 0) {
		int at = 0;
		char *mounted;

		if (sscanf(line, "%*s %*s %*s %31s %n", root, &at) != 1 || !at ||
		    strcmp(root, wanted))
			continue;
		mounted = line + at;
		mounted[strcspn(mounted, " \n")] = '\0';
		decode(mounted);
		found = strlen(mounted) < size && leads_to(mounted, inode);
		if (found)
			strcpy(path, mounted);
	}
	free(line);
	fclose(f);
	return found;
}
