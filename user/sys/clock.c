// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t clock__mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock__own_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

unsigned int clock__hz(void)
{
	struct timespec tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return (1000000000 + tick.tv_nsec / 2) / tick.tv_nsec;
}

int64_t clock__realtime_offset_ns(void)
{
	uint64_t best = UINT64_MAX;
	int64_t offset = 0;
	int i;

	for (i = 0; i < 5; i++) {
		uint64_t before = read_ns(CLOCK_MONOTONIC);
		uint64_t wall = read_ns(CLOCK_REALTIME);
		uint64_t width = read_ns(CLOCK_MONOTONIC) - before;

		if (width < best) {
			best = width;
			offset = (int64_t)wall - (int64_t)(before + width / 2);
		}
	}
	return offset;
}

int clock__watch_steps(void)
{
	/* It never expires, unless the clock is set: timerfd_create(2). */
	struct itimerspec never = { .it_value.tv_sec = INT64_MAX };
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (!timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

bool clock__was_set(int fd)
{
	uint64_t expirations;

	return read(fd, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED;
}

bool clock__is_synchronised(void)
{
	struct timex t = { 0 };

	return adjtimex(&t) != TIME_ERROR && !(t.status & STA_UNSYNC);
}

uint64_t clock__suspended_ns(void)
{
	uint64_t mono = read_ns(CLOCK_MONOTONIC), boot = read_ns(CLOCK_BOOTTIME);

	return boot > mono ? boot - mono : 0;
}
