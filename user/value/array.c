// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "value/array.h"

#define FIRST 64

void *array__with_room(void *all, size_t count, size_t *size, size_t each)
{
	size_t larger = *size ? *size * 2 : FIRST;
	void *bigger;

	if (count < *size)
		return all;
	bigger = realloc(all, larger * each);
	if (bigger)
		*size = larger;
	return bigger;
}
