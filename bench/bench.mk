# The workloads in bench/guests by all ways; bench/workloads.c runs them, and bench/predecode.c compiles two programs of
# others besides. Included by the Makefile after the guest SDK and guest/others. Native means gcc -O2, whatever compiles
# the rest; the other ways need clang-19 and lld-19.

bench_dir := $(B)/bench-guests
bench_names := fib sort sieve host_calls blake2b keccak ed25519 secp256k1
bench_native := $(bench_names:%=$(bench_dir)/%.o)
bench_images := $(bench_names:%=$(bench_dir)/%.img)
bench_wasm := $(bench_names:%=$(bench_dir)/%.wasm)
bench_rv64 := $(bench_names:%=$(bench_dir)/%.rv64)
bench_others := $(addprefix $(others_dir)/,lua.img sqlite.img)
bench_all := $(bench_native) $(bench_images) $(bench_wasm) $(bench_rv64)
bench_has_clang := $(and $(shell command -v clang-19),$(shell command -v ld.lld-19))

bench_sodium := $(others_src)/libsodium/src/libsodium
bench_flags := -std=c11 -O2 -Wall -Wextra -Wpedantic $(if $(WERROR),-Werror) $(addprefix -isystem ,\
  $(bench_sodium)/include/sodium $(bench_sodium)/include $(bench_sodium) $(others_src)/libsecp256k1)
# Where there is no libc. What a workload does not use of a library is left out.
bench_bare := $(bench_flags) -nostdlibinc -isystem bench/guests/libc -ffunction-sections -fdata-sections
bench_link := -nostdlib -Wl,--gc-sections
bench_wasm_target := --target=wasm32
bench_rv64_target := --target=riscv64-unknown-elf -march=rv64gc -mabi=lp64d -mno-strict-align

$(B)/bench: private libs += -lm
$(B)/bench: $(bench_native) | $(if $(bench_has_clang),$(bench_images) $(bench_wasm) $(bench_rv64) $(bench_others))

$(bench_all): $(wildcard bench/guests/*.h bench/guests/libc/*.h) bench/bench.mk
$(filter $(bench_dir)/ed25519.%,$(bench_all)): $(others_src)/libsodium/.unpacked
$(filter $(bench_dir)/secp256k1.%,$(bench_all)): $(others_src)/libsecp256k1/.unpacked

# Only the workload itself is visible, under a name of its own: the libraries' names occur in libsodium, too.
$(bench_native): $(bench_dir)/%.o: bench/guests/%.c
	@mkdir -p $(@D)
	gcc $(bench_flags) -Dworkload=native_$* -c -o $@ $<
	objcopy --keep-global-symbol=native_$* $@

$(bench_images): $(bench_dir)/%.img: bench/guests/%.c bench/guests/guest.c $(cli) $(guest_sdk) $(wildcard guest/javm*)
	@mkdir -p $(@D)
	JAVM=$(cli) guest/javm-cc $(bench_bare) -o $@ $(filter bench/%.c,$^)

$(bench_wasm): $(bench_dir)/%.wasm: bench/guests/%.c $(bench_dir)/libc-wasm.o
	clang-19 $(bench_wasm_target) $(bench_bare) $(bench_link),--no-entry,--export=workload,-z,stack-size=1048576 \
	  -o $@ $(filter %.c %.o,$^)

$(bench_rv64): $(bench_dir)/%.rv64: bench/guests/%.c bench/guests/rv64.c $(bench_dir)/libc-rv64.o
	clang-19 $(bench_rv64_target) $(bench_bare) $(bench_link) -fuse-ld=lld-19 -static -o $@ $(filter %.c %.o,$^)

$(bench_dir)/libc-%.o: bench/guests/libc.c bench/bench.mk
	@mkdir -p $(@D)
	clang-19 $(bench_$*_target) $(bench_bare) -fno-builtin -c -o $@ $<
