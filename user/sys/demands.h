/* SPDX-License-Identifier: GPL-2.0 */
/* Requests to end, or to reopen files: signals and the time limit. */
#ifndef HALFOPEN_SYS_DEMANDS_H
#define HALFOPEN_SYS_DEMANDS_H

#include <stdbool.h>
#include <stdint.h>

struct demands {
	int end;	/* readable for good from SIGINT or SIGTERM on, or when the time is over */
	int hangup;	/* readable on SIGHUP: demands__take_hangup() */

	int signals, timer;
	bool had_terminal, ignores_hangup;
};

/* Blocks these signals elsewhere, for good. Returns 0 or -errno. */
int demands__open(struct demands *d);

/* Ends after `ns` from now. Returns 0 or -errno. */
int demands__end_after(struct demands *d, uint64_t ns);

/* SIGHUP asks for the end, too, unless it is ignored (nohup). Returns 0 or -errno. */
int demands__end_on_hangup(struct demands *d);

/* Has the end been asked for? */
bool demands__are_to_end(const struct demands *d);

enum hangup {
	HANGUP_NONE,
	HANGUP_REOPEN,		/* our files may have been renamed */
	HANGUP_OF_TERMINAL,	/* it is gone */
};

/* The meaning of SIGHUP. Under nohup(1) it only reopens files. */
enum hangup demands__take_hangup(struct demands *d);

void demands__close(struct demands *d);

/* The same, and restores the signals' default action; one that came meanwhile takes it now. */
void demands__let_go(struct demands *d);

#endif
