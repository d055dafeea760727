/* privs.c - see privs.h; libcap-ng does the capability work. */
#include "src/run/privs.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const unsigned privs_kept[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE};

static capng_flags_t choose_caps(void);

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
	errno = 0;
	rc = capng_change_id((int)pw->pw_uid, (int)pw->pw_gid, choose_caps());
	if (rc != 0 || geteuid() != pw->pw_uid) {
		err_set(err, "--user %s: cannot change to it: %s (libcap-ng says %d); %s", user,
			errno ? strerror(errno) : "refused", rc,
			geteuid() == 0 ? "root lacks CAP_SETUID or CAP_SETGID here: give them to "
					 "the container, or start as that user"
				       : "only root can; start as root or without --user");
		return -EPERM;
	}
	return 0;
}

bool privs_lock_freely(void)
{
	(void)capng_get_caps_process();
	return capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK) != 0;
}

/* Makes the wanted set of what we keep and have: root in a container often lacks some, and to ask
 * for more than one has fails as a whole. Returns how to change the user. */
static capng_flags_t choose_caps(void)
{
	bool keeps[sizeof(privs_kept) / sizeof(privs_kept[0])];
	unsigned flags = CAPNG_INIT_SUPP_GRP;

	(void)capng_get_caps_process();
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
		flags |= CAPNG_CLEAR_BOUNDING;
	}
	for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
		keeps[i] = capng_have_capability(CAPNG_PERMITTED, privs_kept[i]) != 0;
	}
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
		if (keeps[i]) {
			capng_update(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
				     privs_kept[i]);
		}
	}
	return (capng_flags_t)flags;
}
