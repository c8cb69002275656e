# Guests in Rust. Included by the top Makefile, after guest/guest.mk. Needs rustc-web, rust-web-src and lld-19
# (scripts/deps); the library is built once, in 20 s.

rust_libs := $(guest_build)/rust/libjavm.rlib
rust_examples := $(patsubst guest/examples/%.rs,$(guest_build)/examples/%.img,$(wildcard guest/examples/*.rs))
rust_images := $(rust_examples) $(guest_build)/tests/rust_checks.img
rust_needs := $(rust_libs) $(guest_sdk) $(cli) guest/javm.ld

.PHONY: guest-rust install-guest-rust
guest-rust: $(rust_images)
check-build: $(rust_images)

$(rust_libs): guest/rust/javm-rustc guest/rust/riscv64e-javm.json guest/sdk.sh $(wildcard guest/rust/javm/*.rs)
	guest/rust/javm-rustc --build-libs
	@touch $@

$(rust_examples): $(guest_build)/examples/%.img: guest/examples/%.rs $(rust_needs)
	@mkdir -p $(@D)
	JAVM=$(cli) guest/rust/javm-rustc -g $< -o $@

# A part of install-guest where the library has been built. libjavm.rlib comes last: it must be newer than its sources.
rust_dir = $(DESTDIR)$(PREFIX)/lib/javm-guest/rust
install-guest-rust: $(rust_libs)
	install -d $(rust_dir)/javm $(DESTDIR)$(PREFIX)/bin
	install -m 755 guest/rust/javm-rustc $(rust_dir)
	install -m 644 guest/rust/javm/*.rs $(rust_dir)/javm
	install -m 644 guest/rust/riscv64e-javm.json $(guest_build)/rust/made_by $(guest_build)/rust/*.rlib $(rust_dir)
	touch $(rust_dir)/libjavm.rlib
	ln -sf ../lib/javm-guest/rust/javm-rustc $(DESTDIR)$(PREFIX)/bin/javm-rustc

# It has the example in it.
$(guest_build)/tests/rust_checks.img: tests/guest/rust_checks.rs $(guest_build)/examples/queue.img $(rust_needs)
	@mkdir -p $(@D)
	JAVM=$(cli) GUESTS=$(abspath $(guest_build)/examples) guest/rust/javm-rustc -g $< -o $@
