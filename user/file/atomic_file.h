/* SPDX-License-Identifier: GPL-2.0 */
/* Small files that are there whole, or as they were before, whatever happens meanwhile. */
#ifndef HALFOPEN_FILE_ATOMIC_FILE_H
#define HALFOPEN_FILE_ATOMIC_FILE_H

#include <sys/types.h>

/* A file with this text and mode under this name, for good. Whatever stood there is replaced, never
 * followed. Returns 0 or -errno: then what was there is still there. */
int atomic_file__replace(const char *directory, const char *name, const char *text, mode_t mode);

/* Removed for good, or was not there. Returns 0 or -errno. */
int atomic_file__remove(const char *directory, const char *name);

/* What one who was killed while he wrote it left beside it. */
void atomic_file__clear(const char *directory, const char *name);

#endif
