// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "applied.h"

static const struct {
	const char *name, *path;
} tunables[TUNABLES] = {
	{ "net.ipv4.tcp_keepalive_time", "/proc/sys/net/ipv4/tcp_keepalive_time" },
	{ "net.ipv4.tcp_keepalive_intvl", "/proc/sys/net/ipv4/tcp_keepalive_intvl" },
	{ "net.ipv4.tcp_keepalive_probes", "/proc/sys/net/ipv4/tcp_keepalive_probes" },
};

const char *tunable__name(unsigned int tunable)
{
	return tunables[tunable].name;
}

int64_t applied__now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

/* ---- the kernel's values ---- */

int tunables__read(uint32_t values[TUNABLES])
{
	struct keepalive_sysctl s;

	if (!netns__read_keepalive(&s))
		return -EIO;
	values[0] = s.idle_s;
	values[1] = s.interval_s;
	values[2] = s.probes;
	return 0;
}

int tunable__write(unsigned int tunable, uint32_t value)
{
	char text[16];
	int fd = open(tunables[tunable].path, O_WRONLY | O_CLOEXEC), length, err = 0;

	if (fd < 0)
		return -errno;
	length = snprintf(text, sizeof(text), "%u\n", value);
	if (write(fd, text, length) != length)
		err = -errno;
	close(fd);
	return err;
}

/* ---- what is saved ---- */

static int make_directory(const char *directory)
{
	return mkdir(directory, 0700) && errno != EEXIST ? -errno : 0;
}

int applied__lock(const char *directory)
{
	int err = make_directory(directory), fd;
	char path[300];

	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/lock", directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static void read_boot_id(char boot_id[40])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	boot_id[0] = '\0';
	if (!f)
		return;
	if (fscanf(f, "%39s", boot_id) != 1)
		boot_id[0] = '\0';
	fclose(f);
}

static void path_of(const char *directory, uint32_t netns, char *path, size_t size)
{
	snprintf(path, size, "%s/applied-%u", directory, netns);
}

#define FORMAT                                                                                     \
	"halfopen.applied/1\nboot %s\ncookie %" PRIu64                                             \
	"\nname %s\nbefore %u %u %u\nafter %u %u %u\nbefore_trial %u %u %u\n"                      \
	"trial_until %" PRId64 "\npersisted %d\nend\n"

int applied__load(const char *directory, uint32_t netns, struct applied *a)
{
	char path[300], boot_id[40], boot[40], text[1024], *line;
	unsigned int persisted = 0;
	size_t n;
	FILE *f;

	*a = (struct applied){ 0 };
	path_of(directory, netns, path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	read_boot_id(boot_id);
	/* written as a whole: without its end it is none of ours */
	if (strncmp(text, "halfopen.applied/1\n", 19) || !strstr(text, "\nend\n") ||
	    !(line = strstr(text, "\nboot ")) || sscanf(line, " boot %39s", boot) != 1)
		return -EBADMSG;
	line = strstr(text, "\ncookie ");
	if (!line || sscanf(line, " cookie %" SCNu64 " name %63[^\n]", &a->cookie, a->name) != 2)
		return -EBADMSG;
	if (!strcmp(a->name, "-"))
		a->name[0] = '\0';
	line = strstr(text, "\nbefore ");
	if (!line ||
	    sscanf(line,
		   " before %u %u %u after %u %u %u before_trial %u %u %u trial_until %" SCNd64
		   " persisted %u",
		   &a->before[0], &a->before[1], &a->before[2], &a->after[0], &a->after[1],
		   &a->after[2], &a->before_trial[0], &a->before_trial[1], &a->before_trial[2],
		   &a->trial_until_s, &persisted) != 11)
		return -EBADMSG;
	if (strcmp(boot, boot_id)) {	/* a reboot took back what was not to last */
		if (!persisted) {
			*a = (struct applied){ 0 };
			return 0;
		}
		a->cookie = a->trial_until_s = 0;
	}
	a->netns = netns;
	a->persisted = persisted;
	return 0;
}

/* Flushes a directory, so that a new name in it stays. */
static int settle(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

/* A file with this text under this name, or what was there before. */
static int replace(const char *directory, const char *name, const char *text, mode_t mode)
{
	char path[400], temporary[420];
	size_t length = strlen(text);
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	errno = EIO;	/* of a short write */
	if (write(fd, text, length) != (ssize_t)length || fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	return err ? err : settle(directory);
}

int applied__save(const char *directory, const struct applied *a)
{
	char text[1024], boot_id[40], name[64];
	int err = make_directory(directory);

	if (err)
		return err;
	read_boot_id(boot_id);
	snprintf(text, sizeof(text), FORMAT, boot_id, a->cookie, *a->name ? a->name : "-",
		 a->before[0], a->before[1], a->before[2], a->after[0], a->after[1], a->after[2],
		 a->before_trial[0], a->before_trial[1], a->before_trial[2], a->trial_until_s,
		 a->persisted);
	snprintf(name, sizeof(name), "applied-%u", a->netns);
	return replace(directory, name, text, 0600);
}

int applied__forget(const char *directory, uint32_t netns)
{
	char path[300];

	path_of(directory, netns, path, sizeof(path));
	if (unlink(path) && errno != ENOENT)
		return -errno;
	return settle(directory);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

unsigned int applied__list(const char *directory, uint32_t *netns, unsigned int size)
{
	DIR *dir = opendir(directory);
	unsigned int count = 0;
	struct dirent *entry;
	int end;

	if (!dir)
		return 0;
	while (count < size && (entry = readdir(dir))) {
		end = 0;
		if (sscanf(entry->d_name, "applied-%u%n", &netns[count], &end) == 1 &&
		    !entry->d_name[end])
			count++;
	}
	closedir(dir);
	qsort(netns, count, sizeof(*netns), by_number);
	return count;
}

/* ---- taking back ---- */

int applied__take_back(const struct applied *a, enum taken_back results[TUNABLES],
		       uint32_t found[TUNABLES])
{
	int err = tunables__read(found), first = 0;
	unsigned int i;

	if (err)
		return err;
	for (i = 0; i < TUNABLES; i++) {
		if (found[i] == a->before[i]) {
			results[i] = WAS_BACK;
		} else if (found[i] != a->after[i]) {
			results[i] = CHANGED_BY_OTHERS;
		} else {
			results[i] = TAKEN_BACK;
			err = tunable__write(i, a->before[i]);
			if (err && !first)
				first = err;
		}
	}
	return first;
}

int applied__persist(const char *root, const uint32_t values[TUNABLES])
{
	char directory[300], path[400], text[512];

	snprintf(directory, sizeof(directory), "%s/etc/sysctl.d", root);
	if (!values) {
		snprintf(path, sizeof(path), "%s%s", root, PERSISTENT_FILE);
		return unlink(path) && errno != ENOENT ? -errno : settle(directory);
	}
	snprintf(text, sizeof(text),
		 "# Written by 'halfopen apply --persist'; 'halfopen revert' removes it.\n"
		 "%s = %u\n%s = %u\n%s = %u\n",
		 tunables[0].name, values[0], tunables[1].name, values[1], tunables[2].name,
		 values[2]);
	return replace(directory, strrchr(PERSISTENT_FILE, '/') + 1, text, 0644);
}
