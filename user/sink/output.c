// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

void output__standard(struct output *o)
{
	*o = (struct output){ .fd = STDOUT_FILENO, .name = "standard output" };
}

int output__open(struct output *o, const char *path)
{
	struct stat st;

	*o = (struct output){ .name = path };
	o->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (o->fd < 0) {
		o->error = errno;
		return -errno;
	}
	o->is_file = !fstat(o->fd, &st) && S_ISREG(st.st_mode);
	return 0;
}

static int fail(struct output *o, off_t start)
{
	o->error = errno;
	if (o->is_file && start >= 0 && !ftruncate(o->fd, start))
		lseek(o->fd, start, SEEK_SET);
	return -o->error;
}

int output__write(struct output *o, const void *data, size_t size)
{
	const char *p = data;
	off_t start = -1;

	if (o->error)
		return -o->error;
	if (o->is_file) {
		if (!o->begun && ftruncate(o->fd, 0))
			return fail(o, -1);
		start = lseek(o->fd, 0, SEEK_CUR);
	}
	o->begun = true;
	while (size) {
		ssize_t n = write(o->fd, p, size);

		if (n < 0 && errno == EAGAIN) {	/* somebody else's non-blocking pipe */
			struct pollfd pfd = { .fd = o->fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(o, start);
		p += n;
		size -= n;
	}
	return 0;
}

int output__close(struct output *o)
{
	int fd = o->fd;

	o->fd = -1;
	return fd > STDERR_FILENO && close(fd) ? -errno : 0;
}
