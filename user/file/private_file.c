// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/private_file.h"
#include "sys/log.h"

#define LINKS_MAX 40	/* as path_resolution(7) has it */
/* Retries while another process changes the directory. */
#define TRIES 8

int private_file__descriptor(const char *path)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/",
					       "/proc/thread-self/fd/" };
	unsigned int i;

	if (!strcmp(path, "/dev/stdin"))
		return STDIN_FILENO;
	if (!strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const char *number = path + strlen(folders[i]);

		if (!strncmp(path, folders[i], strlen(folders[i])) && *number &&
		    strspn(number, "0123456789") == strlen(number) && strlen(number) < 8)
			return atoi(number);
	}
	return -1;
}

static bool is_trusted(uid_t uid)
{
	return uid == geteuid() || uid == 0;
}

/* Why the target of a name in a directory is refused; NULL: it is not. */
static const char *judge(const struct stat *st, const struct stat *directory)
{
	bool shared = directory->st_mode & (S_IWOTH | S_IWGRP) || !is_trusted(directory->st_uid);

	if (S_ISBLK(st->st_mode))
		return "it is a block device";
	if (S_ISSOCK(st->st_mode))
		return "it is a socket";
	if (S_ISLNK(st->st_mode) && !is_trusted(st->st_uid))
		return "it is a link that belongs to another user";
	if (S_ISREG(st->st_mode) && !is_trusted(st->st_uid))
		return "it belongs to another user";
	if (S_ISREG(st->st_mode) && st->st_nlink > 1 && shared)
		return "it has other names, in a directory that others may write to";
	if (S_ISFIFO(st->st_mode) && !is_trusted(st->st_uid) && shared)
		return "it is another user's FIFO, in a directory that others may write to";
	return NULL;
}

/* The directory that a path leads to, opened, and the name within it. */
struct place {
	int directory;
	struct stat st;
	const char *name;
	bool privately;	/* through directories in which nobody else may replace an entry */
};

/* Where root itself has no number in our user namespace, neither do the host's other owners: an
 * unmapped owner is trusted then. */
static bool is_trusted_on_the_way(uid_t uid)
{
	struct stat root;

	return is_trusted(uid) || (!stat("/", &root) && uid == root.st_uid);
}

/* As judge(), for a directory or link on a private path. */
static const char *judge_way(const struct stat *st)
{
	if (!is_trusted_on_the_way(st->st_uid))
		return S_ISLNK(st->st_mode) ? "is a link that belongs to another user"
					    : "belongs to another user";
	if (S_ISDIR(st->st_mode) && st->st_mode & (S_IWGRP | S_IWOTH) && !(st->st_mode & S_ISVTX))
		return "can be written to by others";
	return NULL;
}

static void enter(struct place *p, int directory)
{
	if (p->directory >= 0)
		close(p->directory);
	p->directory = directory;
}

/* In `path`, the `length` bytes at `at` are a link: replaces them by its target. The link was
 * opened and judged, so that it cannot be exchanged. Returns 0 or -errno. */
static int put_in_place(char *path, char *at, size_t length, int link)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	strcpy(rest, at + length);
	if (*target == '/')
		at = path;
	if (at - path + n + strlen(rest) >= PATH_MAX)
		return -ENAMETOOLONG;
	sprintf(at, "%s%s", target, rest);
	return 0;
}

/* If `name`, `length` bytes of `path` from there on, is a link that may be followed: 1, and `path`
 * was rewritten. 0 if it is no link; -errno. `*entry` is opened. */
static int follow(const struct place *p, char *path, char *name, size_t length, int *entry,
		  const char **refused)
{
	char component[NAME_MAX + 1];
	struct stat st;
	int err;

	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(component, sizeof(component), "%.*s", (int)length, name);
	*entry = openat(p->directory, component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (*entry < 0 || fstat(*entry, &st))
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return 0;
	*refused = p->privately ? judge_way(&st) : judge(&st, &p->st);
	err = *refused ? -EINVAL : put_in_place(path, name, length, *entry);
	return err ? err : 1;
}

/* Walks directory by directory. Returns 0; 1 where there was a link, and `path` was rewritten;
 * -errno. */
static int find_place(char *path, struct place *p, const char **refused)
{
	char *at = path, *end;
	int entry, link;

	enter(p, open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
	for (;;) {
		if (p->directory < 0 || fstat(p->directory, &p->st))
			return -errno;
		p->name = at;
		if (p->privately && (*refused = judge_way(&p->st)))
			return -EINVAL;
		at += strspn(at, "/");
		end = strchr(at, '/');
		p->name = at;
		if (!end)
			return *at ? 0 : -EISDIR;
		entry = -1;
		link = follow(p, path, at, end - at, &entry, refused);
		if (link) {
			if (entry >= 0)
				close(entry);
			return link;
		}
		enter(p, entry);
		at = end;
	}
}

/* Opening a FIFO waits for its reader: reports that. */
static void say_if_it_waits(const struct place *p, const char *path)
{
	int fd = openat(p->directory, p->name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	else if (errno == ENXIO)
		log_info("waiting for a reader of %s", path);
}

/* Opens an existing entry that is no link. */
static int open_there(const struct place *p, const char *path, const struct stat *there,
		      const char **refused)
{
	struct stat st;
	int fd, err;

	*refused = judge(there, &p->st);
	if (*refused)
		return -EINVAL;
	if (S_ISFIFO(there->st_mode))
		say_if_it_waits(p, path);
	fd = openat(p->directory, p->name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? -EAGAIN : -errno;
	err = fstat(fd, &st) ? -errno
	      : st.st_dev != there->st_dev || st.st_ino != there->st_ino ? -EAGAIN : 0;
	if (!err && (*refused = judge(&st, &p->st)))
		err = -EINVAL;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int make(const struct place *p)
{
	int fd = openat(p->directory, p->name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);

	return fd >= 0 ? fd : errno == EEXIST ? -EAGAIN : -errno;
}

/* Returns a descriptor; 0 where there was a link, and `path` was rewritten; -EAGAIN where the
 * directory changes meanwhile; or -errno. */
static int open_last(char *path, const struct place *p, const char **refused)
{
	char *name = path + (p->name - path);	/* it may be rewritten */
	int entry = -1, fd = follow(p, path, name, strlen(name), &entry, refused);
	struct stat st;

	if (fd == -ENOENT && entry < 0)
		fd = make(p);
	else if (fd == 1)
		fd = 0;
	else if (!fd)
		fd = fstat(entry, &st) ? -errno : open_there(p, path, &st, refused);
	if (entry >= 0)
		close(entry);
	return fd;
}

/* The same, from the beginning. */
static int open_step(char *path, const char **refused)
{
	int fd = private_file__descriptor(path);
	struct place p = { .directory = -1 };

	if (fd >= 0) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		return fd < 0 ? -errno : fd;
	}
	fd = find_place(path, &p, refused);
	fd = fd == 1 ? 0 : fd ? fd : open_last(path, &p, refused);
	enter(&p, -1);
	return fd;
}

int private_file__open(const char *name, const char **refused)
{
	unsigned int links = 0, tries = 0;
	char path[PATH_MAX];
	int fd;

	*refused = NULL;
	if (strlen(name) >= sizeof(path))
		return -ENAMETOOLONG;
	strcpy(path, name);
	for (;;) {
		fd = open_step(path, refused);
		if (!fd && ++links > LINKS_MAX)
			return -ELOOP;
		if (fd == -EAGAIN && ++tries < TRIES)
			continue;
		if (fd)
			return fd;
	}
}

/* ---- existing files ---- */

int private_file__open_to_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), err;
	struct stat st;

	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EBADMSG : -errno;
	err = fstat(fd, &st) ? -errno
	      : !S_ISREG(st.st_mode) || !is_trusted(st.st_uid) || st.st_nlink > 1 ||
				st.st_mode & (S_IWGRP | S_IWOTH)
		      ? -EBADMSG : 0;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* The part of `path` that was reached, or the link there, which is `refused`; `directory` is the
 * whole. */
static const char *say_where(const char *directory, const char *path, const struct place *p,
			     const char *refused)
{
	static char said[PATH_MAX + 128];
	size_t length = p->name - path;

	if (strstr(refused, "link"))
		length += strcspn(p->name, "/");
	while (length > 1 && path[length - 1] == '/')
		length--;
	if (strlen(directory) == length && !strncmp(directory, path, length))
		return refused;
	snprintf(said, sizeof(said), "cannot be trusted: on the way, %.*s %s",
		 (int)(length ?: 1), path, refused);
	return said;
}

const char *private_directory__refused(const char *directory)
{
	struct place p = { .directory = -1, .privately = true };
	const char *refused = NULL;
	unsigned int links = 0;
	char path[PATH_MAX];
	int err;

	/* too long, or missing: opening it will report that */
	if (snprintf(path, sizeof(path), "%s/.", directory) >= (int)sizeof(path))
		return NULL;
	while ((err = find_place(path, &p, &refused)) == 1 && ++links <= LINKS_MAX)
		;
	if (refused)
		refused = say_where(directory, path, &p, refused);
	else if (err == -ENOTDIR || (!err && !S_ISDIR(p.st.st_mode)))
		refused = "is no directory";
	else if (!err && !is_trusted(p.st.st_uid))
		refused = "belongs to another user";
	else if (!err && p.st.st_mode & (S_IWGRP | S_IWOTH))
		refused = "can be written to by others";
	enter(&p, -1);
	return refused;
}
