# The example guests in C and C++: build/guest/examples/NAME.img, with the linker of this build. `make check` runs them
# by tests/test_guest_examples.c and expected.txt. Included by the top Makefile.

guest_examples_dir := $(B)/guest/examples
guest_examples := $(patsubst guest/examples/%,$(guest_examples_dir)/%.img,$(basename $(wildcard guest/examples/*.c \
  guest/examples/*.cc)))
guest_examples_cc = JAVM='$(cli)' guest/javm-cc -g -O2 -Wall -Wextra -Wpedantic $(if $(WERROR),-Werror) \
  -I $(guest_examples_dir)
guest_examples_need := guest/javm-cc guest/sdk.sh guest/javm.h guest/javm.ld $(guest_sdk) $(cli) \
  $(wildcard guest/examples/*.h)

.PHONY: guest-examples
guest-examples: $(guest_examples)
check-build: $(guest_examples)

$(guest_examples_dir)/%.img: guest/examples/%.c $(guest_examples_need)
	@mkdir -p $(@D)
	$(guest_examples_cc) -std=c11 -o $@ $<

$(guest_examples_dir)/%.img: guest/examples/%.cc $(guest_examples_need)
	@mkdir -p $(@D)
	$(guest_examples_cc) -std=c++17 -o $@ $<

# Images that others carry.
$(guest_examples_dir)/ledger.img: $(guest_examples_dir)/purse.img
$(guest_examples_dir)/bank.img: $(guest_examples_dir)/ledger.img $(guest_examples_dir)/purse.img
$(guest_examples_dir)/parent.img: $(guest_examples_dir)/child.img
$(guest_examples_dir)/watch.img: $(guest_examples_dir)/progress.img
$(guest_examples_dir)/lender.img: $(guest_examples_dir)/purse.img
$(guest_examples_dir)/town.img: $(patsubst %,$(guest_examples_dir)/%.img,ledger purse wallet lender)
$(guest_examples_dir)/supervisor.img: $(guest_examples_dir)/job.img
