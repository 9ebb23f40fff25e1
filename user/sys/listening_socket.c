// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/listening_socket.h"

static int make_address(const char *path, struct sockaddr_un *address)
{
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(address->sun_path, path);
	return 0;
}

/* Is there a listener? Only a refused connection means no: a full backlog, another type of socket
 * and a lack of permission are signs of one. */
static bool takes_connections(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
		       errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return !refused;
}

/* The name at the end of a line of /proc/net/unix, as its program gave it; NULL: none. */
static const char *bound_name(char *line)
{
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %n", &at) < 0 || !at || !line[at] ||
	    line[at] == '@')
		return NULL;
	return line + at;
}

/* The same file; for a relative name, whose directory is unknown, the same last part. */
static bool is_bound_to(const char *name, const struct stat *there, const char *path)
{
	const char *last = strrchr(path, '/'), *its_last = strrchr(name, '/');
	struct stat st;

	if (*name == '/')
		return !stat(name, &st) && st.st_dev == there->st_dev && st.st_ino == there->st_ino;
	return !strcmp(last ? last + 1 : path, its_last ? its_last + 1 : name);
}

/* Is it bound by a program that listens later, or never? */
static bool is_held(const struct stat *there, const char *path)
{
	FILE *f = fopen("/proc/thread-self/net/unix", "re");
	bool held = false;
	char line[512];
	const char *name;

	while (f && !held && fgets(line, sizeof(line), f)) {
		name = bound_name(line);
		held = name && is_bound_to(name, there, path);
	}
	if (f)
		fclose(f);
	return held;
}

/* Removes a stale socket. Returns 0, or -errno with a reason. */
static int remove_stale(const struct sockaddr_un *address, const char **refused)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		*refused = "is there already, and no socket";
	else if (takes_connections(address) || is_held(&st, path))
		*refused = "is the socket of another program that runs";
	if (*refused)
		return -EADDRINUSE;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

static int bind_there(struct listening_socket *s, const struct sockaddr_un *address, int backlog)
{
	mode_t mask = umask(0177);
	int err = bind(s->fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
	struct stat st;

	umask(mask);
	if (!err && lstat(s->path, &st))
		err = -errno;
	if (err)
		return err;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return listen(s->fd, backlog) ? -errno : 0;
}

int listening_socket__open(struct listening_socket *s, const char *path, int backlog,
			   const char **refused)
{
	struct sockaddr_un address;
	int err = make_address(path, &address);

	*s = (struct listening_socket){ .fd = -1, .path = path };
	if (!err)
		err = remove_stale(&address, refused);
	if (err)
		return err;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -errno;
	err = bind_there(s, &address, backlog);
	if (err)
		listening_socket__close(s);
	return err;
}

void listening_socket__close(struct listening_socket *s)
{
	struct stat st;

	if (s->fd < 0)
		return;
	if (s->inode && !lstat(s->path, &st) && st.st_dev == s->device && st.st_ino == s->inode)
		unlink(s->path);
	close(s->fd);
	s->fd = -1;
}
