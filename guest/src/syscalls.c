/*
 * What newlib asks of its system. There are no files, no other processes and no clock: descriptors 1 and 2 are written
 * to host function 64, reading descriptor 0 finds the end, the time is always 0. A signal that isn't caught, such as
 * abort's, is a trap.
 */
#include <errno.h>
#include <fcntl.h>
#include <javm.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>

#include "arena.h"

#undef errno
extern int errno; /* newlib's wrappers look here and set the thread's errno from it */

static int fail(int error) {
  errno = error;
  return -1;
}

static int is_stream(int descriptor) { return descriptor >= 0 && descriptor <= 2; }

_Noreturn void _exit(int status) { javm_reply((uint64_t)status); }

void *_sbrk(ptrdiff_t bytes) {
  void *old = __javm_arena_grow(bytes);
  if (old) return old;
  errno = ENOMEM;
  return (void *)-1;
}

int _write(int descriptor, const void *from, size_t n) {
  if (descriptor != 1 && descriptor != 2) return fail(EBADF);
  if (n > INT32_MAX) n = INT32_MAX;
  uint64_t written = javm_write((uint64_t)descriptor, from, n);
  return written > n ? fail(EIO) : (int)written;
}

int _read(int descriptor, void *to, size_t n) {
  (void)to;
  (void)n;
  return descriptor ? fail(EBADF) : 0;
}

int _open(const char *path, int flags, int mode) {
  (void)path;
  (void)mode;
  return fail(flags & O_CREAT ? EROFS : ENOENT);
}

int _close(int descriptor) { return is_stream(descriptor) ? 0 : fail(EBADF); }

off_t _lseek(int descriptor, off_t offset, int whence) {
  (void)offset;
  (void)whence;
  return fail(is_stream(descriptor) ? ESPIPE : EBADF);
}

/* Lines of stdout go out as they end: an endpoint may never come to exit. */
int _isatty(int descriptor) {
  if (descriptor == 1 || descriptor == 2) return 1;
  errno = descriptor ? EBADF : ENOTTY;
  return 0;
}

int _fstat(int descriptor, struct stat *status) {
  if (!is_stream(descriptor)) return fail(EBADF);
  *status = (struct stat){.st_mode = S_IFCHR | S_IRUSR | S_IWUSR};
  return 0;
}

int _stat(const char *path, struct stat *status) {
  (void)path;
  (void)status;
  return fail(ENOENT);
}

int _fcntl(int descriptor, int command, int argument) {
  (void)command;
  (void)argument;
  return fail(is_stream(descriptor) ? EINVAL : EBADF);
}

int _unlink(const char *path) {
  (void)path;
  return fail(ENOENT);
}

int _link(const char *from, const char *to) {
  (void)from;
  (void)to;
  return fail(ENOENT);
}

int _mkdir(const char *path, mode_t mode) {
  (void)path;
  (void)mode;
  return fail(EROFS);
}

int _getpid(void) { return 1; }

int _kill(int process, int signal) {
  if (process != 1) return fail(ESRCH);
  if (signal) javm_trap();
  return 0;
}

int _fork(void) { return fail(ENOSYS); }

int _execve(const char *path, char *const *arguments, char *const *environment) {
  (void)path;
  (void)arguments;
  (void)environment;
  return fail(ENOENT);
}

int _wait(int *status) {
  (void)status;
  return fail(ECHILD);
}

int _gettimeofday(struct timeval *now, void *zone) {
  (void)zone;
  *now = (struct timeval){0};
  return 0;
}

clock_t _times(struct tms *spent) {
  *spent = (struct tms){0};
  return 0;
}

/* No randomness: a guest is deterministic. */
int getentropy(void *to, size_t n) {
  (void)to;
  (void)n;
  return fail(ENOSYS);
}

int posix_memalign(void **out, size_t align, size_t n) {
  if (align < sizeof(void *) || (align & (align - 1))) return EINVAL;
  void *block = memalign(align, n);
  if (!block) return ENOMEM;
  *out = block;
  return 0;
}
