// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "sys/terminal_output.h"

static struct {
	int fd;
	char *waiting;
	size_t begin, end, size;
} output = { .fd = -1 };

int terminal_output__open(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	output.fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (output.fd <
	    0) /* of another mount or PID namespace; then it may have to be waited for */
		output.fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return output.fd < 0 ? -errno : output.fd;
}

static bool make_room(size_t more)
{
	char *bigger;

	if (output.begin == output.end)
		output.begin = output.end = 0;
	if (output.end + more <= output.size)
		return true;
	bigger = realloc(output.waiting, output.end + more);
	if (!bigger)
		return false;
	output.waiting = bigger;
	output.size = output.end + more;
	return true;
}

void terminal_output__move(int from)
{
	off_t size = lseek(from, 0, SEEK_END);
	ssize_t n = 0;

	if (size > 0 && make_room(size))
		n = pread(from, output.waiting + output.end, size, 0);
	if (n > 0)
		output.end += n;
	if (!ftruncate(from, 0))
		lseek(from, 0, SEEK_SET);
}

bool terminal_output__flush(void)
{
	while (output.begin < output.end) {
		ssize_t n =
			write(output.fd, output.waiting + output.begin, output.end - output.begin);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		output.begin += n;
	}
	return true;
}

void terminal_output__end(int timeout_ms)
{
	struct pollfd room = { .fd = output.fd, .events = POLLOUT };

	while (!terminal_output__flush() && poll(&room, 1, timeout_ms) > 0 &&
	       !(room.revents & (POLLERR | POLLHUP)))
		;
	if (output.begin < output.end)
		tcflush(output.fd, TCOFLUSH);
	output.begin = output.end = 0;
}

void terminal_output__close(void)
{
	close(output.fd);
	free(output.waiting);
	output.fd = -1;
	output.waiting = NULL;
	output.begin = output.end = output.size = 0;
}
