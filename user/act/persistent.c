// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act/persistent.h"
#include "file/atomic_file.h"
#include "sys/host.h"
#include "sys/mounts.h"
#include "sys/netns.h"

#define DIRECTORY "/etc/sysctl.d"
#define NAME "90-halfopen.conf"
#define HEADER "# Written by 'halfopen apply --persist'; 'halfopen revert' removes it.\n"
#define TEXT_SIZE 512

static void format(const struct tunable_values *v, char text[TEXT_SIZE])
{
	int used = snprintf(text, TEXT_SIZE, HEADER);
	unsigned int i;

	for (i = 0; i < TUNABLES; i++)
		if (v->has[i])
			used += snprintf(text + used, TEXT_SIZE - used, "%s = %" PRId32 "\n",
					 tunable__name(i), v->value[i]);
}

/* Reads the values of such a text; writing them again shows whether it is one of ours. */
static void parse(const char *text, struct tunable_values *v)
{
	unsigned int i;

	for (i = 0; i < TUNABLES; i++) {
		const char *name = tunable__name(i), *at = strstr(text, name);

		if (!at || strncmp(at + strlen(name), " = ", 3))
			continue;
		v->has[i] = true;
		v->value[i] = strtol(at + strlen(name) + 3, NULL, 10);
	}
}

/* Reads a regular file that is no link; -EEXIST if it is something else, or too long. */
static int read_text(const char *path, char text[TEXT_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), err = 0;
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return errno == ELOOP ? -EEXIST : -errno;
	if (fstat(fd, &st) || (n = read(fd, text, TEXT_SIZE)) < 0)
		err = errno == EISDIR ? -EEXIST : -errno;
	else if (!S_ISREG(st.st_mode) || n == TEXT_SIZE)
		err = -EEXIST;
	close(fd);
	if (!err)
		text[n] = '\0';
	return err;
}

int persistent__read(const char *root, struct tunable_values *v)
{
	char path[512], text[TEXT_SIZE], again[TEXT_SIZE];
	int err;

	*v = (struct tunable_values){ .has = { false } };
	snprintf(path, sizeof(path), "%s%s", root, PERSISTENT_FILE);
	err = read_text(path, text);
	if (err)
		return err == -ENOENT ? 0 : err;
	parse(text, v);
	format(v, again);
	return tunable_values__any(v) && !strcmp(text, again) ? 0 : -EEXIST;
}

int persistent__replace(const char *root, const struct tunable_values *one,
			const struct tunable_values *other, const struct tunable_values *to)
{
	char directory[400], text[TEXT_SIZE];
	struct tunable_values there;
	int err = persistent__read(root, &there);

	snprintf(directory, sizeof(directory), "%s" DIRECTORY, root);
	atomic_file__clear(directory, NAME);
	if (err)
		return err;
	if (tunable_values__equal(&there, to))
		return 0;
	if (tunable_values__any(&there) && !tunable_values__equal(&there, one) &&
	    !tunable_values__equal(&there, other))
		return -EEXIST;
	if (!tunable_values__any(to))
		return atomic_file__remove(directory, NAME);
	format(to, text);
	return atomic_file__replace(directory, NAME, text, 0644);
}

/* Does process 1 see the same directory? -errno if that cannot be determined. */
static int is_seen_by_process_1(void)
{
	char ours[1200], its[1200];
	int err = mounts__source("self", DIRECTORY, ours, sizeof(ours)) ?:
		  mounts__source("1", DIRECTORY, its, sizeof(its));

	return err ? err : !strcmp(ours, its);
}

int persistent__belongs_here(void)
{
	int seen;

	if (netns__is_first() && host__is_container())
		return -EREMOTE;
	if (netns__is_of_host())
		return 0;
	seen = is_seen_by_process_1();
	return seen > 0 ? -EXDEV : seen;
}

const char *persistent__reason(int err)
{
	switch (-err) {
	case EEXIST:
		return "it is not as we wrote it, so it is somebody else's and stays as it is";
	case EXDEV:
		return "sysctl.d is of the host's own namespace (that of process 1), not of this "
		       "one";
	case EREMOTE:
		return "this is a container in the host's namespace, and sysctl.d here is the "
		       "container's: run it on the host";
	default:
		return strerror(-err);
	}
}
