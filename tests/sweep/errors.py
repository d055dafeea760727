"""errors.py - with which errno a call fails in the fault sweep: what it would have on a bad host.

The first one is tried always, the others in a whole sweep only. Of maps of ours the kernel can lack
memory to copy what it is asked with (bpf:1 to 3).
"""
from errno import (EACCES, EADDRINUSE, EAGAIN, EBUSY, EFAULT, EINVAL, EIO, EMFILE, ENETUNREACH,
                   ENOBUFS, ENOENT, ENOMEM, ENOPROTOOPT, ENOSPC, ENOSYS, EPERM)

ERRORS = {
    "openat": (EMFILE, EACCES),
    "open": (EMFILE,),
    "read": (EIO,),
    "pread64": (EIO,),
    "write": (ENOSPC,),
    "getdents64": (EIO,),
    "newfstatat": (EACCES,),
    "fstat": (EIO,),
    "statfs": (EACCES,),
    "fstatfs": (EIO,),
    "access": (EACCES,),
    "faccessat": (EACCES,),
    "faccessat2": (EACCES,),
    "readlink": (EACCES, ENOENT),
    "readlinkat": (EACCES,),
    "unlink": (EACCES,),
    "rename": (ENOSPC,),
    "chmod": (EPERM,),
    "chown": (EPERM,),
    "socket": (EMFILE, EPERM),
    "socketpair": (EMFILE,),
    "eventfd2": (EMFILE,),
    "signalfd4": (EMFILE,),
    "epoll_create1": (EMFILE,),
    "timerfd_create": (EMFILE,),
    "memfd_create": (EMFILE,),
    "pipe2": (EMFILE,),
    "bind": (EADDRINUSE, EACCES),
    "listen": (EADDRINUSE,),
    "connect": (ENETUNREACH,),
    "accept4": (EMFILE,),
    "setsockopt": (ENOBUFS, ENOPROTOOPT),
    "getsockopt": (ENOPROTOOPT,),
    "getsockname": (ENOBUFS,),
    "sendto": (ENOBUFS,),
    "sendmsg": (ENOBUFS,),
    "recvmsg": (ENOBUFS,),
    "recvfrom": (ENOBUFS,),
    "clone": (EAGAIN,),
    "clone3": (EAGAIN,),
    "io_uring_setup": (ENOMEM, EPERM, ENOSYS),
    "io_uring_register": (ENOMEM, EINVAL),
    "io_uring_enter": (EAGAIN, EBUSY),
    "ioctl": (EPERM,),
    "fcntl": (EINVAL,),
    "prctl": (EPERM,),
    "prlimit64": (EPERM,),
    "sched_setaffinity": (EPERM,),
    "sched_getaffinity": (EPERM,),
    "setpriority": (EACCES,),
    "madvise": (EFAULT, ENOMEM),
    "mbind": (ENOMEM, EPERM),
    "move_pages": (EPERM,),
    "bpf": (EPERM,),
    "bpf:1": (ENOMEM,),
    "bpf:2": (ENOMEM,),
    "bpf:3": (ENOMEM,),
}


def errors_of(call, whole):
    """For a call that is not listed: no memory, which any may lack."""
    errors = ERRORS.get(call) or ERRORS.get(call.split(":")[0], (ENOMEM,))
    return errors if whole else errors[:1]
