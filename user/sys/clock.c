// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
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

/* ---- time namespaces ---- */

/* Of the host's first one: PROC_TIME_INIT_INO of linux/proc_ns.h. */
#define FIRST_NAMESPACE "time:[4026531834]"

struct offsets {
	bool are_known;
	int64_t mono_ns, boottime_ns;
};

/* Their file is of the namespace that children will be in. Before Linux 6.1, a program that was
 * started by unshare(1) without --fork was not there itself. */
static bool is_in_first_namespace(void)
{
	char name[64] = "";

	return readlink("/proc/self/ns/time", name, sizeof(name) - 1) > 0 &&
	       !strcmp(name, FIRST_NAMESPACE);
}

/* The first kernels with time namespaces told clocks by number, as clock_gettime() takes them. */
static void take_offset(struct offsets *o, const char *line)
{
	char clock[16];
	long long s;
	long ns;

	if (sscanf(line, "%15s %lld %ld", clock, &s, &ns) != 3)
		return;
	if (!strcmp(clock, "monotonic") || !strcmp(clock, "1"))
		o->mono_ns = s * 1000000000LL + ns;
	else if (!strcmp(clock, "boottime") || !strcmp(clock, "7"))
		o->boottime_ns = s * 1000000000LL + ns;
}

static struct offsets read_offsets(void)
{
	FILE *f = is_in_first_namespace() ? NULL : fopen("/proc/self/timens_offsets", "re");
	struct offsets o = { .are_known = true };
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		take_offset(&o, line);
	if (f)
		fclose(f);
	return o;
}

/* They do not change any more once a process is in the namespace. */
static const struct offsets *own_offsets(void)
{
	static struct offsets own;

	if (!own.are_known)
		own = read_offsets();
	return &own;
}

/* ---- the clocks ---- */

uint64_t clock__mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC) - own_offsets()->mono_ns;
}

uint64_t clock__boottime_ns(void)
{
	return read_ns(CLOCK_BOOTTIME) - own_offsets()->boottime_ns;
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
		uint64_t before = clock__mono_ns();
		uint64_t wall = read_ns(CLOCK_REALTIME);
		uint64_t width = clock__mono_ns() - before;

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
	uint64_t mono = clock__mono_ns(), boot = clock__boottime_ns();

	return boot > mono ? boot - mono : 0;
}
