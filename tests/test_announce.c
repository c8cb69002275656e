/* Native code as tools see it: by the library's functions, in perf's map and dump, in gdb's list and in gdb itself. */
#define _GNU_SOURCE /* memmem */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/failing_alloc.h"
#include "support/guest.h"

/* Three blocks, the last with an ecall in its middle. */
static const uint8_t code_bytes[] = {
    51, 7,    5,    /* 0   load_imm a0, 5 */
    81, 0x17, 5, 3, /* 3   branch_eq_imm a0, 5, to 6 */
    10, 3,          /* 7   ecalli 3 */
    0,              /* 9   trap */
    1               /* 10  fallthrough */
};
static const uint8_t code_bitmask[] = {0x89, 0x06};
static const javm_code code = {
    .code = code_bytes, .code_bytes = sizeof code_bytes, .bitmask = code_bitmask, .bitmask_bytes = sizeof code_bitmask};

static bool name_some(void *ctx, uint32_t pc, char *name, size_t capacity) {
  assert_string_equal(ctx, "context");
  snprintf(name, capacity, "%s", "first\nblock");
  return pc == 0;
}

static javm_program *make(uint32_t announce, const javm_allocator *allocator) {
  static char context[] = "context";
  javm_program_config config;
  javm_program *program = NULL;
  javm_program_config_default(&config);
  config.announce = announce;
  config.name_of = name_some;
  config.name_ctx = context;
  config.allocator = allocator;
  javm_status status = javm_program_new(&code, &config, &program, NULL);
  if (!allocator) assert_int_equal(status, JAVM_OK);
  return program;
}

/* The name that the block with this index must have. */
static const char *name_of_block(const javm_program *program, size_t index) {
  static char name[32];
  uint32_t pc, cost;
  javm_program_block(program, index, &pc, &cost);
  snprintf(name, sizeof name, "javm:0x%x", (unsigned)pc);
  return pc == 0 ? "first?block" : name;
}

static bool has_recompiler(void) {
  javm_program *program = make(0, NULL);
  bool native = javm_program_is_native(program);
  javm_program_release(program);
  return native;
}

/* ---- the library's functions ---- */

static void blocks_follow_each_other_in_the_code(void **state) {
  (void)state;
  javm_program *program = make(0, NULL);
  const uint8_t *native;
  size_t native_bytes, at = 0, offset, size_bytes, count = javm_program_block_count(program);
  assert_true(count >= 3);
  assert_true(javm_program_native_code(program, &native, &native_bytes));
  for (size_t i = 0; i < count; i++) {
    assert_true(javm_program_native_block(program, i, &offset, &size_bytes));
    assert_true(i == 0 ? offset > 0 : offset == at);
    at = offset + size_bytes;
  }
  assert_true(at < native_bytes);
  javm_program_release(program);
}

static void the_interpreter_has_no_code_and_announces_nothing(void **state) {
  (void)state;
  javm_program_config config;
  javm_program *program;
  const uint8_t *native;
  size_t offset, size_bytes;
  javm_program_config_default(&config);
  config.engine = JAVM_ENGINE_INTERPRETER;
  config.announce = JAVM_ANNOUNCE_GDB;
  assert_int_equal(javm_program_new(&code, &config, &program, NULL), JAVM_OK);
  assert_false(javm_program_native_code(program, &native, &size_bytes));
  assert_false(javm_program_native_block(program, 0, &offset, &size_bytes));
  assert_int_equal(javm_program_unannounced(program), 0);
  javm_program_release(program);
}

static void unknown_ways_are_refused(void **state) {
  (void)state;
  javm_program_config config;
  javm_program *program;
  javm_program_config_default(&config);
  config.announce = 8;
  assert_int_equal(javm_program_new(&code, &config, &program, NULL), JAVM_INVALID_ARGUMENT);
}

static javm_status announce_scenario(const javm_allocator *allocator) {
  javm_program *program = make(JAVM_ANNOUNCE_GDB, allocator);
  javm_status status = program && !javm_program_unannounced(program) ? JAVM_OK : JAVM_OUT_OF_MEMORY;
  javm_program_release(program);
  return status;
}

static void without_memory_it_is_not_announced(void **state) {
  (void)state;
  for_each_failing_allocation(announce_scenario);
}

/* ---- perf's map ---- */

static const char *map_path(void) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
  return path;
}

/* Finds the line of each block, and nothing outside of the code. */
static void check_map(const javm_program *program) {
  char line[512], name[256];
  const uint8_t *native;
  size_t native_bytes, found = 0, count = javm_program_block_count(program);
  FILE *file = fopen(map_path(), "r");
  assert_non_null(file);
  javm_program_native_code(program, &native, &native_bytes);
  while (fgets(line, sizeof line, file)) {
    unsigned long long address, size;
    assert_int_equal(sscanf(line, "%llx %llx %255[^\n]", &address, &size, name), 3);
    size_t at = (size_t)(address - (uintptr_t)native);
    if (at >= native_bytes) continue; /* another program's */
    assert_in_range(size, 1, native_bytes - at);
    for (size_t i = 0, offset, size_bytes; i < count; i++) {
      javm_program_native_block(program, i, &offset, &size_bytes);
      if (offset != at) continue;
      assert_int_equal(size, size_bytes);
      assert_string_equal(name, name_of_block(program, i));
      found++;
    }
  }
  fclose(file);
  assert_int_equal(found, count);
}

static void the_map_has_a_line_for_each_block(void **state) {
  struct stat info;
  (void)state;
  unlink(map_path());
  javm_program *one = make(JAVM_ANNOUNCE_PERF_MAP, NULL), *two = make(JAVM_ANNOUNCE_PERF_MAP, NULL);
  assert_int_equal(javm_program_unannounced(one) | javm_program_unannounced(two), 0);
  check_map(one);
  check_map(two);
  assert_int_equal(stat(map_path(), &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  javm_program_release(one);
  javm_program_release(two);
  unlink(map_path());
}

static void a_map_that_is_a_link_is_not_written(void **state) {
  char target[] = "/tmp/javm-test-XXXXXX";
  struct stat info;
  (void)state;
  int fd = mkstemp(target);
  assert_true(fd >= 0);
  unlink(map_path());
  assert_int_equal(symlink(target, map_path()), 0);
  javm_program *program = make(JAVM_ANNOUNCE_PERF_MAP | JAVM_ANNOUNCE_GDB, NULL);
  assert_int_equal(javm_program_unannounced(program), JAVM_ANNOUNCE_PERF_MAP);
  assert_int_equal(fstat(fd, &info), 0);
  assert_int_equal(info.st_size, 0);
  javm_program_release(program);
  unlink(map_path());
  assert_int_equal(link(target, map_path()), 0); /* a second name of somebody's file is as bad */
  program = make(JAVM_ANNOUNCE_PERF_MAP, NULL);
  assert_int_equal(javm_program_unannounced(program), JAVM_ANNOUNCE_PERF_MAP);
  javm_program_release(program);
  unlink(map_path());
  unlink(target);
  close(fd);
}

/* ---- perf's dump ---- */

enum { DUMP_HEADER = 40, DUMP_LOAD = 56, DUMP_CLOSE = 16 };

static uint64_t number(const uint8_t *at, unsigned bytes) {
  uint64_t value = 0;
  memcpy(&value, at, bytes);
  return value;
}

/* Reads the whole dump; gives how many records are code of this program (NULL: of none), and whether it is closed. */
static size_t check_dump(const char *path, const javm_program *program, size_t *loads, bool *closed) {
  static uint8_t dump[65536];
  const uint8_t *native = NULL;
  size_t native_bytes = 0, found = 0;
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t size = fread(dump, 1, sizeof dump, file);
  fclose(file);
  assert_true(size >= DUMP_HEADER && size < sizeof dump);
  assert_int_equal(number(dump, 4), 0x4a695444);
  assert_int_equal(number(dump + 4, 4), 1);
  assert_int_equal(number(dump + 8, 4), DUMP_HEADER);
  assert_int_equal(number(dump + 12, 4), EM_X86_64);
  assert_int_equal(number(dump + 20, 4), (uint32_t)getpid());
  if (program) javm_program_native_code(program, &native, &native_bytes);
  *loads = 0;
  *closed = false;
  uint64_t time = number(dump + 24, 8);
  for (size_t at = DUMP_HEADER, total; at < size; at += total) {
    const uint8_t *record = dump + at;
    total = (size_t)number(record + 4, 4);
    assert_true(size - at >= 16 && total <= size - at && !*closed);
    assert_true(number(record + 8, 8) >= time);
    time = number(record + 8, 8);
    if (number(record, 4) == 3) {
      assert_int_equal(total, DUMP_CLOSE);
      *closed = true;
      continue;
    }
    assert_int_equal(number(record, 4), 0);
    assert_int_equal(number(record + 16, 4), (uint32_t)getpid());
    uint64_t address = number(record + 32, 8), bytes = number(record + 40, 8);
    assert_int_equal(number(record + 24, 8), address);
    assert_int_equal(number(record + 48, 8), *loads);
    const char *name = (const char *)record + DUMP_LOAD;
    size_t name_bytes = strnlen(name, total - DUMP_LOAD) + 1;
    assert_int_equal(total, DUMP_LOAD + name_bytes + bytes);
    ++*loads;
    size_t offset = (size_t)(address - (uintptr_t)native), block, size_bytes;
    if (offset >= native_bytes) continue;
    assert_memory_equal(record + DUMP_LOAD + name_bytes, native + offset, bytes);
    for (size_t i = 0; i < javm_program_block_count(program); i++) {
      javm_program_native_block(program, i, &block, &size_bytes);
      if (block != offset) continue;
      assert_int_equal(bytes, size_bytes);
      assert_string_equal(name, name_of_block(program, i));
      found++;
    }
  }
  return found;
}

static bool is_mapped_executable(const char *path) {
  char line[4600];
  bool found = false;
  FILE *maps = fopen("/proc/self/maps", "r");
  assert_non_null(maps);
  while (fgets(line, sizeof line, maps)) found = found || (strstr(line, path) && strstr(line, " r-xp "));
  fclose(maps);
  return found;
}

static void the_dump_has_the_code_and_ends_with_it(void **state) {
  char folder[] = "/tmp/javm-test-XXXXXX", path[64];
  size_t loads, more;
  bool closed;
  int status;
  (void)state;
  assert_non_null(mkdtemp(folder));
  setenv("JITDUMPDIR", folder, 1);
  snprintf(path, sizeof path, "%s/jit-%ld.dump", folder, (long)getpid());
  javm_program *one = make(JAVM_ANNOUNCE_JITDUMP, NULL);
  assert_int_equal(javm_program_unannounced(one), 0);
  assert_true(is_mapped_executable(path));
  assert_int_equal(check_dump(path, one, &loads, &closed), javm_program_block_count(one));
  assert_false(closed);
  javm_program *two = make(JAVM_ANNOUNCE_JITDUMP, NULL);
  assert_int_equal(check_dump(path, two, &more, &closed), javm_program_block_count(two));
  assert_int_equal(more, 2 * loads);
  javm_program_release(one);
  check_dump(path, two, &more, &closed);
  assert_false(closed);
  javm_program_release(two);
  check_dump(path, NULL, &more, &closed);
  assert_true(closed && more == 2 * loads);
  one = make(JAVM_ANNOUNCE_JITDUMP, NULL);
  check_dump(path, one, &more, &closed);
  assert_true(!closed && more == 3 * loads);
  /* A process that was forked off has a dump of its own, here one that can't be had, and leaves ours alone. */
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    setenv("JITDUMPDIR", "/nonexistent", 1);
    javm_program_release(one);
    _exit(javm_program_unannounced(make(JAVM_ANNOUNCE_JITDUMP, NULL)) == JAVM_ANNOUNCE_JITDUMP ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  check_dump(path, one, &more, &closed);
  assert_true(!closed && more == 3 * loads);
  javm_program_release(one);
  unlink(path);
  rmdir(folder);
}

/* ---- gdb's list ---- */

struct jit_entry {
  struct jit_entry *next, *before;
  const uint8_t *file;
  uint64_t file_bytes;
};
extern __attribute__((weak)) struct {
  uint32_t version, action;
  struct jit_entry *relevant, *first;
} __jit_debug_descriptor;

/* The symbol at this address in gdb's first object; NULL: none. */
static const char *gdb_name(const uint8_t *at, uint64_t *size_bytes) {
  const struct jit_entry *entry = __jit_debug_descriptor.first;
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)entry->file;
  const Elf64_Shdr *sections = (const Elf64_Shdr *)(entry->file + header->e_shoff);
  assert_memory_equal(header->e_ident, ELFMAG, SELFMAG);
  for (unsigned i = 1; i < header->e_shnum; i++) {
    if (sections[i].sh_type != SHT_NOBITS)
      assert_true(sections[i].sh_offset + sections[i].sh_size <= entry->file_bytes);
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const Elf64_Sym *symbols = (const Elf64_Sym *)(entry->file + sections[i].sh_offset);
    const char *names = (const char *)entry->file + sections[sections[i].sh_link].sh_offset;
    for (size_t k = 1; k < sections[i].sh_size / sizeof *symbols; k++) {
      *size_bytes = symbols[k].st_size;
      if (sections[symbols[k].st_shndx].sh_addr + symbols[k].st_value == (uintptr_t)at)
        return names + symbols[k].st_name;
    }
  }
  return NULL;
}

static void gdb_has_an_object_while_the_program_lives(void **state) {
  (void)state;
  const uint8_t *native;
  size_t native_bytes, offset, size_bytes;
  uint64_t symbol_bytes;
  assert_null(__jit_debug_descriptor.first);
  javm_program *one = make(JAVM_ANNOUNCE_GDB, NULL), *two = make(JAVM_ANNOUNCE_GDB, NULL),
               *three = make(JAVM_ANNOUNCE_GDB, NULL);
  javm_program_release(two);
  javm_program_release(three);
  javm_program_native_code(one, &native, &native_bytes);
  for (size_t i = 0; i < javm_program_block_count(one); i++) {
    javm_program_native_block(one, i, &offset, &size_bytes);
    const char *name = gdb_name(native + offset, &symbol_bytes);
    assert_non_null(name);
    assert_string_equal(name, name_of_block(one, i));
    assert_int_equal(symbol_bytes, size_bytes);
  }
  assert_non_null(__jit_debug_descriptor.first->next); /* for short runs, and made before */
  assert_null(__jit_debug_descriptor.first->next->next);
  javm_program_release(one);
  assert_null(__jit_debug_descriptor.first);
}

/* ---- a VM ---- */

static javm_hash named_image;

static bool name_image(void *ctx, const javm_hash *image, uint32_t pc, char *name, size_t capacity) {
  (void)ctx;
  named_image = *image;
  snprintf(name, capacity, "guest+%u", (unsigned)pc);
  return true;
}

static javm_host_action see_names(void *ctx, javm_host_call *call) {
  (void)call;
  strcpy(ctx, "not announced");
  for (const struct jit_entry *e = __jit_debug_descriptor.first; e; e = e->next)
    if (memmem(e->file, e->file_bytes, "guest+0", 8)) strcpy(ctx, "announced");
  return JAVM_HOST_RETURN;
}

static void run_announced(char seen[32], javm_hash *image) {
  guest g;
  guest_open(&g);
  g.config.engine = JAVM_ENGINE_RECOMPILER;
  g.config.announce = JAVM_ANNOUNCE_GDB;
  g.config.name_of = name_image;
  guest_vm(&g);
  assert_int_equal(javm_vm_register(g.vm, 64, "see", see_names, seen), JAVM_OK);
  javm_cap *caller = guest_image(&g, "load_imm a0, 7\necalli 64\necalli 0\n");
  *image = guest_hash(&g, caller);
  guest_invoke(&g, guest_instance(&g, caller, NO_SLOTS), 0, NO_ARGS, GAS);
  assert_int_equal(javm_vm_unannounced(g.vm), 0);
  guest_close(&g);
}

static void a_vm_announces_its_images_by_name(void **state) {
  char seen[32] = "";
  javm_hash image;
  (void)state;
  run_announced(seen, &image);
  assert_string_equal(seen, "announced");
  assert_memory_equal(&image, &named_image, sizeof image);
  assert_null(__jit_debug_descriptor.first);
}

/* ---- gdb ---- */

static void gdb_names_the_frame_of_the_guest(void **state) {
  char program[4096], command[8192], line[1024];
  bool asked = false, named = false, unwound = false, refused = false;
  (void)state;
  if (system("command -v gdb >/dev/null 2>&1") != 0) {
    print_message("gdb is not installed: not tried\n");
    skip();
  }
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  assert_true(length > 0);
  program[length] = '\0';
  snprintf(command, sizeof command,
           "ASAN_OPTIONS=detect_leaks=0 timeout 120 gdb -batch -nx -ex 'set debuginfod enabled off' "
           "-ex 'handle SIGSEGV nostop noprint pass' -ex 'break see_names' -ex run -ex bt --args '%s' guest 2>&1",
           program);
  FILE *gdb = popen(command, "r");
  assert_non_null(gdb);
  while (fgets(line, sizeof line, gdb)) {
    print_message("%s", line);
    asked = asked || strstr(line, "#0");
    named = named || strstr(line, " in guest+0 [cold] ()");
    unwound = unwound || (named && strstr(line, "javm_vm_invoke"));
    refused = refused || strstr(line, "ptrace") || strstr(line, "Cannot access memory at address");
  }
  pclose(gdb);
  if (!asked && refused) {
    print_message("gdb may not trace here: not tried\n");
    skip();
  }
  assert_true(named);
  assert_true(unwound);
}

int main(int argc, char **argv) {
  const struct CMUnitTest anywhere[] = {
      cmocka_unit_test(the_interpreter_has_no_code_and_announces_nothing),
      cmocka_unit_test(unknown_ways_are_refused),
  };
  const struct CMUnitTest native[] = {
      cmocka_unit_test(blocks_follow_each_other_in_the_code),
      cmocka_unit_test(without_memory_it_is_not_announced),
      cmocka_unit_test(the_map_has_a_line_for_each_block),
      cmocka_unit_test(a_map_that_is_a_link_is_not_written),
      cmocka_unit_test(the_dump_has_the_code_and_ends_with_it),
      cmocka_unit_test(gdb_has_an_object_while_the_program_lives),
      cmocka_unit_test(a_vm_announces_its_images_by_name),
      cmocka_unit_test(gdb_names_the_frame_of_the_guest),
  };
  if (argc == 2 && strcmp(argv[1], "guest") == 0) {
    char seen[32];
    javm_hash image;
    run_announced(seen, &image);
    return 0;
  }
  int failed = cmocka_run_group_tests(anywhere, NULL, NULL);
  return failed + (has_recompiler() ? cmocka_run_group_tests(native, NULL, NULL) : 0);
}
