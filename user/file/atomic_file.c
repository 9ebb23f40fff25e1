// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
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

/* ---- temporary names: ".NAME.0123456789abcdef.new" ----
 * Hidden, and with another ending: whoever reads a directory of *.prom or *.conf ignores them. */

#define NAME_SHOWN 200		/* bytes of NAME, so that both fit into a name */
#define DIGITS 16
#define SUFFIX ".new"

static bool is_temporary_of(const char *entry, const char *name)
{
	size_t length = strnlen(name, NAME_SHOWN);
	const char *digits = entry + 1 + length + 1;

	return *entry == '.' && !strncmp(entry + 1, name, length) && entry[1 + length] == '.' &&
	       strspn(digits, "0123456789abcdef") == DIGITS && !strcmp(digits + DIGITS, SUFFIX);
}

/* Creates a file that was not there, and is no link. Returns a descriptor or -errno. */
static int create_temporary(const char *directory, const char *name, mode_t mode, char *path,
			    size_t size)
{
	unsigned int tries;
	uint64_t random;
	int fd = -EEXIST;

	for (tries = 0; fd == -EEXIST && tries < 100; tries++) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -EIO;
		if (snprintf(path, size, "%s/.%.*s.%016" PRIx64 SUFFIX, directory, NAME_SHOWN, name,
			     random) >= (int)size)
			return -ENAMETOOLONG;
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd < 0)
			fd = -errno;
	}
	return fd;
}

/* Closes it, too. */
static int write_whole(int fd, const char *text, mode_t mode)
{
	size_t length = strlen(text);
	int err = 0;

	errno = EIO;	/* of a short write */
	if (write(fd, text, length) != (ssize_t)length || fchmod(fd, mode) || fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

void atomic_file__clear(const char *directory, const char *name)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (is_temporary_of(entry->d_name, name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

int atomic_file__replace(const char *directory, const char *name, const char *text, mode_t mode)
{
	char path[ATOMIC_FILE_PATH_MAX], temporary[ATOMIC_FILE_PATH_MAX + 32];
	int fd, err;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = create_temporary(directory, name, mode, temporary, sizeof(temporary));
	if (fd < 0)
		return fd;
	err = write_whole(fd, text, mode);
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
	char path[ATOMIC_FILE_PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (unlink(path))
		return errno == ENOENT ? 0 : -errno;
	return settle(directory);
}

const char *atomic_file__refused(const char *path)
{
	size_t length = strlen(path);
	struct stat st;

	if (!length)
		return "is empty";
	if (!strcmp(path, "-"))
		return "is not standard output here: a file is replaced in one step";
	if (length >= ATOMIC_FILE_PATH_MAX)
		return "is too long";
	if (path[length - 1] == '/')
		return "names a directory";
	if (lstat(path, &st))
		return NULL;	/* not there; or writing will fail, and say why */
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFDIR:
		return "is a directory";
	case S_IFLNK:
		return "is a symbolic link, which is neither followed nor replaced";
	case S_IFIFO:
		return "is a FIFO";
	case S_IFSOCK:
		return "is a socket";
	default:
		return "is a device";
	}
}
