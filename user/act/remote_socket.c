// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "act/brief_close.h"
#include "act/remote_socket.h"
#include "act/reuse_guard.h"
#include "sys/clock.h"

/* Missing from the headers of some libcs that we build with. */
#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER 20
#define TIMESTAMP_OPTION 12	/* with its padding */

static bool has_cookie(int fd, uint64_t cookie)
{
	uint64_t found = 0;
	socklen_t size = sizeof(found);

	return !getsockopt(fd, SOL_SOCKET, SO_COOKIE, &found, &size) && found == cookie;
}

/* What an errno of pidfd_open(2) and pidfd_getfd(2) means for one socket; else -errno. */
static int refusal(int err)
{
	switch (err) {
	case ESRCH:
	case EBADF:
	case EINVAL:	/* a thread's id by now */
		return ASKABLE_MOVED;
	case EPERM:
	case EACCES:
		return ASKABLE_NOT_PERMITTED;
	default:
		return -err;
	}
}

/* In a PID namespace of our own /proc may still be that of another. */
static bool has_own_proc(void)
{
	char self[16] = "";

	return readlink("/proc/self", self, sizeof(self) - 1) > 0 && atoi(self) == getpid();
}

/* Whoever uses the number for another kind of file by now keeps that to himself. */
static bool is_other_file(const struct ho_descriptor *d)
{
	char link[64], target[16];
	ssize_t n;

	if (!has_own_proc())
		return false;
	snprintf(link, sizeof(link), "/proc/%u/fd/%d", d->pid, d->fd);
	n = readlink(link, target, sizeof(target));
	return n >= 0 && (n < 8 || memcmp(target, "socket:[", 8) != 0);
}

static int take(const struct ho_descriptor *d, int *fd)
{
	int process = syscall(SYS_pidfd_open, d->pid, 0), err = 0;

	if (process < 0)
		return refusal(errno);
	*fd = syscall(SYS_pidfd_getfd, process, d->fd, 0);
	if (*fd < 0)
		err = errno;
	close(process);
	return err ? refusal(err) : ASKABLE;
}

int remote_socket__open(const struct ho_descriptor *d, struct reuse_guard *guard, int *fd)
{
	int refused;

	if (!reuse_guard__is_there(guard))
		return -ECHILD;
	if (is_other_file(d))
		return ASKABLE_MOVED;
	refused = take(d, fd);
	if (refused)
		return refused;
	if (has_cookie(*fd, d->cookie)) {
		reuse_guard__hold(guard, *fd);
		return ASKABLE;
	}
	brief_close__file(*fd);
	return ASKABLE_MOVED;
}

bool remote_socket__close(int fd, struct reuse_guard *guard)
{
	if (!reuse_guard__release(guard))
		return false;
	brief_close__socket(fd);
	return true;
}

pid_t remote_socket__lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK }, holder = whole;

	if (!fcntl(fd, F_SETLK, &whole))
		return 0;
	if (fcntl(fd, F_GETLK, &holder) || holder.l_type == F_UNLCK || holder.l_pid <= 0)
		return -1;
	return holder.l_pid;
}

static bool is_ipv4(int fd)
{
	struct sockaddr_in6 peer = { 0 };
	socklen_t size = sizeof(peer);

	if (getpeername(fd, (struct sockaddr *)&peer, &size))
		return false;
	return peer.sin6_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr);
}

int remote_socket__read(int fd, struct remote_facts *facts)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info), repair_size = sizeof(int);
	uint64_t now_ns = clock__mono_ns();
	int repair = 0;
	uint32_t ago_ms;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return -errno;
	if (getsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &repair, &repair_size))
		return -errno;
	ago_ms = info.tcpi_last_ack_recv < info.tcpi_last_data_recv ? info.tcpi_last_ack_recv
								    : info.tcpi_last_data_recv;
	*facts = (struct remote_facts){
		.state = info.tcpi_state, .in_repair = repair, .data_under_way = info.tcpi_unacked,
		.bytes_acked = info.tcpi_bytes_acked, .heard_ns = now_ns - ago_ms * 1000000ULL,
		.probe_bytes = (is_ipv4(fd) ? IPV4_HEADER : IPV6_HEADER) + TCP_HEADER +
			       (info.tcpi_options & TCPI_OPT_TIMESTAMPS ? TIMESTAMP_OPTION : 0) };
	return 0;
}
