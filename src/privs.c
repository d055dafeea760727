/* privs.c - see privs.h; libcap-ng does the capability work. No step of a datagram runs here. */
#include "src/privs.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

int privs_become(const char *user, struct err *err)
{
	const struct passwd *pw;
	int rc;

	errno = 0;
	pw = getpwnam(user);
	if (!pw) {
		err_set(err,
			"--user %s: %s; expected a user of this host; create it with "
			"`useradd --system %s'",
			user, errno ? strerror(errno) : "no such user", user);
		return -EINVAL;
	}
	if (geteuid() == pw->pw_uid) {
		return 0;
	}
	capng_clear(CAPNG_SELECT_BOTH);
	capng_updatev(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_ADMIN,
		      CAP_NET_RAW, CAP_NET_BIND_SERVICE, -1);
	rc = capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
			     (capng_flags_t)(CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
	if (rc != 0 || geteuid() != pw->pw_uid) {
		err_set(err,
			"--user %s: cannot change to it (libcap-ng says %d); only root can; "
			"start as root or without --user",
			user, rc);
		return -EPERM;
	}
	return 0;
}
