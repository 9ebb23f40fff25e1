/* SPDX-License-Identifier: GPL-2.0 */
/* File access that remains once CAP_DAC_OVERRIDE has been dropped. */
#ifndef HALFOPEN_FILE_REACH_H
#define HALFOPEN_FILE_REACH_H

#include <stdbool.h>

/* May files be made, renamed and removed in this directory by the permissions of it and of the
 * directories on the way, without capabilities? False, too, where that cannot be determined. */
bool reach__directory(const char *directory);

/* The same for the directory of a file and, where it is a link, the directory of its target. */
bool reach__file(const char *path);

#endif
