# Programs of others: each is built from its Debian source package together with a driver of ours, as a guest and, from
# the same sources, natively. `make guests` builds, `make check-guests` compares. Included by the top Makefile.
#
# For a program NAME: NAME_package is the source package, NAME_flags and NAME_sources (words for the shell) say how it
# is compiled, NAME_ready is the file that must be there before, NAME_texts is what the driver includes.

others := lua sqlite zstd secp256k1 ed25519 blake2b
others_dir := build/guests
others_src := $(others_dir)/src

# Debian's build makes the header. The seed is of the hashes of strings, so of the order in which pairs() goes.
lua_package := lua5.4
lua_ready := $(others_dir)/include/lua5.4-deb-multiarch.h
lua_flags := -I$(others_dir)/include -I$(others_src)/lua5.4/src '-Dluai_makeseed(L)=0x5eed'
lua_sources := $$(ls $(others_src)/lua5.4/src/*.c | grep -v '/luac*\.c$$')
lua_texts := $(wildcard guest/others/lua/*.lua)

# Numbers are printed by way of LONGDOUBLE_TYPE, and long double is not the same type everywhere.
sqlite_package := sqlite3
sqlite_ready := $(others_dir)/sqlite3/sqlite3.c
sqlite_flags := -I$(others_dir)/sqlite3 -DSQLITE_OS_OTHER=1 -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION \
  -DSQLITE_OMIT_WAL -DSQLITE_OMIT_LOCALTIME -DSQLITE_TEMP_STORE=3 -DSQLITE_DEFAULT_MEMSTATUS=0 \
  -DLONGDOUBLE_TYPE=double -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_MATH_FUNCTIONS
sqlite_sources := $(others_dir)/sqlite3/sqlite3.c
sqlite_texts := guest/others/sqlite.sql

# Where zstd has vector instructions, it chooses other ways of compression.
zstd_package := libzstd
zstd_flags := -I$(others_src)/libzstd/lib -DZSTD_DISABLE_ASM -DZSTD_NO_INTRINSICS
zstd_sources := $(patsubst %,$(others_src)/libzstd/lib/%/*.c,common compress decompress dictBuilder)

secp256k1_package := libsecp256k1
secp256k1_flags := -I$(others_src)/libsecp256k1/include -I$(others_src)/libsecp256k1/src -DENABLE_MODULE_RECOVERY \
  -DECMULT_WINDOW_SIZE=15 -DECMULT_GEN_PREC_BITS=4
secp256k1_sources := $(patsubst %,$(others_src)/libsecp256k1/src/%.c,secp256k1 precomputed_ecmult \
  precomputed_ecmult_gen)

# HAVE_TI_MODE: there is a 128-bit integer.
sodium := $(others_src)/libsodium/src/libsodium
ed25519_package := libsodium
ed25519_flags := -I$(sodium)/include -I$(sodium)/include/sodium -DCONFIGURED=1 -DHAVE_TI_MODE=1
ed25519_sources := $(patsubst %,$(sodium)/%.c,crypto_sign/ed25519/ref10/keypair crypto_sign/ed25519/ref10/open \
  crypto_sign/ed25519/ref10/sign crypto_core/ed25519/ref10/ed25519_ref10 crypto_hash/sha512/cp/hash_sha512_cp \
  crypto_verify/sodium/verify sodium/utils)

blake2b_package := libsodium
blake2b_flags := $(ed25519_flags)
blake2b_sources := $(patsubst %,$(sodium)/%.c,crypto_generichash/blake2b/ref/blake2b-ref \
  crypto_generichash/blake2b/ref/blake2b-compress-ref crypto_generichash/blake2b/ref/generichash_blake2b \
  crypto_verify/sodium/verify sodium/utils)

# Sections of their own: what is not called, and what that would call, stays out.
others_native := gcc -O2 -ffunction-sections -fdata-sections
others_guest := JAVM='$(cli)' guest/javm-cc --libc -O2

.PHONY: guests guests-build check-guests

guests:
	@scripts/deps guests
	@$(MAKE) --no-print-directory -s -j$(JOBS) all guest-libc
	@$(MAKE) --no-print-directory -s -j$(JOBS) guests-build

guests-build: $(others:%=$(others_dir)/native/%) $(others:%=$(others_dir)/%.img)

check-guests: guests
	@$(MAKE) --no-print-directory -s $(B)/tests/guest/run_elf
	@scripts/check-guests $(B) $(others_dir) $(others)

$(others_src)/%/.unpacked:
	@rm -rf $(@D)
	scripts/debian-source $* $(@D)
	@touch $@

$(lua_ready): $(others_src)/lua5.4/.unpacked
	@mkdir -p $(@D)
	echo '#define DEB_HOST_MULTIARCH "none"' > $@

# The single file that SQLite's authors recommend to compile, made as they make it.
$(sqlite_ready): $(others_src)/sqlite3/.unpacked
	@mkdir -p $(@D)
	cd $(@D) && MAKEFLAGS= make -s -f ../src/sqlite3/main.mk TOP=../src/sqlite3 BCC=gcc TCC=gcc EXE= NAWK=awk \
	  sqlite3.c >log 2>&1 || { tail -n 20 log >&2; exit 1; }

# others_compile NAME COMPILER: the program's own files, whose warnings are not ours to mend, into an archive.
define others_compile
	@rm -rf $(@D)
	@mkdir -p $(@D)
	for source in $($(1)_sources); do \
	  $(2) -w $($(1)_flags) -c $$source -o $(@D)/$$(basename $$source .c).o || exit 1; \
	done
	ar rcs $@ $(@D)/*.o
endef

define others_rules
$(others_dir)/native-lib/$(1)/lib.a: $(others_src)/$($(1)_package)/.unpacked $($(1)_ready) guest/others/others.mk
	$$(call others_compile,$(1),$$(others_native))

$(others_dir)/guest-lib/$(1)/lib.a: $(others_src)/$($(1)_package)/.unpacked $($(1)_ready) guest/others/others.mk \
    guest/sdk.sh
	$$(call others_compile,$(1),$$(others_guest))

$(others_dir)/native/$(1): guest/others/$(1).c $($(1)_texts) $(others_dir)/native-lib/$(1)/lib.a
	@mkdir -p $$(@D)
	$$(others_native) -Wall -Wextra $$($(1)_flags) -Wl,--gc-sections,--no-warnings -o $$@ $$< $$(filter %.a,$$^) -lm

$(others_dir)/$(1).img: guest/others/$(1).c $($(1)_texts) $(others_dir)/guest-lib/$(1)/lib.a $(cli) $(guest_sdk) \
    $(guest_libc)
	$$(others_guest) -Wall -Wextra $$($(1)_flags) --elf $$(@:.img=.elf) -o $$@ $$< $$(filter $(others_dir)/%.a,$$^)
endef
$(foreach name,$(others),$(eval $(call others_rules,$(name))))
