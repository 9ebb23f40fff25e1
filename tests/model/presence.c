// SPDX-License-Identifier: GPL-2.0
/*
 * How likely is it that a peer is there? As `halfopen reach` and `sockets --history` say it, of
 * connections that a simulator knows the truth of:
 *
 *   presence HISTORY [--strangers] < PRESENT
 *
 * HISTORY: timelines; PRESENT: what `fleets --present` prints. Each line comes back with the chance
 * behind it, "-" where nothing is known, and 1 where it is surely dead, else 0; then the bounds of that
 * chance, "-" and "-". --strangers: the history does not know the connections.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "source/timelines.h"
#include "tuning/life_of.h"
#include "tuning/presence.h"

static bool read_history(const char *name, struct presence *p)
{
	struct sink into = lives__sink(&p->lives);
	struct timelines_problem problem = { .text = "" };
	int fd = open(name, O_RDONLY);
	bool ok = fd >= 0 && !timelines__read(fd, &into, &problem);

	if (!ok)
		fprintf(stderr, "presence: %s: %s\n", name, problem.text);
	return ok && presence__begin(p, NULL, 0);
}

int main(int argc, char **argv)
{
	bool strangers = argc == 3 && !strcmp(argv[2], "--strangers");
	struct presence_subject s = { .boot_id = strangers ? "" : "fleet", .device = "",
				      .local.port = 1883 };
	struct presence p = { .of_scope = NULL };
	unsigned long long cookie;
	unsigned int port, there;
	char address[64];
	enum presence_unknown unknown;
	struct survival_chance chance;
	double path_s;

	if ((argc != 2 && !strangers) || !read_history(argv[1], &p))
		return 2;
	while (scanf("%llu %63s %u %lf %u", &cookie, address, &port, &s.silent_s, &there) == 5) {
		s.cookie = cookie;
		if (!endpoint__read_address(address, s.peer.address, &s.family))
			return 2;
		s.peer.port = port;
		chance = presence__of(&p, &s, &unknown);
		printf("%llu %s %u %.3f %u ", cookie, address, port, s.silent_s, there);
		path_s = presence__path_s(&p, &s);
		if (isnan(chance.likely))
			printf("- ");
		else
			printf("%.6f ", chance.likely);
		printf("%d ", path_s > 0 && s.silent_s > path_s);
		if (isnan(chance.likely))
			printf("- -\n");
		else
			printf("%.6f %.6f\n", chance.low, chance.high);
	}
	presence__free(&p);
	return 0;
}
