/* send_errno.c - what the errno of a failed send says (step 11); see send_errno.h. */
#include "shard/send_errno.h"

#include <errno.h>

enum output_drop send_errno_drop(int err)
{
	switch (err) {
	case EAGAIN:
		return OUTPUT_DROP_EGRESS_FULL;
	case ENOBUFS:
	case ENOMEM:
		return OUTPUT_DROP_QDISC;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ECONNREFUSED:
	case EHOSTDOWN:
	case ENOPROTOOPT:
	case EPROTO:
	case EADDRNOTAVAIL:
	case EDESTADDRREQ: /* a tunnel whose far end is not known yet */
	case ENOKEY:       /* a tunnel that leads to nobody of that address */
		return OUTPUT_DROP_UNREACHABLE;
	case EMSGSIZE:
		return OUTPUT_DROP_TOO_BIG;
	case EPERM:
	case EACCES:
		return OUTPUT_DROP_DENIED;
	case ENETDOWN:
	case ENODEV:
	case ENXIO:
		return OUTPUT_DROP_LINK_DOWN;
	default:
		return OUTPUT_DROP_SEND_ERROR;
	}
}

bool send_errno_refuses_train(int err)
{
	return err == EIO || err == EINVAL || err == EMSGSIZE || err == EOPNOTSUPP;
}

bool send_errno_may_be_icmp(int err)
{
	switch (err) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENOPROTOOPT:
	case ECONNREFUSED:
	case EMSGSIZE:
	case EOPNOTSUPP:
	case EHOSTDOWN:
	case ENONET:
	case EPROTO:
	case EACCES:
		return true;
	default:
		return false;
	}
}
