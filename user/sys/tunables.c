// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/tunables.h"

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

static int read_one(const char *path, int32_t *value)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	char text[32], *end;
	ssize_t n;
	long number;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		err = -errno;
	close(fd);
	if (err)
		return err;
	text[n] = '\0';
	number = strtol(text, &end, 10);
	if (end == text || *end != '\n' || number != (int32_t)number)
		return -ERANGE;
	*value = number;
	return 0;
}

int tunables__read(int32_t values[TUNABLES])
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < TUNABLES; i++)
		err = read_one(tunables[i].path, &values[i]);
	return err;
}

int tunables__read_retransmission(struct retransmission_sysctl *r)
{
	int err = read_one("/proc/sys/net/ipv4/tcp_retries2", &r->retries2);

	if (err)
		return err;
	r->rto_max_ms = 0;
	err = read_one("/proc/sys/net/ipv4/tcp_rto_max_ms", &r->rto_max_ms);
	return err == -ENOENT ? 0 : err;
}

int tunable__write(unsigned int tunable, int32_t value)
{
	int fd = open(tunables[tunable].path, O_WRONLY | O_CLOEXEC), length, err = 0;
	char text[16];

	if (fd < 0)
		return -errno;
	length = snprintf(text, sizeof(text), "%" PRId32 "\n", value);
	if (write(fd, text, length) != length)
		err = -errno;
	close(fd);
	return err;
}

int tunables__check_writable(void)
{
	unsigned int i;
	int fd;

	for (i = 0; i < TUNABLES; i++) {
		fd = open(tunables[i].path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		close(fd);
	}
	return 0;
}

bool tunable_values__any(const struct tunable_values *v)
{
	unsigned int i;

	for (i = 0; i < TUNABLES; i++)
		if (v->has[i])
			return true;
	return false;
}

bool tunable_values__equal(const struct tunable_values *a, const struct tunable_values *b)
{
	unsigned int i;

	for (i = 0; i < TUNABLES; i++)
		if (a->has[i] != b->has[i] || (a->has[i] && a->value[i] != b->value[i]))
			return false;
	return true;
}
