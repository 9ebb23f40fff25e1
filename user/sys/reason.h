/* SPDX-License-Identifier: GPL-2.0 */
/* Why something failed, by its errno. */
#ifndef HALFOPEN_SYS_REASON_H
#define HALFOPEN_SYS_REASON_H

#include <stdbool.h>

/* Programs, their links and maps, namespaces entered, files written: 55, and some to spare. */
#define REASON_FILES_NEEDED 64

/*
 * strerror() of `err`, negative or not; for a limit also its name, its value and how to raise it.
 * The text lasts until the next call.
 */
const char *reason__of(int err);

/* Is it a limit of this process or host, independent of the request? */
bool reason__is_limit(int err);

#endif
