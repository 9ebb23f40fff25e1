/* SPDX-License-Identifier: GPL-2.0 */
/* Why something failed, in the words of the errno that happened. */
#ifndef HALFOPEN_SYS_REASON_H
#define HALFOPEN_SYS_REASON_H

#include <stdbool.h>

/* Programs, their links and maps, namespaces entered, files written: 55, and some to spare. */
#define REASON_FILES_NEEDED 64

/*
 * strerror() of `err`, negative or not; of a limit also which it is, how high it stands and what
 * raises it. The text lasts until the next call.
 */
const char *reason__of(int err);

/* Is it a limit of this process or host that was met, whatever was asked for? */
bool reason__is_limit(int err);

#endif
