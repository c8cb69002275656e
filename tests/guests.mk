# What tests need besides their sources. For the linker: the instruction tests as ELF files, the generator of random RISC-V
# programs, the driver that runs ELF files as guests (`make check` needs $(link_tests)); and the model of the VM. Included by
# the top Makefile.
isa_groups := i m a c b own trap
isa_elves := $(foreach g,$(isa_groups),$(B)/tests/riscv/$(g).elf $(B)/tests/riscv/$(g).norelax.elf)
link_tests := $(isa_elves) $(isa_groups:%=$(B)/tests/riscv/%.names) \
  $(B)/tests/random/rv_random $(B)/tests/random/guest_batch
isa_target := --target=riscv64-unknown-elf -march=rv64emac_zbb -mabi=lp64e

.PHONY: csmith-guests random-guests
csmith-guests:
	@scripts/deps all
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(B)/tests/random/guest_batch
	@scripts/csmith-guests --build $(B) --keep $(B)/csmith-failures $(COUNT) 1 $(JOBS)

random-guests:
	@scripts/deps check
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(B)/tests/random/guest_batch $(B)/tests/random/rv_random
	@scripts/random-guests --build $(B) --keep $(B)/random-failures $(COUNT)

$(B)/tests/random/rv_random: $(B)/obj/tests/random/rv_random.o
	@mkdir -p $(@D)
	$(CC) $(flags) -o $@ $^

$(B)/tests/riscv/isa_tests: $(patsubst %,$(B)/obj/tests/riscv/%.o,isa_tests isa_forms isa_groups)
	@mkdir -p $(@D)
	$(CC) $(flags) -o $@ $^

$(B)/tests/riscv/%.names: $(B)/tests/riscv/isa_tests
	$< $* --names > $@

$(B)/tests/riscv/%.S: $(B)/tests/riscv/isa_tests
	$< $* > $@

$(B)/tests/riscv/%.norelax.o: $(B)/tests/riscv/%.S
	$(or $(JAVM_CLANG),clang-19) $(isa_target) -mno-relax -c -o $@ $<

$(B)/tests/riscv/%.o: $(B)/tests/riscv/%.S
	$(or $(JAVM_CLANG),clang-19) $(isa_target) -c -o $@ $<

$(B)/tests/riscv/%.elf: $(B)/tests/riscv/%.o tests/riscv/isa.ld
	$(or $(JAVM_LLD),ld.lld-19) --emit-relocs -T tests/riscv/isa.ld -e run_test -o $@ $<

check-build: $(link_tests) $(guest_sdk) $(guest_libc)

# The model of the driver's rules, and the scripts that are run on it and on the library.
model_obj := $(patsubst tests/%.c,$(B)/obj/tests/%.o,$(wildcard tests/model/*.c))

.PHONY: model-scripts
model-scripts:
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(B)/tests/random/model_scripts
	@$(B)/tests/random/model_scripts $(COUNT)

$(B)/tests/random/model_scripts: $(B)/obj/tests/random/model_scripts.o $(B)/obj/tests/support/engine.o $(model_obj) $(lib)
	@mkdir -p $(@D)
	$(CC) $(flags) -o $@ $^ $(libs)

$(B)/fuzz/replay_script: $(B)/obj/fuzz/fuzz_script.o $(B)/obj/fuzz/replay.o $(model_obj) $(lib)
	@mkdir -p $(@D)
	$(CC) $(flags) -o $@ $^ $(libs)

$(B)/fuzz/fuzz_script: $(B)/obj/fuzz/fuzz_script.o $(model_obj) $(lib)
	@mkdir -p $(@D)
	$(CC) $(flags) -fsanitize=fuzzer -o $@ $^ $(libs)

check-build: $(B)/tests/random/model_scripts
