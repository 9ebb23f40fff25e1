// SPDX-License-Identifier: GPL-2.0
/* Traffic for the benchmarks, over loopback between two processes:
 *   rr rr MILLISECONDS    one byte to and fro; prints round trips a second
 *   rr bulk MEBIBYTES     one way as fast as it goes; prints bytes a second, the monotonic
 *                         times of its first and last byte in ns, and its port
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 17];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void answer(int listener, int bulk)
{
	int fd = accept(listener, NULL, NULL), one = 1;
	ssize_t n;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while ((n = read(fd, buffer, bulk ? sizeof(buffer) : 1)) > 0)
		if (!bulk && write(fd, buffer, 1) != 1)
			break;
	exit(0);
}

static void round_trips(int fd, uint64_t ms)
{
	uint64_t begin = now_ns(), end = begin + ms * 1000000, done = 0, now;

	do {
		int i;

		for (i = 0; i < 64; i++, done++)
			if (write(fd, buffer, 1) != 1 || read(fd, buffer, 1) != 1)
				die("round trip");
		now = now_ns();
	} while (now < end);
	printf("%.1f\n", done * 1e9 / (now - begin));
}

static void transfer(int fd, uint64_t mib)
{
	uint64_t left = mib << 20, begin = now_ns(), end;

	while (left) {
		ssize_t n = write(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer));

		if (n <= 0)
			die("write");
		left -= n;
	}
	end = now_ns();
	printf("%.0f %llu %llu ", (mib << 20) * 1e9 / (end - begin), (unsigned long long)begin,
	       (unsigned long long)end);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd, one = 1, bulk;
	pid_t child;

	if (argc != 3)
		return 2;
	bulk = !strcmp(argv[1], "bulk");
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (void *)&address, length) || listen(listener, 1) ||
	    getsockname(listener, (void *)&address, &length))
		die("listen");
	child = fork();
	if (!child)
		answer(listener, bulk);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (void *)&address, length))
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bulk)
		transfer(fd, strtoull(argv[2], NULL, 10)), printf("%u\n", ntohs(address.sin_port));
	else
		round_trips(fd, strtoull(argv[2], NULL, 10));
	close(fd);
	waitpid(child, NULL, 0);
	return 0;
}
