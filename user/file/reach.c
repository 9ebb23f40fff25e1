// SPDX-License-Identifier: GPL-2.0
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/reach.h"

/* `what` as in the last three bits of a mode. The owner's bits alone count for the owner, root,
 * too. Another user may be in the group or not: both must permit it. */
static bool lets_us(const char *directory, mode_t what)
{
	mode_t needed = what | what << 3;
	struct stat st;

	if (stat(directory, &st))
		return false;
	if (st.st_uid == geteuid())
		needed = what << 6;
	return (st.st_mode & needed) == needed;
}

/* Checks the way to `directory`, which is cut off bit by bit. */
static bool lets_us_through(char *directory)
{
	char *slash;

	while ((slash = strrchr(directory, '/')) && slash > directory) {
		*slash = '\0';
		if (!lets_us(directory, S_IXOTH))
			return false;
	}
	return true;
}

bool reach__directory(const char *directory)
{
	char *named = strdup(directory), *really = realpath(directory, NULL);
	bool ours = named && really && lets_us(really, S_IWOTH | S_IXOTH) &&
		    lets_us_through(really) && lets_us_through(named);

	free(really);
	free(named);
	return ours;
}

static bool reach_directory_of(const char *path)
{
	char *copy = strdup(path);
	bool ours = copy && reach__directory(dirname(copy));

	free(copy);
	return ours;
}

bool reach__file(const char *path)
{
	char *target = realpath(path, NULL);
	bool ours = reach_directory_of(path) && (!target || reach_directory_of(target));

	free(target);
	return ours;
}
