// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>

#include "value/number.h"

bool number__read(const char *text, size_t length, uint32_t max, uint32_t *number)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		n = n * 10 + text[i] - '0';
		if (n > max)
			return false;
	}
	*number = n;
	return length > 0;
}

char *number__put(char *at, uint64_t n)
{
	char digits[20];
	unsigned int i = 0;

	do {
		digits[i++] = '0' + n % 10;
		n /= 10;
	} while (n);
	while (i)
		*at++ = digits[--i];
	return at;
}
