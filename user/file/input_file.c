// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "file/input_file.h"
#include "sys/log.h"
#include "sys/reason.h"

const char *input_file__refused(mode_t mode)
{
	if (S_ISDIR(mode))
		return "is a directory";
	if (S_ISSOCK(mode))
		return "is a socket";
	return NULL;
}

/* A FIFO opened without waiting has neither data nor an end until somebody opens it for writing. */
static int await_writer(int fd, const char *name)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, 0) == 0) {
		log_info("waiting for a writer of %s", name);
		while (poll(&pfd, 1, -1) < 0)
			if (errno != EINTR)
				return -errno;
	}
	return 0;
}

static int open_named(const char *name, struct stat *st)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err = 0;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, st) && S_ISFIFO(st->st_mode))
		err = await_writer(fd, name);
	if (!err && fcntl(fd, F_SETFL, 0))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

int input_file__open(const char *name, const char *expected)
{
	bool standard = !strcmp(name, "-");
	struct stat st = { .st_mode = 0 };
	const char *refused;
	int fd;

	if (!standard && !stat(name, &st) && S_ISSOCK(st.st_mode))
		fd = -ENXIO;	/* as open(2) reports it */
	else if (!standard)
		fd = open_named(name, &st);
	else if ((fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0)
		fd = -errno;
	else
		fstat(fd, &st);
	refused = input_file__refused(st.st_mode);
	if (fd >= 0 && !refused)
		return fd;
	if (fd >= 0) {
		close(fd);
		fd = -EISDIR;
	}
	log_error("%s: %s: expected %s", standard ? "standard input" : name,
		  refused ? refused : reason__of(fd), expected);
	return fd;
}

/* Memory devices (drivers/char/mem.c), of which only /dev/null has an end. */
#define MEM_MAJOR 1
#define NULL_MINOR 3

bool input_file__is_endless(int fd, const char *shown, const char *expected)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISCHR(st.st_mode) || major(st.st_rdev) != MEM_MAJOR ||
	    minor(st.st_rdev) == NULL_MINOR)
		return false;
	log_error("%s: is a device without an end: expected %s", shown, expected);
	return true;
}
