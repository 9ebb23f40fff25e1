/* SPDX-License-Identifier: GPL-2.0 */
/* Small files that are replaced atomically and durably. */
#ifndef HALFOPEN_FILE_ATOMIC_FILE_H
#define HALFOPEN_FILE_ATOMIC_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/* Of DIRECTORY/NAME, with its end. */
#define ATOMIC_FILE_PATH_MAX 4096

/* Writes a file with this text and mode under this name, durably. An existing one is replaced,
 * never followed. Writers do not disturb each other: the last one's file stays, whole. Returns 0
 * or -errno: then the former one is still there. */
int atomic_file__replace(const char *directory, const char *name, const char *text, mode_t mode);

/* Removes it durably; it may not exist. Returns 0 or -errno. */
int atomic_file__remove(const char *directory, const char *name);

/* Removes the temporary files of writers that were killed. For whoever knows that no other writes
 * this name now. */
void atomic_file__clear(const char *directory, const char *name);

/* Why a path of an operator's cannot be replaced, in words behind its name; NULL: a plain file is
 * there, or nothing that can be looked at. */
const char *atomic_file__refused(const char *path);

#endif
