/*
 * Announcing native code (engine.h: jv_native_announce): the symbols, and perf's two files. gdb's way is in gdb.c.
 *
 * perf's map is text, a line a symbol; nothing in it can be taken back. perf's dump (jitdump, version 1 of its specification
 * in the kernel's tools/perf) has the code, too, and a mark at the end while nothing in it is alive. A process has one of
 * each; what is written for one program stands in one piece.
 */
#define _GNU_SOURCE /* secure_getenv, gettid */
#include "jit/announce.h"

#if JV_HAS_RECOMPILER

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What of a program's code is announced and ends with it. */
struct jv_announced {
  jv_gdb_object *gdb;
  pid_t dump_pid; /* of the process whose dump it is in; 0: in none */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- symbols ---- */

static void name_code(const jv_symbols *s, uint32_t pc, jv_symbol *symbol) {
  symbol->name[0] = '\0';
  bool has_name = s->name_of && s->name_of(s->ctx, pc, symbol->name, JV_NAME_BYTES);
  symbol->name[JV_NAME_BYTES - 1] = '\0';
  if (!has_name || !symbol->name[0]) snprintf(symbol->name, JV_NAME_BYTES, "javm:0x%x", (unsigned)pc);
}

bool jv_next_symbol(jv_symbols *s, jv_symbol *symbol) {
  const javm_program *p = s->program;
  const jv_native *n = s->native;
  size_t first = n->point_count ? n->points[0].at : n->blocks_end;
  for (;;) {
    size_t i = s->next++;
    if (i > p->block_count + 1) return false;
    if (i == 0) {
      symbol->offset = 0;
      symbol->size_bytes = first;
      strcpy(symbol->name, "javm:entry");
    } else if (i <= p->block_count) {
      jv_native_block(p, n, i - 1, &symbol->offset, &symbol->size_bytes);
      if (symbol->size_bytes) name_code(s, p->blocks[i - 1], symbol);
    } else {
      symbol->offset = n->blocks_end;
      symbol->size_bytes = n->table - n->blocks_end;
      strcpy(symbol->name, "javm:exit");
    }
    if (symbol->size_bytes) break;
  }
  size_t name_bytes = strlen(symbol->name), room = JV_NAME_BYTES - 1 - strlen(s->ending);
  strcpy(symbol->name + (name_bytes < room ? name_bytes : room), s->ending);
  symbol->name_bytes = strlen(symbol->name);
  for (char *c = symbol->name; *c; c++)
    if ((uint8_t)*c < ' ' || *c == 0x7f) *c = '?';
  return true;
}

/* ---- files ---- */

/* Collects what is written. */
typedef struct sink {
  int fd;
  bool failed;
  size_t used;
  uint8_t bytes[4096];
} sink;

static void write_all(sink *s, const uint8_t *bytes, size_t size_bytes) {
  while (size_bytes && !s->failed) {
    ssize_t done = write(s->fd, bytes, size_bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) s->failed = true;
    else bytes += done, size_bytes -= (size_t)done;
  }
}

static void flush(sink *s) {
  write_all(s, s->bytes, s->used);
  s->used = 0;
}

/* Small pieces stay together, so that nobody else's lines come between. */
static void put(sink *s, const void *bytes, size_t size_bytes) {
  if (size_bytes > sizeof s->bytes - s->used) flush(s);
  if (size_bytes > sizeof s->bytes) {
    write_all(s, bytes, size_bytes);
    return;
  }
  memcpy(s->bytes + s->used, bytes, size_bytes);
  s->used += size_bytes;
}

/* A file of ours in a directory where others may write: no link, and nobody else's. -1: it can't be had. */
static int open_own(const char *path, int flags) {
  struct stat info;
  int fd = open(path, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
  if (fd < 0) return -1;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() && info.st_nlink == 1) return fd;
  close(fd);
  return -1;
}

/* ---- perf's map ---- */

static bool write_map(jv_symbols *symbols) {
  char path[64], line[JV_NAME_BYTES + 64];
  jv_symbol symbol;
  snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
  sink s = {.fd = open_own(path, O_WRONLY | O_APPEND)};
  if (s.fd < 0) return false;
  uintptr_t code = (uintptr_t)symbols->native->code;
  while (!s.failed && jv_next_symbol(symbols, &symbol)) {
    int length = snprintf(line, sizeof line, "%llx %llx %s\n", (unsigned long long)(code + symbol.offset),
                          (unsigned long long)symbol.size_bytes, symbol.name);
    put(&s, line, (size_t)length);
  }
  flush(&s);
  return close(s.fd) == 0 && !s.failed;
}

/* ---- perf's dump ---- */

enum { DUMP_MAGIC = 0x4a695444, DUMP_VERSION = 1, DUMP_LOAD = 0, DUMP_CLOSE = 3, ELF_X86_64 = 62 };

typedef struct dump_header {
  uint32_t magic, version, total_bytes, elf_machine, padding, pid;
  uint64_t time, flags;
} dump_header;

typedef struct dump_record {
  uint32_t id, total_bytes;
  uint64_t time;
} dump_record;

typedef struct dump_load {
  dump_record record;
  uint32_t pid, thread;
  uint64_t virtual_address, address, size_bytes, index; /* then the name, with its NUL, and the code */
} dump_load;

_Static_assert(sizeof(dump_header) == 40 && sizeof(dump_record) == 16 && sizeof(dump_load) == 56, "perf's layouts");

/* The process's dump. */
static struct {
  pid_t pid; /* of the process that opened it; 0: not open */
  int fd;
  off_t end;       /* behind the last record that stays */
  uint64_t index;  /* of the next record: perf makes a file of each */
  size_t programs; /* alive, in it */
  void *marker;    /* an executable mapping of the file: perf records it, and so finds the file */
  size_t marker_bytes;
} dump;

/* perf needs the same clock: `perf record -k mono`. */
static uint64_t dump_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void close_dump(void) {
  munmap(dump.marker, dump.marker_bytes);
  close(dump.fd);
  dump.pid = 0;
}

/* A process that was forked off makes its own. */
static bool open_dump(void) {
  char path[4096];
  const char *folder = secure_getenv("JITDUMPDIR");
  if (dump.pid == getpid()) return true;
  if (dump.pid) close_dump();
  int length = snprintf(path, sizeof path, "%s/jit-%ld.dump", folder && *folder ? folder : ".", (long)getpid());
  if (length >= (int)sizeof path) return false;
  sink s = {.fd = open_own(path, O_RDWR)};
  if (s.fd < 0) return false;
  dump_header header = {DUMP_MAGIC, DUMP_VERSION, sizeof header, ELF_X86_64, 0, (uint32_t)getpid(), dump_time(), 0};
  s.failed = ftruncate(s.fd, 0) != 0;
  write_all(&s, (const uint8_t *)&header, sizeof header);
  dump.marker_bytes = (size_t)sysconf(_SC_PAGESIZE);
  dump.marker = s.failed ? MAP_FAILED : mmap(NULL, dump.marker_bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, s.fd, 0);
  if (dump.marker == MAP_FAILED) {
    close(s.fd);
    return false;
  }
  dump.pid = getpid();
  dump.fd = s.fd;
  dump.end = sizeof header;
  dump.index = 0;
  dump.programs = 0;
  return true;
}

/* The mark that nothing more comes; what is written later takes its place. */
static void end_dump(void) {
  dump_record end = {DUMP_CLOSE, sizeof end, dump_time()};
  if (pwrite(dump.fd, &end, sizeof end, dump.end) != (ssize_t)sizeof end && ftruncate(dump.fd, dump.end) != 0) return;
}

static bool write_dump(jv_symbols *symbols, pid_t *pid) {
  const uint8_t *code = symbols->native->code;
  jv_symbol symbol;
  uint64_t index = dump.pid == getpid() ? dump.index : 0;
  if (!open_dump() || lseek(dump.fd, dump.end, SEEK_SET) < 0) return false;
  sink s = {.fd = dump.fd};
  off_t end = dump.end;
  while (!s.failed && jv_next_symbol(symbols, &symbol)) {
    uint32_t total_bytes = (uint32_t)(sizeof(dump_load) + symbol.name_bytes + 1 + symbol.size_bytes);
    uint64_t address = (uintptr_t)(code + symbol.offset);
    dump_load load = {{DUMP_LOAD, total_bytes, dump_time()},
                      (uint32_t)dump.pid,
                      (uint32_t)syscall(SYS_gettid),
                      address,
                      address,
                      symbol.size_bytes,
                      index++};
    put(&s, &load, sizeof load);
    put(&s, symbol.name, symbol.name_bytes + 1);
    put(&s, code + symbol.offset, symbol.size_bytes);
    end += total_bytes;
  }
  flush(&s);
  if (s.failed) {
    if (ftruncate(dump.fd, dump.end) == 0 && dump.programs == 0) end_dump();
    return false;
  }
  dump.end = end;
  dump.index = index;
  dump.programs++;
  *pid = dump.pid;
  return true;
}

/* ---- all of it ---- */

static uint32_t announce(jv_native *n, const jv_symbols *symbols, uint32_t ways) {
  uint32_t failed = 0;
  struct jv_announced *announced = n->announced = jv_alloc_zero(n->allocator, sizeof *announced);
  if (!announced) return ways;
  jv_symbols all = *symbols;
  if ((ways & JAVM_ANNOUNCE_PERF_MAP) && !write_map(&all)) failed |= JAVM_ANNOUNCE_PERF_MAP;
  all = *symbols;
  if ((ways & JAVM_ANNOUNCE_JITDUMP) && !write_dump(&all, &announced->dump_pid)) failed |= JAVM_ANNOUNCE_JITDUMP;
  all = *symbols;
  if ((ways & JAVM_ANNOUNCE_GDB) && !jv_gdb_register(&all, &announced->gdb)) failed |= JAVM_ANNOUNCE_GDB;
  return failed;
}

/* Both kinds of code: the one that runs are in for long is made at once. */
uint32_t jv_native_announce(const javm_program *p, uint32_t ways, javm_name_fn name_of, void *name_ctx) {
  uint32_t failed = 0;
  jv_native *hot = (jv_native *)jv_native_hot(p);
  if (!hot) failed = ways;
  pthread_mutex_lock(&lock);
  if (p->native != hot)
    failed |= announce(p->native, &(jv_symbols){p, p->native, " [cold]", name_of, name_ctx, 0}, ways);
  if (hot) failed |= announce(hot, &(jv_symbols){p, hot, "", name_of, name_ctx, 0}, ways);
  pthread_mutex_unlock(&lock);
  return failed;
}

void jv_retract(jv_native *n) {
  struct jv_announced *announced = n->announced;
  if (!announced) return;
  pthread_mutex_lock(&lock);
  if (announced->dump_pid && announced->dump_pid == dump.pid && dump.pid == getpid() && --dump.programs == 0)
    end_dump();
  jv_gdb_unregister(n->allocator, announced->gdb);
  pthread_mutex_unlock(&lock);
  jv_free(n->allocator, announced, sizeof *announced);
  n->announced = NULL;
}

#else

uint32_t jv_native_announce(const javm_program *p, uint32_t ways, javm_name_fn name_of, void *name_ctx) {
  (void)p, (void)ways, (void)name_of, (void)name_ctx;
  return 0;
}

#endif
