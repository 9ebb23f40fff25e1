// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/capability.h"
#include "sys/netns.h"
#include "sys/tunables.h"
#include "value/netns_address.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71	/* linux/socket.h, since 5.14 */
#endif

/* Where `ip netns`, and the CNI plugins of pods, bind namespaces by name. */
#define NAMES "/run/netns"

static struct netns *find(const struct netns_list *list, uint32_t inode)
{
	unsigned int i;

	for (i = 0; i < list->count; i++)
		if (list->all[i].inode == inode)
			return &list->all[i];
	return NULL;
}

static struct netns *grow(struct netns_list *list)
{
	struct netns *bigger = realloc(list->all, (list->count + 1) * sizeof(*bigger));

	if (!bigger)
		return NULL;
	list->all = bigger;
	return &bigger[list->count++];
}

void netns__append(struct netns_list *list, const struct netns *ns)
{
	struct netns *copy = grow(list);

	if (copy)
		*copy = *ns;
}

uint32_t netns__own_inode(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) ? 0 : st.st_ino;
}

bool netns__is_name(const char *text)
{
	return netns_address__is_name(text);
}

const char *netns__address(const struct netns *ns, char address[NETNS_ADDRESS_SIZE])
{
	unsigned int pid;
	int end = 0;

	if (*ns->name)
		snprintf(address, NETNS_ADDRESS_SIZE, "%s", ns->name);
	else if (ns->cookie)
		netns_address__of_cookie(ns->inode, ns->cookie, address);
	else if (sscanf(ns->path, "/proc/%u/ns/net%n", &pid, &end) == 1 && end)
		snprintf(address, NETNS_ADDRESS_SIZE, "%u", pid);
	else
		snprintf(address, NETNS_ADDRESS_SIZE, "%s", ns->path);
	return address;
}

bool netns__has_path_of_name(const struct netns *ns)
{
	return !strncmp(ns->path, NAMES "/", sizeof(NAMES));
}

static struct netns *add(struct netns_list *list, const char *path)
{
	struct netns *ns;
	struct stat st;

	if (stat(path, &st)) {
		list->unseen |= (errno == EACCES || errno == EPERM) &&
				!capability__has(CAPABILITY_SYS_PTRACE);
		return NULL;	/* or it ended meanwhile */
	}
	if (!list->count)
		list->device = st.st_dev;
	if (st.st_dev != list->device)
		return NULL;	/* a file where none is bound */
	ns = find(list, st.st_ino);
	if (ns)
		return ns;
	ns = grow(list);
	if (!ns)
		return NULL;
	*ns = (struct netns){ .inode = st.st_ino };
	snprintf(ns->path, sizeof(ns->path), "%s", path);
	return ns;
}

static void add_named(struct netns_list *list)
{
	char path[sizeof(NAMES "/") + NAME_MAX];
	DIR *dir = opendir(NAMES);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		struct netns *ns;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), NAMES "/%s", entry->d_name);
		ns = add(list, path);
		if (ns && !ns->name[0] && netns__is_name(entry->d_name))
			snprintf(ns->name, sizeof(ns->name), "%.*s", NETNS_NAME_SIZE - 1,
				 entry->d_name);
	}
	closedir(dir);
}

/* A container has a host name of its own (a pod's is the pod's name): that of the UTS namespace of
 * a process in there. */
static void read_host_name(struct netns *ns, const char *pid, ino_t own_uts)
{
	char path[300], name[65] = "";
	struct stat st;
	int back, uts;

	snprintf(path, sizeof(path), "/proc/%s/ns/uts", pid);
	if (stat(path, &st) || st.st_ino == own_uts)
		return;
	back = open("/proc/thread-self/ns/uts", O_RDONLY | O_CLOEXEC);
	uts = open(path, O_RDONLY | O_CLOEXEC);
	if (back >= 0 && uts >= 0 && !setns(uts, CLONE_NEWUTS)) {
		if (!gethostname(name, sizeof(name) - 1))
			snprintf(ns->host_name, sizeof(ns->host_name), "%s", name);
		if (setns(back, CLONE_NEWUTS))
			abort();	/* as in netns__leave() */
	}
	if (uts >= 0)
		close(uts);
	if (back >= 0)
		close(back);
}

static ino_t own_uts_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/uts", &st) ? 0 : st.st_ino;
}

int netns__list_named(struct netns_list *list)
{
	*list = (struct netns_list){ 0 };
	if (!add(list, "/proc/self/ns/net"))
		return -errno;
	add_named(list);
	return 0;
}

/* Adds those of all processes, with host names on request. */
static int add_processes(struct netns_list *list, bool host_names)
{
	ino_t own_uts = own_uts_inode();
	struct dirent *entry;
	struct netns *ns;
	char path[300];
	DIR *dir = opendir("/proc");

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		ns = add(list, path);
		if (host_names && ns && ns != list->all && !ns->host_name[0])
			read_host_name(ns, entry->d_name, own_uts);
	}
	closedir(dir);
	return 0;
}

int netns__list(struct netns_list *list)
{
	int err = netns__list_named(list);

	return err ? err : add_processes(list, true);
}

void netns__free(struct netns_list *list)
{
	free(list->all);
	*list = (struct netns_list){ 0 };
}

static void watch_directories(int watch)
{
	inotify_add_watch(watch, "/run", IN_CREATE | IN_ONLYDIR);	/* until the first name */
	inotify_add_watch(watch, NAMES, IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR);
}

int netns__watch_names(void)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (watch < 0)
		return -errno;
	watch_directories(watch);
	return watch;
}

bool netns__names_changed(int watch)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false;

	while (read(watch, events, sizeof(events)) > 0)
		changed = true;
	if (changed)
		watch_directories(watch);
	return changed;
}

/* An inode may have been reused: checks the descriptor's. */
bool netns__is_opened(int fd, const struct netns *ns)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_ino == ns->inode;
}

/* Entering our own namespace needs no permission. */
static bool is_same(int one, int other)
{
	struct stat a, b;

	return !fstat(one, &a) && !fstat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int netns__enter_opened(int fd, struct netns *ns)
{
	int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), err;
	uint64_t cookie;

	if (back < 0)
		return -errno;
	if (!is_same(fd, back) && setns(fd, CLONE_NEWNET)) {
		err = -errno;
		close(back);
		return err;
	}
	cookie = netns__cookie();
	if (ns->cookie && cookie != ns->cookie) {
		netns__leave(back);
		return -ENOENT;
	}
	ns->cookie = cookie;
	return back;
}

int netns__enter(const struct netns *ns)
{
	struct netns copy = *ns;
	int to = open(ns->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), back;

	if (to < 0)
		return -errno;
	back = netns__is_opened(to, ns) ? netns__enter_opened(to, &copy) : -ENOENT;
	close(to);
	return back;
}

void netns__leave(int back)
{
	int now = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	bool left = now >= 0 && is_same(now, back);

	if (now >= 0)
		close(now);
	if (!left && setns(back, CLONE_NEWNET))
		abort();	/* everything this thread does from here on would be wrong */
	close(back);
}

/* May this process id exist? Where processes are hidden (hidepid), it seems not to. */
static bool is_hidden_process(const char *pid)
{
	long number = strtol(pid, NULL, 10);

	return number > 0 && number <= INT_MAX && kill(number, 0) && errno == EPERM;
}

/* Checked before it is opened, as opening a device may have effects. */
static int check_path(const char *path)
{
	struct stat own, st;

	if (stat(path, &st) || stat("/proc/self/ns/net", &own))
		return -errno;
	return st.st_dev == own.st_dev ? 0 : -EINVAL;
}

static int open_path(const char *path, struct netns *ns)
{
	int err = strlen(path) < sizeof(ns->path) ? check_path(path) : -ENAMETOOLONG, fd;
	struct stat st;

	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET || fstat(fd, &st))
		err = -EINVAL;
	if (err) {
		close(fd);
		return err;
	}
	*ns = (struct netns){ .inode = st.st_ino };
	strcpy(ns->path, path);
	return fd;
}

static int open_process(const char *pid, struct netns *ns)
{
	char path[sizeof(ns->path)];
	int fd;

	if (snprintf(path, sizeof(path), "/proc/%s/ns/net", pid) >= (int)sizeof(path))
		return -ENOENT;
	fd = open_path(path, ns);
	return fd == -ENOENT && is_hidden_process(pid) ? -EACCES : fd;
}

static int open_name(const char *name, struct netns *ns)
{
	char path[sizeof(ns->path)];

	snprintf(path, sizeof(path), NAMES "/%s", name);
	return open_path(path, ns);
}

int netns__with_inode(uint32_t inode, struct netns *ns)
{
	struct netns_list list;
	int err = netns__list_named(&list) ?: add_processes(&list, false);
	const struct netns *found = err ? NULL : find(&list, inode);
	bool unseen = list.unseen;

	if (found)
		*ns = *found;
	netns__free(&list);
	if (err)
		return err;
	return found ? 0 : unseen ? -EACCES : -ENOENT;
}

/* A former namespace with this inode and another cookie is gone: netns__enter_opened() checks. */
static int open_inode(uint32_t inode, uint64_t cookie, struct netns *ns)
{
	char path[sizeof(ns->path)];
	int err = netns__with_inode(inode, ns), fd;

	if (err)
		return err;
	strcpy(path, ns->path);
	fd = open_path(path, ns);
	if (fd >= 0 && ns->inode != inode) {	/* it ended meanwhile */
		close(fd);
		return -ENOENT;
	}
	ns->cookie = cookie;
	return fd;
}

static void add_name(struct netns *ns)
{
	struct netns_list list;
	const struct netns *named = netns__list_named(&list) ? NULL : find(&list, ns->inode);

	if (named)
		strcpy(ns->name, named->name);
	netns__free(&list);
}

int netns__open(const char *address, struct netns *ns)
{
	uint64_t cookie;
	uint32_t inode;
	int fd;

	*ns = (struct netns){ 0 };
	if (strchr(address, '/'))
		fd = open_path(address, ns);
	else if (netns_address__read_cookie(address, &inode, &cookie))
		fd = open_inode(inode, cookie, ns);
	else if (*address && strspn(address, "0123456789") == strlen(address))
		fd = open_process(address, ns);
	else if (netns__is_name(address))
		fd = open_name(address, ns);
	else
		return -EINVAL;
	if (fd >= 0)
		add_name(ns);
	return fd;
}

/* Each namespace has a /proc/net of its own, whose files have unique inodes; they may be read even
 * where /proc/PID/ns may not. 0: there is no such process. */
static ino_t proc_net_inode(const char *pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.20s/net/tcp", pid);
	return stat(path, &st) ? 0 : st.st_ino;
}

bool netns__is_of_host(void)
{
	ino_t its = proc_net_inode("1");

	return its && its == proc_net_inode("thread-self");
}

/* Where process 1 may not be inspected, another process of its namespace may be. */
static int find_neighbour(ino_t proc_net, struct netns *ns)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int fd = -EACCES;

	if (!dir)
		return -errno;
	while (fd < 0 && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    proc_net_inode(entry->d_name) == proc_net)
			fd = open_process(entry->d_name, ns);
	closedir(dir);
	return fd < 0 ? -EACCES : fd;
}

int netns__of_host(struct netns *ns)
{
	int fd = netns__is_of_host() ? open_path("/proc/self/ns/net", ns) : open_process("1", ns);
	ino_t its = proc_net_inode("1");

	if (fd < 0 && its)
		fd = find_neighbour(its, ns);
	if (fd < 0)
		return fd;
	close(fd);
	add_name(ns);
	return 0;
}

/* The first namespace has a fixed inode since Linux 6.18 (NET_NS_INIT_INO of linux/nsfs.h), and
 * before that the first cookie. */
#define FIRST_INODE 0xEFFFFFF9U
#define FIRST_COOKIE 1

bool netns__is_first(void)
{
	return netns__own_inode() == FIRST_INODE || netns__cookie() == FIRST_COOKIE;
}

bool netns__has_our_administrator(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int owner = fd < 0 ? -1 : ioctl(fd, NS_GET_USERNS);
	struct stat ours, its;
	bool same = owner >= 0 && !fstat(owner, &its) && !stat("/proc/self/ns/user", &ours) &&
		    its.st_ino == ours.st_ino && its.st_dev == ours.st_dev;

	if (owner >= 0)
		close(owner);
	if (fd >= 0)
		close(fd);
	return same;
}

uint64_t netns__cookie(void)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (s < 0)
		return 0;
	if (getsockopt(s, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		cookie = 0;
	close(s);
	return cookie;
}

bool netns__read_keepalive(struct keepalive_sysctl *s)
{
	int32_t values[TUNABLES];

	if (tunables__read(values))
		return false;
	*s = (struct keepalive_sysctl){ values[0], values[1], values[2] };
	return true;
}
