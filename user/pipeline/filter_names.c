// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "pipeline/filter_names.h"
#include "sys/capability.h"
#include "sys/log.h"
#include "sys/netns.h"

/* Does FILTER name another namespace than our own? Then the others are entered, to know their
 * names. */
static bool is_name_of_another(const char *word)
{
	struct netns_list list;
	bool is_own;

	if (strspn(word, "0123456789") == strlen(word))
		return false;
	is_own = !netns__list_named(&list) && !strcmp(list.all[0].name, word);
	netns__free(&list);
	return !is_own;
}

bool filter_names__may_be_looked_for(const struct filter *filter)
{
	const char *name = filter ? filter__find_netns(filter, is_name_of_another) : NULL;

	if (!name || capability__has(CAPABILITY_SYS_ADMIN))
		return true;
	log_error("not permitted: 'netns = %s' needs CAP_SYS_ADMIN, to enter network namespaces "
		  "and learn their names; without, give its inode", name);
	return false;
}
