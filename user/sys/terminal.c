// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sys/terminal.h"

bool terminal__is(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && strcmp(term, "dumb");
}

/* Any value of NO_COLOR but an empty one disables them. */
bool terminal__shows_colours(int fd)
{
	const char *no_color = getenv("NO_COLOR");

	return terminal__is(fd) && !(no_color && *no_color);
}

unsigned int terminal__columns(int fd)
{
	struct winsize size;

	return isatty(fd) && !ioctl(fd, TIOCGWINSZ, &size) ? size.ws_col : 0;
}
