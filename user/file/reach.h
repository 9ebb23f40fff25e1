/* SPDX-License-Identifier: GPL-2.0 */
/* File access that remains once CAP_DAC_OVERRIDE has been dropped. */
#ifndef HALFOPEN_FILE_REACH_H
#define HALFOPEN_FILE_REACH_H

#include <stdbool.h>

/* May files be made, renamed and removed in this directory by what its permissions, and those of the
 * directories on the way, say to whoever we are? False, too, where it cannot be told. */
bool reach__directory(const char *directory);

/* The same for the directory that a file lies in and, where it is a link, the one that it leads to. */
bool reach__file(const char *path);

#endif
