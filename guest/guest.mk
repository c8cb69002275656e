# The guest SDK, in build/guest whatever CC and SAN are: `make guest-sdk` (start code, builtins), `make guest-libc`
# (newlib). Included by the top Makefile. Needs clang-19; guest-libc also newlib-source (scripts/deps).

guest_build := build/guest
guest_clang = $(or $(JAVM_CLANG),clang-19)
guest_warnings = -Wall -Wextra -Wpedantic $(if $(WERROR),-Werror)
guest_flags = $(shell guest/javm-config --guest-cflags) -O2 -fno-builtin $(guest_warnings)
guest_obj = $(patsubst guest/src/%,$(guest_build)/obj/%.o,$(1))

# What belongs to the libc, or has another form with it, is in libjavm-libc.a; mem.c is in both, to come before the
# libc's own.
guest_libc_src := $(addprefix guest/src/,libc_start.c libc_math.c syscalls.c cxx_libc.cc setjmp.S)
guest_src := $(filter-out guest/src/crt0.S $(guest_libc_src),$(wildcard guest/src/*.c guest/src/*.cc guest/src/*.S))

guest_sdk := $(guest_build)/lib/crt0.o $(guest_build)/lib/libjavm-guest.a
guest_newlib := $(guest_build)/sysroot/lib/libc.a
guest_libc := $(guest_newlib) $(guest_build)/lib/libjavm-libc.a

.PHONY: guest-sdk guest-libc install-guest
guest-sdk: $(guest_sdk)
guest-libc: $(guest_sdk) $(guest_libc)

$(guest_build)/lib/libjavm-guest.a: $(call guest_obj,$(guest_src))
$(guest_build)/lib/libjavm-libc.a: $(call guest_obj,$(guest_libc_src) guest/src/mem.c)
$(guest_build)/lib/lib%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(guest_build)/lib/crt0.o: $(guest_build)/obj/crt0.S.o
	@mkdir -p $(@D)
	cp $< $@

$(call guest_obj,$(guest_libc_src)): guest_flags += -isystem $(guest_build)/sysroot/include
$(call guest_obj,$(guest_libc_src)): | $(guest_newlib)

$(guest_build)/obj/%.c.o: guest/src/%.c guest/sdk.sh guest/guest.mk
	@mkdir -p $(@D)
	$(guest_clang) $(guest_flags) -std=c11 -MD -MP -c -o $@ $<

$(guest_build)/obj/%.cc.o: guest/src/%.cc guest/sdk.sh guest/guest.mk
	@mkdir -p $(@D)
	$(guest_clang) $(guest_flags) -fno-exceptions -fno-rtti -std=c++17 -MD -MP -c -o $@ $<

$(guest_build)/obj/%.S.o: guest/src/%.S guest/sdk.sh guest/guest.mk
	@mkdir -p $(@D)
	$(guest_clang) $(guest_flags) -MD -MP -c -o $@ $<

$(guest_newlib): scripts/newlib guest/sdk.sh
	scripts/newlib $(guest_build) $(JOBS)

# What is built of the SDK, beside what `make install` installs: with newlib and Rust only where they have been built.
guest_installed := $(DESTDIR)$(PREFIX)/lib/javm-guest
guest_man1 := $(DESTDIR)$(PREFIX)/share/man/man1
install-guest: $(guest_sdk) $(if $(wildcard $(guest_build)/rust/libjavm.rlib),install-guest-rust)
	install -d $(DESTDIR)$(PREFIX)/bin $(guest_installed)/include $(guest_installed)/lib $(guest_man1)
	install -m 755 guest/javm-cc guest/javm-config $(DESTDIR)$(PREFIX)/bin
	install -m 644 guest/sdk.sh guest/javm.ld $(guest_installed)
	install -m 644 guest/javm.h $(guest_installed)/include
	install -m 644 $(wildcard $(guest_build)/lib/*) $(guest_installed)/lib
	if [ -d $(guest_build)/sysroot ]; then cp -R $(guest_build)/sysroot $(guest_installed); fi
	install -m 644 man/javm-cc.1 $(guest_man1)
	for name in javm-config javm-rustc; do ln -sf javm-cc.1 $(guest_man1)/$$name.1; done

-include $(shell find $(guest_build)/obj -name '*.d' 2>/dev/null)
