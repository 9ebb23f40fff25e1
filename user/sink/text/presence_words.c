// SPDX-License-Identifier: GPL-2.0
#include "text/presence_words.h"

const char *presence_unknown__words(enum presence_unknown unknown)
{
	static const char *const words[] = {
		[PRESENCE_KNOWN] = "",
		[PRESENCE_NO_GROUP] = "no peer of its network and port is in the history",
		[PRESENCE_NO_MEMORY] = "out of memory",
		[PRESENCE_FEW_CONNECTIONS] =
			"too few connections of its group are in the history",
		[PRESENCE_FEW_SILENCES] =
			"hardly any peer of its group was heard again after a silence",
		[PRESENCE_SILENT_TOO_LONG] =
			("no peer of its group was heard again after so long a silence, or found "
			 "gone"),
	};

	return words[unknown];
}
