// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "sys/say.h"
#include "value/version.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} verbs[] = {
	{ "watch", cmd_watch, "follow sockets: what keepalive did, who is half-open, since when" },
	{ "sockets", cmd_sockets,
	  "list them once, like ss -o: who is silent, who would never notice" },
	{ "top", cmd_top, "the same on a full screen, as they change: suspects first" },
	{ "probe", cmd_probe, "ask idle peers now: how many are dead already" },
	{ "reach", cmd_reach, "can a peer hear a command now? Asks it, if it was not just heard" },
	{ "advise", cmd_advise, "what to change, why, and what it would do" },
	{ "explain", cmd_explain, "when each side of a connection would notice" },
	{ "apply", cmd_apply, "write sysctls, reversibly" },
	{ "revert", cmd_revert, "put back what apply changed" },
	{ "doctor", cmd_doctor, "what this kernel allows, and what is lost where it doesn't" },
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(FILE *f)
{
	unsigned int i;

	fprintf(f, "Usage: halfopen VERB [OPTION...] [FILTER]\n"
		"Knows which TCP peers are really there.\n\n");
	for (i = 0; i < VERBS; i++)
		fprintf(f, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	fprintf(f, "\n'halfopen VERB --help' explains a verb, with examples.\n"
		"'halfopen --version' says which version this is.\n");
}

/* Occupies closed standard descriptors, which the next opened file would get. Use of the
 * placeholder fails. */
static void occupy_standard_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static bool reader_is_gone(void)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&pfd, 1, 0) > 0 && pfd.revents & POLLERR;
}

/* At any end of the program: output that stdio could not write is a failure, unless its reader went
 * away. The errno of an earlier failure is known for output by say.h alone. */
static void close_standard_output(void)
{
	bool gone = reader_is_gone(), failed = ferror(stdout);
	int err = fclose(stdout) ? errno : 0;

	err = say_failure() ?: err;
	if (gone || (!err && !failed))
		return;
	log_error("standard output: %s", err ? reason__of(err) : "not all of it could be written");
	_exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
	char name[64];
	unsigned int i;

	occupy_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);	/* write(2) reports the error, ... */
	signal(SIGXFSZ, SIG_IGN);	/* ... that of RLIMIT_FSIZE, too */
	atexit(close_standard_output);
	setlocale(LC_CTYPE, "C.UTF-8");	/* for the width of characters; output is UTF-8 */
	/* Large blocks go back to the kernel when they are freed; left to itself, glibc keeps them
	 * once a burst has freed one. */
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("halfopen " HALFOPEN_VERSION);
		return EXIT_DONE;
	}
	for (i = 0; i < VERBS; i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		snprintf(name, sizeof(name), "halfopen %s", verbs[i].name);
		argv[1] = name;
		return verbs[i].run(argc - 1, argv + 1);
	}
	log_error("there is no verb '%s'; 'halfopen --help' lists them", argv[1]);
	return EXIT_USAGE;
}
