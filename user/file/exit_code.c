// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "file/exit_code.h"
#include "file/output.h"
#include "sys/log.h"
#include "sys/reason.h"

int exit_code__of_input(int err)
{
	return reason__is_limit(err) || err == -EIO || err == -ENOSPC || err == -EDQUOT ||
			       err == -EROFS
		       ? EXIT_FAILED : EXIT_USAGE;
}

int exit_code__of_output(struct output *o, int err, int code)
{
	int closed = output__close(o);

	if (!err)
		err = closed;
	if (!err || o->error == EPIPE)
		return code;
	log_error("%s: %s", o->name, reason__of(err));
	return EXIT_FAILED;
}
