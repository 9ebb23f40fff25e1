// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "sys/demands.h"

#define NS_PER_S 1000000000ULL

/* A terminal that hung up is no longer the controlling terminal of its processes. */
static bool has_terminal(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static int listen_to(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int demands__open(struct demands *d)
{
	struct sigaction hangup_now;
	sigset_t ends, hangup;
	int err = 0;

	*d = (struct demands){ .timer = -1, .had_terminal = has_terminal() };
	sigaction(SIGHUP, NULL, &hangup_now);
	d->ignores_hangup = hangup_now.sa_handler == SIG_IGN;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	sigprocmask(SIG_BLOCK, &hangup, NULL);
	d->end = epoll_create1(EPOLL_CLOEXEC);
	d->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	d->hangup = signalfd(-1, &hangup, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->end < 0 || d->hangup < 0 || d->signals < 0)
		err = -errno;
	if (!err)
		err = listen_to(d->end, d->signals);
	if (err)
		demands__close(d);
	return err;
}

int demands__end_after(struct demands *d, uint64_t ns)
{
	struct itimerspec spec = { .it_value = { ns / NS_PER_S, ns % NS_PER_S } };

	d->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->timer < 0 || timerfd_settime(d->timer, 0, &spec, NULL))
		return -errno;
	return listen_to(d->end, d->timer);
}

int demands__end_on_hangup(struct demands *d)
{
	return d->ignores_hangup ? 0 : listen_to(d->end, d->hangup);
}

bool demands__are_to_end(const struct demands *d)
{
	struct pollfd end = { .fd = d->end, .events = POLLIN };

	return poll(&end, 1, 0) > 0;
}

enum hangup demands__take_hangup(struct demands *d)
{
	struct signalfd_siginfo info;

	if (read(d->hangup, &info, sizeof(info)) != sizeof(info))
		return HANGUP_NONE;
	return d->had_terminal && !d->ignores_hangup && !has_terminal() ? HANGUP_OF_TERMINAL
								       : HANGUP_REOPEN;
}

void demands__close(struct demands *d)
{
	const int fds[] = { d->end, d->hangup, d->signals, d->timer };
	unsigned int i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void demands__let_go(struct demands *d)
{
	sigset_t held;

	demands__close(d);
	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigprocmask(SIG_UNBLOCK, &held, NULL);
}
