// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/atomic_file.h"

/* Flushes a directory, so that a new name in it is durable. */
static int settle(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

static int write_new(const char *path, const char *text, mode_t mode)
{
	size_t length = strlen(text);
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	errno = EIO;	/* of a short write */
	if (write(fd, text, length) != (ssize_t)length || fchmod(fd, mode) || fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

#define SUFFIX ".new"

void atomic_file__clear(const char *directory, const char *name)
{
	char path[520];

	if (snprintf(path, sizeof(path), "%s/%s" SUFFIX, directory, name) < (int)sizeof(path))
		unlink(path);
}

int atomic_file__replace(const char *directory, const char *name, const char *text, mode_t mode)
{
	char path[512], temporary[520];
	int err;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	snprintf(temporary, sizeof(temporary), "%s" SUFFIX, path);
	atomic_file__clear(directory, name);
	err = write_new(temporary, text, mode);
	if (!err && rename(temporary, path))
		err = -errno;
	if (err) {
		unlink(temporary);
		return err;
	}
	return settle(directory);
}

int atomic_file__remove(const char *directory, const char *name)
{
	char path[512];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (unlink(path))
		return errno == ENOENT ? 0 : -errno;
	return settle(directory);
}
