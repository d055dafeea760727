/* privs.c - see privs.h; libcap-ng does the capability work. */
#include "src/run/privs.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/setup/privileges.h"

static int reduce_to(uint64_t keep);
static capng_flags_t choose_caps(const struct privs *privs, uint64_t keep);
static void select_caps(uint64_t set);

/* By the system call itself: libcap-ng reads files, too, which may fail. */
void privs_read(struct privs *privs)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};

	(void)syscall(SYS_capget, &head, sets);
	privs->had = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
	privs->have = privs->had;
}

int privs_become(struct privs *privs, const char *user, uint64_t keep, struct err *err)
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
	rc = capng_change_id((int)pw->pw_uid, (int)pw->pw_gid, choose_caps(privs, keep));
	if (rc != 0 || geteuid() != pw->pw_uid) {
		err_set(err, "--user %s: cannot change to it: %s (libcap-ng says %d); %s", user,
			errno ? strerror(errno) : "refused", rc,
			geteuid() == 0 ? "root lacks CAP_SETUID or CAP_SETGID here: give them to "
					 "the container, or start as that user"
				       : "only root can; start as root or without --user");
		return -EPERM;
	}
	privs->have &= keep;
	return 0;
}

int privs_keep(struct privs *privs, uint64_t keep, struct err *err)
{
	int rc = privs->had ? reduce_to(privs->have & keep) : 0;

	if (rc == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		rc = -errno;
	}
	if (rc < 0) {
		err_set(err,
			"privileges: cannot be given up: %s; a filter of system calls "
			"forbids it",
			strerror(-rc));
		return rc;
	}
	privs->have &= keep;
	return 0;
}

/* A filter that forbids it has ended the start, in privs_keep. */
void privs_give_up_all(void)
{
	(void)reduce_to(0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

bool privs_lock_freely(void)
{
	(void)capng_get_caps_process();
	return capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK) != 0;
}

/* Of the calling thread: 0 or -errno. The bounding set stays where CAP_SETPCAP is missing, and
 * no_new_privs does the same. The ambient set is never more than what is inherited: none. */
static int reduce_to(uint64_t keep)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};

	for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++) {
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	}
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].permitted = (uint32_t)(keep >> (32 * i));
		sets[i].effective = sets[i].permitted;
	}
	return syscall(SYS_capset, &head, sets) < 0 ? -errno : 0;
}

/* Makes the wanted set of what we keep and have: root in a container often lacks some, and to ask
 * for more than one has fails as a whole. Returns how to change the user. */
static capng_flags_t choose_caps(const struct privs *privs, uint64_t keep)
{
	unsigned flags = CAPNG_INIT_SUPP_GRP;

	(void)capng_get_caps_process();
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
		flags |= CAPNG_CLEAR_BOUNDING;
	}
	select_caps(privs->have & keep);
	return (capng_flags_t)flags;
}

static void select_caps(uint64_t set)
{
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (set & PRIVILEGE(cap)) {
			capng_update(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
				     cap);
		}
	}
}
