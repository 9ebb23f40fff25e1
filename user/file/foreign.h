/* SPDX-License-Identifier: GPL-2.0 */
/* Names the kind of a file that is not the expected one, by its first bytes. */
#ifndef HALFOPEN_FILE_FOREIGN_H
#define HALFOPEN_FILE_FOREIGN_H

#include <stddef.h>

/* Bytes of the beginning that suffice. */
#define FOREIGN_HEAD_SIZE 64

/* "these are timelines: 'halfopen advise' reads them"; NULL for an unknown kind. `size` is 0 for an
 * empty file. */
const char *foreign__words(const void *head, size_t size);

#endif
