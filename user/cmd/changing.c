// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "applied.h"
#include "changing.h"
#include "cmd.h"
#include "log.h"

/* The end of a trial takes a moment; somebody who is asked whether to apply takes longer. */
#define LOCK_TRIES 20
#define LOCK_TRY_US 100000

int changing__exit_code(int err)
{
	return err == -EPERM || err == -EACCES ? EXIT_NOT_PERMITTED : EXIT_FAILED;
}

int changing__find_netns(const char *text, struct netns *ns)
{
	int err = netns__find(text ? text : "/proc/self/ns/net", ns);

	if (!err)
		return EXIT_DONE;
	log_error("--netns: there is no namespace '%s' (%s): expected a name of 'ip netns', a "
		  "process id or a path", text, strerror(-err));
	return EXIT_USAGE;
}

int changing__lock(const char *directory, int *lock)
{
	unsigned int tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		*lock = applied__lock(directory);
		if (*lock >= 0)
			return EXIT_DONE;
		if (*lock != -EWOULDBLOCK)
			break;
		usleep(LOCK_TRY_US);
	}
	log_error("%s: %s", directory, *lock == -EWOULDBLOCK
		  ? "another 'halfopen apply' or 'revert' is at work" : strerror(-*lock));
	return changing__exit_code(*lock);
}
