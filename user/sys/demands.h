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

/* Holds these signals back from everything else, for good. Returns 0 or -errno. */
int demands__open(struct demands *d);

/* The time is over `ns` from now. Returns 0 or -errno. */
int demands__end_after(struct demands *d, uint64_t ns);

/* SIGHUP asks for the end, too, unless it is ignored (nohup). Returns 0 or -errno. */
int demands__end_on_hangup(struct demands *d);

/* Has the end been asked for? */
bool demands__are_to_end(const struct demands *d);

enum hangup {
	HANGUP_NONE,
	HANGUP_REOPEN,		/* somebody moved our files, perhaps */
	HANGUP_OF_TERMINAL,	/* it is gone */
};

/* What SIGHUP means. Under nohup(1) no more than that files are opened anew. */
enum hangup demands__take_hangup(struct demands *d);

void demands__close(struct demands *d);

/* The same, and signals do again what they do by default; one that came meanwhile does it now. */
void demands__let_go(struct demands *d);

#endif
