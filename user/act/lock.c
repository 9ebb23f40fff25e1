// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "act/lock.h"

static void path_of(const char *directory, char path[300])
{
	snprintf(path, 300, "%s/lock", directory);
}

int lock__open_for_reading(const char *directory)
{
	char path[300];
	int fd;

	path_of(directory, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int lock__make(const char *directory)
{
	if (mkdir(directory, 0700) && errno != EEXIST && errno != EROFS)
		return -errno;
	return lock__open(directory);
}

int lock__open(const char *directory)
{
	char path[300];
	int fd;

	path_of(directory, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && (errno == EROFS || errno == EACCES))
		return lock__open_for_reading(directory);
	return fd < 0 ? -errno : fd;
}

static struct flock range(int type, uint32_t netns, enum lock_work work)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET,
			       .l_start = (off_t)work << 32 | netns, .l_len = 1 };
}

int lock__try(int fd, uint32_t netns, enum lock_work work)
{
	int writable = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
	struct flock l = range(writable && work != LOCK_GUARD ? F_WRLCK : F_RDLCK, netns, work);

	if (!fcntl(fd, F_SETLK, &l))
		return 0;
	return errno == EACCES || errno == EAGAIN ? -EWOULDBLOCK : -errno;
}

void lock__release(int fd, uint32_t netns, enum lock_work work)
{
	struct flock l = range(F_UNLCK, netns, work);

	fcntl(fd, F_SETLK, &l);
}

/* The 22nd field of stat in proc(5): clock ticks since the boot, as CLOCK_BOOTTIME counts
 * in the time namespace of whoever reads. */
static void find_since(const char *stat, char since[24])
{
	unsigned long long ticks;
	struct timespec now;
	struct tm tm;
	time_t began;

	if (sscanf(stat, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
		   "%*d %llu", &ticks) != 1)
		return;
	clock_gettime(CLOCK_BOOTTIME, &now);
	began = time(NULL) - (now.tv_sec - (time_t)(ticks / sysconf(_SC_CLK_TCK)));
	if (localtime_r(&began, &tm))
		strftime(since, 24, "%Y-%m-%d %H:%M:%S", &tm);
}

static void describe(struct lock_holder *h)
{
	char path[64], stat[512], *name, *end;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", h->pid);
	f = h->pid ? fopen(path, "re") : NULL;
	if (!f)
		return;
	n = fread(stat, 1, sizeof(stat) - 1, f);
	fclose(f);
	stat[n] = '\0';
	name = strchr(stat, '(');
	end = strrchr(stat, ')');
	if (!name || !end || end < name)
		return;
	*end = '\0';
	snprintf(h->comm, sizeof(h->comm), "%.15s", name + 1);
	find_since(end + 1, h->since);
}

bool lock__find_holder(int fd, uint32_t netns, enum lock_work work, struct lock_holder *holder)
{
	struct flock l = range(F_WRLCK, netns, work);

	*holder = (struct lock_holder){ 0 };
	if (fcntl(fd, F_GETLK, &l) || l.l_type == F_UNLCK)
		return false;
	holder->pid = l.l_pid > 0 ? l.l_pid : 0;
	describe(holder);
	return true;
}
