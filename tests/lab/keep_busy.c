// SPDX-License-Identifier: GPL-2.0
/*
 * keep_busy SECONDS FD...: two threads that keep these sockets locked, as a program does that sets
 * options and writes while there is no room, so that timers find them owned.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

static time_t end;
static int count;
static int *sockets;

static void *work(void *unused)
{
	int seconds = 60;

	while (time(NULL) < end)
		for (int i = 0; i < count; i++) {
			setsockopt(sockets[i], IPPROTO_TCP, TCP_LINGER2, &seconds, sizeof(seconds));
			send(sockets[i], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t other;

	if (argc < 3) {
		fprintf(stderr, "usage: keep_busy SECONDS FD...\n");
		return 2;
	}
	count = argc - 2;
	sockets = calloc(count, sizeof(*sockets));
	if (!sockets)
		return 1;
	for (int i = 0; i < count; i++)
		sockets[i] = atoi(argv[i + 2]);
	end = time(NULL) + atoi(argv[1]);
	if (pthread_create(&other, NULL, work, NULL))
		return 1;
	work(NULL);
	return pthread_join(other, NULL) ? 1 : 0;
}
