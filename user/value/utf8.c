// SPDX-License-Identifier: GPL-2.0
#include "value/utf8.h"

size_t utf8__decode(const char *from, uint32_t *character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)from;
	size_t length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4, i;

	if (!s[0] || (s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4)
		return 0;
	*character = length == 1 ? s[0] : s[0] & 0xff >> (length + 1);
	for (i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)	/* a NUL, too: nothing behind it is read */
			return 0;
		*character = *character << 6 | (s[i] & 0x3f);
	}
	if (*character < least[length] || *character > 0x10ffff ||
	    (*character >= 0xd800 && *character <= 0xdfff))
		return 0;
	return length;
}

bool utf8__is_hidden(uint32_t character)
{
	/* Unicode 15: Cc, Cf, Zl, Zp and Default_Ignorable_Code_Point, with what is reserved for
	 * the latter. */
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x600, 0x605 },
		{ 0x61c, 0x61c }, { 0x6dd, 0x6dd }, { 0x70f, 0x70f }, { 0x890, 0x891 },
		{ 0x8e2, 0x8e2 }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
		{ 0x110bd, 0x110bd }, { 0x110cd, 0x110cd }, { 0x13430, 0x1343f },
		{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	};
	size_t low = 0, high = sizeof(hidden) / sizeof(hidden[0]);

	if (character >= ' ' && character < 0x7f)
		return false;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (character > hidden[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sizeof(hidden) / sizeof(hidden[0]) && character >= hidden[low].first;
}

void utf8__encode(uint32_t c, char bytes[5])
{
	unsigned int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3, i;
	static const uint8_t first[] = { 0, 0xc0, 0xe0, 0xf0 };

	bytes[0] = '\0';
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return;
	bytes[more + 1] = '\0';
	for (i = more; i; i--, c >>= 6)
		bytes[i] = 0x80 | (c & 0x3f);
	bytes[0] = first[more] | c;
}
