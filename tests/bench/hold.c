// SPDX-License-Identifier: GPL-2.0
/*
 * Holds many connections to itself, both ends, and does nothing with them.
 *
 *     hold COUNT A    from 127.A.0.1 to 127.A.0.2, says "ready", and then takes words from standard
 *                     input: "IDLE SPREAD" switches keepalive on, on the accepted ends, with that
 * idle time (and interval) in seconds, evenly within SPREAD seconds, and says "armed". At its end
 * all connections are reset.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "hold: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in at(int a, int end, int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(127 << 24 | a << 16 | end) };
}

static int listen_at(struct sockaddr_in here)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (s < 0 || bind(s, (void *)&here, sizeof(here)) || listen(s, 64))
		die("listen");
	return s;
}

/* Its reset leaves no TIME_WAIT behind. */
static void end_by_reset(int s)
{
	struct linger l = { .l_onoff = 1 };

	setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void arm(int s, int idle)
{
	int one = 1;

	setsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(s, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
	if (setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)))
		die("SO_KEEPALIVE");
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[1]) : 0, a = argc > 2 ? atoi(argv[2]) : 0;
	struct sockaddr_in here = at(a, 1, 0), there = at(a, 2, 1883);
	int *ends = calloc(2 * count + 1, sizeof(*ends)), listener, i, idle;
	struct rlimit limit;
	double spread;

	if (!count || !ends)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	listener = listen_at(there);
	for (i = 0; i < count; i++) {
		ends[2 * i] = socket(AF_INET, SOCK_STREAM, 0);
		if (ends[2 * i] < 0 || bind(ends[2 * i], (void *)&here, sizeof(here)) ||
		    connect(ends[2 * i], (void *)&there, sizeof(there)))
			die("connect");
		ends[2 * i + 1] = accept(listener, NULL, NULL);
		if (ends[2 * i + 1] < 0)
			die("accept");
		end_by_reset(ends[2 * i]);
	}
	puts("ready");
	fflush(stdout);
	while (scanf("%d %lf", &idle, &spread) == 2) {
		struct timespec pause = { .tv_nsec = spread * 1e9 / count };

		for (i = 0; i < count; i++) {
			arm(ends[2 * i + 1], idle);
			nanosleep(&pause, NULL);
		}
		puts("armed");
		fflush(stdout);
	}
	return 0;
}
