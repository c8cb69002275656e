# javm. `make run` and `make check` do everything on a fresh machine; the other targets are in README.md.
#
# Variables: CC=clang, SAN=1 (address and undefined sanitizers), WERROR=1, PREFIX, DESTDIR, FUZZ_SECONDS, COUNT, JOBS.
# Each kind of build has a directory of its own: build/, build-clang/, build-san/, build-fuzz/.

ifeq ($(origin CC),default)
CC := gcc
endif
CXX := g++
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
COUNT ?= 20000
JOBS ?= $(shell nproc)
VERSION := 0.1.0
SONAME := libjavm.so.0

comma := ,
is_clang := $(findstring clang,$(CC))
ifdef FUZZ
B := build-fuzz
san := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
else
B := build$(if $(is_clang),-clang)$(if $(SAN),-san)
san := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif

CFLAGS ?= $(if $(FUZZ),-O1,-O2) -g
flags := -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Wpedantic $(if $(WERROR),-Werror) -fPIC -pthread $(san) \
  -Iinclude -Isrc -Itests $(CFLAGS)
# gcc must not merge the indirect jumps at the ends of the handlers. clang needs minutes to optimise them instrumented.
INTERP_CFLAGS ?= $(if $(is_clang),$(if $(san),-O0),-fno-gcse -fno-crossjumping)
libs := -lsodium -pthread

# `javm disasm --native` reads native code with Zydis, where there is a recompiler.
cli_libs := -ljansson
ifneq ($(and $(filter x86_64%,$(shell $(CC) -dumpmachine)),$(findstring linux,$(shell $(CC) -dumpmachine))),)
cli_libs += -lZydis
cli_flags := -DCLI_HAS_ZYDIS
# Builds with sanitizers verify all native code that they make (src/jit/verify.h).
ifneq ($(san),)
flags += -DJV_JIT_VERIFY
libs += -lZydis
endif
endif

lib_src := $(wildcard src/base/*.c src/exec/*.c src/cap/*.c src/vm/*.c src/link/*.c src/jit/*.c)
cli_src := $(wildcard src/cli/*.c)
bench_src := $(wildcard bench/*.c)
support_src := $(wildcard tests/support/*.c)
fuzz_common_src := $(filter-out fuzz/fuzz_%.c fuzz/replay.c fuzz/random_programs.c,$(wildcard fuzz/*.c))
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
lib_obj := $(call obj,$(lib_src))
# The same library with a plain switch for the interpreter's dispatch, as a compiler without extensions gets it.
portable_obj := $(patsubst $(B)/obj/src/exec/%.o,$(B)/obj/src/exec/%-portable.o,$(lib_obj))

lib := $(B)/libjavm.a
so := $(B)/$(SONAME)
cli := $(B)/javm
examples := $(patsubst examples/%.c,$(B)/examples/%,$(wildcard examples/*.c))
tests := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/test_*.c tests/regress/*.c))
# Tests of the engine run a second time on the portable dispatch.
portable_tests := $(patsubst $(B)/tests/%,$(B)/portable/%,$(filter $(addprefix $(B)/tests/test_,exec% engine% interp% \
  machine%),$(tests))) $(B)/portable/javm
fuzz_names := $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))
replays := $(fuzz_names:%=$(B)/fuzz/replay_%)
fuzzers := $(fuzz_names:%=$(B)/fuzz/fuzz_%)
generators := $(patsubst %.c,$(B)/%,$(wildcard fuzz/random_programs.c))

.PHONY: all run check check-build check-ssz bench fuzz fuzz-build fuzz-replay random-programs conservation format install clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(lib) $(so) $(cli) $(examples)

run:
	@scripts/deps run
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@scripts/run-demo $(B)

check:
	@scripts/deps check
	@$(MAKE) --no-print-directory -s -j$(JOBS) check-build
	@MAKE="$(MAKE)" CC="$(CC)" CXX="$(CXX)" SANFLAGS="$(san)" LIBS="$(libs)" scripts/check $(B)

check-build: all $(tests) $(portable_tests) $(replays) $(generators)

# Another SSZ library, from npm: no part of `check`, which needs no network.
check-ssz:
	@scripts/deps ssz
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(B)/tests/ssz/values
	@scripts/ssz-check $(B)

bench:
	@scripts/deps bench
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(B)/bench
	@$(B)/bench $(B)/bench.json $(B)/bench-guests

fuzz:
	@scripts/deps all
	@$(MAKE) --no-print-directory -s -j$(JOBS) CC=clang FUZZ=1 fuzz-build
	@scripts/fuzz build-fuzz $(FUZZ_SECONDS) $(fuzz_names)

fuzz-build: $(fuzzers)

fuzz-replay:
	@scripts/deps check
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(replays)
	@scripts/check $(B) fuzz-replay

random-programs:
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(generators)
	@$(B)/fuzz/random_programs $(COUNT)

conservation:
	@scripts/deps check
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(B)/tests/test_vm_conservation
	@$(B)/tests/test_vm_conservation $(COUNT)

# Not these: clang-format takes a case of a macro and the directive behind it for one line; and an example of 20 lines.
unformatted := src/exec/interp.c src/exec/step.c src/exec/body.h examples/embed.c
format:
	@scripts/deps all
	clang-format -i $(filter-out $(unformatted),$(shell find include src tests bench examples fuzz guest -name '*.[ch]' -o -name '*.cc'))

install: all
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin include lib/pkgconfig share/man/man1 share/man/man3)
	install -m 755 $(cli) $(DESTDIR)$(PREFIX)/bin/javm
	install -m 644 include/javm.h $(DESTDIR)$(PREFIX)/include/javm.h
	install -m 644 $(lib) $(DESTDIR)$(PREFIX)/lib/libjavm.a
	install -m 755 $(so) $(DESTDIR)$(PREFIX)/lib/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/libjavm.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' libjavm.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/libjavm.pc
	install -m 644 man/javm.1 $(DESTDIR)$(PREFIX)/share/man/man1/javm.1
	install -m 644 man/libjavm.3 $(DESTDIR)$(PREFIX)/share/man/man3/libjavm.3

clean:
	rm -rf build build-*

$(B)/obj/src/%.o $(B)/obj/src/%-portable.o: flags += -fvisibility=hidden
$(B)/obj/src/cli/%.o: flags += $(cli_flags)
$(B)/obj/src/exec/interp.o $(B)/obj/src/exec/interp-portable.o: flags += $(INTERP_CFLAGS)
# The state of these loops stays in general registers.
$(B)/obj/src/exec/gas.o $(B)/obj/src/jit/pass.o: flags += -fno-tree-slp-vectorize

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(flags) -MMD -MP -c -o $@ $<

$(B)/obj/%-portable.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(flags) -DJV_PORTABLE_DISPATCH -MMD -MP -c -o $@ $<

$(lib): $(lib_obj)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/libjavm-portable.a: $(portable_obj)
	@rm -f $@
	$(AR) rcs $@ $^

$(so): $(lib_obj)
	$(CC) $(flags) -shared -Wl,-soname,$(SONAME) -o $@ $^ $(libs)
	@ln -sf $(SONAME) $(B)/libjavm.so

$(cli): $(call obj,$(cli_src)) $(lib)
	$(CC) $(flags) -o $@ $^ $(cli_libs) $(libs)

$(B)/portable/javm: $(call obj,$(cli_src)) $(B)/libjavm-portable.a
	@mkdir -p $(@D)
	$(CC) $(flags) -o $@ $^ $(cli_libs) $(libs)

$(B)/examples/%: $(B)/obj/examples/%.o $(lib)
	@mkdir -p $(@D)
	$(CC) $(flags) -o $@ $^ $(libs)

$(B)/tests/%: $(B)/obj/tests/%.o $(call obj,$(support_src)) $(lib)
	@mkdir -p $(@D)
	$(CC) $(flags) -o $@ $^ -lcmocka -ljansson $(libs)

$(B)/portable/test_%: $(B)/obj/tests/test_%-portable.o $(call obj,$(support_src)) $(B)/libjavm-portable.a
	@mkdir -p $(@D)
	$(CC) $(flags) -o $@ $^ -lcmocka -ljansson $(libs)

$(B)/bench: $(call obj,$(bench_src)) $(lib)
	$(CC) $(flags) -o $@ $^ $(libs)

$(B)/fuzz/replay_%: $(B)/obj/fuzz/fuzz_%.o $(B)/obj/fuzz/replay.o $(call obj,$(fuzz_common_src)) $(lib)
	@mkdir -p $(@D)
	$(CC) $(flags) -o $@ $^ $(libs)

$(B)/fuzz/fuzz_%: $(B)/obj/fuzz/fuzz_%.o $(call obj,$(fuzz_common_src)) $(lib)
	@mkdir -p $(@D)
	$(CC) $(flags) -fsanitize=fuzzer -o $@ $^ $(libs)

$(B)/fuzz/random_programs: $(B)/obj/fuzz/random_programs.o $(call obj,$(fuzz_common_src)) $(lib)
	@mkdir -p $(@D)
	$(CC) $(flags) -o $@ $^ $(libs)

include guest/guest.mk tests/guests.mk
include guest/examples/examples.mk guest/rust/rust.mk guest/others/others.mk bench/bench.mk

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
